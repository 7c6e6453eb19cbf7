"""Backups of a graph, their restore, and what does not fit the model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.core.cli.conftest import Invoke, document
from tests.core.cli.test_graph import edge, node


@pytest.fixture
def filled(invoke: Invoke) -> None:
    """A person with a device in two spaces."""
    for space in ((), ("--space", "tenant-1")):
        nodes = [node("Person", "p1", "person-1"), node("Device", "d1", status="active")]
        edges = [edge("OWNS", ("Person", "p1"), ("Device", "d1"))]
        assert invoke("graph", "upsert-nodes", *space, input=json.dumps(nodes)).exit_code == 0
        assert invoke("graph", "upsert-edges", *space, input=json.dumps(edges)).exit_code == 0


@pytest.mark.usefixtures("filled")
def test_a_backup_is_restored_elsewhere(invoke: Invoke, tmp_path: Path) -> None:
    file, other = tmp_path / "graph.jsonl", f"sqlite:///{tmp_path}/other.db"
    made = invoke("graph", "backup", str(file))
    assert (made.exit_code, made.stdout) == (0, f"{file}: 4 nodes and 2 edges\n")
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob("*.part")) == []
    dry = invoke("graph", "restore", str(file), "--dry-run", database_url=other)
    assert dry.stdout == "would restore 4 nodes and 2 edges\n"
    assert document(invoke("graph", "stats", "--json", database_url=other)) == {"nodes": {}, "edges": {}}
    restored = invoke("graph", "restore", str(file), database_url=other)
    assert restored.stdout == "restored 4 nodes and 2 edges\n"
    for space in ((), ("--space", "tenant-1")):
        told = [
            invoke("graph", "neighbors", "Person", "p1", *space, "--json", **changed).stdout
            for changed in ({}, {"database_url": other})
        ]
        assert told[0] == told[1]


@pytest.mark.usefixtures("filled")
def test_nothing_is_overwritten_and_nothing_merged_unasked(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "graph.jsonl"
    assert document(invoke("graph", "backup", str(file), "--json"))["nodes"] == {"Device": 2, "Person": 2}
    again = invoke("graph", "backup", str(file))
    assert again.exit_code == 2
    assert "is there already" in again.stderr
    unasked = invoke("graph", "restore", str(file))
    assert unasked.exit_code == 2
    assert "the graph holds 4 nodes" in unasked.stderr
    merged = invoke("graph", "restore", str(file), "--merge", "--json")
    assert document(merged) == {"nodes": 4, "edges": 2, "left_out": 0}


@pytest.mark.usefixtures("filled")
def test_a_file_that_is_no_whole_backup_is_refused(invoke: Invoke, tmp_path: Path) -> None:
    file, other = tmp_path / "graph.jsonl", f"sqlite:///{tmp_path}/other.db"
    invoke("graph", "backup", str(file))
    whole = file.read_bytes()
    for content, told in (
        (whole[:-5], "Truncated"),
        (whole.replace(b"active", b"absent"), "Tampered"),
        (b"hello\n", "UnsupportedFormat"),
        (b"", "UnsupportedFormat"),
    ):
        file.write_bytes(content)
        result = invoke("graph", "restore", str(file), database_url=other)
        assert result.exit_code != 0
        assert told in result.stderr
    assert document(invoke("graph", "stats", "--json", database_url=other)) == {"nodes": {}, "edges": {}}


@pytest.mark.usefixtures("filled")
def test_what_does_not_fit_the_model_is_listed(invoke: Invoke) -> None:
    fits = invoke("graph", "lint")
    assert (fits.exit_code, fits.stdout, fits.stderr) == (0, "", "all fits the model\n")
    smaller = {"graph_model": "tests.core.cli.smaller_model:MODEL"}
    found = invoke("graph", "lint", **smaller)
    assert found.exit_code == 3
    assert found.stdout == (
        "where          what                            number  the first at\n"
        "Device         the model has no such label          2  Device d1\n"
        "Device.status  the model has no such property       2  Device d1\n"
    )
    told = document(invoke("graph", "lint", "--json", **smaller))["misfits"][0]
    first = {"label": "Device", "id": "d1"}
    assert told == {"where": "Device", "what": "the model has no such label", "number": 2, "first": first}
