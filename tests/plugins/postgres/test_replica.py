"""Reads of a real standby: as old as declared at most, and of the primary where the standby is behind or dead."""

from __future__ import annotations

import asyncio
import time

import psycopg
import pytest

from tests.plugins.postgres.failover import DEADLINE, Pair
from tests.services import postgres
from unison_storage.storage import Storage

STALENESS = 2.0

pytestmark = pytest.mark.once


async def until(storage: Storage, told: str) -> None:
    """Wait until health tells where reads go."""
    async with asyncio.timeout(DEADLINE):
        while told not in (await storage.health())["memory"].detail:  # noqa: ASYNC110 - nobody tells when it changes
            await asyncio.sleep(0.05)


def replay(standby: postgres.Started, what: str) -> None:
    with psycopg.connect(standby.url("postgres"), autocommit=True) as connection:
        connection.execute(f"SELECT pg_wal_replay_{what}()".encode())


def test_reads_go_to_a_standby_and_are_never_older_than_declared() -> None:
    pair = Pair()
    pair.join(synchronous=False)
    primary, standby = pair.primary.url("pair"), pair.standby.url("pair")

    async def test() -> None:
        storage = Storage(
            primary,
            memory_read=f"{standby}?statement_timeout=1&connect_timeout=2",
            read_staleness=STALENESS,
            profile="development",
        )
        async with storage:
            notes = storage.memory.at("notes")
            await notes.put("a", 1, lifetime=3_600)
            await until(storage, "; reads of a replica, ")
            replay(pair.standby, "pause")
            await notes.put("a", 2, lifetime=3_600)
            written = time.monotonic()
            entry = await notes.get("a")
            assert entry is not None
            assert entry.value == 1, "the standby was not read"
            while True:
                asked = time.monotonic()
                entry = await notes.get("a")
                assert entry is not None
                if asked > written + STALENESS:
                    assert entry.value == 2
                    break
                await asyncio.sleep(0.02)
            assert "; no reads of the replica: too old" in (await storage.health())["memory"].detail
            replay(pair.standby, "resume")
            await until(storage, "; reads of a replica, ")
            pair.standby.kill()
            for _ in range(20):
                entry = await notes.get("a")
                assert entry is not None
                assert entry.value == 2
            pair.standby.start()
            await until(storage, "; reads of a replica, ")

    asyncio.run(test())
