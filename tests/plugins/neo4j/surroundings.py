"""What the tests of the Neo4j plugin work on: a real server, and graphs on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import neo4j

from tests.services.neo4j import Started
from unison_storage.clock import SystemClock
from unison_storage.contracts.context import Context
from unison_storage.profiles import Profile
from unison_storage.targets import Target
from unison_storage.telemetry import Telemetry
from unison_storage_conformance.harness import Harness
from unison_storage_neo4j.config import Server
from unison_storage_neo4j.graph import Neo4jGraph
from unison_storage_neo4j.migrations import Neo4jMigrations


class Restarted(Harness):
    """A server of these tests, which is killed and started again."""

    def __init__(self, server: Started, options: str = "") -> None:
        self.url = server.url + options
        self._server = server

    async def restart(self) -> None:
        await asyncio.to_thread(self._server.kill)
        await asyncio.to_thread(self._server.start)

    def __getstate__(self) -> dict[str, Any]:
        # another process connects to the server and does not run it
        return {name: value for name, value in vars(self).items() if name != "_server"}


def server_at(url: str) -> Server:
    return Server.of(Target.parse(url, "UNISON_STORAGE_GRAPH_URL"))


def context(profile: Profile = Profile.TEST) -> Context:
    return Context(profile, SystemClock(), Telemetry())


@asynccontextmanager
async def graph(url: str, profile: Profile = Profile.TEST) -> AsyncIterator[Neo4jGraph]:
    """Give a graph on a database that is migrated, open."""
    await Neo4jMigrations(server_at(url)).apply()
    backend = Neo4jGraph(server_at(url), context(profile))
    await backend.open()
    try:
        yield backend
    finally:
        await backend.close()


def asked(server: Started, text: str, **parameters: Any) -> list[Any]:
    """Ask the database past the plugin."""
    with neo4j.GraphDatabase.driver(f"bolt://127.0.0.1:{server.port}", auth=("neo4j", server.password)) as driver:
        return [list(record) for record in driver.execute_query(text, parameters, database_="neo4j").records]


def hits(server: Started, text: str, **parameters: Any) -> int:
    """Run a statement past the plugin; return how often the server looked at what it stores for it."""
    with neo4j.GraphDatabase.driver(f"bolt://127.0.0.1:{server.port}", auth=("neo4j", server.password)) as driver:
        plan = driver.execute_query(f"PROFILE {text}", parameters, database_="neo4j").summary.profile
    assert plan is not None
    steps = [plan]
    for step in steps:
        steps.extend(step.get("children", ()))
    return sum(int(step["args"].get("DbHits", 0)) for step in steps)
