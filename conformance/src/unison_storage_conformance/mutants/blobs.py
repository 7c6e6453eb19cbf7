"""Blobs, broken on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from unison_storage.contracts.objects import Blob
from unison_storage.errors import InvalidValue, NotFound, ObjectMissing
from unison_storage.reference.objects import ReferenceBlobs
from unison_storage_conformance.mutant import mutant
from unison_storage_conformance.mutants.benign import CopyingBlobs


class _Kept(ReferenceBlobs):
    """Blobs that are kept otherwise than they are written."""

    @staticmethod
    def kept(chunks: list[bytes]) -> bytes:
        return b"".join(chunks)

    async def write(self, id: str, chunks: AsyncIterator[bytes]) -> int:
        data = self.kept([chunk async for chunk in chunks])
        self._blobs[id] = (data, self._clock.now())
        return len(data)


def keeping(sentence: str, name: str, kept: Callable[[list[bytes]], bytes]) -> None:
    """Register blobs that are kept otherwise than they are written."""
    mutant("blobs.1", sentence)(type(name, (_Kept,), {"kept": staticmethod(kept)}))


keeping(
    "the last chunk is lost", "LosesLast", lambda chunks: b"".join(chunks[:-1]) if len(chunks) > 1 else b"".join(chunks)
)
keeping(
    "an empty chunk ends the stream",
    "EmptyEnds",
    lambda chunks: b"".join(chunks[: chunks.index(b"")] if b"" in chunks else chunks),
)
keeping("what is beyond a mebibyte is lost", "CutsAtMebibyte", lambda chunks: b"".join(chunks)[: 1 << 20])
keeping("line ends are made one", "BlobLineEnds", lambda chunks: b"".join(chunks).replace(b"\r\n", b"\n"))
keeping("NUL bytes at the end go", "BlobStripsNul", lambda chunks: b"".join(chunks).rstrip(b"\x00"))
keeping("chunks that are the same are kept once", "BlobDeduplicates", lambda chunks: b"".join(dict.fromkeys(chunks)))
keeping("bytes are text", "BlobKeepsText", lambda chunks: b"".join(chunks).decode("utf-8", "replace").encode())


@mutant("blobs.1", "a write answers the size of the last chunk")
class AnswersLastSize(ReferenceBlobs):
    async def write(self, id: str, chunks: AsyncIterator[bytes]) -> int:
        pieces = [chunk async for chunk in chunks]
        data = b"".join(pieces)
        self._blobs[id] = (data, self._clock.now())
        return len(pieces[-1]) if len(pieces) > 1 else len(data)


@mutant("blobs.1", "writes at once share their buffer")
class SharesBuffer(ReferenceBlobs):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._buffer = bytearray()

    async def write(self, id: str, chunks: AsyncIterator[bytes]) -> int:
        self._buffer.clear()
        async for chunk in chunks:
            self._buffer += chunk
            await asyncio.sleep(0)
        self._blobs[id] = (bytes(self._buffer), self._clock.now())
        return len(self._buffer)


@mutant("blobs.1", "an empty blob is missing")
class BlobEmptyIsMissing(ReferenceBlobs):
    async def read(self, id: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        if id in self._blobs and not self._blobs[id][0]:
            raise ObjectMissing("the bytes of the object are gone")
        async for chunk in super().read(id, start, end):
            yield chunk


@mutant("blobs.2", "a write that fails leaves what has come")
class KeepsHalf(ReferenceBlobs):
    async def write(self, id: str, chunks: AsyncIterator[bytes]) -> int:
        data = b""
        try:
            async for chunk in chunks:
                data += chunk
        finally:
            self._blobs[id] = (data, self._clock.now())
        return len(data)


@mutant("blobs.2", "a write that is cancelled leaves what has come")
class KeepsCancelled(ReferenceBlobs):
    async def write(self, id: str, chunks: AsyncIterator[bytes]) -> int:
        data = b""
        try:
            async for chunk in chunks:
                data += chunk
        except asyncio.CancelledError:
            self._blobs[id] = (data, self._clock.now())
            raise
        self._blobs[id] = (data, self._clock.now())
        return len(data)


@mutant("blobs.2", "a blob is visible while it is written")
class VisibleEarly(ReferenceBlobs):
    async def write(self, id: str, chunks: AsyncIterator[bytes]) -> int:
        data = b""
        try:
            async for chunk in chunks:
                data += chunk
                self._blobs[id] = (data, self._clock.now())
        except BaseException:
            self._blobs.pop(id, None)
            raise
        self._blobs[id] = (data, self._clock.now())
        return len(data)


@mutant("blobs.2", "a source that fails ends the write as if it were done")
class SwallowsFailure(ReferenceBlobs):
    async def write(self, id: str, chunks: AsyncIterator[bytes]) -> int:
        data = b""
        try:
            async for chunk in chunks:
                data += chunk
        except InvalidValue:
            self._blobs[id] = (data, self._clock.now())
            return len(data)
        self._blobs[id] = (data, self._clock.now())
        return len(data)


class Ranged(ReferenceBlobs):
    """Blobs that take ranges for others."""

    @staticmethod
    def other(start: int, end: int | None) -> tuple[int, int | None]:
        return start, end

    async def read(self, id: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        async for chunk in super().read(id, *self.other(start, end)):
            yield chunk


def ranging(sentence: str, name: str, other: Callable[[int, int | None], tuple[int, int | None]]) -> None:
    """Register blobs that take ranges for others."""
    mutant("blobs.3", sentence)(type(name, (Ranged,), {"other": staticmethod(other)}))


ranging("the end of a range is part of it", "EndIncluded", lambda start, end: (start, None if end is None else end + 1))
ranging(
    "the end of a range is one short",
    "EndShort",
    lambda start, end: (start, None if end is None else max(end - 1, start)),
)
ranging("the end is a length", "EndIsLength", lambda start, end: (start, None if end is None else start + end))
ranging("an end of 0 is no end", "ZeroIsNoEnd", lambda start, end: (start, end or None))
ranging("the start is ignored without an end", "StartNeedsEnd", lambda start, end: (0 if end is None else start, end))
ranging("the start is rounded down to 64 bytes", "StartRounded", lambda start, end: (start // 64 * 64, end))


@mutant("blobs.3", "a range beyond the end is refused")
class RefusesBeyond(ReferenceBlobs):
    async def read(self, id: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        if id in self._blobs and start > len(self._blobs[id][0]):
            raise NotFound("the range is beyond the end")
        async for chunk in super().read(id, start, end):
            yield chunk


@mutant("blobs.3", "a range is cut in chunks that overlap")
class ChunksOverlap(ReferenceBlobs):
    async def read(self, id: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        last = b""
        async for chunk in super().read(id, start, end):
            yield last[-1:] + chunk if last and start else chunk
            last = chunk


@mutant("blobs.4", "a missing blob is empty")
class MissingIsEmpty(ReferenceBlobs):
    async def read(self, id: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        if id in self._blobs:
            async for chunk in super().read(id, start, end):
                yield chunk


@mutant("blobs.4", "an empty range of a missing blob is empty")
class EmptyRangeOfMissing(ReferenceBlobs):
    async def read(self, id: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        if end == start:
            return
        async for chunk in super().read(id, start, end):
            yield chunk


@mutant("blobs.4", "a missing blob is not found")
class MissingIsNotFound(ReferenceBlobs):
    async def read(self, id: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        if id not in self._blobs:
            raise NotFound("there is no such blob")
        async for chunk in super().read(id, start, end):
            yield chunk


@mutant("blobs.5", "a delete of what is missing is an error")
class DeleteOfMissing(ReferenceBlobs):
    async def delete_many(self, ids: Sequence[str]) -> Any:
        return [True if self._blobs.pop(id, None) is not None else NotFound("there is no such blob") for id in ids]


@mutant("blobs.5", "a delete always says yes")
class BlobDeleteSaysYes(ReferenceBlobs):
    async def delete_many(self, ids: Sequence[str]) -> Any:
        await super().delete_many(ids)
        return [True for _ in ids]


@mutant("blobs.5", "a delete that meets a missing blob ends there")
class DeleteEnds(ReferenceBlobs):
    async def delete_many(self, ids: Sequence[str]) -> Any:
        answers: list[bool] = []
        for id in ids:
            answers.append(all(answers) and self._blobs.pop(id, None) is not None)
        return answers


@mutant("blobs.5", "a delete takes what begins alike")
class DeletesByBeginning(ReferenceBlobs):
    async def delete_many(self, ids: Sequence[str]) -> Any:
        answers = await super().delete_many(ids)
        for id in ids:
            for other in [one for one in self._blobs if one[:31] == id[:31]]:
                del self._blobs[other]
        return answers


@mutant("blobs.6", "a listing begins with its position")
class ListBeginsAt(ReferenceBlobs):
    async def list(self, after: str, limit: int) -> Sequence[Blob]:
        ids = sorted(id for id in self._blobs if id >= after)[:limit]
        return [Blob(id, len(self._blobs[id][0]), self._blobs[id][1]) for id in ids]


@mutant("blobs.6", "a listing is in the order of writing")
class ListAsWritten(ReferenceBlobs):
    async def list(self, after: str, limit: int) -> Sequence[Blob]:
        ids = [id for id in self._blobs if id > after][:limit]
        return [Blob(id, len(self._blobs[id][0]), self._blobs[id][1]) for id in ids]


@mutant("blobs.6", "a listing is one too long")
class ListOneLong(ReferenceBlobs):
    async def list(self, after: str, limit: int) -> Sequence[Blob]:
        return await super().list(after, limit + 1)


@mutant("blobs.6", "empty blobs are not listed")
class ListSkipsEmpty(ReferenceBlobs):
    async def list(self, after: str, limit: int) -> Sequence[Blob]:
        return [one for one in await super().list(after, 10**6) if one.size][:limit]


@mutant("blobs.6", "a listing tells when the process began")
class ListWrongTime(ReferenceBlobs):
    async def list(self, after: str, limit: int) -> Sequence[Blob]:
        return [Blob(one.id, one.size, 0) for one in await super().list(after, limit)]


@mutant("blobs.6", "a listing tells kibibytes")
class ListInKibibytes(ReferenceBlobs):
    async def list(self, after: str, limit: int) -> Sequence[Blob]:
        return [Blob(one.id, one.size // 1_024, one.written) for one in await super().list(after, limit)]


@mutant("blobs.6", "a listing goes on by number")
class ListByNumber(ReferenceBlobs):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._places: dict[str, int] = {}

    async def list(self, after: str, limit: int) -> Sequence[Blob]:
        ids = sorted(self._blobs)
        start = self._places.get(after, sum(id <= after for id in ids))
        self._places.update({id: place + 1 for place, id in enumerate(ids)})
        return [Blob(id, len(self._blobs[id][0]), self._blobs[id][1]) for id in ids[start : start + limit]]


@mutant("blobs.7", "a blob is read in one piece")
class OnePiece(ReferenceBlobs):
    async def read(self, id: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        yield b"".join([chunk async for chunk in super().read(id, start, end)])


@mutant("blobs.8", "a blob that is written after a delete is that of the delete")
class DeletedComesBack(ReferenceBlobs):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._gone: list[bytes] = []

    async def delete_many(self, ids: Sequence[str]) -> Any:
        self._gone += [self._blobs[id][0] for id in ids if id in self._blobs]
        return await super().delete_many(ids)

    async def write(self, id: str, chunks: AsyncIterator[bytes]) -> int:
        size = await super().write(id, chunks)
        if self._gone:
            self._blobs[id] = (self._gone.pop(), self._clock.now())
        return size


@mutant("backend.8", "a copy that is not declared copies", on="blobs")
class CopiesUndeclared(ReferenceBlobs):
    async def copy(self, source: str, id: str) -> int:
        self._blobs[id] = self._blobs[source]
        return len(self._blobs[id][0])


@mutant("backend.8", "a URL that is not declared is empty", on="blobs")
class PresignsUndeclared(ReferenceBlobs):
    async def presign(self, id: str, lifetime: int) -> str:
        return ""


@mutant("backend.8", "what is not declared is not found", on="blobs")
class RefusesOtherwise(ReferenceBlobs):
    async def copy(self, source: str, id: str) -> int:
        raise NotFound("there is no such call")


@mutant("backend.8", "a copy copies, and is refused then", on="blobs")
class RefusesTooLate(ReferenceBlobs):
    async def copy(self, source: str, id: str) -> int:
        self._blobs[id] = self._blobs[source]
        return await super().copy(source, id)


@mutant("backend.8", "a copy asks the server before it is refused", on="blobs")
class AsksBefore(ReferenceBlobs):
    async def copy(self, source: str, id: str) -> int:
        await asyncio.sleep(0)
        return await super().copy(source, id)


@mutant("blobs.9", "a copy is empty")
class CopiesNothing(CopyingBlobs):
    async def copy(self, source: str, id: str) -> int:
        size = await super().copy(source, id)
        self._blobs[id] = (b"", self._clock.now())
        return size


@mutant("blobs.9", "a copy goes with its source")
class CopyIsAlias(CopyingBlobs):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._copies: dict[str, str] = {}

    async def copy(self, source: str, id: str) -> int:
        self._copies[source] = id
        return await super().copy(source, id)

    async def delete_many(self, ids: Sequence[str]) -> Any:
        for id in ids:
            self._blobs.pop(self._copies.get(id, ""), None)
        return await super().delete_many(ids)


@mutant("blobs.9", "a copy of a missing blob is empty")
class CopiesMissing(CopyingBlobs):
    async def copy(self, source: str, id: str) -> int:
        if source not in self._blobs:
            self._blobs[id] = (b"", self._clock.now())
            return 0
        return await super().copy(source, id)


@mutant("blobs.9", "a copy is declared and refused")
class DeclaresCopy(CopyingBlobs):
    async def copy(self, source: str, id: str) -> int:
        return await ReferenceBlobs.copy(self, source, id)


@mutant("blobs.10", "all blobs have one URL")
class OneUrl(CopyingBlobs):
    async def presign(self, id: str, lifetime: int) -> str:
        return "https://blobs.example/blob"


@mutant("blobs.10", "a URL is a path")
class UrlIsPath(CopyingBlobs):
    async def presign(self, id: str, lifetime: int) -> str:
        return f"/blobs/{id}"
