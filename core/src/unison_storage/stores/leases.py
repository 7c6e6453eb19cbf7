"""Leases: one owner at a time, for as long as it says, with a fence that grows from owner to owner.

Advisory: a lease keeps nobody from anything, since it may expire while its owner still works. Whoever writes under one
elsewhere compares the fence there (M. Kleppmann, How to do distributed locking, 2016).
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Protocol, Self

from msgspec import Struct

from unison_storage.clock import Clock
from unison_storage.errors import AvailabilityError, InvalidValue, LeaseHeld, NotFound

FIRST_WAIT: Final = 0.01
LONGEST_WAIT: Final = 0.25


class Grant(Struct, frozen=True):
    """A lease that was taken: who holds it, and its fence."""

    owner: str
    fence: int


class Holder(Protocol):
    """What a lease needs of its handle."""

    async def acquire(self, name: str, *, lifetime: float, owner: str | None = None) -> Grant:
        """Take the lease."""

    async def renew(self, name: str, owner: str, *, lifetime: float) -> bool:
        """Start its lifetime anew."""

    async def release(self, name: str, owner: str) -> bool:
        """Let go of it."""


class Lease:
    """``async with cache.lease(…) as lease``: taken at the beginning, let go of at the end."""

    def __init__(self, holder: Holder, clock: Clock, name: str, lifetime: float, wait: float) -> None:
        self._holder = holder
        self._clock = clock
        self._name = name
        self._lifetime = lifetime
        self._wait = wait
        self._grant: Grant | None = None

    @property
    def fence(self) -> int:
        """A number that is greater than that of every earlier holder. ``InvalidValue`` before the lease is taken."""
        return self._taken().fence

    @property
    def owner(self) -> str:
        """The token of this holder."""
        return self._taken().owner

    async def renew(self, *, lifetime: float | None = None) -> None:
        """Start the lifetime anew, by default as long as before. ``NotFound`` if the lease was lost meanwhile."""
        length = self._lifetime if lifetime is None else lifetime
        if not await self._holder.renew(self._name, self.owner, lifetime=length):
            raise NotFound("the lease has expired, or another owner holds it: what it guarded may be another's now")

    async def __aenter__(self) -> Self:
        self._grant = await patiently(
            lambda: self._holder.acquire(self._name, lifetime=self._lifetime), self._clock, self._wait
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        owner, self._grant = self.owner, None
        with suppress(AvailabilityError):  # what was done under the lease is done, and the lease ends by itself
            await self._holder.release(self._name, owner)

    def _taken(self) -> Grant:
        if self._grant is None:
            raise InvalidValue("the lease is not held here: use it in `async with cache.lease(…) as lease`")
        return self._grant


async def patiently(acquire: Callable[[], Awaitable[Grant]], clock: Clock, wait: float) -> Grant:
    """Return what ``acquire`` grants, tried for ``wait`` seconds while another holds it; ``LeaseHeld`` after that."""
    until = clock.monotonic() + wait
    pause = FIRST_WAIT
    while True:
        try:
            return await acquire()
        except LeaseHeld:
            left = until - clock.monotonic()
            if left <= 0:
                raise
        await clock.sleep(min(left, jittered(pause)))
        pause = min(pause * 2, LONGEST_WAIT)


def jittered(pause: float) -> float:
    """Return a part of a pause, so that those who wait together do not come back together."""
    return pause * (0.5 + random.random() / 2)  # noqa: S311 - spreads load, guards nothing
