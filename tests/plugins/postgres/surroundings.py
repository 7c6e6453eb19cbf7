"""What the tests of the PostgreSQL plugin work on: databases of a real server, and backends on them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from tests.services import postgres
from unison_storage.clock import SystemClock
from unison_storage.contracts.context import Context
from unison_storage.contracts.memory import Put
from unison_storage.profiles import Profile
from unison_storage.targets import Target
from unison_storage.telemetry import Telemetry
from unison_storage_conformance.harness import Harness
from unison_storage_postgres.config import Server
from unison_storage_postgres.memory import PostgresMemory
from unison_storage_postgres.migrations import PostgresMigrations
from unison_storage_postgres.session import ServerBackend

Made = TypeVar("Made", bound=ServerBackend)

HOUR = 3_600_000_000


class Restarted(Harness):
    """A database of the server of these tests, which is killed and started again."""

    def __init__(self, url: str, server: postgres.Started | None = None) -> None:
        self.url = url
        self._server = server

    async def restart(self) -> None:
        await asyncio.to_thread(postgres.restart, self._server)

    def __getstate__(self) -> dict[str, Any]:
        # another process connects to the server and does not run it
        return {name: value for name, value in vars(self).items() if name != "_server"}


def server_at(url: str) -> Server:
    return Server.of(Target.parse(url, "UNISON_STORAGE_DATABASE_URL"))


def context(profile: Profile = Profile.TEST) -> Context:
    return Context(profile, SystemClock(), Telemetry())


SERVICE = "unison_storage_test_service"


async def as_service(url: str) -> str:
    """Migrate a database as its owner, and return its URL for a role that may do what a service does, and no more."""
    migrations = PostgresMigrations(server_at(url))
    await migrations.apply()
    password = url.partition("@")[0].rpartition(":")[2]
    with psycopg.connect(url.partition("?")[0], autocommit=True) as connection:
        connection.execute(migrations.roles().encode())
        name = sql.Identifier(SERVICE)
        with suppress(psycopg.errors.DuplicateObject):
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, sql.Literal(password)))
        connection.execute(sql.SQL("GRANT unison_storage_application TO {}").format(name))
    return for_service(url)


def for_service(url: str) -> str:
    """Return a URL with the role of ``as_service`` in the place of its own; the password is the same."""
    head, _, place = url.partition("@")
    return f"postgresql://{SERVICE}:{head.rpartition(':')[2]}@{place}"


@asynccontextmanager
async def opened(url: str, made: type[Made], *, service: bool = True) -> AsyncIterator[Made]:
    """Give a backend on a database that is migrated, open: as a service would, or as whom the URL names."""
    if service:
        url = await as_service(url)
    else:
        await PostgresMigrations(server_at(url)).apply()
    backend = made(server_at(url), context())
    await backend.open()
    try:
        yield backend
    finally:
        await backend.close()


def memory(url: str, *, service: bool = True) -> AbstractAsyncContextManager[PostgresMemory]:
    """Give memory on a database that is migrated, open: as a service would, or as whom the URL names."""
    return opened(url, PostgresMemory, service=service)


def put(address: str, value: bytes = b"value", version: str = "1", **rest: Any) -> Put:
    return Put(address, value, version, rest.pop("lifetime", HOUR), **rest)


def asked(url: str, statement: str, *parameters: Any) -> list[Any]:
    """Ask the database past the plugin."""
    with psycopg.connect(url.partition("?")[0], autocommit=True) as connection:
        found = connection.execute(statement, parameters)
        return found.fetchall() if found.description else []
