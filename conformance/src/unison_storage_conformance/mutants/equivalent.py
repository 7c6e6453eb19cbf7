"""Changes to a backend that no caller can tell at these levels, each with the reason. They count for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct


class Equivalent(Struct, frozen=True):
    """A change, and why nobody can tell."""

    contract: str
    sentence: str
    reason: str


EQUIVALENT: Final[Sequence[Equivalent]] = (
    Equivalent(
        "memory",
        "a put of the value and version that are there is skipped",
        "versions are minted by the store and never used twice, so no caller can put the same pair",
    ),
    Equivalent(
        "memory",
        "what has expired is kept until it is purged",
        "it is never visible, and the contract leaves open when room is freed",
    ),
    Equivalent(
        "cache",
        "an entry is evicted before its lifetime has passed",
        "any entry may vanish at any time; only one that keeps nothing at all is told from it",
    ),
    Equivalent(
        "cache",
        "a lease outlives a restart of its server",
        "its lifetime ends it all the same; what a restart does is tried by a later level",
    ),
    Equivalent(
        "graph",
        "of several shortest paths another one is answered",
        "the contract allows any of minimal length",
    ),
    Equivalent(
        "graph",
        "a truth value is kept as a number",
        "no grammar of a graph model takes truth values, so that no caller can write one",
    ),
    Equivalent(
        "blobs",
        "a blob that is overwritten keeps its first bytes",
        "an id is used once: the store makes a new one for every write",
    ),
    Equivalent(
        "index",
        "the bytes of a deleted object go at once",
        "they are gone for every caller with the row; what a reader meets that was at them, a later level tries",
    ),
    Equivalent(
        "objects",
        "an expectation is compared by the index alone, and not before the bytes are sent",
        "the answer is the same; only the bytes that are sent in vain can be told",
    ),
)
