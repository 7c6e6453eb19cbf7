"""The one table from what SQLite and the file system report to core's errors. No values stand in a message."""

from __future__ import annotations

import errno
import sqlite3
from typing import Final

import msgspec

from unison_storage.errors import AlreadyExists, InvalidValue, StorageError, Tampered, TooLarge, Unavailable

_PRIMARY: Final = 0xFF
"""The primary code is the low byte of an extended one: https://sqlite.org/rescode.html"""

_TABLE: Final[dict[int, tuple[type[StorageError], str]]] = {
    sqlite3.SQLITE_BUSY: (Unavailable, "another process is writing to the file and did not finish in time"),
    sqlite3.SQLITE_LOCKED: (Unavailable, "the file is locked"),
    sqlite3.SQLITE_PROTOCOL: (Unavailable, "the file is locked"),
    sqlite3.SQLITE_SCHEMA: (Unavailable, "the schema is being changed"),
    sqlite3.SQLITE_READONLY: (Unavailable, "the file or its folder is read-only"),
    sqlite3.SQLITE_PERM: (Unavailable, "the file or its folder may not be used by this user"),
    sqlite3.SQLITE_AUTH: (Unavailable, "the file or its folder may not be used by this user"),
    sqlite3.SQLITE_CANTOPEN: (Unavailable, "the file, or the WAL beside it, can't be opened"),
    sqlite3.SQLITE_FULL: (Unavailable, "the disk is full"),
    sqlite3.SQLITE_IOERR: (Unavailable, "the disk answered with an error"),
    sqlite3.SQLITE_NOMEM: (Unavailable, "there is not enough memory"),
    sqlite3.SQLITE_INTERRUPT: (Unavailable, "the statement was interrupted"),
    sqlite3.SQLITE_CORRUPT: (Tampered, "the file is damaged: restore it from a backup"),
    sqlite3.SQLITE_NOTADB: (Tampered, "the file is no SQLite database, or was overwritten"),
    sqlite3.SQLITE_ERROR: (Tampered, "the tables are not those that the migrations made"),
    sqlite3.SQLITE_TOOBIG: (TooLarge, "the value is larger than SQLite can store"),
    sqlite3.SQLITE_CONSTRAINT: (AlreadyExists, "an id that has to be new is there already"),
}

_WITHOUT_CODE: Final[tuple[tuple[tuple[type[Exception], ...], type[StorageError], str], ...]] = (
    ((MemoryError,), Unavailable, "there is not enough memory"),
    ((msgspec.DecodeError,), Tampered, "the file is damaged: properties of the graph are no JSON"),
    ((sqlite3.OperationalError,), Tampered, "the file is damaged: it holds text that is no UTF-8"),
    ((sqlite3.Error, UnicodeError, OverflowError), InvalidValue, "a value can't be stored: no text, or past ±2^63"),
)
"""What the binding raises by itself, in this order: when it reads, and when it binds a value."""

_BEFORE_THE_WAL: Final = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CONSTRAINT,
    )
)
"""What a COMMIT can fail with before the frame that makes it valid is in the WAL."""


def code(error: BaseException) -> int:
    """Return the primary code of an error, 0 where it has none: it was raised by the binding, not by SQLite."""
    extended: int = getattr(error, "sqlite_errorcode", 0)
    return extended & _PRIMARY


def ambiguous(error: BaseException) -> bool:
    """Whether a COMMIT that failed so may be found done after a crash: the frame is there, and was not synced."""
    extended = getattr(error, "sqlite_errorcode", 0)
    return extended != sqlite3.SQLITE_IOERR_WRITE and code(error) not in _BEFORE_THE_WAL


def translated(error: BaseException) -> BaseException:
    """Return core's error for one of SQLite, of its binding or of the file system; a bug stays what it is."""
    if isinstance(error, StorageError):
        return error
    if code(error):
        kind, message = _TABLE.get(code(error), (Unavailable, f"SQLite answered with code {code(error)}"))
        return kind(message)
    for raised, kind, message in _WITHOUT_CODE:
        if isinstance(error, raised):
            return kind(message)
    if isinstance(error, OSError):
        return Unavailable(f"the file system answered with {errno.errorcode.get(error.errno or 0, 'an error')}")
    return error
