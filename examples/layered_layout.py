"""Place the nodes of a directed graph in columns, so that nearly all edges lead to the right and few cross.

The method is K. Sugiyama's (1981): break circles, give each node a column, let long edges pass the columns between,
order each column by the mean place of its neighbours, then straighten. Long edges to one node share their way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import fmean
from typing import NamedTuple

SWEEPS = 24

Node = str
Edge = tuple[Node, Node]


class Waypoint(NamedTuple):
    """Where edges pass a column: all to one target, or one that leads back."""

    target: Node
    back: Node | None
    column: int


Item = Node | Waypoint
Columns = list[list[Item]]
Beside = dict[Item, tuple[dict[Item, None], dict[Item, None]]]
"""What an item is joined to in the column before it and in the one behind; dicts, since sets have no order."""


class Layout(NamedTuple):
    """Columns from left to right, the height of each item's middle, and the items that each edge goes along."""

    columns: Columns
    middles: dict[Item, float]
    routes: dict[Edge, list[Item]]


def layout(nodes: Iterable[Node], edges: Iterable[Edge], room: Callable[[Item], float]) -> Layout:
    """Return where everything goes; ``room`` is the height that an item wants. Edges of a node to itself count not."""
    names = sorted(nodes)
    wanted = sorted(edge for edge in edges if edge[0] != edge[1])
    back = _leading_back(names, wanted)
    forward = [(target, source) if (source, target) in back else (source, target) for source, target in wanted]
    column = _columns(names, sorted(set(forward)))
    routes: dict[Edge, list[Item]] = {}
    beside: Beside = defaultdict(lambda: ({}, {}))
    for edge, (left, right) in zip(wanted, forward, strict=True):
        route: list[Item] = [left]
        route += (Waypoint(right, left if edge in back else None, at) for at in range(column[left] + 1, column[right]))
        route.append(right)
        routes[edge] = route[::-1] if edge in back else route
        for one, other in pairwise(route):
            beside[one][1][other] = beside[other][0][one] = None
    columns: Columns = [[] for _ in range(max(column.values(), default=-1) + 1)]
    for name in names:
        columns[column[name]].append(name)
    for item in beside:
        if isinstance(item, Waypoint):
            columns[item.column].append(item)
    columns = _ordered(columns, beside)
    return Layout(columns, _straightened(columns, beside, room), routes)


def _leading_back(names: Sequence[Node], edges: Sequence[Edge]) -> set[Edge]:
    """Return edges without which there are no circles: those that lead back to where a walk came from."""
    targets: dict[Node, list[Node]] = defaultdict(list)
    needed: dict[Node, int] = defaultdict(int)
    for source, target in edges:
        targets[source].append(target)
        needed[target] += 1
    back: set[Edge] = set()
    done: set[Node] = set()
    for start in sorted(names, key=lambda name: (needed[name], name)):
        on_the_way = {start: iter(targets[start])} if start not in done else {}
        while on_the_way:
            source, rest = next(reversed(on_the_way.items()))
            target = next(rest, "")
            if not target:
                done.add(source)
                del on_the_way[source]
            elif target in on_the_way:
                back.add((source, target))
            elif target not in done:
                on_the_way[target] = iter(targets[target])
    return back


def _columns(names: Sequence[Node], edges: Sequence[Edge]) -> dict[Node, int]:
    """Return a column for each: its longest chain from the left; what nothing leads to stands close to its targets."""
    column = dict.fromkeys(names, 0)
    for _ in names:
        moved = False
        for source, target in edges:
            if column[target] <= column[source]:
                column[target] = column[source] + 1
                moved = True
        if not moved:
            break
    targets = {target for _, target in edges}
    nearest: dict[Node, int] = {}
    for source, target in edges:
        if source not in targets:
            nearest[source] = min(nearest.get(source, column[target]), column[target])
    return column | {source: at - 1 for source, at in nearest.items()}


def _ordered(columns: Columns, beside: Beside) -> Columns:
    best, least = columns, _crossings(columns, beside)
    for sweep in range(SWEEPS):
        side = sweep % 2
        columns = [list(column) for column in columns]
        for at in range(1, len(columns)) if side == 0 else range(len(columns) - 2, -1, -1):
            places = _places(columns[at - 1 if side == 0 else at + 1])
            own = _places(columns[at])
            columns[at].sort(key=lambda item: _mean([places[one] for one in beside[item][side]], own[item]))
        crossings = _crossings(columns, beside)
        if crossings < least:
            best, least = columns, crossings
    return best


def _places(column: Sequence[Item]) -> dict[Item, float]:
    """Return places from 0 to 1, so that those of columns of different length can be compared."""
    return {item: (number + 0.5) / len(column) for number, item in enumerate(column)}


def _mean(values: Sequence[float], otherwise: float) -> float:
    return fmean(values) if values else otherwise


def _crossings(columns: Columns, beside: Beside) -> int:
    found = 0
    for left, right in pairwise(columns):
        places = _places(right)
        ends = [sorted(places[other] for other in beside[item][1]) for item in left]
        seen: list[float] = []
        for end in ends:
            found += sum(before > one for one in end for before in seen)
            seen += end
    return found


def _straightened(columns: Columns, beside: Beside, room: Callable[[Item], float]) -> dict[Item, float]:
    """Return a middle for each item: near those that it is joined to, and clear of those above and below."""
    middles: dict[Item, float] = {}
    for column in columns:
        spread = _spread(column, dict.fromkeys(column, 0.0), room)
        middles |= {item: at - fmean(spread.values()) for item, at in spread.items()}
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wished = {
                item: _mean([middles[one] for side in beside[item] for one in side], middles[item]) for item in column
            }
            middles |= _spread(column, wished, room)
    top = min((at - room(item) / 2 for item, at in middles.items()), default=0)
    return {item: at - top for item, at in middles.items()}


def _spread(column: Sequence[Item], wished: Mapping[Item, float], room: Callable[[Item], float]) -> dict[Item, float]:
    """Return the middles nearest to the wished ones in this order and without overlap, by pooling those in the way."""
    offsets: list[float] = []
    for number, item in enumerate(column):
        offsets.append(offsets[-1] + (room(column[number - 1]) + room(item)) / 2 if number else 0.0)
    pools: list[list[float]] = []
    for item, offset in zip(column, offsets, strict=True):
        pools.append([wished[item] - offset])
        while len(pools) > 1 and fmean(pools[-2]) > fmean(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    starts = [fmean(pool) for pool in pools for _ in pool]
    return {item: start + offset for item, start, offset in zip(column, starts, offsets, strict=True)}
