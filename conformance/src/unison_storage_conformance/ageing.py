"""Ageing: how time passes on a target, and the control that shows that it does. What follows from it is the laws'.

Three ways: the clock of the context, where the backend asks it; the harness's ``age``; and waiting, where there is
nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal
from uuid import uuid4

from unison_storage.clock import ManualClock
from unison_storage.contracts.backend import Backend
from unison_storage.contracts.cache import CacheBackend, Set
from unison_storage.contracts.memory import MemoryBackend, Put
from unison_storage.contracts.operations import contract_of
from unison_storage_conformance.outcomes import HarnessFault

MICRO: Final = 1_000_000
SLACK: Final = 2.0
"""Seconds that times may be off where a real clock decides."""

How = Literal["clock", "age", "waiting"]


class Ageing:
    """How time passes for one backend. ``tick`` is a lifetime in seconds that is long enough to be sure of."""

    def __init__(
        self, how: How, clock: ManualClock, age: Callable[[float], Awaitable[None]] | None, tick: float
    ) -> None:
        self.how = how
        self.tick = tick
        self.slack = 0 if how == "clock" else round((SLACK if how == "age" else tick / 2) * MICRO)
        self._clock = clock
        self._age = age

    @classmethod
    async def of(
        cls,
        backend: Backend,
        clock: ManualClock,
        own: Callable[[float], Awaitable[None]] | None,
        lent: Callable[[float], Awaitable[None]] | None,
    ) -> Ageing:
        """Find out how time passes: by the author's own ``age``, the clock, the plugin's ``age``, or waiting."""
        if own is not None:
            return cls("age", clock, own, 60.0)
        before = await backend.now()
        clock.advance(1.0)
        if before == clock.now() - MICRO and await backend.now() == clock.now():
            return cls("clock", clock, None, 60.0)
        if lent is not None:
            return cls("age", clock, lent, 60.0)
        return cls("waiting", clock, None, max(0.4, 4 * backend.limits.lifetime_resolution))

    async def pass_(self, seconds: float, backend: Backend) -> None:
        """Let that much time pass; ``HarnessFault`` if it can be seen that it did not."""
        if self.how == "clock":
            self._clock.advance(seconds)
        elif self._age is not None:
            await self._age(seconds)
            self._clock.advance(seconds)
        else:
            end = await backend.now() + round(seconds * MICRO)
            while (left := end - await backend.now()) > 0:  # noqa: ASYNC110 - no event tells what a clock shows
                await asyncio.sleep(left / MICRO)
            self._clock.advance(seconds)


async def control(ageing: Ageing, backend: Backend, address: str) -> None:
    """Show that what is stored gets older when time is told to pass; ``HarnessFault`` where it does not."""
    if ageing.how != "age":
        return
    probe = _PROBES.get(contract_of(backend))
    if probe is None:
        return
    if not await probe(ageing, backend, f"{address}{uuid4().hex}"):
        raise HarnessFault(
            "age does not age: an entry had as long to live after it as before, so nothing about time can be tried"
        )


async def _memory_ages(ageing: Ageing, backend: Any, address: str) -> bool:
    lifetime = round(10 * ageing.tick) * MICRO
    await backend.put_many([Put(address, b"probe", "probe", lifetime)])
    before = await _left(backend, address)
    await ageing.pass_(5 * ageing.tick, backend)
    after = await _left(backend, address)
    return after is None or (before is not None and abs(before - after - 5 * ageing.tick) < max(SLACK, ageing.tick / 2))


async def _left(backend: Any, address: str) -> float | None:
    [row] = await backend.get_many([address])
    if row is None:
        return None
    left: float = (row.expires - await backend.now()) / MICRO
    return left


async def _cache_ages(ageing: Ageing, backend: Any, address: str) -> bool:
    await backend.set_many([Set(address, b"probe", round(2 * ageing.tick) * MICRO)])
    await ageing.pass_(4 * ageing.tick, backend)
    return bool(await backend.get_many([address]) == [None])


_PROBES: Final[Mapping[Any, Callable[..., Awaitable[bool]]]] = {MemoryBackend: _memory_ages, CacheBackend: _cache_ages}
