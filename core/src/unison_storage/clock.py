"""The only source of time. No formatting, no scheduling and no deadlines here."""

from __future__ import annotations

import asyncio
import time
from typing import Final, Protocol


class Clock(Protocol):
    """What a backend or layer may ask of time; tests pass one that they move themselves."""

    def now(self) -> int:
        """Return microseconds since 1970-01-01T00:00:00Z."""

    def monotonic(self) -> float:
        """Return seconds that never go backwards, for measuring intervals."""

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""


class SystemClock:
    """The clock of this machine."""

    def now(self) -> int:
        """Return microseconds since 1970-01-01T00:00:00Z."""
        return time.time_ns() // 1_000

    def monotonic(self) -> float:
        """Return seconds that never go backwards."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds`` of real time."""
        await asyncio.sleep(seconds)


START: Final = 1_893_456_000.0
"""2030-01-01T00:00:00Z, in seconds since the epoch: where a ``ManualClock`` begins."""


class ManualClock:
    """A clock that stands still until it is moved. Sleeping on it moves it and takes no time."""

    def __init__(self, start: float = START) -> None:
        self._micros = round(start * 1_000_000)

    def now(self) -> int:
        """Return microseconds since the epoch."""
        return self._micros

    def monotonic(self) -> float:
        """Return seconds."""
        return self._micros / 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Move the clock and let other tasks run."""
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Move the clock on."""
        self._micros += round(seconds * 1_000_000)
