"""What stands around a cached value: nothing, mostly. What values look like is the codec's business.

A value is stored as its codec made it, so that other clients of a server can read it. An envelope is used only where a
value says more than itself: when it is to be computed anew, that it is ``None`` where the codec has no word for it, or
that it is no counter although it looks like one. It begins with 0xC1, which no JSON and no MessagePack begins with.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from unison_storage.cache_codecs import CODECS
from unison_storage.errors import Tampered

_PLAIN: Final = b"\xc1\x00"
_TIMED: Final = b"\xc1\x01"
_NONE: Final = b"\xc1\x02"
_HEAD: Final = 2
_TIME: Final = 10
"""Where the bytes behind a time begin: two bytes of head, eight of the time."""


class Envelopes:
    """Values of one codec and type, as they are stored."""

    __slots__ = ("_codec", "_json", "_none_apart", "_raw")

    def __init__(self, codec: str, type_: Any = Any) -> None:
        self._codec = CODECS[codec](type_)
        self._json = codec == "json"
        self._raw = codec == "raw"
        self._none_apart = self._raw or type_ is not Any

    def stored(self, value: Any, limit: int, refresh_at: int | None = None) -> bytes:
        """Return a value as it is stored. ``refresh_at``: from when on it is to be computed anew, in microseconds."""
        if value is None and self._none_apart:
            return _NONE + (refresh_at or 0).to_bytes(_TIME - _HEAD)
        payload = self._codec.encode(value, limit)
        if refresh_at is not None:
            return _TIMED + refresh_at.to_bytes(_TIME - _HEAD) + payload
        if payload[:1] == _PLAIN[:1] or (not self._json and looks_like_counter(payload)):
            return _PLAIN + payload
        return payload

    def value(self, raw: bytes) -> Any:
        """Return the value; ``InvalidValue`` if it does not fit the type, ``Tampered`` if it is no value of a store."""
        if raw[:1] == _PLAIN[:1]:
            return self._unwrapped(raw)
        if not self._json and looks_like_counter(raw):
            return self._counted(int(raw))
        return self._codec.decode(raw)

    def _unwrapped(self, raw: bytes) -> Any:
        head = raw[:_HEAD]
        if head == _PLAIN:
            return self._codec.decode(raw[_HEAD:])
        if head == _TIMED and len(raw) >= _TIME:
            return self._codec.decode(raw[_TIME:])
        if head == _NONE:
            return None
        raise Tampered("what is stored is no value of a cache of this version")

    def _counted(self, number: int) -> Any:
        # by way of the codec, so that a counter read as another type is refused
        return number if self._raw else self._codec.decode(msgspec.msgpack.encode(number))


def refresh_time(raw: bytes) -> int | None:
    """Return from when on a stored value is to be computed anew, in microseconds, or ``None``."""
    if raw[:_HEAD] not in (_TIMED, _NONE) or len(raw) < _TIME:
        return None
    return int.from_bytes(raw[_HEAD:_TIME]) or None


def looks_like_counter(raw: bytes) -> bool:
    """Return whether a backend would add to it."""
    return (raw[1:] if raw[:1] == b"-" else raw).isdigit()
