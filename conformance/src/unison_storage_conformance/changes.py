"""Changes: calls that change something, by contract, and how to see whether they did. How that is judged is not here.

A call is data: its operation and what it is given, so that another process can make it as well.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from unison_storage.contracts.cache import Acquire, Release, Set
from unison_storage.contracts.cache import Increment as CacheIncrement
from unison_storage.contracts.memory import Delete, Increment, Put, Touch
from unison_storage.values import Edge, Node
from unison_storage_conformance.law import CONTRACT_OF
from unison_storage_conformance.outcomes import NotTried
from unison_storage_conformance.reads import HOUR, content, draft, together, versions

NEW: Final = b"what a change puts there"
"""Like nothing that an error would say of itself."""

ITEMS: Final = 8
"""How many items a batch has whose wire fails."""

LISTED: Final = 1_000
"""How many unwanted blobs are looked through for one."""


class Change(Struct, frozen=True):
    """A call that is ready to be made. ``look`` answers a value for each item, ``before`` and ``after`` what it is.

    ``each`` is true of batches, which answer item by item; others answer once for all that they touch. A body that is
    written is given as its chunks.
    """

    operation: str
    given: tuple[Any, ...]
    look: Callable[[], Awaitable[Sequence[Any]]]
    before: Sequence[Any]
    after: Sequence[Any]
    named: Mapping[str, Any] = {}
    each: bool = True

    async def call(self, backend: Any) -> Any:
        """Make the call and return its answer."""
        return await asked(backend, self.operation, self.given, self.named)


async def asked(backend: Any, operation: str, given: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """Make a call of a change on a backend and return its answer."""
    if operation == "write":
        id, chunks = given
        given = (id, flow(chunks))
    return await getattr(backend, operation)(*given, **named)


async def flow(chunks: Sequence[bytes]) -> AsyncIterator[bytes]:
    """Yield the chunks of a body."""
    for chunk in chunks:
        yield chunk


Prepared = Callable[[Any], Awaitable[Change]]


def _values(ground: Any, addresses: Sequence[str]) -> Callable[[], Awaitable[Sequence[Any]]]:
    async def look() -> Sequence[Any]:
        found = await ground.backend.get_many(addresses)
        return [None if row is None else getattr(row, "value", row) for row in found]

    return look


async def _put(ground: Any, number: int = 1, value: bytes = NEW) -> Change:
    puts = [Put(ground.at(f"put{place}"), value, ground.mint(), HOUR) for place in range(number)]
    look = _values(ground, [put.address for put in puts])
    return Change("put_many", (puts,), look, [None] * number, [value] * number)


async def _put_many(ground: Any) -> Change:
    return await _put(ground, ITEMS)


async def _put_large(ground: Any) -> Change:
    return await _put(ground, 1, NEW * 5_000)


async def _held(ground: Any, name: str, value: bytes = b"old") -> str:
    address: str = ground.at(name)
    await ground.backend.put_many([Put(address, value, ground.mint(), HOUR)])
    return address


async def _put_over(ground: Any) -> Change:
    put = Put(await _held(ground, "over"), NEW, ground.mint(), HOUR)
    return Change("put_many", ([put],), _values(ground, [put.address]), [b"old"], [NEW])


async def _delete(ground: Any) -> Change:
    address = await _held(ground, "gone")
    return Change("delete_many", ([Delete(address)],), _values(ground, [address]), [b"old"], [None])


async def _delete_prefix(ground: Any) -> Change:
    addresses = [await _held(ground, f"below{place}") for place in range(3)]
    return Change(
        "delete_prefix",
        (ground.below(),),
        _values(ground, addresses),
        [b"old"] * 3,
        [None] * 3,
        each=False,
    )


async def _increment(ground: Any) -> Change:
    increment = Increment(ground.at("counter"), 5, ground.mint(), HOUR)
    return Change("increment_many", ([increment],), _values(ground, [increment.address]), [None], [b"5"])


def _lasting(ground: Any, address: str) -> Callable[[], Awaitable[Sequence[Any]]]:
    async def look() -> Sequence[Any]:
        [row] = await ground.backend.get_many([address])
        return [row is not None and row.expires is None]

    return look


async def _touch(ground: Any) -> Change:
    address = await _held(ground, "touched")

    return Change("touch_many", ([Touch(address, None)],), _lasting(ground, address), [False], [True])


async def _get_touched(ground: Any) -> Change:
    address = await _held(ground, "touched")

    return Change("get_many", ([address],), _lasting(ground, address), [False], [True], {"touch": None})


async def _set(ground: Any) -> Change:
    given = [Set(ground.at(f"set{place}"), NEW, HOUR) for place in range(ITEMS)]
    look = _values(ground, [one.address for one in given])
    return Change("set_many", (given,), look, [None] * ITEMS, [NEW] * ITEMS)


async def _add(ground: Any) -> Change:
    given = Set(ground.at("added"), NEW, HOUR)
    return Change("add_many", ([given],), _values(ground, [given.address]), [None], [NEW])


async def _cached(ground: Any, name: str) -> str:
    address: str = ground.at(name)
    await ground.backend.set_many([Set(address, b"old", HOUR)])
    return address


async def _uncache(ground: Any) -> Change:
    address = await _cached(ground, "gone")
    return Change("delete_many", ([address],), _values(ground, [address]), [b"old"], [None])


async def _cache_increment(ground: Any) -> Change:
    given = CacheIncrement(ground.at("counter"), 5, HOUR)
    return Change("increment_many", ([given],), _values(ground, [given.address]), [None], [b"5"])


async def _acquire(ground: Any) -> Change:
    address = ground.at("lease")

    async def look() -> Sequence[Any]:
        [fence] = await ground.backend.acquire_many([Acquire(address, "somebody else", HOUR)])
        free = fence is not None
        if free:
            await ground.backend.release_many([Release(address, "somebody else")])
        return ["free" if free else "held"]

    given = Acquire(address, "owner", HOUR)
    return Change("acquire_many", ([given],), look, ["free"], ["held"])


async def _commit(ground: Any) -> Change:
    new = await draft(ground, "committed")
    return Change("commit", (new,), _listed(ground, new.address), [None], [new.version], each=False)


async def _uncommit(ground: Any) -> Change:
    old = await draft(ground, "gone")
    await ground.backend.commit(old)
    return Change("delete_many", ([Delete(old.address)],), _listed(ground, old.address), [old.version], [None])


async def _begin(ground: Any) -> Change:
    blob = ground.blob()

    async def look() -> Sequence[Any]:
        return [blob in await ground.backend.known([blob])]

    return Change("begin", (blob, None), look, [False], [True], each=False)


async def _commit_over(ground: Any) -> Change:
    old = await draft(ground, "over")
    await ground.backend.commit(old)
    new = await draft(ground, "over")

    async def version() -> Any:
        [row] = await ground.backend.get_many([new.address])
        return row and row.version

    async def unwanted() -> bool:
        listed = await ground.backend.unwanted((await ground.backend.now()) + HOUR, 0, LISTED)
        if old.blob not in listed and len(listed) == LISTED:
            raise NotTried("the index holds so many unwanted blobs that those of the suite can't be told")
        return old.blob in listed

    async def look() -> Sequence[Any]:
        return [await together(version, unwanted)]

    return Change("commit", (new,), look, [(old.version, False)], [(new.version, True)], each=False)


def _listed(ground: Any, address: str) -> Callable[[], Awaitable[Sequence[Any]]]:
    return lambda: versions([address])(ground.backend)


def _node(ground: Any, place: str, **properties: Any) -> Node:
    return Node("Device", f"{ground.below()}{place}", properties)


def _nodes(ground: Any, refs: Sequence[Any]) -> Callable[[], Awaitable[Sequence[Any]]]:
    async def look() -> Sequence[Any]:
        return [node and node.properties for node in await ground.backend.get_nodes(refs)]

    return look


async def _upsert_nodes(ground: Any) -> Change:
    nodes = [_node(ground, f"n{place}", name=NEW.decode()) for place in range(ITEMS)]
    look = _nodes(ground, [node.ref for node in nodes])
    return Change("upsert_nodes", (nodes,), look, [None] * ITEMS, [{"name": NEW.decode()}] * ITEMS)


async def _merge_node(ground: Any) -> Change:
    await ground.backend.upsert_nodes([_node(ground, "n", a=1)])
    node = _node(ground, "n", b=2)
    return Change("upsert_nodes", ([node],), _nodes(ground, [node.ref]), [{"a": 1}], [{"a": 1, "b": 2}])


async def _upsert_edges(ground: Any) -> Change:
    ends = [_node(ground, "a"), _node(ground, "b")]
    await ground.backend.upsert_nodes(ends)
    edges = [Edge("LINKED", ends[0].ref, ends[1].ref, f"k{place}", {"w": 1}) for place in range(ITEMS)]

    async def look() -> Sequence[Any]:
        return [edge and edge.properties for edge in await ground.backend.get_edges([edge.ref for edge in edges])]

    return Change("upsert_edges", (edges,), look, [None] * ITEMS, [{"w": 1}] * ITEMS)


async def _delete_node(ground: Any) -> Change:
    ends = [_node(ground, "a"), _node(ground, "b")]
    await ground.backend.upsert_nodes(ends)
    edge = Edge("LINKED", ends[0].ref, ends[1].ref, "k", {})
    await ground.backend.upsert_edges([edge])

    async def node() -> bool:
        return any(await ground.backend.get_nodes([ends[0].ref]))

    async def link() -> bool:
        return any(await ground.backend.get_edges([edge.ref]))

    async def look() -> Sequence[Any]:
        return [await together(node, link)]

    return Change("delete_nodes", ([ends[0].ref], True), look, [(True, True)], [(False, False)])


async def _write(ground: Any, given: bytes = NEW) -> Change:
    id = ground.blob()

    chunks = [given[start : start + 50_000] for start in range(0, len(given), 50_000)]

    async def look() -> Sequence[Any]:
        return [await content(id)(ground.backend)]

    return Change("write", (id, chunks), look, [None], [given], each=False)


async def _write_large(ground: Any) -> Change:
    return await _write(ground, NEW * 12_000)


async def _unwrite(ground: Any) -> Change:
    change = await _write(ground)
    await change.call(ground.backend)
    id = ground.made[-1]
    return Change("delete_many", ([id],), change.look, change.after, change.before)


CHANGES: Final[Mapping[str, Sequence[Prepared]]] = {
    "memory": (
        *(_put, _put_many, _put_large, _put_over, _delete, _delete_prefix, _increment),
        *(_touch, _get_touched),
    ),
    "cache": (_set, _add, _uncache, _cache_increment, _acquire),
    "index": (_begin, _commit, _commit_over, _uncommit),
    "graph": (_upsert_nodes, _merge_node, _upsert_edges, _delete_node),
    "blobs": (_write, _write_large, _unwrite),
}
"""The calls of each contract whose wire fails."""


def changes(ground: Any) -> Sequence[Prepared]:
    """Return the calls that change what a ground stands on."""
    return CHANGES[CONTRACT_OF[ground.site.part]]
