"""The connections of one URL, shared by all kinds: few, handed out in turn. What is done on one stands elsewhere."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, Final, Self

from unison_storage.errors import Closed, DeadlineExceeded, PoolExhausted, TransactionConflict
from unison_storage_postgres import migrations
from unison_storage_postgres.config import Server
from unison_storage_postgres.connection import Connection
from unison_storage_postgres.statements import Statement

_GRACE: Final = 1.5
"""How many times its time-out a statement may take, so that the server can still say that it has cancelled it."""
_LOOKS: Final = 4
"""How often within a time-out it is looked for what takes too long."""
_ATTEMPTS: Final = 5
"""How often a statement is sent that met another one and was rolled back for it."""

_CLOSED: Final = Closed("the storage was closed; open it again")
_SILENT: Final = DeadlineExceeded("the server did not answer in time")


class Pool:
    """The connections of a server. Made by ``opened``, used from one event loop, and closed by ``close``."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._free: list[Connection] = []
        self._busy: set[Connection] = set()
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._places = server.options.connections
        self._closing = False
        self._watch: asyncio.TimerHandle | None = None
        self._ended: asyncio.Future[None] | None = None
        self._tick = server.options.statement_timeout / _LOOKS

    @classmethod
    async def opened(cls, server: Server) -> Self:
        """Connect once and look at the schema; what that raises leaves nothing open."""
        pool = cls(server)
        try:
            await migrations.check(pool.run)
        except BaseException:
            await pool.close()
            raise
        return pool

    async def run(self, statement: Statement, parameters: Sequence[Any]) -> list[Any]:
        """Run one statement in a transaction of its own and return its rows.

        Raises core's errors; ``outcome_unknown`` where a statement that writes may have been committed. One that met
        another statement and was rolled back for it is sent again.
        """
        attempt = 1
        while True:
            connection = await self._taken()
            connection.since = self._loop.time()
            self._busy.add(connection)
            if self._watch is None:
                self._watch = self._loop.call_later(self._tick, self._look)
            try:
                return await connection.run(statement, parameters)
            except TransactionConflict:
                if attempt == _ATTEMPTS:
                    raise
                attempt += 1
            finally:
                self._busy.discard(connection)
                self._give_back(connection)
                if self._ended is not None and not self._busy and not self._ended.done():
                    self._ended.set_result(None)

    async def close(self) -> None:
        """Close all connections; what is under way ends with an error. May be called twice."""
        self._closing = True
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        while self._waiting:
            self._wake(None)
        for connection in self._busy:
            connection.give_up(_CLOSED)
        if self._busy:
            self._ended = self._loop.create_future()
            await self._ended
        while self._free:
            self._free.pop().close()

    async def _taken(self) -> Connection:
        """Return a connection: a free one, a new one, or the first that is given back."""
        while not self._closing:
            if self._free and not self._waiting:
                given: Connection | None = self._free.pop()
            elif self._places:
                return await self._connected()
            else:
                given = await self._given()
            if given is not None:
                if given.usable:
                    return given
                self._drop(given)  # it was lost since it was given back
        raise _CLOSED.copy()

    async def _given(self) -> Connection | None:
        """Wait for a connection that somebody gives back; ``None`` where there is room for another one instead."""
        waiter: asyncio.Future[Connection | None] = self._loop.create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(self._server.options.wait):
                return await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                given = waiter.result()  # it came at the moment at which the caller gave up
                if given is None:
                    self._wake(None)
                else:
                    self._give_back(given)
            if not isinstance(error, TimeoutError):
                raise
            busy = f"all {self._server.options.connections} connections were busy for {self._server.options.wait:g} s"
            raise PoolExhausted(f"{busy}: ask less at once, or set ?connections= to more") from None

    async def _connected(self) -> Connection:
        self._places -= 1
        try:
            connection = await Connection.opened(self._server)
        except BaseException:
            self._places += 1
            self._wake(None)
            raise
        if self._closing:
            self._drop(connection)
            raise _CLOSED.copy()
        return connection

    def _give_back(self, connection: Connection) -> None:
        if self._closing or not connection.usable:
            self._drop(connection)
        elif not self._wake(connection):
            self._free.append(connection)

    def _drop(self, connection: Connection) -> None:
        connection.close()
        self._places += 1
        self._wake(None)

    def _wake(self, given: Connection | None) -> bool:
        """Hand a connection, or the room for one, to who waits longest; return whether anybody does."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(given)
                return True
        return False

    def _look(self) -> None:
        """Give up what is under way for too long."""
        self._watch = self._loop.call_later(self._tick, self._look) if self._busy else None
        late = self._loop.time() - self._server.options.statement_timeout * _GRACE
        for connection in self._busy:
            if connection.since < late:
                connection.give_up(_SILENT)
