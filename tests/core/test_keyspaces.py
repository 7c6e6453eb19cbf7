"""Keyspaces: bounds of lifetimes, persons, and what an undeclared name means in each profile."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from unison_storage.classification import DataClass
from unison_storage.errors import InvalidConfig, InvalidKey, InvalidLifetime, InvalidValue, UnknownKeyspace
from unison_storage.keyspaces import BUILT_IN, DAY, HOUR, LONGEST, MINUTE, Keyspace, Keyspaces, micros_of, near
from unison_storage.profiles import Profile

STRICT = [Profile.PRODUCTION, Profile.STAGING]
EASY = [Profile.TEST, Profile.DEVELOPMENT]
WRONG: list[Any] = [
    *(0, 0.0, -0.0, -1, -1.5, -(10**400), math.nan, math.inf, -math.inf, 1e300, 10**400, LONGEST * 1.001),
    *("60", "", b"60", True, False, [60], (60,), {}, object(), 1j, Fraction(1, 2)),
]

seconds = st.floats(min_value=0, max_value=LONGEST, exclude_min=True) | st.integers(1, int(LONGEST))
tiny = st.floats(min_value=0, max_value=1e-5, exclude_min=True)


@given(lifetime=seconds | tiny)
@settings(deadline=None, max_examples=200)
@example(5e-324)
@example(1e-7)
@example(LONGEST)
def test_a_lifetime_is_rounded_up_to_microseconds_and_never_to_zero(lifetime: float) -> None:
    length = micros_of(lifetime)
    assert type(length) is int
    assert length >= 1
    # what a float can't tell apart may be one microsecond more, and nothing is ever cut
    exact = Fraction(lifetime) * 1_000_000
    assert exact - Fraction(1, 2) <= length <= exact + 2


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: repr(wrong)[:20])
def test_what_is_no_positive_number_of_seconds_is_refused(wrong: Any) -> None:
    for refuse in (micros_of, Keyspace(name="a").bounded, Keyspace(name="a", ceiling=DAY).bounded):
        with pytest.raises(InvalidLifetime):
            refuse(wrong)


@given(floor=seconds, ceiling=seconds, lifetime=seconds)
@settings(deadline=None, max_examples=200)
@example(1.0, 60.0, 60.0)
@example(1.0, 60.0, 60.000001)
@example(1.0, 60.0, 1.0)
@example(1.0, 60.0, 0.999999)
@example(1e-9, 60.0, 1e-12)
def test_bounds_are_inclusive_and_nothing_is_clamped(floor: float, ceiling: float, lifetime: float) -> None:
    assume(floor <= ceiling)
    space = Keyspace(name="a", floor=floor, ceiling=ceiling)
    length = micros_of(lifetime)
    if micros_of(floor) <= length <= micros_of(ceiling):
        assert space.bounded(lifetime) == length
    else:
        with pytest.raises(InvalidLifetime, match="keyspace a"):
            space.bounded(lifetime)


def test_forever_is_allowed_only_without_a_ceiling() -> None:
    assert Keyspace(name="a").bounded(None) is None
    assert Keyspace(name="a", lifetime=5, floor=1).bounded(None) is None
    with pytest.raises(InvalidLifetime, match="required"):
        Keyspace(name="a", ceiling=60).bounded(None)


def test_the_ceiling_is_the_default_where_no_other_is_given() -> None:
    assert Keyspace(name="a").default is None
    assert Keyspace(name="a", lifetime=2).default == 2_000_000
    assert Keyspace(name="a", ceiling=3).default == 3_000_000
    assert Keyspace(name="a", lifetime=2, ceiling=3).default == 2_000_000


@given(floor=st.none() | seconds, lifetime=st.none() | seconds, ceiling=st.none() | seconds)
@settings(deadline=None, max_examples=200)
def test_a_declared_default_is_always_within_its_bounds(
    floor: float | None, lifetime: float | None, ceiling: float | None
) -> None:
    lengths = [micros_of(one) for one in (floor, lifetime, ceiling) if one is not None]
    if lengths != sorted(lengths):
        with pytest.raises(InvalidConfig, match="must not decrease"):
            Keyspace(name="a", floor=floor, lifetime=lifetime, ceiling=ceiling)
        return
    space = Keyspace(name="a", floor=floor, lifetime=lifetime, ceiling=ceiling)
    if space.default is not None:
        assert (micros_of(floor) if floor else 0) <= space.default
        assert space.default <= (micros_of(ceiling) if ceiling else math.inf)


@pytest.mark.parametrize("field", ["lifetime", "floor", "ceiling"])
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: repr(wrong)[:20])
def test_a_keyspace_is_not_declared_with_a_wrong_time(field: str, wrong: Any) -> None:
    with pytest.raises(InvalidConfig, match="'a'"):
        Keyspace(name="a", **{field: wrong})


@pytest.mark.parametrize("name", ["", "A", "1", "a b", "a/b", "ä", "a\n", "a" * 256, None, 1], ids=repr)
def test_a_keyspace_is_not_declared_under_a_wrong_name(name: Any) -> None:
    with pytest.raises(InvalidConfig):
        Keyspace(name=name)


def test_a_keyspace_does_not_show_the_password_in_its_url() -> None:
    space = Keyspace(name="a", url="postgresql://app:canary-7f3a@db/x?token=canary-7f3a")
    assert "canary" not in repr(space)
    assert "canary" not in f"{[space]}"


def test_the_built_in_keyspaces_are_those_of_the_architecture() -> None:
    table = {space.name: (space.lifetime, space.ceiling, space.person_scoped, space.durable) for space in BUILT_IN}
    assert table == {
        "session": (DAY, 30 * DAY, True, True),
        "ui:session": (HOUR, DAY, True, False),
        "connectors": (None, None, True, True),
        "transcripts": (None, None, True, True),
        "auth:tokens": (HOUR, 31 * DAY, False, False),
        "intent:cache": (5 * MINUTE, DAY, False, False),
        "context:cache": (5 * MINUTE, DAY, True, False),
        "graph:hot": (MINUTE, HOUR, False, False),
    }
    assert all(space.url is None and space.floor is None for space in BUILT_IN)
    assert {space.name: space.data_class for space in BUILT_IN}["connectors"] is DataClass.SECRET


# ---------------------------------------------------------------------------------------------------------- persons

scoped = Keyspace(name="a", person_scoped=True)
free = Keyspace(name="a")
persons = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,20}", fullmatch=True)


@given(person=persons, other=persons, rest=st.lists(st.text("ab", min_size=1), max_size=2))
@settings(deadline=None, max_examples=100)
def test_in_a_person_scoped_keyspace_the_first_segment_is_the_person(person: str, other: str, rest: list[str]) -> None:
    namespace = (person, *rest)
    assert scoped.person(namespace, None) == person
    assert scoped.person(namespace, person) == person
    if other != person:
        with pytest.raises(InvalidValue) as caught:
            scoped.person(namespace, other)
        assert len(other) < 6 or other not in str(caught.value)


def test_a_person_scoped_keyspace_has_nothing_outside_of_persons() -> None:
    with pytest.raises(InvalidKey, match="first namespace segment"):
        scoped.person((), None)
    with pytest.raises(InvalidKey, match="first namespace segment"):
        scoped.person((), "p1")


@pytest.mark.parametrize("segment", ["a b", "-p", "é", "a/b", "a" * 129, ".p"])
def test_a_first_segment_that_is_no_person_is_refused_there_alone(segment: str) -> None:
    with pytest.raises(InvalidKey):
        scoped.person((segment,), None)
    assert free.person((segment,), None) is None


@given(person=persons)
@settings(deadline=None, max_examples=30)
def test_elsewhere_the_person_is_whom_the_caller_names(person: str) -> None:
    assert free.person((), person) == person
    assert free.person(("someone",), person) == person
    assert free.person(("someone",), None) is None


@pytest.mark.parametrize("wrong", ["", "a b", 1, b"p", "a\n"])
def test_a_wrong_person_is_refused_everywhere(wrong: Any) -> None:
    with pytest.raises(InvalidKey):
        free.person((), wrong)


# ------------------------------------------------------------------------------------------------------- undeclared


@pytest.mark.parametrize("profile", STRICT)
def test_an_undeclared_keyspace_is_refused_where_it_matters_and_near_names_are_told(profile: Profile) -> None:
    spaces = Keyspaces([Keyspace(name="drafts")], profile)
    with pytest.raises(UnknownKeyspace, match=r"near names: .*\bsession\b.*declare it"):
        spaces.get("sesion")
    with pytest.raises(UnknownKeyspace, match="near names: drafts"):
        spaces.get("draft")
    with pytest.raises(UnknownKeyspace) as caught:
        spaces.get("zzzzzzzz")
    assert "near" not in str(caught.value)


@pytest.mark.parametrize("profile", EASY)
def test_an_undeclared_keyspace_is_free_of_bounds_where_one_tries_things_out(profile: Profile) -> None:
    space = Keyspaces([], profile).get("anything")
    assert space == Keyspace(name="anything")
    assert (space.default, space.bounded(None), space.person_scoped) == (None, None, False)


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("name", ["", "Session", "a b", "a\x1fb", "\ud800", None, 1, "a" * 1_000], ids=repr)
def test_a_name_outside_the_grammar_is_no_keyspace_in_any_profile(profile: Profile, name: Any) -> None:
    with pytest.raises(InvalidKey):
        Keyspaces([], profile).get(name)


@pytest.mark.parametrize("profile", list(Profile))
def test_what_is_declared_replaces_what_is_built_in(profile: Profile) -> None:
    own = Keyspace(name="session", lifetime=1)
    spaces = Keyspaces([own, Keyspace(name="mine")], profile)
    assert spaces.get("session") is own
    assert spaces.get("mine").name == "mine"
    assert spaces.get("graph:hot").ceiling == HOUR


def test_only_declared_names_are_kept() -> None:
    spaces = Keyspaces([], Profile.TEST)
    before = dict(spaces.declared)
    for number in range(10):
        spaces.get(f"made:up:{number}")
    assert dict(spaces.declared) == before


@given(name=st.text(max_size=10), names=st.lists(st.text(max_size=10), max_size=5))
@settings(deadline=None, max_examples=50)
def test_near_names_are_among_the_names(name: str, names: list[str]) -> None:
    found = near(name, names)
    assert found == "" or found.removeprefix("; near names: ").split(", ")[0] in ", ".join(names)
    if name in names:
        assert name in found


def test_the_name_may_stand_first() -> None:
    assert Keyspace("session", lifetime=60) == Keyspace(name="session", lifetime=60)
