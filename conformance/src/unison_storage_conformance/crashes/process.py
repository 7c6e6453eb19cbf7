"""The process of a writer, as the check sees it: it is started, told what to call, and killed."""

from __future__ import annotations

import asyncio
import multiprocessing
import pickle
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any, Final

from unison_storage_conformance.crashes.writer import Done, Job, write
from unison_storage_conformance.notation import read
from unison_storage_conformance.outcomes import HarnessFault, NotTried, broken

PATIENCE: Final = 60.0
"""Seconds within which a writer has to be ready: it imports what the harness needs."""

_PACKAGES: Final = ("unison_storage", "unison_storage_conformance")


class Writer:
    """A process that makes calls on backends of its own. It is killed where it does not die by itself."""

    def __init__(self, pipe: Connection, process: Any, deadline: float) -> None:
        self._pipe = pipe
        self._process = process
        self._deadline = deadline

    async def ready(self) -> None:
        """Wait until its backends are open."""
        if not await asyncio.to_thread(self._pipe.poll, PATIENCE):
            raise HarnessFault(f"a process that writes was not ready within {PATIENCE:g} s")
        if await self._received() is None:
            raise HarnessFault("a process that writes could not open its backend: what it raised is on standard error")

    async def tell(self, *jobs: Job) -> None:
        """Have it make calls, one after another; what comes of them is told by ``done``, in the same order."""
        with suppress(OSError):  # it is dead, and ``done`` says so
            for job in jobs:
                await asyncio.to_thread(self._pipe.send, job)

    async def done(self) -> tuple[Any, int] | None:
        """Return the answer of the next call and the points that it passed; ``None`` where the process has died."""
        if not await asyncio.to_thread(self._pipe.poll, self._deadline):
            raise HarnessFault(f"a process that writes did not answer within {self._deadline:g} s")
        done: Done | None = await self._received()
        if done is not None and done.foreign:
            broken(f"a call raised {done.foreign}, no error of unison_storage", law="backend.6")
        return None if done is None else (read(done.answer), done.points)

    def kill(self) -> None:
        """Send it SIGKILL."""
        self._process.kill()

    async def gone(self) -> None:
        """Kill it and wait until it is gone."""
        self.kill()
        await asyncio.to_thread(self._process.join)
        self._pipe.close()
        self._process.close()

    async def _received(self) -> Any:
        try:
            return await asyncio.to_thread(self._pipe.recv)
        except (EOFError, OSError):
            return None


@asynccontextmanager
async def writer(target: Any, parts: Sequence[str]) -> AsyncIterator[Writer]:
    """Start a writer of some parts of a target; it is gone at the end. ``NotTried`` where no process can have them."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        raise NotTried("this system has no processes that are forked and killed")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(sorted(_modules(target, parts)))
    ours, theirs = context.Pipe()
    given = (theirs, target.harness, tuple(parts), target.clock.now())
    process = context.Process(target=write, args=given, name="conformance-writer", daemon=True)
    try:
        await asyncio.to_thread(process.start)
    except (AttributeError, TypeError, ValueError, ImportError, pickle.PickleError) as error:
        ours.close()
        raise NotTried(
            f"the harness can't be handed to another process ({error}): define it at the top of a module"
        ) from None
    except OSError as error:
        ours.close()
        raise HarnessFault(f"a process that writes could not be started: {error}") from None
    finally:
        theirs.close()
    started = Writer(ours, process, 2 * target.harness.deadline)
    try:
        await started.ready()
        yield started
    finally:
        await started.gone()


async def made(target: Any, parts: Sequence[str], job: Job) -> tuple[Any, int] | None:
    """Have a writer make one call; return its answer and its points, or ``None`` where it died at the point named."""
    async with writer(target, parts) as one:
        await one.tell(job)
        done = await one.done()
    if done is None and job.point is None:
        raise HarnessFault("a writer that nobody killed has died")
    return done


def _modules(target: Any, parts: Sequence[str]) -> set[str]:
    """Return what writers need, imported once before any of them is forked: what is imported here, of our packages.

    A process that is forked imports the main script again, and what that imports is most of the time that it takes.
    """
    ours = {name for name in sys.modules if name.partition(".")[0] in _PACKAGES}
    return ours | {type(one).__module__ for one in (target.harness, *map(target.make, parts))}
