"""What is left of lifetimes, by clocks that do not agree."""

from __future__ import annotations

import asyncio

from unison_storage.copying.lifetimes import APART, Lifetimes

HOUR = 3_600_000_000


def clock(at: int) -> Lifetimes:
    async def now() -> int:
        return at

    return Lifetimes(now)


def test_what_is_left_counts_and_not_when_it_is() -> None:
    async def test() -> None:
        here, there = clock(5 * HOUR), clock(90 * HOUR)
        assert await here.alike(6 * HOUR, there, 91 * HOUR)
        assert not await here.alike(6 * HOUR, there, 91 * HOUR + 2 * APART)
        assert not await here.alike(6 * HOUR, there, None)
        assert not await here.alike(None, there, 91 * HOUR)
        assert await here.alike(None, there, None)

    asyncio.run(test())


def test_what_ends_in_a_moment_is_told() -> None:
    async def test() -> None:
        here = clock(5 * HOUR)
        assert await here.ending(5 * HOUR + APART // 2)
        assert await here.ending(4 * HOUR)
        assert not await here.ending(6 * HOUR)
        assert not await here.ending(None)
        assert await here.left(None) is None
        left = await here.left(6 * HOUR)
        assert left is not None
        assert HOUR - APART < left <= HOUR

    asyncio.run(test())
