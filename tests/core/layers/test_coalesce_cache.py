"""Coalescing the cache: concurrent single calls become batches, and nothing else does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from unison_storage.contracts.cache import Acquire, Fill, Increment, Release, Set, Touch
from unison_storage.errors import InvalidValue
from unison_storage.layers.coalesce import coalesce_cache
from unison_storage.reference.cache import ReferenceCache
from unison_storage.testing import ManualClock

SECOND = 1_000_000
ITEMS: dict[str, Callable[[str], Any]] = {
    "get_many": str,
    "set_many": lambda address: Set(address, address.encode(), SECOND),
    "add_many": lambda address: Set(address, address.encode(), SECOND),
    "delete_many": str,
    "touch_many": lambda address: Touch(address, SECOND),
    "increment_many": lambda address: Increment(address, 1, SECOND),
}
ALONE: dict[str, Callable[[str], Any]] = {
    "fill_many": lambda address: Fill(address, b"x", SECOND, "me", None),
    "acquire_many": lambda address: Acquire(address, "me", SECOND),
    "renew_many": lambda address: Acquire(address, "me", SECOND),
    "release_many": lambda address: Release(address, "me"),
}


class Slow(ReferenceCache):
    """Takes a turn of the loop for each call, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(ManualClock())
        self.asked: list[tuple[str, list[Any]]] = []


def slow(name: str) -> Any:
    async def answer(self: Slow, items: Any) -> Any:
        self.asked.append((name, list(items)))
        await asyncio.sleep(0)
        return await getattr(ReferenceCache, name)(self, items)

    return answer


for _name in (*ITEMS, *ALONE):
    setattr(Slow, _name, slow(_name))


async def one(method: Callable[[Any], Awaitable[list[Any]]], item: Any) -> Any:
    return (await method([item]))[0]


@pytest.mark.parametrize("name", ITEMS)
def test_what_arrives_meanwhile_goes_together_and_is_answered_as_if_it_had_not(name: str) -> None:
    async def use() -> None:
        addresses = [f"a\x1f{number:03}" for number in range(100)]
        inner, plain = Slow(), ReferenceCache(ManualClock())
        for backend in (inner, plain):
            await ReferenceCache.set_many(backend, [Set(address, b"7", SECOND) for address in addresses[::3]])
        method = getattr(coalesce_cache(inner), name)
        items = [ITEMS[name](address) for address in addresses]
        found = await asyncio.gather(*(one(method, item) for item in items))
        assert found == await getattr(plain, name)(items)
        assert len(inner.asked) < 10
        assert sum(len(batch) for _, batch in inner.asked) == 100

    asyncio.run(use())


def test_reads_of_one_address_share_an_item_and_writes_keep_their_order() -> None:
    async def use() -> None:
        inner = Slow()
        cache = coalesce_cache(inner)
        await asyncio.gather(*(one(cache.set_many, Set("k", b"%d" % number, SECOND)) for number in range(20)))
        assert await cache.get_many(["k"]) == [b"19"]
        for _, batch in inner.asked:
            assert len({item.address if isinstance(item, Set) else item for item in batch}) == len(batch)
        inner.asked.clear()
        assert await asyncio.gather(*(one(cache.get_many, "k") for _ in range(200))) == [b"19"] * 200
        assert sum(len(batch) for _, batch in inner.asked) < 10

    asyncio.run(use())


def test_one_bad_counter_fails_no_neighbour() -> None:
    async def use() -> None:
        inner = Slow()
        cache = coalesce_cache(inner)
        await cache.set_many([Set("bad", b"x", SECOND)])
        calls = [one(cache.increment_many, Increment(key, 1, SECOND)) for key in ("a", "b", "bad", "c", "d", "e")]
        found = await asyncio.gather(*calls)
        assert [type(outcome) for outcome in found] == [int, int, InvalidValue, int, int, int]

    asyncio.run(use())


@pytest.mark.parametrize("name", ALONE)
def test_leases_and_fills_go_by_themselves(name: str) -> None:
    async def use() -> None:
        inner = Slow()
        method = getattr(coalesce_cache(inner), name)
        await asyncio.gather(*(one(method, ALONE[name](f"k{number}")) for number in range(20)))
        assert [len(batch) for _, batch in inner.asked] == [1] * 20

    asyncio.run(use())
