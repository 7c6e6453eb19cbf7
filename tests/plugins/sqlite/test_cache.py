from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.plugins.sqlite.surroundings import (
    START,
    HandClock,
    context,
    error_of,
    kinds,
    migrated,
    output_of,
    python,
    scans,
    traced,
)
from unison_storage.contracts.cache import Acquire, Fill, Increment, Release, Set, filling
from unison_storage.errors import InvalidValue, NotOpen, Unavailable
from unison_storage_sqlite import cache_statements
from unison_storage_sqlite.cache import SqliteCache

EVICTIONS = ("cache_evictions", "cache", "sqlite", "all")


@asynccontextmanager
async def cache_at(path: Path, options: str = "", clock: HandClock | None = None) -> AsyncIterator[SqliteCache]:
    cache = SqliteCache(await migrated(path, options), context(clock))
    await cache.open()
    try:
        yield cache
    finally:
        await cache.close()


class TestRoom:
    def test_what_expires_first_makes_room_and_what_had_not_expired_is_counted(self, tmp_path: Path) -> None:
        async def story() -> None:
            clock = HandClock()
            async with cache_at(tmp_path / "x.db", "?cache_entries=20", clock) as cache:
                await cache.set_many([Set(f"k\x1fold{number}", b"", 1) for number in range(2)])
                await cache.set_many([Set(f"k\x1f{number:02}", b"", 100 - number) for number in range(18)])
                assert await cache.count("k\x1f") == 20
                clock.at += 1
                await cache.set_many([Set("k\x1fx", b"", 1000), Set("k\x1fy", b"", 1000)])
                # four went, and two of them had expired: a tenth is free now
                assert await cache.count("k\x1f") == 18
                assert cache._telemetry.counters[EVICTIONS] == 2
                assert await cache.get_many(["k\x1f15", "k\x1f16", "k\x1f17", "k\x1fy"]) == [b"", None, None, b""]
                assert await cache.purge_expired(9) == 0

        asyncio.run(story())

    def test_every_way_to_write_makes_room(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with cache_at(tmp_path / "x.db", "?cache_entries=1") as cache:
                for number in range(3):
                    address = f"k\x1f{number}"
                    await cache.set_many([Set(f"{address}s", b"", 9)])
                    await cache.add_many([Set(f"{address}a", b"", 9)])
                    await cache.increment_many([Increment(f"{address}i", 1, 9)])
                    await cache.acquire_many([Acquire(filling(f"{address}f"), "o", 9)])
                    assert await cache.fill_many([Fill(f"{address}f", b"", 9, "o", None)]) == [True]
                    assert await cache.count("k\x1f") == 1
                assert cache._telemetry.counters[EVICTIONS] == 11

        asyncio.run(story())

    def test_it_counts_once_in_a_tenth_of_its_writes(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with cache_at(tmp_path / "x.db", "?cache_entries=1000") as cache:
                counted: list[str] = []

                def hear(statement: str) -> None:
                    if statement == cache_statements.ENTRIES_ALL:
                        counted.append(statement)

                await cache._session.one(traced, hear)
                for _ in range(10):
                    await cache.set_many([Set(f"k\x1f{number}", b"", 9) for number in range(50)])
                await cache._session.one(traced, None)
                # the first write counts what the file held, and then every second one of fifty
                assert len(counted) == 5
                assert await cache.set_many([]) == []

        asyncio.run(story())

    def test_what_a_file_held_before_counts(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with cache_at(tmp_path / "x.db") as cache:
                await cache.set_many([Set(f"k\x1f{number}", b"", 9 + number) for number in range(50)])
            async with cache_at(tmp_path / "x.db", "?cache_entries=40") as cache:
                await cache.set_many([Set("k\x1fx", b"", 999)])
                assert await cache.count("k\x1f") == 36
                assert await cache.get_many(["k\x1f0", "k\x1fx"]) == [None, b""]

        asyncio.run(story())

    def test_a_write_that_was_done_does_not_fail_for_want_of_room(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with cache_at(tmp_path / "x.db", "?cache_entries=1") as cache:
                await cache.set_many([Set("k\x1fa", b"", 9)])

                async def refused(*_: Any, **__: Any) -> None:
                    raise Unavailable("another process is writing")

                cache._session.one = refused  # type: ignore[method-assign] # stands in for a file that got busy meanwhile
                assert await cache.set_many([Set("k\x1fb", b"1", 9)]) == [None]
                assert await cache.get_many(["k\x1fb"]) == [b"1"]

        asyncio.run(story())


class TestLeases:
    def test_fences_grow_whatever_becomes_of_the_lease_and_the_clock(self, tmp_path: Path) -> None:
        async def story() -> None:
            clock = HandClock()
            fences: list[Any] = []
            for ending in ("release", "expiry", "purge", "reopen", "clock", "delete"):
                async with cache_at(tmp_path / "x.db", clock=clock) as cache:
                    fences += await cache.acquire_many([Acquire(filling("k\x1fa"), ending, 5)])
                    if ending == "release":
                        assert await cache.release_many([Release(filling("k\x1fa"), ending)]) == [True]
                    elif ending == "delete":
                        assert await cache.delete_many(["k\x1fa"]) == [False]
                    else:
                        clock.at += 5
                    if ending == "purge":
                        assert await cache.purge_expired(9) == 1
                    if ending == "clock":
                        clock.at -= 3600
                        assert await cache.purge_expired(9) == 0
                        await cache.release_many([Release(filling("k\x1fa"), ending)])
            assert fences == sorted(set(fences))
            assert fences[0] == START

        asyncio.run(story())

    def test_a_purge_takes_entries_first_and_no_more_of_both_than_it_may(self, tmp_path: Path) -> None:
        async def story() -> None:
            clock = HandClock()
            async with cache_at(tmp_path / "x.db", clock=clock) as cache:
                await cache.set_many([Set("k\x1fa", b"", 1), Set("k\x1fb", b"", 2), Set("k\x1fc", b"", 9)])
                await cache.acquire_many([Acquire(address, "o", 2) for address in ("k\x1fa", "k\x1fb")])
                clock.at += 2
                assert [await cache.purge_expired(limit) for limit in (1, 2, 2, 2)] == [1, 2, 1, 0]
                assert await cache.count("k\x1f") == 1

        asyncio.run(story())

    def test_a_delete_ends_leases_for_filling_and_no_others(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with cache_at(tmp_path / "x.db") as cache:
                leases = [Acquire(address, "o", 9) for address in ("k\x1fa", "k\x1fb", filling("k\x1fa"))]
                for call in (cache.delete_many(["k\x1fa"]), cache.delete_prefix("k\x1f")):
                    await cache.acquire_many(leases)
                    await call
                    assert await cache.renew_many(leases) == [True, True, False]

        asyncio.run(story())


def test_what_cannot_be_stored_spoils_nothing_else(tmp_path: Path) -> None:
    async def story() -> None:
        async with cache_at(tmp_path / "x.db") as cache:
            good = [cache.set_many([Set(f"k\x1f{number}", b"", 9)]) for number in range(10)]
            mixed = cache.set_many([Set("k\x1fx", b"", 9), Set("k\x1fy", b"", 2**70), Set("k\x1fz", b"", 9)])
            *_, outcomes = await asyncio.gather(*good, mixed)
            assert kinds(outcomes) == [None, InvalidValue, None]
            assert await cache.count("k\x1f") == 12

    asyncio.run(story())


def test_a_counter_expires_when_its_first_increment_said(tmp_path: Path) -> None:
    async def story() -> None:
        clock = HandClock()
        async with cache_at(tmp_path / "x.db", clock=clock) as cache:
            counts = [Increment("k\x1fn", 2**63 - 1, 5), Increment("k\x1fn", 1, 9), Increment("k\x1fn", -1, 9)]
            assert kinds(await cache.increment_many(counts)) == [2**63 - 1, InvalidValue, 2**63 - 2]
            clock.at += 4
            assert await cache.increment_many([Increment("k\x1fn", -(2**63), 9)]) == [-2]
            clock.at += 1
            assert await cache.get_many(["k\x1fn"]) == [None]
            assert await cache.increment_many([Increment("k\x1fn", -(2**63), 9)]) == [-(2**63)]

    asyncio.run(story())


def test_of_two_connections_that_race_one_wins_and_nothing_is_lost(tmp_path: Path) -> None:
    async def story() -> None:
        async with cache_at(tmp_path / "x.db") as cache, cache_at(tmp_path / "x.db") as other:
            both = [(cache, other)[number % 2] for number in range(100)]
            added = await asyncio.gather(*(one.add_many([Set("k\x1fa", b"", 9)]) for one in both))
            assert added.count([True]) == 1
            counted = await asyncio.gather(*(one.increment_many([Increment("k\x1fn", 1, 9)]) for one in both))
            assert sorted(outcome for [outcome] in counted if isinstance(outcome, int)) == list(range(1, 101))
            taken = await asyncio.gather(
                *(one.acquire_many([Acquire("k\x1fl", f"{number}", 9)]) for number, one in enumerate(both))
            )
            assert taken.count([None]) == 99

    asyncio.run(story())


RACE = """
import asyncio, sys
from pathlib import Path
from tests.plugins.sqlite.surroundings import context, file_at
from unison_storage.contracts.cache import Acquire, Increment, Set
from unison_storage_sqlite.cache import SqliteCache

async def race():
    cache = SqliteCache(file_at(Path(sys.argv[1])), context())
    await cache.open()
    added = taken = 0
    for number in range(30):
        added += (await cache.add_many([Set(f"k\\x1f{number}", b"", 9)]))[0]
        taken += (await cache.acquire_many([Acquire(f"k\\x1f{number}", sys.argv[2], 9)]))[0] is not None
        await cache.increment_many([Increment("k\\x1fn", 1, 9)])
    await cache.close()
    print(added, taken)

asyncio.run(race())
"""


def test_of_processes_that_race_one_wins_each_time(tmp_path: Path) -> None:
    asyncio.run(migrated(tmp_path / "x.db"))
    found = [output_of(process).split() for process in [python(RACE, tmp_path / "x.db", name) for name in "xyz"]]
    assert [sum(map(int, column)) for column in zip(*found, strict=True)] == [30, 30]

    async def story() -> None:
        async with cache_at(tmp_path / "x.db") as cache:
            assert await cache.get_many(["k\x1fn"]) == [b"90"]

    asyncio.run(story())


def test_an_empty_batch_asks_nobody(tmp_path: Path) -> None:
    async def story() -> None:
        async with cache_at(tmp_path / "x.db", "?busy_timeout=0") as cache:
            other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
            other.execute("BEGIN EXCLUSIVE")
            for name in ("get", "set", "add", "delete", "touch", "increment", "fill", "acquire", "renew", "release"):
                assert await getattr(cache, f"{name}_many")([]) == []
            other.close()

    asyncio.run(story())


def test_it_answers_between_open_and_close_alone(tmp_path: Path) -> None:
    cache = SqliteCache(asyncio.run(migrated(tmp_path / "x.db")), context())
    assert isinstance(error_of(cache.get_many(["k\x1fa"])), NotOpen)

    async def story() -> None:
        assert not (await cache.health()).ok
        await cache.open()
        assert (await cache.health()).ok
        assert await cache.now() == START
        await cache.close()
        await cache.close()
        assert not (await cache.health()).ok

    asyncio.run(story())


def test_nothing_but_counting_and_making_room_reads_a_table_from_end_to_end(tmp_path: Path) -> None:
    asyncio.run(migrated(tmp_path / "x.db"))
    found = scans(tmp_path / "x.db", cache_statements)
    # an eviction ends at its limit, and the fence is one row
    assert set(found) == {"ENTRIES_ALL", "ENTRIES_EVICT", "FENCE_GET", "FENCE_PUT"}
