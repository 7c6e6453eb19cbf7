"""The graph in dicts: as plain as its contract allows, so that other backends can be judged by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from unison_storage.addresses import SEPARATOR
from unison_storage.clock import Clock
from unison_storage.contracts.backend import Durability, Outcome
from unison_storage.contracts.conditions import fits, has_edges, lacks_end, upserted
from unison_storage.contracts.graph import (
    PERSON,
    Edges,
    Flags,
    GraphBackend,
    Neighbors,
    Nodes,
    Position,
    Route,
    Search,
    Space,
    Traversal,
    space_of,
)
from unison_storage.errors import StorageError
from unison_storage.values import (
    Direction,
    Edge,
    EdgeRef,
    GraphStats,
    Health,
    Neighbor,
    Node,
    NodeRef,
    Path,
    Reached,
    Walk,
)

Hop = tuple[EdgeRef, NodeRef, str]
"""An edge, the node at its other end, and whether it was followed ``in`` or ``out``."""


class ReferenceGraph(GraphBackend):
    """A graph of this process, gone with it."""

    name: ClassVar[str] = "reference"
    durability: ClassVar[Durability] = Durability.PROCESS
    production_ready: ClassVar[bool] = False

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._nodes: dict[NodeRef, Node] = {}
        self._edges: dict[EdgeRef, Edge] = {}
        # the edges of each node, by the end at which it stands; a dict keeps their order as a set would not
        self._out: dict[NodeRef, dict[EdgeRef, None]] = {}
        self._in: dict[NodeRef, dict[EdgeRef, None]] = {}

    async def health(self) -> Health:
        """Return that all is well: there is no server to ask."""
        detail = f"{len(self._nodes)} nodes and {len(self._edges)} edges in this process"
        return Health(ok=True, detail=detail, seconds=0.0)

    async def now(self) -> int:
        """Return the time of the clock it was given."""
        return self._clock.now()

    async def upsert_nodes(self, nodes: Sequence[Node]) -> Flags:
        """See the contract."""
        return [self._upsert_node(node) for node in nodes]

    async def upsert_edges(self, edges: Sequence[Edge]) -> Flags:
        """See the contract."""
        return [self._upsert_edge(edge) for edge in edges]

    async def get_nodes(self, refs: Sequence[NodeRef]) -> Nodes:
        """See the contract."""
        return [_own_node(self._nodes[ref]) if ref in self._nodes else None for ref in refs]

    async def get_edges(self, refs: Sequence[EdgeRef]) -> Edges:
        """See the contract."""
        return [_own_edge(self._edges[ref]) if ref in self._edges else None for ref in refs]

    async def delete_nodes(self, refs: Sequence[NodeRef], detach: bool) -> Flags:  # noqa: FBT001 - see the contract
        """See the contract."""
        return [self._delete_node(ref, detach=detach) for ref in refs]

    async def delete_edges(self, refs: Sequence[EdgeRef]) -> Flags:
        """See the contract."""
        return [self._drop_edge(ref) for ref in refs]

    async def neighbors(self, asked: Sequence[Neighbors]) -> list[Outcome[list[Neighbor]]]:
        """See the contract."""
        return [self._neighbors(one) for one in asked]

    async def traverse(self, traversal: Traversal) -> Walk:
        """See the contract."""
        types = _chosen(traversal.types)
        seen = {start for start in traversal.starts if start in self._nodes}
        frontier = list(seen)
        reached: list[Reached] = []
        for depth in range(1, traversal.max_depth + 1):
            found = {end for node in frontier for _, end, _ in self._hops(node, traversal.direction, types)} - seen
            seen |= found
            frontier = sorted(found)
            for ref in frontier:
                if len(reached) == traversal.max_nodes:
                    return Walk(tuple(reached), cut=True)
                node = self._nodes[ref]
                reached.append(Reached(*ref, depth, _own(node.properties), node.person))
        return Walk(tuple(reached), cut=False)

    async def shortest_path(self, route: Route) -> Path | None:
        """See the contract."""
        if route.source not in self._nodes or route.target not in self._nodes:
            return None
        types = _chosen(route.types)
        came: dict[NodeRef, tuple[NodeRef, EdgeRef] | None] = {route.source: None}
        frontier = [route.source]
        for _ in range(route.max_depth):
            if route.target in came:
                break
            found: list[NodeRef] = []
            for node in frontier:
                for edge, end, _ in self._hops(node, route.direction, types):
                    if end not in came:
                        came[end] = (node, edge)
                        found.append(end)
            frontier = found
        return self._path(route.target, came) if route.target in came else None

    async def find_nodes(self, search: Search) -> Sequence[Node]:
        """See the contract."""
        found = [
            node
            for (label, id), node in self._nodes.items()
            if label == search.label
            and space_of(id) == search.space
            and id > search.after
            and fits(node.properties, search.where)
        ]
        return [_own_node(node) for node in sorted(found, key=lambda node: node.id)[: search.limit]]

    async def owned(self, person: str) -> int:
        """See the contract."""
        nodes, edges = self._of(person)
        return len(nodes) + len(edges)

    async def erase(self, person: str) -> int:
        """See the contract."""
        nodes, edges = self._of(person)
        for edge in edges:
            self._drop_edge(edge)
        for node in nodes:
            del self._nodes[node]
        return len(nodes) + len(edges)

    async def clear(self, space: Space) -> int:
        """See the contract."""
        nodes = [ref for ref in self._nodes if space_of(ref[1]) == space]
        edges = {edge for node in nodes for edge in self._around(node)}
        for edge in edges:
            self._drop_edge(edge)
        for node in nodes:
            del self._nodes[node]
        return len(nodes) + len(edges)

    async def stats(self, space: Space | None) -> GraphStats:
        """See the contract."""
        nodes = Counter(label for label, id in self._nodes if space is None or space_of(id) == space)
        edges = Counter(edge.type for edge in self._edges if space is None or space_of(edge.source[1]) == space)
        return GraphStats(dict(nodes), dict(edges))

    async def scan(self, after: NodeRef | None, limit: int) -> Sequence[Node]:
        """See the contract."""
        found = sorted(ref for ref in self._nodes if after is None or ref > after)
        return [_own_node(self._nodes[ref]) for ref in found[:limit]]

    def _upsert_node(self, node: Node) -> Outcome[bool]:
        old = self._nodes.get(node.ref)
        new = upserted(old, _own_node(node))
        if isinstance(new, StorageError):
            return new
        self._nodes[node.ref] = new
        return old is None

    def _upsert_edge(self, edge: Edge) -> Outcome[bool]:
        ref = edge.ref
        if ref.source not in self._nodes or ref.target not in self._nodes:
            return lacks_end()
        old = self._edges.get(ref)
        new = upserted(old, _own_edge(edge))
        if isinstance(new, StorageError):
            return new
        self._edges[ref] = new
        self._out.setdefault(ref.source, {})[ref] = None
        self._in.setdefault(ref.target, {})[ref] = None
        return old is None

    def _delete_node(self, ref: NodeRef, *, detach: bool) -> Outcome[bool]:
        edges = self._around(ref)
        if edges and not detach:
            return has_edges()
        for edge in edges:
            self._drop_edge(edge)
        return self._nodes.pop(ref, None) is not None

    def _drop_edge(self, ref: EdgeRef) -> bool:
        if self._edges.pop(ref, None) is None:
            return False
        del self._out[ref.source][ref]
        del self._in[ref.target][ref]
        return True

    def _around(self, ref: NodeRef) -> set[EdgeRef]:
        return {*self._out.get(ref, ()), *self._in.get(ref, ())}

    def _of(self, person: str) -> tuple[set[NodeRef], set[EdgeRef]]:
        nodes = {
            (label, id)
            for (label, id), node in self._nodes.items()
            if node.person == person or (label == PERSON and id.rpartition(SEPARATOR)[2] == person)
        }
        edges = {ref for ref, edge in self._edges.items() if edge.person == person}
        return nodes, edges.union(*map(self._around, nodes))

    def _hops(self, ref: NodeRef, direction: Direction, types: frozenset[str] | None) -> Iterator[Hop]:
        if direction != "in":
            for edge in self._out.get(ref, ()):
                if types is None or edge.type in types:
                    yield edge, edge.target, "out"
        if direction != "out":
            for edge in self._in.get(ref, ()):
                loop_again = direction == "both" and edge.source == edge.target
                if (types is None or edge.type in types) and not loop_again:
                    yield edge, edge.source, "in"

    def _neighbors(self, asked: Neighbors) -> list[Neighbor]:
        labels = _chosen(asked.labels)
        hops = [
            (_position(edge, end, way), edge, end)
            for edge, end, way in self._hops(asked.start, asked.direction, _chosen(asked.types))
            if labels is None or end[0] in labels
        ]
        later = sorted(hop for hop in hops if asked.after is None or hop[0] > asked.after)
        return [
            Neighbor(_own_node(self._nodes[end]), _own_edge(self._edges[edge])) for _, edge, end in later[: asked.limit]
        ]

    def _path(self, end: NodeRef, came: Mapping[NodeRef, tuple[NodeRef, EdgeRef] | None]) -> Path:
        nodes, edges = [end], []
        while (step := came[nodes[-1]]) is not None:
            nodes.append(step[0])
            edges.append(step[1])
        return Path(
            tuple(_own_node(self._nodes[ref]) for ref in reversed(nodes)),
            tuple(_own_edge(self._edges[ref]) for ref in reversed(edges)),
        )


def _position(edge: EdgeRef, end: NodeRef, way: str) -> Position:
    return edge.type, end[0], end[1], edge.key, way


def _chosen(names: Iterable[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _own(properties: Mapping[str, Any]) -> dict[str, Any]:
    own = dict(properties)
    for name, value in properties.items():
        if isinstance(value, list):
            own[name] = list(value)
    return own


def _own_node(node: Node) -> Node:
    return Node(node.label, node.id, _own(node.properties), node.person)


def _own_edge(edge: Edge) -> Edge:
    return Edge(edge.type, edge.source, edge.target, edge.key, _own(edge.properties), edge.person)
