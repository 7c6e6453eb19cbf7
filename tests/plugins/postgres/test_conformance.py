"""PostgreSQL keeps every law, as the suite tries it on anybody's backend.

Where the tests run on several Pythons, each kind is tried on one of them. Blobs are kept elsewhere.
"""

from __future__ import annotations

import asyncio
import os

import pytest

from tests.plugins.postgres.surroundings import Restarted, as_service, for_service
from tests.services import postgres
from tests.share import shared
from unison_storage_conformance import suite

NAME = f"conformance_{os.getpid()}"


@pytest.fixture(scope="module", autouse=True)
def _database() -> None:
    asyncio.run(as_service(postgres.database(NAME)))


# a silent server is given up soon; one that somebody else has started is not killed, and then not all can be tried
URL = f"{for_service(postgres.server().url(NAME))}?statement_timeout=0.3&connect_timeout=2"
OWN = isinstance(postgres.server(), postgres.Started)

TestPostgres = suite(Restarted(URL) if OWN else URL, shared(("memory", "object", "graph")), strict=OWN)
