"""Closing: what is left of a client that was closed, whatever it was doing; and of one that could not be opened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from unison_storage.errors import AvailabilityError, LifecycleError
from unison_storage_conformance.changes import changes
from unison_storage_conformance.ground import Ground
from unison_storage_conformance.law import Need, law
from unison_storage_conformance.line import answered, given_up, line, read_by
from unison_storage_conformance.outcomes import LawBroken, broken, same
from unison_storage_conformance.reads import Read, reads
from unison_storage_conformance.resources.held import grown
from unison_storage_conformance.verdicts import Level

Any_ = Ground[Any]

TOGETHER: Final = 8
"""How many calls are under way at once."""
GIVEN_UP: Final = 60
"""How many calls are given up, each after some turns of the loop."""


@asynccontextmanager
async def opened(ground: Any_) -> AsyncIterator[Ground[Any]]:
    """Open a client of its own and give ground for it alone; it is closed at the end, without care."""
    yours = ground.alone()
    await yours.backend.open()
    yield yours
    await yours.backend.close()


async def several(ground: Any_) -> list[Read]:
    """Return calls whose answers are known, several times each."""
    return [read for read in await reads(ground) for _ in range(TOGETHER)]


async def check_answers(ground: Any_, asked: Sequence[Read], message: str) -> None:
    """Make calls at once, and say that the law is broken unless each gets its own answer."""
    answers = await asyncio.gather(*(read.call(ground.backend) for read in asked))
    for read, answer in zip(asked, answers, strict=True):
        same(answer, read.answer, message)


async def let_go(work: Callable[[], Awaitable[Any]], message: str = "close leaves nothing open") -> None:
    """Say that the law is broken where work that ends with a close leaves something each time."""
    if found := await grown(work):
        broken(message, expected="nothing", found=", ".join(found))


@law("backend.2", level=Level.RESOURCES)
async def what_was_used_is_let_go_at_close(ground: Any_) -> None:
    async def used() -> None:
        async with opened(ground) as yours:
            ready = [await prepared(yours.anew()) for prepared in changes(yours)]
            asked = await several(yours)
            await asyncio.gather(
                *(answered(change.call(yours.backend)) for change in ready if change.operation != "write")
            )
            await asyncio.gather(*(read_by(yours.backend, read) for read in asked))

    await let_go(used)


@law("backend.2", level=Level.RESOURCES)
async def a_client_that_was_only_opened_is_let_go(ground: Any_) -> None:
    async def closed_twice() -> None:
        async with opened(ground) as yours:
            await yours.backend.close()

    await let_go(closed_twice)


@law("backend.2", level=Level.RESOURCES)
@law("backend.10", level=Level.RESOURCES)
async def calls_under_way_end_when_it_is_closed(ground: Any_) -> None:
    async def closed() -> None:
        for turns in range(6):
            async with opened(ground) as yours:
                asked = await several(yours)
                under_way = [asyncio.ensure_future(read_by(yours.backend, read)) for read in asked]
                for _ in range(turns):
                    await asyncio.sleep(0)
            for answer, read in zip(await asyncio.gather(*under_way, return_exceptions=True), asked, strict=True):
                _check_ended(answer, read)

    await let_go(closed)


def _check_ended(answer: Any, read: Read) -> None:
    """Say that the law is broken unless a call was answered, or refused because its client is closed."""
    if isinstance(answer, LawBroken):
        raise answer
    if not isinstance(answer, BaseException):
        same(answer, read.answer, "a call that is answered although its client is closed gets its own answer")
    elif not isinstance(answer, LifecycleError | AvailabilityError):
        broken("a call ends with an answer, or because its client is closed", found=type(answer).__name__)


@law("backend.2", level=Level.RESOURCES)
@law("backend.10", level=Level.RESOURCES)
async def calls_that_were_given_up_hold_nothing(ground: Any_) -> None:
    async def left() -> None:
        async with opened(ground) as yours:
            asked = await several(yours)
            for number in range(GIVEN_UP):
                await given_up(asked[number % len(asked)].call(yours.backend), 1 + number % 12)
            for prepared in changes(yours):
                change = await prepared(yours.anew())
                await given_up(change.call(yours.backend), 3)
            await check_answers(yours, asked, "a client whose callers gave up goes on")

    await let_go(left)


@law("backend.1", level=Level.RESOURCES, needs=[Need.WIRE])
async def what_could_not_be_opened_is_let_go(ground: Any_) -> None:
    async with line(ground) as on:
        target = ground.site.target.at(on.proxy.address)
        await on.proxy.close()

        async def refused() -> None:
            one = ground.watched(target.make(ground.site.part, target.context()))
            if not isinstance(await answered(one.open()), AvailabilityError):
                broken("open shows whether the server can be reached", expected="an AvailabilityError", found="ready")

        try:
            await let_go(refused, "what could not be opened leaves nothing open")
        finally:
            await on.proxy.open()


@law("backend.1", level=Level.RESOURCES)
async def it_can_be_opened_again_in_another_loop(ground: Any_) -> None:
    yours = ground.alone()

    async def used() -> None:
        await yours.backend.open()
        asked = await several(yours.anew())
        await check_answers(yours, asked, "it answers in each loop that it is opened in")
        await yours.backend.close()

    await let_go(lambda: asyncio.to_thread(asyncio.run, used()))
