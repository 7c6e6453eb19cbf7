"""What memory does on a server beside what its contract says: what names an entry, and what is left when it is gone."""

from __future__ import annotations

import asyncio

import pytest

from tests.plugins.redis.surroundings import HOUR, memory, put, server_at
from tests.services import valkey
from unison_storage.contracts.memory import Delete, Increment, Touch
from unison_storage.errors import InvalidConfig, InvalidValue, StorageError, Tampered
from unison_storage.values import ANY

MILLI = 1_000
DEADLINE = 10.0


def keys(started: valkey.Started, url: str) -> set[str]:
    """Return what follows the prefix in the name of each key."""
    head = f"{server_at(url).options.prefix}:"
    return {key.decode()[len(head) :] for key in started.ask("KEYS", f"{head}*")}


async def gone(backend: object, address: str) -> None:
    """Wait until an entry has expired."""
    until = asyncio.get_running_loop().time() + DEADLINE
    while await backend.get_many([address]) != [None]:  # type: ignore[attr-defined]
        assert asyncio.get_running_loop().time() < until
        await asyncio.sleep(0.005)


def test_a_server_that_may_evict_is_refused(url: str, started: valkey.Started) -> None:
    async def test() -> None:
        async with memory(url):
            pass

    started.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(InvalidConfig, match=r"may evict .*allkeys-lru") as failure:
            asyncio.run(test())
        assert failure.value.message.startswith("UNISON_STORAGE_CACHE_URL")
    finally:
        started.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
    asyncio.run(test())


def test_what_named_an_entry_goes_with_it(url: str, started: valkey.Started) -> None:
    async def test() -> None:
        async with memory(url) as backend:
            await backend.put_many([put("k\x1fa", person="ann"), put("k\x1fb", lifetime=None)])
            assert keys(started, url) == {"m:k\x1fa", "m:k\x1fb", "index", "expiry", "person:ann"}
            assert await backend.delete_many([Delete("k\x1fa", ANY)]) == [True]
            assert keys(started, url) == {"m:k\x1fb", "index"}
            assert await backend.delete_prefix("k\x1f") == 1
            assert keys(started, url) == set()

    asyncio.run(test())


def test_what_named_an_expired_entry_goes_with_a_purge(url: str, started: valkey.Started) -> None:
    async def test() -> None:
        async with memory(url) as backend:
            await backend.put_many([put("k\x1fa", person="ann", lifetime=5 * MILLI), put("k\x1fb")])
            await gone(backend, "k\x1fa")
            assert "person:ann" in keys(started, url)
            assert await backend.purge_expired(10) == 1
            assert keys(started, url) == {"m:k\x1fb", "index", "expiry"}
            assert await backend.purge_expired(10) == 0

    asyncio.run(test())


def test_an_entry_that_somebody_else_wrote_anew_is_found_after_a_purge(url: str) -> None:
    async def test() -> None:
        async with memory(url) as backend:
            await backend.put_many([put("k\x1fa", person="ann", lifetime=5 * MILLI)])
            await gone(backend, "k\x1fa")
            await backend.put_many([put("k\x1fa", person="bob")])
            assert await backend.purge_expired(10) == 0
            assert await backend.purge_expired(10) == 0
            assert [line.address for line in await backend.list("k\x1f", "", 10, values=True)] == ["k\x1fa"]
            assert (await backend.owned("ann"), await backend.owned("bob")) == (0, 1)
            assert await backend.erase("ann") == 0
            assert await backend.count("k\x1f") == 1
            assert await backend.erase("bob") == 1

    asyncio.run(test())


def test_a_touch_of_what_is_about_to_expire_keeps_it_in_listings(url: str) -> None:
    async def test() -> None:
        async with memory(url) as backend:
            await backend.put_many([put("k\x1fa", person="ann", lifetime=200 * MILLI)])
            assert await backend.touch_many([Touch("k\x1fa", HOUR)]) == [True]
            await asyncio.sleep(0.25)  # the time at which it would have expired has to pass on the server's clock
            assert await backend.purge_expired(10) == 0
            assert await backend.count("") == 1
            assert await backend.touch_many([Touch("k\x1fa", None)]) == [True]
            assert await backend.owned("ann") == 1

    asyncio.run(test())


def test_a_person_is_named_before_the_entry_is_there(url: str, started: valkey.Started) -> None:
    async def test() -> None:
        async with memory(url) as backend:
            await backend.put_many([put("k\x1fa")])
            await backend.put_many([put("k\x1fa", person="ann")])
            [refused] = await backend.put_many([put("k\x1fa", person="bob")])
            assert isinstance(refused, InvalidValue)
            assert keys(started, url) == {"m:k\x1fa", "index", "expiry", "person:ann"}
            # a name that leads nowhere, as a writer that dies leaves it, harms nobody
            started.ask("SADD", f"{server_at(url).options.prefix}:person:bob", "k\x1fa", "k\x1fz")
            assert (await backend.owned("bob"), await backend.erase("bob")) == (0, 0)
            assert await backend.owned("ann") == 1
            assert "person:bob" not in keys(started, url)

    asyncio.run(test())


def test_a_head_that_is_long_is_listed_without_its_value(url: str) -> None:
    async def test() -> None:
        async with memory(url) as backend:
            version = "v" * 2_000
            await backend.put_many(
                [put("k\x1fa", b"x" * 5_000, version, person="p" * 128), put("k\x1fb", b"y" * 5_000)]
            )
            lines = await backend.list("k\x1f", "", 10, values=False)
            assert [(line.row.value, line.row.version) for line in lines] == [(b"", version), (b"", "1")]
            assert lines[0].row.person == "p" * 128

    asyncio.run(test())


def test_counters_are_of_64_bits(url: str) -> None:
    async def test() -> None:
        async with memory(url) as backend:
            most = (1 << 63) - 1
            assert await backend.increment_many([Increment("k\x1fn", most - 1, "1", HOUR)]) == [most - 1]
            assert await backend.increment_many([Increment("k\x1fn", 1, "2", HOUR)]) == [most]
            [refused] = await backend.increment_many([Increment("k\x1fn", 1, "3", HOUR)])
            assert isinstance(refused, InvalidValue)
            [row] = await backend.get_many(["k\x1fn"])
            assert row is not None
            assert not isinstance(row, StorageError)
            assert (row.value, row.version) == (b"%d" % most, "2")

    asyncio.run(test())


def test_something_else_under_a_key_of_ours_is_told(url: str, started: valkey.Started) -> None:
    async def test() -> None:
        async with memory(url) as backend:
            head = server_at(url).options.prefix
            started.ask("RPUSH", f"{head}:m:k\x1flist", "1")
            started.ask("SET", f"{head}:m:k\x1fshort", "1")
            started.ask("SET", f"{head}:m:k\x1fother", b"\x02" + bytes(40))
            for address in ("k\x1flist", "k\x1fshort", "k\x1fother"):
                for met in (
                    *await backend.get_many([address]),
                    *await backend.put_many([put(address)]),
                    *await backend.touch_many([Touch(address, HOUR)]),
                    *await backend.delete_many([Delete(address)]),
                    *await backend.increment_many([Increment(address, 1, "1", HOUR)]),
                ):
                    assert isinstance(met, Tampered), (address, met)
            assert started.ask("GET", f"{head}:m:k\x1fshort") == b"1"

    asyncio.run(test())


def test_lists_and_counts_pass_over_what_has_expired(url: str) -> None:
    async def test() -> None:
        async with memory(url) as backend:
            short = [put(f"k\x1f{number:04}", lifetime=5 * MILLI) for number in range(0, 1_200, 2)]
            long_ = [put(f"k\x1f{number:04}") for number in range(1, 1_200, 2)]
            for start in range(0, 600, 300):
                await backend.put_many(short[start : start + 300])
                await backend.put_many(long_[start : start + 300])
            await gone(backend, "k\x1f1198")
            lines = await backend.list("k\x1f", "", 1_000, values=False)
            assert [line.address for line in lines] == [one.address for one in long_]
            assert await backend.count("k\x1f") == 600
            assert await backend.count("") == 600
            assert await backend.delete_prefix("") == 600

    asyncio.run(test())
