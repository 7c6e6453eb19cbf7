"""``copy``: from one storage into another, and whether they are equal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.core.cli.conftest import Invoke, document


@pytest.fixture
def sides(invoke: Invoke, settings: dict[str, str], tmp_path: Path) -> tuple[str, str]:
    """A storage that holds three entries and an object, and a file that describes an empty one."""
    for key in ("a", "b", "c"):
        assert invoke("memory", "put", "notes", key, "--value", json.dumps(key), "--lifetime", "1h").exit_code == 0
    assert invoke("object", "put", "notes", "o", input=b"bytes").exit_code == 0
    file = tmp_path / "to.toml"
    file.write_text(f'profile = "development"\ndatabase_url = "sqlite:///{tmp_path}/to.db"\n')
    return settings["UNISON_STORAGE_DATABASE_URL"], str(file)


def test_a_copy_is_made_and_told_to_be_equal(invoke: Invoke, sides: tuple[str, str]) -> None:
    made = invoke("copy", *sides)
    assert made.exit_code == 0, made.stderr
    assert made.stderr == "equal\n"
    head, *rows = [row.split() for row in made.stdout.splitlines()]
    assert head[0] == "kind"
    assert [(row[0], row[1], row[2]) for row in rows] == [("memory", "3", "3"), ("objects", "1", "1")]
    assert all(len(row[-1]) == 8 and "≠" not in row for row in rows)
    again = document(invoke("copy", *sides, "--json"))
    assert again["equal"] is True
    assert [one["missing"] for one in again["copied"]] == [0, 0]
    assert [one["same"] for one in again["compared"]] == [3, 1]


def test_verify_compares_and_writes_nothing(invoke: Invoke, sides: tuple[str, str], tmp_path: Path) -> None:
    assert invoke("migrate", database_url=f"sqlite:///{tmp_path}/to.db").exit_code == 0
    differ = invoke("copy", *sides, "--verify", "--json")
    assert (differ.exit_code, document(differ)["equal"]) == (1, False)
    assert document(differ)["copied"] == []
    shown = invoke("copy", *sides, "--verify")
    assert shown.exit_code == 1
    assert "they differ: copy again" in shown.stderr
    assert [row.split()[4] for row in shown.stdout.splitlines()[1:]] == ["3", "1"]
    assert all(" ≠ " in row for row in shown.stdout.splitlines()[1:])
    assert invoke("copy", *sides).exit_code == 0
    assert invoke("copy", *sides, "--verify").exit_code == 0


def test_a_dry_run_tells_what_it_would_do(invoke: Invoke, sides: tuple[str, str], tmp_path: Path) -> None:
    early = invoke("copy", *sides, "--dry-run")
    assert early.exit_code == 1
    assert "SchemaOutOfDate: TO: " in early.stderr
    assert invoke("migrate", database_url=f"sqlite:///{tmp_path}/to.db").exit_code == 0
    dry = invoke("copy", *sides, "--dry-run")
    assert (dry.exit_code, dry.stderr) == (0, "would write 4 items\n")
    kinds = document(invoke("copy", *sides, "--dry-run", "--json"))["kinds"]
    assert kinds == [
        {"kind": "memory", "had": 0, "missing": 3, "different": 0},
        {"kind": "objects", "had": 0, "missing": 1, "different": 0},
    ]


def test_an_empty_storage_and_wrong_words_are_told(invoke: Invoke, tmp_path: Path) -> None:
    here, there = f"sqlite:///{tmp_path}/a.db", f"sqlite:///{tmp_path}/b.db"
    assert invoke("migrate", database_url=here).exit_code == 0
    assert invoke("copy", here, there).stderr == "FROM holds nothing\n"
    assert invoke("copy", here, there, "--dry-run", "--verify").exit_code == 2
    refused = invoke("copy", here, "postgresql://ann:canary@db/app")
    assert refused.exit_code == 1
    assert "seen by everyone on this machine" in refused.stderr
    assert "canary" not in refused.stderr + refused.stdout
    assert "in the same place" in invoke("copy", here, here).stderr
