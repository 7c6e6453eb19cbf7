from __future__ import annotations

from typing import Any

import pytest

from unison_storage.errors import AlreadyExists, NotFound
from unison_storage.values import Health
from unison_storage_conformance.outcomes import LawBroken, alike, broken, holds, refuses, same, shown, value

ROW = Health(ok=True, seconds=0.5, detail="x")


@pytest.mark.parametrize(
    ("found", "expected", "equal"),
    [
        (1, 1, True),
        (1, True, False),
        (1, 1.0, False),
        (b"a", "a", False),
        (None, False, False),
        ([1, b""], [1, b""], True),
        ([1], (1,), True),
        ([1], [1, 2], False),
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 1.0}, False),
        (NotFound("a"), NotFound("b"), True),
        (NotFound("a"), AlreadyExists("a"), False),
        (NotFound("a"), None, False),
        (ROW, Health(ok=True, seconds=0.5, detail="x"), True),
        (ROW, Health(ok=True, seconds=0.5, detail="y"), False),
    ],
)
def test_answers_are_compared_in_type_and_value(found: Any, expected: Any, *, equal: bool) -> None:
    assert alike(found, expected) is equal


def test_what_breaks_a_law_says_so_with_both_sides() -> None:
    for breaking in (
        lambda: same(1, 2, "they are one"),
        lambda: holds(False, "it holds", expected="true", found="false"),
        lambda: refuses(None, NotFound, "it is refused"),
        lambda: value(NotFound("there is none"), "there is one"),
        lambda: broken("no good", expected=1, found=2),
    ):
        with pytest.raises(LawBroken) as failure:
            breaking()
        assert failure.value.expected is not None
        assert failure.value.found is not None


def test_what_keeps_a_law_says_nothing() -> None:
    same([1], [1], "")
    holds(True, "")
    refuses(NotFound("x"), (NotFound, AlreadyExists), "")
    assert value(3, "") == 3


def test_long_answers_are_cut() -> None:
    assert shown(b"x" * 1_000) == f"{b'x' * 40!r}… (1000 bytes)"
    assert shown("x" * 1_000).endswith("… (1000 characters)")
    assert shown(NotFound("gone")) == "NotFound: gone"
