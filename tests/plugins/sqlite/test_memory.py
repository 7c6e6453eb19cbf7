from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any, ClassVar

from tests.plugins.sqlite.surroundings import (
    SECOND,
    START,
    HandClock,
    context,
    error_of,
    file_at,
    memory_at,
    migrated,
    scans,
)
from unison_storage.contracts.memory import Increment, Put, Row, Written
from unison_storage.errors import Closed, InvalidValue, NotOpen, SchemaOutOfDate
from unison_storage.values import ABSENT
from unison_storage_sqlite import statements
from unison_storage_sqlite.memory import SqliteMemory


def test_times_are_those_of_the_clock(tmp_path: Path) -> None:
    async def story() -> None:
        clock = HandClock()
        async with memory_at(tmp_path / "x.db", clock=clock) as memory:
            await memory.put_many([Put("k\x1fa", b"1", "v1", 5 * SECOND)])
            clock.at += 4 * SECOND
            assert (await memory.get_many(["k\x1fa"]))[0] is not None
            clock.at += SECOND
            assert await memory.get_many(["k\x1fa"]) == [None]
            now = START + 5 * SECOND
            written = await memory.put_many([Put("k\x1fa", b"2", "v2", None)])
            assert written == [Written(now, now, None, fresh=True)]
            assert await memory.now() == clock.at

    asyncio.run(story())


def test_a_purge_takes_those_that_expired_first_and_none_that_is_visible(tmp_path: Path) -> None:
    async def story() -> None:
        clock = HandClock()
        async with memory_at(tmp_path / "x.db", clock=clock) as memory:
            await memory.put_many([Put(f"k\x1f{number}", b"", "v", 10 - number) for number in range(9)])
            await memory.put_many([Put("k\x1fx", b"", "v", None)])
            clock.at += 8
            assert [await memory.purge_expired(3) for _ in range(4)] == [3, 3, 1, 0]
            lines = await memory.list("k\x1f", "", 100, values=False)
            assert [line.address for line in lines] == ["k\x1f0", "k\x1f1", "k\x1fx"]

    asyncio.run(story())


def test_an_erasure_counts_what_was_visible_and_leaves_nothing_of_the_person(tmp_path: Path) -> None:
    async def story() -> None:
        clock = HandClock()
        async with memory_at(tmp_path / "x.db", clock=clock) as memory:
            await memory.put_many(
                [
                    Put("k\x1fa", b"", "v", 1, person="p"),
                    Put("k\x1fb", b"", "v", None, person="p"),
                    Put("k\x1fc", b"", "v", None, person="P"),
                    Put("k\x1fp", b"p", "v", None),
                ]
            )
            clock.at += 1
            assert await memory.owned("p") == 1
            assert await memory.erase("p") == 1
            assert await memory.owned("p") == 0
            assert await memory.purge_expired(9) == 0
            assert await memory.count("k\x1f") == 2

    asyncio.run(story())


def test_many_callers_at_once_lose_no_increment(tmp_path: Path) -> None:
    async def story() -> None:
        async with memory_at(tmp_path / "x.db") as memory:
            calls = [memory.increment_many([Increment("k\x1fn", 1, f"v{number}", None)]) for number in range(300)]
            found = {outcome for [outcome] in await asyncio.gather(*calls)}
            assert found == set(range(1, 301))

    asyncio.run(story())


def test_of_many_that_expect_nothing_one_wins(tmp_path: Path) -> None:
    async def story() -> None:
        async with memory_at(tmp_path / "one.db") as memory, memory_at(tmp_path / "one.db") as other:
            calls = [
                (memory, other)[number % 2].put_many([Put("k\x1fa", b"", f"v{number}", None, expect=ABSENT)])
                for number in range(100)
            ]
            outcomes = [outcome for [outcome] in await asyncio.gather(*calls)]
            winners = [number for number, outcome in enumerate(outcomes) if not isinstance(outcome, Exception)]
            assert len(winners) == 1
            [row] = await memory.get_many(["k\x1fa"])
            assert isinstance(row, Row)
            assert row.version == f"v{winners[0]}"

    asyncio.run(story())


def test_what_cannot_be_stored_spoils_nothing_else(tmp_path: Path) -> None:
    async def story() -> None:
        async with memory_at(tmp_path / "x.db") as memory:
            good = [memory.put_many([Put(f"k\x1f{number}", b"", "v", None)]) for number in range(10)]
            mixed = memory.put_many(
                [Put("k\x1fx", b"", "v", None), Put("k\x1fy", b"", "v", 2**70), Put("k\x1fz", b"", "v", None)]
            )
            surrogate = memory.get_many(["k\x1f\ud800"])
            found: list[Any] = await asyncio.gather(*good, mixed, surrogate, return_exceptions=True)
            *found, outcomes, refused = found
            assert [type(outcome).__name__ for outcome in outcomes] == ["Written", "InvalidValue", "Written"]
            assert isinstance(refused, InvalidValue)
            assert not [one for one in found if isinstance(one, BaseException)]
            assert await memory.count("k\x1f") == 12

    asyncio.run(story())


def test_an_empty_batch_asks_nobody(tmp_path: Path) -> None:
    async def story() -> None:
        async with memory_at(tmp_path / "x.db", "?busy_timeout=0") as memory:
            other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
            other.execute("BEGIN EXCLUSIVE")
            assert await memory.put_many([]) == []
            assert await memory.get_many([]) == []
            other.close()

    asyncio.run(story())


def test_it_answers_between_open_and_close_alone(tmp_path: Path) -> None:
    async def story() -> None:
        memory = SqliteMemory(await migrated(tmp_path / "x.db"), context())
        assert not (await memory.health()).ok
        for error in (NotOpen, Closed):
            try:
                await memory.get_many(["k\x1fa"])
            except error:
                pass
            else:
                raise AssertionError
            if error is NotOpen:
                await memory.open()
                assert (await memory.health()).ok
                await memory.close()
                await memory.close()
        assert not (await memory.health()).ok

    asyncio.run(story())


def test_it_refuses_a_file_without_its_schema_and_makes_none(tmp_path: Path) -> None:
    error = error_of(SqliteMemory(file_at(tmp_path / "x.db"), context()).open())
    assert isinstance(error, SchemaOutOfDate)
    assert (error.have, error.want) == (None, "0004_cache")
    assert list(tmp_path.iterdir()) == []


def test_every_statement_finds_its_rows_by_an_index(tmp_path: Path) -> None:
    asyncio.run(migrated(tmp_path / "x.db"))
    assert scans(tmp_path / "x.db", statements) == {}


class TestListing:
    places: ClassVar = ["k\x1fa\x1f1", "k\x1fa\x1f2", "k\x1fa \x1f3", "k\x1fab", "kk\x1fa\x1f4"]

    def test_a_prefix_means_whole_segments(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with memory_at(tmp_path / "x.db") as memory:
                await memory.put_many([Put(place, b"x", "v", None) for place in self.places])
                lines = await memory.list("k\x1fa\x1f", "", 10, values=False)
                assert [(line.address, line.row.value) for line in lines] == [(place, b"") for place in self.places[:2]]
                assert await memory.delete_prefix("k\x1fa\x1f") == 2
                assert await memory.count("k\x1f") == 2

        asyncio.run(story())
