"""Byte ranges of RFC 9110: which part of an object a request asks for. Reading the part is not done here."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

_RANGE: Final = re.compile(r"bytes=\s*([0-9]*)-([0-9]*)\s*", re.IGNORECASE)
_BEYOND: Final = 10**18
_DIGITS: Final = 18


class Span(Struct, frozen=True):
    """Half-open bounds of what is asked for, within the size of the object."""

    start: int
    end: int


class Unsatisfiable(Exception):
    """No byte of the object lies in the range."""


def span(header: str | None, size: int) -> Span | None:
    """Return the part that a ``Range`` header names of ``size`` bytes, or ``None`` where all is to be sent.

    What is malformed, of another unit or more than one range is passed over, as the standard allows.
    """
    found = None if header is None else _RANGE.fullmatch(header)
    if found is None or not (found[1] or found[2]):
        return None
    first, last = found[1], found[2]
    if not first:
        length = min(_number(last), size)
        if length == 0:
            raise Unsatisfiable
        return Span(size - length, size)
    start = _number(first)
    if last and _number(last) < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return Span(start, min(_number(last) + 1, size) if last else size)


def _number(digits: str) -> int:
    # no object is that large, and int() refuses thousands of digits
    return int(digits) if len(digits.lstrip("0")) <= _DIGITS else _BEYOND
