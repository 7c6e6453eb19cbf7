from __future__ import annotations

import os

import pytest

from tests.services import postgres


@pytest.fixture(scope="package")
def empty() -> str:
    """The URL of an empty database, for tests that leave nothing in it."""
    return postgres.database(f"empty_{os.getpid()}")


@pytest.fixture
def url() -> str:
    """The URL of a database of the test's own."""
    return postgres.database(f"test_{os.getpid()}")
