"""Addresses: one encoding for one address, in byte order, with prefixes that mean whole segments."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from unison_storage.addresses import (
    MAX_KEY_BYTES,
    MAX_SEGMENT_BYTES,
    MAX_SEGMENTS,
    after,
    check_key,
    check_keyspace,
    check_namespace,
    check_person,
    first_segment,
    prefix,
    split,
)
from unison_storage.errors import InvalidKey

Parts = tuple[str, tuple[str, ...], str]

NFC, NFD = "\u00e9", "e\u0301"
CONFUSABLE = [
    *("a", "ab", "abc", "b", "A", "AB", "a_", "_", "a%", "%", "a*", "*", "?", "[", "a[", "[a]", "]", ":", "a:b"),
    *("/", "a/b", "\\", "a\\", " ", "  ", " a", "a ", ".a", "a.", "...", "~", "-", "--", "'", '"', ";", "\u00a0"),
    *(NFC, NFD, "\u00df", "ss", "\u0130", "\u0131", "i", "I", "\u212b", "\u00c5", "\ufeff", "\u200b", "\u2028"),
    *("\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0001f600", "\U0010ffff", "0", "00", "10", "9", "%1f", "\\x1f"),
]
HOSTILE = {
    "empty": "",
    "dot": ".",
    "dots": "..",
    "NUL": "a\x00b",
    "unit separator": "a\x1fb",
    "separator alone": "\x1f",
    "newline": "a\n",
    "tab": "\t",
    "DEL": "a\x7f",
    "C1 first": "\x80",
    "C1 next line": "a\x85b",
    "C1 last": "\x9fa",
    "high surrogate": "a\ud800",
    "low surrogate": "\udfff",
    "1 MiB": "a" * 2**20,
    "1 MiB of control characters": "\x01" * 2**20,
}
WRONG_TYPES: list[Any] = [None, 1, 1.0, True, b"a", bytearray(b"a"), ["a"], ("a",), object()]


class Text(str):
    __slots__ = ()


allowed = st.characters(exclude_categories=("Cs", "Cc"))
texts = st.sampled_from(CONFUSABLE) | st.text(allowed, min_size=1, max_size=8).filter(
    lambda text: text not in {".", ".."} and len(text.encode()) <= MAX_SEGMENT_BYTES
)
keyspaces = st.sampled_from(["a", "ab", "a:", "a:b", "a.b", "a-b", "a_b", "z", "session", "ui:session"])
namespaces = st.lists(texts, max_size=3).map(tuple)
parts = st.tuples(keyspaces, namespaces, texts)


def address(keyspace: str, namespace: tuple[str, ...], key: str) -> str:
    return prefix(check_keyspace(keyspace), check_namespace(namespace)) + check_key(key)


def as_bytes(one: Parts) -> tuple[bytes, ...]:
    keyspace, namespace, key = one
    return tuple(part.encode() for part in (keyspace, *namespace, key))


@given(one=parts, other=parts)
@settings(deadline=None, max_examples=200)
@example(("a", ("a",), "b"), ("a", (), "ab"))
@example(("a", ("a", "b"), "c"), ("a", ("ab",), "c"))
@example(("a", (NFC,), "k"), ("a", (NFD,), "k"))
@example(("a", (), "a"), ("a", (), "A"))
def test_two_addresses_are_equal_only_if_all_their_parts_are(one: Parts, other: Parts) -> None:
    assert (address(*one) == address(*other)) is (as_bytes(one) == as_bytes(other))


@given(all_parts=st.lists(parts, min_size=2, max_size=12))
@settings(deadline=None, max_examples=200)
@example([("a", (), "\ud7ff"), ("a", (), "\U00010000"), ("a", (), "\ue000")])
@example([("a", (" ",), "b"), ("a", (), " "), ("a", (" b",), "b")])
def test_addresses_sort_as_their_parts_do_as_bytes(all_parts: list[Parts]) -> None:
    by_parts = [address(*one) for one in sorted(all_parts, key=as_bytes)]
    assert sorted(address(*one) for one in all_parts) == by_parts
    assert sorted(by_parts, key=str.encode) == by_parts


@given(one=parts)
@settings(deadline=None, max_examples=200)
def test_split_takes_apart_what_was_put_together(one: Parts) -> None:
    assert split(address(*one)) == one
    assert first_segment(address(*one)) == (one[1][0] if one[1] else "")


@given(one=parts, keyspace=keyspaces, namespace=namespaces)
@settings(deadline=None, max_examples=200)
@example(("a", ("ab",), "k"), "a", ("a",))
@example(("a", ("a",), "b"), "a", ("a", "b"))
@example(("ab", (), "k"), "a", ())
def test_below_a_prefix_lie_whole_segments(one: Parts, keyspace: str, namespace: tuple[str, ...]) -> None:
    below = one[0] == keyspace and one[1][: len(namespace)] == namespace
    assert address(*one).startswith(prefix(keyspace, namespace)) is below


@given(one=parts, keyspace=keyspaces, namespace=namespaces, everything=st.booleans())
@settings(deadline=None, max_examples=300)
@example(one=("a", ("\U0010ffff",), "\U0010ffff"), keyspace="a", namespace=(), everything=False)
@example(one=("a", (" ",), "k"), keyspace="a", namespace=(), everything=False)
@example(one=("z", (), "\U0010ffff"), keyspace="z", namespace=(), everything=True)
def test_the_range_up_to_after_is_exactly_what_starts_with_the_prefix(
    one: Parts, keyspace: str, namespace: tuple[str, ...], *, everything: bool
) -> None:
    below = "" if everything else prefix(keyspace, namespace)
    found = address(*one)
    assert (below <= found < after(below)) is found.startswith(below)
    assert (below.encode() <= found.encode() < after(below).encode()) is found.startswith(below)


def fits(text: str, limit: int) -> bool:
    """Say by the grammar alone whether a text may be a key or a segment."""
    if text in {"", ".", ".."} or any(unicodedata.category(char) in {"Cc", "Cs"} for char in text):
        return False
    return len(text.encode()) <= limit


def accepts_key(text: str) -> bool:
    try:
        return check_key(text) is text
    except InvalidKey:
        return False


def accepts_segment(text: str) -> bool:
    try:
        return check_namespace((text,)) == (text,)
    except InvalidKey:
        return False


@given(text=st.text(max_size=6) | st.text("ab./%\x1f\x7f\x85\ud800é", max_size=6))
@settings(deadline=None, max_examples=300)
def test_the_grammar_of_keys_and_segments_is_the_whole_truth(text: str) -> None:
    assert accepts_key(text) is fits(text, MAX_KEY_BYTES)
    assert accepts_segment(text) is fits(text, MAX_SEGMENT_BYTES)


@given(char=st.characters(), repeats=st.integers(250, 260) | st.integers(1018, 1030) | st.integers(60, 90))
@settings(deadline=None, max_examples=200)
def test_limits_count_bytes_of_utf8(char: str, repeats: int) -> None:
    text = char * repeats
    assert accepts_key(text) is fits(text, MAX_KEY_BYTES)
    assert accepts_segment(text) is fits(text, MAX_SEGMENT_BYTES)


@pytest.mark.parametrize("text", CONFUSABLE)
def test_odd_but_legal_text_is_kept_as_it_is(text: str) -> None:
    assert check_key(text) is text
    assert check_namespace((text,))[0] is text


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("a" * 255, 255),
        ("é" * 127 + "a", 255),
        ("€" * 85, 255),
        ("😀" * 63 + "abc", 255),
    ],
)
def test_a_segment_has_at_most_255_bytes(text: str, size: int) -> None:
    assert len(text.encode()) == size
    assert check_namespace((text,)) == (text,)
    with pytest.raises(InvalidKey, match="256 bytes"):
        check_namespace((text + "b",))


@pytest.mark.parametrize("text", ["a" * 1024, "é" * 512, "€" * 341 + "a", "😀" * 256])
def test_a_key_has_at_most_1024_bytes(text: str) -> None:
    assert len(text.encode()) == 1024
    assert check_key(text) is text
    with pytest.raises(InvalidKey, match="1025 bytes"):
        check_key(text + "b")


def test_a_namespace_has_at_most_16_segments() -> None:
    full = tuple(str(number) for number in range(MAX_SEGMENTS))
    assert check_namespace(full) == full
    assert check_namespace(iter(full)) == full
    assert check_namespace(()) == ()
    with pytest.raises(InvalidKey, match="at most 16 segments, this one 17"):
        check_namespace((*full, "one more"))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_refused_and_not_quoted(name: str) -> None:
    text = HOSTILE[name]
    with pytest.raises(InvalidKey) as key:
        check_key(text)
    with pytest.raises(InvalidKey) as segment:
        check_namespace(("first", text))
    assert "the key" in str(key.value)
    assert "segment 2" in str(segment.value)
    assert len(str(key.value)) < 200
    assert key.value.__cause__ is None
    assert key.value.__suppress_context__ or key.value.__context__ is None


@given(before=st.text("canry", min_size=5), char=st.characters(categories=("Cc", "Cs")), behind=st.text("canry"))
@settings(deadline=None, max_examples=100)
def test_what_is_refused_is_named_by_position_and_never_quoted(before: str, char: str, behind: str) -> None:
    with pytest.raises(InvalidKey) as caught:
        check_key(before + char + behind)
    assert char not in str(caught.value)
    assert before not in str(caught.value)
    assert f"position {len(before)}" in str(caught.value)


@pytest.mark.parametrize("wrong", [*WRONG_TYPES, Text("a")], ids=repr)
def test_only_real_strings_are_names(wrong: Any) -> None:
    for check in (check_key, check_keyspace, check_person, lambda text: check_namespace((text,))):
        with pytest.raises(InvalidKey):
            check(wrong)


@given(name=st.from_regex(r"[a-z][a-z0-9:._-]{0,254}", fullmatch=True))
@settings(deadline=None, max_examples=50)
def test_keyspaces_have_names_of_a_small_alphabet(name: str) -> None:
    assert check_keyspace(name) is name


@pytest.mark.parametrize(
    "name",
    ["", "A", "1a", "_a", ":a", "a b", "a\n", "aA", "é", "aé", "a/b", "a%", "a\x1fb", "a\x00", "\ud800", "a" * 256],
)
def test_other_keyspace_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidKey) as caught:
        check_keyspace(name)
    assert name == "" or len(name) == 1 or name not in str(caught.value)


@given(person=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}", fullmatch=True))
@settings(deadline=None, max_examples=50)
def test_a_person_is_an_opaque_id(person: str) -> None:
    assert check_person(person) is person


@pytest.mark.parametrize(
    "person", ["", ".", "-a", "_a", "a b", "a@b.org", "a/b", "p\n", "é", "a\x1f", "a" * 129, "\ud800"]
)
def test_other_persons_are_refused_and_not_quoted(person: str) -> None:
    with pytest.raises(InvalidKey) as caught:
        check_person(person)
    assert len(person) < 3 or person not in str(caught.value)
