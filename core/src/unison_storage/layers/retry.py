"""Retrying: what failed for a passing reason is sent again, and nothing that may have taken effect.

Of a batch only the items that failed are repeated. A write whose outcome is unknown is never repeated here: the
first attempt may have taken effect, and somebody else may have written since.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from msgspec import Struct

from unison_storage.clock import Clock
from unison_storage.contracts.backend import Backend
from unison_storage.contracts.operations import BATCHES, READS, WRITES, contract_of, touches
from unison_storage.errors import StorageError
from unison_storage.layers.passing import layered

B = TypeVar("B", bound=Backend)


class Patience(Struct, frozen=True):
    """How often to try in all, and how long to wait: ``first`` seconds doubled each time, at most ``longest``.

    Half of each wait is random, so that callers that failed together do not come back together.
    """

    attempts: int = 3
    first: float = 0.05
    longest: float = 1.0

    def wait(self, attempt: int) -> float:
        """Return the seconds to wait after the given attempt, counted from 1."""
        whole = min(self.first * 2.0 ** (attempt - 1), self.longest)
        return whole * (0.5 + random.random() / 2)  # noqa: S311 - spreads load, guards nothing


def retry(inner: B, clock: Clock, patience: Patience = Patience()) -> B:  # noqa: B008 - a frozen record
    """Return the backend with all its operations retried."""
    contract = contract_of(inner)
    wrapped = {}
    for name in READS[contract] | WRITES[contract]:
        wrap = _batch if name in BATCHES else _whole
        wrapped[name] = wrap(getattr(inner, name), clock, patience, reads=name in READS[contract])
    return layered(inner, wrapped)


def _may_repeat(error: StorageError, *, reads: bool) -> bool:
    return error.retryable and (reads or not error.outcome_unknown)


def _whole(
    method: Callable[..., Awaitable[Any]], clock: Clock, patience: Patience, *, reads: bool
) -> Callable[..., Awaitable[Any]]:
    async def retried(*arguments: Any, **named: Any) -> Any:
        attempt = 1
        while True:
            try:
                return await method(*arguments, **named)
            except StorageError as error:
                if attempt >= patience.attempts or not _may_repeat(error, reads=reads):
                    raise
            await clock.sleep(patience.wait(attempt))
            attempt += 1

    return retried


def _batch(
    method: Callable[..., Awaitable[list[Any]]], clock: Clock, patience: Patience, *, reads: bool
) -> Callable[..., Awaitable[list[Any]]]:
    async def retried(items: Any, *arguments: Any, **named: Any) -> list[Any]:
        idempotent = reads and not touches((items, *arguments), named)
        results: list[Any] = [None] * len(items)
        open_items = list(range(len(items)))
        for attempt in range(1, patience.attempts + 1):
            try:
                answers = await method([items[at] for at in open_items], *arguments, **named)
            except StorageError as error:
                if attempt == patience.attempts or not _may_repeat(error, reads=idempotent):
                    raise
            else:
                for at, answer in zip(open_items, answers, strict=True):
                    results[at] = answer
                open_items = [
                    at
                    for at in open_items
                    if isinstance(results[at], StorageError) and _may_repeat(results[at], reads=idempotent)
                ]
                if not open_items:
                    break
            if attempt < patience.attempts:
                await clock.sleep(patience.wait(attempt))
        return results

    return retried
