"""What one kind holds of the connections that all kinds of a URL share, and does with them alike."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any, ClassVar, Literal, Protocol

from unison_storage.contracts.context import Context
from unison_storage.errors import Closed, NotOpen, StorageError
from unison_storage.values import Health
from unison_storage_postgres import statements
from unison_storage_postgres.config import Server
from unison_storage_postgres.pool import Pool
from unison_storage_postgres.statements import Statement


class Run(Protocol):
    """The type of ``Pool.run``."""

    def __call__(self, statement: Statement, parameters: Sequence[Any]) -> Awaitable[list[Any]]:
        """See ``Pool.run``."""


async def _not_open(statement: Statement, parameters: Sequence[Any]) -> list[Any]:  # noqa: ARG001 - see Run
    raise NotOpen("the storage is not open; use async with, or open it first")


async def _closed(statement: Statement, parameters: Sequence[Any]) -> list[Any]:  # noqa: ARG001 - see Run
    raise Closed("the storage was closed; open it again")


class Session:
    """One kind's use of a server, between ``open`` and ``close``. ``run`` is that of the pool meanwhile."""

    run: Run

    def __init__(self, server: Server, context: Context) -> None:
        self._server = server
        self._context = context
        self._held = False
        self.run = _not_open

    async def open(self) -> None:
        """Take part in the connections; ``SchemaOutOfDate`` unless the schema is current."""
        if self._held:
            return
        pool = await self._context.shared(self._server.key, partial(Pool.opened, self._server))
        self._held = True
        self.run = pool.run

    async def close(self) -> None:
        """Let go of the connections; the last kind that does so closes them."""
        if not self._held:
            return
        self._held = False
        self.run = _closed
        await self._context.release(self._server.key)


class ServerBackend:
    """What the backends of all kinds that are served by the pool have in common."""

    name: ClassVar[str] = "postgres"
    production_ready: ClassVar[bool] = True
    batching: ClassVar[Literal["core", "own"]] = "core"

    def __init__(self, server: Server, context: Context) -> None:
        self._clock = context.clock
        self._session = Session(server, context)
        self._latest = 0

    async def open(self) -> None:
        """Take part in the connections of the server; ``SchemaOutOfDate`` unless the schema is current."""
        await self._session.open()

    async def close(self) -> None:
        """Let go of the connections; may be called twice."""
        await self._session.close()

    async def health(self) -> Health:
        """Return how the server answers at this moment; never raises."""
        started = self._clock.monotonic()
        try:
            [(version,)] = await self._session.run(statements.VERSION, ())
        except StorageError as error:
            return Health(ok=False, detail=error.message, seconds=self._clock.monotonic() - started)
        return Health(ok=True, detail=f"PostgreSQL {version}", seconds=self._clock.monotonic() - started)

    async def now(self) -> int:
        """Return the time of the server's clock; one that is set back is passed over."""
        self._latest = max(self._latest, await self._number(statements.NOW))
        return self._latest

    async def _number(self, statement: Statement, *parameters: Any) -> int:
        [(number,)] = await self._session.run(statement, parameters)
        return int(number)
