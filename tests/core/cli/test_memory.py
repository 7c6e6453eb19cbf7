from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.core.cli.conftest import Invoke, Start, document

PLACE = ("session", "person-1", "chat 7")


def test_what_is_put_can_be_got(invoke: Invoke) -> None:
    put = invoke("memory", "put", *PLACE, "draft", input='{"text": "grüß dich", "n": [1, 2.5, null]}')
    assert put.exit_code == 0
    assert put.stdout.startswith("created, version ")
    got = invoke("memory", "get", *PLACE, "draft")
    assert json.loads(got.stdout) == {"text": "grüß dich", "n": [1, 2.5, None]}
    assert "grüß" in got.stdout
    assert got.stderr == ""


def test_the_whole_entry_as_a_document(invoke: Invoke) -> None:
    stamp = document(invoke("memory", "put", *PLACE, "draft", "--value", "1", "--lifetime", "15m", "--json"))
    assert stamp["created"] is True
    entry = document(invoke("memory", "get", *PLACE, "draft", "--json"))
    assert entry["namespace"] == ["person-1", "chat 7"]
    assert (entry["key"], entry["value"], entry["person"]) == ("draft", 1, "person-1")
    assert entry["version"] == stamp["version"]
    assert entry["expires_at"] == stamp["expires_at"]
    assert entry["created_at"].endswith("Z")
    assert len(entry["created_at"]) == len("2026-01-01T00:00:00.000000Z")


def test_values_from_a_file(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "value.json"
    file.write_text("[1]")
    assert invoke("memory", "put", "notes", "a", "--file", str(file)).exit_code == 0
    assert document(invoke("memory", "get", "notes", "a")) == [1]
    assert invoke("memory", "put", "notes", "a", "--file", str(file), "--value", "1").exit_code == 2
    missing = invoke("memory", "put", "notes", "a", "--file", str(tmp_path / "none.json"))
    assert missing.exit_code == 1
    assert missing.stderr.startswith("FileNotFoundError: No such file or directory")


@pytest.mark.parametrize("value", ["hello", "", "{'a': 1}", "NaN", "1" * 30, '"\\ud800"', '{"a": "\\u0000"}'])
def test_what_is_no_portable_json_is_refused(invoke: Invoke, value: str) -> None:
    result = invoke("memory", "put", "notes", "a", "--value", value)
    assert result.exit_code == 1
    assert result.stderr.startswith("InvalidValue: ")
    assert "Traceback" not in result.stderr


def test_expectations(invoke: Invoke) -> None:
    put = ("memory", "put", "notes", "a", "--json", "--value")
    version = document(invoke(*put, "1", "--expect", "absent"))["version"]
    again = invoke(*put, "2", "--expect", "absent")
    assert (again.exit_code, document(again)["error"]["type"]) == (1, "AlreadyExists")
    assert "leave --expect out to overwrite" in again.stderr
    assert document(invoke(*put, "2", "--expect", version))["created"] is False
    assert document(invoke(*put, "3", "--expect", version))["error"]["type"] == "VersionConflict"
    assert document(invoke("memory", "put", "notes", "b", "--value", "1", "--expect", "present", "--json"))["error"][
        "type"
    ] == ("NotFound")
    assert document(invoke("memory", "delete", "notes", "a", "--expect", version, "--json"))["error"]["type"] == (
        "VersionConflict"
    )


@pytest.mark.parametrize("words", [("get",), ("touch", "--lifetime", "5")])
def test_what_is_not_there_fails_with_a_line(invoke: Invoke, words: tuple[str, ...]) -> None:
    result = invoke("memory", words[0], "notes", "none", *words[1:])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "NotFound: there is no such entry\n"
    error = document(invoke("memory", words[0], "notes", "none", *words[1:], "--json"))["error"]
    assert error == {
        "type": "NotFound",
        "message": "there is no such entry",
        "retryable": False,
        "outcome_unknown": False,
    }


def test_exists_tells_absence_from_failure(invoke: Invoke) -> None:
    invoke("memory", "put", "notes", "a", "--value", "1")
    assert (invoke("memory", "exists", "notes", "a").exit_code, invoke("memory", "exists", "notes", "b").exit_code) == (
        0,
        3,
    )
    assert document(invoke("memory", "exists", "notes", "b", "--json")) == {"exists": False}
    assert invoke("memory", "exists", "notes", "a", database_url="sqlite:////dev/null/x.db").exit_code == 1


def test_deleting_twice_is_no_failure(invoke: Invoke) -> None:
    invoke("memory", "put", "notes", "a", "--value", "1")
    assert document(invoke("memory", "delete", "notes", "a", "--json")) == {"deleted": True}
    again = invoke("memory", "delete", "notes", "a")
    assert (again.exit_code, again.stdout) == (0, "nothing was there\n")


def test_counters(invoke: Invoke) -> None:
    assert invoke("memory", "increment", "notes", "n").stdout == "1\n"
    assert invoke("memory", "increment", "notes", "n", "--by", "-3").stdout == "-2\n"
    assert document(invoke("memory", "increment", "notes", "n", "--json")) == {"value": -1}
    assert invoke("memory", "increment", "notes", "n", "--by", "1.5").exit_code == 2


def test_lifetimes(invoke: Invoke) -> None:
    put = ("memory", "put", "session", "person-1", "a", "--value", "1", "--lifetime")
    for time in ("90", "1.5", "15m", "12h", "7d", "2w", "keep"):
        assert invoke(*put, time).exit_code == 0, time
    for time in ("abc", "-5", "1y", "1h30m", "", "1e3", "NaN"):
        assert invoke(*put, time).exit_code == 2, time
    for time in ("0", "52w", "none"):
        result = invoke(*put, time)
        assert (result.exit_code, result.stderr.partition(":")[0]) == (1, "InvalidLifetime"), time
    assert invoke("memory", "touch", "session", "person-1", "a", "--lifetime", "60").stdout == "touched\n"
    assert invoke("memory", "get", "session", "person-1", "a", "--touch", "2h").exit_code == 0


def test_listing_pages_and_all(invoke: Invoke) -> None:
    for number in range(5):
        invoke("memory", "put", "notes", "deep", f"k {number}", "--value", str(number))
    first = invoke("memory", "list", "notes", "--limit", "2")
    assert "deep 'k 0'" in first.stdout
    assert "2 entries; there is more: --cursor " in first.stderr
    cursor = first.stderr.split()[-1]
    second = document(invoke("memory", "list", "notes", "--limit", "2", "--cursor", cursor, "--json"))
    assert [item["key"] for item in second["items"]] == ["k 2", "k 3"]
    everything = document(invoke("memory", "list", "notes", "--all", "--json"))
    assert ([item["value"] for item in everything["items"]], everything["cursor"]) == ([0, 1, 2, 3, 4], None)
    assert "value" not in document(invoke("memory", "list", "notes", "--no-values", "--json"))["items"][0]
    assert invoke("memory", "list", "notes", "--limit", "0").exit_code == 2
    forged = invoke("memory", "list", "notes", "--cursor", "nonsense")
    assert (forged.exit_code, forged.stderr.partition(":")[0]) == (1, "InvalidCursor")
    empty = invoke("memory", "list", "nothing")
    assert (empty.exit_code, empty.stdout, empty.stderr) == (0, "", "0 entries\n")


def test_keys_and_count(invoke: Invoke) -> None:
    for key in ("b", "a"):
        invoke("memory", "put", "notes", "deep", key, "--value", "1")
    assert invoke("memory", "keys", "notes").stdout == "a\nb\n"
    assert document(invoke("memory", "keys", "notes", "--json")) == {"keys": ["a", "b"]}
    assert invoke("memory", "count", "notes", "deep").stdout == "2\n"
    assert document(invoke("memory", "count", "other", "--json")) == {"count": 0}


def test_delete_prefix_asks_counts_and_deletes(invoke: Invoke) -> None:
    for key in ("a", "b"):
        invoke("memory", "put", "notes", "deep", key, "--value", "1")
    invoke("memory", "put", "notes", "deeper", "c", "--value", "1")
    unasked = invoke("memory", "delete-prefix", "notes", "deep")
    assert (unasked.exit_code, unasked.stdout) == (2, "")
    assert "--yes" in unasked.stderr
    assert document(invoke("memory", "delete-prefix", "notes", "deep", "--dry-run", "--json")) == {"would_delete": 2}
    assert invoke("memory", "delete-prefix", "notes", "deep", "--yes").stdout == "deleted 2 entries\n"
    assert document(invoke("memory", "count", "notes", "--json")) == {"count": 1}


def test_a_person_can_own_what_lies_in_a_shared_keyspace(invoke: Invoke) -> None:
    invoke("memory", "put", "notes", "a", "--value", "1", "--person", "person-9")
    assert document(invoke("memory", "get", "notes", "a", "--json"))["person"] == "person-9"
    other = invoke("memory", "put", "notes", "a", "--value", "1", "--person", "person-8")
    assert (other.exit_code, other.stderr.partition(":")[0]) == (1, "InvalidValue")


@pytest.mark.parametrize("key", ["", ".", "..", "a\nb", "\x1b[31m", "x" * 1025, "a\x1fb"])
def test_hostile_keys_are_refused_in_one_line(invoke: Invoke, key: str) -> None:
    for words in (("get", "notes", key), ("put", "notes", key, "--value", "1"), ("count", "notes", key)):
        result = invoke("memory", *words)
        assert result.exit_code == 1
        assert result.stderr.startswith("InvalidKey: ")
        assert len(result.stderr.splitlines()) == 1
        assert "\x1b" not in result.output


def test_words_that_begin_with_a_dash_and_bytes_that_are_no_text(start: Start) -> None:
    assert start("memory", "put", "--value", "1", "--", "notes", "-x", "--json").returncode == 0
    assert start("memory", "get", "--", "notes", "-x", "--json").stdout == b"1\n"
    finished = start("memory", "get", "notes", "\udcff")
    assert finished.returncode == 1
    assert finished.stderr.startswith(b"InvalidKey: the key holds a lone surrogate")


def test_what_steers_a_terminal_is_shown_as_escapes(invoke: Invoke) -> None:
    evil = "\u202etxt.exe\u200b"
    invoke("memory", "put", "notes", evil, "--value", json.dumps("\x9b31m" + evil))
    listed = invoke("memory", "list", "notes")
    assert "\\u202etxt.exe\\u200b" in listed.stdout
    assert "\\u009b31m" in listed.stdout
    got = invoke("memory", "get", "notes", evil)
    assert got.stdout.rstrip("\n").isprintable()
    assert json.loads(got.stdout) == "\x9b31m" + evil
    assert invoke("memory", "keys", "notes").stdout == "\\u202etxt.exe\\u200b\n"


def test_a_keyspace_alone_is_no_address(invoke: Invoke) -> None:
    result = invoke("memory", "get", "notes")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "a keyspace and a key are needed" in result.stderr
