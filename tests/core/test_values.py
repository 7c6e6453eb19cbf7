"""The records that cross the border: immutable, exact in time, with marks that keep their identity."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unison_storage.values import (
    ABSENT,
    ANY,
    KEEP,
    MISSING,
    PRESENT,
    Entry,
    ErasedKind,
    ErasureReport,
    Health,
    ObjectInfo,
    Page,
    Stamp,
    micros,
    moment,
    moment_or_none,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)
# until the year 2242; the longest lifetime is 100 years
instants = st.integers(0, 2**33 * 1_000_000 - 1)
MARKS: list[Any] = [ANY, ABSENT, PRESENT, KEEP, MISSING]


@given(at=instants)
@settings(deadline=None, max_examples=200)
def test_moments_are_exact_to_the_microsecond(at: int) -> None:
    shown = moment(at)
    assert shown.tzinfo is UTC
    assert micros(shown) == at
    assert shown == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
    assert moment_or_none(at) == shown


def test_no_moment_is_none() -> None:
    assert moment_or_none(None) is None
    assert moment_or_none(0) == datetime(1970, 1, 1, tzinfo=UTC)


def test_another_zone_is_the_same_instant() -> None:
    there = datetime(2030, 1, 1, 2, 30, tzinfo=timezone(timedelta(hours=2, minutes=30)))
    assert micros(there) == micros(NOW) == 1_893_456_000_000_000


@pytest.mark.parametrize("mark", MARKS)
def test_marks_keep_their_identity(mark: Any) -> None:
    assert copy.copy(mark) is mark
    assert copy.deepcopy(mark) is mark
    assert pickle.loads(pickle.dumps(mark)) is mark


def test_marks_differ_and_only_missing_is_false() -> None:
    assert len({id(mark) for mark in MARKS}) == len(MARKS)
    assert [bool(mark) for mark in MARKS] == [True, True, True, True, False]


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (Entry(("a",), "k", 1, "v", NOW, NOW, None, None), "value"),
        (Stamp("v", NOW, NOW, None, created=True), "version"),
        (ObjectInfo("ks", (), "k", "0" * 32, 1, "", "a/b", "v", NOW, NOW, None, None), "size"),
        (Page((), None), "cursor"),
        (Health(ok=True, detail="", seconds=0.0), "ok"),
        (ErasedKind(1), "erased"),
        (ErasureReport("p", {}), "person"),
    ],
)
def test_records_are_immutable_and_compare_by_content(record: Any, field: str) -> None:
    before = getattr(record, field)
    with pytest.raises(AttributeError):
        setattr(record, field, "other")
    assert getattr(record, field) == before
    assert copy.deepcopy(record) == record
    assert pickle.loads(pickle.dumps(record)) == record


kinds = st.dictionaries(
    st.sampled_from(["memory", "object", "graph"]),
    st.builds(ErasedKind, st.integers(0, 5), pending=st.integers(0, 2), error=st.none() | st.just("Unavailable: no")),
)


@given(done=kinds)
@settings(deadline=None, max_examples=100)
def test_an_erasure_is_complete_when_nothing_is_left_and_nothing_failed(done: dict[str, ErasedKind]) -> None:
    left = sum(kind.pending for kind in done.values())
    failed = [name for name, kind in done.items() if kind.error is not None]
    assert ErasureReport("p", done).complete is (left == 0 and not failed)
    assert not ErasureReport("p", done, dry_run=True).complete
