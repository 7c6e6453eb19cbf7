"""Blobs in a folder beside the file. What blocks is in ``folder``; here it is called from threads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Final, TypeVar

from unison_storage.contracts.context import Context
from unison_storage.contracts.objects import Blob, BlobId, Blobs, Flags
from unison_storage.errors import Closed, InvalidConfig, NotOpen, StorageError
from unison_storage.values import Health
from unison_storage_sqlite import errors
from unison_storage_sqlite.config import File
from unison_storage_sqlite.config import Folder as Given
from unison_storage_sqlite.folder import Download, Folder, Upload

T = TypeVar("T")

_GATHERED: Final = 512 * 1024
"""Bytes that are gathered before a thread writes them; a smaller blob is written by one call."""
_THREADS: Final = 4


class SqliteBlobs(Blobs):
    """The bytes of objects as files. A write is durable on return: file and folders are synced."""

    name: ClassVar[str] = "sqlite"
    production_ready: ClassVar[bool] = False

    def __init__(self, file: File | Given, context: Context) -> None:
        self._file = file
        self._clock = context.clock
        self._folder = Folder(file.blobs, context.clock)
        self._threads: ThreadPoolExecutor | None = None
        self._closed = False

    async def open(self) -> None:
        """Make the folder (mode 0700) and remove what was left half written more than a day ago."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, "unison-storage-sqlite-blobs")
        try:
            await self._in_thread(self._prepare)
        except BaseException:
            await self.close()
            raise
        self._closed = False

    async def close(self) -> None:
        """Let go of the threads; each finishes the chunk that it is at. May be called twice."""
        threads, self._threads, self._closed = self._threads, None, True
        if threads is not None:
            threads.shutdown()

    async def health(self) -> Health:
        """Return whether blobs can be written at this moment; never raises."""
        started = self._clock.monotonic()
        try:
            await self._in_thread(self._folder.check)
        except StorageError as error:
            return Health(ok=False, detail=error.message, seconds=self._clock.monotonic() - started)
        return Health(ok=True, detail="a folder of blobs", seconds=self._clock.monotonic() - started)

    async def now(self) -> int:
        """Return the time of the clock it was given."""
        return self._clock.now()

    async def write(self, id: BlobId, chunks: AsyncIterator[bytes]) -> int:
        """See the contract. What fails or is cancelled is removed before this returns."""
        upload = Upload(self._folder, id)
        held: list[bytes] = []
        size = 0
        try:
            async for chunk in chunks:
                held.append(chunk)
                size += len(chunk)
                if size >= _GATHERED:
                    await self._in_thread(upload.append, held)
                    held, size = [], 0
            return await self._in_thread(upload.finish, held)
        except BaseException:
            await self._discarded(upload)
            raise

    async def read(self, id: BlobId, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """See the contract."""
        download = Download(self._folder.path(id), start, end)
        try:
            while not download.done:
                chunk = await self._in_thread(download.next)
                if chunk:
                    yield chunk
        finally:
            download.close()

    async def delete_many(self, ids: Sequence[BlobId]) -> Flags:
        """See the contract. The removal is durable on return."""
        return await self._in_thread(self._removed, ids) if ids else []

    async def list(self, after: BlobId, limit: int) -> Sequence[Blob]:
        """See the contract."""
        return await self._in_thread(self._folder.list, after, limit)

    def _prepare(self) -> None:
        try:
            self._folder.prepare()
        except (NotADirectoryError, FileExistsError):
            raise InvalidConfig(f"{self._file.setting}: the folder for blobs is a file; name another one") from None

    def _removed(self, ids: Sequence[BlobId]) -> Flags:
        outcomes: Flags = []
        for id in ids:
            try:
                outcomes.append(self._folder.remove(self._folder.path(id)))
            except (StorageError, OSError) as error:
                found = errors.translated(error)
                outcomes.append(found if isinstance(found, StorageError) else False)
        return outcomes

    async def _discarded(self, upload: Upload) -> None:
        if self._threads is None:  # closed meanwhile
            upload.discard()
        else:
            await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._threads, upload.discard))

    async def _in_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        if self._threads is None:
            if self._closed:
                raise Closed("the storage was closed; open it again")
            raise NotOpen("the storage is not open; use async with, or open it first")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)
        except OSError as error:
            raise errors.translated(error) from None


class FolderBlobs(SqliteBlobs):
    """The bytes of objects in a folder, whatever keeps their index."""

    name: ClassVar[str] = "file"
    production_ready: ClassVar[bool] = True
