"""What one kind holds of the connections that all kinds of a URL share, and does with them alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, ClassVar, Final, Literal, TypeVar

from unison_storage.contracts.context import Context, Share, closed, not_open
from unison_storage.errors import GuardViolation, StorageError
from unison_storage.profiles import Profile
from unison_storage.values import Health
from unison_storage_postgres import statements
from unison_storage_postgres.config import Server
from unison_storage_postgres.pool import Pool, Run
from unison_storage_postgres.statements import Statement

T = TypeVar("T")


_REMEDY: Final = (
    "run what unison-storage migrate --print-roles prints, and let the service log in as somebody who has "
    "unison_storage_application"
)


class Session:
    """One kind's use of a server, between ``open`` and ``close``. ``run`` is that of the pool meanwhile."""

    run: Run

    _transact: Callable[[Callable[[Run], Awaitable[Any]]], Awaitable[Any]]

    def __init__(self, server: Server, context: Context) -> None:
        self._share = Share(context, server.key, partial(_pool, server, context.profile))
        self.run = self._transact = not_open

    async def open(self) -> None:
        """Take part in the connections; ``SchemaOutOfDate`` unless the schema is current."""
        pool = await self._share.open()
        self.run, self._transact = pool.run, pool.transact

    async def close(self) -> None:
        """Let go of the connections; the last kind that does so closes them."""
        if self._share.held is not None:
            self.run = self._transact = closed
        await self._share.close()

    async def transact(self, work: Callable[[Run], Awaitable[T]]) -> T:
        """Return what ``work`` comes to in one transaction; see ``Pool.transact``."""
        answer: T = await self._transact(work)
        return answer


class ServerBackend:
    """What the backends of all kinds that are served by the pool have in common."""

    name: ClassVar[str] = "postgres"
    production_ready: ClassVar[bool] = True
    batching: ClassVar[Literal["core", "own"]] = "core"

    def __init__(self, server: Server, context: Context) -> None:
        self._clock = context.clock
        self._session = Session(server, context)
        self._pooler = server.options.pooler
        self._latest = 0

    async def open(self) -> None:
        """Take part in the connections of the server; ``SchemaOutOfDate`` unless the schema is current.

        In production a role that may do more than a service has to is a ``GuardViolation``.
        """
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
        through = "" if self._pooler is None else f", through a pooler of {self._pooler}s"
        return Health(ok=True, detail=f"PostgreSQL {version}{through}", seconds=self._clock.monotonic() - started)

    async def now(self) -> int:
        """Return the time of the server's clock; one that is set back is passed over."""
        self._latest = max(self._latest, await self._number(statements.NOW))
        return self._latest

    async def _number(self, statement: Statement, *parameters: Any) -> int:
        [(number,)] = await self._session.run(statement, parameters)
        return int(number)


async def _pool(server: Server, profile: Profile) -> Pool:
    """Return connections to a server whose schema is current, and in production as a role that owns nothing."""
    pool = await Pool.opened(server)
    if profile is Profile.PRODUCTION:
        try:
            await _check_role(pool.run, server.setting)
        except BaseException:
            await pool.close()
            raise
    return pool


async def _check_role(run: Run, setting: str) -> None:
    [(superuser, owner)] = await run(statements.ROLE, ())
    if superuser or owner:
        what = "is a superuser" if superuser else "owns the tables"
        raise GuardViolation(
            f"profile production refuses this: the role of {setting} {what}; {_REMEDY}",
            rule="postgres-role",
            remedy=_REMEDY,
        )
