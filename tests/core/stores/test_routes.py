"""Routes: which backend serves a kind in a keyspace, and all of them at once."""

from __future__ import annotations

import pytest

from unison_storage.classification import ACCEPTED, DataClass
from unison_storage.errors import ClassificationViolation, InvalidConfig, UnknownKeyspace
from unison_storage.keyspaces import Keyspace, Keyspaces
from unison_storage.profiles import Profile
from unison_storage.reference.cache import ReferenceCache
from unison_storage.stores.border import Border
from unison_storage.stores.routes import Routes
from unison_storage.telemetry import Telemetry
from unison_storage.testing import ManualClock

CLOCK = ManualClock()
SHARED, OWN = ReferenceCache(CLOCK), ReferenceCache(CLOCK)


def routes(*keyspaces: Keyspace, shared: ReferenceCache | None = SHARED, kind: str = "cache") -> Routes[ReferenceCache]:
    known = Keyspaces(keyspaces, Profile.TEST)
    return Routes(Border(Telemetry()), kind, known, shared, {"mine": OWN}, lambda keyspace: keyspace.for_cache())


def test_a_keyspace_of_its_own_comes_before_what_all_share() -> None:
    found = routes(Keyspace("mine"), Keyspace("other"))
    assert found.get("mine").backend is OWN
    assert found.get("other").backend is SHARED
    assert [backend for _, backend in found.everywhere()] == [SHARED, OWN]
    assert [backend for _, backend in routes(shared=None).everywhere()] == [OWN]
    assert [backend for _, backend in routes(shared=OWN).everywhere()] == [OWN]


def test_a_declared_keyspace_is_looked_up_once_and_another_is_not_kept() -> None:
    found = routes(Keyspace("mine"))
    assert found.get("mine") is found.get("mine")
    assert found.get("undeclared") is not found.get("undeclared")


def test_bounds_are_those_of_the_kind() -> None:
    assert routes(Keyspace("mine")).get("mine").keyspace.ceiling == 86_400


def test_without_a_backend_for_all_only_keyspaces_of_their_own_are_served() -> None:
    found = routes(Keyspace("mine"), Keyspace("other"), shared=None)
    with pytest.raises(InvalidConfig, match="nothing serves cache of keyspace 'other'"):
        found.get("other")
    assert [route.keyspace.name for route in found.declared()] == ["mine"]


@pytest.mark.parametrize("kind", ["memory", "object", "cache"])
@pytest.mark.parametrize("data_class", DataClass)
def test_a_kind_takes_the_classes_of_its_row_and_no_other(kind: str, data_class: DataClass) -> None:
    found = routes(Keyspace("mine", data_class=data_class), kind=kind)
    if data_class in ACCEPTED[kind]:
        assert found.get("mine").keyspace.name == "mine"
        return
    with pytest.raises(ClassificationViolation) as caught:
        found.get("mine")
    assert (caught.value.field, caught.value.target) == ("keyspace mine", kind)
    assert "mine" not in [route.keyspace.name for route in found.declared()]


def test_what_is_not_declared_is_asked_of_the_keyspaces() -> None:
    strict = Routes(Border(Telemetry()), "cache", Keyspaces((), Profile.PRODUCTION), SHARED, {})
    with pytest.raises(UnknownKeyspace):
        strict.get("nowhere")
