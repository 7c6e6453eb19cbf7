"""Cursors: a position in one listing, of no use in another, and harmless when forged."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from unison_storage.cursors import decode, encode
from unison_storage.errors import InvalidCursor

# what a position may hold: addresses below a prefix, so the separator too
positions = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\x1f"), min_size=1, max_size=40)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=10)
listings = st.lists(names, min_size=1, max_size=3).map(tuple)
LISTING = ("memory", "session\x1fperson-1\x1f")


@given(listing=listings, last=positions)
@settings(deadline=None, max_examples=200)
def test_a_cursor_gives_back_its_position(listing: tuple[str, ...], last: str) -> None:
    cursor = encode(listing, last)
    assert decode(listing, cursor) == last
    assert re.fullmatch("[A-Za-z0-9_-]+", cursor)


@given(listing=listings, other=listings, last=positions)
@settings(deadline=None, max_examples=200)
def test_a_cursor_of_another_listing_is_refused(listing: tuple[str, ...], other: tuple[str, ...], last: str) -> None:
    assume(listing != other)
    with pytest.raises(InvalidCursor):
        decode(other, encode(listing, last))


@given(cursor=st.text(max_size=60) | st.from_regex("[A-Za-z0-9_-]{0,60}", fullmatch=True))
@settings(deadline=None, max_examples=300)
def test_a_made_up_cursor_is_refused_and_not_quoted(cursor: str) -> None:
    with pytest.raises(InvalidCursor) as caught:
        decode(LISTING, cursor)
    assert len(cursor) < 10 or cursor not in str(caught.value)
    assert caught.value.__cause__ is None


@given(last=positions, at=st.integers(0, 8), bit=st.integers(0, 7))
@settings(deadline=None, max_examples=100)
def test_a_cursor_with_another_head_is_refused(last: str, at: int, bit: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(encode(LISTING, last) + "=="))
    raw[at] ^= 1 << bit
    with pytest.raises(InvalidCursor):
        decode(LISTING, base64.urlsafe_b64encode(raw).decode().rstrip("="))


def forged(last: bytes) -> str:
    head = base64.urlsafe_b64decode(encode(LISTING, "a") + "==")[:9]
    return base64.urlsafe_b64encode(head + last).decode().rstrip("=")


@given(char=st.characters(categories=["Cc"], exclude_characters="\x1f"), before=st.text("ab"), behind=st.text("ab"))
@settings(deadline=None, max_examples=100)
def test_a_forged_position_brings_no_control_character_to_a_backend(char: str, before: str, behind: str) -> None:
    with pytest.raises(InvalidCursor):
        decode(LISTING, forged((before + char + behind).encode()))


@pytest.mark.parametrize("last", [b"", b"\xff", b"\xed\xa0\x80", b"a\x00", b"\xc0\x80", b"\xf4\x90\x80\x80"])
def test_a_forged_position_that_is_no_text_is_refused(last: bytes) -> None:
    with pytest.raises(InvalidCursor):
        decode(LISTING, forged(last))


def test_a_forged_position_moves_the_start_and_nothing_else() -> None:
    assert decode(LISTING, forged(b"anything")) == "anything"


@pytest.mark.parametrize("wrong", [None, 1, b"abcd", b"", [], True, ("a",)], ids=repr)
def test_what_is_no_string_is_no_cursor(wrong: Any) -> None:
    with pytest.raises(InvalidCursor):
        decode(LISTING, wrong)


@pytest.mark.parametrize("change", [" ", "\n", "é", "\x00", "*", "."])
def test_a_cursor_with_rubbish_behind_it_is_refused(change: str) -> None:
    with pytest.raises(InvalidCursor):
        decode(LISTING, encode(LISTING, "abc") + change)
