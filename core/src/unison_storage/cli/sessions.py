"""Sessions: one storage, opened for one command. What the command does with it is its own business."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from unison_storage.storage import Storage

T = TypeVar("T")


def run(work: Callable[[Storage], Awaitable[T]], described: Storage | None = None) -> T:
    """Open the storage that the settings describe, do the work, close it and return what came of it."""
    import asyncio

    from unison_storage.storage import Storage

    async def session() -> T:
        async with described or Storage.from_env() as storage:
            return await work(storage)

    return asyncio.run(session())
