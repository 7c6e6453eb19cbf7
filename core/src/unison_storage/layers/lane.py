"""A lane: operations of one sort on their way through a gate, gathered into batches while it is full."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Any, Final, Generic, TypeVar

from unison_storage.errors import StorageError
from unison_storage.layers.gate import Gate

Item = TypeVar("Item")
Result = TypeVar("Result")

QUEUE_FACTOR: Final = 16
"""The queue of a lane holds at most so many full batches; further callers wait until there is room."""

WHOLE: Final = 8
"""A batch of so many items at most is never split in two."""


class Call(Generic[Item, Result]):
    """One queued item, and those who wait for its result."""

    __slots__ = ("item", "waiters")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.waiters: list[asyncio.Future[Result | StorageError]] = []

    @property
    def wanted(self) -> bool:
        """Whether anybody still waits: a waiter that was cancelled stays in the list, done."""
        return not all(waiter.done() for waiter in self.waiters)

    def settle(self, result: Result | StorageError, share: Callable[[Result], Result] | None) -> None:
        """Hand the result to the first waiter, and one of its own to every other; no two errors share a traceback."""
        for place, waiter in enumerate(self.waiters):
            if waiter.done():
                continue
            if isinstance(result, StorageError):
                waiter.set_result(result.copy())
            else:
                waiter.set_result(share(result) if place and share else result)

    def fail(self, error: BaseException) -> None:
        """Raise the error at every waiter."""
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_exception(error.copy() if isinstance(error, StorageError) else error)


class Lane(Generic[Item, Result]):
    """Operations of one sort on their way through a gate.

    With ``share`` calls with equal keys share one item, which is right for reads alone, and only while the item is not
    sent yet; it makes of the result what a further caller gets. Otherwise a batch holds one item of a key, and later
    ones wait for the next batch in their order.
    """

    __slots__ = ("_gate", "_key", "_max_batch", "_queued", "_room", "_send", "_share", "_under_way")

    def __init__(
        self,
        gate: Gate,
        send: Callable[[Sequence[Item]], Awaitable[list[Result | StorageError]]],
        key: Callable[[Item], str],
        max_batch: int,
        *,
        share: Callable[[Result], Result] | None,
    ) -> None:
        self._gate = gate
        self._send = send
        self._key = key
        self._max_batch = max_batch
        self._share = share
        self._room = asyncio.Semaphore(max_batch * QUEUE_FACTOR)
        self._queued: dict[str, deque[Call[Item, Result]]] = {}
        self._under_way = 0

    async def one(self, item: Item) -> Result | StorageError:
        """Send one item in a batch, for a caller that met a full gate; return its result or its error."""
        if self._share and self._key(item) in self._queued:
            return await self._queue(item)
        async with self._room:
            # the gate may have emptied while this call waited for room, and then nobody would send the queue
            return await (self._alone(item) if self._gate.try_enter() else self._queue(item))

    async def many(self, items: Sequence[Item]) -> list[Result | StorageError]:
        """Send a batch of the caller's own as it is, when its turn has come."""
        await self._gate.enter()
        try:
            return await self._send(items)
        finally:
            self._gate.leave()

    async def flush(self) -> None:
        """Send one batch of what is queued and answer its waiters; the gate has counted it in."""
        batch = self._take()
        self._under_way += len(batch)
        try:
            if batch:
                await self._answer(batch)
        finally:
            self._under_way -= len(batch)
            self._gate.leave()

    async def _alone(self, item: Item) -> Result | StorageError:
        try:
            return (await self._send((item,)))[0]
        finally:
            self._gate.leave()

    def _queue(self, item: Item) -> asyncio.Future[Result | StorageError]:
        if not self._queued:
            self._gate.wait(self)
        calls = self._queued.setdefault(self._key(item), deque())
        if not (self._share and calls):
            calls.append(Call(item))
        waiter: asyncio.Future[Result | StorageError] = asyncio.get_running_loop().create_future()
        calls[-1].waiters.append(waiter)
        return waiter

    def _take(self) -> list[Call[Item, Result]]:
        batch: list[tuple[str, Call[Item, Result]]] = []
        for key in list(islice(self._queued, self._size())):
            calls = self._queued.pop(key)
            while calls and not calls[0].wanted:
                calls.popleft()
            if calls:
                batch.append((key, calls.popleft()))
            if calls:
                self._queued[key] = calls  # at the end, behind the keys that have waited longer
        if self._queued:
            self._gate.wait(self)
        # rows that every batch locks in one order can't deadlock
        return [call for _, call in sorted(batch, key=_first)]

    def _size(self) -> int:
        """Return how many keys to send in one batch.

        Half of what there is, so that the server has the one half to do while callers take the other; and each by
        itself where every call there is has a place in the gate, since a batch would only make them wait for another.
        """
        calls = len(self._queued) + self._under_way
        if calls < self._gate.limit:
            return 1
        return min(max(-(-calls // 2), WHOLE), self._max_batch)

    async def _answer(self, batch: Sequence[Call[Item, Result]]) -> None:
        try:
            results = await self._send([call.item for call in batch])
            if len(results) != len(batch):
                raise StorageError(f"the backend gave {len(results)} results for {len(batch)} items")
        except StorageError as error:
            # one bad item must not fail its neighbours: where nothing was changed, each is tried by itself;
            # what is retryable has been retried below, and would fail as often as there are items
            singly = len(batch) > 1 and not error.outcome_unknown and not error.retryable
            for call in batch:
                if singly:
                    await self._answer((call,))
                else:
                    call.fail(error)
        except BaseException as error:  # whatever it is: waiters left alone would hang for ever
            for call in batch:
                call.fail(error)
            raise
        else:
            for call, result in zip(batch, results, strict=True):
                call.settle(result, self._share)


def _first(pair: tuple[str, Any]) -> str:
    return pair[0]
