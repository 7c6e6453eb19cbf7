"""Filling the cache: once across processes, never after a delete, and whatever the loader does.

Two storages on one backend stand for two processes: they share what is stored and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from unison_storage import (
    MISSING,
    DeadlineExceeded,
    InvalidLifetime,
    InvalidValue,
    Keyspace,
    Storage,
    StorageError,
    Unavailable,
)
from unison_storage.contracts.backend import Outcome
from unison_storage.contracts.cache import Acquire, Set
from unison_storage.reference.cache import ReferenceCache
from unison_storage.stores.cache import Cache
from unison_storage.testing import ManualClock

KEYSPACES = [
    Keyspace("plain", lifetime=60),
    Keyspace("soft", lifetime=60, on_failure="degrade"),
    Keyspace("bytes", lifetime=60, codec="raw"),
]


class Broken(ReferenceCache):
    """A cache that does not answer while it is told not to."""

    down = False

    async def get_many(self, addresses: Sequence[str]) -> list[Outcome[bytes | None]]:
        if self.down:
            raise Unavailable("down")
        return await super().get_many(addresses)

    async def acquire_many(self, acquires: Sequence[Acquire]) -> list[Outcome[int | None]]:
        if self.down:
            raise Unavailable("down")
        return await super().acquire_many(acquires)


class Loader:
    """Counts its calls, and waits for its gate before it answers with the next of its values."""

    def __init__(self, *values: Any, gate: bool = False) -> None:
        self.calls = 0
        self.values = values
        self.gate = asyncio.Event()
        if not gate:
            self.gate.set()

    async def __call__(self) -> Any:
        self.calls += 1
        value = self.values[min(self.calls, len(self.values)) - 1]
        await self.gate.wait()
        if isinstance(value, BaseException):
            raise value
        return value


@asynccontextmanager
async def processes(backend: ReferenceCache, clock: ManualClock, count: int = 2) -> AsyncIterator[list[Storage]]:
    storages = [Storage(cache=backend, keyspaces=KEYSPACES, profile="test", clock=clock) for _ in range(count)]
    for storage in storages:
        await storage.open()
    try:
        yield storages
    finally:
        for storage in storages:
            await storage.close()


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def counted(storage: Storage, name: str) -> int:
    return sum(number for (what, *_), number in storage.telemetry.counters.items() if what == name)


def alone(use: Callable[[Cache[Any], Storage, ManualClock], Any], keyspace: str = "plain") -> None:
    async def run() -> None:
        clock = ManualClock()
        async with processes(Broken(clock), clock, 1) as (storage,):
            await use(storage.cache.at(keyspace), storage, clock)

    asyncio.run(run())


def test_a_thousand_callers_compute_once_and_none_shares_what_it_gets() -> None:
    async def use(cache: Cache[Any], storage: Storage, _clock: ManualClock) -> None:
        loader = Loader([1])
        found = await asyncio.gather(*(cache.get_or_compute("k", loader) for _ in range(1_000)))
        found[0].append(2)
        assert (loader.calls, found[1], await cache.get("k")) == (1, [1], [1])
        assert await cache.get_or_compute("k", loader) == [1]
        assert loader.calls == 1
        assert (counted(storage, "cache_misses"), counted(storage, "cache_hits")) == (1_000, 2)

    alone(use)


def test_two_processes_compute_once() -> None:
    async def run() -> None:
        clock = ManualClock()
        async with processes(ReferenceCache(clock), clock) as storages:
            loaders = [Loader("first", gate=True), Loader("second", gate=True)]
            calls = [
                asyncio.ensure_future(storage.cache.at("plain").get_or_compute("k", loader))
                for storage, loader in zip(storages, loaders, strict=True)
                for _ in range(3)
            ]
            await settled()
            for loader in loaders:
                loader.gate.set()
            assert set(await asyncio.gather(*calls)) == {"first"}
            assert [loader.calls for loader in loaders] == [1, 0]

    asyncio.run(run())


class Overtaken(ReferenceCache):
    """Another process fills the cache just before this one gets the lease."""

    async def acquire_many(self, acquires: Sequence[Acquire]) -> list[Outcome[int | None]]:
        await self.set_many([Set(acquires[0].address[:-1], b'"theirs"', 60_000_000)])
        return await super().acquire_many(acquires)


def test_what_was_filled_in_before_the_lease_was_free_is_not_computed_again() -> None:
    async def run() -> None:
        clock = ManualClock()
        async with processes(Overtaken(clock), clock, 1) as (storage,):
            cache = storage.cache.at("plain")
            assert await cache.get_or_compute("k", Loader(ZeroDivisionError())) == "theirs"
            await cache.delete("k")
            started = clock.monotonic()
            assert await cache.get_or_compute("k", Loader(ZeroDivisionError())) == "theirs"
            assert clock.monotonic() == started, "the lease was not let go of"

    asyncio.run(run())


def test_who_holds_the_lease_and_hangs_keeps_another_process_waiting_for_so_long_and_no_longer() -> None:
    async def run() -> None:
        clock = ManualClock()
        async with processes(ReferenceCache(clock), clock) as (one, two):
            hanging = Loader("late", gate=True)
            stuck = asyncio.ensure_future(one.cache.at("plain").get_or_compute("k", hanging, lease=5))
            await settled()
            started = clock.monotonic()
            assert await two.cache.at("plain").get_or_compute("k", Loader("mine"), lease=5) == "mine"
            assert 5 <= clock.monotonic() - started < 6
            hanging.gate.set()
            assert await stuck == "late"
            assert await two.cache.at("plain").get("k") == "mine"

    asyncio.run(run())


@pytest.mark.parametrize("through", ["delete", "delete_many", "delete_prefix", "erase"])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_what_was_computed_across_a_delete_is_not_kept(through: str, *, elsewhere: bool) -> None:
    async def run() -> None:
        clock = ManualClock()
        async with processes(ReferenceCache(clock), clock) as (one, two):
            cache = one.cache.at("context:cache", "p1")
            other = (two if elsewhere else one).cache.at("context:cache", "p1")
            loader = Loader("old", gate=True)
            before = asyncio.ensure_future(cache.get_or_compute("k", loader))
            await settled()
            if through == "delete":
                assert await other.delete("k") is False
            elif through == "delete_many":
                await other.delete_many(["k"])
            elif through == "delete_prefix":
                await other.delete_prefix()
            else:
                await (two if elsewhere else one).cache.erase("p1")
            after = asyncio.ensure_future(cache.get_or_compute("k", Loader("new")))
            await settled()
            if not elsewhere:
                assert after.done(), "it waits for what was out of date when it asked"
            loader.gate.set()
            assert (await before, await after) == ("old", "new")
            assert await other.get("k") == "new"

    asyncio.run(run())


def test_what_was_written_meanwhile_stays() -> None:
    async def use(cache: Cache[Any], _storage: Storage, _clock: ManualClock) -> None:
        loader = Loader("computed", gate=True)
        call = asyncio.ensure_future(cache.get_or_compute("k", loader))
        await settled()
        await cache.set("k", "written")
        loader.gate.set()
        assert await call == "computed"
        assert await cache.get("k") == "written"

    alone(use)


def test_a_failure_is_not_kept_and_the_next_caller_tries_at_once() -> None:
    async def use(cache: Cache[Any], _storage: Storage, _clock: ManualClock) -> None:
        loader = Loader(ZeroDivisionError(), "good")
        found = await asyncio.gather(*(cache.get_or_compute("k", loader) for _ in range(3)), return_exceptions=True)
        assert [type(one) for one in found] == [ZeroDivisionError] * 3
        assert await cache.get_or_compute("k", loader) == "good"
        assert loader.calls == 2

    alone(use)


def test_a_caller_that_gives_up_frees_the_lease_for_another_process() -> None:
    async def run() -> None:
        clock = ManualClock()
        async with processes(ReferenceCache(clock), clock) as (one, two):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await one.cache.at("plain").get_or_compute("k", Loader("never", gate=True))
            await settled()
            started = clock.monotonic()
            assert await two.cache.at("plain").get_or_compute("k", Loader("mine")) == "mine"
            assert clock.monotonic() == started

    asyncio.run(run())


def test_a_loader_that_waits_for_its_own_key_is_told() -> None:
    async def use(cache: Cache[Any], _storage: Storage, _clock: ManualClock) -> None:
        async def itself() -> Any:
            return await cache.get_or_compute("k", itself)

        with pytest.raises(InvalidValue, match="very key"):
            await cache.get_or_compute("k", itself)
        assert await cache.get_or_compute("k", lambda: 5) == 5

    alone(use)


@pytest.mark.parametrize("value", [{"a": (1, 2)}, object(), float("nan")])
def test_what_can_not_be_kept_is_an_error_and_nothing_is_kept(value: Any) -> None:
    async def use(cache: Cache[Any], _storage: Storage, _clock: ManualClock) -> None:
        with pytest.raises(InvalidValue):
            await cache.get_or_compute("k", lambda: value)
        assert await cache.get("k", MISSING) is MISSING
        assert await cache.get_or_compute("k", lambda: 1) == 1

    alone(use)


@pytest.mark.parametrize("loader", [None, 5, "find"])
def test_what_is_no_function_is_refused(loader: Any) -> None:
    async def use(cache: Cache[Any], _storage: Storage, _clock: ManualClock) -> None:
        with pytest.raises(InvalidValue, match="loader"):
            await cache.get_or_compute("k", loader)

    alone(use)


# ------------------------------------------------------------------------------------------------------------- None


@pytest.mark.parametrize("keyspace", ["plain", "bytes"])
def test_none_is_kept_as_long_as_is_said(keyspace: str) -> None:
    async def use(cache: Cache[Any], _storage: Storage, clock: ManualClock) -> None:
        loader = Loader(None)
        for name, options, lives in (("a", {}, 60.0), ("b", {"negative": 5}, 5.0), ("c", {"negative": None}, 0.0)):
            assert await cache.get_or_compute(name, loader, **options) is None
            assert (await cache.get(name, MISSING) is None) is (lives > 0)
            clock.advance(max(lives - 0.000001, 0))
            assert (await cache.get(name, MISSING) is None) is (lives > 0)
            clock.advance(0.000001)
            assert await cache.get(name, MISSING) is MISSING
        assert loader.calls == 3

    alone(use, keyspace)


# ---------------------------------------------------------------------------------------------------- early refresh


def test_a_value_is_computed_anew_before_its_end_behind_the_callers_back() -> None:
    async def use(cache: Cache[Any], storage: Storage, clock: ManualClock) -> None:
        loader = Loader("one", "two", gate=True)
        loader.gate.set()
        options: Any = {"lifetime": 60, "early": 10}
        assert await cache.get_or_compute("k", loader, **options) == "one"
        clock.advance(49)
        assert await cache.get_or_compute("k", loader, **options) == "one"
        assert loader.calls == 1
        clock.advance(1)
        loader.gate.clear()
        assert await asyncio.gather(*(cache.get_or_compute("k", loader, **options) for _ in range(5))) == ["one"] * 5
        await settled()
        assert loader.calls == 2
        assert sum(storage.telemetry.meter("cache", "acquire", "reference", "plain").buckets) == 2
        loader.gate.set()
        await settled()
        assert await cache.get("k") == "two"
        clock.advance(55)
        assert await cache.get("k") == "two"

    alone(use)


def test_two_processes_compute_anew_once() -> None:
    async def run() -> None:
        clock = ManualClock()
        async with processes(ReferenceCache(clock), clock) as storages:
            loader = Loader("one", "two")
            for storage in storages:
                await storage.cache.at("plain").get_or_compute("k", loader, lifetime=60, early=10)
            clock.advance(55)
            loader.gate.clear()
            for storage in storages:
                assert await storage.cache.at("plain").get_or_compute("k", loader, lifetime=60, early=10) == "one"
            await settled()
            loader.gate.set()
            await settled()
            assert loader.calls == 2
            assert await storages[1].cache.at("plain").get("k") == "two"

    asyncio.run(run())


def test_a_refresh_that_fails_is_counted_and_the_old_value_served_to_its_end() -> None:
    async def use(cache: Cache[Any], storage: Storage, clock: ManualClock) -> None:
        loader = Loader("one", ZeroDivisionError(), ZeroDivisionError(), "two")
        assert await cache.get_or_compute("k", loader, lifetime=60, early=10) == "one"
        clock.advance(55)
        for _ in range(2):
            assert await cache.get_or_compute("k", loader, lifetime=60, early=10) == "one"
            await settled()
        assert counted(storage, "cache_refresh_failures") == 2
        clock.advance(5)
        assert await cache.get_or_compute("k", loader, lifetime=60, early=10) == "two"

    alone(use)


def test_a_refresh_across_a_delete_brings_nothing_back() -> None:
    async def use(cache: Cache[Any], _storage: Storage, clock: ManualClock) -> None:
        loader = Loader("one", "old")
        await cache.get_or_compute("k", loader, lifetime=60, early=10)
        clock.advance(55)
        loader.gate.clear()
        await cache.get_or_compute("k", loader, lifetime=60, early=10)
        await settled()
        await cache.delete("k")
        loader.gate.set()
        await settled()
        assert await cache.get("k", MISSING) is MISSING

    alone(use)


@pytest.mark.parametrize("terms", [{"early": 60}, {"early": 61}, {"early": 0}, {"early": -1}, {"early": True}])
@pytest.mark.parametrize("more", [{}, {"negative": 0}, {"lease": 0}, {"lifetime": None}, {"lease": "5"}])
def test_terms_out_of_bounds_are_refused_before_anything_is_computed(terms: Any, more: Any) -> None:
    async def use(cache: Cache[Any], _storage: Storage, _clock: ManualClock) -> None:
        loader = Loader(1)
        for given in (terms, {"early": 5, **more} if more else terms):
            with pytest.raises(InvalidLifetime):
                await cache.get_or_compute("k", loader, **given)
        assert loader.calls == 0

    alone(use)


# --------------------------------------------------------------------------------------------- without the backend


def test_a_keyspace_that_degrades_computes_without_its_backend_and_counts_it() -> None:
    async def use(cache: Cache[Any], storage: Storage, _clock: ManualClock) -> None:
        backend: Any = storage._described["given"]["cache"]
        backend.down = True
        loader = Loader("value", gate=True)
        calls = [asyncio.ensure_future(cache.get_or_compute("k", loader)) for _ in range(3)]
        await settled()
        loader.gate.set()
        assert await asyncio.gather(*calls) == ["value"] * 3
        assert loader.calls == 1
        assert counted(storage, "cache_degraded") == 4
        backend.down = False
        assert await cache.get("k", MISSING) is MISSING

    alone(use, "soft")


def test_a_keyspace_that_refuses_raises_and_computes_nothing() -> None:
    async def use(cache: Cache[Any], storage: Storage, _clock: ManualClock) -> None:
        backend: Any = storage._described["given"]["cache"]
        backend.down = True
        loader = Loader("value")
        with pytest.raises(Unavailable) as caught:
            await cache.get_or_compute("k", loader)
        assert (caught.value.kind, caught.value.operation, loader.calls) == ("cache", "get", 0)
        assert counted(storage, "cache_degraded") == 0

    alone(use)


def test_a_read_only_storage_computes_what_it_can_not_keep() -> None:
    async def run() -> None:
        clock = ManualClock()
        backend = ReferenceCache(clock)
        storage = Storage(cache=backend, keyspaces=KEYSPACES, profile="test", clock=clock, read_only=True)
        async with storage:
            assert await storage.cache.at("plain").get_or_compute("k", lambda: 5) == 5
            assert await backend.count("") == 0

    asyncio.run(run())


def test_closing_ends_what_is_being_computed_and_tells_who_waits() -> None:
    async def run() -> None:
        clock = ManualClock()
        async with processes(ReferenceCache(clock), clock, 1) as (storage,):
            cache = storage.cache.at("plain")
            loader = Loader("never", gate=True)
            calls = [asyncio.ensure_future(cache.get_or_compute("k", loader)) for _ in range(2)]
            await settled()
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(one).__name__ for one in found] == ["Closed", "Closed"]
        assert all(isinstance(one, StorageError) and not isinstance(one, DeadlineExceeded) for one in found)
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []

    asyncio.run(run())
