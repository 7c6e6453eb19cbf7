"""The writer: a process of its own that makes the calls it is told, and can be made to die in the middle of one.

It is told by a pipe and not by arguments: a URL may hold a password. Who tells it stands in ``process``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any

from msgspec import Struct

from unison_storage.clock import ManualClock
from unison_storage.errors import StorageError
from unison_storage.profiles import Profile
from unison_storage.storage import Storage
from unison_storage_conformance.changes import asked
from unison_storage_conformance.crashes.points import Points
from unison_storage_conformance.harness import Harness
from unison_storage_conformance.notation import written
from unison_storage_conformance.target import Target


class Job(Struct, frozen=True):
    """One call. ``point`` is where to die in it, counted by calls to the outside, or by ``waits`` for it.

    ``namespace`` names a handle of objects where no backend is meant; of its answers only errors are told.
    """

    operation: str
    given: tuple[Any, ...]
    named: Mapping[str, Any] = {}
    point: int | None = None
    waits: bool = False
    namespace: tuple[str, ...] | None = None


class Done(Struct, frozen=True):
    """What a call came to, in the notation, and how many points it passed.

    ``foreign`` is the class of what was raised, if that is no error of ours.
    """

    answer: Any
    points: int
    foreign: str = ""


def write(pipe: Connection, harness: Harness, parts: Sequence[str], micros: int) -> None:
    """Serve jobs until the pipe is closed; the clock stands at ``micros``. With two parts, they make a storage."""
    points = Points()
    points.watch()
    asyncio.run(_serve(pipe, Target(harness, ManualClock(micros / 1_000_000)), parts, points))


async def _serve(pipe: Connection, target: Target, parts: Sequence[str], points: Points) -> None:
    made: dict[str, Any] = {part: target.make(part) for part in parts}
    whole = Storage(**made, profile=Profile.TEST, clock=target.clock) if len(parts) > 1 else None
    opened: Any = made[parts[0]] if whole is None else whole
    await opened.open()
    pipe.send("ready")
    while True:
        try:
            job: Job = await asyncio.to_thread(pipe.recv)
        except EOFError:
            break
        on = opened if job.namespace is None else opened.objects.at(*job.namespace)
        foreign = ""
        points.arm(job.point, waits=job.waits)
        try:
            answer = await asked(on, job.operation, job.given, job.named)
            answer = answer if job.namespace is None else None
        except StorageError as error:
            answer = error
        except Exception as error:  # noqa: BLE001 - a broken backend may raise anything, and the law is tried elsewhere
            answer, foreign = None, type(error).__name__
        pipe.send(Done(written(answer), points.disarm(), foreign))
    await opened.close()
