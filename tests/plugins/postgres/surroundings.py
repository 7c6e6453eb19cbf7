"""What the tests of the PostgreSQL plugin work on: databases of a real server, and backends on them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

import psycopg

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


@asynccontextmanager
async def opened(url: str, made: type[Made]) -> AsyncIterator[Made]:
    """Give a backend on a database that is migrated, open."""
    await PostgresMigrations(server_at(url)).apply()
    backend = made(server_at(url), context())
    await backend.open()
    try:
        yield backend
    finally:
        await backend.close()


def memory(url: str) -> AbstractAsyncContextManager[PostgresMemory]:
    """Give memory on a database that is migrated, open."""
    return opened(url, PostgresMemory)


def put(address: str, value: bytes = b"value", version: str = "1", **rest: Any) -> Put:
    return Put(address, value, version, rest.pop("lifetime", HOUR), **rest)


def asked(url: str, statement: str, *parameters: Any) -> list[Any]:
    """Ask the database past the plugin."""
    with psycopg.connect(url.partition("?")[0], autocommit=True) as connection:
        found = connection.execute(statement, parameters)
        return found.fetchall() if found.description else []
