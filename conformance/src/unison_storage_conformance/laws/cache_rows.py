"""What laws of the cache ask of entries. No law stands here.

A miss is never wrong by the contract. On these checks nobody else uses the addresses and little is written, so an entry
that was set a moment ago is expected to be there: a cache that never holds anything would pass every other law.
"""

from __future__ import annotations

from unison_storage.contracts.cache import CacheBackend, Increment, Set
from unison_storage_conformance.ground import Ground
from unison_storage_conformance.outcomes import same, value

Cache = Ground[CacheBackend]
LONG = 1_000
"""Ticks that no check comes to the end of."""


async def put(ground: Cache, address: str, data: bytes = b"1", ticks: float = LONG) -> None:
    """Set one entry, which lives so many ticks."""
    same(
        await ground.backend.set_many([Set(address, data, round(ticks * ground.tick))]), [None], "a set answers nothing"
    )


async def get(ground: Cache, address: str) -> bytes | None:
    """Return what is at an address."""
    [found] = await ground.backend.get_many([address])
    data: bytes | None = value(found, "a get")
    return data


async def increment(ground: Cache, address: str, by: int = 1, ticks: float = LONG) -> int:
    """Add to a counter where nothing forbids it, and return its new value."""
    [found] = await ground.backend.increment_many([Increment(address, by, round(ticks * ground.tick))])
    total: int = value(found, f"an increment by {by}")
    return total


async def add(ground: Cache, address: str, data: bytes, ticks: float = LONG) -> bool:
    """Add one entry and return whether it was written."""
    [added] = await ground.backend.add_many([Set(address, data, round(ticks * ground.tick))])
    return bool(value(added, "an add"))
