"""Sessions of the driver, kept, and handed out in turn. What is asked on one stands elsewhere.

Each statement is a transaction of its own. The driver retries nothing but what the
server itself calls idempotent: what else may be sent again is decided here. All
sessions share their bookmarks, so that whatever server of a cluster is asked has seen what was written before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Self, TypeVar

from neo4j import (
    READ_ACCESS,
    WRITE_ACCESS,
    AsyncDriver,
    AsyncGraphDatabase,
    AsyncSession,
    Bookmarks,
    Query,
    TrustCustomCAs,
    TrustSystemCAs,
)
from neo4j.auth_management import ClientCertificate

from unison_storage.errors import Closed, StorageError, TransactionConflict
from unison_storage_neo4j import errors
from unison_storage_neo4j.config import Server
from unison_storage_neo4j.statements import Statement

T = TypeVar("T")
Use = Callable[[AsyncSession], Awaitable[T]]
"""What is done with a session."""

_GRACE: Final = 1.5
"""How many times its time-out a statement may take, so that the server can still say that it has ended it."""
_ATTEMPTS: Final = 8
"""How often a statement is sent that met another one and was rolled back for it."""
_PAUSE: Final = 0.005
_PATIENCE: Final = 5.0
"""For how many seconds statements lock first what they need, once one of them met another."""


def driver_of(server: Server) -> AsyncDriver:
    """Return a driver for a server, which connects when it is first asked."""
    options = server.options
    uri, more = server.uri, {}
    if any(options.files.values()):
        uri, more = uri.replace("+s://", "://", 1), _tls(server)
    return AsyncGraphDatabase.driver(
        uri,
        auth=(server.user, server.password or "") if server.user else None,
        max_connection_pool_size=options.connections,
        connection_acquisition_timeout=options.timeout,
        connection_timeout=options.connect_timeout,
        max_transaction_retry_time=0,
        notifications_min_severity="OFF",
        telemetry_disabled=True,
        user_agent="unison-storage",
        **more,
    )


def _tls(server: Server) -> dict[str, Any]:
    """Return how the driver is told of files: it takes none beside a scheme that speaks of TLS."""
    authority, certificate = server.file("ssl_ca_certs"), server.file("ssl_certfile")
    shown = None if certificate is None else ClientCertificate(certificate, server.file("ssl_keyfile"))
    return {
        "encrypted": True,
        "trusted_certificates": TrustSystemCAs() if authority is None else TrustCustomCAs(authority),
        "client_certificate": shown,
    }


class Sessions:
    """The sessions of one database. Made by ``opened``, used from one event loop, and closed by ``close``."""

    def __init__(self, server: Server, driver: AsyncDriver) -> None:
        self._server = server
        self._driver = driver
        self._bookmarks = AsyncGraphDatabase.bookmark_manager()
        self._free: dict[str, list[AsyncSession]] = {READ_ACCESS: [], WRITE_ACCESS: []}
        self._under_way: set[asyncio.Task[Any]] = set()
        # fair, other than the driver's own pool
        self._places = asyncio.Semaphore(server.options.connections)
        self._closed = False
        self._patient_until = 0.0

    @classmethod
    async def opened(cls, server: Server) -> Self:
        """Connect once; what that raises leaves nothing open."""
        logging.getLogger("neo4j").setLevel(logging.CRITICAL)  # it quotes what the server says of values
        sessions = cls(server, driver_of(server))
        try:
            await sessions.run(Statement("RETURN 1"), {})
        except BaseException:
            await sessions.close()
            raise
        return sessions

    async def run(self, statement: Statement, parameters: Mapping[str, Any]) -> Any:
        """Run one statement in a transaction of its own; return the first value of its one record, or ``None``.

        Raises core's errors; ``outcome_unknown`` where one that writes may have been committed. One that met another
        statement and was rolled back for it is sent again; where it has a patient text, at once, and so are others.
        """
        time = asyncio.get_running_loop().time
        for attempt in range(1, _ATTEMPTS):
            patient = statement.patient is not None and time() < self._patient_until
            try:
                return await self._once(statement, parameters, patient=patient)
            except TransactionConflict:
                if statement.patient is None or patient:
                    await asyncio.sleep(_PAUSE * attempt)
                else:
                    self._patient_until = time() + _PATIENCE
        return await self._once(statement, parameters, patient=statement.patient is not None)

    async def _once(self, statement: Statement, parameters: Mapping[str, Any], *, patient: bool) -> Any:
        seconds = self._server.options.timeout
        query = Query((patient and statement.patient) or statement.text, timeout=seconds)

        async def use(session: AsyncSession) -> Any:
            result = await session.run(query, dict(parameters))
            record = await result.single()
            value = None if record is None else record[0]
            await result.consume()
            return value

        return await self._beside(use, seconds=seconds, writes=statement.writes)

    async def with_session(self, use: Use[T], *, seconds: float, writes: bool) -> T:
        """Return what ``use`` does with a session of its own, which may take so long; it is closed afterwards."""
        return await self._beside(use, seconds=seconds, writes=writes, own=self._session(writes=writes))

    async def bookmarks(self) -> list[str]:
        """Return what names all that was written and read on these sessions."""
        return sorted(await self._bookmarks.get_bookmarks())

    async def catch_up(self, bookmarks: Sequence[str]) -> None:
        """Wait until the server has seen what bookmarks name, and let every statement from now on see it.

        They are tried on a session of their own first: one that is none would spoil all other statements.
        """
        given = Bookmarks.from_raw_values(bookmarks)
        own = self._driver.session(database=self._server.database, bookmarks=given, default_access_mode=READ_ACCESS)

        async def use(session: AsyncSession) -> None:
            await (await session.run("RETURN 1")).consume()

        await self._beside(use, seconds=self._server.options.timeout, writes=False, own=own)
        await self._bookmarks.update_bookmarks((), bookmarks)

    async def _beside(self, use: Use[T], *, seconds: float, writes: bool, own: AsyncSession | None = None) -> T:
        """Use a session beside the caller: one who gives up leaves no connection half made, and none half read."""
        if self._closed:
            raise Closed("the storage was closed; open it again")
        work = asyncio.get_running_loop().create_task(self._served(use, seconds=seconds, writes=writes, own=own))
        self._under_way.add(work)
        work.add_done_callback(self._ended)
        return await asyncio.shield(work)

    def _ended(self, work: asyncio.Task[Any]) -> None:
        self._under_way.discard(work)
        if not work.cancelled():
            work.exception()  # whoever waits has it; where the caller gave up, nobody does

    async def _served(self, use: Use[T], *, seconds: float, writes: bool, own: AsyncSession | None) -> T:
        """Use a session in turn; one that is not somebody's own is kept if it was answered whole."""
        async with self._places:
            if self._closed:
                raise Closed("the storage was closed; open it again")
            free = self._free[WRITE_ACCESS if writes else READ_ACCESS]
            session = own or (free.pop() if free else self._session(writes=writes))
            whole = False
            failed: StorageError
            try:
                async with asyncio.timeout(seconds * _GRACE + self._server.options.connect_timeout):
                    answer = await use(session)
                whole = True
                return answer
            except TimeoutError:
                failed = errors.silent(writes=writes)
            except Exception as error:  # noqa: BLE001 - the border of the plugin: whatever the driver meets is translated
                failed = errors.translated(error, writes=writes)
            finally:
                if whole and own is None and not self._closed:
                    free.append(session)
                else:
                    if not whole:
                        session.cancel()  # what is under way on it is nobody's any more
                    await session.close()
            raise failed

    def _session(self, *, writes: bool) -> AsyncSession:
        return self._driver.session(
            database=self._server.database,
            default_access_mode=WRITE_ACCESS if writes else READ_ACCESS,
            bookmark_manager=self._bookmarks,
        )

    async def close(self) -> None:
        """Let go of all connections, once what is under way has ended. May be called twice."""
        self._closed = True
        if self._under_way:
            await asyncio.wait(self._under_way)  # each has its own end
        for free in self._free.values():
            while free:
                await free.pop().close()
        await self._driver.close()
