"""The schema of a database: numbered files of constraints and indexes, and what was applied of them.

Files and ledger are in the format of Neo4j-Migrations: ``V0001__name.cypher``, one sort of statement in each, and a
node ``__Neo4jMigration`` for each that was applied: https://michael-simons.github.io/neo4j-migrations/
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from importlib.resources import files
from typing import Final
from zlib import crc32

from unison_storage.contracts.migrations import MARKED, Migrations, SchemaState, Step
from unison_storage.errors import DeadlineExceeded, MigrationLocked, SchemaOutOfDate, StorageError
from unison_storage.profiles import Profile
from unison_storage_neo4j import errors
from unison_storage_neo4j.config import Server
from unison_storage_neo4j.connection import Sessions, driver_of
from unison_storage_neo4j.statements import Statement

_PATIENCE: Final = 10.0
"""Seconds that another process may take to migrate."""

_APPLIED: Final = Statement(
    "OPTIONAL MATCH (m:`__Neo4jMigration`) WITH m ORDER BY m.version "
    "WITH collect([m.version, m.checksum]) AS applied "
    "OPTIONAL MATCH (s:`__UnisonStorage`) WITH applied, head(collect(s.profile)) AS profile RETURN [applied, profile]"
)
_LOCKABLE: Final = Statement(
    "CREATE CONSTRAINT unison_migrations_lock IF NOT EXISTS FOR (l:`__Neo4jMigrationsLock`) REQUIRE l.id IS UNIQUE",
    writes=True,
)
_LOCK: Final = "MERGE (l:`__Neo4jMigrationsLock` {id: 'unison-storage'}) SET l.at = timestamp()"
_RECORD: Final = Statement(
    "MERGE (m:`__Neo4jMigration` {version: $version}) "
    "SET m.description = $description, m.checksum = $checksum, m.type = 'CYPHER', m.executed = datetime() "
    "WITH m OPTIONAL MATCH (p:`__Neo4jMigration`) WHERE p.version < $version AND NOT (p)-[:MIGRATED_TO]->() "
    "FOREACH (_ IN CASE WHEN p IS NULL THEN [] ELSE [1] END | MERGE (p)-[:MIGRATED_TO]->(m))",
    writes=True,
)
_READY: Final = Statement("CALL db.awaitIndexes(60)")
_MARK: Final = Statement("MERGE (s:`__UnisonStorage`) SET s.profile = $profile", writes=True)


@cache
def steps() -> tuple[Step, ...]:
    """Return all migrations of this version, in order."""
    found = [file for file in files(__name__).iterdir() if file.name.endswith(".cypher")]
    return tuple(
        Step(file.name.removesuffix(".cypher"), file.read_text("utf-8"))
        for file in sorted(found, key=lambda file: file.name)
    )


async def check(sessions: Sessions) -> None:
    """Return if the schema is the one that this version wants; ``SchemaOutOfDate`` otherwise."""
    state = await _state(sessions)
    if not state.current:
        raise SchemaOutOfDate(
            f"the schema is {state.have or 'not there'}, this version wants {state.want}: run unison-storage migrate",
            have=state.have,
            want=state.want,
        )


class Neo4jMigrations(Migrations):
    """The migrations of one database."""

    def __init__(self, server: Server, profile: Profile = Profile.TEST) -> None:
        self._server = server
        self._profile = profile

    async def state(self) -> SchemaState:
        """See the contract."""
        async with _opened(self._server) as sessions:
            return await _state(sessions)

    async def apply(self) -> SchemaState:
        """See the contract. Each statement of a schema is a transaction; those that are there already do nothing."""
        async with _opened(self._server) as sessions:
            state = await _state(sessions)
            if state.current and not state.unmarked(self._profile):
                return state
            if not state.current and not state.steps:
                raise SchemaOutOfDate(
                    f"the schema is {state.have}, ahead of {state.want}: upgrade unison-storage",
                    have=state.have,
                    want=state.want,
                )
            await sessions.run(_LOCKABLE, {})
            async with _locked(self._server):
                for step in (await _state(sessions)).steps:
                    await _apply(sessions, step)
                if self._profile in MARKED:
                    await sessions.run(_MARK, {"profile": str(self._profile)})
            return await _state(sessions)


async def _apply(sessions: Sessions, step: Step) -> None:
    for text in step.text.split(";"):
        if text.strip():
            await sessions.run(Statement(text.strip(), writes=True), {})
    await sessions.run(_READY, {})
    version, _, description = step.name.partition("__")
    parameters = {"version": version[1:], "description": description, "checksum": _checksum(step)}
    await sessions.run(_RECORD, parameters)


async def _state(sessions: Sessions) -> SchemaState:
    applied, profile = await sessions.run(_APPLIED, {})
    known = {_version(step): _checksum(step) for step in steps()}
    found = {version: checksum for version, checksum in applied if version is not None}
    want = _version(steps()[-1])
    strange = [version for version, checksum in found.items() if known.get(version) != checksum]
    if strange:
        return SchemaState(f"{strange[-1]}, which this version does not know", want, (), profile)
    left = tuple(step for step in steps() if _version(step) not in found)
    return SchemaState(max(found, default=None), want, left, profile)


def _version(step: Step) -> str:
    return step.name.partition("__")[0][1:]


def _checksum(step: Step) -> str:
    return str(crc32(step.text.encode()))


@asynccontextmanager
async def _opened(server: Server) -> AsyncIterator[Sessions]:
    sessions = await Sessions.opened(server)
    try:
        yield sessions
    finally:
        await sessions.close()


@asynccontextmanager
async def _locked(server: Server) -> AsyncIterator[None]:
    """Keep other processes from migrating: by a lock of a transaction, which ends with this process, too."""
    failed: StorageError | None = None
    async with driver_of(server) as driver, driver.session(database=server.database) as session:
        transaction = await session.begin_transaction(timeout=_PATIENCE)
        try:
            await (await transaction.run(_LOCK)).consume()
        except Exception as error:  # noqa: BLE001 - the border of the plugin: whatever the driver meets is translated
            failed = errors.translated(error, writes=False)
        if failed is None:
            yield
            await transaction.commit()
    if isinstance(failed, DeadlineExceeded):
        raise MigrationLocked(f"another process has been migrating for {_PATIENCE:g} s")
    if failed is not None:
        raise failed
