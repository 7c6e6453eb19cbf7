"""Faults of the wire: it is cut, silent or refused in the middle of one call, at each class of bytes.

Whether the call took effect is read back on another wire. What calls there are stands in ``changes`` and ``reads``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

from unison_storage.errors import AvailabilityError, StorageError
from unison_storage_conformance.changes import Prepared, changes
from unison_storage_conformance.effects import each, judge
from unison_storage_conformance.ground import Ground
from unison_storage_conformance.law import law
from unison_storage_conformance.line import Line, answered, line, read_by
from unison_storage_conformance.outcomes import HarnessFault, broken
from unison_storage_conformance.proxy import WAYS, Fault, Way
from unison_storage_conformance.reads import Read
from unison_storage_conformance.reads import reads as put_there
from unison_storage_conformance.verdicts import Level

Any_ = Ground[Any]

CANCELLED: Final = 3
"""How many calls are given up one after another."""


def classes(way: Way, size: int) -> Iterator[Fault]:
    """Yield the places at which so many bytes can be cut: before the first, after it, half-way, before the last."""
    for after in dict.fromkeys((0, 1, size // 2, size - 1)):
        yield Fault(way, after)


async def sizes(on: Line, ground: Any_, prepared: Prepared) -> dict[Way, int]:
    """Make a call on the whole wire and return how many bytes it took each way."""
    change = await prepared(ground.anew())
    on.proxy.set(None)
    await change.call(on.backend)
    if not on.proxy.passed["request"]:
        raise HarnessFault("a call passed no bytes through the proxy")
    return dict(on.proxy.passed)


async def failed(ground: Any_, on: Line, prepared: Prepared, fault: Fault) -> None:
    """Make one call whose wire fails, and say whose law is broken by what it answers or by what it has done."""
    change = await prepared(ground.anew())
    on.proxy.set(fault)
    answer = await answered(change.call(on.backend))
    if fault.after == 0:
        on.check_landed()
    on.proxy.set(None)
    await judge(change, answer)


async def each_failed(ground: Any_, on: Line, prepared: Prepared, faults: Iterable[Fault]) -> None:
    """Make a call once for each fault, on a wire that is whole in between."""
    for fault in faults:
        await failed(ground, on, prepared, fault)
        await on.reachable()


async def goes_on(ground: Any_, on: Line, reads: Sequence[Read]) -> None:
    """Show that the client gets what it asks for, as soon as the server can be reached again."""
    until = asyncio.get_running_loop().time() + ground.deadline
    for read in reads:
        while True:
            answer = await read_by(on.backend, read)
            if not isinstance(answer, AvailabilityError):
                break
            if asyncio.get_running_loop().time() > until:
                broken("the server can be reached again", expected="an answer", found=answer, law="backend.14")
            await asyncio.sleep(0.01)
        same_answer(answer, read)


def same_answer(answer: Any, read: Read) -> None:
    """Say that a call got what belongs to another one, unless it is its own answer."""
    if answer != read.answer:
        broken("a call gets its own answer", expected=read.answer, found=answer, law="backend.14")


@law("backend.7", level=Level.FAULTS)
async def an_error_says_whether_it_may_have_taken_effect(ground: Any_) -> None:
    async with line(ground) as on:
        for prepared in changes(ground):
            for way, size in (await sizes(on, ground, prepared)).items():
                await each_failed(ground, on, prepared, classes(way, size))


@law("backend.7", level=Level.FAULTS)
async def what_could_not_be_sent_had_no_effect(ground: Any_) -> None:
    async with line(ground) as on:
        await on.proxy.close()
        await _used_up(ground, on)
        for prepared in changes(ground):
            change = await prepared(ground.anew())
            answer = await answered(change.call(on.backend))
            for one in each(answer):
                if not isinstance(one, AvailabilityError):
                    broken("a server that can't be reached comes to an AvailabilityError", found=one, law="backend.14")
                if one.outcome_unknown:
                    broken("nothing was sent, so nothing can have taken effect", expected="no effect", found=one)
        await on.proxy.open()


@law("backend.7", level=Level.FAULTS)
async def a_read_has_no_effect_to_be_unsure_of(ground: Any_) -> None:
    reads = await put_there(ground)
    async with line(ground) as on:
        for read in reads:
            await goes_on(ground, on, [read])
            on.proxy.set(Fault("reply", 0))
            answer = await read_by(on.backend, read)
            on.check_landed()
            on.proxy.set(None)
            if isinstance(answer, StorageError) and answer.outcome_unknown:
                broken("a read changes nothing", expected="no effect", found=answer)


@law("backend.14", level=Level.FAULTS)
async def a_read_whose_wire_fails_is_an_error_and_the_next_one_gets_its_own(ground: Any_) -> None:
    reads = await put_there(ground)
    async with line(ground) as on:
        for read in reads:
            on.proxy.set(None)
            await goes_on(ground, on, [read])
            for way, size in dict(on.proxy.passed).items():
                for fault in classes(way, size):
                    on.proxy.set(fault)
                    answer = await read_by(on.backend, read)
                    on.proxy.set(None)
                    if not isinstance(answer, AvailabilityError):
                        same_answer(answer, read)
                    await goes_on(ground, on, reads)


@law("backend.14", level=Level.FAULTS)
async def a_call_that_was_given_up_leaves_its_answer_to_nobody(ground: Any_) -> None:
    reads = await put_there(ground)
    async with line(ground) as on:
        for given_up in reads:
            for way in WAYS:
                for after in (0, 1):
                    await goes_on(ground, on, [given_up])
                    await _give_up(ground, on, given_up, Fault(way, after, "stall"))
                    await goes_on(ground, on, [*reads, *reads])


@law("backend.14", level=Level.FAULTS)
async def calls_at_once_get_their_own_although_the_wire_fails(ground: Any_) -> None:
    reads = await put_there(ground)
    async with line(ground) as on:
        await goes_on(ground, on, reads)
        for after in (0, 1, 40, 200):
            on.proxy.set(Fault("reply", after))
            asked = [read for _ in range(5) for read in reads]
            for read, answer in zip(
                asked, await asyncio.gather(*(read_by(on.backend, read) for read in asked)), strict=True
            ):
                if not isinstance(answer, AvailabilityError):
                    same_answer(answer, read)
            on.proxy.set(None)
            await goes_on(ground, on, reads)


@law("backend.15", level=Level.FAULTS)
async def a_call_takes_effect_once_at_most(ground: Any_) -> None:
    async with line(ground) as on:
        for prepared in changes(ground):
            size = await sizes(on, ground, prepared)
            at = (Fault("reply", 0), Fault("reply", size["reply"] - 1), Fault("request", size["request"] // 2))
            await each_failed(ground, on, prepared, at)


@law("backend.9", level=Level.FAULTS)
async def what_is_acknowledged_is_there_although_the_wire_fails(ground: Any_) -> None:
    async with line(ground) as on:
        for prepared in changes(ground):
            await each_failed(ground, on, prepared, (Fault("request", 0), Fault("request", 1), Fault("reply", 1)))


@law("backend.10", level=Level.FAULTS)
async def a_silent_server_is_given_up(ground: Any_) -> None:
    reads = await put_there(ground)
    async with line(ground) as on:
        for way in WAYS:
            await failed(ground, on, changes(ground)[0], Fault(way, 0, "stall"))
            await goes_on(ground, on, reads)
        on.proxy.set(Fault("reply", 1, "stall"))
        answer = await read_by(on.backend, reads[0])
        if not isinstance(answer, AvailabilityError):
            same_answer(answer, reads[0])
        on.proxy.set(None)
        await goes_on(ground, on, reads)


@law("backend.6", level=Level.FAULTS)
async def only_our_errors_leave_when_the_wire_fails(ground: Any_) -> None:
    async with line(ground) as on:
        for prepared in changes(ground):
            for fault in (Fault("request", 0), Fault("reply", 0), Fault("reply", 1)):
                change = await prepared(ground.anew())
                on.proxy.set(fault)
                # what is no error of ours is told by the watch over each call
                answer = await answered(change.call(on.backend))
                on.check_landed()
                on.proxy.set(None)
                for one in each(answer):
                    if isinstance(one, StorageError) and not isinstance(one, AvailabilityError):
                        broken("a wire that fails comes to an error of availability", found=one, law="backend.14")
                await on.reachable()


async def _give_up(ground: Any_, on: Line, read: Read, fault: Fault) -> None:
    for _ in range(CANCELLED):
        on.proxy.set(fault)
        task = asyncio.ensure_future(read_by(on.backend, read))
        until = asyncio.get_running_loop().time() + ground.deadline
        while not on.proxy.landed and not task.done() and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        on.proxy.set(None)


async def _used_up(ground: Any_, on: Line) -> None:
    """Let the client find out that each of its connections is lost."""
    for _ in range(2 * ground.limits.concurrency + 4):
        await on.backend.health()
