"""What a process holds: descriptors, threads, tasks, and files in the folder for temporary ones. No law stands here.

What is compared is one moment with an earlier one of the same work: a driver may keep something of the first use for
good (SQLite keeps a descriptor as long as the process has locks on the same file), as long as it does not grow.
"""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile
import threading
import warnings
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from unison_storage_conformance.outcomes import NotTried

LOOKS: Final = 60
"""How often it is looked, a hundredth of a second apart, whether what was closed is gone: it may take later turns.

They are counted and not timed, so that a machine that stands still accuses nobody.
"""

AGAIN: Final = 3
"""How often work is done again, to see whether anything grows."""

_FOLDERS: Final = (Path("/proc/self/fd"), Path("/dev/fd"))
_LOOPS_OWN: Final = "asyncio_"
"""How threads are named that the loop keeps for ``to_thread``, whoever calls it."""


class Held:
    """What the process held at one moment. Threads and tasks are kept, so that none is taken for another."""

    def __init__(self) -> None:
        self.descriptors = _descriptors()
        self.threads = {one for one in threading.enumerate() if not one.name.startswith(_LOOPS_OWN)}
        self.tasks: set[Any] = set(asyncio.all_tasks())

    def since(self, before: Held) -> list[str]:
        """Return what is held now and was not before, each in a few words."""
        return [
            *(f"descriptor {what}" for number, what in sorted(self.descriptors - before.descriptors)),
            *(f"thread {one.name}" for one in self.threads - before.threads),
            *(f"task {one.get_coro().__qualname__}" for one in self.tasks - before.tasks),
        ]


def _descriptors() -> set[tuple[int, str]]:
    """Return the open descriptors with what each is of; ``NotTried`` where the system does not tell."""
    folder = next((one for one in _FOLDERS if one.is_dir()), None)
    if folder is None:
        raise NotTried("this system does not tell which descriptors are open")
    found = set()
    for path in folder.iterdir():
        try:
            found.add((int(path.name), f"{path.readlink()}" if folder == _FOLDERS[0] else _kind(int(path.name))))
        except OSError:
            continue  # it was the one of the listing itself
    return found


def _kind(number: int) -> str:
    return f"of mode {os.fstat(number).st_mode:o}"


async def grown(work: Callable[[], Awaitable[Any]]) -> list[str]:
    """Do some work once and then again a few times, and return what is held since then, each in a few words.

    Files count that are left in the folder for temporary ones, and whatever Python says of things that were dropped
    without being closed.
    """
    with _own_folder() as folder, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", ResourceWarning)
        gc.collect()
        warned.clear()  # what others have dropped before
        await work()
        before = Held()
        for _ in range(AGAIN):
            await work()
        left = Held().since(before)
        for _ in range(LOOKS):
            if not left:
                break
            await asyncio.sleep(0.01)
            left = Held().since(before)
        gc.collect()
        return [*left, *_dropped(warned), *(f"file {path.name}" for path in folder.rglob("*"))]


@contextmanager
def _own_folder() -> Iterator[Path]:
    """Have temporary files made in a folder of their own meanwhile, so that those of others are not counted."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder
        try:
            yield Path(folder)
        finally:
            tempfile.tempdir = before


def _dropped(warned: Sequence[warnings.WarningMessage]) -> list[str]:
    return [str(one.message) for one in warned if issubclass(one.category, ResourceWarning)]
