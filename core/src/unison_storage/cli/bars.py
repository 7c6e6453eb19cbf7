"""Bars: on stderr, how far long work is, if a person watches. What is moved or counted is the work's business."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from unison_storage.cli.output import console, shown, watched

Moved = Callable[[int], None]
"""Is told by how much it went on."""


@contextmanager
def counting(name: str, total: int) -> Iterator[Moved]:
    """Show how many of so many are done."""
    with _bar(name, total, bytes_=False, quiet=False) as moved:
        yield moved


@contextmanager
def moving(name: str, size: int | None, *, quiet: bool = False) -> Iterator[Moved]:
    """Show how many bytes are done, and how fast; ``size`` is None where nobody knows it."""
    with _bar(name, size, bytes_=True, quiet=quiet) as moved:
        yield moved


@contextmanager
def _bar(name: str, total: int | None, *, bytes_: bool, quiet: bool) -> Iterator[Moved]:
    if quiet or not watched():
        yield _unseen
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    amounts = (DownloadColumn(), TransferSpeedColumn()) if bytes_ else (MofNCompleteColumn(),)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), *amounts, TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        task = progress.add_task(shown(name), total=total)
        yield lambda moved: progress.advance(task, moved)


def _unseen(_moved: int) -> None:
    """Take what nobody watches."""
