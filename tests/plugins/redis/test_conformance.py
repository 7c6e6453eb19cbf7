"""Redis keeps every law, as the suite tries it on anybody's backend.

Where the tests run on several Pythons, each kind is tried on one of them.
"""

from __future__ import annotations

import pytest

from tests.plugins.redis.surroundings import Restarted, own
from tests.services import valkey
from tests.share import shared
from unison_storage_conformance import suite

SERVER = valkey.server()
OWN = isinstance(SERVER, valkey.Started)
# a silent server is given up soon; one that somebody else has started is not killed, and then not all can be tried
OPTIONS = "?timeout=0.3&connect_timeout=2"


@pytest.fixture(scope="module", autouse=True)
def _server() -> None:
    SERVER.start()


TARGET = Restarted(SERVER, OPTIONS) if isinstance(SERVER, valkey.Started) else own(SERVER.url + OPTIONS)

TestRedis = suite(TARGET, shared(("memory", "cache")), strict=OWN)
