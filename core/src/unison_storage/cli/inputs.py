"""Inputs: values and bytes from stdin, a file or an option. Their meaning is the store's business."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, BinaryIO, Final

import typer

from unison_storage.cli import output
from unison_storage.errors import TooLarge
from unison_storage.portable import parse_json

CHUNK: Final = 256 * 1024
LARGEST_VALUE: Final = 64 * 1024**2
"""Bytes of a value that are read at most; what a backend takes is less, and it says how much."""


def json_value(given: str | None, file: Path | None) -> Any:
    """Return the value from ``--value``, ``--file`` or stdin. ``InvalidValue``, ``TooLarge``."""
    if given is not None and file is not None:
        raise typer.BadParameter("give one of them, or neither to read stdin", param_hint=["--value", "--file"])
    raw = given.encode(errors="surrogateescape") if given is not None else _whole(file, "a JSON value")
    return parse_json(raw, LARGEST_VALUE)


def raw_value(file: Path | None) -> bytes:
    """Return bytes from ``--file`` or stdin; ``TooLarge``."""
    raw = _whole(file, "the value")
    if len(raw) > LARGEST_VALUE:
        raise TooLarge(f"the value has more than {LARGEST_VALUE} bytes", limit=LARGEST_VALUE)
    return raw


def stdin(what: str) -> BinaryIO:
    """Return stdin as bytes; tells a person at a terminal what is awaited."""
    # None where the process was started with stdin closed, which the types of sys do not know
    stream: Any = sys.stdin
    if stream is None:
        raise typer.BadParameter(f"stdin is closed, and {what} is read from it", param_hint="stdin")
    if stream.isatty():
        output.note(f"reading {what} from the terminal; Ctrl-D ends it", "dim")
    binary: BinaryIO = stream.buffer
    return binary


async def chunks(source: BinaryIO, moved: Callable[[int], None]) -> AsyncIterator[bytes]:
    """Yield what a file or stdin gives, as it comes; ``moved`` is told of each chunk's size."""
    while chunk := await _next(source):
        moved(len(chunk))
        yield chunk


def _whole(file: Path | None, what: str) -> bytes:
    if file is None:
        return stdin(what).read(LARGEST_VALUE + 1)
    with file.open("rb") as source:
        return source.read(LARGEST_VALUE + 1)


async def _next(source: BinaryIO) -> bytes:
    import asyncio

    try:
        number = source.fileno()
    except io.UnsupportedOperation:
        return source.read(CHUNK)
    # A thread that waits for a pipe can't be interrupted, and Ctrl-C would hang; the loop can be.
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(number, ready.set)
    except PermissionError:  # a regular file is always ready, and can't be waited for
        return source.read(CHUNK)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(number)
    return os.read(number, CHUNK)
