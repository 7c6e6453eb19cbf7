"""Walks through the graph: neighbours, traversals, shortest paths. Their SQL stands in ``walk_statements``."""

from __future__ import annotations

from asyncio import gather
from collections.abc import Hashable, Sequence
from itertools import chain, pairwise
from operator import attrgetter
from typing import Final

from unison_storage.contracts.backend import Outcome
from unison_storage.contracts.graph import Neighbors, Route, Space, Traversal, space_of
from unison_storage.values import Edge, Neighbor, Node, NodeRef, Path, Reached, Walk
from unison_storage_postgres import walk_statements
from unison_storage_postgres.graph_rows import beside, cursor, decode_properties, first_segment, place, places
from unison_storage_postgres.pool import Run

_START: Final = ("",) * 5
_order: Final = attrgetter("depth", "label", "id")


async def neighbors(run: Run, asked: Sequence[Neighbors]) -> list[Outcome[list[Neighbor]]]:
    """Answer each question with one page."""
    alike: dict[Hashable, list[int]] = {}
    for number, one in enumerate(asked):
        alike.setdefault((one.direction, one.types, one.labels, one.limit), []).append(number)
    pages: list[list[Neighbor]] = [[] for _ in asked]
    await gather(*(_fill(run, asked, numbers, pages) for numbers in alike.values()))
    return list(pages)


async def _fill(run: Run, asked: Sequence[Neighbors], numbers: Sequence[int], pages: Sequence[list[Neighbor]]) -> None:
    """Fill the pages of questions that are asked alike."""
    questions = [asked[number] for number in numbers]
    starts = [question.start for question in questions]
    space_and_more = places(starts)
    after = [_position(question) for question in questions]
    first = questions[0]
    rows = await run(
        walk_statements.NEIGHBORS,
        (
            *space_and_more,
            *map(list, zip(*after, strict=True)),
            first.direction,
            first.types,
            first.labels,
            first.limit,
        ),
    )
    for at, type, label, id, key, way, of_node, person_of_node, of_edge, person_of_edge in rows:
        start = starts[at - 1]
        other = (label, space_and_more[1][at - 1] + id)
        source, target = (start, other) if way == "out" else (other, start)
        node = Node(*other, decode_properties(of_node), person_of_node)
        edge = Edge(type, source, target, key, decode_properties(of_edge), person_of_edge)
        pages[numbers[at - 1]].append(Neighbor(node, edge))


def _position(question: Neighbors) -> tuple[str, ...]:
    if question.after is None:
        return _START
    type, label, id, key, way = question.after
    return type, label, cursor(id, space_of(question.start[1])), key, way


async def traverse(run: Run, traversal: Traversal) -> Walk:
    """Return what can be reached. Nothing leads from one space to another, so each one is walked by itself."""
    spaces: dict[Space, list[NodeRef]] = {}
    for start in traversal.starts:
        spaces.setdefault(space_of(start[1]), []).append(start)
    walked = await gather(*(_reached(run, traversal, space, starts) for space, starts in spaces.items()))
    reached = walked[0] if len(walked) == 1 else sorted(chain(*walked), key=_order)
    return Walk(tuple(reached[: traversal.max_nodes]), cut=len(reached) > traversal.max_nodes)


async def _reached(run: Run, traversal: Traversal, space: Space, starts: Sequence[NodeRef]) -> list[Reached]:
    """Return what can be reached in one space, and one node too many where something is to be left out."""
    _, _, labels, ids = places(starts)
    rows = await run(
        walk_statements.TRAVERSE,
        (
            *(first_segment(space), space, labels, ids, traversal.direction, traversal.types),
            *(traversal.max_depth, traversal.max_nodes),
        ),
    )
    return [
        Reached(label, space + id, depth, decode_properties(properties), person)
        for label, id, depth, properties, person in rows
    ]


async def shortest_path(run: Run, route: Route) -> Path | None:
    """Seek a path. Nothing leads from one space to another."""
    segment, space, *source = place(route.source)
    target = beside(route.target, route.source)
    rows = await run(
        walk_statements.SHORTEST_PATH,
        (segment, space, *source, *target, route.direction, route.types, route.max_depth),
    )
    if not rows:
        return None
    nodes = tuple(Node(label, space + id, decode_properties(held), person) for label, id, held, person, *_ in rows)
    edges = []
    for (*_, type, key, ahead, held, person), (one, two) in zip(rows, pairwise(nodes), strict=False):
        first, second = (one, two) if ahead else (two, one)
        edges.append(Edge(type, first.ref, second.ref, key, decode_properties(held), person))
    return Path(nodes, tuple(edges))
