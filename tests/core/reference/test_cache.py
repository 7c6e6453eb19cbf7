"""The reference cache, law by law, and against a list of what happened that knows nothing of it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from unison_storage.contracts.cache import Acquire, Fill, Increment, Release, Set, Touch, filling
from unison_storage.errors import InvalidValue, StorageError
from unison_storage.reference.cache import ReferenceCache
from unison_storage.telemetry import Telemetry
from unison_storage.testing import ManualClock

T = TypeVar("T")

SECOND = 1_000_000
HIGH = 2**63 - 1
ADDRESSES = ["a\x1fk", "a\x1fK", "a\x1fk\x1fx", "ab\x1fk", "a\x1f%", "a\x1f\u00e9", "a\x1fe\u0301"]
PREFIXES = ["a\x1f", "a\x1fk\x1f", "ab\x1f", "b\x1f"]
OWNERS = ["one", "two"]

addresses = st.sampled_from(ADDRESSES)
owners = st.sampled_from(OWNERS)
values = st.sampled_from([b"", b"x", b"5", b"-7", b"%d" % HIGH, b"05", b"\xc1\x00"])
lifetimes = st.sampled_from([1, SECOND, 2 * SECOND, 60 * SECOND])
waits = st.sampled_from([0, 0, 0, 0.000001, 1, 2, 59.999999])


class CacheMachine(RuleBasedStateMachine):
    """Every call does to the backend what it does to a history: values and leases are found by looking back in it."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = ManualClock()
        self.cache = ReferenceCache(self.clock)
        self.written: list[tuple[str, bytes | None, int]] = []
        self.taken: list[tuple[str, str | None, int]] = []
        self.fences: dict[str, int] = {}

    def teardown(self) -> None:
        self.runner.close()

    def run(self, call: Coroutine[Any, Any, list[T]]) -> T:
        (outcome,) = self.runner.run(call)
        return outcome

    def value(self, address: str) -> bytes | None:
        last = next(((value, until) for at, value, until in reversed(self.written) if at == address), (None, 0))
        return last[0] if last[1] > self.clock.now() else None

    def until(self, address: str) -> int:
        return next(until for at, _, until in reversed(self.written) if at == address)

    def holder(self, address: str) -> str | None:
        last = next(((owner, until) for at, owner, until in reversed(self.taken) if at == address), (None, 0))
        return last[0] if last[1] > self.clock.now() else None

    @rule(seconds=waits)
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(address=addresses, value=values, lifetime=lifetimes)
    def set(self, address: str, value: bytes, lifetime: int) -> None:
        assert self.run(self.cache.set_many([Set(address, value, lifetime)])) is None
        self.written.append((address, value, self.clock.now() + lifetime))

    @rule(address=addresses, value=values, lifetime=lifetimes)
    def add(self, address: str, value: bytes, lifetime: int) -> None:
        free = self.value(address) is None
        assert self.run(self.cache.add_many([Set(address, value, lifetime)])) is free
        if free:
            self.written.append((address, value, self.clock.now() + lifetime))

    @rule(address=addresses)
    def delete(self, address: str) -> None:
        assert self.run(self.cache.delete_many([address])) is (self.value(address) is not None)
        self.written.append((address, None, 0))
        self.taken.append((filling(address), None, 0))

    @rule(address=addresses, lifetime=lifetimes)
    def touch(self, address: str, lifetime: int) -> None:
        value = self.value(address)
        assert self.run(self.cache.touch_many([Touch(address, lifetime)])) is (value is not None)
        if value is not None:
            self.written.append((address, value, self.clock.now() + lifetime))

    @rule(address=addresses, by=st.sampled_from([1, -3, HIGH, -HIGH - 1]), lifetime=lifetimes)
    def increment(self, address: str, by: int, lifetime: int) -> None:
        outcome = self.run(self.cache.increment_many([Increment(address, by, lifetime)]))
        old = self.value(address)
        total = None
        if old is None or (old.lstrip(b"-").isdigit() and old == b"%d" % int(old)):
            total = int(old or b"0") + by
        if total is None or not -HIGH - 1 <= total <= HIGH:
            assert isinstance(outcome, InvalidValue)
            return
        assert outcome == total
        until = self.clock.now() + lifetime if old is None else self.until(address)
        self.written.append((address, b"%d" % total, until))

    @rule(address=addresses, fills=st.booleans(), owner=owners, lifetime=lifetimes)
    def acquire(self, address: str, fills: bool, owner: str, lifetime: int) -> None:  # noqa: FBT001 - hypothesis gives it
        place = filling(address) if fills else address
        fence = self.run(self.cache.acquire_many([Acquire(place, owner, lifetime)]))
        holder = self.holder(place)
        if holder not in (None, owner):
            assert fence is None
            return
        assert isinstance(fence, int)
        if holder == owner:
            assert fence == self.fences[place]
        else:
            assert fence > self.fences.get(place, 0)
            assert fence >= self.clock.now()
        self.fences[place] = fence
        self.taken.append((place, owner, self.clock.now() + lifetime))

    @rule(address=addresses, fills=st.booleans(), owner=owners, lifetime=lifetimes)
    def renew(self, address: str, fills: bool, owner: str, lifetime: int) -> None:  # noqa: FBT001 - see acquire
        place = filling(address) if fills else address
        held = self.holder(place) == owner
        assert self.run(self.cache.renew_many([Acquire(place, owner, lifetime)])) is held
        if held:
            self.taken.append((place, owner, self.clock.now() + lifetime))

    @rule(address=addresses, fills=st.booleans(), owner=owners)
    def release(self, address: str, fills: bool, owner: str) -> None:  # noqa: FBT001 - see acquire
        place = filling(address) if fills else address
        held = self.holder(place) == owner
        assert self.run(self.cache.release_many([Release(place, owner)])) is held
        if held:
            self.taken.append((place, None, 0))

    @rule(address=addresses, value=values, owner=owners, seen=st.sampled_from(["nothing", "there", "other"]))
    def fill(self, address: str, value: bytes, owner: str, seen: str) -> None:
        there = self.value(address)
        known = {"nothing": None, "there": there, "other": b"other"}[seen]
        held = self.holder(filling(address)) == owner
        written = held and known == there
        assert self.run(self.cache.fill_many([Fill(address, value, SECOND, owner, known)])) is written
        if held:
            self.taken.append((filling(address), None, 0))
        if written:
            self.written.append((address, value, self.clock.now() + SECOND))

    @rule(prefix=st.sampled_from(PREFIXES))
    def delete_prefix(self, prefix: str) -> None:
        below = [address for address in ADDRESSES if address.startswith(prefix)]
        visible = sum(self.value(address) is not None for address in below)
        assert self.runner.run(self.cache.count(prefix)) == visible
        assert self.runner.run(self.cache.delete_prefix(prefix)) == visible
        for address in below:
            self.written.append((address, None, 0))
            self.taken.append((filling(address), None, 0))

    @rule(limit=st.sampled_from([1, 2, 100]))
    def purge(self, limit: int) -> None:
        assert 0 <= self.runner.run(self.cache.purge_expired(limit)) <= limit

    @invariant()
    def what_is_there_is_what_was_written(self) -> None:
        found = self.runner.run(self.cache.get_many(ADDRESSES))
        assert found == [self.value(address) for address in ADDRESSES]


CacheMachine.TestCase.settings = settings(deadline=None, max_examples=150, stateful_step_count=40)
TestCache = CacheMachine.TestCase


def run(call: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(call)


def test_several_writes_to_one_address_in_one_batch_take_effect_in_order() -> None:
    cache = ReferenceCache(ManualClock())
    assert run(cache.add_many([Set("a\x1fk", b"1", SECOND), Set("a\x1fk", b"2", SECOND)])) == [True, False]
    assert run(cache.set_many([Set("a\x1fk", b"3", SECOND), Set("a\x1fk", b"4", SECOND)])) == [None, None]
    assert run(cache.increment_many([Increment("a\x1fk", 1, SECOND)] * 2)) == [5, 6]
    assert run(cache.delete_many(["a\x1fk", "a\x1fk"])) == [True, False]


def test_a_bad_item_fails_no_neighbour() -> None:
    cache = ReferenceCache(ManualClock())
    run(cache.set_many([Set("a\x1fk", b"text", SECOND)]))
    outcomes = run(cache.increment_many([Increment(f"a\x1f{key}", 1, SECOND) for key in ("x", "k", "y")]))
    assert [outcome if isinstance(outcome, int) else type(outcome) for outcome in outcomes] == [1, InvalidValue, 1]


@pytest.mark.parametrize("method", ["get_many", "set_many", "add_many", "delete_many", "touch_many", "fill_many"])
def test_an_empty_batch_answers_an_empty_list(method: str) -> None:
    assert run(getattr(ReferenceCache(ManualClock()), method)([])) == []


def test_there_is_room_for_so_many_and_what_was_written_first_goes_first() -> None:
    telemetry = Telemetry()
    cache = ReferenceCache(ManualClock(), telemetry, max_entries=3)
    for key in "abcd":
        run(cache.set_many([Set(key, b"x", SECOND)]))
    run(cache.set_many([Set("b", b"y", SECOND), Set("e", b"x", SECOND)]))
    assert run(cache.get_many(list("abcde"))) == [None, b"y", None, b"x", b"x"]
    assert telemetry.counters == {("cache_evictions", "cache", "reference", "all"): 2}


def test_what_has_expired_is_purged_and_nothing_else() -> None:
    clock = ManualClock()
    cache = ReferenceCache(clock)
    run(cache.set_many([Set(key, b"x", SECOND) for key in "abc"] + [Set("d", b"x", 60 * SECOND)]))
    run(cache.acquire_many([Acquire("l", "one", SECOND), Acquire("m", "one", 60 * SECOND)]))
    assert run(cache.purge_expired(10)) == 0
    clock.advance(1)
    assert [run(cache.purge_expired(3)), run(cache.purge_expired(3)), run(cache.purge_expired(3))] == [3, 1, 0]
    assert run(cache.get_many(["d"])) == [b"x"]
    assert run(cache.renew_many([Acquire("m", "one", SECOND)])) == [True]


def test_a_delete_below_a_name_leaves_what_is_filled_under_the_name_itself() -> None:
    cache = ReferenceCache(ManualClock())
    places = [filling("a\x1fk"), filling("a\x1fk\x1fx"), "a\x1fk\x1fx"]
    run(cache.acquire_many([Acquire(place, "one", SECOND) for place in places]))
    run(cache.delete_prefix("a\x1fk\x1f"))
    assert run(cache.renew_many([Acquire(place, "one", SECOND) for place in places])) == [True, False, True]


def test_health_tells_how_much_is_there() -> None:
    cache = ReferenceCache(ManualClock())
    run(cache.set_many([Set("a", b"x", SECOND)]))
    health = run(cache.health())
    assert (health.ok, health.detail) == (True, "1 entries in this process")
    assert not isinstance(health, StorageError)
