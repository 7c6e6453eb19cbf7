"""What the cache counts, and what it does while its backend does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

import pytest

from tests.core.stores.moody import CANARY, counters, opened
from unison_storage import (
    MISSING,
    BatchFailed,
    InvalidKey,
    InvalidValue,
    Storage,
    Unavailable,
)
from unison_storage.contracts.backend import Outcome
from unison_storage.reference.cache import ReferenceCache
from unison_storage.testing import ManualClock


def test_hits_and_misses_are_counted_by_keyspace() -> None:
    async def use() -> None:
        async with opened() as (storage, _, _):
            for keyspace in ("plain", "undeclared"):
                cache = storage.cache.at(keyspace, CANARY)
                await cache.set(CANARY, 1)
                await cache.get(CANARY)
                await cache.get_many([CANARY, "b", "c"])
            assert counters(storage) == {
                ("cache_hits", "plain"): 2,
                ("cache_misses", "plain"): 2,
                ("cache_hits", "undeclared"): 2,
                ("cache_misses", "undeclared"): 2,
            }

    asyncio.run(use())


def test_a_keyspace_that_degrades_reads_nothing_and_lets_writes_of_values_go() -> None:
    async def use() -> None:
        async with opened() as (storage, backend, _):
            cache = storage.cache.at("soft")
            await cache.set("k", 1)
            backend.error = Unavailable("down")
            assert await cache.get("k", MISSING) is MISSING
            assert await cache.get_many(["k"], MISSING) == {"k": MISSING}
            await cache.set("k", 2)
            await cache.set_many({"k": 2, "l": 3})
            assert counters(storage)["cache_degraded", "soft"] == 5
            refused: list[Awaitable[Any]] = [
                *(cache.add("k", 1), cache.delete("k"), cache.increment("n"), cache.touch("k", lifetime=5)),
                *(cache.acquire("l", lifetime=5), cache.count(), cache.delete_prefix()),
            ]
            for call in refused:
                with pytest.raises(Unavailable):
                    await call
            for batch in (cache.add_many({"k": 1}), cache.delete_many(["k"]), cache.increment_many({"k": 1})):
                with pytest.raises(BatchFailed):
                    await batch
            backend.error = None
            assert await cache.get("k") == 1

    asyncio.run(use())


def test_a_keyspace_that_refuses_tells_every_failure() -> None:
    async def use() -> None:
        async with opened() as (storage, backend, _):
            cache = storage.cache.at("auth:tokens")
            await cache.set("k", 1)
            backend.error = Unavailable("down")
            for call in (cache.get("k"), cache.set("k", 2)):
                with pytest.raises(Unavailable) as caught:
                    await call
                assert (caught.value.kind, caught.value.backend) == ("cache", "reference")
            for batch in (cache.get_many(["k"]), cache.set_many({"k": 2})):
                with pytest.raises(BatchFailed):
                    await batch
            assert ("cache_degraded", "auth:tokens") not in counters(storage)

    asyncio.run(use())


def test_a_degraded_keyspace_hides_no_error_of_the_caller() -> None:
    async def use() -> None:
        async with opened() as (storage, _, _):
            cache = storage.cache.at("soft")
            with pytest.raises(InvalidValue):
                await cache.set("k", (1,))
            with pytest.raises(InvalidKey):
                await cache.get("")

    asyncio.run(use())


class Counting(ReferenceCache):
    """Remembers how large the batches were."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.sizes: list[int] = []

    async def get_many(self, addresses: Sequence[str]) -> list[Outcome[bytes | None]]:
        self.sizes.append(len(addresses))
        await asyncio.sleep(0)
        return await super().get_many(addresses)


def test_what_is_hot_is_read_a_few_times_for_many_callers_and_shared_by_none() -> None:
    async def use() -> None:
        backend = Counting(ManualClock())
        async with Storage(cache=backend, profile="test") as storage:
            cache = storage.cache.at("plain")
            await cache.set("k", [1])
            found: list[Any] = await asyncio.gather(*(cache.get("k") for _ in range(200)))
            found[-1].append(2)
            assert found[-2] == [1]
            assert len(backend.sizes) < 20

    asyncio.run(use())
