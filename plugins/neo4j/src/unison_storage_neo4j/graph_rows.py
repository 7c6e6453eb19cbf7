"""Nodes and edges as they lie in the database: everything is a property, ``id``, ``key`` and ``person`` among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from unison_storage.values import Edge, EdgeRef, Node

MARKS: Final[Mapping[str, None]] = {"_made": None, "_lock": None}
"""What statements that write put on a node or an edge for as long as they run, to be taken off."""


def of_node(at: int, node: Node) -> list[Any]:
    """Return the row of a node in a statement that upserts; its answer names the place."""
    if node.person is None:
        return [at, node.id, {**node.properties, **MARKS}]
    return [at, node.id, {**node.properties, **MARKS, "person": node.person}, node.person]


def of_edge(at: int, edge: Edge) -> list[Any]:
    """Return the row of an edge in a statement that upserts."""
    row = [at, edge.type, edge.source[1], edge.target[1], edge.key]
    if edge.person is None:
        return [*row, {**edge.properties, **MARKS}]
    return [*row, {**edge.properties, **MARKS, "person": edge.person}, edge.person]


def node(label: str, properties: Mapping[str, Any]) -> Node:
    """Return the node that has such properties."""
    own = dict(properties)
    id, person = own.pop("id"), own.pop("person", None)
    return Node(label, id, own, person)


def edge(ref: EdgeRef, properties: Mapping[str, Any]) -> Edge:
    """Return the edge that has such properties."""
    own = dict(properties)
    own.pop("key", None)
    return Edge(ref.type, ref.source, ref.target, ref.key, own, own.pop("person", None))
