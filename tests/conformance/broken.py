"""Backends that are broken in ways that only a harness or a watch can meet, and what runs the suite on them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from unison_storage.contracts.backend import Backend
from unison_storage.contracts.context import Context
from unison_storage.reference.memory import ReferenceMemory
from unison_storage_conformance.harness import Harness, harness_of
from unison_storage_conformance.profiles import Profile
from unison_storage_conformance.run import Run
from unison_storage_conformance.verdicts import State, Verdict

TINY = Profile("tiny", examples=3, steps=5, histories=20)


class Hangs(ReferenceMemory):
    """Never answers a get."""

    async def get_many(self, addresses: Sequence[str], touch: Any = None) -> Any:
        await asyncio.Event().wait()


class Blocks(ReferenceMemory):
    """Stops the event loop in a get."""

    async def get_many(self, addresses: Sequence[str], touch: Any = None) -> Any:
        time.sleep(30)  # noqa: ASYNC251  # that is what it does wrong


class RaisesForeign(ReferenceMemory):
    """Lets what a driver raises out."""

    async def get_many(self, addresses: Sequence[str], touch: Any = None) -> Any:
        raise ConnectionResetError("the peer has gone")


class AnswersTooLittle(ReferenceMemory):
    """Leaves an answer out."""

    async def get_many(self, addresses: Sequence[str], touch: Any = None) -> Any:
        return (await super().get_many(addresses))[1:]


class Leaks(ReferenceMemory):
    """Leaves a task behind at close."""

    async def open(self) -> None:
        self._task = asyncio.create_task(asyncio.Event().wait())


def memory_of(made: Callable[[Any], Backend]) -> Callable[[str, Context], Backend | None]:
    """Return a factory for a memory backend."""
    return lambda part, context: made(context.clock) if part == "memory" else None


def harness(made: Callable[[Any], Backend], deadline: float = 0.2) -> Harness:
    """Return a harness for a memory backend that has to answer soon."""
    one = harness_of(memory_of(made))
    one.deadline = deadline
    return one


def verdicts(given: Harness, *laws: str, profile: Profile = TINY) -> list[Verdict]:
    """Return what these laws came to, or all."""
    run = Run(given, profile)
    run.open()
    try:
        found = [check for check in run.checks() if check.face == "backend" and (not laws or check.law in laws)]
        return [run.check(check) for check in found]
    finally:
        run.close()


def broken_laws(found: Sequence[Verdict]) -> set[str]:
    """Return the laws that failures say were broken."""
    return {one.counterexample.law for one in found if one.state is State.FAILED and one.counterexample is not None}
