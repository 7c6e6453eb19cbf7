"""For callers' own tests: a storage on the reference backends, and a clock that the test moves.

    pytest_plugins = ["unison_storage.testing"]      # in conftest.py

    def test_drafts(storage, storage_clock):
        with storage.blocking() as blocking:
            ...

Tests of backends belong to the conformance suite.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from unison_storage.clock import START, ManualClock
from unison_storage.graph_model import GraphModel
from unison_storage.keyspaces import Keyspace
from unison_storage.profiles import Profile
from unison_storage.reference.cache import ReferenceCache
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.reference.objects import ReferenceBlobs, ReferenceObjectIndex
from unison_storage.storage import Storage

__all__ = ["START", "ManualClock", "reference_storage", "storage", "storage_clock"]


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
