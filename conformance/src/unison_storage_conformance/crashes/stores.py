"""Stores: a caller of the store of objects dies in the middle of a put or a delete. Backends alone are in ``kills``."""

from __future__ import annotations

from typing import Any, Final

from unison_storage.errors import StorageError
from unison_storage_conformance.crashes.kills import drawn
from unison_storage_conformance.crashes.process import made
from unison_storage_conformance.crashes.writer import Job
from unison_storage_conformance.law import law
from unison_storage_conformance.outcomes import NotTried, broken
from unison_storage_conformance.site import KEYSPACE
from unison_storage_conformance.store_ground import StoreGround
from unison_storage_conformance.verdicts import Level

OLD: Final = b"the old content"
NEW: Final = b"a new content " * 20_000
PAGE: Final = 1_000
MOST: Final = 20_000
"""Blobs on a target beyond which it takes too long to look at all of them."""


@law("objects.10", face="store", level=Level.CRASH)
async def a_put_whose_caller_dies_leaves_one_content_and_no_loose_bytes(ground: StoreGround) -> None:
    await _each_point(ground, "put", (NEW,), None, NEW)
    await _each_point(ground, "put", (NEW,), OLD, NEW)


@law("objects.10", face="store", level=Level.CRASH)
async def a_delete_whose_caller_dies_is_done_or_undone(ground: StoreGround) -> None:
    await _each_point(ground, "delete", (), OLD, None)


async def _each_point(
    ground: StoreGround, operation: str, given: tuple[Any, ...], old: bytes | None, new: bytes | None
) -> None:
    handle = ground.anew().objects("crash")
    passed = await _made(ground, handle, "measured", Job(operation, given), old, new)
    for point in drawn(ground, passed):
        await _made(ground, handle, f"{point}", Job(operation, given, {}, point), old, new)


async def _made(ground: StoreGround, handle: Any, key: str, job: Job, old: bytes | None, new: bytes | None) -> int:
    """Have a writer make a call at a key, and judge what is left; return the points that it passed."""
    if old is not None:
        await handle.put(key, old)
    before = await _stored(ground)
    asked = Job(job.operation, (key, *job.given), {}, job.point, namespace=(KEYSPACE, *handle.namespace))
    done = await made(ground.site.target, ["object", "object_index"], asked)
    if done is not None and isinstance(done[0], StorageError):
        raise done[0]
    found = await handle.get(key)
    if found not in ((old, new) if done is None else (new,)):
        broken("the old content or the new one, whole", expected=f"{old!r} or {len(new or b'')} bytes", found=found)
    written = sorted(await _stored(ground) - before)
    ground.site.sites["object"].blobs += written
    ground.site.sites["object_index"].blobs += written
    known = await ground.site.sites["object_index"].backend.known(written)
    if loose := set(written) - set(known):
        broken("bytes of which the index does not know", expected="none", found=f"{len(loose)} blobs")
    return 0 if done is None else done[1]


async def _stored(ground: StoreGround) -> set[str]:
    """Return the ids of all blobs that are stored; ``NotTried`` where there are too many."""
    blobs = ground.site.sites["object"].backend
    ids: list[str] = []
    while page := await blobs.list(ids[-1] if ids else "", PAGE):
        ids += [line.id for line in page]
        if len(ids) > MOST:
            raise NotTried(f"the target holds more than {MOST:,} blobs, and all are looked at")
    return set(ids)
