from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from tests.conformance.test_page import document, verdict
from unison_storage.errors import InvalidConfig
from unison_storage_conformance.documents import FORMAT, alone, differences, read_document
from unison_storage_conformance.verdicts import State


def test_a_report_is_read_back_as_it_was(tmp_path: Path) -> None:
    written = document("one", verdict("memory.1", State.PASSED), verdict("memory.2", State.REFUSED, reason="none"))
    (tmp_path / "a.json").write_bytes(msgspec.json.encode(written))
    assert read_document(tmp_path / "a.json") == written


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "is no report of this suite"),
        (b"{}", "is no report of this suite"),
        (b"[]", "is no report of this suite"),
        (None, "can't be read"),
        (msgspec.json.encode(replace(document("one"), format=FORMAT + 1)), f"is of format {FORMAT + 1}"),
    ],
)
def test_what_is_no_report_is_told_with_its_file(tmp_path: Path, content: bytes | None, told: str) -> None:
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidConfig, match=told) as failure:
        read_document(path)
    assert str(path) in failure.value.message


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [
        (State.PASSED, State.FAILED, True),
        (State.PASSED, State.UNVERIFIED, True),
        (State.PASSED, State.WAIVED, True),
        (State.PASSED, None, True),
        (State.PASSED, State.REFUSED, False),
        (State.FAILED, State.PASSED, False),
        (State.UNVERIFIED, State.FAILED, False),
        (None, State.FAILED, False),
    ],
)
def test_worse_is_what_was_kept_and_is_not_any_more(before: State | None, after: State | None, *, worse: bool) -> None:
    kept = verdict("memory.9", State.PASSED)
    first = document("one", kept, *([verdict("memory.1", before)] if before else []))
    second = document("two", kept, *([verdict("memory.1", after)] if after else []))
    [found] = differences(first, second)
    assert found.either.law == "memory.1"
    assert found.worse is worse


def test_kinds_that_one_of_them_has_tried_alone_are_no_differences() -> None:
    first = document("one", verdict("memory.1", State.PASSED), verdict("cache.1", State.PASSED))
    second = document("two", verdict("memory.1", State.PASSED), verdict("graph.1", State.FAILED))
    assert differences(first, second) == []
    assert (alone(first, second), alone(second, first)) == (["cache"], ["graph"])
