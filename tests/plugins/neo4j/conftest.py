from __future__ import annotations

from pathlib import Path

import pytest

from tests.services import neo4j
from tests.share import shared

if "here" not in shared(("elsewhere", "here")):
    # a server of this size is started once, on one of the Pythons
    collect_ignore = [
        "test_backup.py",
        "test_conformance.py",
        "test_graph.py",
        "test_migrations.py",
        "test_queries.py",
        "test_restart.py",
        "test_storage.py",
        "test_stories.py",
        "test_tls.py",
        "test_unwilling.py",
    ]


@pytest.fixture
def started() -> neo4j.Started:
    """The server of this run, which has to be one of our own: it is asked past the plugin."""
    server = neo4j.server()
    if not isinstance(server, neo4j.Started):
        pytest.skip("takes a server of these tests' own")
    server.start()
    return server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the driver forget the transport of a connection that it gave up while it was made.

    The collector meets it in whichever test comes then. What a backend leaves open is the suite's to find (backend.2).
    """
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for what in ("<function _SelectorTransport.__del__", "<socket.socket"):
                ignored = f"ignore:Exception ignored in. {what}:pytest.PytestUnraisableExceptionWarning"
                item.add_marker(pytest.mark.filterwarnings(ignored))
