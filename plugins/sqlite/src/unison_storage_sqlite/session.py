"""What one kind holds of the connection that all kinds of a file share, and does with it alike. No steps stand here."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any, ClassVar, Literal, Protocol

from unison_storage.contracts.context import Context, Share, closed, not_open
from unison_storage.errors import StorageError
from unison_storage.values import Health
from unison_storage_sqlite.config import File
from unison_storage_sqlite.connection import Connection, Step
from unison_storage_sqlite.migrations import connected


class Run(Protocol):
    """The type of ``Connection.run``."""

    def __call__(self, step: Step, items: Sequence[Any], *, write: bool = False) -> Awaitable[list[Any]]:
        """See ``Connection.run``."""


class Session:
    """One kind's use of a file, between ``open`` and ``close``. ``run`` is that of the connection meanwhile."""

    run: Run

    def __init__(self, file: File, context: Context) -> None:
        self._clock = context.clock
        connect = partial(connected, file)
        self._share = Share(context, file.key, lambda: Connection.opened(connect, context.clock))
        self.run = not_open

    async def open(self) -> None:
        """Take part in the connection; ``SchemaOutOfDate`` unless the schema is current."""
        self.run = (await self._share.open()).run

    async def close(self) -> None:
        """Let go of the connection; the last kind that does so closes it."""
        if self._share.held is not None:
            self.run = closed
        await self._share.close()

    async def one(self, step: Step, item: Any, *, write: bool = False) -> Any:
        """Run a step for one item; return its outcome, or raise it where it is an error."""
        [outcome] = await self.run(step, (item,), write=write)
        if isinstance(outcome, StorageError):
            raise outcome
        return outcome

    async def health(self) -> Health:
        """Return how the file answers at this moment; never raises."""
        started = self._clock.monotonic()
        try:
            await self.one(_schema_version, None)
        except StorageError as error:
            return Health(ok=False, detail=error.message, seconds=self._clock.monotonic() - started)
        seconds = self._clock.monotonic() - started
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
