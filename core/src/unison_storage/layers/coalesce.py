"""Coalescing: concurrent single calls become batches, for backends whose ``batching`` is ``core``.

What is gathered: memory get, put, delete, touch and increment; index get; cache get, set, add, delete, touch and
increment; graph get, upsert and first page of neighbours. Everything else goes straight through. A call with several
items is a batch already: it waits for its turn as one statement.

Laws of the coalescer, over any backend:

    coalescer.1 No more statements are under way than ``limits.concurrency``, and no batch is larger than
                ``limits.batch``.
    coalescer.2 Writes of one address are sent in the order in which they were called, one in each batch.
    coalescer.3 A read shares the answer of another one of the same address, unless that was sent already: it never
                misses what was acknowledged before it.
    coalescer.4 Each caller gets its own answer, once the backend has answered, whoever else gives up meanwhile. Who
                gives up before its item was sent takes it along.
    coalescer.5 An item that is refused fails its own caller alone, also where the backend fails the whole batch for
                it. What may have taken effect is not sent again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from copy import deepcopy
from operator import attrgetter
from typing import Any, Literal

from unison_storage.addresses import Address
from unison_storage.contracts.backend import Backend, Outcome
from unison_storage.contracts.cache import CacheBackend
from unison_storage.contracts.graph import GraphBackend, Neighbors
from unison_storage.contracts.memory import MemoryBackend, Rows
from unison_storage.contracts.objects import ObjectIndex
from unison_storage.layers.gate import Gate
from unison_storage.layers.lane import Lane
from unison_storage.layers.passing import layered
from unison_storage.values import MISSING, Edge, EdgeRef, Missing, Neighbor, Node, NodeRef

Many = Callable[[Sequence[Any]], Awaitable[list[Any]]]
Share = Callable[[Any], Any] | None

_address: Callable[[Any], Address] = attrgetter("address")


def _itself(address: Any) -> Address:
    return str(address)


def _as_it_is(answer: Any) -> Any:
    """Return a row or bytes for a further caller: nobody can change them. Nodes and edges have properties to copy."""
    return answer


def coalesce_memory(inner: MemoryBackend, lanes: type[Lane[Any, Any]] = Lane) -> MemoryBackend:
    """Return memory in which concurrent single calls are gathered, in such lanes."""
    gate = Gate(inner.limits.concurrency)
    gets = _lane(gate, inner, inner.get_many, _itself, share=_as_it_is, lanes=lanes)

    async def get_many(addresses: Sequence[Address], touch: int | Literal[Missing.MISSING] | None = MISSING) -> Rows:
        # a read that touches is a write, and rare: it goes by itself
        return await gets(addresses) if touch is MISSING else await inner.get_many(addresses, touch)

    replaced: dict[str, Callable[..., Any]] = {
        name: _lane(gate, inner, getattr(inner, name), _address, share=None, lanes=lanes)
        for name in ("put_many", "delete_many", "touch_many", "increment_many")
    }
    return layered(inner, {**replaced, "get_many": get_many, "close": _closing(gate, inner)})


def coalesce_index(inner: ObjectIndex) -> ObjectIndex:
    """Return an object index in which concurrent single reads are gathered."""
    gate = Gate(inner.limits.concurrency)
    gets = _lane(gate, inner, inner.get_many, _itself, share=_as_it_is)
    return layered(inner, {"get_many": gets, "close": _closing(gate, inner)})


def coalesce_cache(inner: CacheBackend) -> CacheBackend:
    """Return a cache in which concurrent single calls are gathered."""
    gate = Gate(inner.limits.concurrency)
    replaced: dict[str, Callable[..., Any]] = {
        name: _lane(gate, inner, getattr(inner, name), _address, share=None)
        for name in ("set_many", "add_many", "touch_many", "increment_many")
    }
    replaced["get_many"] = _lane(gate, inner, inner.get_many, _itself, share=_as_it_is)
    replaced["delete_many"] = _lane(gate, inner, inner.delete_many, _itself, share=None)
    return layered(inner, {**replaced, "close": _closing(gate, inner)})


def coalesce_graph(inner: GraphBackend) -> GraphBackend:
    """Return a graph in which concurrent single calls are gathered."""
    gate = Gate(inner.limits.concurrency)
    first_pages = _lane(gate, inner, inner.neighbors, _question, share=deepcopy)

    async def neighbors(asked: Sequence[Neighbors]) -> list[Outcome[list[Neighbor]]]:
        # what goes on from a cursor is asked once, and the listing behind it is long
        return await (inner.neighbors if any(one.after for one in asked) else first_pages)(asked)

    replaced: dict[str, Callable[..., Any]] = {
        "get_nodes": _lane(gate, inner, inner.get_nodes, _name, share=deepcopy),
        "get_edges": _lane(gate, inner, inner.get_edges, _edge_name, share=deepcopy),
        "upsert_nodes": _lane(gate, inner, inner.upsert_nodes, _name_of, share=None),
        "upsert_edges": _lane(gate, inner, inner.upsert_edges, _edge_name_of, share=None),
        "neighbors": neighbors,
    }
    return layered(inner, {**replaced, "close": _closing(gate, inner)})


def _name(ref: NodeRef) -> str:
    return "\x00".join(ref)  # no part of a name holds U+0000


def _edge_name(ref: EdgeRef) -> str:
    return "\x00".join((*ref.source, ref.type, *ref.target, ref.key))


def _name_of(node: Node) -> str:
    return _name(node.ref)


def _edge_name_of(edge: Edge) -> str:
    return _edge_name(edge.ref)


def _question(asked: Neighbors) -> str:
    chosen = ("*" if names is None else "\x01".join(names) for names in (asked.types, asked.labels))
    return "\x00".join((*asked.start, asked.direction, *chosen, str(asked.limit)))


def _lane(
    gate: Gate,
    inner: Backend,
    send: Many,
    key: Callable[[Any], Address],
    *,
    share: Share,
    lanes: type[Lane[Any, Any]] = Lane,
) -> Many:
    lane = lanes(gate, send, key, inner.limits.batch, share=share)
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
