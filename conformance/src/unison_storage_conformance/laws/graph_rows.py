"""What laws of the graph ask of nodes and edges. No law stands here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unison_storage.contracts.graph import GraphBackend, Neighbors, Route, Search, Traversal
from unison_storage.values import Direction, Edge, EdgeRef, Node, NodeRef
from unison_storage_conformance.ground import Ground
from unison_storage_conformance.outcomes import value

Graph = Ground[GraphBackend]
LABEL = "Device"
TYPE = "OWNS"


async def nodes(ground: Graph, *made: Node) -> list[bool]:
    """Upsert nodes that have to be taken, and return what that answers."""
    return [bool(value(one, "an upsert of a node")) for one in await ground.backend.upsert_nodes(list(made))]


async def edges(ground: Graph, *made: Edge) -> list[bool]:
    """Upsert edges that have to be taken, and return what that answers."""
    return [bool(value(one, "an upsert of an edge")) for one in await ground.backend.upsert_edges(list(made))]


async def node(ground: Graph, ref: NodeRef) -> Node | None:
    """Return one node."""
    [found] = await ground.backend.get_nodes([ref])
    one: Node | None = value(found, "a get of a node")
    return one


async def edge(ground: Graph, ref: EdgeRef) -> Edge | None:
    """Return one edge."""
    [found] = await ground.backend.get_edges([ref])
    one: Edge | None = value(found, "a get of an edge")
    return one


def many(space: str, *ids: str, label: str = LABEL) -> list[Node]:
    """Return nodes of one label in a space."""
    return [Node(label, space + id) for id in ids]


def joined(space: str, *pairs: tuple[str, str], type: str = TYPE, label: str = LABEL) -> list[Edge]:
    """Return edges between nodes of one label in a space."""
    return [Edge(type, (label, space + source), (label, space + target)) for source, target in pairs]


async def beside(
    ground: Graph, start: NodeRef, direction: Direction = "out", *, limit: int = 1_000, after: Any = None, **more: Any
) -> list[Any]:
    """Return the neighbours of a node: type, label, id without space, key and direction of each."""
    asked = Neighbors(start, direction, more.get("types"), more.get("labels"), after, limit)
    [found] = await ground.backend.neighbors([asked])
    return [position(start, one) for one in value(found, "neighbours")]


def position(start: NodeRef, found: Any) -> tuple[str, str, str, str, str]:
    """Return where a neighbour stands."""
    way = "out" if found.edge.source == start else "in"
    return found.edge.type, found.node.label, found.node.id, found.edge.key, way


async def reached(
    ground: Graph,
    starts: Sequence[NodeRef],
    direction: Direction = "out",
    *,
    types: Any = None,
    depth: int = 100,
    most: int = 10_000,
) -> tuple[list[tuple[int, str, str]], bool]:
    """Return what a traversal reaches (depth, label, id), and whether it was cut."""
    walk = await ground.backend.traverse(Traversal(tuple(starts), direction, types, depth, most))
    return [(one.depth, one.label, one.id) for one in walk.nodes], walk.cut


async def length(
    ground: Graph,
    source: NodeRef,
    target: NodeRef,
    direction: Direction = "out",
    *,
    types: Any = None,
    depth: int = 100,
) -> int | None:
    """Return how long a shortest path is that holds together; ``None`` where there is none."""
    path = await ground.backend.shortest_path(Route(source, target, direction, types, depth))
    if path is None:
        return None
    value(path, "a path")
    return path.length


async def sought(
    ground: Graph, space: str, label: str = LABEL, where: Mapping[str, Any] | None = None, **more: Any
) -> list[str]:
    """Return the ids that a search finds."""
    search = Search(space, label, dict(where or {}), more.get("after", ""), more.get("limit", 1_000))
    return [one.id for one in await ground.backend.find_nodes(search)]
