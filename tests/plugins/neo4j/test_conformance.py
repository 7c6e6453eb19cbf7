"""Neo4j keeps every law of the graph, as the suite tries it on anybody's backend."""

from __future__ import annotations

import pytest

from tests.plugins.neo4j.surroundings import Restarted
from tests.services import neo4j
from unison_storage_conformance import suite

SERVER = neo4j.server()
OWN = isinstance(SERVER, neo4j.Started)
# a silent server is given up soon; one that somebody else has started is not killed, and then not all can be tried
OPTIONS = "?timeout=2&connect_timeout=1"


@pytest.fixture(scope="module", autouse=True)
def _server() -> None:
    SERVER.start()


TestNeo4j = suite(
    Restarted(SERVER, OPTIONS) if isinstance(SERVER, neo4j.Started) else SERVER.url + OPTIONS, ["graph"], strict=OWN
)
