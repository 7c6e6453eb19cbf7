"""Nodes and edges as they lie in the database: everything is a property, ``id``, ``key`` and ``person`` among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unison_storage.values import Edge, EdgeRef, Node


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
