"""Lanes of the coalescer that are broken on purpose. Backends that are gathered by the right one are benign."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from unison_storage.capabilities import Limits
from unison_storage.errors import StorageError
from unison_storage.layers.coalesce import coalesce_cache, coalesce_graph, coalesce_index, coalesce_memory
from unison_storage.layers.lane import Call, Lane
from unison_storage.reference.cache import ReferenceCache
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.reference.objects import ReferenceObjectIndex
from unison_storage_conformance.mutant import benign, mutant
from unison_storage_conformance.mutants.delayed import delayed


def _lane(law: str, sentence: str) -> Any:
    return mutant(law, sentence, on="coalescer")


Plain = Lane[Any, Any]


def _gathered(contract: str, made: type[Any], coalesced: Any) -> None:
    """Register a backend whose calls at once are gathered, two statements of two items at a time, as a benign one."""
    slow = delayed(made, f"Gathered{made.__name__}")

    def make(clock: Any) -> Any:
        inner = slow(clock)
        inner.limits = Limits(concurrency=2, batch=2)
        layer = coalesced(inner)
        layer.limits = made.limits
        return layer

    make.__name__ = slow.__name__
    benign(contract, "calls at once are gathered")(make)


_gathered("memory", ReferenceMemory, coalesce_memory)
_gathered("cache", ReferenceCache, coalesce_cache)
_gathered("graph", ReferenceGraph, coalesce_graph)
_gathered("index", ReferenceObjectIndex, coalesce_index)


@_lane("coalescer.1", "a batch is as large as what waits")
class TakesAll(Plain):
    def __init__(self, gate: Any, send: Any, key: Any, max_batch: int, *, share: Any) -> None:
        super().__init__(gate, send, key, 1_000, share=share)


@_lane("coalescer.1", "a batch of the caller's own does not wait for its turn")
class ManyRushes(Plain):
    async def many(self, items: Sequence[Any]) -> Any:
        return await self._send(items)


@_lane("coalescer.1", "a batch is half as large as it may be")
class TakesHalf(Plain):
    def __init__(self, gate: Any, send: Any, key: Any, max_batch: int, *, share: Any) -> None:
        super().__init__(gate, send, key, max_batch // 2, share=share)


@_lane("coalescer.2", "the last write of an address is sent first")
class LastFirst(Plain):
    def _take(self) -> Any:
        for calls in self._queued.values():
            calls.reverse()
        taken = super()._take()
        for calls in self._queued.values():
            calls.reverse()
        return taken


@_lane("coalescer.2", "of two writes of an address that wait the first is dropped")
class KeepsLastWrite(Plain):
    def _queue(self, item: Any) -> Any:
        waiter = super()._queue(item)
        calls = self._queued[self._key(item)]
        if not self._share and len(calls) > 1:
            last = calls.pop()
            calls[-1].item = last.item
            calls[-1].waiters += last.waiters
        return waiter


@_lane("coalescer.2", "a batch holds all writes of an address")
class TakesSame(Plain):
    def _take(self) -> Any:
        taken = super()._take()
        more = [call for call in taken for call in self._queued.pop(self._key(call.item), ())]
        return [*taken, *more]


@_lane("coalescer.3", "reads of one address are sent one by one")
class SharesNothing(Plain):
    def __init__(self, gate: Any, send: Any, key: Any, max_batch: int, *, share: Any) -> None:
        super().__init__(gate, send, key, max_batch, share=None)


@_lane("coalescer.3", "a read shares one that was sent already")
class SharesSent(Plain):
    __slots__ = ("asked",)

    async def one(self, item: Any) -> Any:
        if self._share is None:
            return await super().one(item)
        self.asked: dict[str, Any] = getattr(self, "asked", {})
        key = self._key(item)
        if key not in self.asked or self.asked[key].done():
            self.asked[key] = asyncio.ensure_future(super().one(item))
        return await asyncio.shield(self.asked[key])


@_lane("coalescer.4", "answers go to callers in the order in which they came")
class AnswersInOrder(Plain):
    def _take(self) -> Any:
        return super()._take()[::-1]

    async def _answer(self, batch: Sequence[Any]) -> None:
        items = sorted((call.item for call in batch), key=self._key)
        for call, result in zip(batch, await self._send(items), strict=True):
            call.settle(result, self._share)


@_lane("coalescer.4", "a write is answered when it is sent")
class AnswersEarly(Plain):
    async def _answer(self, batch: Sequence[Any]) -> None:
        if not self._share:
            for call in batch:
                call.settle(1, None)
        await super()._answer(batch)


class _Given(Call[Any, Any]):
    __slots__ = ()

    @property
    def wanted(self) -> bool:
        return not any(waiter.done() for waiter in self.waiters)


@_lane("coalescer.4", "who gives up takes along who shares the item")
class TakesAlong(Plain):
    def _queue(self, item: Any) -> Any:
        waiter = super()._queue(item)
        calls = self._queued[self._key(item)]
        for place, call in enumerate(calls):
            if type(call) is Call:
                calls[place] = _Given(call.item)
                calls[place].waiters = call.waiters
        return waiter


class _Always(Call[Any, Any]):
    __slots__ = ()

    @property
    def wanted(self) -> bool:
        return True


@_lane("coalescer.4", "what was given up is sent")
class SendsGivenUp(Plain):
    def _queue(self, item: Any) -> Any:
        waiter = super()._queue(item)
        calls = self._queued[self._key(item)]
        for place, call in enumerate(calls):
            if type(call) is Call:
                calls[place] = _Always(call.item)
                calls[place].waiters = call.waiters
        return waiter


@_lane("coalescer.4", "who waits behind a full batch is forgotten")
class ForgetsRest(Plain):
    def _take(self) -> Any:
        taken = super()._take()
        self._queued.clear()
        return taken


def _all_or_none(send: Any) -> Any:
    async def sent(items: Sequence[Any]) -> Any:
        results = await send(items)
        bad = next((one for one in results if isinstance(one, StorageError)), None)
        return results if bad is None else [bad] * len(results)

    return sent


@_lane("coalescer.5", "an item that is refused fails its neighbours")
class FailsNeighbours(Plain):
    def __init__(self, gate: Any, send: Any, key: Any, max_batch: int, *, share: Any) -> None:
        super().__init__(gate, _all_or_none(send), key, max_batch, share=share)


@_lane("coalescer.5", "a batch that fails whole fails all callers")
class FailsGathered(Plain):
    async def _answer(self, batch: Sequence[Any]) -> None:
        try:
            results = await self._send([call.item for call in batch])
        except StorageError as error:
            results = [error] * len(batch)
        for call, result in zip(batch, results, strict=True):
            call.settle(result, self._share)


@_lane("coalescer.5", "a batch that may have taken effect is tried singly")
class TriesAgain(Plain):
    async def _answer(self, batch: Sequence[Any]) -> None:
        try:
            results = await self._send([call.item for call in batch])
        except StorageError as error:
            results = [error] if len(batch) == 1 else [await self._again(call) for call in batch]
        for call, result in zip(batch, results, strict=True):
            call.settle(result, self._share)

    async def _again(self, call: Any) -> Any:
        try:
            return (await self._send([call.item]))[0]
        except StorageError as error:
            return error
