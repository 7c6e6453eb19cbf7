from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.plugins.neo4j.surroundings import asked, context, server_at
from tests.services import neo4j
from unison_storage.errors import SchemaOutOfDate
from unison_storage.profiles import Profile
from unison_storage.unison_model import UNISON_MODEL
from unison_storage_neo4j.graph import Neo4jGraph
from unison_storage_neo4j.migrations import Neo4jMigrations, steps


@pytest.fixture
def bare(started: neo4j.Started) -> Iterator[neo4j.Started]:
    """A database without a schema, which gets it back."""

    def empty() -> None:
        asked(started, "MATCH (n) DETACH DELETE n")
        for kind, names in (
            ("CONSTRAINT", asked(started, "SHOW CONSTRAINTS YIELD name")),
            ("INDEX", asked(started, "SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name")),
        ):
            for (name,) in names:
                asked(started, f"DROP {kind} {name} IF EXISTS")

    empty()
    yield started
    empty()


def test_a_bare_database_is_refused_until_it_is_migrated(bare: neo4j.Started) -> None:
    async def test() -> None:
        migrations = Neo4jMigrations(server_at(bare.url))
        before = await migrations.state()
        assert (before.have, [step.name for step in before.steps]) == (None, [step.name for step in steps()])
        backend = Neo4jGraph(server_at(bare.url), context())
        with pytest.raises(SchemaOutOfDate, match="run unison-storage migrate"):
            await backend.open()
        after = await migrations.apply()
        assert after.current
        assert after.profile is None
        assert await migrations.apply() == after
        await backend.open()
        await backend.close()

    asyncio.run(test())
    unique = asked(
        bare, "SHOW CONSTRAINTS YIELD labelsOrTypes, properties WHERE properties = ['id'] RETURN labelsOrTypes"
    )
    assert {label for ([label],) in unique} >= set(UNISON_MODEL.labels)
    ledger = asked(bare, "MATCH (a:`__Neo4jMigration`)-[:MIGRATED_TO]->(b) RETURN a.version, b.version")
    assert ledger == [["0001", "0002"], ["0002", "0003"]]


def test_production_marks_its_database(bare: neo4j.Started) -> None:
    async def test() -> None:
        assert (await Neo4jMigrations(server_at(bare.url), Profile.PRODUCTION).apply()).profile == "production"
        assert (await Neo4jMigrations(server_at(bare.url)).state()).profile == "production"

    asyncio.run(test())


def test_two_processes_migrate_once(bare: neo4j.Started) -> None:
    async def test() -> None:
        states = await asyncio.gather(*(Neo4jMigrations(server_at(bare.url)).apply() for _ in range(3)))
        assert all(state.current for state in states)

    asyncio.run(test())
    assert asked(bare, "MATCH (m:`__Neo4jMigration`) RETURN count(m)") == [[len(steps())]]


def test_a_schema_of_another_version_is_not_guessed_at(bare: neo4j.Started) -> None:
    async def test() -> None:
        await Neo4jMigrations(server_at(bare.url)).apply()
        asked(bare, "MERGE (m:`__Neo4jMigration` {version: '9999'}) SET m.checksum = '1'")
        state = await Neo4jMigrations(server_at(bare.url)).state()
        assert (state.current, state.steps) == (False, ())
        with pytest.raises(SchemaOutOfDate, match="upgrade unison-storage"):
            await Neo4jMigrations(server_at(bare.url)).apply()

    asyncio.run(test())
