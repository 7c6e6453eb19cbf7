"""Where the bytes of an object come from: bytes, a path, a file, an async iterator. Everything becomes chunks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, BinaryIO, Final, Protocol, runtime_checkable

from unison_storage.errors import InvalidValue

CHUNK: Final = 256 * 1024
"""Bytes read at once from a path or a file."""


@runtime_checkable
class Readable(Protocol):
    """A binary file, or what reads like one."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes; ``b""`` at the end."""


Source = bytes | bytearray | memoryview | os.PathLike[str] | Readable | AsyncIterable[bytes]


def chunks(source: object) -> AsyncIterator[bytes]:
    """Return the source as chunks of bytes, read as they are asked for; ``InvalidValue`` for anything else."""
    if isinstance(source, bytes | bytearray | memoryview):
        return _whole(bytes(source))
    if isinstance(source, os.PathLike):
        return _path(source)
    if isinstance(source, AsyncIterable):
        return _checked(source)
    if isinstance(source, Readable):
        return _file(source)
    hint = "; for a file pass pathlib.Path(…), for text .encode() it" if isinstance(source, str) else ""
    raise InvalidValue(
        f"an object is made of bytes, a path, a binary file or an async iterator, not {type(source).__name__}{hint}"
    )


async def _whole(data: bytes) -> AsyncIterator[bytes]:
    if data:
        yield data


async def _path(path: os.PathLike[str]) -> AsyncIterator[bytes]:
    file: BinaryIO = await asyncio.to_thread(open, path, "rb")
    try:
        async for chunk in _file(file):
            yield chunk
    finally:
        file.close()


async def _file(file: Readable) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(file.read, CHUNK):
        yield _bytes(chunk)


async def _checked(source: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    async for chunk in source:
        data = _bytes(chunk)
        if data:
            yield data


def _bytes(chunk: Any) -> bytes:
    if isinstance(chunk, bytes):
        return chunk
    if isinstance(chunk, bytearray | memoryview):
        return bytes(chunk)
    raise InvalidValue(f"the source gave a {type(chunk).__name__} where bytes were expected")
