"""Values of the cache to bytes and back, by every codec."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unison_storage.cache_codecs import CODECS, MsgpackCodec, RawCodec
from unison_storage.errors import InvalidConfig, InvalidValue, Tampered, TooLarge
from unison_storage.keyspaces import CodecName

LIMIT = 1 << 16
CANARY = "canary-5d1e"

scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars | st.binary(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


class Draft(msgspec.Struct):
    title: str
    words: int = 0


def test_every_codec_that_a_keyspace_may_name_is_there() -> None:
    assert set(CODECS) == set(get_args(CodecName))


@given(values)
def test_what_messagepack_takes_comes_back_equal(value: Any) -> None:
    codec = MsgpackCodec()
    try:
        raw = codec.encode(value, LIMIT)
    except TooLarge:
        return
    assert codec.decode(raw) == value


@given(st.binary())
def test_raw_bytes_come_back_as_they_are(value: bytes) -> None:
    codec = RawCodec()
    assert codec.decode(codec.encode(value, LIMIT)) == value


@given(st.binary(max_size=40))
def test_no_bytes_make_messagepack_raise_anything_but_a_storage_error(raw: bytes) -> None:
    with suppress(Tampered, InvalidValue):
        MsgpackCodec().decode(raw)


@pytest.mark.parametrize("value", [(1, 2), {1, 2}, object(), 2**64, -(2**63) - 1, Draft(CANARY), [CANARY, (1,)]])
def test_what_would_not_come_back_is_refused_and_not_quoted(value: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        MsgpackCodec().encode(value, LIMIT)
    assert CANARY not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(("depth", "taken"), [(63, True), (64, True), (65, False), (200, False)])
def test_messagepack_is_nested_as_deep_as_json_may_be(depth: int, taken: bool) -> None:  # noqa: FBT001 - a case
    lists: Any = 1
    maps: Any = 1
    for _ in range(depth):
        lists, maps = [lists, "text" * 20], {"k": maps}
    for value in (lists, maps):
        for name in ("msgpack", "json"):
            if taken:
                assert CODECS[name](Any).encode(value, LIMIT)
            else:
                with pytest.raises(InvalidValue, match="deeper than 64"):
                    CODECS[name](Any).encode(value, LIMIT)


@pytest.mark.parametrize("value", ["text", bytearray(b"x"), memoryview(b"x"), 5, None, [b"x"]])
def test_raw_takes_bytes_and_nothing_else(value: Any) -> None:
    with pytest.raises(InvalidValue, match="raw bytes"):
        RawCodec().encode(value, LIMIT)


@pytest.mark.parametrize("name", CODECS)
def test_a_limit_is_kept_to_the_byte(name: str) -> None:
    codec = CODECS[name](Any)
    value: Any = b"x" * 50 if name == "raw" else "x" * 48
    size = len(codec.encode(value, LIMIT))
    assert codec.encode(value, size)
    with pytest.raises(TooLarge) as caught:
        codec.encode(value, size - 1)
    assert caught.value.limit == size - 1


def test_a_type_is_decoded_and_what_does_not_fit_is_refused() -> None:
    codec = MsgpackCodec(Draft)
    assert codec.decode(codec.encode(Draft("a", 2), LIMIT)) == Draft("a", 2)
    with pytest.raises(InvalidValue, match="Draft") as caught:
        codec.decode(MsgpackCodec().encode({"title": 5, "text": CANARY}, LIMIT))
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("type_", [Draft, str, dict])
def test_raw_takes_no_type(type_: Any) -> None:
    with pytest.raises(InvalidConfig, match="raw"):
        RawCodec(type_)


def test_pickle_is_data_and_nothing_else() -> None:
    import pickle

    for name in ("json", "msgpack"):
        with pytest.raises((Tampered, InvalidValue)):
            CODECS[name](Any).decode(pickle.dumps({"x": CANARY}))
