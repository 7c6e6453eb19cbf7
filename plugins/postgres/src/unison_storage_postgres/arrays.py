"""Parameters in PostgreSQL's binary format, of declared types. What is done with them stands in ``statements``.

The driver finds out the type of each item, and prepares a statement anew for every mixture of them; its arrays take
40 µs for a KiB. Formats are those of ``array_recv``, ``int8recv``, ``boolrecv`` and ``byteasend`` in PostgreSQL, all in
network byte order. https://www.postgresql.org/docs/current/catalog-pg-type.html has the numbers of types.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

Encoder: TypeAlias = Callable[[Any], bytes | None]

_HEAD: Final = struct.Struct("!iiIii").pack
_LENGTH: Final = struct.Struct("!i").pack
_BIGINT: Final = struct.Struct("!q").pack
_LENGTH_AND_BIGINT: Final = struct.Struct("!iq").pack
_NULL: Final = b"\xff\xff\xff\xff"
_BYTEA_OID: Final = 17
_BIGINT_OID: Final = 20
_TEXT_OID: Final = 25


def text(value: str | None) -> bytes | None:
    """Return a ``text``, or null."""
    return None if value is None else value.encode()


def bytea(value: bytes) -> bytes:
    """Return a ``bytea``."""
    return value


def bigint(value: int | None) -> bytes | None:
    """Return a ``bigint``, or null."""
    return None if value is None else _BIGINT(value)


def boolean(value: bool) -> bytes:  # noqa: FBT001 - it is what is encoded
    """Return a ``boolean``."""
    return b"\x01" if value else b"\x00"


def texts(values: Sequence[str | None]) -> bytes:
    """Return a ``text[]``."""
    return _array(_TEXT_OID, values, (None if value is None else value.encode() for value in values))


def texts_or_null(values: Sequence[str] | None) -> bytes | None:
    """Return a ``text[]``, or null."""
    return None if values is None else texts(values)


def byteas(values: Sequence[bytes | None]) -> bytes:
    """Return a ``bytea[]``."""
    return _array(_BYTEA_OID, values, values)


def bigints(values: Sequence[int | None]) -> bytes:
    """Return a ``bigint[]``."""
    items = [_NULL if value is None else _LENGTH_AND_BIGINT(8, value) for value in values]
    return b"".join((_head(_BIGINT_OID, values), *items))


def _array(oid: int, values: Sequence[Any], raw: Iterable[bytes | None]) -> bytes:
    parts = [_head(oid, values)]
    for item in raw:
        if item is None:
            parts.append(_NULL)
        else:
            parts += (_LENGTH(len(item)), item)
    return b"".join(parts)


def _head(oid: int, values: Sequence[Any]) -> bytes:
    """Return dimensions, whether there may be nulls, the type of the items, their number, and the first subscript."""
    return _HEAD(1, 1, oid, len(values), 1)
