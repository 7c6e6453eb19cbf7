"""The reference memory, through its store, against a dict that knows nothing of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from unison_storage import (
    ABSENT,
    ANY,
    KEEP,
    MISSING,
    PRESENT,
    AlreadyExists,
    BatchFailed,
    Entry,
    InvalidLifetime,
    InvalidValue,
    Keyspace,
    NotFound,
    StorageError,
    VersionConflict,
)
from unison_storage.stores.memory import MemoryStore
from unison_storage.testing import START, ManualClock, reference_storage

HIGH = 2**63 - 1
NFC, NFD = "\u00e9", "e\u0301"
KEYSPACES = [
    Keyspace(name="plain"),
    Keyspace(name="short", lifetime=10, floor=1, ceiling=100),
    Keyspace(name="own", person_scoped=True),
]
HANDLES: list[Any] = [
    ("plain", (), None),
    ("plain", ("a",), None),
    ("plain", ("a",), "p1"),
    ("plain", ("a", "b"), "p2"),
    ("plain", ("ab",), None),
    ("plain", ("A",), "p1"),
    ("short", (), None),
    ("short", ("a",), "p1"),
    ("own", ("p1",), "p1"),
    ("own", ("p2", "a"), None),
]
KEYS = ["a", "ab", "A", "%", NFC, NFD]
VALUES: list[Any] = [0, 1, -5, HIGH, -HIGH - 1, 1.5, 5.0, True, None, "1", "text", [1], {"a": [None]}]
GOOD: list[Any] = [MISSING, KEEP, None, 5.5, 100, MISSING, KEEP]
ODD: list[Any] = [1, 1e-7, 101, 0, -1, "5", True]

ROOTS: list[Any] = [("plain", (), None), ("plain", ("a",), None), ("short", (), None), ("own", ("p1",), None)]

handles = st.sampled_from(HANDLES)
keys = st.sampled_from(KEYS)
# a few places that calls meet at, now and then another one, and how long to wait before the call
HOT: list[Any] = [
    (("plain", ("a",), None), "a"),
    (("plain", ("a",), "p1"), "a"),
    (("plain", ("a", "b"), "p2"), "b"),
    (("short", (), None), "a"),
    (("own", ("p1",), None), "a"),
]
places = st.one_of([st.sampled_from(HOT)] * 4 + [st.tuples(handles, keys)])
waits = st.sampled_from([0, 0, 0.000001, 1, 5.5])
spots = st.tuples(places, waits)
lifetimes = st.one_of([st.sampled_from(GOOD)] * 4 + [st.sampled_from(ODD)])
expectations = st.sampled_from(["any", "any", "any", "absent", "present", "current", "current", "stale", "never"])

Handle = tuple[str, tuple[str, ...], str | None]
Spot = tuple[tuple[Handle, str], float]
Address = tuple[str, tuple[str, ...], str]


@dataclass(frozen=True)
class Kept:
    """What the model remembers of one address; times in microseconds."""

    value: Any
    version: str
    created: int
    updated: int
    expires: int | None
    person: str | None


def at(micros: int | None) -> datetime | None:
    return None if micros is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


class MemoryMachine(RuleBasedStateMachine):
    """Every call of a handle does to the backend what it does to the dict."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = ManualClock()
        self.storage = reference_storage(self.clock, KEYSPACES)
        self.memory = self.runner.run(self.opened())
        self.now = int(START) * 1_000_000
        self.kept: dict[Address, Kept] = {}
        self.versions: dict[Address, list[str]] = {}

    async def opened(self) -> MemoryStore:
        return (await self.storage.open()).memory

    def teardown(self) -> None:
        self.runner.run(self.storage.close())
        self.runner.close()

    # ------------------------------------------------------------------------------------------------- the model

    def visible(self, address: Address) -> Kept | None:
        found = self.kept.get(address)
        return found if found is not None and (found.expires is None or found.expires > self.now) else None

    def below(self, keyspace: str, namespace: tuple[str, ...]) -> list[Address]:
        found = [
            address
            for address in self.kept
            if address[0] == keyspace and address[1][: len(namespace)] == namespace and self.visible(address)
        ]
        return sorted(found, key=lambda one: [part.encode() for part in (one[0], *one[1], one[2])])

    def length(self, keyspace: str, lifetime: Any, *, keep: bool = False) -> Any:
        """Return microseconds, ``None``, ``KEEP``, or the class of the error that a lifetime comes to."""
        if lifetime is MISSING:
            return 10_000_000 if keyspace == "short" else None
        if lifetime is KEEP:
            return KEEP if keep else InvalidLifetime
        if lifetime is None:
            return InvalidLifetime if keyspace == "short" else None
        if lifetime in {0, -1, "5"} or lifetime is True or (keyspace == "short" and not 1 <= lifetime <= 100):
            return InvalidLifetime
        return max(1, round(lifetime * 1_000_000))

    def expiry(self, length: int | None) -> int | None:
        return None if length is None else self.now + length

    def expected(self, address: Address, word: str) -> Any:
        """Return an expectation of that sort for what is there now."""
        there = self.visible(address)
        old = [version for version in self.versions.get(address, []) if there is None or version != there.version]
        return {
            "any": ANY,
            "absent": ABSENT,
            "present": PRESENT,
            "current": there.version if there else "never-there.1",
            "stale": old[-1] if old else "never-there.2",
            "never": "\x00 no version at all",
        }[word]

    def refused(self, address: Address, expect: Any) -> type[StorageError] | None:
        there = self.visible(address)
        if expect is ANY:
            return None
        if expect is ABSENT:
            return AlreadyExists if there else None
        if there is None:
            return NotFound
        return None if expect is PRESENT or expect == there.version else VersionConflict

    def errors_of_put(self, address: Address, length: Any, expect: Any, person: str | None) -> set[type[StorageError]]:
        if length is InvalidLifetime:
            return {InvalidLifetime}
        there = self.visible(address)
        errors = {self.refused(address, expect)} - {None}
        if there is not None and person is not None and there.person not in {None, person}:
            errors.add(InvalidValue)
        return {error for error in errors if error is not None}

    def put_there(self, address: Address, value: Any, length: Any, person: str | None, version: str) -> None:
        there = self.visible(address)
        if length is KEEP:
            expires = there.expires if there else self.expiry(self.length(address[0], MISSING))
        else:
            expires = self.expiry(length)
        created = there.created if there else self.now
        owner = person or (there.person if there else None)
        self.keep(address, Kept(value, version, created, self.now, expires, owner))

    def keep(self, address: Address, kept: Kept) -> None:
        everywhere = {version for versions in self.versions.values() for version in versions}
        assert kept.version not in everywhere, "a version was given twice"
        self.kept[address] = kept
        self.versions.setdefault(address, []).append(kept.version)

    def check_stamp(self, address: Address, stamp: Any, *, fresh: bool) -> None:
        kept = self.kept[address]
        assert (stamp.version, stamp.created) == (kept.version, fresh)
        assert (stamp.created_at, stamp.updated_at) == (at(kept.created), at(kept.updated))
        assert stamp.expires_at == at(kept.expires)

    def check_entry(self, address: Address, entry: Entry[Any] | None, *, values: bool = True) -> None:
        kept = self.visible(address)
        if kept is None or entry is None:
            assert entry is None
            assert kept is None
            return
        assert (entry.namespace, entry.key, entry.version) == (address[1], address[2], kept.version)
        assert type(entry.value) is type(kept.value if values else None)
        assert entry.value == (kept.value if values else None)
        assert (entry.created_at, entry.updated_at) == (at(kept.created), at(kept.updated))
        assert (entry.expires_at, entry.person) == (at(kept.expires), kept.person)

    # -------------------------------------------------------------------------------------------------- the calls

    def notes(self, handle: Handle) -> Any:
        keyspace, namespace, person = handle
        return self.memory.at(keyspace, *namespace, person=person)

    def spot(self, spot: Spot) -> tuple[Handle, str]:
        """Wait as long as that, then return handle and key."""
        place, wait = spot
        self.advance(wait)
        return place

    def owner(self, handle: Handle) -> str | None:
        return handle[1][0] if handle[0] == "own" else handle[2]

    def run(self, call: Coroutine[Any, Any, Any], errors: set[type[StorageError]] | None = None) -> Any:
        """Return the result of a call, or ``None`` where it raised one of the errors that it has to raise."""
        if not errors:
            return self.runner.run(call)
        with pytest.raises(StorageError) as caught:
            self.runner.run(call)
        assert type(caught.value) in errors
        return None

    @rule(spot=spots, value=st.sampled_from(VALUES), lifetime=lifetimes, word=expectations)
    def put(self, spot: Spot, value: Any, lifetime: Any, word: str) -> None:
        handle, key = self.spot(spot)
        address = (handle[0], handle[1], key)
        expect = self.expected(address, word)
        length = self.length(handle[0], lifetime, keep=True)
        errors = self.errors_of_put(address, length, expect, self.owner(handle))
        fresh = self.visible(address) is None
        stamp = self.run(self.notes(handle).put(key, value, lifetime=lifetime, expect=expect), errors)
        if not errors:
            self.put_there(address, value, length, self.owner(handle), stamp.version)
            self.check_stamp(address, stamp, fresh=fresh)

    @rule(place=places, breaks=st.lists(waits, max_size=3), lifetime=lifetimes, word=expectations)
    def put_again_and_again(self, place: tuple[Handle, str], breaks: list[float], lifetime: Any, word: str) -> None:
        self.put((place, 0), 1, MISSING, "any")
        for wait in breaks:
            self.put((place, wait), 1, lifetime, word)

    @rule(handle=handles, words=st.dictionaries(keys, expectations, max_size=6), lifetime=st.just(MISSING) | lifetimes)
    def put_many(self, handle: Any, words: dict[str, str], lifetime: Any) -> None:
        expect = {key: self.expected((handle[0], handle[1], key), word) for key, word in words.items()}
        length = self.length(handle[0], lifetime, keep=True)
        addresses = {key: (handle[0], handle[1], key) for key in words}
        errors = {key: self.errors_of_put(addresses[key], length, expect[key], self.owner(handle)) for key in words}
        fresh = {key: self.visible(addresses[key]) is None for key in words}
        call = self.notes(handle).put_many({key: [key] for key in words}, lifetime=lifetime, expect=expect)
        try:
            results = dict(self.runner.run(call))
        except BatchFailed as failed:
            results = dict(failed.results)
        assert list(results) == sorted(results, key=list(results).index)
        assert results.keys() == words.keys()
        for key, result in results.items():
            if errors[key]:
                assert type(result) in errors[key]
            else:
                self.put_there(addresses[key], [key], length, self.owner(handle), result.version)
                self.check_stamp(addresses[key], result, fresh=fresh[key])

    @rule(spot=spots, touch=lifetimes)
    def get(self, spot: Spot, touch: Any) -> None:
        handle, key = self.spot(spot)
        address = (handle[0], handle[1], key)
        if touch is MISSING:
            self.check_entry(address, self.run(self.notes(handle).get(key)))
            return
        length = self.length(handle[0], touch)
        if length is InvalidLifetime:
            self.run(self.notes(handle).get(key, touch=touch), {InvalidLifetime})
            return
        entry = self.run(self.notes(handle).get(key, touch=touch))
        there = self.visible(address)
        if there is not None:
            self.kept[address] = replace(there, expires=self.expiry(length))
        self.check_entry(address, entry)

    @rule(handle=handles, some=st.lists(keys, max_size=5))
    def get_many(self, handle: Any, some: list[str]) -> None:
        found = self.run(self.notes(handle).get_many(some))
        assert list(found) == list(dict.fromkeys(some))
        for key, entry in found.items():
            self.check_entry((handle[0], handle[1], key), entry)
            assert self.run(self.notes(handle).exists(key)) is (entry is not None)

    @rule(spot=spots, lifetime=lifetimes)
    def touch(self, spot: Spot, lifetime: Any) -> None:
        handle, key = self.spot(spot)
        address = (handle[0], handle[1], key)
        length = self.length(handle[0], lifetime)
        errors = {InvalidLifetime} if length is InvalidLifetime else None
        touched = self.run(self.notes(handle).touch(key, lifetime=lifetime), errors)  # type: ignore[arg-type]
        there = self.visible(address)
        if errors is None:
            assert touched is (there is not None)
            if there is not None:
                self.kept[address] = replace(there, expires=self.expiry(length))

    @rule(
        spot=spots,
        by=st.sampled_from([1, -3, 0, HIGH, -HIGH - 1, HIGH + 1, 1.0, True]),
        lifetime=lifetimes,
    )
    def increment(self, spot: Spot, by: Any, lifetime: Any) -> None:
        handle, key = self.spot(spot)
        address = (handle[0], handle[1], key)
        there = self.visible(address)
        length = self.length(handle[0], lifetime)
        before = there.value if there else 0
        errors: set[type[StorageError]] = {InvalidLifetime} if length is InvalidLifetime else set()
        whole = type(before) is int and type(by) is int
        if not whole or by > HIGH or not -HIGH - 1 <= before + by <= HIGH:
            errors.add(InvalidValue)
        total = self.run(self.notes(handle).increment(key, by, lifetime=lifetime), errors)
        if not errors:
            assert type(total) is int
            assert total == before + by
            version = self.runner.run(self.notes(handle).get(key)).version
            fresh = Kept(total, version, self.now, self.now, self.expiry(length), self.owner(handle))
            self.keep(address, replace(there, value=total, version=version, updated=self.now) if there else fresh)

    @rule(spot=spots, word=st.sampled_from(["any", "any", "current", "stale", "never"]))
    def delete(self, spot: Spot, word: str) -> None:
        handle, key = self.spot(spot)
        address = (handle[0], handle[1], key)
        expect = self.expected(address, word)
        error = self.refused(address, expect)
        deleted = self.run(self.notes(handle).delete(key, expect=expect), {error} if error else None)
        if error is None:
            assert deleted is (self.visible(address) is not None)
            self.kept.pop(address, None)

    @rule(
        handle=handles,
        person=st.sampled_from(["p1", "p2", "p3"]),
        how=st.sampled_from(["prefix", "erase", "sweep", "wait"]),
    )
    def many_go(self, handle: Any, person: str, how: str) -> None:
        if how == "prefix":
            found = self.below(handle[0], handle[1])
            assert self.run(self.notes(handle).delete_prefix()) == len(found)
        elif how == "erase":
            found = [address for address in self.kept if (there := self.visible(address)) and there.person == person]
            report = self.run(self.storage.erase(person))
            assert (report.complete, report.kinds["memory"].erased) == (True, len(found))
        elif how == "sweep":
            found = []
            self.run(self.storage.sweep())
            assert self.run(self.storage.sweep())["memory"] == 0
        else:
            found = []
            self.advance(9.999999)
        for address in found:
            del self.kept[address]

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.now += round(seconds * 1_000_000)

    @rule(
        handle=st.sampled_from(ROOTS) | handles,
        more=st.just(()) | st.just(("a",)),
        limit=st.integers(1, 4),
        values=st.booleans(),
    )
    def pages(self, handle: Any, more: tuple[str, ...], limit: int, *, values: bool) -> None:
        self.check_pages(self.notes(handle), more, limit, self.below(handle[0], (*handle[1], *more)), values=values)

    def check_pages(
        self, notes: Any, more: tuple[str, ...], limit: int, expected: list[Address], *, values: bool
    ) -> None:
        """Turn all pages: each is full but the last, which alone has no cursor, and nothing is left out or doubled."""
        found: list[Address] = []
        cursor = None
        for left in reversed(range(max(1, -(-len(expected) // limit)))):
            page = self.run(notes.page(*more, cursor=cursor, limit=limit, values=values))
            assert len(page.items) == min(limit, len(expected) - len(found))
            for entry in page.items:
                found.append((notes.keyspace, entry.namespace, entry.key))
                self.check_entry(found[-1], entry, values=values)
            cursor = page.cursor
            assert (cursor is not None) is (left > 0)
        assert found == expected

    @invariant()
    def a_listing_shows_what_is_there(self) -> None:
        for keyspace, namespace in [
            ("plain", ()),
            ("plain", ("a",)),
            ("short", ()),
            ("own", ("p1",)),
            ("own", ("p2",)),
        ]:
            person = namespace[0] if keyspace == "own" else None
            notes: Any = self.memory.at(keyspace, *namespace, person=person)
            expected = self.below(keyspace, namespace)

            async def walked(call: Callable[[], Any]) -> list[Any]:
                return [item async for item in call()]

            entries = self.run(walked(notes.entries))
            assert [(keyspace, entry.namespace, entry.key) for entry in entries] == expected
            for address, entry in zip(expected, entries, strict=True):
                self.check_entry(address, entry)
            assert self.run(walked(notes.keys)) == [address[2] for address in expected]
            assert self.run(notes.count()) == len(expected)
            self.check_pages(notes, (), 2, expected, values=False)


TestMemory = MemoryMachine.TestCase
TestMemory.settings = settings(deadline=None, max_examples=100, stateful_step_count=40)
