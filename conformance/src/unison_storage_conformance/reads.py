"""Reads: calls whose right answer is known, by contract, to see whether a client still gets what it asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from unison_storage.contracts.cache import Set
from unison_storage.contracts.memory import Put
from unison_storage.contracts.objects import Draft
from unison_storage.errors import ObjectMissing
from unison_storage.values import Node
from unison_storage_conformance.law import CONTRACT_OF

HOUR: Final = 3_600_000_000


class Read(Struct, frozen=True):
    """A read, and its answer in short."""

    call: Callable[[Any], Awaitable[Any]]
    answer: Any


async def _memory(ground: Any) -> Sequence[Read]:
    puts = [Put(ground.at("read", name), name.encode(), ground.mint(), HOUR) for name in ("one", "two")]
    await ground.backend.put_many(puts)

    def read(addresses: Sequence[str]) -> Callable[[Any], Awaitable[Any]]:
        async def call(backend: Any) -> Any:
            return [None if row is None else row.value for row in await backend.get_many(addresses)]

        return call

    async def counted(backend: Any) -> Any:
        return await backend.count(ground.below("read"))

    one, two = (put.address for put in puts)
    return [
        Read(read([one]), [b"one"]),
        Read(read([two]), [b"two"]),
        Read(read([ground.at("read", "none")]), [None]),
        Read(read([two, one]), [b"two", b"one"]),
        Read(counted, 2),
    ]


async def _cache(ground: Any) -> Sequence[Read]:
    sets = [Set(ground.at("read", name), name.encode(), HOUR) for name in ("one", "two")]
    await ground.backend.set_many(sets)
    one, two = (given.address for given in sets)
    return [
        Read(lambda backend: backend.get_many([one]), [b"one"]),
        Read(lambda backend: backend.get_many([two]), [b"two"]),
        Read(lambda backend: backend.get_many([ground.at("read", "none")]), [None]),
        Read(lambda backend: backend.get_many([two, one]), [b"two", b"one"]),
        Read(lambda backend: backend.count(ground.below("read")), 2),
    ]


async def draft(ground: Any, *parts: str) -> Draft:
    """Return what can be committed at an address: its blob is begun."""
    blob = ground.blob()
    await ground.backend.begin(blob, None)
    return Draft(ground.at(*parts), ground.blob(), blob, ground.mint(), 3, "00" * 32, "text/plain", None)


async def _index(ground: Any) -> Sequence[Read]:
    reads = []
    for name in ("one", "two"):
        new = await draft(ground, "read", name)
        await ground.backend.commit(new)
        reads.append(Read(versions([new.address]), [new.version]))
    return [*reads, Read(versions([ground.at("read", "none")]), [None])]


def versions(addresses: Sequence[str]) -> Callable[[Any], Awaitable[Any]]:
    """Return a call that answers the version of each object; ``None`` where there is none."""

    async def call(backend: Any) -> Any:
        return [row and row.version for row in await backend.get_many(addresses)]

    return call


async def _graph(ground: Any) -> Sequence[Read]:
    nodes = [Node("Device", f"{ground.below('read')}{name}", {"name": name}) for name in ("one", "two")]
    await ground.backend.upsert_nodes(nodes)
    return [
        *(Read(_named(node.ref), [node.properties["name"]]) for node in nodes),
        Read(_named(("Device", f"{ground.below('read')}none")), [None]),
    ]


def _named(ref: Any) -> Callable[[Any], Awaitable[Any]]:
    async def call(backend: Any) -> Any:
        return [node and node.properties["name"] for node in await backend.get_nodes([ref])]

    return call


async def _blobs(ground: Any) -> Sequence[Read]:
    reads = []
    for given in (b"one", b"two" * 40_000):
        id = ground.blob()
        await ground.backend.write(id, _body(given))
        reads.append(Read(content(id), given))
    return [*reads, Read(content(ground.blob()), None)]


async def _body(given: bytes) -> Any:
    yield given


def content(id: str) -> Callable[[Any], Awaitable[Any]]:
    """Return a call that answers the bytes of a blob; ``None`` where there is none."""

    async def call(backend: Any) -> Any:
        try:
            return b"".join([chunk async for chunk in backend.read(id)])
        except ObjectMissing:
            return None

    return call


READS: Final[Mapping[str, Callable[[Any], Awaitable[Sequence[Read]]]]] = {
    "memory": _memory,
    "cache": _cache,
    "index": _index,
    "graph": _graph,
    "blobs": _blobs,
}
"""How what is read by each contract is put there."""


async def reads(ground: Any) -> Sequence[Read]:
    """Put there what is read of what a ground stands on, and return how it is read."""
    return await READS[CONTRACT_OF[ground.site.part]](ground)


async def together(first: Callable[[], Awaitable[Any]], second: Callable[[], Awaitable[Any]]) -> tuple[Any, Any]:
    """Return what two reads answer as of one moment.

    A call whose caller has given up may take effect between them, once: the first is made again until it has not
    changed around the second.
    """
    before = await first()
    while True:
        found = await second()
        after = await first()
        if after == before:
            return before, found
        before = after
