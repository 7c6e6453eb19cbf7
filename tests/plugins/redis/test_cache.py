"""What the cache does beside what its contract says: on a shared server, with keys and values that try things."""

from __future__ import annotations

import asyncio

import pytest

from tests.plugins.redis.surroundings import HOUR, cache, memory, put, server_at, set_
from tests.services import valkey
from unison_storage.contracts.cache import Acquire, Fill, Increment, Release, Set, Touch, filling
from unison_storage.errors import InvalidValue, StorageError, Tampered

FOREIGN = {
    "blacklist:jti-1": "1",
    "rl:token:10.0.0.1": "7",
    "revoked_grant:jti-2": "1",
    "unison:idempotency:key-3": "done",
    "unison-storage": "no key of ours",
}
"""What other services keep on the same server."""
ODD = ["*", "[a-z]", "{a}", "}", "a{b}c", "\\*", "?", "\r\nSET x y", "a\x00b", "%7D", "é\U0001f600", "k" * 1_000]


def prefix(url: str) -> str:
    return server_at(url).options.prefix


def test_what_others_keep_on_the_server_is_not_touched(started: valkey.Started) -> None:
    started.ask("FLUSHALL")
    for key, value in FOREIGN.items():
        started.ask("SET", key, value)
    started.ask("SET", "rl:token:10.0.0.2", "1", "EX", "1000")
    before = {key: started.ask("DUMP", key) for key in FOREIGN}

    async def test() -> None:
        async with cache(started.url) as backend:
            await backend.set_many([set_(f"auth:tokens\x1f{key}") for key in FOREIGN])
            assert await backend.count("") == len(FOREIGN)
            assert await backend.delete_prefix("") == len(FOREIGN)
            assert await backend.count("") == 0
        async with memory(started.url) as entries:
            await entries.put_many([put(f"auth:tokens\x1f{key}", person="ann") for key in FOREIGN])
            assert (await entries.count(""), await entries.erase("ann")) == (len(FOREIGN), len(FOREIGN))
            assert (await entries.purge_expired(10), await entries.delete_prefix("")) == (0, 0)

    asyncio.run(test())
    assert {key: started.ask("DUMP", key) for key in FOREIGN} == before
    assert started.ask("DBSIZE") == len(FOREIGN) + 1
    assert 990_000 < started.ask("PTTL", "rl:token:10.0.0.2") <= 1_000_000
    started.ask("FLUSHALL")


def test_nothing_is_left_without_a_lifetime(url: str, started: valkey.Started) -> None:
    async def test() -> None:
        async with cache(url) as backend:
            a, b, lease = "k\x1fa", "k\x1fb", filling("k\x1fa")
            await backend.set_many([set_(a)])
            await backend.add_many([set_(b)])
            await backend.touch_many([Touch(b, 2 * HOUR)])
            await backend.increment_many([Increment("k\x1fn", 1, HOUR), Increment("k\x1fn", 1, HOUR)])
            await backend.acquire_many([Acquire(lease, "one", HOUR), Acquire("k\x1flease", "one", HOUR)])
            await backend.renew_many([Acquire(lease, "one", HOUR)])
            assert await backend.fill_many([Fill(a, b"new", HOUR, "one", b"value")]) == [True]
            assert await backend.release_many([Release("k\x1flease", "one")]) == [True]

    asyncio.run(test())
    keys = started.ask("KEYS", f"{prefix(url)}:*")
    assert len(keys) == 5
    assert all(started.ask("PTTL", key) > 0 for key in keys)


def test_a_counter_that_lost_its_lifetime_gets_one_again(url: str, started: valkey.Started) -> None:
    async def test() -> None:
        async with cache(url) as backend:
            await backend.set_many([Set("k\x1fn", b"4", HOUR)])
            [key] = started.ask("KEYS", f"{prefix(url)}:*")
            started.ask("PERSIST", key)
            assert await backend.increment_many([Increment("k\x1fn", 1, HOUR)]) == [5]
            assert started.ask("PTTL", key) > 0

    asyncio.run(test())


def test_odd_keys_are_just_keys(url: str) -> None:
    async def test() -> None:
        async with cache(url) as backend:
            below = [f"k\x1f{odd}\x1f" for odd in ODD]
            addresses = [f"{prefix}{odd}" for prefix in below for odd in ODD]
            assert len(set(addresses)) == len(ODD) ** 2
            assert await backend.set_many([set_(one, one.encode()) for one in addresses]) == [None] * len(addresses)
            assert await backend.get_many(addresses) == [one.encode() for one in addresses]
            for prefix in below:
                assert await backend.count(prefix) == len(ODD)
            for place, prefix in enumerate(below):
                assert await backend.delete_prefix(prefix) == len(ODD)
                assert await backend.count("k\x1f") == len(ODD) * (len(ODD) - place - 1)

    asyncio.run(test())


def test_lua_in_an_argument_is_just_text(url: str, started: valkey.Started) -> None:
    text = "'] redis.call('SET','hacked','1') --[[ \\0 ]]"

    async def test() -> None:
        async with cache(url) as backend:
            address = f"k\x1f{text}"
            assert await backend.acquire_many([Acquire(filling(address), text, HOUR)]) != [None]
            assert await backend.fill_many([Fill(address, text.encode(), HOUR, text, None)]) == [True]
            assert await backend.get_many([address]) == [text.encode()]
            [refused] = await backend.increment_many([Increment(address, 1, HOUR)])
            assert isinstance(refused, InvalidValue)
            assert text not in refused.message
            assert await backend.delete_many([address]) == [True]

    asyncio.run(test())
    assert started.ask("EXISTS", "hacked") == 0


def test_something_else_under_a_key_of_ours_is_told_and_can_be_replaced(url: str, started: valkey.Started) -> None:
    async def test() -> None:
        async with cache(url) as backend:
            await backend.set_many([set_("k\x1fa")])
            [key] = started.ask("KEYS", f"{prefix(url)}:*")
            started.ask("DEL", key)
            started.ask("RPUSH", key, "1")
            increment = Increment("k\x1fa", 1, HOUR)
            for met in (*await backend.get_many(["k\x1fa"]), *await backend.increment_many([increment])):
                assert isinstance(met, Tampered)
                assert "something else lies under a key of ours" in met.message
            assert await backend.add_many([set_("k\x1fa")]) == [False]
            assert started.ask("TYPE", key) == b"list"
            assert await backend.set_many([set_("k\x1fa", b"ours")]) == [None]
            assert await backend.get_many(["k\x1fa"]) == [b"ours"]

    asyncio.run(test())


def test_scripts_that_somebody_flushed_are_told_again(url: str, started: valkey.Started) -> None:
    async def test() -> None:
        async with cache(url) as backend:
            increments = [Increment("k\x1fn", 1, HOUR)] * 3
            assert await backend.increment_many(increments) == [1, 2, 3]
            started.ask("SCRIPT", "FLUSH")
            assert await backend.increment_many(increments) == [4, 5, 6]
            assert await backend.increment_many(increments[:1]) == [7]

    asyncio.run(test())


def test_what_is_many_steps_is_removed_whole(url: str) -> None:
    async def test() -> None:
        async with cache(url) as backend:
            addresses = [f"k\x1fmany\x1f{number}" for number in range(5_000)]
            for start in range(0, 5_000, 500):
                await backend.set_many([set_(one) for one in addresses[start : start + 500]])
            await backend.acquire_many([Acquire(filling(addresses[0]), "one", HOUR)])
            assert await backend.count("k\x1f") == 5_000
            assert await backend.delete_prefix("k\x1fmany\x1f") == 5_000
            assert await backend.count("") == 0
            assert await backend.release_many([Release(filling(addresses[0]), "one")]) == [False]

    asyncio.run(test())


def test_a_fence_grows_also_where_the_clock_was_set_back(url: str, started: valkey.Started) -> None:
    async def test() -> None:
        async with cache(url) as backend:
            acquire = Acquire("k\x1flease", "one", HOUR)
            [first] = await backend.acquire_many([acquire])
            assert isinstance(first, int)
            await backend.release_many([Release("k\x1flease", "one")])
            [key] = started.ask("KEYS", f"{prefix(url)}:n:*")
            ahead = first + 3_600_000_000  # as the clock said before it was set back by an hour
            started.ask("SET", key, str(ahead), "KEEPTTL")
            [second] = await backend.acquire_many([acquire])
            assert second == ahead + 1

    asyncio.run(test())


@pytest.mark.parametrize("protocol", [2, 3])
def test_both_protocols_are_spoken(url: str, protocol: int) -> None:
    async def test() -> None:
        async with cache(f"{url}&protocol={protocol}") as backend:
            assert await backend.get_many(["k\x1fa"]) == [None]
            assert await backend.add_many([set_("k\x1fa", b"1"), set_("k\x1fa", b"2")]) == [True, False]
            assert await backend.acquire_many([Acquire("l\x1fa", "one", HOUR)]) != [None]
            assert await backend.acquire_many([Acquire("l\x1fa", "two", HOUR)]) == [None]
            health = await backend.health()
            assert health.ok, health
            assert "maxmemory-policy noeviction" in health.detail

    asyncio.run(test())


def test_a_value_of_the_largest_size_goes_whole_beside_small_ones(url: str) -> None:
    async def test() -> None:
        async with cache(url) as backend:
            values = [bytes([number]) * (1 << 20 if number % 2 else 10) for number in range(8)]
            addresses = [f"k\x1f{number}" for number in range(8)]
            sets = [backend.set_many([Set(one, value, HOUR)]) for one, value in zip(addresses, values, strict=True)]
            assert await asyncio.gather(*sets) == [[None]] * 8
            found = await asyncio.gather(*(backend.get_many([one]) for one in addresses))
            assert [value for [value] in found] == values
            assert not isinstance(found[0][0], StorageError)

    asyncio.run(test())
