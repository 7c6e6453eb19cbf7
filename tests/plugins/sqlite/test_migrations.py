from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.plugins.sqlite.surroundings import context, error_of, file_at, migrated, output_of, python
from unison_storage.errors import InvalidConfig, MigrationLocked, SchemaOutOfDate
from unison_storage.profiles import Profile
from unison_storage_sqlite.memory import SqliteMemory
from unison_storage_sqlite.migrations import SqliteMigrations, steps

NAMES = ["0001_memory", "0002_objects", "0003_graph", "0004_cache"]
TABLES = {
    *("memory", "objects", "blobs", "graph_nodes", "graph_edges", "cache_entries", "cache_leases", "cache_fence"),
    "unison_storage_migrations",
}


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as database:
        return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_the_state_of_nothing_makes_nothing(tmp_path: Path) -> None:
    state = asyncio.run(SqliteMigrations(file_at(tmp_path / "new" / "x.db")).state())
    assert (state.have, state.want, [step.name for step in state.steps]) == (None, NAMES[-1], NAMES)
    assert "CREATE TABLE memory" in state.steps[0].text
    assert list(tmp_path.iterdir()) == []


def test_the_state_of_a_file_leaves_it_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "x.db").touch()
    migrations = SqliteMigrations(file_at(tmp_path / "x.db"))
    assert asyncio.run(migrations.state()).have is None
    assert (tmp_path / "x.db").read_bytes() == b""
    asyncio.run(migrations.apply())
    before = (tmp_path / "x.db").read_bytes()
    assert asyncio.run(migrations.state()).current
    assert (tmp_path / "x.db").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["x.db"]


def test_applying_twice_is_applying_once(tmp_path: Path) -> None:
    migrations = SqliteMigrations(file_at(tmp_path / "x.db"))
    for _ in range(2):
        state = asyncio.run(migrations.apply())
        assert (state.have, state.steps, state.current) == (NAMES[-1], (), True)
    assert tables(tmp_path / "x.db") == TABLES


def test_a_file_that_is_behind_is_brought_forward(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    asyncio.run(migrated(path))
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("INSERT INTO memory VALUES ('k', x'', 'v', 0, 0, NULL, NULL)")
        for table in TABLES - {"memory", "unison_storage_migrations"}:
            database.execute(f"DROP TABLE {table}")
        database.execute("DELETE FROM unison_storage_migrations WHERE name > '0002'")
    error = error_of(SqliteMemory(file_at(path), context()).open())
    assert isinstance(error, SchemaOutOfDate)
    assert (error.have, error.want) == (NAMES[0], NAMES[-1])
    assert "unison-storage migrate" in error.message
    assert asyncio.run(SqliteMigrations(file_at(path)).state()).steps == steps()[1:]
    assert asyncio.run(SqliteMigrations(file_at(path)).apply()).current
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM memory").fetchone() == (1,)


@pytest.mark.parametrize(
    ("change", "have"),
    [
        ("INSERT INTO unison_storage_migrations VALUES ('9999_future', 'x')", "9999_future"),
        (
            "UPDATE unison_storage_migrations SET checksum = 'x' WHERE name = '0001_memory'",
            "0001_memory with another text",
        ),
    ],
)
def test_a_file_of_a_newer_or_another_version_is_refused_with_both_revisions(
    tmp_path: Path, change: str, have: str
) -> None:
    path = tmp_path / "x.db"
    asyncio.run(migrated(path))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(change)
    migrations = SqliteMigrations(file_at(path))
    state = asyncio.run(migrations.state())
    assert (state.have, state.want, state.steps, state.current) == (have, NAMES[-1], (), False)
    for call in (migrations.apply(), SqliteMemory(file_at(path), context()).open()):
        error = error_of(call)
        assert isinstance(error, SchemaOutOfDate)
        assert (error.have, error.want) == (have, NAMES[-1])


def test_a_step_that_fails_leaves_nothing_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE blobs (of_another_program TEXT)")
    error = error_of(SqliteMigrations(file_at(path)).apply())
    assert isinstance(error, InvalidConfig)
    assert "UNISON_STORAGE_MEMORY_URL" in error.message
    assert tables(path) == {"blobs", "memory", "unison_storage_migrations"}  # the second step made no objects
    assert asyncio.run(SqliteMigrations(file_at(path)).state()).have == NAMES[0]


def test_what_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("a letter " * 1000)
    migrations = SqliteMigrations(file_at(tmp_path / "x.db"))
    for call in (migrations.state(), migrations.apply()):
        assert isinstance(error_of(call), InvalidConfig)
    assert (tmp_path / "x.db").read_text() == "a letter " * 1000
    for call in (SqliteMigrations(file_at(tmp_path)).state(), SqliteMigrations(file_at(tmp_path)).apply()):
        assert isinstance(error_of(call), InvalidConfig)


APPLY = """
import asyncio, sys
from pathlib import Path
from tests.plugins.sqlite.surroundings import file_at
from unison_storage_sqlite.migrations import SqliteMigrations
print("ready", flush=True)
print(asyncio.run(SqliteMigrations(file_at(Path(sys.argv[1]))).apply()).have)
"""


def test_of_processes_that_migrate_at_once_each_ends_well(tmp_path: Path) -> None:
    for process in [python(APPLY, tmp_path / "x.db") for _ in range(4)]:
        assert output_of(process) == f"ready\n{NAMES[-1]}\n"

    async def crowd(number: int) -> None:
        path = tmp_path / f"{number}.db"
        states = await asyncio.gather(*(SqliteMigrations(file_at(path)).apply() for _ in range(6)))
        assert [state.have for state in states] == [NAMES[-1]] * 6

    for number in range(15):
        asyncio.run(crowd(number))


def test_whoever_waits_too_long_is_told_that_another_one_migrates(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("BEGIN IMMEDIATE")
        error = error_of(SqliteMigrations(file_at(tmp_path / "x.db", "?busy_timeout=0.05")).apply())
    assert isinstance(error, MigrationLocked)
    assert error.retryable


def test_a_migration_that_was_released_is_never_changed() -> None:
    assert {step.name: hashlib.sha256(step.text.encode()).hexdigest()[:12] for step in steps()} == CHECKSUMS


CHECKSUMS = {
    "0001_memory": "88fe949a9dcb",
    "0002_objects": "f10a1908d739",
    "0003_graph": "1281c901480a",
    "0004_cache": "8dd181f91ef7",
}


def test_a_file_is_marked_in_production_and_staging_and_keeps_its_mark(tmp_path: Path) -> None:
    file = file_at(tmp_path / "x.db")
    assert asyncio.run(SqliteMigrations(file, Profile.DEVELOPMENT).apply()).profile is None
    for applying, marked in (
        (Profile.STAGING, "staging"),
        (Profile.TEST, "staging"),
        (Profile.PRODUCTION, "production"),
        (Profile.DEVELOPMENT, "production"),
    ):
        assert asyncio.run(SqliteMigrations(file, applying).apply()).profile == marked
        assert asyncio.run(SqliteMigrations(file).state()).profile == marked
