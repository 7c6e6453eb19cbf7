from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unison_storage_gateway.ranges import Span, Unsatisfiable, span


@pytest.mark.parametrize(
    ("header", "size", "expected"),
    [
        (None, 10, None),
        ("bytes=0-0", 10, Span(0, 1)),
        ("bytes=0-9", 10, Span(0, 10)),
        ("bytes=2-5", 10, Span(2, 6)),
        ("bytes=2-", 10, Span(2, 10)),
        ("bytes=9-99999999999999999999999", 10, Span(9, 10)),
        ("bytes=-3", 10, Span(7, 10)),
        ("bytes=-99", 10, Span(0, 10)),
        ("BYTES= 1-2 ", 10, Span(1, 3)),
        ("bytes=0005-0006", 10, Span(5, 7)),
        # malformed, another unit, or several: all is sent
        ("bytes=5-2", 10, None),
        ("bytes=-", 10, None),
        ("bytes=", 10, None),
        ("bytes=a-b", 10, None),
        ("bytes=1-2,4-5", 10, None),
        ("items=1-2", 10, None),
        ("bytes 1-2", 10, None),
        ("bytes=+1-2", 10, None),
        ("bytes=\u0661-2", 10, None),
    ],
)
def test_ranges(header: str | None, size: int, expected: Span | None) -> None:
    assert span(header, size) == expected


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=10-20", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-5", 0)]
)
def test_ranges_without_a_byte(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        span(header, size)


def test_thousands_of_digits_are_a_number_too() -> None:
    assert span("bytes=0-" + "9" * 10_000, 10) == Span(0, 10)
    with pytest.raises(Unsatisfiable):
        span("bytes=" + "9" * 10_000 + "-", 10)


@given(st.text(alphabet="bytes=-,0123456789 ", max_size=20), st.integers(0, 100))
def test_a_span_never_leaves_the_object(header: str, size: int) -> None:
    try:
        found = span(header, size)
    except Unsatisfiable:
        return
    assert found is None or 0 <= found.start < found.end <= size
