"""Conditions: what an expectation comes to, for every state that may be found."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unison_storage.contracts.conditions import refused, stranger, upserted
from unison_storage.errors import AlreadyExists, InvalidValue, NotFound, VersionConflict
from unison_storage.values import ABSENT, ANY, PRESENT, Edge, Expectation, Node

versions = st.text(min_size=1, max_size=6)
expectations = st.sampled_from([ANY, ABSENT, PRESENT]) | versions
persons = st.none() | st.sampled_from(["p1", "p2"])
names = st.sampled_from(["a", "b", "c"])


@given(expect=expectations, found=st.none() | versions)
@settings(deadline=None, max_examples=200)
def test_an_expectation_is_refused_exactly_where_the_table_says(expect: Expectation, found: str | None) -> None:
    table: dict[tuple[str, bool], type[Exception] | None] = {
        ("ANY", False): None,
        ("ANY", True): None,
        ("ABSENT", False): None,
        ("ABSENT", True): AlreadyExists,
        ("PRESENT", False): NotFound,
        ("PRESENT", True): None,
        ("version", False): NotFound,
        ("version", True): None if expect == found else VersionConflict,
    }
    row = expect if isinstance(expect, str) else expect.name
    wanted = table["version" if isinstance(expect, str) else row, found is not None]
    error = refused(expect, found)
    assert (None if error is None else type(error)) is wanted
    if error is not None and found is not None and len(found) > 5:
        assert found not in str(error)


@pytest.mark.parametrize("word", ["any", "absent", "present"])
def test_a_version_that_reads_like_an_expectation_is_a_version(word: str) -> None:
    assert refused(word, word) is None
    assert isinstance(refused(word, None), NotFound)
    assert isinstance(refused(word, "other"), VersionConflict)


@given(person=persons, stored=persons)
def test_a_stranger_is_one_who_names_another_person_than_the_stored_one(person: str | None, stored: str | None) -> None:
    error = stranger(person, stored)
    assert isinstance(error, InvalidValue) is (person is not None and stored is not None and person != stored)
    assert error is None or ("p1" not in str(error) and "p2" not in str(error))


@given(
    held=st.dictionaries(names, st.integers()),
    stored=persons,
    changes=st.dictionaries(names, st.none() | st.integers()),
    person=persons,
    there=st.booleans(),
)
def test_an_upsert_merges_properties_and_keeps_the_person(
    held: dict[str, int], stored: str | None, changes: dict[str, int | None], person: str | None, *, there: bool
) -> None:
    before, given = dict(held), dict(changes)
    old, new = Node("Skill", "s1", held, stored), Node("Skill", "s1", changes, person)
    after = upserted(old if there else None, new)
    if there and stranger(person, stored):
        assert isinstance(after, InvalidValue)
    else:
        kept = {name: held[name] for name in held if there and name not in changes}
        written = {name: value for name, value in changes.items() if value is not None}
        assert after == Node("Skill", "s1", {**kept, **written}, person or (stored if there else None))
    assert (held, changes) == (before, given)


def test_an_upsert_leaves_what_identifies_an_edge() -> None:
    old = Edge("OWNS", ("Person", "p1"), ("Device", "d1"), "k", {"a": 1, "b": 2}, "p1")
    new = Edge("OWNS", ("Person", "p1"), ("Device", "d1"), "k", {"b": None, "c": 3})
    assert upserted(old, new) == Edge("OWNS", ("Person", "p1"), ("Device", "d1"), "k", {"a": 1, "c": 3}, "p1")
