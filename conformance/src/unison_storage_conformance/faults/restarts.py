"""Restarts: the server is stopped at once and started again, by the harness. A wire alone is ``wire``'s."""

from __future__ import annotations

import asyncio
from typing import Any

from unison_storage.contracts.backend import Durability
from unison_storage.errors import AvailabilityError
from unison_storage_conformance.changes import changes
from unison_storage_conformance.effects import judge
from unison_storage_conformance.ground import Ground
from unison_storage_conformance.law import Need, law
from unison_storage_conformance.line import answered, reachable, read_by
from unison_storage_conformance.outcomes import NotTried, broken
from unison_storage_conformance.reads import reads
from unison_storage_conformance.verdicts import Level

Any_ = Ground[Any]


async def restarted(ground: Any_) -> None:
    """Stop the server and start it again; ``NotTried`` where nobody can."""
    restart = ground.site.target.hooks().restart
    if restart is None:
        raise NotTried("the harness has no way to stop the server and start it again")
    await restart()


@law("backend.9", level=Level.FAULTS, needs=[Need.DURABLE])
async def what_was_acknowledged_outlives_the_server(ground: Any_) -> None:
    for prepared in changes(ground):
        kept, cut = await prepared(ground.anew()), await prepared(ground.anew())
        answer = await answered(kept.call(ground.backend))
        under_way = asyncio.ensure_future(answered(cut.call(ground.backend)))
        await asyncio.sleep(0)
        await restarted(ground)
        cut_short = await under_way
        await reachable(ground.backend, ground.deadline)
        await judge(kept, answer)
        await judge(cut, cut_short)


@law("backend.14", level=Level.FAULTS)
async def a_client_goes_on_with_the_server_that_was_started_again(ground: Any_) -> None:
    durable = ground.site.backend.durability is Durability.DURABLE
    for number in range(len(await reads(ground))):
        read = (await reads(ground.anew()))[number]  # anew, since an ephemeral server loses what it held
        if await read.call(ground.backend) != read.answer:
            broken("a call gets its own answer", expected=read.answer)
        await restarted(ground)
        first = await read_by(ground.backend, read)
        await reachable(ground.backend, ground.deadline)
        for answer in (first, await read_by(ground.backend, read)):
            if isinstance(answer, AvailabilityError) and answer is first:
                continue
            if answer != read.answer and (durable or isinstance(answer, AvailabilityError)):
                broken("a call gets its own answer from the server that is back", expected=read.answer, found=answer)
