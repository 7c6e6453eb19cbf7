"""An entry of memory as it lies on the server: a head of fixed size, version, person, value. Times are microseconds.

    format 1 | created 8 | updated 8 | expires 8 (0: never) | size of version 2 | size of person 2 | …   big-endian

The scripts read and write the same.
"""

from __future__ import annotations

import struct
from typing import Final

from unison_storage.contracts.memory import Row
from unison_storage.errors import Tampered

FORMAT: Final = 1
_HEAD: Final = struct.Struct(">BQQQHH")
_SIZE: Final = _HEAD.size
_head: Final = _HEAD.unpack_from
PEEK: Final = 511
"""The last byte of an entry that is read where its value is not wanted: it nearly always has all else before it."""


def row_of(raw: bytes) -> Row:
    """Return what an entry says; ``Tampered`` where it is none."""
    try:
        form, created, updated, expires, version, person = _head(raw)
        start = _SIZE + version
        end = start + person
        if form != FORMAT or len(raw) < end:
            raise _foreign()
        owner = raw[start:end].decode() if person else None
        return Row(raw[end:], raw[_SIZE:start].decode(), created, updated, expires or None, owner)
    except (ValueError, struct.error):
        raise _foreign() from None


def whole(head: bytes) -> bool:
    """Return whether the beginning of an entry holds all that stands before its value."""
    if len(head) < _SIZE:
        return True  # it is no entry, as whoever reads it will say
    version: int
    person: int
    *_, version, person = _head(head)
    return len(head) >= _SIZE + version + person


def _foreign() -> Tampered:
    return Tampered("what lies under a key of ours is no entry of memory: another program writes below our prefix")
