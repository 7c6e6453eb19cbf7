"""One connection: a statement at a time, prepared on first use. Who gets it, and for how long, stands in ``pool``.

It is the driver's connection (TLS, authentication, several hosts), and libpq beneath it without the driver's cursors:
the loop listens to the socket once and for all, and parameters are of declared types. So a statement takes half of
the client's time, and a caller who gives up is let go at once.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer
from psycopg.pq.abc import PGresult

from unison_storage.errors import StorageError
from unison_storage_postgres import errors
from unison_storage_postgres.statements import Statement

_IDLE: Final = pq.TransactionStatus.IDLE
_ANSWERS: Final = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


class Connection:
    """A connection to a server. Made by ``opened``, used by one caller at a time, and closed by ``close``."""

    __slots__ = (
        "_answered",
        "_fd",
        "_gave_up",
        "_listening",
        "_loop",
        "_lost",
        "_pq",
        "_prepared",
        "_reading",
        "_results",
        "since",
    )

    def __init__(self, driver: psycopg.AsyncConnection[Any]) -> None:
        self.since = 0.0
        """When what is under way was begun, by the loop's clock."""
        self._pq = driver.pgconn
        self._fd = self._pq.socket
        self._reading = Transformer(driver)
        self._loop = asyncio.get_running_loop()
        self._prepared: dict[str, bytes] = {}
        self._answered: asyncio.Future[None] | None = None
        self._results: list[PGresult] = []
        self._gave_up: StorageError | None = None
        self._lost = False
        self._listening = True
        self._loop.add_reader(self._fd, self._hear)

    @property
    def process(self) -> int:
        """The process of the server that was connected to, as it was told then."""
        return self._pq.backend_pid

    @property
    def usable(self) -> bool:
        """Whether it may be used again: nothing is under way on it, and it is not known to be lost."""
        return not self._lost and self._pq.transaction_status == _IDLE

    @property
    def answers(self) -> bool:
        """Whether a statement may be sent: the connection is not known to be lost."""
        return not self._lost

    async def run(self, statement: Statement, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run one statement in a transaction of its own and return its rows; raises core's errors.

        A caller that gives up leaves the connection unusable.
        """
        name = self._prepared.get(statement.name)
        sent = False
        try:
            if name is None:
                name = statement.name.encode()
                self._pq.send_prepare(name, statement.text.encode())
                self._taken(await self._answer(), writes=False)
                self._prepared[statement.name] = name
            values = [encode(value) for encode, value in zip(statement.takes, parameters, strict=True)]
            sent = True
            self._pq.send_query_prepared(name, values, [1] * len(values), 1)
            result: PGresult | None = self._taken(await self._answer(), writes=statement.writes)
        except psycopg.Error:
            result = None
        return self._rows(result, unknown=sent and statement.writes)

    def give_up(self, error: StorageError) -> None:
        """Break the wire, so that whoever waits for an answer hears at once that there will be none."""
        if self._lost:
            return  # whoever waits has heard already, and the number of the socket may be somebody else's by now
        self._gave_up = error
        with suppress(OSError), socket.socket(fileno=os.dup(self._fd)) as wire:
            wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket. May be called twice."""
        self._end()
        self._pq.finish()

    async def _answer(self) -> Sequence[PGresult]:
        """Send what waits to be sent, and return what comes back once all of it is there."""
        answered = self._answered = self._loop.create_future()
        self._results = []
        try:
            if self._pq.flush():
                self._loop.add_writer(self._fd, self._speak)
            await answered
            return self._results
        except asyncio.CancelledError:
            self._end()
            raise
        finally:
            self._answered = None

    def _rows(self, result: PGresult | None, *, unknown: bool) -> list[tuple[Any, ...]]:
        """Return the rows of an answer; without one the connection is lost, and so it is told."""
        if result is None:
            self._end()
            raise self._failure(unknown=unknown)
        self._reading.set_pgresult(result)
        return self._reading.load_rows(0, result.ntuples, tuple)

    def _failure(self, *, unknown: bool) -> StorageError:
        if self._gave_up is None:
            return errors.lost(unknown=unknown)
        error = self._gave_up.copy()
        error.outcome_unknown = unknown
        return error

    def _taken(self, results: Sequence[PGresult], *, writes: bool) -> PGresult:
        """Return the result of a statement; raises what the server has answered instead."""
        for result in results:
            if result.status not in _ANSWERS:
                state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
                if state == errors.READ_ONLY:
                    self._end()  # another host may be the one that takes writes by now: it is looked for anew
                raise errors.answered(state, writes=writes)
        if not results:
            raise psycopg.OperationalError
        return results[-1]

    def _hear(self) -> None:
        """Take in what the server has sent. What it says unasked is that the connection ends."""
        try:
            self._pq.consume_input()
            if self._answered is None or self._answered.done():
                self._end()
                return
            while not self._pq.is_busy():  # asked for otherwise, libpq would wait for the rest
                result = self._pq.get_result()
                if result is None:
                    self._answered.set_result(None)
                    return
                self._results.append(result)
        except psycopg.Error as error:
            self._fail(error)

    def _speak(self) -> None:
        """Send on what did not fit into the socket's buffer."""
        try:
            if not self._pq.flush():
                self._loop.remove_writer(self._fd)
        except psycopg.Error as error:
            self._fail(error)

    def _fail(self, error: psycopg.Error) -> None:
        self._end()
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(error)

    def _end(self) -> None:
        """Listen no more; what is under way gets no answer, and nothing else may be sent."""
        self._lost = True
        if self._listening:
            self._listening = False
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
