"""Which kind accepts which class of data, and that a refusal says what was refused, where and what takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from unison_storage.classification import ACCEPTED, DataClass, check_accepted
from unison_storage.contracts.backend import KINDS
from unison_storage.errors import ClassificationViolation
from unison_storage.keyspaces import Keyspace
from unison_storage.storage import Storage
from unison_storage.testing import reference_storage

SEALED = {DataClass.SECRET, DataClass.PII}
OPEN_HANDED = ["memory", "object", "cache"]
ALL = [pytest.param(kind, one, id=f"{kind}-{one}") for kind in KINDS for one in DataClass]

AT: dict[str, Callable[[Storage, str], Any]] = {
    "memory": lambda storage, name: storage.memory.at(name, "p1"),
    "object": lambda storage, name: storage.objects.at(name, "p1"),
    "cache": lambda storage, name: storage.cache.at(name, "p1"),
}


def test_every_kind_accepts_something_and_every_class_has_a_kind_that_takes_it() -> None:
    assert ACCEPTED.keys() == set(KINDS)
    assert all(ACCEPTED.values())
    assert frozenset().union(*ACCEPTED.values()) == set(DataClass)


def test_what_has_to_be_sealed_goes_to_the_vault_alone() -> None:
    for one in SEALED:
        assert [kind for kind in KINDS if one in ACCEPTED[kind]] == ["vault"]


@pytest.mark.parametrize("kind", ["graph", "audit"])
def test_graph_and_audit_hold_ids_and_what_was_done(kind: str) -> None:
    assert ACCEPTED[kind] == {DataClass.IDENTIFIER, DataClass.BEHAVIOURAL}


def test_every_kind_takes_ids_and_those_that_seal_nothing_take_all_the_rest() -> None:
    for kind in KINDS:
        assert DataClass.IDENTIFIER in ACCEPTED[kind]
    for kind in OPEN_HANDED:
        assert ACCEPTED[kind] == set(DataClass) - SEALED


@pytest.mark.parametrize(("kind", "data_class"), ALL)
def test_a_refusal_names_field_class_and_kind_and_who_takes_it(kind: str, data_class: DataClass) -> None:
    if data_class in ACCEPTED[kind]:
        check_accepted(kind, data_class, "field x")
        return
    with pytest.raises(ClassificationViolation) as raised:
        check_accepted(kind, data_class, "field x")
    error = raised.value
    assert (error.kind, error.field, error.data_class, error.target) == (kind, "field x", data_class, kind)
    takers = [other for other in KINDS if data_class in ACCEPTED[other]]
    for told in ("field x", data_class.value, kind, *takers):
        assert told in str(error)


def run(test: Any, **options: Any) -> None:
    async def opened() -> None:
        async with reference_storage(**options) as storage:
            await test(storage)

    asyncio.run(opened())


@pytest.mark.parametrize("kind", OPEN_HANDED)
@pytest.mark.parametrize("data_class", list(DataClass))
def test_a_keyspace_is_served_where_its_class_is_accepted(kind: str, data_class: DataClass) -> None:
    spaces = [Keyspace("declared", data_class=data_class), Keyspace("own", data_class=data_class, person_scoped=True)]

    async def test(storage: Storage) -> None:
        for name in ("declared", "own"):
            for _ in range(2):  # a refusal is not remembered as a route
                if data_class not in SEALED:
                    assert AT[kind](storage, name) is not None
                    continue
                with pytest.raises(ClassificationViolation) as raised:
                    AT[kind](storage, name)
                error = raised.value
                assert (error.kind, error.data_class, error.target) == (kind, data_class, kind)
                assert name in error.field
                assert "vault" in str(error)

    run(test, keyspaces=spaces)


@pytest.mark.parametrize("kind", OPEN_HANDED)
def test_the_built_in_keyspace_of_secrets_is_refused_and_the_others_are_served(kind: str) -> None:
    async def test(storage: Storage) -> None:
        with pytest.raises(ClassificationViolation, match="connectors"):
            AT[kind](storage, "connectors")
        for name in ("session", "ui:session", "transcripts", "auth:tokens", "intent:cache", "graph:hot", "undeclared"):
            assert AT[kind](storage, name) is not None

    run(test)


def test_keyspaces_of_secrets_hinder_nothing_that_looks_at_all_keyspaces() -> None:
    async def test(storage: Storage) -> None:
        await storage.memory.at("session", "p1").put("k", 1)
        await storage.objects.at("transcripts", "p1").put("k", b"1")
        await storage.cache.at("context:cache", "p1").set("k", 1)
        report = await storage.erase("p1")
        assert report.complete
        assert {kind: one.erased for kind, one in report.kinds.items()} == {
            "memory": 1,
            "object": 1,
            "graph": 0,
            "cache": 1,
        }
        assert await storage.sweep()

    run(test, keyspaces=[Keyspace("more", data_class=DataClass.SECRET, person_scoped=True)])


def test_a_class_declared_anew_for_a_built_in_keyspace_counts() -> None:
    async def test(storage: Storage) -> None:
        for kind in OPEN_HANDED:
            assert AT[kind](storage, "connectors") is not None
            with pytest.raises(ClassificationViolation):
                AT[kind](storage, "session")

    spaces = [
        Keyspace("connectors", data_class=DataClass.IDENTIFIER),
        Keyspace("session", data_class=DataClass.PII, person_scoped=True),
    ]
    run(test, keyspaces=spaces)
