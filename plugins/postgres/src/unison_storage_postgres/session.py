"""What one kind holds of the connections that all kinds of a URL share, and does with them alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, ClassVar, Final, Literal, TypeVar

from unison_storage.contracts.context import Context, Share, closed, not_open
from unison_storage.errors import GuardViolation, InvalidConfig, StorageError
from unison_storage.profiles import Profile
from unison_storage.values import Health
from unison_storage_postgres import errors, statements
from unison_storage_postgres.config import Server
from unison_storage_postgres.pool import Pool, Run
from unison_storage_postgres.pooler import Pooler, met
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
        self._server = server
        self._pooler: Pooler | None = None
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
        seconds = self._clock.monotonic() - started
        if self._server.options.pooler is None:
            return Health(ok=True, detail=f"PostgreSQL {version}", seconds=seconds)
        self._pooler = self._pooler or await met(self._server)
        return Health(ok=_lends(self._pooler), detail=f"PostgreSQL {version}, {_told(self._pooler)}", seconds=seconds)

    async def now(self) -> int:
        """Return the time of the server's clock; one that is set back is passed over."""
        self._latest = max(self._latest, await self._number(statements.NOW))
        return self._latest

    async def position(self) -> int:
        """Return how far the server's log has come, or has been applied where it is a standby."""
        return await self._number(statements.POSITION)

    async def _number(self, statement: Statement, *parameters: Any) -> int:
        [(number,)] = await self._session.run(statement, parameters)
        return int(number)


def _lends(pooler: Pooler | None) -> bool:
    """Return whether a server is lent for a transaction at least; believed of what tells nothing."""
    return pooler is None or pooler.mode != "statement"


def _told(pooler: Pooler | None) -> str:
    if pooler is None:
        return "through a pooler that does not let this user see its version and mode"
    told = f"through {pooler.version} in mode {pooler.mode}"
    return told if _lends(pooler) else f"{told}, which takes no transactions: set pool_mode = transaction"


async def _pool(server: Server, profile: Profile) -> Pool:
    """Return connections to a server whose schema is current, and in production as a role that owns nothing."""
    pool = await Pool.opened(server)
    try:
        if server.options.pooler is None and await pool.behind_pooler():
            raise InvalidConfig(errors.POOLER)
        if profile is Profile.PRODUCTION:
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
