"""What laws of the object index ask of objects. No law stands here."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from unison_storage.contracts.objects import Committed, Draft, ObjectIndex, ObjectRow
from unison_storage.errors import StorageError
from unison_storage_conformance.ground import Ground
from unison_storage_conformance.outcomes import same, value

Index = Ground[ObjectIndex]
SHA = "0" * 64

ALL = 1_000_000
"""How many unwanted blobs are asked for where all of a check's own are meant: whatever others left is among them."""


def draft(ground: Index, address: str, blob: str, **more: Any) -> Draft:
    """Return a draft; what is not named is new, or of no interest."""
    return Draft(
        address=address,
        id=more.pop("id", None) or ground.blob(),
        blob=blob,
        version=more.pop("version", None) or ground.mint(),
        size=more.pop("size", 3),
        sha256=more.pop("sha256", SHA),
        content_type=more.pop("content_type", "text/plain"),
        lifetime=more.pop("lifetime", None),
        **more,
    )


async def commit(ground: Index, made: Draft) -> Committed | StorageError:
    """Commit a draft and return what it comes to."""
    try:
        return await ground.backend.commit(made)
    except StorageError as error:
        return error


async def put(ground: Index, address: str, *, pending: bool = True, owner: str | None = None, **more: Any) -> ObjectRow:
    """Begin a blob and commit an object that has to be taken; return its row."""
    blob = more.pop("blob", None) or ground.blob()
    if pending:
        await ground.backend.begin(blob, owner if owner is not None else more.get("person"))
    done: Committed = value(await commit(ground, draft(ground, address, blob, **more)), "a commit that nothing forbids")
    return done.row


async def get(ground: Index, address: str) -> ObjectRow | None:
    """Return the visible object at an address."""
    [row] = await ground.backend.get_many([address])
    found: ObjectRow | None = value(row, "a get")
    return found


async def due(ground: Index, *, before: int | None = None, stale: int = 0) -> set[str]:
    """Return blobs of this check whose bytes may go: those that became unwanted before a time, by default now."""
    limit = before if before is not None else await ground.now() + 1 + ground.slack
    return set(await ground.backend.unwanted(limit, stale, ALL)) & set(ground.made)


async def aged(ground: Index, row: ObjectRow) -> ObjectRow:
    """Return a row as it reads when time has passed, and say so where it is another one.

    Where a harness makes older what is stored, its times are earlier than they were.
    """
    found = await get(ground, row.address)
    aged_times = ("created", "updated", "expires") if found is not None and ground.slack else ()
    times = {name: getattr(found, name) for name in aged_times}
    same(found, replace(row, **times), "what has not expired stays")
    return found or row


async def known(ground: Index, *blobs: str) -> set[str]:
    """Return which of these have a row."""
    return set(await ground.backend.known(list(blobs)))
