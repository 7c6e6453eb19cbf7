"""The schema of a database: its revisions, and what was applied of them. No statements of a kind stand here.

A revision is written with Alembic's operations, which give the SQL; that is executed here, each revision in a
transaction under a lock. Alembic and SQLAlchemy are imported when steps are asked for: serving needs one look at the
revision.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any, Final, TypeVar

import psycopg

from unison_storage.contracts.migrations import Migrations, SchemaState, Step
from unison_storage.errors import MigrationLocked, SchemaOutOfDate, StorageError
from unison_storage.profiles import Profile
from unison_storage_postgres import errors
from unison_storage_postgres.config import Server
from unison_storage_postgres.statements import Statement

T = TypeVar("T")

LEDGER: Final = "unison_storage_migrations"
"""Where the revision stands that was applied, in Alembic's format, and apart from that of another program."""

_FOLDER: Final = Path(__file__).parent
_APPLIED: Final = Statement("applied", "SELECT version_num FROM unison_storage_migrations")
# reads a table, since a name alone is looked up in what this session has cached before others have made it
_OURS: Final = """
    SELECT relname FROM pg_class
    WHERE oid IN (to_regclass('unison_storage_migrations'), to_regclass('unison_storage_mark'))
"""
_MARKED: Final = "SELECT profile FROM unison_storage_mark"
_MARK: Final = """
    INSERT INTO unison_storage_mark (one, profile) VALUES (true, %s)
    ON CONFLICT (one) DO UPDATE SET profile = EXCLUDED.profile
"""
_PATIENCE: Final = "SET LOCAL lock_timeout = '10s'"
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('unison-storage migrations'))"
_BUSY: Final = "55P03"


@cache
def revisions() -> tuple[str, ...]:
    """Return the names of all revisions of this version, in order."""
    return tuple(sorted(file.stem for file in (_FOLDER / "versions").glob("[0-9]*.py")))


async def check(run: Callable[[Statement, Sequence[Any]], Awaitable[list[Any]]]) -> None:
    """Return if the schema is the one that this version wants; ``SchemaOutOfDate`` otherwise."""
    try:
        applied = await run(_APPLIED, ())
    except SchemaOutOfDate:
        applied = []
    have = applied[0][0] if applied else None
    if have != revisions()[-1]:
        raise _out_of_date(have)


class PostgresMigrations(Migrations):
    """The migrations of one database."""

    def __init__(self, server: Server, profile: Profile = Profile.TEST) -> None:
        self._server = server
        self._profile = profile

    async def state(self) -> SchemaState:
        """See the contract."""
        return await _in_thread(lambda: _state(self._server))

    async def apply(self) -> SchemaState:
        """See the contract. Each revision is a transaction, under a lock that other processes wait for."""
        return await _in_thread(lambda: _applied(self._server, self._profile))

    def roles(self) -> str:
        """See the contract."""
        return (_FOLDER / "roles.sql").read_text("utf-8")


async def _in_thread(call: Callable[[], T]) -> T:
    # a thread of its own, since those of asyncio stay until the loop ends
    pool = ThreadPoolExecutor(1, "unison-storage-postgres-migrations")
    running = pool.submit(_translating, call)
    try:
        return await asyncio.wrap_future(running)
    finally:
        pool.shutdown(wait=running.done())  # where the caller was cancelled, the thread ends by itself


def _translating(call: Callable[[], T]) -> T:
    try:
        return call()
    except psycopg.Error as error:
        failed = _failure(error)
    raise failed  # here, since an error keeps the one at whose handling it is raised


def _failure(error: psycopg.Error) -> StorageError:
    if error.sqlstate == _BUSY:
        return MigrationLocked("another process is migrating the database; wait for it")
    return errors.answered(error.sqlstate, writes=False) if error.sqlstate else errors.lost(unknown=False)


def _connect(server: Server) -> psycopg.Connection[Any]:
    try:
        return psycopg.connect(**{**server.parameters, "options": ""}, autocommit=True, prepare_threshold=None)
    except psycopg.Error as error:
        failed = errors.unconnected(error)
    raise failed  # see _translating


def _state(server: Server) -> SchemaState:
    with _connect(server) as connection:
        return _state_of(connection)


def _state_of(connection: psycopg.Connection[Any]) -> SchemaState:
    ours = {name for (name,) in connection.execute(_OURS)}
    applied = connection.execute(_APPLIED.text).fetchone() if LEDGER in ours else None
    marked = connection.execute(_MARKED).fetchone() if "unison_storage_mark" in ours else None
    have = applied[0] if applied else None
    known = revisions()
    left: Sequence[str] = ()
    if have is None or have in known:
        left = known[known.index(have) + 1 :] if have else known
    return SchemaState(have, known[-1], tuple(Step(name, _text(name)) for name in left), marked[0] if marked else None)


def _applied(server: Server, profile: Profile) -> SchemaState:
    with _connect(server) as connection:
        state = _state_of(connection)
        for _ in state.steps:
            _apply_next(connection)
        state = _state_of(connection)
        if state.current and state.unmarked(profile):
            connection.execute(_MARK, (str(profile),))
            state = _state_of(connection)
    if not state.current:
        raise _out_of_date(state.have)
    return state


def _apply_next(connection: psycopg.Connection[Any]) -> None:
    """Apply one revision, unless another process has done so while this one waited for the lock."""
    with connection.transaction():
        connection.execute(_PATIENCE)
        connection.execute(_LOCK)
        for step in _state_of(connection).steps[:1]:
            connection.execute(step.text.encode())


@cache
def _text(revision: str) -> str:
    """Return the SQL of one revision, with the line that records it: what is shown is what is executed."""
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from sqlalchemy import Column, MetaData, Table, Text

    said = StringIO()
    writing = {"as_sql": True, "output_buffer": said, "literal_binds": True}
    op = Operations(MigrationContext.configure(dialect_name="postgresql", opts=writing))
    ledger = Table(LEDGER, MetaData(), Column("version_num", Text))
    place = revisions().index(revision)
    if not place:
        op.create_table(LEDGER, Column("version_num", Text, primary_key=True))
    import_module(f"{__name__}.versions.{revision}").upgrade(op)
    before = ledger.c.version_num == revisions()[place - 1]
    op.execute(
        ledger.update().where(before).values(version_num=revision)
        if place
        else ledger.insert().values(version_num=revision)
    )
    return said.getvalue()


def _out_of_date(have: str | None) -> SchemaOutOfDate:
    want = revisions()[-1]
    remedy = "run unison-storage migrate" if have is None or have in revisions() else "upgrade unison-storage-postgres"
    message = f"the database has schema {have or 'none'}, this version needs {want}: {remedy}"
    return SchemaOutOfDate(message, have=have, want=want)
