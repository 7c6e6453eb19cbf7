"""Canaries: values, addresses and passwords that can be told from all else, and who may not tell them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from unison_storage.errors import StorageError
from unison_storage.telemetry import Telemetry
from unison_storage_conformance.changes import NEW, changes
from unison_storage_conformance.effects import each, judge
from unison_storage_conformance.ground import Ground
from unison_storage_conformance.law import CONTRACT_OF, Need, law
from unison_storage_conformance.line import answered, given_up, line
from unison_storage_conformance.outcomes import broken, told
from unison_storage_conformance.proxy import WAYS, Fault
from unison_storage_conformance.reads import reads
from unison_storage_conformance.secrecy.listening import listening
from unison_storage_conformance.secrecy.refused import REFUSED
from unison_storage_conformance.verdicts import Level

Any_ = Ground[Any]


class Planted(NamedTuple):
    """Ground for a client of its own whose addresses hold a canary, and every canary by what it is."""

    ground: Any_
    canaries: Mapping[str, str]
    telemetry: Telemetry

    def shown(self) -> Sequence[tuple[str, str]]:
        """Return what the client shows of itself, and what its metrics are labelled with."""
        client = self.ground.client
        return [("repr of a backend", f"{client!r} {client}"), *labels(self.telemetry)]


def planted(ground: Any_) -> Planted:
    """Return what a check of secrecy stands on."""
    target = ground.site.target
    context, segment = target.context(), f"nobody-reads-{secrets.token_hex(6)}"
    passwords = {f"password {number}": one for number, one in enumerate(target.passwords, 1)}
    canaries = {"value": NEW.decode(), "address": segment, **passwords}
    return Planted(ground.alone(context, segment), canaries, context.telemetry)


def check_silent(heard: Iterable[tuple[str, str]], canaries: Mapping[str, str], number: str | None = None) -> None:
    """Say that a law is broken by whoever has told a canary. What was told is not told again."""
    for who, text in heard:
        for what, canary in canaries.items():
            if canary in text or canary.encode().hex() in text:
                broken(f"{who} tells the {what}", expected="nothing of it", found="it", law=number)


def check_errors(outcomes: Iterable[Any], canaries: Mapping[str, str]) -> None:
    """Say that backend.6 is broken by an error that holds a value or a password; an address it may name."""
    errors = [one for outcome in outcomes for one in each(outcome) if isinstance(one, StorageError)]
    kept = {what: canary for what, canary in canaries.items() if what != "address"}
    check_silent([(f"the error {type(one).__name__}", told(one)) for one in errors], kept, "backend.6")


def labels(telemetry: Telemetry) -> Sequence[tuple[str, str]]:
    """Return what metrics are labelled with."""
    names = [
        *((one.kind, one.operation, one.backend, one.keyspace, *one.errors) for one in telemetry.readings()),
        *telemetry.counters,
        *(gauge[:3] for gauge in telemetry.gauges()),
    ]
    return [("a metric", repr(name)) for name in names]


@law("backend.16", level=Level.SECRECY)
async def nobody_tells_what_is_kept(ground: Any_) -> None:
    with listening() as heard:
        on = planted(ground)
        yours, canaries = on.ground, on.canaries
        await yours.backend.open()
        for prepared in changes(ground):
            change = await prepared(yours.anew())
            await judge(change, await change.call(yours.backend))
        for read in await reads(yours):
            await read.call(yours.backend)
        refused = await REFUSED[CONTRACT_OF[ground.site.part]](yours)
        if not any(isinstance(one, StorageError) for one in refused):
            broken("what is not as expected is refused", expected="an error", found=refused)
        check_errors(refused, canaries)
        heard += [("health", repr(await yours.backend.health())), *on.shown()]
        await yours.backend.close()
        heard += [("health of what is closed", repr(await yours.backend.health())), *on.shown()]
    check_silent(heard, canaries)


@law("backend.16", level=Level.SECRECY)
async def nobody_tells_what_a_caller_gave_up(ground: Any_) -> None:
    with listening() as heard:
        on = planted(ground)
        yours, canaries = on.ground, on.canaries
        await yours.backend.open()
        for prepared in changes(ground):
            for turns in (1, 3, 9):
                change = await prepared(yours.anew())
                await given_up(change.call(yours.backend), turns)
        await yours.backend.close()
    check_silent(heard, canaries)


@law("backend.6", level=Level.SECRECY, needs=[Need.WIRE])
@law("backend.16", level=Level.SECRECY, needs=[Need.WIRE])
async def nobody_tells_when_the_wire_fails(ground: Any_) -> None:
    with listening() as heard:
        yours, canaries, _ = planted(ground)
        await yours.backend.open()
        async with line(ground) as on:
            for prepared in changes(ground):
                for fault in (Fault(way, after) for way in WAYS for after in (0, 1, 60)):
                    change = await prepared(yours.anew())
                    on.proxy.set(fault)
                    check_errors([await answered(change.call(on.backend))], canaries)
                    on.proxy.set(None)
                    await on.reachable()
            await on.proxy.close()
            change = await changes(ground)[0](yours.anew())
            check_errors([await answered(change.call(on.backend))], canaries)
            heard += [("health of what can't be reached", repr(await on.backend.health()))]
            await on.proxy.open()
        await yours.backend.close()
    check_silent(heard, canaries)


@law("backend.6", level=Level.SECRECY, needs=[Need.WIRE])
async def an_open_that_fails_tells_no_password(ground: Any_) -> None:
    canaries = planted(ground).canaries
    target = ground.site.target
    async with line(ground) as on:
        elsewhere = target.at(on.proxy.address)
        await on.proxy.close()
        with listening() as heard:
            one = elsewhere.make(ground.site.part, elsewhere.context())
            failed = await answered(one.open())
        await on.proxy.open()
    check_errors([failed], canaries)
    check_silent(heard, canaries, "backend.16")
