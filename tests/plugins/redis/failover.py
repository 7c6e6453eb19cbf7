"""Servers that stand in for each other: one is killed while 32 callers write, and writing goes on with the others.

Replication of Redis is asynchronous: what was acknowledged in the moment before a failover may be lost with the server
that acknowledged it. What a replica had confirmed is not.
"""

from __future__ import annotations

import asyncio
import time
from itertools import count

from tests.plugins.redis.surroundings import HOUR, cache
from tests.services import valkey
from unison_storage.contracts.cache import Set
from unison_storage.errors import AvailabilityError, StorageError
from unison_storage_redis.cache import RedisCache

CALLERS = 32
ADDRESSES = 50
"""How many addresses each caller writes, one after the other."""
GOES_ON = 10.0
"""Seconds within which writing goes on."""


class Writing:
    """Callers that write without an end, each at addresses of its own: what was acknowledged, and what failed."""

    def __init__(self, backend: RedisCache) -> None:
        self.backend = backend
        self.acknowledged: dict[str, bytes] = {}
        self.failed: list[StorageError] = []
        self.since = 0.0
        self.in_a_row = [0] * CALLERS
        self.ended = False

    async def write(self, caller: int) -> None:
        for number in count():
            if self.ended:
                return
            address, value = f"k\x1f{caller}\x1f{number % ADDRESSES}", b"%d %d" % (caller, number)
            started = time.monotonic()
            try:
                [answer] = await self.backend.set_many([Set(address, value, HOUR)])
            except StorageError as error:
                answer = error
            if isinstance(answer, StorageError):
                self.failed.append(answer)
                self.in_a_row[caller] = 0
                self.acknowledged.pop(address, None)  # whether it took effect is not known
                await asyncio.sleep(0.01)
            else:
                self.acknowledged[address] = value
                if self.since and started > self.since:
                    self.in_a_row[caller] += 1

    async def until_all_write_again(self) -> float:
        """Return the seconds until each caller has written all of its addresses since the kill."""
        while min(self.in_a_row) < ADDRESSES:
            assert time.monotonic() - self.since < GOES_ON, self.in_a_row
            await asyncio.sleep(0.01)
        return time.monotonic() - self.since


async def confirmed(server: valkey.Started, backend: RedisCache) -> dict[str, bytes]:
    """Write something, and wait until a replica has it."""
    kept = {f"kept\x1f{number}": b"%d" % number for number in range(200)}
    await backend.set_many([Set(address, value, HOUR) for address, value in kept.items()])
    offset = int(server.ask("INFO", "replication").partition(b"master_repl_offset:")[2].split()[0])

    def has_it() -> bool:
        told = server.ask("INFO", "replication").partition(b"slave0:")[2].split()[0]
        return int(told.partition(b"offset=")[2].partition(b",")[0]) >= offset

    await asyncio.to_thread(valkey.wait_for, has_it)
    return kept


async def killed_while_writing(url: str, victim: valkey.Started) -> float:
    """Kill a server while callers write; return the seconds until all of them write again."""
    async with cache(url) as backend:
        kept = await confirmed(victim, backend)
        writing = Writing(backend)
        writers = [asyncio.ensure_future(writing.write(caller)) for caller in range(CALLERS)]
        until = time.monotonic() + GOES_ON
        while len(writing.acknowledged) < CALLERS * 10:
            assert time.monotonic() < until
            await asyncio.sleep(0.01)
        await asyncio.to_thread(victim.kill)
        writing.since = time.monotonic()
        took = await writing.until_all_write_again()
        writing.ended = True
        await asyncio.gather(*writers)
        assert writing.failed, "nobody noticed the kill"
        assert all(isinstance(error, AvailabilityError) for error in writing.failed), writing.failed
        assert any(error.outcome_unknown for error in writing.failed)
        assert not all(error.outcome_unknown for error in writing.failed)
        for address, value in writing.acknowledged.items():
            [found] = await backend.get_many([address])
            caller = value.split()[0]
            # older where the last write went with the server that was killed, and never anybody else's
            assert found is None or (isinstance(found, bytes) and found.split()[0] == caller), (address, value, found)
        assert await backend.get_many(list(kept)) == list(kept.values())
        return took
