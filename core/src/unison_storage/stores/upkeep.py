"""Upkeep of objects: bytes that nobody wants any more are removed, and blobs and index are compared."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from unison_storage.contracts.objects import ObjectRow
from unison_storage.errors import IntegrityError, ObjectMissing
from unison_storage.stores.body import Body
from unison_storage.stores.border import EVERYWHERE, Border, Route
from unison_storage.stores.objects import KIND, ObjectStore
from unison_storage.stores.uploads import info_of

GRACE: Final = 3_600.0
"""Seconds that the bytes of a deleted object stay, so that no reader loses them under its hands."""
STALE: Final = 86_400.0
"""Seconds after which an upload that was begun and never ended is given up."""
_MICROS: Final = 1_000_000


class Repair(Struct, frozen=True):
    """What a comparison of blobs and index found. Ids alone; ``removed`` counts what was put right.

    ``orphans`` are blobs without a row; ``missing`` objects whose bytes are gone; ``damaged`` objects whose bytes
    are not those that were written.
    """

    checked: int
    orphans: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    removed: int = 0


class Upkeep:
    """The upkeep of one object store. Safe to run while the store is in use, and in several processes."""

    def __init__(self, border: Border, store: ObjectStore) -> None:
        self._store = store
        self._route = Route(border, KIND, store.index, EVERYWHERE, declared=True)

    async def sweep(self, *, grace: float = GRACE, stale: float = STALE, limit: int = 10_000) -> int:
        """Remove bytes that nobody wants any more, of at most ``limit`` objects; return how many.

        They were deleted, overwritten or expired ``grace`` seconds ago, or their upload died ``stale`` seconds ago.
        """
        index = self._store.index
        now = await self._route.whole("now", index.now)
        ids = await self._route.whole(
            "unwanted", index.unwanted, now - round(grace * _MICROS), now - round(stale * _MICROS), limit
        )
        return await self._store.remove(ids)

    async def reconcile(self, *, dry_run: bool = False, stale: float = STALE) -> Repair:
        """Compare blobs and index both ways.

        Blobs without a row that are older than ``stale`` seconds are removed; objects whose bytes are gone are
        named, since only their owner can put them right.
        """
        blobs, index = self._store.blobs, self._store.index
        old = await self._route.whole("now", index.now) - round(stale * _MICROS)
        sizes: dict[str, int] = {}
        orphans: list[str] = []
        after = ""
        while part := await self._route.whole("list", blobs.list, after, index.limits.batch):
            after = part[-1].id
            known = set(await self._route.whole("known", index.known, [blob.id for blob in part]))
            sizes.update({blob.id: blob.size for blob in part})
            orphans += [blob.id for blob in part if blob.id not in known and blob.written < old]
        rows = await self._rows()
        missing = [row.id for row in rows if row.blob not in sizes and await self._gone(row)]
        damaged = [row.id for row in rows if sizes.get(row.blob, row.size) != row.size]
        removed = 0 if dry_run else await self._store.remove(orphans)
        return Repair(len(rows), tuple(orphans), tuple(missing), tuple(damaged), removed)

    async def scrub(self) -> Repair:
        """Read every object and compare size and SHA-256; name those that are gone or damaged."""
        missing: list[str] = []
        damaged: list[str] = []
        rows = await self._rows()
        for row in rows:
            try:
                async for _ in Body(self._route, self._store.blobs, row, info_of(row), 0, row.size):
                    pass
            except IntegrityError as error:
                (missing if isinstance(error, ObjectMissing) else damaged).append(row.id)
        return Repair(len(rows), missing=tuple(missing), damaged=tuple(damaged))

    async def _gone(self, row: ObjectRow) -> bool:
        # an upload may have ended between the two listings: what counts is what is there now
        (now,) = await self._route.whole("get_many", self._store.index.get_many, [row.address])
        if not isinstance(now, ObjectRow) or now.blob != row.blob:
            return False
        found = await self._route.whole("list", self._store.blobs.list, _before(row.blob), 1)
        return not found or found[0].id != row.blob

    async def _rows(self) -> list[ObjectRow]:
        index = self._store.index
        rows: list[ObjectRow] = []
        after = ""
        while part := await self._route.whole("list", index.list, "", after, index.limits.batch):
            rows += part
            after = part[-1].address
        return rows


def _before(id: str) -> str:
    return f"{int(id, 16) - 1:032x}" if int(id, 16) else ""
