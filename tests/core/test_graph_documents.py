"""Records of the graph as documents: all of a record, spelled as it is read back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from unison_storage.graph_documents import (
    GivenEdge,
    GivenNode,
    edge_document,
    neighbor_document,
    node_document,
    path_document,
    walk_document,
)
from unison_storage.values import Edge, Neighbor, Node, Path, Reached, Walk

ONE, TWO = Node("Person", "p1", {"role": "owner"}, "p1"), Node("Device", "d1", {"tags": ["a", "b"]})
OWNS = Edge("OWNS", ONE.ref, TWO.ref, "k", {"score": 0.5}, "p1")


def test_nodes_and_edges_hold_everything() -> None:
    assert msgspec.convert(node_document(ONE), Node) == ONE
    assert edge_document(OWNS) == {
        "type": "OWNS",
        "source": {"label": "Person", "id": "p1"},
        "target": {"label": "Device", "id": "d1"},
        "key": "k",
        "properties": {"score": 0.5},
        "person": "p1",
    }
    assert neighbor_document(Neighbor(TWO, OWNS)) == {"node": node_document(TWO), "edge": edge_document(OWNS)}


def test_what_is_sent_is_read_back_as_the_same_record() -> None:
    node, edge = msgspec.convert(node_document(ONE), GivenNode), msgspec.convert(edge_document(OWNS), GivenEdge)
    assert (node.node, node.ref) == (ONE, ONE.ref)
    assert (edge.edge, edge.ref) == (OWNS, OWNS.ref)
    least = {"type": "OWNS", "source": {"label": "A", "id": "1"}, "target": {"label": "B", "id": "2"}}
    assert msgspec.convert(least, GivenEdge).edge == Edge("OWNS", ("A", "1"), ("B", "2"))
    assert msgspec.convert({"label": "A", "id": "1"}, GivenNode).node == Node("A", "1")


@pytest.mark.parametrize("more", [{"unknown": 1}, {"id": 5}, {"properties": []}, {"person": 5}])
def test_a_document_of_another_shape_is_none(more: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**node_document(ONE), **more}, GivenNode)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**edge_document(OWNS), "source": {**node_document(ONE), **more}}, GivenEdge)


def test_walks_and_paths_hold_what_they_met_in_order() -> None:
    walk = Walk((Reached("Device", "d1", 1, {"tags": ["a"]}), Reached("Skill", "s1", 2, {}, "p1")), cut=True)
    assert walk_document(walk) == {
        "nodes": [
            {"label": "Device", "id": "d1", "depth": 1, "properties": {"tags": ["a"]}, "person": None},
            {"label": "Skill", "id": "s1", "depth": 2, "properties": {}, "person": "p1"},
        ],
        "cut": True,
    }
    assert path_document(Path((ONE, TWO), (OWNS,))) == {
        "path": {"nodes": [node_document(ONE), node_document(TWO)], "edges": [edge_document(OWNS)], "length": 1}
    }
    assert path_document(None) == {"path": None}
