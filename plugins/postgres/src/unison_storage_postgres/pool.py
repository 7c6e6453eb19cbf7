"""The connections of one URL, shared by all kinds: few, handed out in turn. What is done on one stands elsewhere."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Self, TypeAlias, TypeVar

from unison_storage.errors import (
    Closed,
    DeadlineExceeded,
    PoolExhausted,
    StorageError,
    TransactionConflict,
    Unavailable,
)
from unison_storage_postgres import migrations
from unison_storage_postgres.config import Server
from unison_storage_postgres.connection import Connection
from unison_storage_postgres.pooled import opened
from unison_storage_postgres.statements import Statement

_GRACE: Final = 1.5
"""How many times its time-out a statement may take, so that the server can still say that it has cancelled it."""
_LOOKS: Final = 4
"""How often within a time-out it is looked for what takes too long."""
_ATTEMPTS: Final = 5
"""How often a statement is sent that met another one and was rolled back for it."""

T = TypeVar("T")
Run: TypeAlias = Callable[[Statement, Sequence[Any]], Awaitable[list[Any]]]
"""The type of ``Pool.run``."""

_BEGIN: Final = Statement("begin", "BEGIN")
_PROCESS: Final = Statement("process", "SELECT pg_backend_pid()")
_COMMIT: Final = Statement("commit", "COMMIT", writes=True)
_ROLLBACK: Final = Statement("rollback", "ROLLBACK")

_CLOSED: Final = Closed("the storage was closed; open it again")
_SILENT: Final = DeadlineExceeded("the server did not answer in time")


class Pool:
    """The connections of a server. Made by ``opened``, used from one event loop, and closed by ``close``."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._free: list[Connection] = []
        self._busy: set[Connection] = set()
        self._waiting: deque[asyncio.Future[Connection]] = deque()
        self._making: set[asyncio.Task[Connection]] = set()
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

    def run(self, statement: Statement, parameters: Sequence[Any]) -> Awaitable[list[Any]]:
        """Run one statement in a transaction of its own and return its rows.

        Raises core's errors; ``outcome_unknown`` where a statement that writes may have been committed. One that met
        another statement and was rolled back for it is sent again.
        """
        return self._upon(lambda connection: connection.run(statement, parameters))

    def transact(self, work: Callable[[Run], Awaitable[T]]) -> Awaitable[T]:
        """Return what ``work`` comes to, whose statements are one transaction; what it raises rolls that back.

        ``outcome_unknown`` is set only where the answer to the COMMIT was lost. Work that met another transaction and
        was rolled back for it is done again.
        """
        return self._upon(lambda connection: self._transacted(connection, work))

    async def behind_pooler(self) -> bool:
        """Return whether something lends servers in between: then not the one answers that was connected to."""

        async def asked(connection: Connection) -> bool:
            [(process,)] = await connection.run(_PROCESS, ())
            return bool(process != connection.process)

        return await self._upon(asked)

    async def _upon(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Return what work upon a connection comes to; it is done again where it was rolled back for another one."""
        attempt = 1
        while True:
            connection = await self._begun()
            try:
                return await work(connection)
            except TransactionConflict as error:
                if attempt == _ATTEMPTS or error.outcome_unknown:
                    raise
                attempt += 1
            finally:
                self._done(connection)

    async def _transacted(self, connection: Connection, work: Callable[[Run], Awaitable[T]]) -> T:
        await connection.run(_BEGIN, ())
        try:
            answer = await work(connection.run)
        except StorageError as error:
            error.outcome_unknown = False  # nothing is kept of a transaction that is not committed
            if connection.answers:
                await connection.run(_ROLLBACK, ())
            raise
        await connection.run(_COMMIT, ())
        return answer

    async def close(self) -> None:
        """Close all connections; what is under way ends with an error. May be called twice."""
        self._closing = True
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(_CLOSED.copy())
        self._waiting.clear()
        for making in self._making:
            making.cancel()
        if self._making:
            await asyncio.wait(self._making)
        for connection in self._busy:
            connection.give_up(_CLOSED)
        if self._busy:
            self._ended = self._loop.create_future()
            await self._ended
        while self._free:
            self._free.pop().close()

    async def _begun(self) -> Connection:
        """Return a connection on which something is under way from now on."""
        connection = await self._taken()
        connection.since = self._loop.time()
        self._busy.add(connection)
        if self._watch is None:
            self._watch = self._loop.call_later(self._tick, self._look)
        return connection

    def _done(self, connection: Connection) -> None:
        self._busy.discard(connection)
        self._give_back(connection)
        if self._ended is not None and not self._busy and not self._ended.done():
            self._ended.set_result(None)

    async def _taken(self) -> Connection:
        """Return a connection: a free one, or the first that is made or given back."""
        while not self._closing:
            given = self._free.pop() if self._free and not self._waiting else await self._given()
            if given.usable:
                return given
            self._drop(given)  # it was lost since it was given back
        raise _CLOSED.copy()

    async def _given(self) -> Connection:
        """Wait for a connection that is made, or that somebody gives back; raises why none could be made."""
        waiter: asyncio.Future[Connection] = self._loop.create_future()
        self._waiting.append(waiter)
        self._grow()
        try:
            async with asyncio.timeout(self._server.options.wait):
                return await waiter
        except (TimeoutError, asyncio.CancelledError) as error:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._give_back(waiter.result())  # it came at the moment at which the caller gave up
            if isinstance(error, asyncio.CancelledError):
                raise
            seconds = f"{self._server.options.wait:g} s"
            if self._making:
                raise Unavailable(f"the server did not take a connection within {seconds}") from None
            busy = f"all {self._server.options.connections} connections were busy for {seconds}"
            raise PoolExhausted(f"{busy}: ask less at once, or set ?connections= to more") from None

    def _grow(self) -> None:
        """Make connections for those who wait, while there is room.

        It is done beside the callers: one who gives up leaves no connection half made, and the next one has it.
        """
        while self._places and len(self._making) < len(self._waiting) and not self._closing:
            self._places -= 1
            making = self._loop.create_task(opened(self._server))
            self._making.add(making)
            making.add_done_callback(self._made)

    def _made(self, making: asyncio.Task[Connection]) -> None:
        self._making.discard(making)
        error = None if making.cancelled() else making.exception()
        if not making.cancelled() and error is None:
            self._give_back(making.result())
            return
        self._places += 1
        while error is not None and self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(error)
                break
        self._grow()

    def _give_back(self, connection: Connection) -> None:
        """Hand a connection to who waits longest, or keep it."""
        if self._closing or not connection.usable:
            self._drop(connection)
            return
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        self._free.append(connection)

    def _drop(self, connection: Connection) -> None:
        connection.close()
        self._places += 1
        self._grow()

    def _look(self) -> None:
        """Give up what is under way for too long."""
        self._watch = self._loop.call_later(self._tick, self._look) if self._busy else None
        late = self._loop.time() - self._server.options.statement_timeout * _GRACE
        for connection in self._busy:
            if connection.since < late:
                connection.give_up(_SILENT)
