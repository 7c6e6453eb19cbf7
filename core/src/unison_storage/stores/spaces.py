"""Spaces: what stands in front of an id while a backend has it, and what a caller sees. Nothing is checked here.

Records are built anew on their way out, since a read may be shared by several callers, and each may change what it got.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from unison_storage.addresses import SEPARATOR, check_namespace
from unison_storage.contracts import graph as contract
from unison_storage.values import Edge, Neighbor, Node, NodeRef, Path, Reached, Walk


def space_of(segments: Iterable[str]) -> contract.Space:
    """Return the segments of a space as they stand in front of an id; ``InvalidKey`` as for a namespace."""
    return "".join(segment + SEPARATOR for segment in check_namespace(segments))


class Outwards:
    """Makes records of one space as a caller sees them: ids without the space, values of their own."""

    __slots__ = ("_length",)

    def __init__(self, space: contract.Space) -> None:
        self._length = len(space)

    def id(self, id: str) -> str:
        """Return an id without the space."""
        return id[self._length :]

    def node(self, node: Node) -> Node:
        """Return a node."""
        return Node(node.label, self.id(node.id), _own(node.properties), node.person)

    def edge(self, edge: Edge) -> Edge:
        """Return an edge."""
        return Edge(
            edge.type, self._ref(edge.source), self._ref(edge.target), edge.key, _own(edge.properties), edge.person
        )

    def neighbor(self, found: Neighbor) -> Neighbor:
        """Return a neighbour."""
        return Neighbor(self.node(found.node), self.edge(found.edge))

    def path(self, path: Path) -> Path:
        """Return a path."""
        return Path(tuple(map(self.node, path.nodes)), tuple(map(self.edge, path.edges)))

    def walk(self, walk: Walk) -> Walk:
        """Return what a traversal reached. It was read for one caller alone, so its values need no copies."""
        if not self._length:
            return walk
        nodes = [Reached(one.label, self.id(one.id), one.depth, one.properties, one.person) for one in walk.nodes]
        return Walk(tuple(nodes), walk.cut)

    def _ref(self, ref: NodeRef) -> NodeRef:
        return ref[0], self.id(ref[1])


def _own(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if type(value) is list else value for name, value in properties.items()}
