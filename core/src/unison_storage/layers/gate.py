"""The gate in front of a backend: what is in flight, what waits, and what is gathered. It knows no kind.

An operation that meets nothing in flight goes straight through. What comes meanwhile is gathered, one lane for each
sort of operation, and sent at the end of the loop's turn, or when a statement ends where the gate is full: callers
whose batch was answered come back in one turn, and so in one batch again. Whatever waits longest is sent first. Lanes
share the limit of statements in flight. Calls that are concurrent have no order among them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol


class Gathering(Protocol):
    """What waits for its turn to send a batch."""

    async def flush(self) -> None:
        """Send one batch and then call ``leave``."""


class Gate:
    """The statements in flight of one backend, and what waits for a place among them."""

    __slots__ = ("_in_flight", "_running", "_turning", "_waiting", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._in_flight = 0
        self._waiting: deque[Gathering | asyncio.Future[None]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._turning = False

    def try_enter(self) -> bool:
        """Count a statement in, unless another one is in flight or somebody waits already."""
        if self._in_flight or self._waiting:
            return False
        self._in_flight = 1
        return True

    async def enter(self) -> None:
        """Count a statement in, after waiting for its turn where the gate is full or somebody waits already."""
        if self._in_flight < self.limit and not self._waiting:
            self._in_flight += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.wait(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()  # the turn was granted and will not be used
            raise

    def leave(self) -> None:
        """Count a statement out, and send what waits."""
        self._in_flight -= 1
        self._send()

    def wait(self, waiting: Gathering | asyncio.Future[None]) -> None:
        """Let a lane, or a statement, wait for its turn."""
        self._waiting.append(waiting)
        if self._in_flight < self.limit and not self._turning:
            self._turning = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._turning = False
        self._send()

    def _send(self) -> None:
        while self._waiting and self._in_flight < self.limit:
            next_up = self._waiting.popleft()
            if not isinstance(next_up, asyncio.Future):
                self._in_flight += 1
                task = asyncio.get_running_loop().create_task(next_up.flush())
                self._running.add(task)
                task.add_done_callback(self._running.discard)
            elif not next_up.done():
                self._in_flight += 1
                next_up.set_result(None)

    async def drain(self) -> None:
        """Return when no gathered batch is under way any more."""
        while self._running:
            await asyncio.wait(self._running)
