"""What stands around a cached value, for every codec."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unison_storage.errors import InvalidValue, Tampered
from unison_storage.stores.envelopes import Envelopes, looks_like_counter, refresh_time

LIMIT = 1 << 16
WHEN = 1_893_456_000_000_000

json_values = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(codec="utf-8"))
times = st.none() | st.integers(1, 2**62)


class Draft(msgspec.Struct):
    title: str


@given(json_values.filter(lambda value: "\x00" not in str(value)), times)
def test_json_comes_back(value: Any, when: int | None) -> None:
    envelopes = Envelopes("json")
    raw = envelopes.stored(value, LIMIT, when)
    assert envelopes.value(raw) == value
    assert refresh_time(raw) == when


@given(st.none() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.binary(), times)
def test_messagepack_comes_back(value: Any, when: int | None) -> None:
    envelopes = Envelopes("msgpack")
    raw = envelopes.stored(value, LIMIT, when)
    assert envelopes.value(raw) == value
    assert refresh_time(raw) == when


@given(st.none() | st.binary() | st.binary().map(lambda tail: b"\xc1" + tail) | st.from_regex(rb"\A-?[0-9]+\Z"), times)
def test_raw_bytes_come_back(value: Any, when: int | None) -> None:
    envelopes = Envelopes("raw")
    raw = envelopes.stored(value, LIMIT, when)
    assert envelopes.value(raw) == value
    assert refresh_time(raw) == when


@pytest.mark.parametrize("codec", ["json", "msgpack", "raw"])
@pytest.mark.parametrize("number", [0, 5, 53, -1, 2**63 - 1, -(2**63)])
def test_a_counter_reads_as_its_number_by_every_codec(codec: str, number: int) -> None:
    assert Envelopes(codec).value(b"%d" % number) == number


@pytest.mark.parametrize("codec", ["msgpack", "raw"])
@pytest.mark.parametrize("value", [b"5", b"-12", b"0", 53, 0x30])
def test_a_value_that_looks_like_a_counter_is_none_to_a_backend(codec: str, value: Any) -> None:
    if codec == "raw" and not isinstance(value, bytes):
        value = bytes([value])
    assert not looks_like_counter(Envelopes(codec).stored(value, LIMIT))


def test_plain_values_are_stored_as_they_are() -> None:
    assert Envelopes("json").stored({"a": 1}, LIMIT) == b'{"a":1}'
    assert Envelopes("raw").stored(b"abc", LIMIT) == b"abc"
    assert Envelopes("msgpack").stored([1], LIMIT) == msgspec.msgpack.encode([1])


def test_none_has_a_place_beside_a_type() -> None:
    envelopes = Envelopes("json", Draft)
    assert envelopes.value(envelopes.stored(None, LIMIT)) is None
    assert envelopes.value(envelopes.stored(None, LIMIT, WHEN)) is None
    assert envelopes.value(envelopes.stored(Draft("a"), LIMIT, WHEN)) == Draft("a")


@pytest.mark.parametrize("codec", ["json", "msgpack"])
def test_a_counter_is_no_draft(codec: str) -> None:
    with pytest.raises(InvalidValue, match="Draft"):
        Envelopes(codec, Draft).value(b"5")


@pytest.mark.parametrize("raw", [b"\xc1", b"\xc1\x07abc", b"\xc1\x01\x00\x00", b"\xc1\xff"])
@pytest.mark.parametrize("codec", ["json", "msgpack", "raw"])
def test_an_envelope_that_nobody_made_is_no_value(codec: str, raw: bytes) -> None:
    with pytest.raises(Tampered):
        Envelopes(codec).value(raw)
    assert refresh_time(raw) is None
