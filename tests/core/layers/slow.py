"""Backends whose statements end when the test says so: real rows, real batches, and time under control."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Literal, TypeVar

from unison_storage.capabilities import Limits
from unison_storage.contracts.backend import Outcome
from unison_storage.contracts.memory import Delete, Flags, Increment, Put, Rows, Touch, Written
from unison_storage.errors import InvalidValue, StorageError
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.testing import ManualClock
from unison_storage.values import MISSING, Missing

PREFIX = "demo\x1f"

R = TypeVar("R")


class Slow:
    """Keeps what was sent, and holds every statement until ``go`` is set. ``poison`` makes whole batches fail."""

    limits: Limits

    def hold(self, concurrency: int, batch: int) -> None:
        self.limits = Limits(concurrency=concurrency, batch=batch)
        self.sent: list[tuple[str, list[str]]] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.go = asyncio.Event()
        self.poison: dict[str, Callable[[], BaseException]] = {}
        self.short = False

    async def _held(self, operation: str, names: list[str], act: Callable[[], Awaitable[list[R]]]) -> list[R]:
        self.sent.append((operation, names))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self.go.wait()
            for name in names:
                if name in self.poison:
                    error = self.poison[name]()
                    raise error
            results = await act()
            return results[:-1] if self.short else results
        finally:
            self.in_flight -= 1


class SlowMemory(Slow, ReferenceMemory):
    """Memory, one address at a time or several."""

    def __init__(self, *, concurrency: int = 2, batch: int = 4) -> None:
        super().__init__(ManualClock())
        self.hold(concurrency, batch)

    async def get_many(self, addresses: Sequence[str], touch: int | Literal[Missing.MISSING] | None = MISSING) -> Rows:
        return await self._held("get", plain(addresses), lambda: super(SlowMemory, self).get_many(addresses, touch))

    async def put_many(self, puts: Sequence[Put]) -> list[Outcome[Written]]:
        return await self._held(
            "put", plain(put.address for put in puts), lambda: super(SlowMemory, self).put_many(puts)
        )

    async def delete_many(self, deletes: Sequence[Delete]) -> Flags:
        return await self._held(
            "delete", plain(delete.address for delete in deletes), lambda: super(SlowMemory, self).delete_many(deletes)
        )

    async def touch_many(self, touches: Sequence[Touch]) -> Flags:
        return await self._held(
            "touch", plain(touch.address for touch in touches), lambda: super(SlowMemory, self).touch_many(touches)
        )

    async def increment_many(self, increments: Sequence[Increment]) -> list[Outcome[int]]:
        return await self._held(
            "increment",
            plain(increment.address for increment in increments),
            lambda: super(SlowMemory, self).increment_many(increments),
        )


def plain(addresses: Iterable[str]) -> list[str]:
    return [address.removeprefix(PREFIX) for address in addresses]


def bad_item() -> StorageError:
    return InvalidValue("this item breaks the whole batch")


async def settle() -> None:
    """Let every task run until nothing moves without the test."""
    for _ in range(20):
        await asyncio.sleep(0)
