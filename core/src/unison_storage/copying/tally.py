"""The tally of a copy: how many of one kind there are, what was done with them, and a digest of each side."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec
from msgspec import Struct

_ENCODE: Final = msgspec.msgpack.Encoder(order="sorted").encode
_BITS: Final = 256


class Digest:
    """A digest of things in whatever order they come: the sum of their SHA-256, modulo 2^256."""

    __slots__ = ("_sum",)

    def __init__(self) -> None:
        self._sum = 0

    def add(self, thing: Any) -> None:
        """Take in a thing, which is made of what msgpack has."""
        self._sum += int.from_bytes(hashlib.sha256(_ENCODE(thing)).digest())

    @property
    def hex(self) -> str:
        """The digest of what has come so far."""
        return f"{self._sum % (1 << _BITS):064x}"


class Tally(Struct):
    """What came of one kind. ``same`` and ``different`` and ``missing`` are what TO had of what FROM has.

    ``beyond`` is what TO has and FROM has not. The digests are of FROM and of what TO has of it, without the times.
    """

    kind: str
    items: int = 0
    same: int = 0
    different: int = 0
    missing: int = 0
    beyond: int = 0
    digest: str = ""
    digest_there: str = ""

    @property
    def equal(self) -> bool:
        """Whether TO holds all that FROM holds, as it is there."""
        return not self.different and not self.missing and self.digest == self.digest_there
