"""Histories on wires that fail: what several clients call at once, while replies and requests of theirs are lost.

A call that got no answer may have taken effect or not, at any time; everything else is judged as in ``histories``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from random import Random
from typing import Any, Final

from msgspec.structs import replace

from unison_storage_conformance.ground import Ground
from unison_storage_conformance.histories import TRADES
from unison_storage_conformance.law import CONTRACT_OF, law
from unison_storage_conformance.line import Line, line
from unison_storage_conformance.programs import CLIENTS
from unison_storage_conformance.proxy import WAYS, Fault
from unison_storage_conformance.trials import check_consistency, tried
from unison_storage_conformance.verdicts import Level

SOON: Final = 700
"""Bytes within which a wire fails: a few calls."""


@law("memory.19", level=Level.FAULTS)
@law("cache.18", level=Level.FAULTS)
@law("index.13", level=Level.FAULTS)
@law("graph.24", level=Level.FAULTS)
async def calls_at_once_whose_wires_fail(ground: Ground[Any]) -> None:
    check_consistency(ground)
    async with AsyncExitStack() as stack:
        # the first client's wire is whole, and reads what is left at the end
        lines = [await stack.enter_async_context(line(ground)) for _ in range(CLIENTS - 1)]
        trade = replace(TRADES[CONTRACT_OF[ground.site.part]], meanwhile=_failing(lines), after=None)
        await tried(trade, ground, [ground.backend, *[on.backend for on in lines]])


def _failing(lines: Sequence[Line]) -> Callable[[Random], Awaitable[None]]:
    async def begin(random: Random) -> None:
        for on in lines:
            await on.reachable()
            on.proxy.set(Fault(random.choice(WAYS), random.randrange(SOON)))

    return begin
