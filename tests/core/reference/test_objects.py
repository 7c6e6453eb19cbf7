"""The reference blobs and object index, through their store, against a dict that knows nothing of them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Coroutine
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from unison_storage import (
    ABSENT,
    ANY,
    PRESENT,
    AlreadyExists,
    InvalidValue,
    NotFound,
    ObjectInfo,
    Storage,
    StorageError,
    TooLarge,
    VersionConflict,
)
from unison_storage.reference.objects import ReferenceBlobs, ReferenceObjectIndex
from unison_storage.stores.objects import ObjectStore
from unison_storage.stores.upkeep import Upkeep
from unison_storage.testing import START, ManualClock

LARGEST = 2000
GRACE, STALE = 3_600_000_000, 86_400_000_000
HANDLES: list[Any] = [
    ((), None),
    (("a",), None),
    (("a",), "p1"),
    (("a", "b"), "p2"),
    (("ab",), "p1"),
]
KEYS = ["a", "ab", "A", "\u00e9", "e\u0301", "%"]
CONTENTS = [b"", b"x", b"hello", bytes(range(256)) * 7, b"y" * LARGEST]

handles = st.sampled_from(HANDLES)
keys = st.sampled_from(KEYS)
# a few places that calls meet at, now and then another one, and how long to wait before the call
HOT: list[Any] = [((("a",), None), "a"), ((("a",), "p1"), "a"), ((("a", "b"), "p2"), "b"), (((), None), "a")]
places = st.one_of([st.sampled_from(HOT)] * 4 + [st.tuples(handles, keys)])
waits = st.sampled_from([0, 0, 0.000001, 5, 1800])
spots = st.tuples(places, waits)
contents = st.sampled_from(CONTENTS)
lifetimes = st.sampled_from([None, None, 5.0, 50_000.0])
expectations = st.sampled_from(["any", "any", "absent", "present", "current", "stale"])

Handle = tuple[tuple[str, ...], str | None]
Spot = tuple[tuple[Handle, str], float]
Address = tuple[tuple[str, ...], str]


@dataclass(frozen=True)
class Kept:
    """What the model remembers of one object; times in microseconds."""

    data: bytes
    type: str
    version: str
    id: str
    created: int
    updated: int
    expires: int | None
    person: str | None


class Broken(Exception):
    """What a source raises half-way."""


async def breaking(data: bytes) -> AsyncIterator[bytes]:
    yield data
    raise Broken


class ObjectsMachine(RuleBasedStateMachine):
    """Objects are whole or not there; bytes go when nobody wants them any more, and never sooner."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = ManualClock()
        self.blobs = ReferenceBlobs(self.clock)
        self.storage = Storage(
            object=self.blobs,
            object_index=ReferenceObjectIndex(self.clock),
            profile="test",
            clock=self.clock,
            max_object=LARGEST,
        )
        self.objects, self.upkeep = self.runner.run(self.opened())
        self.now = int(START) * 1_000_000
        self.kept: dict[Address, Kept] = {}
        # blobs that nobody wants any more: since when, and whose they were
        self.unwanted: list[tuple[int, str | None]] = []
        self.versions: set[str] = set()
        self.old: dict[Address, str] = {}

    async def opened(self) -> tuple[ObjectStore, Upkeep]:
        await self.storage.open()
        return self.storage.objects, self.storage.upkeep

    def teardown(self) -> None:
        self.runner.run(self.storage.close())
        self.runner.close()

    # ------------------------------------------------------------------------------------------------- the model

    def visible(self, address: Address) -> Kept | None:
        found = self.kept.get(address)
        return found if found is not None and (found.expires is None or found.expires > self.now) else None

    def below(self, namespace: tuple[str, ...]) -> list[Address]:
        found = [one for one in self.kept if one[0][: len(namespace)] == namespace and self.visible(one)]
        return sorted(found, key=lambda one: [part.encode() for part in (*one[0], one[1])])

    def drop(self, address: Address) -> None:
        """Take an object away, visible or expired, at this moment."""
        gone = self.kept.pop(address, None)
        if gone is not None:
            self.old[address] = gone.version
            self.unwanted.append((self.now, gone.person))

    def expected(self, address: Address, word: str) -> Any:
        there = self.visible(address)
        return {
            "any": ANY,
            "absent": ABSENT,
            "present": PRESENT,
            "current": there.version if there else "never-there.1",
            "stale": self.old.get(address, "never-there.2"),
        }[word]

    def refused(self, address: Address, expect: Any) -> set[type[StorageError]]:
        there = self.visible(address)
        if expect is ANY:
            return set()
        if expect is ABSENT:
            return {AlreadyExists} if there else set()
        if there is None:
            return {NotFound}
        return set() if expect is PRESENT or expect == there.version else {VersionConflict}

    def check(self, address: Address, info: ObjectInfo | None) -> None:
        kept = self.visible(address)
        if kept is None or info is None:
            assert info is None
            assert kept is None
            return
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        assert (info.keyspace, info.namespace, info.key) == ("plain", *address)
        assert (info.id, info.version, info.content_type) == (kept.id, kept.version, kept.type)
        assert (info.size, info.sha256) == (len(kept.data), hashlib.sha256(kept.data).hexdigest())
        assert info.created_at == epoch + timedelta(microseconds=kept.created)
        assert info.updated_at == epoch + timedelta(microseconds=kept.updated)
        assert info.person == kept.person
        expires = None if kept.expires is None else epoch + timedelta(microseconds=kept.expires)
        assert info.expires_at == expires

    # -------------------------------------------------------------------------------------------------- the calls

    def spot(self, spot: Spot) -> tuple[Handle, str]:
        """Wait as long as that, then return handle and key."""
        place, wait = spot
        self.advance(wait)
        return place

    def files(self, handle: Handle) -> Any:
        return self.objects.at("plain", *handle[0], person=handle[1])

    def run(self, call: Coroutine[Any, Any, Any], errors: AbstractSet[type[Exception]] = frozenset()) -> Any:
        if not errors:
            return self.runner.run(call)
        with pytest.raises(Exception) as caught:
            self.runner.run(call)
        assert type(caught.value) in errors
        return None

    def stored(self, address: Address, info: ObjectInfo, kept: Kept) -> None:
        """Remember what a successful put or copy has left behind."""
        there = self.visible(address)
        assert info.created is (there is None)
        assert info.version not in self.versions
        self.versions.add(info.version)
        if there is not None:
            assert info.id == there.id
        self.drop(address)
        self.kept[address] = kept
        self.check(address, info)

    @rule(
        spot=spots,
        data=contents,
        lifetime=lifetimes,
        word=expectations,
        kind=st.sampled_from(["a/b", "c/d"]),
    )
    def put(self, spot: Spot, data: bytes, lifetime: float | None, word: str, kind: str) -> None:
        handle, key = self.spot(spot)
        address = (handle[0], key)
        there = self.visible(address)
        expect = self.expected(address, word)
        errors = self.refused(address, expect)
        if there is not None and handle[1] is not None and there.person not in {None, handle[1]}:
            errors.add(InvalidValue)
        more = {} if lifetime is None else {"lifetime": lifetime}
        info = self.run(self.files(handle).put(key, data, content_type=kind, expect=expect, **more), errors)
        if info is not None:
            expires = None if lifetime is None else self.now + round(lifetime * 1_000_000)
            created = there.created if there else self.now
            person = handle[1] or (there.person if there else None)
            self.stored(address, info, Kept(data, kind, info.version, info.id, created, self.now, expires, person))

    @rule(place=places, breaks=st.lists(waits, max_size=3), data=contents, word=expectations)
    def put_again_and_again(self, place: tuple[Handle, str], breaks: list[float], data: bytes, word: str) -> None:
        self.put((place, 0), b"first", None, "any", "a/b")
        for wait in breaks:
            self.put((place, wait), data, 50_000.0, word, "c/d")

    @rule(spot=spots, data=contents, how=st.sampled_from(["breaks", "too large", "digest", "no bytes"]))
    def fail_to_put(self, spot: Spot, data: bytes, how: str) -> None:
        handle, key = self.spot(spot)
        sources: dict[str, tuple[Any, type[Exception]]] = {
            "breaks": (breaking(data), Broken),
            "too large": (b"z" * (LARGEST + 1), TooLarge),
            "digest": (data, InvalidValue),
            "no bytes": ("text", InvalidValue),
        }
        source, error = sources[how]
        more = {"sha256": hashlib.sha256(b"other").digest()} if how == "digest" else {}
        before = len(self.blobs._blobs)
        self.run(self.files(handle).put(key, source, **more), {error})
        assert len(self.blobs._blobs) == before

    @rule(
        spot=spots,
        start=st.just(0) | st.integers(0, 2100),
        length=st.sampled_from([None, 0, 1, 5]) | st.integers(0, 2100),
    )
    def get(self, spot: Spot, start: int, length: int | None) -> None:
        handle, key = self.spot(spot)
        there = self.visible((handle[0], key))
        end = None if length is None else start + length
        for first, last in ((start, end), (0, 0), (0, None), (1, 3)):
            data = self.run(self.files(handle).get(key, start=first, end=last))
            assert data == (None if there is None else there.data[first:last])
        self.check((handle[0], key), self.run(self.files(handle).head(key)))
        if there is not None:
            self.check((handle[0], key), self.run(self.objects.by_id(there.id)))

    @rule(handle=handles, key=keys, start=st.sampled_from([-1, 5, True, 1.0]), end=st.sampled_from([-1, 4, "5"]))
    def get_a_wrong_range(self, handle: Any, key: str, start: Any, end: Any) -> None:
        self.run(self.files(handle).get(key, start=start, end=end), {InvalidValue})

    @rule(spot=spots, word=st.sampled_from(["any", "any", "current", "stale"]))
    def delete(self, spot: Spot, word: str) -> None:
        handle, key = self.spot(spot)
        address = (handle[0], key)
        expect = self.expected(address, word)
        errors = self.refused(address, expect)
        deleted = self.run(self.files(handle).delete(key, expect=expect), errors)
        if not errors:
            assert deleted is (self.visible(address) is not None)
            self.drop(address)

    @rule(spot=spots, to_spot=spots)
    def copy(self, spot: Spot, to_spot: Spot) -> None:
        handle, key = self.spot(spot)
        to, to_key = self.spot(to_spot)
        source, address = self.visible((handle[0], key)), (to[0], to_key)
        there = self.visible(address)
        errors: set[type[StorageError]] = set()
        if source is None:
            errors = {NotFound}
        elif there is not None and to[1] is not None and there.person not in {None, to[1]}:
            errors = {InvalidValue}
        info = self.run(self.files(handle).copy(key, self.files(to), to_key), errors)
        if info is not None and source is not None:
            created = there.created if there else self.now
            person = to[1] or (there.person if there else None)
            kept = Kept(source.data, source.type, info.version, info.id, created, self.now, None, person)
            self.stored(address, info, kept)

    @rule(handle=handles, more=st.sampled_from([(), ("a",), ("b",)]))
    def delete_prefix(self, handle: Any, more: tuple[str, ...]) -> None:
        found = self.below((*handle[0], *more))
        assert self.run(self.files(handle).delete_prefix(*more)) == len(found)
        for address in found:
            self.drop(address)

    @rule(person=st.sampled_from(["p1", "p2", "p3"]))
    def erase(self, person: str) -> None:
        owned = [address for address, kept in self.kept.items() if kept.person == person]
        blobs = len(owned) + sum(whose == person for _, whose in self.unwanted)
        report = self.run(self.storage.erase(person))
        assert (report.complete, report.kinds["object"].erased) == (True, blobs)
        for address in owned:
            self.old[address] = self.kept.pop(address).version
        self.unwanted = [one for one in self.unwanted if one[1] != person]

    @rule(seconds=st.sampled_from([0.000001, 4.999999, 5, 1800, 3600, 86_400]))
    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.now += round(seconds * 1_000_000)

    @rule(at_the_edge=st.booleans())
    def sweep(self, *, at_the_edge: bool) -> None:
        """What has been unwanted for exactly the grace period stays; a microsecond later it goes."""
        ages = [self.now - since for since, _ in self.unwanted if self.now - since < GRACE]
        if at_the_edge and ages:
            self.advance((GRACE - max(ages)) / 1_000_000)
        for address, kept in list(self.kept.items()):
            if self.visible(address) is None:
                del self.kept[address]
                self.old[address] = kept.version
                self.unwanted.append((kept.expires or 0, kept.person))
        ripe = [one for one in self.unwanted if one[0] < self.now - GRACE]
        assert self.run(self.storage.sweep()) == {"object": len(ripe)}
        self.unwanted = [one for one in self.unwanted if one not in ripe]

    @rule(size=st.sampled_from([1, 50]))
    def reconcile(self, size: int) -> None:
        """Bytes that no row knows are removed once they are old; everything else is in order."""

        async def stray() -> AsyncIterator[bytes]:
            yield b"s" * size

        self.run(self.blobs.write("f" * 32, stray()))
        young = self.run(self.upkeep.reconcile())
        assert (young.orphans, young.missing, young.damaged, young.removed) == ((), (), (), 0)
        self.advance(STALE / 1_000_000 + 1)
        seen = self.run(self.upkeep.reconcile(dry_run=True))
        assert (seen.orphans, seen.removed) == (("f" * 32,), 0)
        done = self.run(self.upkeep.reconcile())
        assert (done.orphans, done.missing, done.damaged, done.removed) == (("f" * 32,), (), (), 1)
        assert done.checked == len(self.below(()))

    @rule(handle=handles, limit=st.integers(1, 3))
    def pages(self, handle: Any, limit: int) -> None:
        expected = self.below(handle[0])
        found: list[Address] = []
        cursor = None
        for _ in range(max(1, -(-len(expected) // limit))):
            page = self.run(self.files(handle).page(cursor=cursor, limit=limit))
            found += [(info.namespace, info.key) for info in page.items]
            assert len(page.items) <= limit
            cursor = page.cursor
            if cursor is None:
                break
        assert cursor is None
        assert found == expected

    @invariant()
    def what_is_listed_is_there_and_every_blob_is_accounted_for(self) -> None:
        async def walked() -> list[ObjectInfo]:
            return [info async for info in self.objects.at("plain").entries()]

        infos = self.run(walked())
        assert [(info.namespace, info.key) for info in infos] == self.below(())
        for info in infos:
            self.check((info.namespace, info.key), info)
        assert self.run(self.objects.at("plain").count()) == len(infos)
        assert len(self.blobs._blobs) == len(self.kept) + len(self.unwanted)


TestObjects = ObjectsMachine.TestCase
TestObjects.settings = settings(deadline=None, max_examples=80, stateful_step_count=40)
