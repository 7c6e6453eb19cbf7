"""Histories on wires that fail: what several clients call at once, while replies and requests of theirs are lost.

A call that got no answer may have taken effect or not, at any time; everything else is judged as in ``histories``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from random import Random
from typing import Any, Final

from msgspec.structs import replace

from unison_storage_conformance.ground import Ground
from unison_storage_conformance.histories import TRADES
from unison_storage_conformance.law import law
from unison_storage_conformance.line import Line, line
from unison_storage_conformance.outcomes import NotTried
from unison_storage_conformance.programs import CLIENTS
from unison_storage_conformance.proxy import Fault
from unison_storage_conformance.trials import tried
from unison_storage_conformance.verdicts import Level

SOON: Final = 700
"""Bytes within which a wire fails: a few calls."""


async def on_wires_that_fail(ground: Ground[Any], contract: str) -> None:
    """Play the histories of a contract; the first client's wire is whole, and reads what is left at the end."""
    if ground.site.backend.consistency != "linearizable":
        raise NotTried(f"the backend declares itself {ground.site.backend.consistency}")
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(line(ground)) for _ in range(CLIENTS - 1)]
        trade = replace(TRADES[contract], meanwhile=_failing(lines), after=None)
        await tried(trade, ground, [ground.backend, *[on.backend for on in lines]])


def _failing(lines: Sequence[Line]) -> Callable[[Random], Awaitable[None]]:
    async def begin(random: Random) -> None:
        for on in lines:
            while not (await on.backend.health()).ok:
                await asyncio.sleep(0.01)
            on.proxy.set(Fault(random.choice(("request", "reply")), random.randrange(SOON)))

    return begin


@law("memory.19", level=Level.FAULTS)
async def calls_at_once_whose_wires_fail(ground: Ground[Any]) -> None:
    await on_wires_that_fail(ground, "memory")


@law("cache.18", level=Level.FAULTS)
async def cache_calls_at_once_whose_wires_fail(ground: Ground[Any]) -> None:
    await on_wires_that_fail(ground, "cache")


@law("index.13", level=Level.FAULTS)
async def index_calls_at_once_whose_wires_fail(ground: Ground[Any]) -> None:
    await on_wires_that_fail(ground, "index")


@law("graph.24", level=Level.FAULTS)
async def graph_calls_at_once_whose_wires_fail(ground: Ground[Any]) -> None:
    await on_wires_that_fail(ground, "graph")
