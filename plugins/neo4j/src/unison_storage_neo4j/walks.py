"""Walks: what is beside a node, what can be reached from one, and how. A hop is a statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from unison_storage.contracts.backend import Outcome
from unison_storage.contracts.graph import Neighbors, Route, Traversal
from unison_storage.values import Edge, EdgeRef, Neighbor, Node, NodeRef, Path, Reached, Walk
from unison_storage_neo4j import graph_rows
from unison_storage_neo4j.session import Run
from unison_storage_neo4j.statements import directed, labelled

_PART: Final = "\x01"
"""What stands between the parts of a place, and sorts before whatever stands in one."""


async def neighbors(run: Run, asked: Sequence[Neighbors]) -> list[Outcome[list[Neighbor]]]:
    """See the contract. Questions about one label are one statement."""
    answers: list[Outcome[list[Neighbor]]] = [[] for _ in asked]
    by_label: dict[str, list[int]] = {}
    for at, one in enumerate(asked):
        by_label.setdefault(one.start[0], []).append(at)
    for label, places in by_label.items():
        rows = [_question(at, asked[at]) for at in places]
        for at, found in await run(labelled("neighbors", label), {"rows": rows, "part": _PART}):
            answers[at] = [_neighbor(asked[at].start, one) for one in found]
    return answers


async def traverse(run: Run, traversal: Traversal) -> Walk:
    """See the contract. Each depth is one statement."""
    frontier = await _starts(run, traversal.starts)
    seen = set(frontier)
    reached: list[Reached] = []
    for depth in range(1, traversal.max_depth + 1):
        if not frontier:
            break
        found = await run(
            directed("hop", traversal.direction), {"ids": list(frontier), "types": _types(traversal.types)}
        )
        new = {
            element: graph_rows.node(label, properties) for element, label, properties in found if element not in seen
        }
        seen |= set(new)
        frontier = new
        for node in sorted(new.values(), key=lambda node: node.ref):
            if len(reached) == traversal.max_nodes:
                return Walk(tuple(reached), cut=True)
            reached.append(Reached(node.label, node.id, depth, node.properties, node.person))
    return Walk(tuple(reached), cut=False)


async def shortest_path(run: Run, route: Route) -> Path | None:
    """See the contract. Each depth is one statement."""
    both = await _starts(run, (route.source, route.target))
    ends = {node.ref: element for element, node in both.items()}
    if route.source not in ends or route.target not in ends:
        return None
    start, target = ends[route.source], ends[route.target]
    nodes = {start: both[start]}
    came: dict[str, tuple[str, Edge]] = {}
    frontier = [start]
    for _ in range(route.max_depth):
        if target in nodes or not frontier:
            break
        parameters = {"ids": frontier, "types": _types(route.types), "seen": list(nodes)}
        frontier = []
        for element, label, properties, (back, type_, of_edge, forward) in await run(
            directed("step", route.direction), parameters
        ):
            node = graph_rows.node(label, properties)
            source, end = (nodes[back].ref, node.ref) if forward else (node.ref, nodes[back].ref)
            came[element] = back, graph_rows.edge(EdgeRef(type_, source, end, of_edge.get("key", "")), of_edge)
            nodes[element] = node
            frontier.append(element)
    return _path(target, nodes, came) if target in nodes else None


def _path(target: str, nodes: Mapping[str, Node], came: Mapping[str, tuple[str, Edge]]) -> Path:
    elements, edges = [target], []
    while elements[-1] in came:
        back, edge = came[elements[-1]]
        elements.append(back)
        edges.append(edge)
    return Path(tuple(nodes[element] for element in reversed(elements)), tuple(reversed(edges)))


async def _starts(run: Run, refs: Sequence[NodeRef]) -> dict[str, Node]:
    """Return the nodes that are there, by the server's names for them."""
    found: dict[str, Node] = {}
    for label in dict.fromkeys(label for label, _ in refs):
        rows = [{"id": id} for of, id in refs if of == label]
        answer = await run(labelled("starts", label), {"rows": rows})
        found |= {element: graph_rows.node(label, properties) for element, _, properties in answer}
    return found


def _question(at: int, asked: Neighbors) -> dict[str, Any]:
    return {
        "at": at,
        "id": asked.start[1],
        "out": asked.direction != "in",
        "in": asked.direction != "out",
        "types": _types(asked.types),
        "labels": _types(asked.labels),
        "after": None if asked.after is None else _PART.join(asked.after),
        "limit": asked.limit,
    }


def _neighbor(start: NodeRef, found: Sequence[Any]) -> Neighbor:
    type_, key, way, of_edge, label, of_node = found
    node = graph_rows.node(label, of_node)
    source, target = (start, node.ref) if way == "out" else (node.ref, start)
    return Neighbor(node, graph_rows.edge(EdgeRef(type_, source, target, key), of_edge))


def _types(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(names)
