from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from unison_storage import ABSENT, KEEP, PRESENT, Keyspace
from unison_storage.errors import (
    BatchFailed,
    InvalidCursor,
    InvalidKey,
    InvalidLifetime,
    InvalidValue,
    NotFound,
    StorageError,
    TooLarge,
    UnknownKeyspace,
    VersionConflict,
)
from unison_storage.storage import Storage
from unison_storage.testing import ManualClock, reference_storage

CANARY = "c4n4ry"

HOSTILE_KEYS: list[Any] = [
    "",
    ".",
    "..",
    "a\x00b",
    "a\nb",
    "a\x1fb",
    "\x7f",
    "\x85",
    "\ud800",
    "k" * (1 << 20),
    "é" * 513,
    5,
    None,
    b"k",
]
ODD_KEYS = ["%", "_", "*", "?", "[a]", ":", "/", "\\", "a/b", " ", "'\"; DROP TABLE", "é", "e\u0301", "😀", "k" * 1024]
HOSTILE_LIFETIMES: list[Any] = [0, -1, math.nan, math.inf, "60", True, 1e300, 4e9, b"1"]
HOSTILE_VALUES: list[Any] = [
    math.nan,
    math.inf,
    (1, 2),
    {1: "a"},
    2**80,
    2**63,
    "\ud800",
    "a\x00b",
    {"a\x00": 1},
    {CANARY: {3, 4}},
    b"bytes",
    object(),
]


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def numbered(values: list[Any]) -> list[Any]:
    return [pytest.param(value, id=f"{number}-{type(value).__name__}") for number, value in enumerate(values)]


async def one_entry(storage: Storage) -> Any:
    notes = storage.memory.at("demo", "a")
    await notes.put("there", CANARY)
    return notes


def run(test: Any, **options: Any) -> None:
    async def opened() -> None:
        async with reference_storage(**options) as storage:
            await test(storage)

    asyncio.run(opened())


@pytest.mark.parametrize("key", numbered(HOSTILE_KEYS))
def test_a_hostile_key_is_refused_by_every_call_and_changes_nothing(key: Any) -> None:
    async def test(storage: Storage) -> None:
        notes = await one_entry(storage)
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda: notes.get(key),
            lambda: notes.put(key, CANARY),
            lambda: notes.delete(key),
            lambda: notes.touch(key, lifetime=5),
            lambda: notes.increment(key),
            lambda: notes.exists(key),
        ]
        for call in calls:
            with pytest.raises(InvalidKey) as raised:
                await call()
            assert CANARY not in str(raised.value)
        with pytest.raises(BatchFailed) as failed:
            await notes.get_many(["there", key])
        assert failed.value.results["there"].value == CANARY
        assert isinstance(failed.value.results[key], InvalidKey)
        assert await notes.count() == 1

    run(test)


@pytest.mark.parametrize("segment", numbered([*HOSTILE_KEYS, "s" * 256]))
def test_a_hostile_segment_is_refused_where_the_handle_is_made(segment: Any) -> None:
    async def test(storage: Storage) -> None:
        with pytest.raises(InvalidKey):
            storage.memory.at("demo", "ok", segment)
        with pytest.raises(InvalidKey):
            await storage.memory.at("demo").count(segment)

    run(test)


@pytest.mark.parametrize("key", numbered(ODD_KEYS))
def test_an_odd_key_is_a_key_like_any_other(key: str) -> None:
    async def test(storage: Storage) -> None:
        notes = storage.memory.at("demo")
        for other in ODD_KEYS:
            await notes.put(other, other)
        entry = await notes.get(key)
        assert entry is not None
        assert (entry.key, entry.value) == (key, key)
        assert await notes.delete(key)
        assert [found async for found in notes.keys()] == sorted(set(ODD_KEYS) - {key}, key=str.encode)

    run(test)


@pytest.mark.parametrize("lifetime", numbered(HOSTILE_LIFETIMES))
def test_a_hostile_lifetime_is_refused_and_changes_nothing(lifetime: Any) -> None:
    async def test(storage: Storage) -> None:
        notes = await one_entry(storage)
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda: notes.put("there", 1, lifetime=lifetime),
            lambda: notes.get("there", touch=lifetime),
            lambda: notes.touch("there", lifetime=lifetime),
            lambda: notes.increment("n", lifetime=lifetime),
        ]
        for call in calls:
            with pytest.raises(InvalidLifetime):
                await call()
        entry = await notes.get("there")
        assert (entry.value, entry.expires_at) == (CANARY, None)
        assert await notes.count() == 1

    run(test)


@pytest.mark.parametrize("value", numbered([*HOSTILE_VALUES, deep(65), deep(10_000)]))
def test_a_value_outside_the_domain_is_refused_without_quoting_it(value: Any) -> None:
    async def test(storage: Storage) -> None:
        notes = await one_entry(storage)
        with pytest.raises(InvalidValue) as raised:
            await notes.put("there", value)
        assert CANARY not in str(raised.value)
        assert raised.value.__cause__ is None
        with pytest.raises(BatchFailed) as failed:
            await notes.put_many({"there": value, "fine": 1})
        assert isinstance(failed.value.results["there"], InvalidValue)
        assert (await notes.get("there")).value == CANARY
        assert (await notes.get("fine")).value == 1

    run(test)


def test_a_value_over_the_limit_is_too_large() -> None:
    async def test(storage: Storage) -> None:
        notes = storage.memory.at("demo")
        await notes.put("k", "x" * ((1 << 20) - 2))
        with pytest.raises(TooLarge) as raised:
            await notes.put("k", "x" * ((1 << 20) - 1))
        assert raised.value.limit == 1 << 20

    run(test)


@pytest.mark.parametrize("limit", [0, -1, 1001, 10**9, True, "5", None])
def test_a_page_size_out_of_range_is_refused(limit: Any) -> None:
    async def test(storage: Storage) -> None:
        with pytest.raises(InvalidValue):
            await storage.memory.at("demo").page(limit=limit)

    run(test)


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "é", "=" * 8, "A" * 4000, "\x00"])
def test_a_forged_cursor_is_refused(cursor: str) -> None:
    async def test(storage: Storage) -> None:
        with pytest.raises(InvalidCursor):
            await storage.memory.at("demo").page(cursor=cursor)

    run(test)


def test_a_cursor_of_another_listing_is_refused_and_one_of_this_goes_on() -> None:
    async def test(storage: Storage) -> None:
        notes, others = storage.memory.at("demo", "a"), storage.memory.at("demo", "b")
        for number in range(7):
            await notes.put(f"k{number}", number)
            await others.put(f"k{number}", number)
        first = await notes.page(limit=3)
        with pytest.raises(InvalidCursor):
            await others.page(cursor=first.cursor)
        await notes.delete("k3")
        second = await notes.page(limit=3, cursor=first.cursor)
        assert [entry.key for entry in second.items] == ["k4", "k5", "k6"]
        assert second.cursor is None

    run(test)


def test_the_table_of_lifetimes() -> None:
    clock = ManualClock()
    space = Keyspace(name="short", lifetime=10, floor=5, ceiling=100)

    async def test(storage: Storage) -> None:
        notes = storage.memory.at("short")
        stamp = await notes.put("k", 1)
        assert stamp.expires_at is not None
        assert (stamp.expires_at - stamp.created_at).total_seconds() == 10
        for refused in (None, 4.9, 100.1):
            with pytest.raises(InvalidLifetime):
                await notes.put("k", 1, lifetime=refused)
        clock.advance(9)
        kept = await notes.put("k", 2, lifetime=KEEP)
        assert kept.expires_at == stamp.expires_at
        touched = await notes.get("k", touch=50)
        assert touched is not None
        assert touched.expires_at is not None
        assert (touched.expires_at - touched.created_at).total_seconds() == 59
        assert touched.version == kept.version
        clock.advance(50)
        assert await notes.get("k") is None
        assert not await notes.touch("k", lifetime=5)
        fresh = await notes.put("k", 3, lifetime=KEEP, expect=ABSENT)
        assert fresh.created
        assert fresh.expires_at is not None
        assert (fresh.expires_at - fresh.created_at).total_seconds() == 10
        for call in (notes.touch("k", lifetime=KEEP), notes.increment("n", lifetime=KEEP), notes.get("k", touch=KEEP)):  # type: ignore[arg-type]
            with pytest.raises(InvalidLifetime):
                await call

    run(test, clock=clock, keyspaces=[space])


def test_persons_are_kept_and_never_changed_by_a_put() -> None:
    async def test(storage: Storage) -> None:
        mine = storage.memory.at("demo", person="p1")
        nobody = storage.memory.at("demo")
        await nobody.put("k", 1)
        await mine.put("k", 2)
        await nobody.put("k", 3)
        entry = await nobody.get("k")
        assert entry is not None
        assert entry.person == "p1"
        with pytest.raises(InvalidValue):
            await storage.memory.at("demo", person="p2").put("k", 4)
        assert (await storage.erase("p1")).kinds["memory"].erased == 1
        assert await nobody.get("k") is None
        for bad in ("", "-p", "p 1", "p" * 129, "*", "é"):
            with pytest.raises(InvalidKey):
                storage.memory.at("demo", person=bad)
        with pytest.raises(InvalidValue):
            storage.memory.at("session", "p1", person="p2")
        with pytest.raises(InvalidKey):
            storage.memory.at("session")

    run(test)


class Draft(msgspec.Struct):
    title: str
    words: int = 0


def test_a_typed_handle_decodes_and_refuses_what_does_not_fit() -> None:
    async def test(storage: Storage) -> None:
        drafts = storage.memory.at("demo", type=Draft)
        await drafts.put("d", Draft("hello", 2))
        entry = await drafts.get("d")
        assert entry is not None
        assert entry.value == Draft("hello", 2)
        await storage.memory.at("demo").put("d", {"title": 5, "secret": CANARY})
        with pytest.raises(InvalidValue) as raised:
            await drafts.get("d")
        assert CANARY not in str(raised.value)
        with pytest.raises(BatchFailed):
            await drafts.get_many(["d"])

    run(test)


def test_a_reader_can_not_change_what_is_stored() -> None:
    async def test(storage: Storage) -> None:
        notes = storage.memory.at("demo")
        value = {"list": [1]}
        await notes.put("k", value)
        value["list"].append(2)
        first = await notes.get("k")
        assert first is not None
        first.value["list"].append(3)
        second = await notes.get("k")
        assert second is not None
        assert second.value == {"list": [1]}

    run(test)


@pytest.mark.parametrize("by", numbered([True, 1.5, "1", None, 2**63, -(2**63) - 1]))
def test_a_counter_takes_only_integers_within_its_range(by: Any) -> None:
    async def test(storage: Storage) -> None:
        with pytest.raises(InvalidValue):
            await storage.memory.at("demo").increment("n", by)

    run(test)


def test_a_counter_stops_at_its_edges_and_refuses_what_is_none() -> None:
    async def test(storage: Storage) -> None:
        notes = storage.memory.at("demo")
        assert await notes.increment("n", 2**63 - 1) == 2**63 - 1
        with pytest.raises(InvalidValue):
            await notes.increment("n")
        entry = await notes.get("n")
        assert entry is not None
        assert entry.value == 2**63 - 1
        for value in ("5", 1.5, [1], None, True, -0.0):
            await notes.put("other", value)
            with pytest.raises(InvalidValue):
                await notes.increment("other")
        await notes.put("other", 7)
        assert await notes.increment("other", -10) == -3
        with pytest.raises(BatchFailed) as failed:
            await notes.increment_many({"other": 1, "n": 1})
        assert failed.value.results["other"] == -2

    run(test)


@pytest.mark.parametrize("expect", numbered([5, None, True, b"v", object()]))
def test_an_expectation_of_another_type_is_refused(expect: Any) -> None:
    async def test(storage: Storage) -> None:
        with pytest.raises(InvalidValue):
            await storage.memory.at("demo").put("k", 1, expect=expect)

    run(test)


@pytest.mark.parametrize("expect", numbered(["", "a\x00b", "\ud800", "v" * 10_000, "é"]))
def test_a_version_that_nobody_minted_conflicts(expect: str) -> None:
    async def test(storage: Storage) -> None:
        notes = storage.memory.at("demo")
        with pytest.raises(NotFound):
            await notes.put("k", 1, expect=expect)
        await notes.put("k", 1)
        with pytest.raises(VersionConflict):
            await notes.put("k", 2, expect=expect)
        with pytest.raises(InvalidValue):
            await notes.delete("k", expect=PRESENT)

    run(test)


def test_undeclared_keyspaces_are_refused_in_production_with_near_names() -> None:
    storage = Storage(profile="production")
    with pytest.raises(UnknownKeyspace, match="near names: session"):
        storage.keyspaces.get("sesion")


def test_no_error_of_a_call_is_outside_the_tree() -> None:
    async def test(storage: Storage) -> None:
        notes = storage.memory.at("demo")
        for key in HOSTILE_KEYS:
            for value in HOSTILE_VALUES:
                with pytest.raises(StorageError):
                    await notes.put(key, value)

    run(test)
