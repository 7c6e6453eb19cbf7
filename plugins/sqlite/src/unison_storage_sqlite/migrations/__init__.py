"""The schema of a file: numbered ``.sql`` files, and what was applied of them. No statements of a kind stand here.

Which were applied is in a table of its own, each with a checksum of its text, so that a file of a newer version, or of
one whose migrations read otherwise, is refused and not guessed at. Beside it stands the mark of the profile.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Final, TypeVar

from unison_storage.contracts.migrations import Migrations, SchemaState, Step
from unison_storage.errors import InvalidConfig, MigrationLocked, SchemaOutOfDate
from unison_storage.profiles import Profile
from unison_storage_sqlite import errors
from unison_storage_sqlite.config import File
from unison_storage_sqlite.folder import make_folder, sync_folder
from unison_storage_sqlite.opening import connect, use_wal

T = TypeVar("T")

_LEDGER: Final = "CREATE TABLE IF NOT EXISTS unison_storage_migrations (name TEXT PRIMARY KEY, checksum TEXT NOT NULL)"
_OURS: Final = """
    SELECT name FROM sqlite_master
    WHERE type = 'table' AND name IN ('unison_storage_migrations', 'unison_storage_mark')
"""
_APPLIED: Final = "SELECT name, checksum FROM unison_storage_migrations ORDER BY name"
_RECORD: Final = "INSERT INTO unison_storage_migrations (name, checksum) VALUES (?, ?)"
_MARKS: Final = (
    "CREATE TABLE IF NOT EXISTS unison_storage_mark (one INTEGER PRIMARY KEY CHECK (one = 1), profile TEXT NOT NULL)"
)
_MARK: Final = "INSERT OR REPLACE INTO unison_storage_mark (one, profile) VALUES (1, ?)"
_MARKED: Final = "SELECT profile FROM unison_storage_mark"


@cache
def steps() -> tuple[Step, ...]:
    """Return all migrations of this version, in order."""
    found = [file for file in files(__name__).iterdir() if file.name.endswith(".sql")]
    return tuple(
        Step(file.name.removesuffix(".sql"), file.read_text("utf-8"))
        for file in sorted(found, key=lambda file: file.name)
    )


def connected(file: File) -> sqlite3.Connection:
    """Return a connection to a file whose schema is current; ``SchemaOutOfDate`` otherwise."""
    if not file.path.exists():
        raise _out_of_date(SchemaState(None, steps()[-1].name, steps()))
    database = connect(file)
    try:
        state = _state_of(database)
        if not state.current:
            raise _out_of_date(state)
        use_wal(database, file.busy_timeout)
    except sqlite3.Error as error:
        database.close()
        raise errors.translated(error) from None
    except SchemaOutOfDate:
        database.close()
        raise
    return database


class SqliteMigrations(Migrations):
    """The migrations of one file."""

    def __init__(self, file: File, profile: Profile = Profile.TEST) -> None:
        self._file = file
        self._profile = profile

    async def state(self) -> SchemaState:
        """See the contract. Without the file the revision is ``None``, and no file is made."""
        return await _in_thread(lambda: _state(self._file))

    async def apply(self) -> SchemaState:
        """See the contract. Makes the file (mode 0600) and its folder (0700) where they are missing."""
        return await _in_thread(lambda: _applied(self._file, self._profile))


async def _in_thread(call: Callable[[], T]) -> T:
    # a thread of its own, since those of asyncio stay until the loop ends
    pool = ThreadPoolExecutor(1, "unison-storage-sqlite-migrations")
    running = pool.submit(call)
    try:
        return await asyncio.wrap_future(running)
    finally:
        pool.shutdown(wait=running.done())  # where the caller was cancelled, the thread ends by itself


def _state(file: File) -> SchemaState:
    if not file.path.exists():
        return SchemaState(None, steps()[-1].name, steps())
    database = connect(file)
    try:
        return _state_of(database)
    except sqlite3.Error as error:
        raise errors.translated(error) from None
    finally:
        database.close()


def _state_of(database: sqlite3.Connection) -> SchemaState:
    wanted = steps()
    tables = {name for (name,) in database.execute(_OURS)}
    applied: Sequence[tuple[str, str]] = ()
    if "unison_storage_migrations" in tables:
        applied = database.execute(_APPLIED).fetchall()
    mark = database.execute(_MARKED).fetchone()[0] if "unison_storage_mark" in tables else None
    ours = [(step.name, _checksum(step)) for step in wanted]
    for name, checksum in applied:
        if (name, checksum) not in ours:
            foreign = f"{name} with another text" if name in dict(ours) else name
            return SchemaState(foreign, wanted[-1].name, (), mark)
    return SchemaState(applied[-1][0] if applied else None, wanted[-1].name, wanted[len(applied) :], mark)


def _applied(file: File, profile: Profile) -> SchemaState:
    _make(file)
    database = connect(file)
    try:
        use_wal(database, file.busy_timeout)
        state = _state_of(database)
        while state.steps:
            _apply_next(database)
            state = _state_of(database)
        if state.current and state.unmarked(profile):
            _mark(database, profile)
            state = _state_of(database)
    except sqlite3.Error as error:
        if errors.code(error) == sqlite3.SQLITE_BUSY:
            raise MigrationLocked("another process is migrating or writing to the file; wait for it") from None
        if errors.code(error) == sqlite3.SQLITE_ERROR:
            message = f"{file.setting} names a file that holds tables of another program; name another file"
            raise InvalidConfig(message) from None
        raise errors.translated(error) from None
    finally:
        database.close()
    if not state.current:
        raise _out_of_date(state)
    return state


def _apply_next(database: sqlite3.Connection) -> None:
    with _transaction(database):
        database.execute(_LEDGER)
        for step in _state_of(database).steps[:1]:
            for statement in _statements(step.text):
                database.execute(statement)
            database.execute(_RECORD, (step.name, _checksum(step)))


def _mark(database: sqlite3.Connection, profile: Profile) -> None:
    with _transaction(database):
        database.execute(_MARKS)
        database.execute(_MARK, (str(profile),))


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")  # whoever comes second waits here, and then finds it done
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _make(file: File) -> None:
    """Make the file, readable by this user alone, and its folder, where they are missing."""
    folder = file.path.parent
    try:
        make_folder(folder)
        os.close(os.open(file.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        sync_folder(folder)
    except FileExistsError:
        pass  # also where another process was faster; a folder of that name is refused by connect
    except OSError as error:
        raise errors.translated(error) from None


def _statements(text: str) -> Iterator[str]:
    # not executescript, which would commit the transaction first
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _checksum(step: Step) -> str:
    return hashlib.sha256(step.text.encode()).hexdigest()


def _out_of_date(state: SchemaState) -> SchemaOutOfDate:
    have = state.have or "none"
    remedy = "run unison-storage migrate" if state.steps else "upgrade unison-storage-sqlite"
    message = f"the file has schema {have}, this version needs {state.want}: {remedy}"
    return SchemaOutOfDate(message, have=state.have, want=state.want)
