from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

from tests.core.cli.conftest import Invoke, document
from tests.core.cli.test_graph import node

EMPTY = {"erased": 0, "pending": 0, "error": None}


def fill(invoke: Invoke, person: str) -> None:
    invoke("memory", "put", "session", person, "a", "--value", "1")
    invoke("memory", "put", "notes", person, "--value", "1", "--person", person)
    invoke("object", "put", "transcripts", person, "a", input=b"abc")
    invoke(
        "graph", "upsert-nodes", "--value", json.dumps([node("Device", f"d-{person}", person), node("Person", person)])
    )
    invoke("cache", "set", "context:cache", person, "a", "--value", "1")


def kinds(result: Any) -> dict[str, int]:
    return {kind: done["erased"] for kind, done in document(result)["kinds"].items()}


def test_a_person_goes_from_every_kind_and_others_stay(invoke: Invoke) -> None:
    fill(invoke, "person-1")
    fill(invoke, "person-2")
    whole = {"memory": 2, "object": 1, "graph": 2, "cache": 1}
    planned = invoke("erase", "person-1", "--dry-run", "--json")
    assert (planned.exit_code, kinds(planned)) == (0, whole)
    assert (document(planned)["dry_run"], document(planned)["complete"]) == (True, False)
    done = invoke("erase", "person-1", "--yes", "--json")
    assert (done.exit_code, kinds(done), document(done)["complete"]) == (0, whole, True)
    assert document(done)["kinds"]["graph"] == {**EMPTY, "erased": 2}
    again = document(invoke("erase", "person-1", "--yes", "--json"))
    assert (again["person"], set(map(str, again["kinds"].values()))) == ("person-1", {str(EMPTY)})
    assert kinds(invoke("erase", "person-2", "--dry-run", "--json")) == whole


def test_the_report_as_a_table(invoke: Invoke) -> None:
    fill(invoke, "person-1")
    planned = invoke("erase", "person-1", "--dry-run")
    assert (planned.exit_code, planned.stderr) == (0, "")
    assert [line.split() for line in planned.stdout.splitlines()][:2] == [
        ["kind", "would", "erase", "error"],
        ["memory", "2"],
    ]
    done = invoke("erase", "person-1", "--yes")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["kind", "erased", "pending", "error"],
        ["memory", "2", "0"],
        ["object", "1", "0"],
        ["graph", "2", "0"],
        ["cache", "1", "0"],
    ]
    assert done.stderr == "complete: nothing is left\n"


def test_nobody_is_erased_unasked(invoke: Invoke) -> None:
    fill(invoke, "person-1")
    unasked = invoke("erase", "person-1")
    assert (unasked.exit_code, unasked.stdout) == (2, "")
    assert "--yes" in unasked.stderr
    assert kinds(invoke("erase", "person-1", "--dry-run", "--json"))["memory"] == 2


def test_what_could_not_be_erased_is_a_failure_and_named(invoke: Invoke, settings: dict[str, str]) -> None:
    fill(invoke, "person-1")
    url = settings["UNISON_STORAGE_DATABASE_URL"]
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        locked = {"database_url": f"{url}?busy_timeout=0", "cache_url": "reference://"}
        told = invoke("erase", "person-1", "--yes", **locked)
        report = invoke("erase", "person-1", "--yes", "--json", **locked)
    assert (told.exit_code, report.exit_code) == (1, 1)
    assert "Unavailable: " in told.stdout
    assert told.stderr == "not complete: mend what failed, then run it again\n"
    found = document(report)
    assert (found["complete"], found["kinds"]["memory"]["erased"], found["kinds"]["cache"]) == (False, 0, EMPTY)
    assert found["kinds"]["memory"]["error"].startswith("Unavailable: ")
    assert kinds(invoke("erase", "person-1", "--dry-run", "--json")) == {
        "memory": 2,
        "object": 1,
        "graph": 2,
        "cache": 1,
    }


def test_erasing_where_nothing_is_kept_is_no_success(invoke: Invoke, settings: dict[str, str]) -> None:
    del settings["UNISON_STORAGE_DATABASE_URL"]
    for more in (("--yes",), ("--dry-run",)):
        result = invoke("erase", "person-1", *more)
        assert (result.exit_code, result.stdout, result.stderr.partition(":")[0]) == (1, "", "InvalidConfig")


def test_whoever_is_no_person(invoke: Invoke) -> None:
    for person in ("", "person 1", "\x1b[31m", "x" * 129):
        result = invoke("erase", person, "--yes")
        assert (result.exit_code, result.stdout, result.stderr.partition(":")[0]) == (1, "", "InvalidKey")
        assert "\x1b" not in result.output
