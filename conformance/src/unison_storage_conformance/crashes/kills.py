"""Kills: a writer dies in the middle of a call, at each point that the call passes or at a moment that is drawn.

Whether the call took effect is read back by a client that lives. What calls there are stands in ``changes``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from random import Random
from typing import Any, Final

from unison_storage.errors import AvailabilityError, Unavailable
from unison_storage_conformance.changes import Change, Prepared, changes
from unison_storage_conformance.crashes.process import made, writer
from unison_storage_conformance.crashes.writer import Job
from unison_storage_conformance.effects import each, judge
from unison_storage_conformance.ground import Ground
from unison_storage_conformance.law import law
from unison_storage_conformance.line import answered
from unison_storage_conformance.outcomes import HarnessFault, NotTried, broken
from unison_storage_conformance.reads import content
from unison_storage_conformance.verdicts import Level

Any_ = Ground[Any]

DEAD: Final = Unavailable("the writer is dead", outcome_unknown=True)
"""What a call comes to whose writer was killed: nobody knows whether it took effect."""

ROW: Final = 6
"""How many calls a writer is told at once that is killed at a drawn moment."""


def job(change: Change, point: int | None = None, *, waits: bool = False) -> Job:
    """Return a change as a writer is told it."""
    return Job(change.operation, change.given, change.named, point, waits)


def drawn(ground: Any, passed: int) -> Iterator[int]:
    """Yield points to die at: all of them, or as many as the profile allows, spread over the call."""
    most = max(2, ground.site.profile.examples // 8)
    step = max(1.0, passed / most)
    yield from dict.fromkeys(1 + int(place * step) for place in range(min(passed, most)))


@law("backend.15", level=Level.CRASH)
async def a_call_whose_writer_dies_is_done_or_undone(ground: Any_) -> None:
    for prepared in changes(ground):
        _, passed = await _died(ground, prepared, None)
        waits = not passed
        if waits:
            _, passed = await _died(ground, prepared, None, waits=True)
        if not passed:
            raise NotTried("the backend reaches its data past Python, where no point of a call can be told")
        if not any([(await _died(ground, prepared, point, waits=waits))[0] for point in drawn(ground, passed)]):
            raise HarnessFault("no writer died at the point at which it should")


async def _died(ground: Any_, prepared: Prepared, point: int | None, *, waits: bool = False) -> tuple[bool, int]:
    """Have a writer make a call, die in it at a point, and judge what is left; return whether it died, and points."""
    change = await prepared(ground.anew())
    done = await made(ground.site.target, [ground.site.part], job(change, point, waits=waits))
    await judge(change, DEAD if done is None else done[0])
    if done is not None:
        return False, done[1]
    if change.operation != "write":  # the id of a blob is not used again
        again = await answered(change.call(ground.backend))
        if any(isinstance(one, AvailabilityError) for one in each(again)):
            broken("who dies holds up nobody else", expected="an answer", found=again)
    return True, 0


@law("backend.9", level=Level.CRASH)
async def what_a_writer_was_told_is_there_when_it_dies(ground: Any_) -> None:
    prepared = changes(ground)
    random = Random(f"{ground.site.seed}")  # noqa: S311 - a draw that has to come again, no secret
    for _ in range(max(2, ground.site.profile.examples // 10)):
        row = [await random.choice(prepared)(ground.anew()) for _ in range(ROW)]
        told = random.randrange(ROW)
        async with writer(ground.site.target, [ground.site.part]) as one:
            telling = asyncio.ensure_future(one.tell(*map(job, row)))
            answers = [await one.done() for _ in range(told)]
            await asyncio.sleep(random.random() / 200)
            one.kill()
            while len(answers) < ROW and (done := await one.done()) is not None:
                answers.append(done)
            await telling
        for place, change in enumerate(row):
            done = answers[place] if place < len(answers) else None
            await judge(change, DEAD if done is None else done[0])


@law("blobs.2", level=Level.CRASH)
async def a_blob_whose_writer_dies_is_not_shown(ground: Any_) -> None:
    chunks = [b"a chunk " * 8_000] * 3
    whole = b"".join(chunks)
    measured = await made(ground.site.target, ["object"], Job("write", (ground.blob(), chunks)))
    for point in drawn(ground, measured[1] if measured else 0):
        id = ground.blob()
        told = await made(ground.site.target, ["object"], Job("write", (id, chunks), {}, point))
        found = await content(id)(ground.backend)
        if found not in ((None, whole) if told is None else (whole,)):
            broken("a blob is there whole or not at all", expected=f"{len(whole)} bytes or none", found=found)
        listed = await _listed(ground, id)
        if listed != (None if found is None else len(whole)):
            broken("what is listed is what is read", expected=None if found is None else len(whole), found=listed)


async def _listed(ground: Any_, id: str) -> int | None:
    before = f"{int(id, 16) - 1:032x}" if int(id, 16) else ""
    lines = await ground.backend.list(before, 1)
    return next((line.size for line in lines if line.id == id), None)
