"""What is left of lifetimes, by the clock of the backend that expires them: two servers need not agree on the time."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final

APART: Final = 60_000_000
"""Microseconds by which what is left may differ, or that something may be gone too early."""
_ASKED_AGAIN: Final = 10.0
"""Seconds after which a clock is asked anew."""


class Lifetimes:
    """The clock of one backend, asked now and then and run on in between."""

    def __init__(self, now: Callable[[], Awaitable[int]]) -> None:
        self._now = now
        self._base = 0
        self._asked: float | None = None

    async def left(self, expires: int | None) -> int | None:
        """Return how many microseconds are left, ``None`` for ever."""
        return None if expires is None else expires - await self._time()

    async def ending(self, expires: int | None) -> bool:
        """Return whether it is over in a moment, or is already."""
        left = await self.left(expires)
        return left is not None and left < APART

    async def alike(self, expires: int | None, other: Lifetimes, theirs: int | None) -> bool:
        """Return whether as much is left here as there."""
        here, there = await self.left(expires), await other.left(theirs)
        if here is None or there is None:
            return here is there
        return abs(here - there) < APART

    async def _time(self) -> int:
        monotonic = time.monotonic()
        if self._asked is None or monotonic - self._asked > _ASKED_AGAIN:
            self._base = await self._now()
            self._asked = time.monotonic()
            return self._base
        return self._base + round(1_000_000 * (monotonic - self._asked))
