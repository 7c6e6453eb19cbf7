"""The one table from what PostgreSQL and its driver report to core's errors. No values stand in a message.

What the server says of a row (``DETAIL``) may hold the row, so nothing of the driver's error goes on but its code:
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

from typing import Final

import psycopg

from unison_storage.errors import (
    AccessDenied,
    AlreadyExists,
    DeadlineExceeded,
    InvalidConfig,
    InvalidValue,
    PoolExhausted,
    SchemaOutOfDate,
    StorageError,
    Tampered,
    TooLarge,
    TransactionConflict,
    Unavailable,
)

READ_ONLY: Final = "25006"
POOLER: Final = "a pooler stands before the server: add ?pooler=transaction to the URL"

_TABLE: Final[dict[str, tuple[type[StorageError], str]]] = {
    "22": (InvalidValue, "PostgreSQL can't store a value"),
    "23503": (TransactionConflict, "an end of an edge went, or an edge came, while a statement was under way"),
    "23505": (AlreadyExists, "an id that has to be new is there already"),
    "23": (Tampered, "the tables are not those that the migrations made"),
    READ_ONLY: (Unavailable, "the server, the database or the role is read-only"),
    "28": (InvalidConfig, "the server refuses the user or the password"),
    "3D000": (InvalidConfig, "there is no such database"),
    "40": (TransactionConflict, "the statement met another one, and was rolled back"),
    "42501": (AccessDenied, "the role may not do that: run unison-storage migrate --print-roles"),
    "42P01": (SchemaOutOfDate, "a table is not there: run unison-storage migrate"),
    "42703": (SchemaOutOfDate, "a column is not there: run unison-storage migrate"),
    "42": (Tampered, "the tables are not those that the migrations made"),
    "53100": (Unavailable, "the server's disk is full"),
    "53200": (Unavailable, "the server has not enough memory"),
    "53300": (PoolExhausted, "the server takes no more connections"),
    "53": (Unavailable, "the server has not enough of something"),
    "54": (TooLarge, "a value is larger than PostgreSQL can store"),
    "55P03": (DeadlineExceeded, "a lock was held by another statement for too long"),
    "57014": (DeadlineExceeded, "the statement took too long and was cancelled"),
    "57P03": (Unavailable, "the server is starting or stopping"),
    "57P": (Unavailable, "the server ended the connection"),
    "58": (Unavailable, "the server's disk answered with an error"),
    "XX001": (Tampered, "the database is damaged: restore it from a backup"),
    "XX002": (Tampered, "an index is damaged: rebuild it with REINDEX"),
    "XX": (Unavailable, "the server met an error of its own"),
}
"""By SQLSTATE; the longest beginning that is listed counts."""

_SETTLED: Final = frozenset(("08001", "08004", "57P03"))
"""What is told before a statement is taken."""

_REFUSED: Final = ("authentication failed", "no password supplied", "no pg_hba.conf entry", "does not exist")
"""Of a connection that is refused libpq gives the text alone; of a server that speaks another language not even that"""


def answered(state: str, *, writes: bool) -> StorageError:
    """Return core's error for the SQLSTATE of an answer.

    It has rolled the statement back, save where the server ended the connection with it: then a statement that writes
    may have been committed before.
    """
    kind, message = _entry(state)
    ended = state.startswith(("08", "57P", "40003")) and state not in _SETTLED
    return kind(message, outcome_unknown=writes and ended)


def lost(*, unknown: bool) -> StorageError:
    """Return the error of a connection that ended without an answer."""
    return Unavailable("the connection to the server was lost", outcome_unknown=unknown)


def unconnected(error: psycopg.Error) -> StorageError:
    """Return core's error for a connection that could not be made."""
    if error.sqlstate is not None:
        return answered(error.sqlstate, writes=False)
    text = str(error)
    if "unsupported startup parameter" in text:
        return InvalidConfig(POOLER)
    if "certificate" in text or "private key" in text:
        return InvalidConfig(
            "the server's certificate is not trusted, or is another server's, or one of ours is refused"
        )
    if "does not support SSL" in text:
        return InvalidConfig("the server speaks no TLS, and sslmode asks for it")
    if any(words in text for words in _REFUSED):
        return InvalidConfig("the server refuses the user, the password or the database that the URL names")
    return Unavailable("there is no connection to the server: it can't be reached, or it refuses to serve")


def _entry(state: str) -> tuple[type[StorageError], str]:
    for length in range(len(state), 1, -1):
        found = _TABLE.get(state[:length])
        if found is not None:
            return found
    return Unavailable, f"the server answered with SQLSTATE {state}"
