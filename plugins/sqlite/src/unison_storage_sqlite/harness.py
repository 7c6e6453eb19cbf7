"""What the file lends to those who test it: making it older, and looking past the backend. No use in production."""

from __future__ import annotations

import asyncio
import os
from contextlib import closing
from pathlib import Path
from typing import Final

from unison_storage.hookspecs import HarnessHooks
from unison_storage_sqlite.config import File, Folder
from unison_storage_sqlite.opening import connect

_OLDER: Final = (
    "UPDATE memory SET created = created - :by, updated = updated - :by, expires = expires - :by",
    "UPDATE objects SET created = created - :by, updated = updated - :by, expires = expires - :by",
    "UPDATE blobs SET since = since - :by",
    "UPDATE cache_entries SET expires = expires - :by",
    "UPDATE cache_leases SET expires = expires - :by",
)
_RAW: Final = "SELECT value FROM memory WHERE address = ?"


def hooks(file: File) -> HarnessHooks:
    """Return the hooks for a file; it has no server to restart."""

    async def age(seconds: float) -> None:
        await asyncio.to_thread(_age, file, round(seconds * 1_000_000))

    async def raw(address: str) -> bytes | None:
        return await asyncio.to_thread(_raw, file, address)

    return HarnessHooks(age=age, raw=raw)


def folder_hooks(folder: Folder) -> HarnessHooks:
    """Return the hooks for a folder of blobs."""

    async def age(seconds: float) -> None:
        await asyncio.to_thread(_age_blobs, folder.blobs, round(seconds * 1_000_000))

    return HarnessHooks(age=age)


def _age(file: File, micros: int) -> None:
    with closing(connect(file)) as database:
        database.execute("BEGIN IMMEDIATE")
        for statement in _OLDER:
            database.execute(statement, {"by": micros})
        database.execute("COMMIT")
    _age_blobs(file.blobs, micros)


def _age_blobs(blobs: Path, micros: int) -> None:
    for path in blobs.glob("??/??/*"):
        written = path.stat().st_mtime_ns - micros * 1_000
        os.utime(path, ns=(written, written))


def _raw(file: File, address: str) -> bytes | None:
    with closing(connect(file)) as database:
        row = database.execute(_RAW, (address,)).fetchone()
    return None if row is None else bytes(row[0])
