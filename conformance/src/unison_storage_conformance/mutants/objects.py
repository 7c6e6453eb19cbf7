"""Objects, broken on purpose in one of their halves, as a caller of the store meets it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from msgspec.structs import replace

from unison_storage.contracts.objects import Committed, Draft
from unison_storage.reference.objects import ReferenceBlobs, ReferenceObjectIndex
from unison_storage_conformance.mutant import mutant
from unison_storage_conformance.mutants.blobs import Ranged, SwallowsFailure
from unison_storage_conformance.mutants.index import (
    IndexDeleteIgnoresVersion,
    IndexDeleteSaysYes,
    IndexTakesOver,
    Rowed,
)


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
class RangesIncludeEnd(Ranged):
    @staticmethod
    def other(start: int, end: int | None) -> tuple[int, int | None]:
        return start, None if end is None else end + 1


@mutant("objects.3", "an object is told with the content type before", on="index")
class TellsOldType(ReferenceObjectIndex):
    async def commit(self, draft: Draft) -> Committed:
        old = self._rows.get(draft.address)
        done = await super().commit(draft)
        if old is not None:
            self._rows[draft.address] = replace(done.row, content_type=old.content_type)
        return Committed(self._rows[draft.address], done.fresh)


@mutant("objects.3", "an object is told without its person", on="index")
class TellsNobody(Rowed):
    def kept(self, row: Any, draft: Draft) -> Any:
        return replace(row, person=None)


@mutant("objects.4", "a put by another person takes over", on="index")
class ObjectsTakeOver(IndexTakesOver):
    pass


@mutant("objects.4", "objects live for ever", on="index")
class ObjectsForEver(Rowed):
    def kept(self, row: Any, draft: Draft) -> Any:
        return replace(row, expires=None)


@mutant("objects.4", "a delete of another version deletes", on="index")
class ObjectsDeleteAny(IndexDeleteIgnoresVersion):
    pass


@mutant("objects.5", "an overwrite is another object", on="index")
class ObjectsNewId(Rowed):
    def kept(self, row: Any, draft: Draft) -> Any:
        return replace(row, id=draft.id)


@mutant("objects.5", "what comes after a delete is as old as what was there", on="index")
class ObjectsRemember(Rowed):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._born: dict[str, int] = {}

    def kept(self, row: Any, draft: Draft) -> Any:
        return replace(row, created=self._born.setdefault(draft.address, row.created))


@mutant("objects.6", "a source that fails ends the upload as if it were done", on="blobs")
class UploadSwallows(SwallowsFailure):
    pass


@mutant("objects.7", "a delete always says yes", on="index")
class ObjectsDeleteSaysYes(IndexDeleteSaysYes):
    pass


@mutant("objects.7", "a listing leaves deeper namespaces out", on="index")
class ObjectsShallow(ReferenceObjectIndex):
    def _below(self, prefix: str) -> Any:
        return [row for row in super()._below(prefix) if "\x1f" not in row.address[len(prefix) :]]


@mutant("objects.8", "content types lose their parameters", on="index")
class ObjectsBareTypes(Rowed):
    def kept(self, row: Any, draft: Draft) -> Any:
        return replace(row, content_type=row.content_type.partition(";")[0])
