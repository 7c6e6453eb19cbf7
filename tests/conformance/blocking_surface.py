"""The stores through the blocking doorway: handles whose calls wait in a thread, so that laws can be tried on them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from unison_storage import Storage
from unison_storage.blocking import BlockingStorage
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.reference.objects import ReferenceBlobs, ReferenceObjectIndex

ITERATED = ("entries", "keys")


class Waiting:
    """A blocking store or handle, called in a thread and awaited here."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def at(self, *segments: str, **named: Any) -> Waiting:
        # this is short, and a thread of its own is where no loop runs
        with ThreadPoolExecutor(1) as pool:
            return Waiting(pool.submit(self.inner.at, *segments, **named).result())

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if not callable(found):
            return found
        if name in ITERATED:
            return lambda *given, **named: walked(lambda: iter(found(*given, **named)))

        async def call(*given: Any, **named: Any) -> Any:
            plain = [one.inner if isinstance(one, Waiting) else one for one in given]
            return await asyncio.to_thread(found, *plain, **named)

        return call


async def walked(begin: Callable[[], Iterator[Any]]) -> AsyncIterator[Any]:
    """Yield what a blocking iterator yields."""
    items = await asyncio.to_thread(begin)
    nothing = object()
    while (item := await asyncio.to_thread(next, items, nothing)) is not nothing:
        yield item


class Doorway:
    """What has ``memory`` and ``objects`` as a storage has them."""

    def __init__(self, storage: Any) -> None:
        self.memory = Waiting(storage.memory)
        self.objects = Waiting(storage.objects)


@asynccontextmanager
async def blocking(clock: Any) -> AsyncIterator[Doorway]:
    """Open a blocking storage on reference backends that go by a clock."""
    inner = Storage(
        memory=ReferenceMemory(clock),
        object=ReferenceBlobs(clock),
        object_index=ReferenceObjectIndex(clock),
        profile="test",
        clock=clock,
    )
    storage: BlockingStorage = inner.blocking()
    await asyncio.to_thread(storage.open)
    try:
        yield await asyncio.to_thread(Doorway, storage)
    finally:
        await asyncio.to_thread(storage.close)
