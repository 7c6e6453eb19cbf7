"""What the backends on a database have in common: the sessions that they share, health, and the time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Final, Literal

from unison_storage.capabilities import Capability, Limits
from unison_storage.contracts.context import Context, Share, closed, not_open
from unison_storage.errors import StorageError, TransactionConflict
from unison_storage.values import Health
from unison_storage_neo4j import migrations, statements
from unison_storage_neo4j.config import Server
from unison_storage_neo4j.connection import Sessions
from unison_storage_neo4j.statements import Statement

Run = Callable[[Statement, Mapping[str, Any]], Awaitable[Any]]
"""The type of ``Sessions.run``."""


_LOOKS: Final = 5


async def settled(run: Run, statement: Statement, parameters: Mapping[str, Any]) -> Any:
    """Return what a statement finds that looks again at its end; asked anew where something was deleted under it.

    The server shows in part what is being deleted at this very moment; ``TransactionConflict`` where that never rests.
    """
    for _ in range(_LOOKS):
        found, rests = await run(statement, parameters)
        if rests:
            return found
    raise TransactionConflict("what is asked for was being deleted each time that it was read")


class ServerBackend:
    """What is served by a database."""

    name: ClassVar[str] = "neo4j"
    production_ready: ClassVar[bool] = True
    batching: ClassVar[Literal["core", "own"]] = "core"
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.QUERY, Capability.BOOKMARKS})
    limits: ClassVar[Limits] = Limits(batch=1_000)

    def __init__(self, server: Server, context: Context) -> None:
        self._clock = context.clock
        self._share = Share(context, server.key, partial(_current, server))
        self._run: Run = not_open
        self._strict = context.profile.strict
        self._unique: set[str] = set()
        self._latest = 0

    async def open(self) -> None:
        """Take part in the sessions of the database; ``SchemaOutOfDate`` unless the schema is current."""
        held = self._share.held is not None
        sessions = await self._share.open()
        self._run = sessions.run
        if not held:
            try:
                self._unique = set(await self._run(statements.UNIQUE, {}))
            except BaseException:
                await self.close()
                raise

    async def close(self) -> None:
        """Let go of the sessions; may be called twice."""
        if self._share.held is not None:
            self._run = closed
        await self._share.close()

    async def _sessions(self) -> Sessions:
        """Return the sessions; raises as every other call where there are none."""
        while self._share.held is None:
            await self._run(statements.NOW, {})
        return self._share.held

    async def health(self) -> Health:
        """Return how the server answers at this moment; never raises."""
        started = self._clock.monotonic()
        try:
            version = await self._run(statements.VERSION, {})
        except StorageError as error:
            return Health(ok=False, detail=error.message, seconds=self._clock.monotonic() - started)
        return Health(ok=True, detail=f"Neo4j {version}", seconds=self._clock.monotonic() - started)

    async def now(self) -> int:
        """Return the time of the server's clock, which is in milliseconds; one that is set back is passed over."""
        self._latest = max(self._latest, 1_000 * int(await self._run(statements.NOW, {})))
        return self._latest


async def _current(server: Server) -> Sessions:
    """Return sessions of a database whose schema is current."""
    sessions = await Sessions.opened(server)
    try:
        await migrations.check(sessions)
    except BaseException:
        await sessions.close()
        raise
    return sessions
