"""The portable JSON domain, and values in it as bytes. Every backend gets bytes that all others can hold too.

String keys, finite floats, ints from -2^63 to 2^63-1, no U+0000, no lone surrogates, depth at most 64. An instance of
a subclass comes back as the plain type if it compares equal to it, and is refused otherwise. Encoding, decoding and
comparing catches most of what is outside and costs half of a walk; a walk follows only where the bytes look as if it
could find something.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from unison_storage.errors import InvalidValue, Tampered, TooLarge
from unison_storage.values import COUNTER_MAX, COUNTER_MIN

MAX_DEPTH: Final = 64

_encode: Final = msgspec.json.Encoder().encode
_SHAPE: Final = bytes(
    ord("0") if byte in b"0123456789" else ord("[") if byte in b"[{" else ord("x") for byte in range(256)
)
"""Every digit as 0, every opening bracket as [, all else as x: what may be too deep or too large shows in it."""
_LONG_NUMBER: Final = b"0" * 19
_ESCAPED_NUL: Final = b"\\u0000"
_OUTSIDE: Final = (
    "the value is outside the portable JSON domain: string keys, finite floats, lists and dicts; "
    "no tuples and no other types"
)


class Codec:
    """Values of one type to JSON bytes and back. Without a type: the portable JSON domain itself."""

    __slots__ = ("_decode", "_type")

    def __init__(self, type_: Any = Any) -> None:
        self._type = type_
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(type_).decode

    def encode(self, value: Any, limit: int) -> bytes:
        """Return ``value`` as JSON; ``InvalidValue`` outside the domain, ``TooLarge`` over ``limit`` bytes."""
        try:
            raw = _encode(value)
            same = self._decode(raw) == value
        except (TypeError, ValueError, OverflowError, RecursionError):
            # UnicodeEncodeError and both errors of msgspec are ValueErrors; their texts may quote the value
            raise InvalidValue(self._refusal(value)) from None
        if not same:
            raise InvalidValue(self._refusal(value))
        if len(raw) > limit:
            raise TooLarge(f"the value has {len(raw)} bytes as JSON, at most {limit} are allowed", limit=limit)
        shape = raw.translate(_SHAPE)
        if _LONG_NUMBER in shape or shape.count(b"[") > MAX_DEPTH or (b"\\" in raw and _ESCAPED_NUL in raw):
            check(msgspec.json.decode(raw))
        return raw

    def decode(self, raw: bytes) -> Any:
        """Return the value; ``Tampered`` if the bytes are no JSON, ``InvalidValue`` if they don't fit the type."""
        try:
            return self._decode(raw)
        except msgspec.ValidationError:
            raise InvalidValue(f"what is stored does not fit the type {self._name()}") from None
        except (ValueError, RecursionError):
            raise Tampered("what is stored is no JSON of a store") from None

    def _refusal(self, value: Any) -> str:
        if self._type is Any:
            return f"{_OUTSIDE} (the value is a {type(value).__name__})"
        return f"the value does not survive JSON as the type {self._name()}"

    def _name(self) -> str:
        return getattr(self._type, "__name__", "of this handle")


JSON: Final = Codec()


def check(value: Any, depth: int = 1) -> None:
    """Walk a decoded JSON value; ``InvalidValue`` says what is outside the domain, never quoting it."""
    if depth > MAX_DEPTH and isinstance(value, list | dict):
        raise InvalidValue(f"the value is nested deeper than {MAX_DEPTH} levels")
    if type(value) is str:
        if "\x00" in value:
            raise InvalidValue("the value holds the character U+0000")
    elif type(value) is int:
        if not COUNTER_MIN <= value <= COUNTER_MAX:
            raise InvalidValue("the value holds an integer outside -2^63 … 2^63-1")
    elif type(value) is list:
        for item in value:
            check(item, depth + 1)
    elif type(value) is dict:
        for key, item in value.items():
            check(key, depth)
            check(item, depth + 1)


def parse_json(raw: bytes, limit: int) -> Any:
    """Return JSON text as a value of the portable domain; for values that come from outside as bytes."""
    if len(raw) > limit:
        raise TooLarge(f"the value has {len(raw)} bytes, at most {limit} are allowed", limit=limit)
    try:
        value = msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        raise InvalidValue("the value is no JSON") from None
    check(value)
    return value


def counter(raw: bytes) -> int:
    """Return the number that a counter holds; ``InvalidValue`` if it isn't ASCII digits within ±2^63."""
    digits = raw[1:] if raw[:1] == b"-" else raw
    if not digits.isdigit() or (digits[:1] == b"0" and raw != b"0") or len(digits) > 19:  # 2^63 has 19
        raise InvalidValue("what is stored is no counter: it can't be incremented")
    number = int(raw)
    if not COUNTER_MIN <= number <= COUNTER_MAX:
        raise InvalidValue("what is stored is no counter: it is outside -2^63 … 2^63-1")
    return number


def incremented(number: int, by: int) -> int:
    """Return the sum; ``InvalidValue`` past -2^63 … 2^63-1."""
    total = number + by
    if not COUNTER_MIN <= total <= COUNTER_MAX:
        raise InvalidValue("the counter would pass -2^63 … 2^63-1; it is unchanged")
    return total
