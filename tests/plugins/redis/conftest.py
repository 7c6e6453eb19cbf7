from __future__ import annotations

import pytest

from tests.plugins.redis.surroundings import own
from tests.services import valkey


@pytest.fixture
def url() -> str:
    """The URL of the server of this run, with a prefix of the test's own."""
    server = valkey.server()
    server.start()
    return own(server.url)


@pytest.fixture
def started() -> valkey.Started:
    """The server of this run, which has to be one of our own: it is asked and changed past the plugin."""
    server = valkey.server()
    if not isinstance(server, valkey.Started):
        pytest.skip("takes a server of these tests' own")
    server.start()
    return server
