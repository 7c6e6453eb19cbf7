"""Coalescing: concurrent single calls become batches, for backends whose ``batching`` is ``core``.

What is gathered: memory get, put, delete, touch and increment; index get. Everything else goes straight through. A
call with several items is a batch already: it waits for its turn as one statement.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from operator import attrgetter
from typing import Any, Literal

from unison_storage.addresses import Address
from unison_storage.contracts.backend import Backend
from unison_storage.contracts.memory import MemoryBackend, Rows
from unison_storage.contracts.objects import ObjectIndex
from unison_storage.layers.gate import Gate
from unison_storage.layers.lane import Lane
from unison_storage.layers.passing import layered
from unison_storage.values import MISSING, Missing

Many = Callable[[Sequence[Any]], Awaitable[list[Any]]]

_address: Callable[[Any], Address] = attrgetter("address")


def _itself(address: Any) -> Address:
    return str(address)


def coalesce_memory(inner: MemoryBackend) -> MemoryBackend:
    """Return memory in which concurrent single calls are gathered."""
    gate = Gate(inner.limits.concurrency)
    gets = _lane(gate, inner, inner.get_many, _itself, shared=True)

    async def get_many(addresses: Sequence[Address], touch: int | Literal[Missing.MISSING] | None = MISSING) -> Rows:
        # a read that touches is a write, and rare: it goes by itself
        return await gets(addresses) if touch is MISSING else await inner.get_many(addresses, touch)

    replaced: dict[str, Callable[..., Any]] = {
        name: _lane(gate, inner, getattr(inner, name), _address, shared=False)
        for name in ("put_many", "delete_many", "touch_many", "increment_many")
    }
    return layered(inner, {**replaced, "get_many": get_many, "close": _closing(gate, inner)})


def coalesce_index(inner: ObjectIndex) -> ObjectIndex:
    """Return an object index in which concurrent single reads are gathered."""
    gate = Gate(inner.limits.concurrency)
    gets = _lane(gate, inner, inner.get_many, _itself, shared=True)
    return layered(inner, {"get_many": gets, "close": _closing(gate, inner)})


def _lane(gate: Gate, inner: Backend, send: Many, key: Callable[[Any], Address], *, shared: bool) -> Many:
    lane: Lane[Any, Any] = Lane(gate, send, key, inner.limits.batch, shared=shared)
    try_enter, leave, one, many = gate.try_enter, gate.leave, lane.one, lane.many

    async def gathered(items: Sequence[Any]) -> list[Any]:
        if len(items) != 1:
            return await many(items) if items else []
        if not try_enter():
            return [await one(items[0])]
        try:
            return await send(items)
        finally:
            leave()

    return gathered


def _closing(gate: Gate, inner: Backend) -> Callable[[], Awaitable[None]]:
    async def close() -> None:
        await gate.drain()
        await inner.close()

    return close
