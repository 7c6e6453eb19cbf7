"""Output: documents, tables and bytes on stdout, all else on stderr. What is said is each command's business.

What comes from a store may hold characters that steer a terminal; they are shown as escapes.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_PIPE_WIDTH: Final = 160
"""Columns of a table that no terminal shows: rich would take 80 and fold everything."""


def make_safe() -> None:
    """Let no character make writing fail, whatever encoding the terminal has."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def shown(text: str) -> str:
    """Return text with everything that is not printable as an escape, so that it can't steer a terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _escape(c) for c in text)


def as_json(value: Any, *, indent: int | None = None) -> str:
    """Return JSON that reads well in every language and holds nothing unprintable but its line breaks."""
    import json

    text = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False, default=str)
    return text if text.isprintable() else "".join(c if c.isprintable() or c == "\n" else _escape(c) for c in text)


def document(value: Any) -> None:
    """Write one JSON document to stdout: indented for a person, one line for a program."""
    stream = _stdout()
    write(as_json(value, indent=2 if stream.isatty() else None).encode() + b"\n")


def line(text: str) -> None:
    """Write one line to stdout."""
    write(f"{shown(text)}\n".encode())


def show(table: RenderableType) -> None:
    """Write a table or a tree to stdout."""
    _stdout()
    target = console(stderr=False)
    if target.is_terminal:
        target.print(table)
        return
    target.width = max(target.width, _PIPE_WIDTH)
    with target.capture() as captured:
        target.print(table)
    lines = [text.rstrip() for text in captured.get().splitlines()]  # rich fills columns with spaces
    write("".join(f"{text}\n" for text in lines).encode(errors="backslashreplace"))


def answer(given: Any, human: str | RenderableType, *, as_json: bool) -> None:
    """Write the answer of a command: the document if JSON is asked for, else the line or table."""
    if as_json:
        document(given)
    elif isinstance(human, str):
        line(human)
    else:
        show(human)


def answer_deleted(*, gone: bool, as_json: bool) -> None:
    """Write the answer of a delete, which is no failure where nothing was."""
    answer({"deleted": gone}, "deleted" if gone else "nothing was there", as_json=as_json)


def write(data: bytes) -> None:
    """Write bytes to stdout as they are."""
    stream = _stdout()
    stream.flush()
    stream.buffer.write(data)  # type: ignore[attr-defined]


def note(text: str, style: str = "") -> None:
    """Write one line to stderr: what a person may want to know, and no program reads."""
    console(stderr=True).print(shown(text), style=style, soft_wrap=True)


def failure(kind: str, message: str, remedy: str | None = None) -> None:
    """Write what failed to stderr, and below it what to do."""
    note(f"{kind}: {message}", "red")
    if remedy is not None:
        note(f"  {remedy}", "dim")


def watched() -> bool:
    """Return whether a person sees stderr, so that a bar may move there."""
    # None where the process was started with stderr closed, which the types of sys do not know
    stream: IO[str] | None = sys.stderr
    return stream is not None and stream.isatty()


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Show on stderr what is under way and for how long, if a person watches."""
    if not watched():
        yield
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        progress.add_task(shown(text), total=None)
        yield


def must_be_open() -> None:
    """Raise ``OSError`` where stdout is closed; for commands whose answer must not be lost."""
    _stdout()


def flush() -> None:
    """Hand everything to the reader of stdout now, while a failure can still be reported."""
    if sys.stdout is not None:
        sys.stdout.flush()


def abandon() -> None:
    """Let go of stdout: nobody reads it, and the interpreter would complain when it flushes at its end."""
    if sys.stdout is not None:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def abandon_if_full() -> None:
    """Let go of stdout if it takes nothing any more."""
    try:
        flush()
    except OSError:
        abandon()


def _stdout() -> IO[str]:
    # None where the process was started with stdout closed, which the types of sys do not know
    stream: IO[str] | None = sys.stdout
    if stream is None:
        raise OSError(errno.EBADF, "stdout is closed")
    return stream


def console(*, stderr: bool) -> Console:
    """Return a console that takes text as it is: no markup, no emoji names, no colours of its own."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[start]:02x}{units[start + 1]:02x}" for start in range(0, len(units), 2))
