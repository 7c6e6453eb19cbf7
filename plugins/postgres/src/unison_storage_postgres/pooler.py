"""A pooler that stands before a server: whether there is one, and what it tells of itself. Using one is ``pooled``."""

from __future__ import annotations

from typing import Final

import psycopg
from msgspec import Struct
from psycopg.rows import dict_row

from unison_storage_postgres.config import Server

_CONSOLE: Final = "pgbouncer"
"""The database that is PgBouncer's own console: https://www.pgbouncer.org/usage.html#admin-console."""


class Pooler(Struct, frozen=True):
    """What PgBouncer tells whom it lets look: its version, and how long it lends a server."""

    version: str
    mode: str


async def met(server: Server) -> Pooler | None:
    """Return the pooler before a server; ``None`` where it is another one, or does not let this user look."""
    try:
        connection = await psycopg.AsyncConnection.connect(
            **{**server.parameters, "dbname": _CONSOLE}, autocommit=True, row_factory=dict_row
        )
        async with connection:
            version = await (await connection.execute("SHOW VERSION")).fetchone()
            databases = await (await connection.execute("SHOW DATABASES")).fetchall()
            config = await (await connection.execute("SHOW CONFIG")).fetchall()
    except psycopg.Error:
        return None
    modes = [row["value"] for row in config if row["key"] == "pool_mode"]
    # a name of its own counts before the one that stands for all others
    own = {row["name"]: row["pool_mode"] for row in databases}.get(server.database)
    return Pooler(str(next(iter((version or {}).values()), "")), str(own or next(iter(modes), "")))
