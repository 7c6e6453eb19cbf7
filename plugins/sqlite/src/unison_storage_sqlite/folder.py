"""A folder of blobs on disk: paths, and durable writes. Everything here blocks; ``blobs`` calls it in threads.

A blob lies at ``ab/cd/<id>``, after the first digits of its id. While it is written it is in ``incoming``, under a
name that is no id, and it is moved when all of it is on the disk; so whatever has an id for a name is complete. What a
killed process left in ``incoming`` is removed by ``prepare`` when it is older than a day.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from unison_storage.clock import Clock
from unison_storage.contracts.objects import Blob, BlobId
from unison_storage.errors import InvalidKey, ObjectMissing

CHUNK: Final = 256 * 1024
"""Bytes that a read hands out at once."""

_STALE: Final = 86_400.0
_ID: Final = re.compile(r"[0-9a-f]{32}")
_PART: Final = re.compile(r"[0-9a-f]{2}")


def make_folder(path: Path) -> None:
    """Make a folder and its missing parents with mode 0700, and see to it that they survive a crash."""
    if path.is_dir():
        return
    make_folder(path.parent)
    with suppress(FileExistsError):  # another thread or process was faster
        path.mkdir(0o700)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Put the names in a folder on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Folder:
    """The blobs below one path. Safe to use from several threads and processes."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self.incoming = path / "incoming"
        self.clock = clock
        self._durable: set[Path] = set()
        self._making = threading.Lock()

    def prepare(self) -> None:
        """Make the folder, and remove what was left half written more than a day ago."""
        make_folder(self.incoming)
        for entry in self.incoming.iterdir():
            with suppress(FileNotFoundError):
                # these times come from the system, whatever clock the storage was given
                if entry.stat().st_mtime < time.time() - _STALE:
                    entry.unlink()

    def check(self) -> None:
        """Raise ``OSError`` unless blobs can be written."""
        self.incoming.stat()
        if not os.access(self.incoming, os.W_OK):
            raise PermissionError(errno.EACCES, "not writable")

    def path(self, id: BlobId) -> Path:
        """Return where a blob lies; ``InvalidKey`` unless the id is one."""
        if _ID.fullmatch(id) is None:
            raise InvalidKey("the id of a blob is 32 lower-case hex digits")
        return self._path / id[:2] / id[2:4] / id

    def prepare_for(self, path: Path) -> None:
        """Make the folder of a blob. A folder that was there may not be on the disk yet: another process made it."""
        leaf = path.parent
        with self._making:
            if leaf in self._durable:
                return
            for folder in (leaf.parent, leaf):
                with suppress(FileExistsError):
                    folder.mkdir(0o700)
                sync_folder(folder.parent)
            self._durable.add(leaf)

    def remove(self, path: Path) -> bool:
        """Remove a blob, durably; return whether it was there."""
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        sync_folder(path.parent)
        return True

    def list(self, after: BlobId, limit: int) -> Sequence[Blob]:
        """Return at most ``limit`` blobs after ``after``, in order; no more than one leaf folder is held at a time."""
        found: list[Blob] = []
        for branch in _names(self._path, _PART, after[:2]):
            for leaf in _names(self._path / branch, _PART, after[2:4] if branch == after[:2] else ""):
                folder = self._path / branch / leaf
                for id in _names(folder, _ID, after):
                    if len(found) == limit:
                        return found
                    with suppress(FileNotFoundError):
                        status = (folder / id).stat()
                        if id != after:
                            found.append(Blob(id, status.st_size, status.st_mtime_ns // 1_000))
        return found


def _names(folder: Path, pattern: re.Pattern[str], start: str) -> Iterator[str]:
    with suppress(FileNotFoundError):
        yield from sorted(path.name for path in folder.iterdir() if path.name >= start and pattern.fullmatch(path.name))


class Upload:
    """One blob on its way in. The lock makes ``discard`` wait for a call that a cancelled caller left running."""

    def __init__(self, folder: Folder, id: BlobId) -> None:
        self._folder = folder
        self._path = folder.path(id)
        self._temporary = folder.incoming / f"{id}.{secrets.token_hex(4)}"
        self._file: BinaryIO | None = None
        self._stored = False
        self._over = False
        self._lock = threading.Lock()

    def append(self, chunks: Iterable[bytes]) -> None:
        """Write chunks at the end."""
        with self._lock:
            self._write(chunks)

    def finish(self, chunks: Iterable[bytes]) -> int:
        """Write the last chunks, make the blob durable, then visible; return its size in bytes."""
        with self._lock:
            file = self._write(chunks)
            file.flush()
            now = self._folder.clock.now() * 1_000
            os.utime(file.fileno(), ns=(now, now))
            os.fsync(file.fileno())
            size = os.fstat(file.fileno()).st_size
            file.close()
            self._folder.prepare_for(self._path)
            self._temporary.replace(self._path)
            self._stored = True
            sync_folder(self._path.parent)
            return size

    def discard(self) -> None:
        """Leave nothing behind, however far it came."""
        with self._lock:
            self._over = True
            if self._file is not None:
                with suppress(OSError):  # what could not be flushed is not wanted any more
                    self._file.close()
                with suppress(OSError):  # prepare removes it when it is stale
                    (self._path if self._stored else self._temporary).unlink()

    def _write(self, chunks: Iterable[bytes]) -> BinaryIO:
        if self._over:
            raise FileNotFoundError(errno.ENOENT, "the upload was given up")
        if self._file is None:
            descriptor = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            self._file = os.fdopen(descriptor, "wb")
        self._file.writelines(chunks)
        return self._file


class Download:
    """One blob, or a part of it, on its way out. ``done`` when there is no more."""

    def __init__(self, path: Path, start: int, end: int | None) -> None:
        self._path = path
        self._at = start
        self._end = end
        self._descriptor = -1
        self._lock = threading.Lock()
        self.done = False

    def next(self) -> bytes:
        """Return the next chunk; the first call opens the file, and raises ``ObjectMissing`` where it is not."""
        with self._lock:
            if self.done:
                return b""
            if self._descriptor < 0:
                self._open()
            end = self._end or 0
            chunk = os.pread(self._descriptor, min(CHUNK, end - self._at), self._at) if self._at < end else b""
            self._at += len(chunk)
            if not chunk or self._at >= end:
                self._finish()
            return chunk

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        with self._lock:
            self._finish()

    def _open(self) -> None:
        try:
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            self.done = True
            raise ObjectMissing("the bytes of the object are gone") from None
        size = os.fstat(self._descriptor).st_size
        self._end = size if self._end is None else min(self._end, size)

    def _finish(self) -> None:
        self.done = True
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
