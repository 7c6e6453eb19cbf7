"""Cached values and leases."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from base64 import b64decode
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.core.cli.conftest import Invoke, document
from unison_storage import Keyspace, Storage

PLACE = ("intent:cache", "agent-7")
BINARY = b"\x00\xff\x1b[31m\n"
RAW = {"keyspaces__thumbs__codec": "raw"}
PACKED = {"keyspaces__packed__codec": "msgpack"}


def test_what_is_set_can_be_got(invoke: Invoke) -> None:
    put = invoke("cache", "set", *PLACE, "route", "--lifetime", "60", input='{"skill": "grüß", "n": [1, 2.5, null]}')
    assert (put.exit_code, put.stdout, put.stderr) == (0, "set\n", "")
    got = invoke("cache", "get", *PLACE, "route")
    assert json.loads(got.stdout) == {"skill": "grüß", "n": [1, 2.5, None]}
    assert document(invoke("cache", "get", *PLACE, "route", "--json")) == {"value": document(got)}
    assert document(invoke("cache", "set", *PLACE, "route", "--value", "1", "--json")) == {"set": True}


@pytest.mark.parametrize("words", [("get",), ("touch", "--lifetime", "5")])
def test_what_is_not_there_fails_with_a_line(invoke: Invoke, words: tuple[str, ...]) -> None:
    result = invoke("cache", words[0], *PLACE, "none", *words[1:])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "NotFound: there is no such entry\n"
    assert document(invoke("cache", words[0], *PLACE, "none", *words[1:], "--json"))["error"]["type"] == "NotFound"


def test_null_is_a_value(invoke: Invoke) -> None:
    invoke("cache", "set", "notes", "a", "--value", "null")
    got = invoke("cache", "get", "notes", "a")
    assert (got.exit_code, got.stdout) == (0, "null\n")


def test_bytes_of_a_raw_keyspace(invoke: Invoke, tmp_path: Path) -> None:
    assert invoke("cache", "set", "thumbs", "a", input=BINARY, **RAW).exit_code == 0
    got = invoke("cache", "get", "thumbs", "a", **RAW)
    assert (got.stdout_bytes, got.stderr) == (BINARY, "")
    told = document(invoke("cache", "get", "thumbs", "a", "--json", **RAW))
    assert b64decode(told["base64"]) == BINARY
    file = tmp_path / "photo.jpg"
    file.write_bytes(BINARY * 2)
    assert invoke("cache", "set", "thumbs", "a", "--file", str(file), **RAW).exit_code == 0
    assert invoke("cache", "get", "thumbs", "a", **RAW).stdout_bytes == BINARY * 2


def test_raw_values_are_no_option_and_may_be_empty(invoke: Invoke) -> None:
    for name in ("set", "add"):
        refused = invoke("cache", name, "thumbs", "a", "--value", "1", **RAW)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert "stdin or --file" in refused.stderr
    assert invoke("cache", "set", "thumbs", "a", input=b"", **RAW).exit_code == 0
    empty = invoke("cache", "get", "thumbs", "a", **RAW)
    assert (empty.exit_code, empty.stdout_bytes) == (0, b"")


def test_messagepack_is_shown_as_json(invoke: Invoke, settings: dict[str, str]) -> None:
    invoke("cache", "set", "packed", "a", input="[1, 2]", **PACKED)
    assert document(invoke("cache", "get", "packed", "a", **PACKED)) == [1, 2]

    async def put(value: Any) -> None:
        url, keyspaces = settings["UNISON_STORAGE_DATABASE_URL"], [Keyspace("packed", codec="msgpack")]
        async with Storage(url, profile="development", keyspaces=keyspaces) as storage:
            await storage.cache.at("packed").set("a", value)

    asyncio.run(put({"bytes": b"\x00\xff", "at": datetime(2026, 1, 1, tzinfo=UTC), "by number": {1: 2}}))
    assert document(invoke("cache", "get", "packed", "a", **PACKED)) == {
        "bytes": "AP8=",
        "at": "2026-01-01T00:00:00Z",
        "by number": {"1": 2},
    }


@pytest.mark.parametrize("value", ["hello", "", "NaN", '{"a": "\\u0000"}'])
def test_what_is_no_portable_json_is_refused(invoke: Invoke, value: str) -> None:
    for name in ("set", "add"):
        result = invoke("cache", name, "notes", "a", "--value", value)
        assert (result.exit_code, result.stdout, result.stderr.partition(":")[0]) == (1, "", "InvalidValue")


def test_adding_tells_losing_from_failing(invoke: Invoke) -> None:
    assert invoke("cache", "add", "jobs", "nightly", "--value", "1").stdout == "added\n"
    again = invoke("cache", "add", "jobs", "nightly", "--value", "2")
    assert (again.exit_code, again.stdout) == (3, "something was there\n")
    assert document(invoke("cache", "add", "jobs", "nightly", "--value", "2", "--json")) == {"added": False}
    assert document(invoke("cache", "get", "jobs", "nightly")) == 1
    failed = invoke("cache", "add", "jobs", "nightly", "--value", "1", database_url="sqlite:////dev/null/x.db")
    assert failed.exit_code == 1


def test_counters(invoke: Invoke) -> None:
    assert invoke("cache", "increment", *PLACE, "hits", "--lifetime", "60").stdout == "1\n"
    assert invoke("cache", "increment", *PLACE, "hits", "--by", "-3").stdout == "-2\n"
    assert document(invoke("cache", "increment", *PLACE, "hits", "--json")) == {"value": -1}
    assert document(invoke("cache", "get", *PLACE, "hits")) == -1
    invoke("cache", "set", *PLACE, "route", "--value", "{}")
    refused = invoke("cache", "increment", *PLACE, "route")
    assert (refused.exit_code, refused.stderr.partition(":")[0]) == (1, "InvalidValue")
    assert invoke("cache", "increment", "thumbs", "n", **RAW).stdout == "1\n"
    assert invoke("cache", "get", "thumbs", "n", **RAW).stdout == "1\n"


def test_lifetimes(invoke: Invoke) -> None:
    put = ("cache", "set", *PLACE, "a", "--value", "1", "--lifetime")
    for time in ("90", "1.5", "15m", "12h", "1d"):
        assert invoke(*put, time).exit_code == 0, time
    for time in ("abc", "-5", "none", "keep", ""):
        assert invoke(*put, time).exit_code == 2, time
    for time in ("0", "2d"):
        result = invoke(*put, time)
        assert (result.exit_code, result.stderr.partition(":")[0]) == (1, "InvalidLifetime"), time
    assert invoke("cache", "touch", *PLACE, "a", "--lifetime", "60").stdout == "touched\n"
    assert invoke("cache", "touch", *PLACE, "a").exit_code == 2


def test_deleting(invoke: Invoke) -> None:
    for key in ("a", "b", "c"):
        invoke("cache", "set", *PLACE, key, "--value", "1")
    assert document(invoke("cache", "delete", *PLACE, "a", "--json")) == {"deleted": True}
    assert invoke("cache", "delete", *PLACE, "a").stdout == "nothing was there\n"
    assert invoke("cache", "count", "intent:cache").stdout == "2\n"
    unasked = invoke("cache", "delete-prefix", *PLACE)
    assert (unasked.exit_code, unasked.stdout) == (2, "")
    assert document(invoke("cache", "delete-prefix", *PLACE, "--dry-run", "--json")) == {"would_delete": 2}
    assert invoke("cache", "delete-prefix", *PLACE, "--yes").stdout == "deleted 2 entries\n"
    assert document(invoke("cache", "count", "intent:cache", "--json")) == {"count": 0}


@pytest.mark.parametrize("key", ["", "..", "a\nb", "\x1b[31m", "x" * 1025])
def test_hostile_keys_are_refused_in_one_line(invoke: Invoke, key: str) -> None:
    for words in (("get", key), ("set", key, "--value", "1"), ("acquire", key, "--lifetime", "5")):
        result = invoke("cache", words[0], "notes", *words[1:])
        assert (result.exit_code, result.stderr.partition(":")[0]) == (1, "InvalidKey")
        assert len(result.stderr.splitlines()) == 1
        assert "\x1b" not in result.output


def test_keyspaces_that_the_cache_refuses(invoke: Invoke) -> None:
    secret = invoke("cache", "set", "connectors", "person-1", "a", "--value", "1")
    assert (secret.exit_code, secret.stderr.partition(":")[0]) == (1, "ClassificationViolation")
    assert "graph model" not in secret.stderr
    assert invoke("cache", "get", "context:cache", "a").stderr.startswith(
        "InvalidKey: keyspace context:cache is person"
    )
    unknown = invoke("cache", "set", "intent:cash", "a", "--value", "1", profile="staging")
    assert (unknown.exit_code, unknown.stderr.partition(":")[0]) == (1, "UnknownKeyspace")


def test_who_calls_by_hand_is_told_that_the_cache_is_away(invoke: Invoke, settings: dict[str, str]) -> None:
    url = settings["UNISON_STORAGE_DATABASE_URL"]
    invoke("migrate")
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        # graph:hot lets writes go where a service makes them
        result = invoke("cache", "set", "graph:hot", "a", "--value", "1", database_url=f"{url}?busy_timeout=0")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Unavailable: ")


def test_a_lease_has_one_owner(invoke: Invoke) -> None:
    taken = document(invoke("cache", "acquire", "jobs", "rebuild", "--lifetime", "5m", "--json"))
    assert set(taken) == {"owner", "fence"}
    held = invoke("cache", "acquire", "jobs", "rebuild", "--lifetime", "5m")
    assert (held.exit_code, held.stdout) == (1, "")
    assert held.stderr.startswith("LeaseHeld: another owner holds the lease\n  --wait ")
    own = ("--owner", taken["owner"])
    assert document(invoke("cache", "acquire", "jobs", "rebuild", "--lifetime", "5m", *own, "--json")) == taken
    assert invoke("cache", "renew", "jobs", "rebuild", *own, "--lifetime", "1m").stdout == "renewed\n"
    assert invoke("cache", "release", "jobs", "rebuild", *own).stdout == "released\n"
    again = invoke("cache", "release", "jobs", "rebuild", *own)
    assert (again.exit_code, again.stdout) == (0, "it was not held any more\n")
    lost = invoke("cache", "renew", "jobs", "rebuild", *own, "--lifetime", "1m")
    assert (lost.exit_code, lost.stdout, lost.stderr.partition(":")[0]) == (1, "", "NotFound")
    shown = invoke("cache", "acquire", "jobs", "rebuild", "--lifetime", "5m", "--owner", "me").stdout.split()
    assert shown[:3] == ["owner", "me", "fence"]
    assert int(shown[3]) > taken["fence"]
    assert document(invoke("cache", "release", "jobs", "rebuild", "--owner", "you", "--json")) == {"released": False}


def test_waiting_for_a_lease(invoke: Invoke) -> None:
    first = document(invoke("cache", "acquire", "jobs", "rebuild", "--lifetime", "0.2", "--json"))
    later = document(invoke("cache", "acquire", "jobs", "rebuild", "--lifetime", "5m", "--wait", "30s", "--json"))
    assert later["fence"] > first["fence"]
    held = invoke("cache", "acquire", "jobs", "rebuild", "--lifetime", "5m", "--wait", "0.05", "--json")
    assert (held.exit_code, document(held)["error"]["type"]) == (1, "LeaseHeld")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("acquire", "jobs", "a"), 2),
        (("acquire", "jobs", "a", "--lifetime", "soon"), 2),
        (("acquire", "jobs", "a", "--lifetime", "0"), 1),
        (("acquire", "jobs", "a", "--lifetime", "5", "--wait", "for ever"), 2),
        (("acquire", "jobs", "a", "--lifetime", "5", "--owner", "no token"), 1),
        (("renew", "jobs", "a", "--lifetime", "5"), 2),
        (("release", "jobs", "a"), 2),
        (("release", "jobs", "--owner", "me"), 2),
    ],
)
def test_leases_want_all_their_words(invoke: Invoke, words: tuple[str, ...], code: int) -> None:
    result = invoke("cache", *words, "--json")
    assert (result.exit_code, set(document(result))) == (code, {"error"})
