"""What laws of memory ask of rows. No law stands here."""

from __future__ import annotations

from typing import Any

from unison_storage.contracts.memory import MemoryBackend, Put, Row
from unison_storage_conformance.ground import Ground
from unison_storage_conformance.outcomes import same, value

Memory = Ground[MemoryBackend]


async def put(ground: Memory, address: str, data: bytes = b"1", lifetime: Any = None, **more: Any) -> Any:
    """Write one entry that has to be taken, and return what the put answers."""
    more.setdefault("version", ground.mint())
    [written] = await ground.backend.put_many([Put(address, data, lifetime=lifetime, **more)])
    return value(written, "a put that nothing forbids")


async def get(ground: Memory, address: str) -> Row | None:
    """Return what is at an address."""
    [row] = await ground.backend.get_many([address])
    found: Row | None = value(row, "a get")
    return found


async def unchanged(ground: Memory, address: str, before: Row | None, message: str) -> None:
    """Say that the law is broken if what is at an address is not what it was."""
    same(await get(ground, address), before, f"{message}: nothing is changed")
