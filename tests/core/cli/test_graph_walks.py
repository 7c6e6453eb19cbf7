"""Neighbours, traversals, paths and searches."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.core.cli.conftest import Invoke, document
from tests.core.cli.test_graph import edge, node


@pytest.fixture(autouse=True)
def drawn(invoke: Invoke) -> None:
    """A person with two devices, a session on the first, and a skill far away."""
    nodes = [
        node("Person", "p1", "person-1"),
        node("Device", "d1", status="active", score=1),
        node("Device", "d2", status="active"),
        node("Session", "s1"),
        node("Skill", "s9"),
    ]
    edges = [
        edge("OWNS", ("Person", "p1"), ("Device", "d1"), properties={"confidence": 0.5}),
        edge("OWNS", ("Person", "p1"), ("Device", "d2"), "second"),
        edge("ON_DEVICE", ("Session", "s1"), ("Device", "d1")),
    ]
    assert invoke("graph", "upsert-nodes", input=json.dumps(nodes)).exit_code == 0
    assert invoke("graph", "upsert-edges", input=json.dumps(edges)).exit_code == 0


def ids(result: Any) -> list[str]:
    return [item["node"]["id"] for item in document(result)["items"]]


def test_neighbors_as_a_table(invoke: Invoke) -> None:
    result = invoke("graph", "neighbors", "Person", "p1")
    assert result.stdout == (
        "edge             node       of the edge          of the node\n"
        '-OWNS->          Device d1  {"confidence": 0.5}  {"status": "active", "score": 1}\n'
        '-OWNS(second)->  Device d2                       {"status": "active"}\n'
    )
    assert result.stderr == "2 neighbors\n"
    around = invoke("graph", "neighbors", "Device", "d1", "--direction", "both").stdout
    assert [line.split()[0] for line in around.splitlines()[1:]] == ["<-ON_DEVICE-", "<-OWNS-"]


def test_neighbors_by_direction_type_and_label(invoke: Invoke) -> None:
    around = ("graph", "neighbors", "Device", "d1", "--json")
    assert ids(invoke(*around)) == []
    assert ids(invoke(*around, "--direction", "in")) == ["s1", "p1"]
    assert ids(invoke(*around, "--direction", "in", "--type", "OWNS")) == ["p1"]
    assert ids(invoke(*around, "--direction", "both", "--label", "Session", "--label", "Skill")) == ["s1"]
    item = document(invoke("graph", "neighbors", "Person", "p1", "--json"))["items"][0]
    assert (item["node"]["label"], item["edge"]["type"], item["edge"]["source"]) == (
        "Device",
        "OWNS",
        {"label": "Person", "id": "p1"},
    )


def test_pages_of_neighbors(invoke: Invoke) -> None:
    first = invoke("graph", "neighbors", "Person", "p1", "--limit", "1")
    assert "1 neighbor; there is more: --cursor " in first.stderr
    cursor = first.stderr.split()[-1]
    assert ids(invoke("graph", "neighbors", "Person", "p1", "--cursor", cursor, "--json")) == ["d2"]
    assert ids(invoke("graph", "neighbors", "Person", "p1", "--all", "--json")) == ["d1", "d2"]
    for other in (("neighbors", "Person", "p1", "--type", "OWNS"), ("find-nodes", "Device")):
        foreign = invoke("graph", *other, "--cursor", cursor)
        assert (foreign.exit_code, foreign.stderr.partition(":")[0]) == (1, "InvalidCursor")


def test_traversals(invoke: Invoke) -> None:
    result = invoke("graph", "traverse", "Person", "p1", "--direction", "both")
    assert result.stdout.splitlines()[0].split() == ["depth", "node", "properties"]
    assert [line.split()[:3] for line in result.stdout.splitlines()[1:]] == [
        ["1", "Device", "d1"],
        ["1", "Device", "d2"],
        ["2", "Session", "s1"],
    ]
    assert result.stderr == "3 nodes\n"
    walk = document(invoke("graph", "traverse", "Person", "p1", "Skill", "s9", "--max-depth", "1", "--json"))
    assert [(one["label"], one["id"], one["depth"]) for one in walk["nodes"]] == [
        ("Device", "d1", 1),
        ("Device", "d2", 1),
    ]
    assert set(walk["nodes"][0]) == {"label", "id", "depth", "properties", "person"}
    assert walk["cut"] is False


def test_a_traversal_says_that_it_was_cut(invoke: Invoke) -> None:
    result = invoke("graph", "traverse", "Person", "p1", "--max-nodes", "1")
    assert (result.exit_code, result.stderr) == (0, "1 node; cut: --max-nodes 1 left some out\n")
    assert document(invoke("graph", "traverse", "Person", "p1", "--max-nodes", "1", "--json"))["cut"] is True


def test_a_path_is_a_chain(invoke: Invoke) -> None:
    way = ("graph", "shortest-path", "Device", "d2", "Session", "s1", "--direction", "both")
    result = invoke(*way)
    assert result.stdout == "Device d2 <-OWNS(second)- Person p1 -OWNS-> Device d1 <-ON_DEVICE- Session s1\n"
    assert (result.exit_code, result.stderr) == (0, "3 edges\n")
    path = document(invoke(*way, "--json"))["path"]
    assert (path["length"], [one["id"] for one in path["nodes"]]) == (3, ["d2", "p1", "d1", "s1"])
    assert [one["type"] for one in path["edges"]] == ["OWNS", "OWNS", "ON_DEVICE"]
    itself = invoke("graph", "shortest-path", "Person", "p1", "Person", "p1")
    assert (itself.exit_code, itself.stdout, itself.stderr) == (0, "Person p1\n", "0 edges\n")


@pytest.mark.parametrize(
    "more",
    [
        ("Person", "p1", "Session", "s1"),
        ("Person", "p1", "Skill", "s9", "--direction", "both"),
        ("Device", "d2", "Session", "s1", "--direction", "both", "--max-depth", "2"),
        ("Device", "d2", "Session", "s1", "--direction", "both", "--type", "OWNS"),
        ("Person", "nobody", "Person", "nobody"),
    ],
)
def test_no_path_is_an_answer_and_no_failure(invoke: Invoke, more: tuple[str, ...]) -> None:
    result = invoke("graph", "shortest-path", *more)
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("there is no way of ")
    assert document(invoke("graph", "shortest-path", *more, "--json")) == {"path": None}


def test_searches(invoke: Invoke) -> None:
    found = invoke("graph", "find-nodes", "Device", "--where", 'status="active"')
    assert found.stdout.splitlines()[0].split() == ["id", "person", "properties"]
    assert [line.split()[0] for line in found.stdout.splitlines()[1:]] == ["d1", "d2"]
    both = document(
        invoke("graph", "find-nodes", "Device", "--where", 'status="active"', "--where", "score=1", "--json")
    )
    assert (both["items"], both["cursor"]) == ([node("Device", "d1", status="active", score=1)], None)
    people = invoke("graph", "find-nodes", "Person").stdout.splitlines()[1]
    assert people.split() == ["p1", "person-1"]
    first = document(invoke("graph", "find-nodes", "Device", "--limit", "1", "--json"))
    rest = document(invoke("graph", "find-nodes", "Device", "--cursor", first["cursor"], "--json"))
    assert [one["id"] for one in (*first["items"], *rest["items"])] == ["d1", "d2"]
    assert invoke("graph", "find-nodes", "Agent").stderr == "0 nodes\n"


@pytest.mark.parametrize("where", ["status", "status=active", 'status="a', "=", "status="])
def test_a_condition_that_can_not_be_read(invoke: Invoke, where: str) -> None:
    result = invoke("graph", "find-nodes", "Device", "--where", where)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'status=\"active\"'" in result.stderr


def test_a_property_can_be_sought_once(invoke: Invoke) -> None:
    result = invoke("graph", "find-nodes", "Device", "--where", "score=1", "--where", "score=0")
    assert result.exit_code == 2
    assert "score is named twice" in result.stderr


@pytest.mark.parametrize("where", ['tags=["a"]', "status=null", 'status={"a": 1}', "surprise=1", 'sta`tus="a"'])
def test_a_condition_that_the_model_refuses(invoke: Invoke, where: str) -> None:
    result = invoke("graph", "find-nodes", "Device", "--where", where)
    assert (result.exit_code, result.stdout, result.stderr.partition(":")[0]) == (1, "", "InvalidValue")
    assert "`" not in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("neighbors", "Person", "p1", "--direction", "up"),
        ("neighbors", "Person", "p1", "--limit", "0"),
        ("neighbors", "Person"),
        ("traverse", "Person"),
        ("traverse", "Person", "p1", "Device"),
        ("traverse", "Person", "p1", "--max-depth", "0"),
        ("traverse", "Person", "p1", "--max-depth", "101"),
        ("traverse", "Person", "p1", "--max-nodes", "10001"),
        ("shortest-path", "Person", "p1", "Device"),
        ("shortest-path", "Person", "p1", "Device", "d1", "--max-depth", "0"),
    ],
    ids=" ".join,
)
def test_wrong_usage(invoke: Invoke, words: tuple[str, ...]) -> None:
    result = invoke("graph", *words, "--json")
    assert (result.exit_code, document(result)["error"]["type"]) == (2, "WrongUsage")


@pytest.mark.parametrize(
    "words",
    [
        ("neighbors", "Persn", "p1"),
        ("neighbors", "Person", "p1", "--type", "OWN`S"),
        ("neighbors", "Person", "p1", "--label", "Nobody"),
        ("traverse", "Per`son", "p1"),
        ("traverse", "Person", "p1", "--type", "owns"),
        ("shortest-path", "Person", "p1", "Nobody", "d1"),
        ("find-nodes", "person"),
        ("find-nodes", "\x1b[31m"),
    ],
    ids=" ".join,
)
def test_names_that_the_model_lacks(invoke: Invoke, words: tuple[str, ...]) -> None:
    result = invoke("graph", *words)
    assert (result.exit_code, result.stdout, result.stderr.partition(":")[0]) == (1, "", "InvalidValue")
    assert len(result.stderr.splitlines()) == 1
    assert "`" not in result.stderr
    assert "\x1b" not in result.stderr
