"""A connection through a pooler that lends a server for a transaction. The direct one is ``connection``.

Nothing stays with a server there, neither a prepared statement nor a setting, and the pooler takes no options at a
connect. So each statement goes out with the settings that it needs in one pipeline, which is one transaction:
https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg import pq
from psycopg.pq.abc import PGresult

from unison_storage_postgres import errors
from unison_storage_postgres.config import PLANS, Server
from unison_storage_postgres.connection import Connection
from unison_storage_postgres.statements import Statement

_SETTINGS: Final = b"SELECT set_config('statement_timeout', $1::text, true), " + b", ".join(
    f"set_config('{name}', '{value}', true)".encode() for name, value in PLANS.items()
)


class PooledConnection(Connection):
    """A connection to a pooler."""

    __slots__ = ("_timeout",)

    def __init__(self, driver: psycopg.AsyncConnection[Any], statement_timeout: float) -> None:
        super().__init__(driver)
        self._timeout = str(round(statement_timeout * 1_000)).encode()
        self._pq.enter_pipeline_mode()

    async def run(self, statement: Statement, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """See ``Connection``."""
        values = [encode(value) for encode, value in zip(statement.takes, parameters, strict=True)]
        result: PGresult | None
        try:
            self._pq.send_query_params(_SETTINGS, [self._timeout])
            self._pq.send_query_params(
                statement.text.encode(), values, param_formats=[1] * len(values), result_format=1
            )
            self._pq.pipeline_sync()
            result = self._taken(await self._answer(), writes=statement.writes)
        except psycopg.Error:
            result = None
        return self._rows(result, unknown=statement.writes)

    def _hear(self) -> None:
        """Take in what the server has sent: results with nothing between them, and a mark at the end."""
        try:
            self._pq.consume_input()
            if self._answered is None or self._answered.done():
                self._end()
                return
            ended = False
            while not self._pq.is_busy():
                result = self._pq.get_result()
                if result is None:
                    if ended:
                        return  # nothing more is there yet
                    ended = True
                    continue
                ended = False
                if result.status == pq.ExecStatus.PIPELINE_SYNC:
                    self._answered.set_result(None)
                    return
                self._results.append(result)
        except psycopg.Error as error:
            self._fail(error)


async def opened(server: Server) -> Connection:
    """Connect to a server, or to the pooler before it; raises core's errors and then leaves nothing open."""
    try:
        driver = await psycopg.AsyncConnection.connect(**server.parameters, autocommit=True)
    except psycopg.Error as error:
        failed = errors.unconnected(error)
    else:
        options = server.options
        return Connection(driver) if options.pooler is None else PooledConnection(driver, options.statement_timeout)
    raise failed  # here, since an error keeps the one at whose handling it is raised
