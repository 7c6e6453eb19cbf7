"""Codecs of the cache: values to bytes and back, one codec for each keyspace. Never pickle: what is read is data.

Counters stand outside of every codec, as ASCII digits, so that backends can add to them. What a codec makes and could
be taken for a counter is told apart in ``envelopes``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import msgspec

from unison_storage.errors import InvalidConfig, InvalidValue, Tampered, TooLarge
from unison_storage.portable import MAX_DEPTH, Codec


class CacheCodec(Protocol):
    """What makes bytes of values, and values of bytes."""

    def encode(self, value: Any, limit: int) -> bytes:
        """Return the value as bytes; ``InvalidValue`` outside the codec's domain, ``TooLarge`` over ``limit`` bytes."""

    def decode(self, raw: bytes) -> Any:
        """Return the value; ``Tampered`` if the bytes are no value, ``InvalidValue`` if they don't fit the type."""


_LEAVES: Final = bytes(byte for byte in range(256) if not (0x80 <= byte <= 0x9F or 0xDC <= byte <= 0xDF))
"""Bytes that begin neither a list nor a map (the MessagePack specification, Formats)."""


class MsgpackCodec:
    """MessagePack: what JSON has, and bytes, nested as deep. A value has to come back equal, so tuples are refused."""

    __slots__ = ("_decode", "_encode", "_name")

    def __init__(self, type_: Any = Any) -> None:
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode: Callable[[bytes], Any] = msgspec.msgpack.Decoder(type_).decode
        self._name = getattr(type_, "__name__", "of this handle")

    def encode(self, value: Any, limit: int) -> bytes:
        """See ``CacheCodec``."""
        outside = f"the value is outside of what MessagePack brings back (it is a {type(value).__name__})"
        try:
            raw = self._encode(value)
            same = self._decode(raw) == value
        except (TypeError, ValueError, OverflowError, RecursionError):
            raise InvalidValue(outside) from None
        if not same:
            raise InvalidValue(outside)
        # only what has so many bytes that may begin a list or a map is worth the walk
        if len(raw.translate(None, _LEAVES)) > MAX_DEPTH and _deeper(msgspec.msgpack.decode(raw), MAX_DEPTH):
            raise InvalidValue(f"the value is nested deeper than {MAX_DEPTH} levels")
        if len(raw) > limit:
            raise TooLarge(f"the value has {len(raw)} bytes as MessagePack, at most {limit} are allowed", limit=limit)
        return raw

    def decode(self, raw: bytes) -> Any:
        """See ``CacheCodec``."""
        try:
            return self._decode(raw)
        except msgspec.ValidationError:
            raise InvalidValue(f"what is stored does not fit the type {self._name}") from None
        except (ValueError, RecursionError):
            raise Tampered("what is stored is no MessagePack of a store") from None


def _deeper(value: Any, levels: int) -> bool:
    """Return whether lists and maps are nested deeper than so many levels."""
    if not isinstance(value, list | dict):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper(item, levels - 1) for item in inner)


class RawCodec:
    """Bytes as they are."""

    __slots__ = ()

    def __init__(self, type_: Any = Any) -> None:
        if type_ not in (Any, bytes):
            raise InvalidConfig("a keyspace of the codec raw holds bytes, and no other type")

    def encode(self, value: Any, limit: int) -> bytes:
        """See ``CacheCodec``."""
        if type(value) is not bytes:
            raise InvalidValue(f"this keyspace holds raw bytes, and the value is a {type(value).__name__}")
        if len(value) > limit:
            raise TooLarge(f"the value has {len(value)} bytes, at most {limit} are allowed", limit=limit)
        return value

    def decode(self, raw: bytes) -> Any:
        """See ``CacheCodec``."""
        return raw


CODECS: Final[Mapping[str, Callable[[Any], CacheCodec]]] = {"json": Codec, "msgpack": MsgpackCodec, "raw": RawCodec}
"""By the name that a keyspace declares."""
