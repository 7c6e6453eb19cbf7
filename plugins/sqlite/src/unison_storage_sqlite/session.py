"""What one kind holds of the connection that all kinds of a file share, and does with it alike. No steps stand here."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any, ClassVar, Literal, Protocol

from unison_storage.contracts.context import Context
from unison_storage.errors import Closed, NotOpen, StorageError
from unison_storage.values import Health
from unison_storage_sqlite.config import File
from unison_storage_sqlite.connection import Connection, Step
from unison_storage_sqlite.migrations import connected


class Run(Protocol):
    """The type of ``Connection.run``."""

    def __call__(self, step: Step, items: Sequence[Any], *, write: bool = False) -> Awaitable[list[Any]]:
        """See ``Connection.run``."""


def _not_open(step: Step, items: Sequence[Any], *, write: bool = False) -> asyncio.Future[list[Any]]:  # noqa: ARG001
    raise NotOpen("the storage is not open; use async with, or open it first")


def _closed(step: Step, items: Sequence[Any], *, write: bool = False) -> asyncio.Future[list[Any]]:  # noqa: ARG001
    raise Closed("the storage was closed; open it again")


class Session:
    """One kind's use of a file, between ``open`` and ``close``. ``run`` is that of the connection meanwhile."""

    run: Run

    def __init__(self, file: File, context: Context) -> None:
        self._file = file
        self._context = context
        self._held = False
        self.run = _not_open

    async def open(self) -> None:
        """Take part in the connection; ``SchemaOutOfDate`` unless the schema is current."""
        if self._held:
            return
        connect = partial(connected, self._file)
        connection = await self._context.shared(self._file.key, lambda: Connection.opened(connect, self._context.clock))
        self._held = True
        self.run = connection.run

    async def close(self) -> None:
        """Let go of the connection; the last kind that does so closes it."""
        if not self._held:
            return
        self._held = False
        self.run = _closed
        await self._context.release(self._file.key)

    async def one(self, step: Step, item: Any, *, write: bool = False) -> Any:
        """Run a step for one item; return its outcome, or raise it where it is an error."""
        [outcome] = await self.run(step, (item,), write=write)
        if isinstance(outcome, StorageError):
            raise outcome
        return outcome

    async def health(self) -> Health:
        """Return how the file answers at this moment; never raises."""
        started = self._context.clock.monotonic()
        try:
            await self.one(_schema_version, None)
        except StorageError as error:
            return Health(ok=False, detail=error.message, seconds=self._context.clock.monotonic() - started)
        seconds = self._context.clock.monotonic() - started
        return Health(ok=True, detail=f"SQLite {sqlite3.sqlite_version}", seconds=seconds)


class FileBackend:
    """What the backends of all kinds that are served by the connection have in common."""

    name: ClassVar[str] = "sqlite"
    production_ready: ClassVar[bool] = False
    batching: ClassVar[Literal["core", "own"]] = "own"

    def __init__(self, file: File, context: Context) -> None:
        self._clock = context.clock
        self._session = Session(file, context)

    async def open(self) -> None:
        """Take part in the connection of the file; ``SchemaOutOfDate`` unless the schema is current."""
        await self._session.open()

    async def close(self) -> None:
        """Let go of the connection; may be called twice."""
        await self._session.close()

    async def health(self) -> Health:
        """Return how the file answers at this moment; never raises."""
        return await self._session.health()

    async def now(self) -> int:
        """Return the time of the clock it was given."""
        return self._clock.now()


def _schema_version(database: sqlite3.Connection, now: int, items: Sequence[None]) -> list[Any]:  # noqa: ARG001 - see Step
    return [database.execute("PRAGMA schema_version").fetchone() for _ in items]
