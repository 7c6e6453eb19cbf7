"""Nodes, edges, whole spaces and the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.core.cli.conftest import Invoke, document

CANARY = "canary-5f2c"


def node(label: str, id: str, person: str | None = None, **properties: Any) -> dict[str, Any]:
    return {"label": label, "id": id, "properties": properties, "person": person}


def edge(type: str, source: tuple[str, str], target: tuple[str, str], key: str = "", **more: Any) -> dict[str, Any]:
    ends = {"source": dict(zip(("label", "id"), source, strict=True))}
    ends["target"] = dict(zip(("label", "id"), target, strict=True))
    return {"type": type, **ends, "key": key, "properties": {}, "person": None, **more}


PERSON = node("Person", "p1", "person-1")
DEVICE = node("Device", "d1", last_seen=1_767_225_600, tags=["a", "b"])
OWNS = edge("OWNS", ("Person", "p1"), ("Device", "d1"), properties={"confidence": 0.5})
OWNED = ("OWNS", "Person", "p1", "Device", "d1")


@pytest.fixture
def owned(invoke: Invoke) -> None:
    """A person who owns a device."""
    invoke("graph", "upsert-nodes", input=json.dumps([PERSON, DEVICE]))
    assert invoke("graph", "upsert-edges", input=json.dumps(OWNS)).exit_code == 0


def test_what_is_made_can_be_got_and_goes_back_in(invoke: Invoke, owned: None) -> None:
    got = document(invoke("graph", "get-node", "Device", "d1", "--json"))
    assert got == DEVICE
    assert document(invoke("graph", "get-edge", *OWNED, "--json")) == OWNS
    again = document(invoke("graph", "upsert-nodes", "--value", json.dumps(got), "--json"))
    assert again == {"made": 0, "merged": 1, "failed": 0, "results": [{"made": False}]}


def test_what_is_known_is_shown_to_be_read(invoke: Invoke, owned: None) -> None:
    assert invoke("graph", "get-node", "Device", "d1").stdout == (
        "node       Device d1\n"
        "person     none\n"
        "last_seen  1767225600 (2026-01-01T00:00:00.000000Z)\n"
        'tags       ["a", "b"]\n'
    )
    shown = invoke("graph", "get-edge", *OWNED).stdout
    for line in ("edge        OWNS", "from        Person p1", "to          Device d1", "confidence  0.5"):
        assert line in shown.splitlines()


@pytest.mark.parametrize("at", [0, 253_402_300_800])
def test_times_at_the_ends_of_their_range(invoke: Invoke, at: int) -> None:
    invoke("graph", "upsert-nodes", "--value", json.dumps(node("Device", "d1", last_seen=at)))
    assert f"last_seen  {at}" in invoke("graph", "get-node", "Device", "d1").stdout


def test_an_upsert_merges_and_null_removes(invoke: Invoke, owned: None) -> None:
    change = {"label": "Device", "id": "d1", "properties": {"tags": None, "status": "active"}}
    merged = invoke("graph", "upsert-nodes", "--value", json.dumps(change))
    assert (merged.exit_code, merged.stdout) == (0, "made 0, merged 1\n")
    properties = document(invoke("graph", "get-node", "Device", "d1", "--json"))["properties"]
    assert properties == {"last_seen": 1_767_225_600, "status": "active"}


def test_from_a_file_and_nothing_at_all(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "nodes.json"
    file.write_text(json.dumps([PERSON, DEVICE]))
    assert invoke("graph", "upsert-nodes", "--file", str(file)).stdout == "made 2, merged 0\n"
    assert invoke("graph", "upsert-nodes", "--file", str(file), "--value", "[]").exit_code == 2
    assert invoke("graph", "upsert-edges", input="[]").stdout == "made 0, merged 0\n"


def test_a_failed_item_is_named_and_the_others_stand(invoke: Invoke) -> None:
    given = [PERSON, node("Persn", "p2"), node("Session", "s1", status=f"Free text {CANARY}"), DEVICE]
    result = invoke("graph", "upsert-nodes", input=json.dumps(given))
    assert (result.exit_code, result.stdout) == (1, "made 2, merged 0, failed 2\n")
    lines = result.stderr.splitlines()
    assert lines[0].startswith("item 2: InvalidValue: the graph model has no label Persn; near names: Person;")
    assert lines[1].startswith("item 3: ClassificationViolation: property status ")
    assert lines[2] == "  unison-storage graph model shows what the graph may hold"
    assert document(invoke("graph", "stats", "--json"))["nodes"] == {"Device": 1, "Person": 1}
    told = invoke("graph", "upsert-nodes", "--json", input=json.dumps(given))
    counts = document(told)
    assert (told.exit_code, counts["merged"], counts["failed"]) == (1, 2, 2)
    assert [set(one) for one in counts["results"]] == [{"made"}, {"error"}, {"error"}, {"made"}]
    assert counts["results"][2]["error"]["type"] == "ClassificationViolation"
    assert CANARY not in result.output + told.output


def test_many_failed_items_are_told_in_part(invoke: Invoke) -> None:
    result = invoke("graph", "upsert-nodes", input=json.dumps([node("Nobody", "p")] * 1_500))
    assert (result.exit_code, result.stdout) == (1, "made 0, merged 0, failed 1,500\n")
    assert "item 20: " in result.stderr
    assert "item 21: " not in result.stderr
    assert result.stderr.endswith("and 1,480 more, which --json tells\n")


def test_an_edge_without_an_end(invoke: Invoke, owned: None) -> None:
    given = [edge("OWNS", ("Person", "p9"), ("Device", "d1")), edge("OWNS", ("Person", "p1"), ("Device", "d1"), "k")]
    result = invoke("graph", "upsert-edges", input=json.dumps(given))
    assert (result.exit_code, result.stdout) == (1, "made 1, merged 0, failed 1\n")
    assert result.stderr.startswith("item 1: NotFound: ")
    assert document(invoke("graph", "get-edge", *OWNED, "k", "--json"))["key"] == "k"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('[{"label": "Person", "id": "p1"}, {"label": "Person"}]', "item 2: Object missing required field `id`"),
        ('{"label": "Person", "id": "p1", "propertis": {}}', "item 1: Object contains unknown field `propertis`"),
        ('{"label": "Person", "id": 7}', "item 1: Expected `str`, got `int`"),
        ('{"label": "Person", "id": "p1", "properties": []}', "item 1: Expected `object`, got `array`"),
        ("7", "item 1: Expected `object`, got `int`"),
        ("{'label': 'Person'}", "the value is no JSON"),
        ("", "the value is no JSON"),
    ],
)
def test_what_is_no_node_is_refused_before_anything_is_written(invoke: Invoke, given: str, said: str) -> None:
    result = invoke("graph", "upsert-nodes", input=given)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"InvalidValue: {said}")
    assert document(invoke("graph", "stats", "--json")) == {"nodes": {}, "edges": {}}


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (node("Per`son", "p1"), "InvalidValue"),
        (node("Person", "p1`) DETACH DELETE n //"), "InvalidKey"),
        (node("Person", ""), "InvalidKey"),
        (node("Person", "p1", "no person"), "InvalidKey"),
        (node("Person", "p1", status={"nested": 1}), "InvalidValue"),
        (node("Person", "p1", tags=[["a"]]), "InvalidValue"),
        (node("Person", "p1", surprise=1), "InvalidValue"),
        (node("Person", "p1", score=2), "ClassificationViolation"),
    ],
)
def test_what_the_model_refuses(invoke: Invoke, given: dict[str, Any], kind: str) -> None:
    result = document(invoke("graph", "upsert-nodes", "--json", input=json.dumps(given)))
    assert [one["error"]["type"] for one in result["results"]] == [kind]


def test_another_person_than_the_stored_one(invoke: Invoke, owned: None) -> None:
    result = invoke("graph", "upsert-nodes", "--value", json.dumps(node("Person", "p1", "person-2")))
    assert (result.exit_code, result.stdout) == (1, "made 0, merged 0, failed 1\n")
    assert result.stderr.startswith("item 1: InvalidValue: ")


@pytest.mark.parametrize("words", [("get-node", "Device", "d9"), ("get-edge", "OWNS", "Person", "p1", "Device", "d9")])
def test_what_is_not_there_fails_with_a_line(invoke: Invoke, words: tuple[str, ...]) -> None:
    result = invoke("graph", *words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"NotFound: there is no such {words[0].removeprefix('get-')}\n"
    assert document(invoke("graph", *words, "--json"))["error"]["type"] == "NotFound"


def test_deleting(invoke: Invoke, owned: None) -> None:
    kept = invoke("graph", "delete-node", "Device", "d1")
    assert (kept.exit_code, kept.stdout, kept.stderr.partition(":")[0]) == (1, "", "HasEdges")
    assert kept.stderr.endswith("  --detach removes its edges too\n")
    assert document(invoke("graph", "delete-edge", *OWNED, "--json")) == {"deleted": True}
    assert invoke("graph", "delete-edge", *OWNED).stdout == "nothing was there\n"
    invoke("graph", "upsert-edges", input=json.dumps(OWNS))
    assert invoke("graph", "delete-node", "Device", "d1", "--detach").stdout == "deleted\n"
    again = invoke("graph", "delete-node", "Device", "d1")
    assert (again.exit_code, again.stdout) == (0, "nothing was there\n")
    assert document(invoke("graph", "stats", "--json")) == {"nodes": {"Person": 1}, "edges": {}}


@pytest.mark.parametrize("number", [1, 4, 7])
def test_an_edge_is_named_by_five_words_or_six(invoke: Invoke, number: int) -> None:
    for name in ("get-edge", "delete-edge"):
        result = invoke("graph", name, *(*OWNED, "key", "more")[:number])
        assert (result.exit_code, result.stdout) == (2, "")
        assert "five words" in result.stderr


def test_spaces_are_apart(invoke: Invoke, owned: None) -> None:
    space = ("--space", "tenant 1", "--space", "a")
    assert invoke("graph", "upsert-nodes", "--value", json.dumps(PERSON), *space).stdout == "made 1, merged 0\n"
    assert document(invoke("graph", "get-node", "Person", "p1", *space, "--json")) == PERSON
    assert document(invoke("graph", "stats", *space, "--json")) == {"nodes": {"Person": 1}, "edges": {}}
    assert invoke("graph", "get-node", "Device", "d1", *space).exit_code == 1
    assert invoke("graph", "get-node", "Person", "p1", "--space", "tenant 1").exit_code == 1
    wrong = invoke("graph", "stats", "--space", "..")
    assert (wrong.exit_code, wrong.stderr.partition(":")[0]) == (1, "InvalidKey")


def test_stats_as_tables(invoke: Invoke, owned: None) -> None:
    result = invoke("graph", "stats")
    assert result.stdout == "label   nodes\nDevice      1\nPerson      1\n\ntype  edges\nOWNS      1\n"
    assert result.stderr == "2 nodes and 1 edge\n"
    empty = invoke("graph", "stats", "--space", "none")
    assert (empty.exit_code, empty.stdout, empty.stderr) == (0, "", "0 nodes and 0 edges\n")


def test_clear_asks_counts_and_clears_one_space(invoke: Invoke, owned: None) -> None:
    invoke("graph", "upsert-nodes", "--value", json.dumps(PERSON), "--space", "other")
    unasked = invoke("graph", "clear")
    assert (unasked.exit_code, unasked.stdout) == (2, "")
    assert "--yes" in unasked.stderr
    assert document(invoke("graph", "clear", "--dry-run", "--json")) == {"would_delete": 3}
    assert invoke("graph", "clear", "--dry-run").stdout == "would delete 3 nodes and edges\n"
    assert document(invoke("graph", "clear", "--yes", "--json")) == {"deleted": 3}
    assert invoke("graph", "clear", "--yes").stdout == "deleted 0 nodes and edges\n"
    assert document(invoke("graph", "stats", "--space", "other", "--json"))["nodes"] == {"Person": 1}


def test_the_model_is_shown_without_any_backend(invoke: Invoke, settings: dict[str, str]) -> None:
    del settings["UNISON_STORAGE_DATABASE_URL"]
    result = invoke("graph", "model")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    for line in (["Person"], ["OWNS", "any", "label", "any", "label"], ["tags", "list", "of", "tag", "behavioural"]):
        assert line in lines
    shown = document(invoke("graph", "model", "--json"))
    assert set(shown) == {"labels", "relationships", "properties"}
    assert "IntentInstance" in shown["labels"]
    assert {"type": "OWNS", "sources": None, "targets": None} in shown["relationships"]
    assert {
        "name": "score",
        "grammar": "score",
        "many": False,
        "tags": [],
        "data_class": "behavioural",
    } in shown["properties"]


def test_a_model_of_ones_own(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "city_model.py").write_text(
        "from unison_storage import GraphModel, GraphProperty, Grammar, Relationship\n"
        "MODEL = GraphModel(['City', 'Road'], [Relationship('LEADS_TO', ('Road',), ('City', 'Road'))],\n"
        "    [GraphProperty('surface', Grammar.TAG, tags=('gravel', 'tar'))])\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    shown = invoke("graph", "model", graph_model="city_model:MODEL").stdout
    assert "LEADS_TO      Road  City, Road" in shown
    assert "surface   tag: gravel, tar  behavioural" in shown
    made = invoke("graph", "upsert-nodes", "--value", '{"label": "City", "id": "c"}', graph_model="city_model:MODEL")
    assert made.stdout == "made 1, merged 0\n"


def test_a_model_that_can_not_be_loaded(invoke: Invoke) -> None:
    for words in (("model",), ("stats",)):
        result = invoke("graph", *words, graph_model="no_such_module:MODEL")
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("InvalidConfig: UNISON_STORAGE_GRAPH_MODEL: no_such_module:MODEL")
