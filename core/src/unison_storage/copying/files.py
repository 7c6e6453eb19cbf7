"""Copying objects: rows of the index with their ids and versions, and the bytes behind them, hashed on their way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from typing import Any, Final

from unison_storage.contracts.backend import Outcome
from unison_storage.contracts.memory import Delete
from unison_storage.contracts.objects import Blobs, Draft, ObjectIndex, ObjectRow
from unison_storage.copying.lifetimes import Lifetimes
from unison_storage.copying.pages import raise_first
from unison_storage.copying.side import Side
from unison_storage.errors import InvalidConfig, ObjectMissing, Tampered
from unison_storage.stores.uploads import Measured
from unison_storage.stores.versions import new_id

_PAGE: Final = 100
_AT_ONCE: Final = 8


class Files:
    """The objects of two sides. ``reads`` says that the bytes of TO are read back and hashed."""

    kind = "objects"

    def __init__(self, source: Side, target: Side, *, reads: bool) -> None:
        self._source = source
        self._target = target
        self._reads = reads
        self._gate = asyncio.Semaphore(_AT_ONCE)
        index = source.index
        assert index is not None  # noqa: S101 - only made where there is one
        self._index = index
        self._here = Lifetimes(index.now)
        self._there = Lifetimes(index.now if target.index is None else target.index.now)

    async def count(self) -> int:
        """Return how many FROM has."""
        return await self._index.count("")

    async def there(self) -> int:
        """Return how many TO has."""
        return 0 if self._target.index is None else await self._target.index.count("")

    async def check(self) -> None:
        """Raise ``InvalidConfig`` where FROM's bytes can't be reached, or TO keeps no objects."""
        for side, name in ((self._source, "FROM"), (self._target, "TO")):
            missing = "object_url" if side.blobs is None else "object_index_url" if side.index is None else None
            if missing is not None:
                raise InvalidConfig(f"{name} keeps no objects: give it as a TOML file that has an {missing} too")

    async def pages(self) -> AsyncIterator[Sequence[ObjectRow]]:
        """Yield what FROM has."""
        after = ""
        while page := await self._index.list("", after, _PAGE):
            yield page
            after = page[-1].address

    async def found(self, page: Sequence[ObjectRow]) -> list[ObjectRow | None]:
        """Return what TO has at each address; what has other bytes than its row says counts as nothing."""
        _, index = self._kept(self._target)
        rows: list[Outcome[ObjectRow | None]] = await self._target.route("object", index).many(
            "get_many", index.get_many, [row.address for row in page]
        )
        raise_first(rows)
        return await asyncio.gather(*(self._whole(row) for row in rows))  # type: ignore[arg-type]

    async def same(self, row: ObjectRow, there: ObjectRow) -> bool:
        """Return whether an object is what FROM has; its lifetime may differ by what the clocks do."""
        return self.seal(row, None) == self.seal(row, there) and await self._here.alike(
            row.expires, self._there, there.expires
        )

    async def ending(self, row: ObjectRow) -> bool:
        """Return whether it expires so soon that it may be gone at the other side."""
        return await self._here.ending(row.expires)

    async def write(self, items: Sequence[tuple[ObjectRow, ObjectRow | None]]) -> None:
        """Put what FROM has in the place of what TO has."""
        await asyncio.gather(*(self._write(row, old) for row, old in items))

    def seal(self, row: ObjectRow, there: ObjectRow | None) -> Any:
        """Return what is digested of an object, of FROM or, with ``there``, of TO."""
        one = there or row
        return one.address, one.id, one.version, one.size, one.sha256, one.content_type, one.person

    async def _write(self, row: ObjectRow, old: ObjectRow | None) -> None:
        source, _ = self._kept(self._source)
        blobs, index = self._kept(self._target)
        async with self._gate:
            lifetime = await self._here.left(row.expires)
            if lifetime is not None and lifetime <= 0:
                return
            blob = new_id()
            await index.begin(blob, row.person)
            measured = Measured(source.read(row.blob), row.size)
            size = await blobs.write(blob, measured.chunks())
            if (size, measured.digest.hexdigest()) != (row.size, row.sha256):
                raise Tampered("an object of FROM has other bytes than when it was written: reconcile names it")
            if old is not None and (old.id != row.id or old.person != row.person):
                raise_first(await index.delete_many([Delete(row.address)]))
            await index.commit(
                Draft(
                    row.address,
                    row.id,
                    blob,
                    row.version,
                    row.size,
                    row.sha256,
                    row.content_type,
                    lifetime,
                    row.person,
                )
            )

    async def _whole(self, row: ObjectRow | None) -> ObjectRow | None:
        """Return a row if its bytes are what it says, or are not looked at."""
        if row is None or not self._reads:
            return row
        blobs, _ = self._kept(self._target)
        digest = sha256()
        async with self._gate:
            try:
                async for chunk in blobs.read(row.blob):
                    digest.update(chunk)
            except ObjectMissing:
                return None
        return row if digest.hexdigest() == row.sha256 else None

    def _kept(self, side: Side) -> tuple[Blobs, ObjectIndex]:
        assert side.blobs is not None  # noqa: S101 - ``check`` was called
        assert side.index is not None  # noqa: S101
        return side.blobs, side.index
