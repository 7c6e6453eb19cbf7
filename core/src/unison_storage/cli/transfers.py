"""Transfers: the bytes of objects between a store and stdin, stdout or a file, with a bar on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Final

import typer

from unison_storage.cli import inputs, records
from unison_storage.cli.bars import moving
from unison_storage.cli.output import document, write
from unison_storage.errors import TooLarge
from unison_storage.values import ObjectInfo

if TYPE_CHECKING:
    from unison_storage.stores.objects import Objects

LARGEST_DOCUMENT: Final = 64 * 1024**2
"""Bytes that fit into one JSON document: it is built as a whole."""
_UNKNOWN_TYPE: Final = "application/octet-stream"


def type_of(file: Path | None, key: str) -> str:
    """Return the content type that a name tells: that of the file, else the key."""
    import mimetypes

    return mimetypes.guess_type(file.name if file is not None else key)[0] or _UNKNOWN_TYPE


@contextmanager
def source(file: Path | None, name: str) -> Iterator[AsyncIterator[bytes]]:
    """Give the bytes of a file, or of stdin where none is named, with a bar."""
    with ExitStack() as stack:
        stream = inputs.stdin("an object") if file is None else stack.enter_context(file.open("rb"))
        size = None if file is None else os.fstat(stream.fileno()).st_size
        yield inputs.chunks(stream, stack.enter_context(moving(name, size)))


async def pour(handle: Objects, key: str, start: int, end: int | None, *, as_json: bool) -> None:
    """Write the bytes of an object to stdout, as they are or as base64 in a document."""
    async with handle.open(key, start=start, end=end) as body:
        if as_json:
            from base64 import b64encode

            if body.size > LARGEST_DOCUMENT:
                raise TooLarge(f"a JSON document holds at most {LARGEST_DOCUMENT} bytes", limit=LARGEST_DOCUMENT)
            content = b64encode(await body.read()).decode()
            document({**records.object_document(body.info), "start": body.start, "end": body.end, "base64": content})
            return
        if not body.info.content_type.startswith(("text/", "application/json")):
            spare_terminal(body.info.content_type, "redirect it, or use object download")
        with moving(key, body.size, quiet=sys.stdout.isatty()) as moved:
            async for chunk in body:
                write(chunk)
                moved(len(chunk))


async def save(handle: Objects, key: str, path: Path) -> ObjectInfo:
    """Write an object to a file, which appears when it is complete. As the store's download, with a bar."""
    async with handle.open(key) as body:
        part = path.with_name(f"{path.name}.{token_hex(4)}.part")
        try:
            with part.open("xb") as file, moving(key, body.size) as moved:
                async for chunk in body:
                    file.write(chunk)
                    moved(len(chunk))
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return body.info


def spare_terminal(what: str, instead: str) -> None:
    """Refuse what a terminal can't show, if stdout is one."""
    stream = sys.stdout
    if stream is not None and stream.isatty():
        raise typer.BadParameter(f"{what} does not belong on a terminal: {instead}", param_hint="stdout")
