"""Deadlines: a call that takes too long ends in ``DeadlineExceeded``. One timer for a call, so one for a batch.

A write that was cut off may have taken effect: its outcome is unknown. Streams of bytes have no deadline here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from unison_storage.contracts.backend import Backend
from unison_storage.contracts.operations import READS, WRITES, contract_of, touches
from unison_storage.errors import DeadlineExceeded
from unison_storage.layers.passing import layered

B = TypeVar("B", bound=Backend)


def deadline(inner: B, seconds: float) -> B:
    """Return the backend with every operation cut off after ``seconds``."""
    contract = contract_of(inner)
    reads = {name: _limited(getattr(inner, name), seconds, writes=False) for name in READS[contract]}
    writes = {name: _limited(getattr(inner, name), seconds, writes=True) for name in WRITES[contract]}
    return layered(inner, reads | writes)


def _limited(method: Callable[..., Awaitable[Any]], seconds: float, *, writes: bool) -> Callable[..., Awaitable[Any]]:
    async def limited(*arguments: Any, **named: Any) -> Any:
        try:
            async with asyncio.timeout(seconds):
                return await method(*arguments, **named)
        except TimeoutError:
            unknown = writes or touches(arguments, named)
            raise DeadlineExceeded(
                f"the backend did not answer within {seconds:g} s", outcome_unknown=unknown
            ) from None

    return limited
