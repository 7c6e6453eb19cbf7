"""The closed list of what a backend may offer beyond its contract, and the limits it declares."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Capability(StrEnum):
    """One optional behaviour. What a backend does not declare raises ``Unsupported`` and changes nothing."""

    COPY = "copy"
    """blobs: the server copies the bytes of a blob"""
    PRESIGN = "presign"
    """blobs: a URL that reads a blob for a limited time"""
    QUERY = "query"
    """graph: parametrised Cypher from trusted code"""
    BOOKMARKS = "bookmarks"
    """graph: causal reads across processes"""


class Limits(Struct, frozen=True):
    """What one backend can take. Bytes, items, statements and seconds."""

    value: int = 1 << 20
    """bytes of one value"""
    batch: int = 500
    """items in one call of a ``*_many`` method"""
    concurrency: int = 4
    """statements that the coalescer may have in flight at once"""
    lifetime_resolution: float = 0.000_001
    """seconds; a lifetime is rounded up to a multiple of it"""
