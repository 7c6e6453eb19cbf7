"""Walks: what is beside a node, what can be reached from one, and how. The search is the server's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from unison_storage.contracts.backend import Outcome
from unison_storage.contracts.graph import Neighbors, Route, Traversal
from unison_storage.values import EdgeRef, Neighbor, NodeRef, Path, Reached, Walk
from unison_storage_neo4j import graph_rows
from unison_storage_neo4j.session import Run, settled
from unison_storage_neo4j.statements import beside, labelled, walking

_PART: Final = "\x01"
"""What stands between the parts of a place, and sorts before whatever stands in one."""


async def neighbors(run: Run, asked: Sequence[Neighbors]) -> list[Outcome[list[Neighbor]]]:
    """See the contract. Questions that differ in their node and their place alone are one statement."""
    answers: list[Outcome[list[Neighbor]]] = [[] for _ in asked]
    alike: dict[Any, list[int]] = {}
    for at, one in enumerate(asked):
        alike.setdefault((one.start[0], one.direction, one.types, one.labels, one.limit), []).append(at)
    for (label, direction, types, labels, limit), places in alike.items():
        rows = [[at, asked[at].start[1], _place(asked[at])] for at in places]
        parameters = {"rows": rows, "types": _list(types), "labels": _list(labels), "limit": limit, "part": _PART}
        for at, found in await settled(run, beside(label, direction), parameters):
            answers[at] = [_neighbor(asked[at].start, one) for one in found]
    return answers


async def traverse(run: Run, traversal: Traversal) -> Walk:
    """See the contract. Starts of one label are one statement.

    Whatever is among the first of all is among the first from its own starts, so no statement returns more.
    """
    most = traversal.max_nodes + 1
    found: dict[NodeRef, Reached] = {}
    by_label: dict[str, list[str]] = {}
    for label, id in traversal.starts:
        by_label.setdefault(label, []).append(id)
    parameters = {"types": _list(traversal.types), "starts": [list(ref) for ref in traversal.starts], "limit": most}
    for label, ids in by_label.items() if traversal.max_depth > 0 else ():
        name = "walk" if len(ids) == 1 else "walk_from_several"
        walk = walking(name, label, label, traversal.direction, traversal.max_depth)
        for reached, depth, properties in await settled(run, walk, {**parameters, "ids": ids}):
            node = graph_rows.node(reached, properties)
            if node.ref not in found or depth < found[node.ref].depth:
                found[node.ref] = Reached(reached, node.id, depth, node.properties, node.person)
    if len(by_label) > 1:
        found = dict(sorted(found.items(), key=lambda item: (item[1].depth, item[0])))
    return Walk(tuple(found.values())[: traversal.max_nodes], cut=len(found) >= most)


async def shortest_path(run: Run, route: Route) -> Path | None:
    """See the contract. One statement; the server's search refuses to look for a way from a node to itself."""
    (source, start), (target, end) = route.source, route.target
    if route.source == route.target:
        same = await run(labelled("nodes_get", source), {"rows": [{"at": 0, "id": start}]})
        return Path((graph_rows.node(source, same[0][1]),), ()) if same and same[0][1] else None
    if route.max_depth < 1:
        return None
    parameters = {"source": start, "target": end, "types": _list(route.types)}
    statement = walking("shortest_path", source, target, route.direction, route.max_depth)
    found = await run(statement, parameters)
    if found is None:
        return None
    nodes = [graph_rows.node(label, properties) for label, properties in found[0]]
    edges = []
    for at, (type_, properties, forward) in enumerate(found[1]):
        ends = (nodes[at].ref, nodes[at + 1].ref) if forward else (nodes[at + 1].ref, nodes[at].ref)
        edges.append(graph_rows.edge(EdgeRef(type_, *ends, properties.get("key", "")), properties))
    return Path(tuple(nodes), tuple(edges))


def _place(asked: Neighbors) -> str | None:
    return None if asked.after is None else _PART.join(asked.after)


def _neighbor(start: NodeRef, found: Sequence[Any]) -> Neighbor:
    type_, key, way, of_edge, label, of_node = found
    node = graph_rows.node(label, of_node)
    source, target = (start, node.ref) if way == "out" else (node.ref, start)
    return Neighbor(node, graph_rows.edge(EdgeRef(type_, source, target, key), of_edge))


def _list(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(names)
