from __future__ import annotations

import asyncio

import psycopg
import pytest

from tests.plugins.postgres.surroundings import asked, context, server_at
from unison_storage.errors import InvalidConfig, SchemaOutOfDate
from unison_storage.profiles import Profile
from unison_storage_postgres.memory import PostgresMemory
from unison_storage_postgres.migrations import PostgresMigrations, revisions


def tables(url: str) -> set[str]:
    return {name for (name,) in asked(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}


async def opened(url: str) -> None:
    backend = PostgresMemory(server_at(url), context())
    try:
        await backend.open()
    finally:
        await backend.close()


def test_the_state_of_an_empty_database_changes_nothing(empty: str) -> None:
    state = asyncio.run(PostgresMigrations(server_at(empty)).state())
    assert (state.have, state.want, [step.name for step in state.steps]) == (None, revisions()[-1], [*revisions()])
    assert "CREATE TABLE memory_entries" in state.steps[0].text
    assert tables(empty) == set()


def test_what_is_shown_is_what_is_executed(url: str) -> None:
    migrations = PostgresMigrations(server_at(url))
    for step in asyncio.run(migrations.state()).steps:
        asked(url, step.text)
    assert asyncio.run(migrations.state()).current


def test_applying_twice_is_applying_once_also_at_once(url: str) -> None:
    async def test() -> None:
        states = await asyncio.gather(*(PostgresMigrations(server_at(url)).apply() for _ in range(4)))
        assert {(state.have, state.steps) for state in states} == {(revisions()[-1], ())}

    asyncio.run(test())
    assert len(asked(url, "SELECT * FROM unison_storage_migrations")) == 1


def test_a_database_that_is_behind_or_ahead_is_refused_with_the_way_out(url: str) -> None:
    with pytest.raises(SchemaOutOfDate, match=r"schema none, this version needs .*: run unison-storage migrate"):
        asyncio.run(opened(url))
    asyncio.run(PostgresMigrations(server_at(url)).apply())
    asked(url, "UPDATE unison_storage_migrations SET version_num = '9999_future'")
    with pytest.raises(SchemaOutOfDate, match=r"9999_future.*upgrade unison-storage-postgres"):
        asyncio.run(opened(url))
    with pytest.raises(SchemaOutOfDate, match="upgrade"):
        asyncio.run(PostgresMigrations(server_at(url)).apply())


def test_a_database_is_marked_by_a_strict_profile_alone(url: str) -> None:
    assert asyncio.run(PostgresMigrations(server_at(url)).apply()).profile is None
    assert asyncio.run(PostgresMigrations(server_at(url), Profile.PRODUCTION).apply()).profile == Profile.PRODUCTION
    assert asyncio.run(PostgresMigrations(server_at(url), Profile.TEST).apply()).profile == Profile.PRODUCTION


def test_a_password_or_a_database_that_is_wrong_is_told(empty: str) -> None:
    wrong = (
        empty.replace("postgres:", "postgres:x", 1)
        if "://postgres:" not in empty
        else empty.replace("://postgres:", "://postgres:x")
    )
    for url in (wrong, f"{empty}_none"):
        for call in (PostgresMigrations(server_at(url)).state(), opened(url)):
            with pytest.raises(InvalidConfig, match="refuses the user, the password or the database") as failure:
                asyncio.run(call)
            assert not isinstance(failure.value.__context__, psycopg.Error), "it knows the password"
