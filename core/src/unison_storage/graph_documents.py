"""Records of the graph as JSON documents, spelled alike over HTTP and on the command line. Nothing is sent here."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from unison_storage.values import Edge, EdgeRef, Neighbor, Node, NodeRef, Path, Walk


class GivenEnd(Struct, forbid_unknown_fields=True, frozen=True):
    """What identifies a node, in a document that comes from outside."""

    label: str
    id: str

    @property
    def ref(self) -> NodeRef:
        """What it identifies."""
        return self.label, self.id


class GivenNode(Struct, forbid_unknown_fields=True, frozen=True):
    """A node in a document that comes from outside. What it may hold is the model's business."""

    label: str
    id: str
    properties: dict[str, Any] = {}
    person: str | None = None

    @property
    def ref(self) -> NodeRef:
        """What identifies it."""
        return self.label, self.id

    @property
    def node(self) -> Node:
        """The node as a record."""
        return Node(self.label, self.id, self.properties, self.person)


class GivenEdge(Struct, forbid_unknown_fields=True, frozen=True):
    """An edge in a document that comes from outside."""

    type: str
    source: GivenEnd
    target: GivenEnd
    key: str = ""
    properties: dict[str, Any] = {}
    person: str | None = None

    @property
    def ref(self) -> EdgeRef:
        """What identifies it."""
        return EdgeRef(self.type, self.source.ref, self.target.ref, self.key)

    @property
    def edge(self) -> Edge:
        """The edge as a record."""
        return Edge(*self.ref, self.properties, self.person)


def node_document(node: Node) -> dict[str, Any]:
    """Return a node."""
    return {"label": node.label, "id": node.id, "properties": node.properties, "person": node.person}


def edge_document(edge: Edge) -> dict[str, Any]:
    """Return an edge."""
    return {
        "type": edge.type,
        "source": _end(edge.source),
        "target": _end(edge.target),
        "key": edge.key,
        "properties": edge.properties,
        "person": edge.person,
    }


def neighbor_document(found: Neighbor) -> dict[str, Any]:
    """Return a neighbour: the node, and the edge that leads there."""
    return {"node": node_document(found.node), "edge": edge_document(found.edge)}


def walk_document(walk: Walk) -> dict[str, Any]:
    """Return what a traversal reached."""
    return {"nodes": [asdict(one) for one in walk.nodes], "cut": walk.cut}


def path_document(path: Path | None) -> dict[str, Any]:
    """Return a path under ``path``, or ``None`` where there is none."""
    if path is None:
        return {"path": None}
    nodes, edges = [node_document(one) for one in path.nodes], [edge_document(one) for one in path.edges]
    return {"path": {"nodes": nodes, "edges": edges, "length": path.length}}


def _end(ref: NodeRef) -> dict[str, str]:
    return {"label": ref[0], "id": ref[1]}
