"""Servers that stand in for each other: one is killed while 32 callers write, and writing goes on with the others.

Replication of Redis is asynchronous: what was acknowledged in the moment before a failover may be lost with the server
that acknowledged it. What a replica had confirmed is not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from itertools import count

import pytest
from redis.crc import key_slot

from tests.plugins.redis.surroundings import HOUR, cache, memory, put, set_
from tests.services import valkey
from unison_storage.contracts.cache import Increment, Set
from unison_storage.errors import AvailabilityError, StorageError
from unison_storage_redis.cache import RedisCache
from unison_storage_redis.keys import CacheKeys

pytestmark = pytest.mark.once

CALLERS = 32
ADDRESSES = 50
"""How many addresses each caller writes, one after the other."""
GOES_ON = 10.0
"""Seconds within which writing goes on."""


@pytest.fixture(scope="module")
def watched() -> Iterator[valkey.Watched]:
    found = valkey.Watched()
    found.start()
    yield found
    for one in (*found.data(), *found.sentinels):
        one.remove()


@pytest.fixture(scope="module")
def clustered() -> Iterator[valkey.Clustered]:
    found = valkey.Clustered(replicas=1)
    found.start()
    yield found
    for one in found.nodes:
        one.remove()


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


async def killed_while_writing(url: str, servers: list[valkey.Started], victim: valkey.Started) -> float:
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
        assert any(one.running for one in servers)
        return took


async def written(backend: RedisCache) -> bool:
    """Return whether a value could be written."""
    try:
        return await backend.set_many([set_("k\x1fa")]) == [None]
    except AvailabilityError:
        return False


def test_a_server_that_became_a_replica_is_left(watched: valkey.Watched) -> None:
    """The Sentinels are told to hand over: the old primary lives on, refuses writes, and the new one is found."""
    serving = watched.serving()

    async def test() -> None:
        async with cache(watched.url) as backend:
            assert await backend.increment_many([Increment("k\x1fn", 1, HOUR)]) == [1]
            watched.sentinels[0].ask("SENTINEL", "FAILOVER", "main")
            await asyncio.to_thread(valkey.wait_for, lambda: serving.ask("ROLE")[0] == b"slave")
            until = time.monotonic() + GOES_ON
            while not await written(backend):
                assert time.monotonic() < until
                await asyncio.sleep(0.02)
            assert watched.serving() is not serving

    asyncio.run(test())


def test_writing_goes_on_with_the_server_that_sentinel_promotes(watched: valkey.Watched) -> None:
    victim = watched.serving()

    def replicates() -> bool:
        told = [one.ask("SENTINEL", "REPLICAS", "main")[0] for one in watched.sentinels]
        flags = [dict(zip(one[::2], one[1::2], strict=True))[b"flags"] for one in told]
        return b"state=online" in victim.ask("INFO", "replication") and flags == [b"slave"] * len(flags)

    valkey.wait_for(replicates)
    took = asyncio.run(killed_while_writing(watched.url, watched.data(), victim))
    assert watched.serving() is not victim
    print(f"sentinel: {took:.1f} s")  # noqa: T201 - shown with -s, for docs/verification.md


def test_memory_goes_on_with_the_promoted_server(watched: valkey.Watched) -> None:
    async def test() -> None:
        async with memory(watched.url) as backend:
            [written] = await backend.put_many([put("k\x1fa", person="ann")])
            assert not isinstance(written, StorageError)
            assert await backend.owned("ann") == 1
            assert await backend.erase("ann") == 1

    asyncio.run(test())


def test_a_cluster_goes_on_with_the_replica_of_a_node_that_dies(clustered: valkey.Clustered) -> None:
    victim = clustered.nodes[0]
    took = asyncio.run(killed_while_writing(clustered.url, clustered.nodes, victim))
    print(f"cluster: {took:.1f} s")  # noqa: T201 - see above


def test_a_node_that_dies_fails_what_is_on_it_alone(clustered: valkey.Clustered) -> None:
    victim = clustered.nodes[1]
    keys = CacheKeys("unison-storage")
    addresses = [f"k\x1f{number}" for number in range(300)]
    slots = {address: key_slot(keys.value(address).encode()) for address in addresses}
    on_victim = {address for address, slot in slots.items() if 16_384 // 3 <= slot < 16_384 * 2 // 3}
    assert 50 < len(on_victim) < 150

    async def test() -> None:
        async with cache(clustered.url) as backend:
            assert await backend.set_many([set_(address) for address in addresses]) == [None] * 300
            await asyncio.to_thread(victim.kill)
            answers = await backend.set_many([set_(address, b"new") for address in addresses])
            failed = {at for at, answer in zip(addresses, answers, strict=True) if isinstance(answer, StorageError)}
            assert failed == on_victim
            until = time.monotonic() + GOES_ON
            while any(isinstance(one, StorageError) for one in await backend.set_many(list(map(set_, addresses)))):
                assert time.monotonic() < until
                await asyncio.sleep(0.05)
            assert await backend.count("k\x1f") >= 300

    asyncio.run(test())


def test_a_slot_that_moves_is_followed(clustered: valkey.Clustered) -> None:
    """One slot goes from a node to another, key by key, while it is used."""
    keys = CacheKeys("unison-storage")
    address = "moving\x1fa"
    slot = key_slot(keys.value(address).encode())

    def owner() -> valkey.Started:
        nodes = [one for one in clustered.nodes if one.running and one.ask("ROLE")[0] == b"master"]
        [found] = [
            one
            for one in nodes
            for first, last, (_, port, *_), *_ in nodes[0].ask("CLUSTER", "SLOTS")
            if first <= slot <= last and port == one.port
        ]
        return found

    async def test() -> None:
        async with cache(clustered.url) as backend:
            await backend.set_many([set_(address, b"1")])
            source = owner()
            target = next(
                one for one in clustered.nodes if one.running and one is not source and one.ask("ROLE")[0] == b"master"
            )
            target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.ask("CLUSTER", "MYID"))
            source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.ask("CLUSTER", "MYID"))
            assert await backend.increment_many([Increment(address, 1, HOUR)]) == [2]  # it is still there
            key = keys.value(address)
            auth = ("AUTH", clustered.password)
            source.ask("MIGRATE", "127.0.0.1", target.port, key, 0, 5_000, *auth)
            assert await backend.increment_many([Increment(address, 1, HOUR)] * 2) == [3, 4]  # asked where it went
            assert await backend.get_many([address]) == [b"4"]
            for one in (target, source):
                one.ask("CLUSTER", "SETSLOT", slot, "NODE", target.ask("CLUSTER", "MYID"))
            assert await backend.increment_many([Increment(address, 1, HOUR)]) == [5]
            assert await backend.delete_many([address]) == [True]

    asyncio.run(test())
