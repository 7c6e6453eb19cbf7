"""Objects, broken on purpose in one of their halves, as a caller of the store meets it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from msgspec.structs import replace

from unison_storage.contracts.objects import Committed, Draft
from unison_storage.errors import InvalidValue, StorageError
from unison_storage.reference.objects import ReferenceBlobs, ReferenceObjectIndex
from unison_storage.values import ANY
from unison_storage_conformance.mutant import mutant


@mutant("objects.1", "the bytes of an object are those of another", on="blobs")
class SwapsBytes(ReferenceBlobs):
    async def read(self, id: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        first = next(iter(self._blobs), id)
        async for chunk in super().read(first, start, end):
            yield chunk


@mutant("objects.1", "the last chunk of an upload is lost", on="blobs")
class UploadLosesLast(ReferenceBlobs):
    async def write(self, id: str, chunks: AsyncIterator[bytes]) -> int:
        pieces = [chunk async for chunk in chunks]
        data = b"".join(pieces[:-1] or pieces)
        self._blobs[id] = (data, self._clock.now())
        return sum(map(len, pieces))


@mutant("objects.2", "ranges include their end", on="blobs")
class RangesIncludeEnd(ReferenceBlobs):
    async def read(self, id: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        async for chunk in super().read(id, start, None if end is None else end + 1):
            yield chunk


class _Told(ReferenceObjectIndex):
    """An index that tells something else than was put."""

    def told(self, row: Any) -> Any:
        return row

    async def commit(self, draft: Draft) -> Committed:
        done = await super().commit(draft)
        row = self._rows[draft.address] = self.told(done.row)
        return Committed(row, done.fresh)


@mutant("objects.3", "an object is told with the size before", on="index")
class TellsOldSize(ReferenceObjectIndex):
    async def commit(self, draft: Draft) -> Committed:
        old = self._rows.get(draft.address)
        done = await super().commit(draft)
        if old is not None:
            self._rows[draft.address] = replace(done.row, content_type=old.content_type)
        return Committed(self._rows[draft.address], done.fresh)


@mutant("objects.3", "an object is told without its person", on="index")
class TellsNobody(_Told):
    def told(self, row: Any) -> Any:
        return replace(row, person=None)


@mutant("objects.4", "a put by another person takes over", on="index")
class ObjectsTakeOver(ReferenceObjectIndex):
    async def commit(self, draft: Draft) -> Committed:
        row = self._rows.get(draft.address)
        if row is not None and draft.person:
            self._rows[draft.address] = replace(row, person=draft.person)
        return await super().commit(draft)


@mutant("objects.4", "objects live for ever", on="index")
class ObjectsForEver(_Told):
    def told(self, row: Any) -> Any:
        return replace(row, expires=None)


@mutant("objects.4", "a delete of another version deletes", on="index")
class ObjectsDeleteAny(ReferenceObjectIndex):
    def _delete(self, delete: Any, now: int) -> Any:
        return super()._delete(replace(delete, expect=ANY), now)


@mutant("objects.5", "an overwrite is another object", on="index")
class ObjectsNewId(ReferenceObjectIndex):
    async def commit(self, draft: Draft) -> Committed:
        done = await super().commit(draft)
        row = self._rows[draft.address] = replace(done.row, id=draft.id)
        return Committed(row, done.fresh)


@mutant("objects.5", "what comes after a delete is as old as what was there", on="index")
class ObjectsRemember(ReferenceObjectIndex):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._born: dict[str, int] = {}

    async def commit(self, draft: Draft) -> Committed:
        done = await super().commit(draft)
        born = self._born.setdefault(draft.address, done.row.created)
        row = self._rows[draft.address] = replace(done.row, created=born)
        return Committed(row, done.fresh)


@mutant("objects.6", "a source that fails ends the upload as if it were done", on="blobs")
class UploadSwallows(ReferenceBlobs):
    async def write(self, id: str, chunks: AsyncIterator[bytes]) -> int:
        data = b""
        try:
            async for chunk in chunks:
                data += chunk
        except InvalidValue:
            pass
        self._blobs[id] = (data, self._clock.now())
        return len(data)


@mutant("objects.7", "a delete always says yes", on="index")
class ObjectsDeleteSaysYes(ReferenceObjectIndex):
    async def delete_many(self, deletes: Sequence[Any]) -> Any:
        return [one if isinstance(one, StorageError) else True for one in await super().delete_many(deletes)]


@mutant("objects.7", "a listing leaves deeper namespaces out", on="index")
class ObjectsShallow(ReferenceObjectIndex):
    def _below(self, prefix: str) -> Any:
        return [row for row in super()._below(prefix) if "\x1f" not in row.address[len(prefix) :]]


@mutant("objects.8", "content types lose their parameters", on="index")
class ObjectsBareTypes(_Told):
    def told(self, row: Any) -> Any:
        return replace(row, content_type=row.content_type.partition(";")[0])
