"""For callers' own tests: a storage on the reference backends, and a clock that the test moves.

    pytest_plugins = ["unison_storage.testing"]      # in conftest.py

    def test_drafts(storage, storage_clock):
        with storage.blocking() as blocking:
            ...

Tests of backends belong to the conformance suite.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from unison_storage.graph_model import GraphModel
from unison_storage.keyspaces import Keyspace
from unison_storage.profiles import Profile
from unison_storage.reference.cache import ReferenceCache
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.reference.objects import ReferenceBlobs, ReferenceObjectIndex
from unison_storage.storage import Storage

START = 1_893_456_000.0
"""2030-01-01T00:00:00Z, in seconds since the epoch: where a ``ManualClock`` begins."""


class ManualClock:
    """A clock that stands still until it is moved. Sleeping on it moves it and takes no time."""

    def __init__(self, start: float = START) -> None:
        self._micros = round(start * 1_000_000)

    def now(self) -> int:
        """Return microseconds since the epoch."""
        return self._micros

    def monotonic(self) -> float:
        """Return seconds."""
        return self._micros / 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Move the clock and let other tasks run."""
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Move the clock on."""
        self._micros += round(seconds * 1_000_000)


def reference_storage(
    clock: ManualClock | None = None, keyspaces: Sequence[Keyspace] = (), graph_model: GraphModel | None = None
) -> Storage:
    """Return a storage of profile ``test`` on empty reference backends, not opened yet."""
    clock = clock or ManualClock()
    return Storage(
        memory=ReferenceMemory(clock),
        object=ReferenceBlobs(clock),
        object_index=ReferenceObjectIndex(clock),
        graph=ReferenceGraph(clock),
        cache=ReferenceCache(clock),
        graph_model=graph_model,
        keyspaces=keyspaces,
        profile=Profile.TEST,
        clock=clock,
    )


@pytest.fixture
def storage_clock() -> ManualClock:
    """Return the clock of ``storage``."""
    return ManualClock()


@pytest.fixture
def storage(storage_clock: ManualClock) -> Storage:
    """Return an empty storage on the reference backends; open it with ``async with`` or ``.blocking()``."""
    return reference_storage(storage_clock)
