from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unison_storage.errors import Tampered
from unison_storage_redis.entries import row_of, whole

HEAD = b"\x01" + (1).to_bytes(8) + (2).to_bytes(8) + (3).to_bytes(8) + (2).to_bytes(2) + (1).to_bytes(2)


def test_an_entry_is_read_part_by_part() -> None:
    row = row_of(HEAD + b"v1" + b"p" + b"value")
    assert (row.value, row.version, row.created, row.updated, row.expires, row.person) == (b"value", "v1", 1, 2, 3, "p")


def test_an_entry_for_ever_that_is_nobodys_is_told_so() -> None:
    row = row_of(b"\x01" + bytes(24) + (1).to_bytes(2) + bytes(2) + b"v")
    assert (row.value, row.expires, row.person) == (b"", None, None)


@given(st.binary(max_size=60).filter(lambda raw: raw[:1] != b"\x01"))
def test_what_is_no_entry_is_refused(raw: bytes) -> None:
    with pytest.raises(Tampered):
        row_of(raw)


@given(st.integers(0, len(HEAD) + 2))
def test_an_entry_that_was_cut_is_refused(size: int) -> None:
    with pytest.raises(Tampered):
        row_of((HEAD + b"v1p")[:size])


def test_the_beginning_of_an_entry_is_whole_once_version_and_person_are_there() -> None:
    assert [whole((HEAD + b"v1p" + b"value")[:size]) for size in (31, 32, 37)] == [False, True, True]
