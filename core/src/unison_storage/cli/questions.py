"""Questions before what can't be undone. What is asked is each command's business."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer


def ask(question: str) -> None:
    """Go on if the person at the terminal says yes; without a terminal it is wrong usage."""
    # None where the process was started with stdin closed, which the types of sys do not know
    stream: object = sys.stdin
    if stream is None or not sys.stdin.isatty():
        raise typer.BadParameter("it is needed where nobody can be asked; --dry-run only counts", param_hint="--yes")
    with _interruptible():
        typer.confirm(question, abort=True, err=True)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end the waiting for an answer: the handler of a running loop waits for the loop, which waits here."""
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):  # it is ignored, and stays so
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
