"""Records of the graph as JSON documents, spelled alike over HTTP and on the command line. Nothing is sent here."""

from __future__ import annotations

from typing import Any

from msgspec.structs import asdict

from unison_storage.values import Edge, Neighbor, Node, NodeRef, Path, Walk


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
