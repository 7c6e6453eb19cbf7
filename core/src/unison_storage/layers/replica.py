"""Reading from a replica while it is known to be fresh enough. All else, and every doubt, is the primary's.

A replica is as old as the last moment at which it is known to have had all that the primary had then. To know that,
the primary is asked now and then how far it has come, and the replica how far it is: no clock of a server counts.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from unison_storage.clock import Clock
from unison_storage.contracts.backend import Backend
from unison_storage.contracts.memory import MemoryBackend
from unison_storage.contracts.objects import ObjectIndex
from unison_storage.contracts.operations import contract_of, touches
from unison_storage.contracts.replication import Replicated
from unison_storage.errors import AvailabilityError, SchemaOutOfDate, StorageError
from unison_storage.layers.passing import layered
from unison_storage.values import Health

B = TypeVar("B", bound=Backend)

SERVED: Final[dict[type[Any], tuple[str, ...]]] = {
    MemoryBackend: ("get_many", "list", "count"),
    # the bytes of an object that an old row leads to may be gone, so single objects are looked up on the primary
    ObjectIndex: ("list", "count"),
}
"""What a replica may answer, by contract."""
_SAMPLES: Final = 16


class Pair(Struct, frozen=True):
    """Both sides as the plugin made them, which say how far they are, and how old an answer may be, in seconds."""

    primary: Replicated
    replica: Replicated
    staleness: float


class Freshness:
    """Whether the replica may be read. Asks both sides beside the reads, which never wait for that."""

    def __init__(self, pair: Pair, replica: Backend, clock: Clock) -> None:
        self._pair = pair
        self._replica = replica
        self._clock = clock
        self._pause = min(pair.staleness / 4, 1.0)
        self._as_of = float("-inf")
        self._next = float("-inf")
        self._samples: deque[tuple[float, int]] = deque(maxlen=_SAMPLES)
        self._asking: asyncio.Task[None] | None = None
        self._opened = False

    @property
    def age(self) -> float:
        """How many seconds old an answer of the replica may be; infinite where it can't be told."""
        return self._clock.monotonic() - self._as_of

    def fresh(self) -> bool:
        """Return whether the replica may be read now; has it asked again where that is due."""
        now = self._clock.monotonic()
        if now >= self._next and self._asking is None:
            self._next = now + self._pause
            self._asking = asyncio.get_running_loop().create_task(self._ask())
            self._asking.add_done_callback(self._asked)
        return now - self._as_of <= self._pair.staleness

    def doubt(self) -> None:
        """Read the primary until the replica is known to be fresh again."""
        self._as_of = float("-inf")

    async def open(self) -> None:
        """Open the replica, unless it is away, which is tried again later; a wrong setting is raised."""
        with suppress(AvailabilityError, SchemaOutOfDate):
            await self._replica.open()
            self._opened = True
        with suppress(StorageError):
            await self._look()

    async def close(self) -> None:
        """Ask no more, and close the replica."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])
        self._opened = False
        self.doubt()
        self._samples.clear()
        await self._replica.close()

    async def _ask(self) -> None:
        with suppress(StorageError):
            if not self._opened:
                await self._replica.open()
                self._opened = True
            await self._look()

    async def _look(self) -> None:
        """Find out of which moment the replica has everything: the last at which the primary was no further."""
        at = self._clock.monotonic()
        self._samples.append((at, await self._pair.primary.position()))
        reached = await self._pair.replica.position()
        while self._samples and self._samples[0][1] <= reached:
            self._as_of, _ = self._samples.popleft()

    def _asked(self, asking: asyncio.Task[None]) -> None:
        self._asking = None
        if not asking.cancelled():
            asking.result()  # what is no error of the storage is a fault of ours, and has to be seen


def reading_from(primary: B, replica: B, pair: Pair, clock: Clock) -> B:
    """Return the primary with some reads answered by the replica while that is no older than may be."""
    freshness = Freshness(pair, replica, clock)
    served = SERVED[contract_of(primary)]
    reads = {name: _either(getattr(primary, name), getattr(replica, name), freshness) for name in served}

    async def open_both() -> None:
        await primary.open()
        try:
            await freshness.open()
        except BaseException:
            await close_both()
            raise

    async def close_both() -> None:
        try:
            await freshness.close()
        finally:
            await primary.close()

    async def health() -> Health:
        told = await primary.health()
        freshness.fresh()
        fresh = freshness.age <= pair.staleness
        reads = (
            f"reads of a replica, {max(freshness.age, 0):.1f} s old" if fresh else "no reads of the replica: too old"
        )
        return replace(told, detail=f"{told.detail}; {reads}")

    return layered(primary, {**reads, "open": open_both, "close": close_both, "health": health})


def _either(
    primary: Callable[..., Awaitable[Any]], replica: Callable[..., Awaitable[Any]], freshness: Freshness
) -> Callable[..., Awaitable[Any]]:
    async def read(*arguments: Any, **named: Any) -> Any:
        if not touches(arguments, named) and freshness.fresh():
            try:
                return await replica(*arguments, **named)
            except StorageError:
                freshness.doubt()
        return await primary(*arguments, **named)

    return read
