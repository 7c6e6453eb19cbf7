"""How a file is opened: the pragmas of every connection, and the WAL. No threads and no schema stand here."""

from __future__ import annotations

import sqlite3
import time
from typing import Final
from urllib.parse import quote

from unison_storage.errors import InvalidConfig
from unison_storage_sqlite import errors
from unison_storage_sqlite.config import File

_PRAGMAS: Final = (
    "PRAGMA synchronous = FULL",  # in WAL mode NORMAL may lose what was acknowledged, when power fails
    "PRAGMA cache_size = -16384",  # KiB
    "PRAGMA secure_delete = FAST",  # what was erased is zeroed wherever that needs no further I/O
    "PRAGMA journal_size_limit = 67108864",  # bytes that a WAL keeps after one large transaction
    "PRAGMA trusted_schema = OFF",
)
_RETRY: Final = 0.01


def connect(file: File) -> sqlite3.Connection:
    """Return a connection to a file that is there; ``InvalidConfig`` names the setting if it is no database."""
    if file.path.is_dir():
        raise InvalidConfig(f"{file.setting} names a folder, not a file")
    database = None
    try:
        database = sqlite3.connect(
            f"file://{quote(bytes(file.path))}?mode=rw",
            uri=True,
            timeout=file.busy_timeout,
            isolation_level=None,
            cached_statements=256,
        )
        for pragma in _PRAGMAS:
            database.execute(pragma)
        database.execute("PRAGMA schema_version").fetchone()  # the first look into the file
    except sqlite3.Error as error:
        if database is not None:
            database.close()
        if errors.code(error) == sqlite3.SQLITE_NOTADB:
            raise InvalidConfig(f"{file.setting} names a file that is no SQLite database; name another one") from None
        raise errors.translated(error) from None
    return database


def use_wal(database: sqlite3.Connection, patience: float) -> None:
    """Turn the WAL on, where the file can be written; it stays on.

    SQLite calls no busy handler for that, so two processes on a new file need this loop. ``patience`` in seconds.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL").fetchone()
            return
        except sqlite3.OperationalError as error:
            if errors.code(error) == sqlite3.SQLITE_READONLY:
                return
            if errors.code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY)
