"""Sessions of the driver, kept, and handed out in turn. What is asked on one stands elsewhere.

Each statement is a transaction of its own. The driver retries nothing: what may be sent again is decided here.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from typing import Any, Final, Self

from neo4j import AsyncDriver, AsyncGraphDatabase, AsyncSession, Query, TrustCustomCAs

from unison_storage.errors import Closed, StorageError, TransactionConflict
from unison_storage_neo4j import errors
from unison_storage_neo4j.config import Server
from unison_storage_neo4j.statements import Statement

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
    own = options.ssl_ca_certs
    more: dict[str, Any] = {} if own is None else {"trusted_certificates": TrustCustomCAs(own)}
    return AsyncGraphDatabase.driver(
        server.uri,
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


class Sessions:
    """The sessions of one database. Made by ``opened``, used from one event loop, and closed by ``close``."""

    def __init__(self, server: Server, driver: AsyncDriver) -> None:
        self._server = server
        self._driver = driver
        self._free: list[AsyncSession] = []
        self._under_way: set[asyncio.Task[Any]] = set()
        self._places = server.options.connections
        self._waiting: deque[asyncio.Future[None]] = deque()
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
        """Run a statement beside the caller: one who gives up leaves no connection half made, and none half read."""
        if self._closed:
            raise Closed("the storage was closed; open it again")
        work = asyncio.get_running_loop().create_task(self._asked(statement, parameters, patient=patient))
        self._under_way.add(work)
        work.add_done_callback(self._ended)
        return await asyncio.shield(work)

    def _ended(self, work: asyncio.Task[Any]) -> None:
        self._under_way.discard(work)
        if not work.cancelled():
            work.exception()  # whoever waits has it; where the caller gave up, nobody does

    async def _asked(self, statement: Statement, parameters: Mapping[str, Any], *, patient: bool) -> Any:
        """Run a statement on a session, which is kept only if it was answered whole."""
        session = await self._taken()
        whole = False
        failed: StorageError
        try:
            async with asyncio.timeout(self._server.options.timeout * _GRACE + self._server.options.connect_timeout):
                query = Query((patient and statement.patient) or statement.text, timeout=self._server.options.timeout)
                result = await session.run(query, dict(parameters))
                record = await result.single()
                value = None if record is None else record[0]
                await result.consume()
            whole = True
            return value
        except TimeoutError:
            failed = errors.silent(writes=statement.writes)
        except Exception as error:  # noqa: BLE001 - the border of the plugin: whatever the driver meets is translated
            failed = errors.translated(error, writes=statement.writes)
        finally:
            if whole and not self._closed:
                self._free.append(session)
            else:
                session.cancel()  # what is under way on it is nobody's any more
                await session.close()
            self._let_in()
        raise failed

    async def close(self) -> None:
        """Let go of all connections, once what is under way has ended. May be called twice."""
        self._closed = True
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()
        if self._under_way:
            await asyncio.wait(self._under_way)  # each has its own end
        free, self._free = self._free, []
        for session in free:
            await session.close()
        await self._driver.close()

    async def _taken(self) -> AsyncSession:
        """Return a session, in the order in which they were asked for."""
        while not self._closed:
            if self._places and not self._waiting:
                self._places -= 1
                break
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    self._let_in()
                raise
            if not self._closed:
                break
        if self._closed:
            raise Closed("the storage was closed; open it again")
        return self._free.pop() if self._free else self._driver.session(database=self._server.database)

    def _let_in(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._places += 1
