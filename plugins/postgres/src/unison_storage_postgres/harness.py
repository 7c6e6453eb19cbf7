"""What the database lends to those who test it: making it older, and looking past the backend. No use in production."""

from __future__ import annotations

from typing import Final

import psycopg

from unison_storage.hookspecs import HarnessHooks
from unison_storage_postgres.config import Server

_OLDER: Final = (
    "UPDATE memory_entries SET created = created - %(by)s, updated = updated - %(by)s, expires = expires - %(by)s",
    "UPDATE objects SET created = created - %(by)s, updated = updated - %(by)s, expires = expires - %(by)s",
    "UPDATE blobs SET since = since - %(by)s",
)
_RAW: Final = "SELECT value FROM memory_entries WHERE address = %s"


def hooks(server: Server) -> HarnessHooks:
    """Return the hooks for a database. Who runs the server knows how to restart it."""

    async def age(seconds: float) -> None:
        async with await psycopg.AsyncConnection.connect(
            **server.parameters, autocommit=True, prepare_threshold=None
        ) as connection:
            for statement in _OLDER:
                await connection.execute(statement, {"by": round(seconds * 1_000_000)})

    async def raw(address: str) -> bytes | None:
        async with await psycopg.AsyncConnection.connect(
            **server.parameters, autocommit=True, prepare_threshold=None
        ) as connection:
            row = await (await connection.execute(_RAW, (address,))).fetchone()
        return None if row is None else bytes(row[0])

    return HarnessHooks(age=age, raw=raw)
