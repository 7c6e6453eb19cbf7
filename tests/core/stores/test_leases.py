"""Leases: one owner at a time, fences that grow, and an old owner that has no say any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from unison_storage import Cache, InvalidKey, InvalidLifetime, InvalidValue, Keyspace, LeaseHeld, NotFound, Storage
from unison_storage.contracts.backend import Outcome
from unison_storage.contracts.cache import Release
from unison_storage.errors import Unavailable
from unison_storage.reference.cache import ReferenceCache
from unison_storage.testing import ManualClock, reference_storage

Use = Callable[[Cache[Any], ManualClock], Any]


def on_reference(use: Use) -> None:
    async def run() -> None:
        clock = ManualClock()
        async with reference_storage(clock, [Keyspace("plain", ceiling=100)]) as storage:
            await use(storage.cache.at("plain", "a"), clock)

    asyncio.run(run())


def test_a_lease_is_held_by_one_and_free_after_it() -> None:
    async def use(cache: Cache[Any], _clock: ManualClock) -> None:
        async with cache.lease("job", lifetime=30) as lease:
            with pytest.raises(LeaseHeld) as caught:
                async with cache.lease("job", lifetime=30):
                    raise AssertionError
            assert (caught.value.kind, caught.value.operation, caught.value.retryable) == ("cache", "acquire", True)
            async with cache.lease("other", lifetime=30):
                pass
            first = lease.fence
        async with cache.lease("job", lifetime=30) as lease:
            assert lease.fence > first

    on_reference(use)


def test_it_is_let_go_of_when_what_it_guarded_fails() -> None:
    async def use(cache: Cache[Any], _clock: ManualClock) -> None:
        with pytest.raises(ZeroDivisionError):
            async with cache.lease("job", lifetime=30):
                raise ZeroDivisionError
        async with cache.lease("job", lifetime=30):
            pass

    on_reference(use)


def test_fences_grow_from_owner_to_owner_also_at_one_moment_and_after_expiry() -> None:
    async def use(cache: Cache[Any], clock: ManualClock) -> None:
        fences = []
        for number in range(6):
            grant = await cache.acquire("job", lifetime=1)
            fences.append(grant.fence)
            if number % 2:
                clock.advance(1)
            else:
                await cache.release("job", grant.owner)
        assert fences == sorted(set(fences))

    on_reference(use)


def test_an_expired_lease_is_not_renewed_nor_released_by_its_old_owner() -> None:
    async def use(cache: Cache[Any], clock: ManualClock) -> None:
        async with cache.lease("job", lifetime=10) as lease:
            clock.advance(9)
            await lease.renew()
            clock.advance(9)
            await lease.renew(lifetime=1)
            clock.advance(1)
            with pytest.raises(NotFound, match="expired"):
                await lease.renew()
            assert await cache.renew("job", lease.owner, lifetime=10) is False
            new = await cache.acquire("job", lifetime=10)
            assert new.fence > lease.fence
            with pytest.raises(NotFound):
                await lease.renew()
            assert await cache.release("job", lease.owner) is False
        with pytest.raises(LeaseHeld):
            await cache.acquire("job", lifetime=10)
        assert await cache.release("job", new.owner) is True

    on_reference(use)


def test_taking_it_again_as_its_owner_is_a_renewal() -> None:
    async def use(cache: Cache[Any], clock: ManualClock) -> None:
        first = await cache.acquire("job", lifetime=10, owner="worker-1")
        clock.advance(9)
        assert await cache.acquire("job", lifetime=10, owner="worker-1") == first
        clock.advance(9)
        with pytest.raises(LeaseHeld):
            await cache.acquire("job", lifetime=10, owner="worker-2")

    on_reference(use)


def test_waiting_ends_when_the_lease_is_free_or_when_patience_does() -> None:
    async def use(cache: Cache[Any], clock: ManualClock) -> None:
        await cache.acquire("job", lifetime=10)
        started = clock.monotonic()
        with pytest.raises(LeaseHeld):
            async with cache.lease("job", lifetime=30, wait=5):
                raise AssertionError
        assert 5 <= clock.monotonic() - started < 5.1
        async with cache.lease("job", lifetime=30, wait=6):
            assert 10 <= clock.monotonic() - started < 10.3

    on_reference(use)


def test_of_many_at_once_one_wins() -> None:
    async def use(cache: Cache[Any], _clock: ManualClock) -> None:
        calls = (cache.acquire("job", lifetime=10) for _ in range(50))
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(one) for one in found].count(LeaseHeld) == 49

    on_reference(use)


def test_names_of_leases_and_keys_of_values_are_apart() -> None:
    async def use(cache: Cache[Any], _clock: ManualClock) -> None:
        async with cache.lease("job", lifetime=30):
            assert await cache.get("job") is None
            assert await cache.count() == 0
            await cache.set("job", 1)
            assert await cache.get_or_compute("else", lambda: 1) == 1
            assert await cache.get_or_compute("job", lambda: 2) == 1
            await cache.delete("job")
            await cache.delete_prefix()
            with pytest.raises(LeaseHeld):
                await cache.acquire("job", lifetime=30)

    on_reference(use)


def test_before_it_is_taken_a_lease_has_neither_fence_nor_owner() -> None:
    async def use(cache: Cache[Any], _clock: ManualClock) -> None:
        lease = cache.lease("job", lifetime=30)
        for ask in (lambda: lease.fence, lambda: lease.owner):
            with pytest.raises(InvalidValue, match="async with"):
                ask()

    on_reference(use)


@pytest.mark.parametrize("lifetime", [0, -1, None, "5", True, 101, float("nan"), float("inf")])
def test_a_lifetime_is_as_for_values(lifetime: Any) -> None:
    async def use(cache: Cache[Any], _clock: ManualClock) -> None:
        with pytest.raises(InvalidLifetime):
            async with cache.lease("job", lifetime=lifetime):
                raise AssertionError
        grant = await cache.acquire("job", lifetime=1)
        with pytest.raises(InvalidLifetime):
            await cache.renew("job", grant.owner, lifetime=lifetime)

    on_reference(use)


@pytest.mark.parametrize("wait", [-1, None, "1", float("nan"), float("inf"), True])
def test_wait_is_a_number_of_seconds(wait: Any) -> None:
    async def use(cache: Cache[Any], _clock: ManualClock) -> None:
        with pytest.raises(InvalidValue, match="wait"):
            cache.lease("job", lifetime=1, wait=wait)

    on_reference(use)


@pytest.mark.parametrize("owner", ["", "a b", "x" * 65, 5, None, "\x00", "é"])
def test_an_owner_is_a_token(owner: Any) -> None:
    async def use(cache: Cache[Any], _clock: ManualClock) -> None:
        calls: list[Any] = [cache.renew("job", owner, lifetime=1), cache.release("job", owner)]
        if owner is not None:
            calls.append(cache.acquire("job", lifetime=1, owner=owner))
        for call in calls:
            with pytest.raises(InvalidValue, match="owner"):
                await call

    on_reference(use)


@pytest.mark.parametrize("name", ["", "..", "a\x1fb", 5])
def test_a_name_follows_the_grammar_of_keys(name: Any) -> None:
    async def use(cache: Cache[Any], _clock: ManualClock) -> None:
        with pytest.raises(InvalidKey):
            await cache.acquire(name, lifetime=1)

    on_reference(use)


class Deaf(ReferenceCache):
    """Does not answer a release."""

    async def release_many(self, releases: Any) -> list[Outcome[bool]]:
        assert all(isinstance(one, Release) for one in releases)
        raise Unavailable("down")


def test_a_release_that_is_not_answered_hides_nothing_of_what_was_done() -> None:
    async def run() -> None:
        clock = ManualClock()
        async with Storage(cache=Deaf(clock), profile="test", clock=clock) as storage:
            with pytest.raises(ZeroDivisionError):
                async with storage.cache.at("plain").lease("job", lifetime=5):
                    raise ZeroDivisionError
            async with storage.cache.at("plain").lease("job", lifetime=5, wait=6):
                pass

    asyncio.run(run())
