"""What is left of a service when one of its servers goes: see ``failover`` for what is asked of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from redis.crc import key_slot

from tests.plugins.redis.failover import GOES_ON, killed_while_writing
from tests.plugins.redis.surroundings import HOUR, cache, memory, put, set_
from tests.services import valkey
from unison_storage.contracts.cache import Increment
from unison_storage.errors import AvailabilityError, StorageError
from unison_storage_redis.cache import RedisCache
from unison_storage_redis.keys import CacheKeys

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def watched() -> Iterator[valkey.Watched]:
    found = valkey.Watched()
    found.start()
    yield found
    found.remove()


@pytest.fixture(scope="module")
def clustered() -> Iterator[valkey.Clustered]:
    found = valkey.Clustered(replicas=1)
    found.start()
    yield found
    found.remove()


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
    watched.settle()
    assert asyncio.run(killed_while_writing(watched.url, victim)) < GOES_ON
    assert watched.serving() is not victim


def test_memory_goes_on_with_the_promoted_server(watched: valkey.Watched) -> None:
    async def test() -> None:
        async with memory(watched.url) as backend:
            [written] = await backend.put_many([put("k\x1fa", person="ann")])
            assert not isinstance(written, StorageError)
            assert await backend.owned("ann") == 1
            assert await backend.erase("ann") == 1

    asyncio.run(test())


def test_a_cluster_goes_on_with_the_replica_of_a_node_that_dies(clustered: valkey.Clustered) -> None:
    assert asyncio.run(killed_while_writing(clustered.url, clustered.nodes[0])) < GOES_ON


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
