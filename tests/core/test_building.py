"""Which stores the opened backends make possible."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.watched import Log, watched
from unison_storage.building import stores
from unison_storage.keyspaces import Keyspaces
from unison_storage.profiles import Profile
from unison_storage.stores.border import Border
from unison_storage.telemetry import Telemetry
from unison_storage.testing import ManualClock
from unison_storage.unison_model import UNISON_MODEL

BACKENDS = watched(ManualClock(), Log())
WANTED = {"memory": {"memory"}, "graph": {"graph", "graph counts"}, "cache": {"cache"}}


def built(names: dict[str, str]) -> set[str]:
    """Return the stores on backends under other names: ``names`` maps each to the kind of its backend."""
    opened = {name: BACKENDS[kind] for name, kind in names.items()}
    keyspaces = Keyspaces((), Profile.TEST)
    return set(stores(Border(Telemetry()), opened, keyspaces, UNISON_MODEL, 1, ManualClock()))


@given(st.sets(st.sampled_from(sorted(BACKENDS))))
def test_each_kind_has_a_store_where_all_it_needs_is_open(kinds: set[str]) -> None:
    expected = {store for kind in kinds & WANTED.keys() for store in WANTED[kind]}
    if {"object", "object_index"} <= kinds:
        expected |= {"object", "upkeep"}
    assert built({kind: kind for kind in kinds}) == expected


@pytest.mark.parametrize("kind", ["memory", "cache"])
def test_a_keyspace_of_its_own_is_enough(kind: str) -> None:
    assert built({f"{kind} mine": kind}) == {kind}
