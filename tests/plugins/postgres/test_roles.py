"""Roles that own nothing: what a service and the sweeper need is granted, and nothing else."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Iterator
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from tests.plugins.postgres.surroundings import HOUR, memory, opened, put, server_at
from tests.services import postgres
from unison_storage import Profile, Storage
from unison_storage.cli.app import app
from unison_storage.contracts.graph import Traversal
from unison_storage.contracts.memory import Delete, Increment
from unison_storage.errors import AccessDenied, GuardViolation
from unison_storage.values import Edge, Node
from unison_storage_postgres.graph import PostgresGraph
from unison_storage_postgres.migrations import PostgresMigrations
from unison_storage_postgres.objects import PostgresObjectIndex
from unison_storage_postgres.tables import METADATA

ROLES = ("unison_storage_application", "unison_storage_keeper")


@pytest.fixture(scope="module")
def owned() -> str:
    """The URL of a database that is migrated and has the roles, by its owner."""
    url = postgres.database(f"roles_{os.getpid()}")
    migrations = PostgresMigrations(server_at(url))
    asyncio.run(migrations.apply())
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(2):
            connection.execute(migrations.roles().encode())
    return url


@pytest.fixture
def as_role(owned: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of the database for somebody who has a role and no other right."""
    name, password = f"r{secrets.token_hex(4)}", secrets.token_hex(8)
    with psycopg.connect(owned, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}").format(
                sql.Identifier(name), sql.Literal(password), sql.Identifier(request.param)
            )
        )
        yield f"postgresql://{name}:{password}@{owned.partition('@')[2]}"
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@pytest.mark.parametrize("as_role", ROLES[:1], indirect=True)
def test_a_service_does_all_that_it_has_to(as_role: str) -> None:
    async def test() -> None:
        async with memory(as_role, service=False) as entries:
            await entries.put_many([put("k\x1fa"), put("k\x1fb", person="ann")])
            await entries.put_many([put("k\x1fa")])
            await entries.increment_many([Increment("k\x1fn", 1, "v1", HOUR)])
            assert await entries.count("k\x1f") == 3
            assert await entries.delete_many([Delete("k\x1fa")]) == [True]
            assert await entries.erase("ann") == 1
            assert await entries.delete_prefix("k\x1f") == 1
            assert await entries.purge_expired(10) == 0
        async with opened(as_role, PostgresGraph, service=False) as graph:
            ends = [Node("Person", "p1", person="ann"), Node("Device", "d1")]
            assert await graph.upsert_nodes(ends) == [True, True]
            assert await graph.upsert_edges([Edge("OWNS", ends[0].ref, ends[1].ref)]) == [True]
            walk = await graph.traverse(Traversal((ends[0].ref,), "out", None, 2, 5))
            assert [one.id for one in walk.nodes] == ["d1"]
            assert await graph.erase("ann") == 2
            assert await graph.clear("") == 1
        async with opened(as_role, PostgresObjectIndex, service=False) as index:
            await index.begin("0" * 32, None)
            assert list(await index.known(["0" * 32])) == ["0" * 32]
            assert await index.unwanted(await index.now() + HOUR, 0, 10) == []
            await index.forget(["0" * 32])

    asyncio.run(test())


@pytest.mark.parametrize("as_role", ROLES, indirect=True)
def test_nobody_but_the_owner_changes_the_schema(as_role: str) -> None:
    statements: list[LiteralString] = [
        "CREATE TABLE mine (id int)",
        "DROP TABLE memory_entries",
        "ALTER TABLE graph_nodes ADD COLUMN mine int",
        "TRUNCATE memory_entries",
        "UPDATE unison_storage_migrations SET version_num = 'x'",
        "UPDATE unison_storage_mark SET profile = 'test'",
        "CREATE OR REPLACE FUNCTION unison_storage_now() RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint'",
    ]
    with psycopg.connect(as_role, autocommit=True) as connection:
        for statement in statements:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


@pytest.mark.parametrize("as_role", ROLES[1:], indirect=True)
def test_the_keeper_removes_and_writes_nothing(as_role: str) -> None:
    async def test() -> None:
        async with memory(as_role, service=False) as entries:
            assert await entries.purge_expired(10) == 0
            with pytest.raises(AccessDenied, match="migrate --print-roles"):
                await entries.put_many([put("k\x1fa")])

    asyncio.run(test())


def test_every_table_is_granted_to_a_service(owned: str) -> None:
    with psycopg.connect(owned) as connection:
        for table in METADATA.tables:
            found = connection.execute(
                "SELECT bool_and(has_table_privilege(%s, %s, one)) FROM unnest(%s::text[]) AS one",
                (ROLES[0], table, ["SELECT", "INSERT", "UPDATE", "DELETE"]),
            ).fetchone()
            assert found == (True,), table


@pytest.mark.parametrize("as_role", ROLES[:1], indirect=True)
def test_production_serves_neither_a_superuser_nor_the_owner(owned: str, as_role: str) -> None:
    name = f"o{secrets.token_hex(4)}"
    with psycopg.connect(owned, autocommit=True) as connection:
        make = sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'x' IN ROLE {}")
        connection.execute(make.format(sql.Identifier(name), sql.Identifier(ROLES[0])))
        own = sql.SQL("ALTER TABLE memory_entries OWNER TO {}")
        connection.execute(own.format(sql.Identifier(name)))

    async def test() -> None:
        for url, told in (
            (owned, "is a superuser"),
            (f"postgresql://{name}:x@{owned.partition('@')[2]}", "owns the tables"),
        ):
            with pytest.raises(GuardViolation, match=told) as raised:
                await Storage(memory=url, profile=Profile.PRODUCTION).open()
            assert (raised.value.rule, "--print-roles" in raised.value.remedy) == ("postgres-role", True)
        async with Storage(memory=as_role, profile=Profile.PRODUCTION) as storage:
            await storage.memory.at("session", "p1").put("k", 1)

    asyncio.run(test())
    with psycopg.connect(owned, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER TABLE memory_entries OWNER TO postgres"))
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_the_command_prints_them_and_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://nobody@127.0.0.1:1/nothing"
    monkeypatch.setenv("UNISON_STORAGE_DATABASE_URL", url)
    monkeypatch.setenv("UNISON_STORAGE_PROFILE", "test")
    printed = CliRunner().invoke(app, ["migrate", "--print-roles"])
    assert printed.exit_code == 0
    assert printed.stdout == PostgresMigrations(server_at(url)).roles()
    assert CliRunner().invoke(app, ["migrate", "--print-roles", "--status"]).exit_code == 2
