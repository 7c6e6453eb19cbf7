"""Trials: programs of several clients, played as often as the profile says, judged, and cut down where they fail.

The history that was recorded is the proof: one that no order explains is a failure, whether or not it comes again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Any, Final

from unison_storage.errors import AvailabilityError
from unison_storage_conformance.linearizability import FOREVER, Call, Open, apart, order
from unison_storage_conformance.outcomes import LawBroken, NotTried
from unison_storage_conformance.programs import CLIENTS, Program, Trade, drawn, played, shorter
from unison_storage_conformance.target import survives

TRIES: Final = 20
"""How often a program is played in each way that is shorter than the one that failed."""


async def at_once(ground: Any, trade: Trade) -> None:
    """Say that the law is broken unless what clients do at once can be explained by one order."""
    check_consistency(ground)
    await tried(trade, ground, await clients(ground))


def check_consistency(ground: Any) -> None:
    """Say that histories can't be judged by one order where the backend does not promise it."""
    consistency = ground.site.backend.consistency
    if consistency != "linearizable":
        raise NotTried(f"the backend declares itself {consistency}")


async def clients(ground: Any) -> Sequence[Any]:
    """Return the clients of a history: each its own of a server, all the same where data are kept in the process."""
    if not survives(ground.site.backend):
        return [ground.backend] * CLIENTS
    return [ground.backend, *[await ground.another() for _ in range(CLIENTS - 1)]]


def unexplained(trade: Trade, history: Sequence[Call]) -> tuple[list[Call], Call] | None:
    """Return the calls at one place that no order explains, and one that fits nowhere; ``None`` where all are fine.

    A call that failed although nothing was wrong with it (the server is away) has had no effect, and explains nothing.
    """
    for calls in apart([call for call in history if not _in_vain(call)], trade.key):
        explained, longest = order(calls, trade.start, trade.model)
        if not explained:
            left = [call for call in calls if call not in longest and call.answered < FOREVER]
            return calls, min(left, key=lambda call: call.answered)
    return None


class HistoryBroken(LawBroken):
    """A history that no order explains. ``program`` and ``seed`` play it again."""

    def __init__(self, calls: Sequence[Call], stuck: Call, program: Program, seed: str) -> None:
        super().__init__(
            "no order of these calls explains their answers",
            expected="each takes effect at one moment between call and answer",
            found=f"client {stuck.client}: {stuck.operation} answered {stuck.answer!r}",
        )
        self.calls = sorted(calls, key=lambda call: call.called)
        self.program = program
        self.seed = seed


async def tried(trade: Trade, ground: Any, backends: Sequence[Any]) -> None:
    """Play as many programs as the profile says; ``HistoryBroken`` with the shortest history that nothing explains."""
    open_ = 0
    for number in range(ground.site.profile.histories):
        seed = f"{ground.site.seed}.{number}"
        program = drawn(Random(seed), trade)  # noqa: S311 - see above
        try:
            broken = await failure(trade, program, backends, ground, seed)
        except Open:
            open_ += 1
            continue
        if broken is not None:
            raise await shortest(trade, broken, backends, ground) if ground.site.profile.shrink else broken
    if open_:
        raise NotTried(f"{open_} histories were too long to be judged")


async def failure(
    trade: Trade, program: Program, backends: Sequence[Any], ground: Any, seed: str
) -> HistoryBroken | None:
    """Play a program once and return what is wrong with its history."""
    found = unexplained(trade, await played(trade, program, backends, ground.anew(), seed))
    return None if found is None else HistoryBroken(*found, program, seed)


async def again(
    trade: Trade, program: Program, seed: str, backends: Sequence[Any], ground: Any
) -> HistoryBroken | None:
    """Play a program until it fails, at most ``TRIES`` times: whether calls meet again is the machine's choice."""
    for turn in range(TRIES):
        with suppress(Open):
            broken = await failure(trade, program, backends, ground, f"{seed}.{turn}" if turn else seed)
            if broken is not None:
                return broken
    return None


async def shortest(trade: Trade, broken: HistoryBroken, backends: Sequence[Any], ground: Any) -> HistoryBroken:
    """Leave acts out one by one, as long as it still fails; the smallest history seen is returned."""
    while True:
        for program in shorter(broken.program):
            smaller = await again(trade, program, broken.seed, backends, ground)
            if smaller is not None:
                broken = smaller
                break
        else:
            return broken


def _in_vain(call: Call) -> bool:
    return isinstance(call.answer, type) and issubclass(call.answer, AvailabilityError)
