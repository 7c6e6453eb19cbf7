"""The sweeper: what has expired or is unwanted goes, again and again. What that is the stores know."""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from unison_storage.errors import InvalidConfig, StorageError

if TYPE_CHECKING:
    from unison_storage.storage import Storage

EVERY: Final = 60.0
"""Seconds between two passes, where nobody says otherwise."""
BATCH: Final = 1_000
"""How many of a kind are removed at once, so that no lock is held for long."""

_LOG: Final = logging.getLogger(__name__)


class Sweeper:
    """Sweeps an open storage while its ``async with`` block runs; its end waits for the batch that is under way.

    Between two passes ``every`` seconds go by, give or take a half, so that several processes don't come at once; a
    server lets one of them sweep at a time. Nothing expired is ever visible, so a pass that is late costs room alone.
    A pass that fails is logged, and the next one is tried in its turn.
    """

    def __init__(self, storage: Storage, every: float = EVERY) -> None:
        if type(every) not in (int, float) or not every > 0:
            raise InvalidConfig("a sweeper takes the seconds between two passes, more than 0")
        self._storage = storage
        self._every = every
        self._task: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._ending.clear()
        self._task = asyncio.create_task(self._run(), name="unison-storage sweeper")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while not self._ending.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every * random.uniform(0.5, 1.5)):  # noqa: S311 - no secret
                    await self._ending.wait()
            await self._pass()

    async def _pass(self) -> None:
        more = True
        while more and not self._ending.is_set():
            try:
                swept = await self._storage.sweep(limit=BATCH)
            except StorageError as error:
                _LOG.warning("a pass of the sweeper failed: %s: %s", type(error).__name__, error.message)
                return
            more = any(number >= BATCH for number in swept.values())
