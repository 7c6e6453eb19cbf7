"""The loop: one event loop for a run, in a thread of its own, so that a backend that blocks it can be told.

No `asyncio.run` per call: pools belong to the loop that they were opened in.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import TimeoutError as NotYet
from typing import Any, Final, TypeVar

from unison_storage_conformance.outcomes import LawBroken

T = TypeVar("T")

GRACE: Final = 5.0
"""Seconds beyond a limit after which the loop itself counts as blocked."""


class Loop:
    """An ``asyncio.Runner`` on a thread of its own. Not to be used again once ``blocked`` is true."""

    def __init__(self) -> None:
        self.blocked = False
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None

    def run(self, work: Coroutine[Any, Any, T], limit: float) -> T:
        """Return what the work comes to; ``LawBroken`` (backend.10) where the loop is blocked beyond the limit.

        The thread is started by the first call, so that what is only planned holds none.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._turn, name="conformance-loop", daemon=True)
            self._thread.start()
            self._ready.wait()
        running = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return running.result(limit + GRACE)
        except NotYet:
            if running.done():
                raise  # the work itself raised it
            running.cancel()
            self.blocked = True
            raise LawBroken(f"the event loop stood still for {limit + GRACE:g} s", law="backend.10") from None

    def close(self) -> None:
        """End the loop and its thread; a blocked one is left to die with the process."""
        if self.blocked or self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def _turn(self) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._wait())

    async def _wait(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        self._ready.set()
        await self._end.wait()
