"""Callers that write without an end while servers die, and what may be there afterwards. Who kills what is theirs."""

from __future__ import annotations

import asyncio
import time
from itertools import count

from tests.plugins.postgres.surroundings import put
from unison_storage.contracts.memory import Row, Written
from unison_storage.errors import AvailabilityError, StorageError
from unison_storage_postgres.memory import PostgresMemory

_ADDRESSES = 10
"""How many addresses each caller writes, one after the other."""


class Writing:
    """What came of it: what was acknowledged, what may be there instead, and what failed."""

    def __init__(self, backend: PostgresMemory, callers: int, prefix: str = "load") -> None:
        self.acknowledged: dict[str, str] = {}
        self.possible: dict[str, set[str]] = {}
        self.written = 0
        self.failed: list[StorageError] = []
        self.in_a_row = [0] * callers
        self._backend = backend
        self._prefix = prefix
        self._since = 0.0
        self._ended = False
        self._tasks = [asyncio.ensure_future(self._write(caller)) for caller in range(callers)]

    async def until_all_write(self, seconds: float = 20.0) -> float:
        """Return the seconds from now until each caller has written all of its addresses, each begun from now on."""
        self._since = time.monotonic()
        self.in_a_row = [0] * len(self.in_a_row)
        while min(self.in_a_row) < _ADDRESSES:
            assert time.monotonic() - self._since < seconds, self.in_a_row
            await asyncio.sleep(0.005)
        return time.monotonic() - self._since

    async def end(self) -> None:
        """Write no more; what a caller met that it must not meet is raised here."""
        self._ended = True
        await asyncio.gather(*self._tasks)

    async def lost(self, reader: PostgresMemory) -> list[str]:
        """Return the addresses where something else is than what was acknowledged, or told as unknown after that."""
        rows = await reader.get_many(list(self.possible))
        found = {
            address: row.version if isinstance(row, Row) else ""
            for address, row in zip(self.possible, rows, strict=True)
        }
        return [address for address, version in found.items() if version not in self.possible[address]]

    async def _write(self, caller: int) -> None:
        for turn in count(1):
            if self._ended:
                return
            address, version = f"{self._prefix}\x1f{caller}\x1f{turn % _ADDRESSES}", f"{caller}.{turn}"
            begun = time.monotonic()
            try:
                [outcome] = await self._backend.put_many([put(address, version=version)])
            except StorageError as error:
                outcome = error
            if isinstance(outcome, Written):
                self.written += 1
                self.acknowledged[address] = version
                self.possible[address] = {version}
                self.in_a_row[caller] += begun >= self._since
                continue
            assert isinstance(outcome, AvailabilityError), outcome
            self.failed.append(outcome)
            self.in_a_row[caller] = 0
            if outcome.outcome_unknown:
                self.possible.setdefault(address, {self.acknowledged.get(address, "")}).add(version)
            await asyncio.sleep(0.01)
