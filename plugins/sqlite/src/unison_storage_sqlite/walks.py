"""Walks through the graph, frontier by frontier: neighbours, traversals, shortest paths. Nothing is changed here.

SQLite follows the edges of a whole frontier in one statement; which nodes were seen is kept in a set of numbers. So a
circle is walked once, however deep a walk may go, where one recursive statement would walk it again at each depth.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Final

from msgspec import Struct

from unison_storage.contracts.graph import Neighbors, Route, Traversal
from unison_storage.values import Direction, Edge, Neighbor, Node, Path, Reached, Walk
from unison_storage_sqlite import graph_statements
from unison_storage_sqlite.graph_rows import (
    decode_all_properties,
    decode_numbers,
    decode_persons,
    decode_properties,
    decode_texts,
    encoded,
    numbers,
    place,
)

_PART: Final = 1_000
"""How many nodes of a frontier one statement takes."""
_POSITION: Final = ("after_type", "after_label", "after_id", "after_key", "after_way")
_START: Final = ("",) * len(_POSITION)
_HOPS: Final = (graph_statements.HOPS, graph_statements.HOPS_OF_TYPES)
_LINKS: Final = (graph_statements.LINKS, graph_statements.LINKS_OF_TYPES)
_REVERSED: Final[dict[Direction, Direction]] = {"out": "in", "in": "out", "both": "both"}


class Levels(Struct, frozen=True):
    """What a traversal reached: how many nodes there are at each depth, and their columns as JSON, in that order."""

    sizes: Sequence[int]
    columns: tuple[str, str, str, str]
    cut: bool


def neighbors(database: sqlite3.Connection, now: int, asked: Sequence[Neighbors]) -> list[list[Neighbor]]:  # noqa: ARG001 - see Step
    """Answer each question with one page."""
    return [_page(database, one) for one in asked]


def traverse(database: sqlite3.Connection, now: int, traversals: Sequence[Traversal]) -> list[Levels]:  # noqa: ARG001 - see Step
    """Walk each traversal; ``walk`` makes records of what it reached."""
    with _snapshot(database):
        return [_levels(database, traversal) for traversal in traversals]


def walk(levels: Levels) -> Walk:
    """Return the records of a traversal. Called in the loop's thread, while the worker is at the next one."""
    labels, ids, properties, persons = _columns(levels.columns)
    reached: list[Reached] = []
    for depth, size in enumerate(levels.sizes, 1):
        start = len(reached)
        places = _in_order(labels, ids, start, start + size)
        reached += [Reached(labels[at], ids[at], depth, properties[at], persons[at]) for at in places]
    return Walk(tuple(reached), levels.cut)


def _in_order(labels: Sequence[str], ids: Sequence[str], start: int, end: int) -> list[int]:
    """Return the places from ``start`` to ``end`` by label and id."""
    # texts compare several times as fast as pairs of them
    one_label = len(set(labels[start:end])) == 1
    return sorted(range(start, end), key=ids.__getitem__ if one_label else lambda at: (labels[at], ids[at]))


def shortest_path(database: sqlite3.Connection, now: int, routes: Sequence[Route]) -> list[Path | None]:  # noqa: ARG001 - see Step
    """Seek a path for each route."""
    with _snapshot(database):
        return [_path(database, route) for route in routes]


@contextmanager
def _snapshot(database: sqlite3.Connection) -> Iterator[None]:
    """Let several statements see one state of the file, whatever another process writes meanwhile."""
    database.execute("BEGIN")
    try:
        yield
    finally:
        if database.in_transaction:  # SQLite may have ended it where the disk failed
            database.execute("ROLLBACK")


def _page(database: sqlite3.Connection, asked: Neighbors) -> list[Neighbor]:
    space, label, id = place(asked.start)
    question = {
        "space": space,
        "label": label,
        "id": id,
        "direction": asked.direction,
        "types": encoded(asked.types),
        "labels": None if asked.labels is None else encoded(asked.labels),
        "limit": asked.limit,
        **dict(zip(_POSITION, asked.after or _START, strict=True)),
    }
    statement = graph_statements.NEIGHBORS if asked.types is None else graph_statements.NEIGHBORS_OF_TYPES
    rows = database.execute(statement, question).fetchall()
    page = []
    for type, *end, key, way, of_node, person_of_node, of_edge, person_of_edge in rows:
        other = (end[0], end[1])
        source, target = (asked.start, other) if way == "out" else (other, asked.start)
        node = Node(*other, decode_properties(of_node), person_of_node)
        page.append(Neighbor(node, Edge(type, source, target, key, decode_properties(of_edge), person_of_edge)))
    return page


def _levels(database: sqlite3.Connection, traversal: Traversal) -> Levels:
    frontier: Collection[int] = set(numbers(database, traversal.starts).values())
    seen = set(frontier)
    levels: list[Collection[int]] = []
    room = traversal.max_nodes
    for _ in range(traversal.max_depth):
        hops = _followed(database, _HOPS, frontier, traversal.direction, traversal.types)
        frontier = {node for [column] in hops for node in decode_numbers(column)} - seen
        if not frontier:
            break
        seen |= frontier
        levels.append(frontier)
        room -= len(frontier)
        if room < 0:
            kept = (encoded(list(frontier)), len(frontier) + room)
            levels[-1] = decode_numbers(database.execute(graph_statements.NODES_FIRST, kept).fetchone()[0])
            break
    reached = encoded([node for level in levels for node in level])
    columns = database.execute(graph_statements.NODES_COLUMNS, (reached,)).fetchone()
    return Levels([len(level) for level in levels], columns, room < 0)


def _followed(
    database: sqlite3.Connection,
    statements: Sequence[str],
    frontier: Collection[int],
    direction: Direction,
    types: Sequence[str] | None,
) -> Iterator[tuple[str, ...]]:
    """Yield rows of columns for what lies one edge away from a frontier."""
    statement, of_types, ahead = statements[types is not None], encoded(types), list(frontier)
    for start in range(0, len(ahead), _PART):
        part = encoded(ahead[start : start + _PART])
        yield database.execute(statement, {"frontier": part, "direction": direction, "types": of_types}).fetchone()


def _columns(columns: tuple[str, str, str, str]) -> tuple[list[str], list[str], list[dict[str, Any]], list[str | None]]:
    labels, ids, properties, persons = columns
    return decode_texts(labels), decode_texts(ids), decode_all_properties(properties), decode_persons(persons)


class _Side:
    """What is known from one end of a route: for each node, the edge and the node through which it was reached."""

    def __init__(self, end: int, direction: Direction) -> None:
        self.direction = direction
        self.came: dict[int, tuple[int, int] | None] = {end: None}
        self.frontier = [end]

    def advance(self, database: sqlite3.Connection, types: Sequence[str] | None) -> None:
        frontier: list[int] = []
        for columns in _followed(database, _LINKS, self.frontier, self.direction, types):
            for before, edge, node in zip(*map(decode_numbers, columns), strict=True):
                if node not in self.came:
                    self.came[node] = (edge, before)
                    frontier.append(node)
        self.frontier = frontier

    def back(self, node: int) -> tuple[list[int], list[int]]:
        """Return the nodes and edges from a node back to the end, without that node."""
        nodes: list[int] = []
        edges: list[int] = []
        while (step := self.came[node]) is not None:
            edge, node = step
            edges.append(edge)
            nodes.append(node)
        return nodes, edges


def _path(database: sqlite3.Connection, route: Route) -> Path | None:
    ends = numbers(database, (route.source, route.target))
    source, target = ends.get(route.source), ends.get(route.target)
    if source is None or target is None:
        return None
    if source == target:
        return _records(database, [source], [])
    sides = _Side(source, route.direction), _Side(target, _REVERSED[route.direction])
    for _ in range(route.max_depth):
        # whole levels, so that where the sides meet first no shorter way is left
        side, other = sorted(sides, key=lambda side: len(side.frontier))
        side.advance(database, route.types)
        for node in side.frontier:
            if node in other.came:
                (before, first), (after, last) = (one.back(node) for one in sides)
                return _records(database, [*reversed(before), node, *after], [*reversed(first), *last])
        if not side.frontier:
            break
    return None


def _records(database: sqlite3.Connection, nodes: Sequence[int], edges: Sequence[int]) -> Path:
    columns = database.execute(graph_statements.NODES_COLUMNS, (encoded(nodes),)).fetchone()
    there = [Node(*row) for row in zip(*_columns(columns), strict=True)]
    types, sources, keys, properties, persons = database.execute(
        graph_statements.EDGES_COLUMNS, (encoded(edges),)
    ).fetchone()
    rows = zip(
        *(decode_texts(types), decode_numbers(sources), decode_texts(keys)),
        *(decode_all_properties(properties), decode_persons(persons)),
        strict=True,
    )
    between = []
    for (type, source, key, held, person), start, (one, two) in zip(rows, nodes, pairwise(there), strict=False):
        first, second = (one, two) if source == start else (two, one)
        between.append(Edge(type, first.ref, second.ref, key, held, person))
    return Path(tuple(there), tuple(between))
