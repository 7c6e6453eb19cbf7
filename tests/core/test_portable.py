"""The portable JSON domain: what is inside comes back equal and of the same types; what is outside is refused."""

from __future__ import annotations

import math
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from unison_storage.errors import InvalidValue, StorageError, Tampered, TooLarge
from unison_storage.portable import JSON, MAX_DEPTH, Codec, check, counter, incremented, parse_json

LIMIT = 1 << 20
LOW, HIGH = -(2**63), 2**63 - 1
CANARY = "canary-7f3a"

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
edges = st.sampled_from([0, -1, LOW, LOW + 1, HIGH, HIGH - 1, 2**53 + 1, 10**18, -(10**18)])
numbers = st.integers(LOW, HIGH) | edges | st.floats(allow_nan=False, allow_infinity=False)
odd = st.sampled_from(["\\u0000", "\\\\u0000", "\u2028", "\x01\x1f", "\x7f", "1" * 40, "[{" * 50, '"', "\\", "\ufeff"])
scalars = st.none() | st.booleans() | numbers | texts | odd
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts | odd, inner, max_size=4), max_leaves=20
)


def same(one: Any, other: Any) -> bool:
    """Compare values with their types, order of keys and sign of zero, which == passes over."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, float):
        return one.hex() == float(other).hex()
    return bool(one == other)


def nested(depth: int, innermost: Any = None, kind: str = "list") -> Any:
    value = innermost
    for level in range(depth):
        as_list = kind == "list" or (kind == "mixed" and level % 2)
        value = [value] if as_list else {"a": value}
    return value


@given(value=values)
@settings(deadline=None, max_examples=200)
@example(-0.0)
@example([1, 1.0, True, "1", None])
@example({"": {"": []}})
@example(1e16)
@example(5e-324)
def test_every_value_of_the_domain_comes_back_equal_and_of_the_same_types(value: Any) -> None:
    raw = JSON.encode(value, LIMIT)
    assert same(JSON.decode(raw), value)
    assert same(parse_json(raw, LIMIT), value)
    check(value)


@given(value=values)
@settings(deadline=None, max_examples=50)
def test_what_is_decoded_is_nobody_elses(value: Any) -> None:
    raw = JSON.encode([value, {"k": value}], LIMIT)
    first = JSON.decode(raw)
    first.append("changed")
    first[1]["k"] = "changed"
    assert same(JSON.decode(raw), [value, {"k": value}])


class Colour(IntEnum):
    RED = 1


class State(StrEnum):
    NEW = "canary-7f3a"


class Plain(Enum):
    A = "canary-7f3a"


class SubList(list[Any]):
    pass


class SubDict(dict[str, Any]):
    pass


class SubStr(str):
    __slots__ = ()


class SubInt(int):
    pass


class SubFloat(float):
    pass


class Pair(NamedTuple):
    one: str
    two: str


@dataclass
class Record:
    name: str = CANARY


class Draft(msgspec.Struct):
    text: str = CANARY
    words: int = 0
    tags: list[str] = []


OUTSIDE: dict[str, Any] = {
    "NaN": math.nan,
    "inf": math.inf,
    "-inf": -math.inf,
    "tuple": (CANARY,),
    "empty tuple": (),
    "named tuple": Pair(CANARY, CANARY),
    "set": {CANARY},
    "frozenset": frozenset({CANARY}),
    "int key": {1: CANARY},
    "float key": {1.5: CANARY},
    "bool key": {True: CANARY},
    "None key": {None: CANARY},
    "tuple key": {(1, 2): CANARY},
    "bytes key": {b"a": CANARY},
    "keys that meet": {"1": CANARY, 1: CANARY},
    "2^63": 2**63,
    "2^64": 2**64,
    "2^80": 2**80,
    "10^400": 10**400,
    "10^5000": 10**5000,
    "-2^63-1": -(2**63) - 1,
    "-2^80": -(2**80),
    "lone surrogate": CANARY + "\ud800",
    "lone surrogate in a key": {CANARY + "\udfff": 1},
    "surrogates as two characters": "\ud83d\ude00",
    "U+0000": CANARY + "\x00",
    "U+0000 in a key": {CANARY + "\x00": 1},
    "U+0000 behind its escape": "\\u0000\x00",
    "bytes": CANARY.encode(),
    "bytearray": bytearray(CANARY.encode()),
    "memoryview": memoryview(CANARY.encode()),
    "datetime": datetime(2030, 1, 1, tzinfo=UTC),
    "date": date(2030, 1, 1),
    "timedelta": timedelta(1),
    "Decimal": Decimal("7.25"),
    "Fraction": Fraction(1, 3),
    "complex": 1j,
    "UUID": UUID(int=7),
    "Path": Path(CANARY),
    "dataclass": Record(),
    "Struct": Draft(),
    "Raw": msgspec.Raw(b'"canary-7f3a"'),
    "UNSET": msgspec.UNSET,
    "Enum": Plain.A,
    "iterator": iter([CANARY]),
    "range": range(3),
    "function": len,
    "class": Record,
    "object": object(),
    "depth 65": nested(65),
    "depth 65 of dicts": nested(65, kind="dict"),
    "depth 65 of both": nested(65, kind="mixed"),
    "depth 66 around nothing": nested(65, []),
    "depth 500": nested(500),
    "depth 10,000": nested(10_000),
    "depth 10,000 of dicts": nested(10_000, kind="dict"),
    "depth 200,000": nested(200_000, kind="mixed"),
}
SUBCLASSES: dict[str, Any] = {
    "IntEnum": Colour.RED,
    "StrEnum": State.NEW,
    "StrEnum as key": {State.NEW: 1},
    "list": SubList([CANARY]),
    "dict": SubDict(a=CANARY),
    "OrderedDict": OrderedDict(a=CANARY),
    "defaultdict": defaultdict(int, a=1),
    "Counter": Counter(CANARY),
    "str": SubStr(CANARY),
    "int": SubInt(3),
    "float": SubFloat(1.5),
}
PLACES: dict[str, Any] = {
    "alone": lambda value: value,
    "in a list": lambda value: [1, [value], CANARY],
    "in a dict": lambda value: {"a": {CANARY: value}},
}


def failure(act: Callable[[], Any]) -> StorageError | None:
    """Return the error of the tree that a call raises; any other goes through."""
    try:
        act()
    except StorageError as error:
        return error
    return None


def refused(value: Any, codec: Codec = JSON) -> str:
    with pytest.raises(InvalidValue) as caught:
        codec.encode(value, LIMIT)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", OUTSIDE)
def test_what_is_outside_the_domain_is_refused_and_not_quoted(name: str, place: str) -> None:
    message = refused(PLACES[place](OUTSIDE[name]))
    assert CANARY not in message
    assert len(message) < 300


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", SUBCLASSES)
def test_an_instance_of_a_subclass_comes_back_equal_as_the_plain_type_or_is_refused(name: str, place: str) -> None:
    value = PLACES[place](SUBCLASSES[name])
    if name in {"str", "int", "float"}:
        assert CANARY not in refused(value)
    else:
        assert JSON.decode(JSON.encode(value, LIMIT)) == value


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    refused(value)


@given(
    bad=st.sampled_from([math.nan, math.inf, 2**63, (1,), b"b", "\x00", "\ud800", {1: 2}]),
    inner=st.lists(st.sampled_from(["list", "dict"]), max_size=MAX_DEPTH),
    beside=scalars,
)
@settings(deadline=None, max_examples=100)
def test_what_is_outside_is_found_wherever_it_hides(bad: Any, inner: list[str], beside: Any) -> None:
    value = bad
    for kind in inner:
        value = [beside, value] if kind == "list" else {"x": beside, "y": value}
    refused(value)


@pytest.mark.parametrize("kind", ["list", "dict", "mixed"])
def test_64_levels_are_allowed_and_65_are_not(kind: str) -> None:
    deepest = nested(MAX_DEPTH, 1, kind)
    assert same(JSON.decode(JSON.encode(deepest, LIMIT)), deepest)
    assert "64" in refused(nested(MAX_DEPTH + 1, 1, kind))


def test_many_brackets_beside_each_other_are_not_deep() -> None:
    wide: list[Any] = [[[]] for _ in range(500)]
    assert JSON.decode(JSON.encode(wide, LIMIT)) == wide


@pytest.mark.parametrize("text", ["\\u0000", "a\\u0000b", "\\\\u0000", "\\\\\\u0000", "u0000"])
def test_the_text_of_an_escape_is_not_the_character(text: str) -> None:
    assert JSON.decode(JSON.encode({text: text}, LIMIT)) == {text: text}


def test_the_limit_counts_bytes_of_json() -> None:
    assert JSON.encode("é" * 4, 10) == '"éééé"'.encode()
    with pytest.raises(TooLarge) as caught:
        JSON.encode("é" * 4 + "x", 10)
    assert caught.value.limit == 10
    with pytest.raises(TooLarge):
        parse_json(b'"' + b"x" * 9 + b'"', 10)


# ---------------------------------------------------------------------------------------------------------- reading


@given(raw=st.binary(max_size=40) | st.text('[]{}",:0123456789.eE-+\\u truefalsn', max_size=30).map(str.encode))
@settings(deadline=None, max_examples=300)
def test_only_errors_of_the_tree_come_from_stored_bytes(raw: bytes) -> None:
    error = failure(lambda: JSON.decode(raw))
    if error is not None:
        assert isinstance(error, Tampered | InvalidValue)
        assert error.__cause__ is None
        assert error.__suppress_context__


@pytest.mark.parametrize(
    "raw",
    [b"", b"nul", b"[1,]", b'"\xff"', b'"\xed\xa0\x80"', b'"\\ud800"', b"[" * 50_000, b"[" * 50_000 + b"]" * 50_000],
    ids=lambda raw: f"{raw[:12]!r} {len(raw)}",
)
def test_stored_bytes_that_no_store_has_written_are_tampered_with(raw: bytes) -> None:
    with pytest.raises(Tampered) as caught:
        JSON.decode(raw)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nul",
        b"NaN",
        b"Infinity",
        b"1e400",
        b"01",
        b"'a'",
        b"[1,]",
        b'"\xff"',
        b'"\\ud800"',
        b'"\\u0000"',
        b'{"\\u0000":1}',
        b"9223372036854775808",
        b"-9223372036854775809",
        b"1" * 5000,
        b"[" * 65 + b"]" * 65,
        b"[" * 100_000 + b"]" * 100_000,
        b"[" * 100_000,
        b"\xef\xbb\xbf1",
        b"1 2",
    ],
    ids=lambda raw: f"{raw[:12]!r} {len(raw)}",
)
def test_json_from_outside_is_held_to_the_same_domain(raw: bytes) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse_json(raw, LIMIT)
    assert caught.value.__cause__ is None


# ------------------------------------------------------------------------------------------------------------ types

drafts = st.builds(Draft, text=texts, words=st.integers(LOW, HIGH), tags=st.lists(texts, max_size=3))


@given(draft=drafts)
@settings(deadline=None, max_examples=100)
def test_a_typed_value_comes_back_as_its_type(draft: Draft) -> None:
    codec = Codec(Draft)
    back = codec.decode(codec.encode(draft, LIMIT))
    assert type(back) is Draft
    assert back == draft
    assert same(msgspec.to_builtins(draft), JSON.decode(codec.encode(draft, LIMIT)))


@pytest.mark.parametrize(
    "value",
    [
        {"text": CANARY},
        Draft(text=CANARY + "\x00"),
        Draft(text=CANARY + "\ud800"),
        Draft(words=2**63),
        Draft(words=2**80),
        Draft(words="canary-7f3a"),  # type: ignore[arg-type]
        Draft(tags=("canary-7f3a",)),  # type: ignore[arg-type]
        CANARY,
        None,
        (CANARY,),
    ],
    ids=repr,
)
def test_a_value_that_is_not_of_the_type_is_refused_and_not_quoted(value: Any) -> None:
    assert CANARY not in refused(value, Codec(Draft))


def test_what_is_stored_and_does_not_fit_the_type_is_named_by_its_type_alone() -> None:
    codec = Codec(Draft)
    with pytest.raises(InvalidValue, match="Draft") as caught:
        codec.decode(b'{"text":["canary-7f3a"]}')
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    with pytest.raises(Tampered):
        codec.decode(b"{")


# --------------------------------------------------------------------------------------------------------- counters


@given(number=st.integers(LOW, HIGH) | edges)
@settings(deadline=None, max_examples=100)
def test_a_counter_is_its_decimal_digits(number: int) -> None:
    assert counter(b"%d" % number) == number
    assert counter(JSON.encode(number, LIMIT)) == number
    assert JSON.decode(b"%d" % number) == number


@given(raw=st.binary(max_size=25) | st.text("0123456789-+ e.", max_size=22).map(str.encode))
@settings(deadline=None, max_examples=300)
def test_whatever_is_no_number_as_python_writes_it_is_no_counter(raw: bytes) -> None:
    error = failure(lambda: counter(raw))
    if error is None:
        assert b"%d" % counter(raw) == raw
        assert LOW <= counter(raw) <= HIGH
    else:
        assert isinstance(error, InvalidValue)
        assert len(raw) < 3 or raw.decode(errors="replace") not in str(error)


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"-", b"-0", b"00", b"01", b"+1", b" 1", b"1 ", b"1.0", b"1e3", b"true", b"null", b'"1"', b"0x1"),
        *(b"1_0", b"1\n", b"--1", b"[1]", "١".encode(), b"%d" % (HIGH + 1), b"%d" % (LOW - 1)),
        *(b"9" * 19, b"9" * 20, b"9" * 5000),
    ],
    ids=lambda raw: f"{raw[-12:]!r} {len(raw)}",
)
def test_these_are_no_counters(raw: bytes) -> None:
    with pytest.raises(InvalidValue):
        counter(raw)


@given(number=st.integers(LOW, HIGH) | edges, by=st.integers(LOW, HIGH) | edges)
@settings(deadline=None, max_examples=200)
@example(HIGH, 1)
@example(HIGH, 0)
@example(LOW, -1)
@example(LOW, HIGH)
def test_a_sum_past_64_bits_is_refused(number: int, by: int) -> None:
    if LOW <= number + by <= HIGH:
        assert incremented(number, by) == number + by
    else:
        with pytest.raises(InvalidValue):
            incremented(number, by)
