"""Two servers, one of which follows the other: the one that is written to is killed, and the other one takes over.

Who promotes is not the storage's business but that of Patroni, an operator, or here of these tests.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
from msgspec import Struct

from tests.plugins.postgres.surroundings import memory
from tests.plugins.postgres.writing import Writing
from tests.services import postgres

CALLERS = 32
DEADLINE = 30.0
"""Seconds within which writing has to go on, on a machine that is busy with other tests."""
_EVERYONE = "*"


class Pair:
    """A primary and its standby."""

    def __init__(self, programs: Path | None = None) -> None:
        # a standby that has just lost its primary is promoted at once, and not after its five seconds
        self.primary, self.standby = (postgres.Started(programs, wal_retrieve_retry_interval="200ms") for _ in range(2))
        self._hosts = ",".join(f"127.0.0.1:{server.port}" for server in (self.primary, self.standby))
        postgres.made(self.primary, "pair")

    @property
    def url(self) -> str:
        """The URL of a database of whichever takes writes."""
        return f"postgresql://postgres:{self.primary.password}@{self._hosts}/pair?connect_timeout=2&connections=16"

    def join(self, *, synchronous: bool) -> None:
        """Let the standby follow the primary, which is kept waiting for it with each commit, or not."""
        self.standby.follow(self.primary)
        self.standby.start()
        self.primary.configure("synchronous_standby_names", _EVERYONE if synchronous else "")
        until = time.monotonic() + postgres.DEADLINE
        while self._follower() != ("sync" if synchronous else "async"):
            assert time.monotonic() < until, self._follower()
            time.sleep(0.02)

    def fail_over(self) -> None:
        """Kill the primary, and promote the standby, which waits for nobody from then on."""
        self.primary.kill()
        self.standby.configure("synchronous_standby_names", "")
        with psycopg.connect(self.standby.url("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")
        self.primary, self.standby = self.standby, self.primary

    def _follower(self) -> str:
        with psycopg.connect(self.primary.url("postgres")) as connection:
            row = connection.execute("SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'").fetchone()
        return row[0] if row else "nobody"


class Round(Struct, frozen=True):
    """What one kill came to."""

    seconds: float
    acknowledged: int
    failed: int
    unknown: int
    lost: int


async def rounds(pair: Pair, number: int) -> AsyncIterator[Round]:
    """Kill so many times, each time under 32 callers that write; the backend is the same all the time."""
    await asyncio.to_thread(pair.join, synchronous=True)
    async with memory(pair.url) as backend:
        for turn in range(number):
            writing = Writing(backend, CALLERS, f"round{turn}")
            await writing.until_all_write()
            begun = time.monotonic()
            killing = asyncio.create_task(asyncio.to_thread(pair.fail_over))
            while not writing.failed:
                assert time.monotonic() - begun < DEADLINE, "nobody noticed the kill"
                await asyncio.sleep(0.001)
            await writing.until_all_write(DEADLINE)
            seconds = time.monotonic() - begun
            await killing
            await writing.end()
            unknown = sum(error.outcome_unknown for error in writing.failed)
            lost = await writing.lost(backend)
            yield Round(seconds, writing.written, len(writing.failed), unknown, len(lost))
            if turn + 1 < number:
                await asyncio.to_thread(pair.join, synchronous=True)
