"""Variants that are unusual and sound: nobody may accuse them. What is broken stands in the other modules."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from msgspec.structs import replace

from unison_storage.capabilities import Capability, Limits
from unison_storage.clock import Clock
from unison_storage.contracts.backend import Durability
from unison_storage.contracts.graph import Route
from unison_storage.contracts.memory import Put
from unison_storage.errors import InvalidValue, NotOpen, ObjectMissing, StorageError, TooLarge
from unison_storage.reference.cache import ReferenceCache
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.reference.objects import ReferenceBlobs, ReferenceObjectIndex
from unison_storage.values import MISSING, Health, Path
from unison_storage_conformance.mutant import benign
from unison_storage_conformance.mutants.delayed import delayed, pausing

MILLI: Final = 1_000


class Milliseconds:
    """A clock that shows whole milliseconds."""

    def __init__(self, inner: Clock) -> None:
        self._inner = inner

    def now(self) -> int:
        return self._inner.now() // MILLI * MILLI

    def monotonic(self) -> float:
        return self._inner.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


_servers: dict[tuple[int, str], dict[str, Any]] = {}


def shared(backend: Any, clock: Clock) -> Any:
    """Return a backend that has its data in common with all others of its class and clock, as clients of a server."""
    held = _servers.setdefault((id(clock), type(backend).__name__), {})
    for name, value in list(vars(backend).items()):
        if isinstance(value, dict):
            setattr(backend, name, held.setdefault(name, value))
    return backend


benign("memory", "every call takes a moment")(delayed(ReferenceMemory, "SlowMemory"))
benign("cache", "every call takes a moment")(delayed(ReferenceCache, "SlowCache"))
benign("graph", "every call takes a moment")(delayed(ReferenceGraph, "SlowGraph"))
benign("index", "every call takes a moment")(delayed(ReferenceObjectIndex, "SlowIndex"))
benign("memory", "calls at once come in another order")(pausing(ReferenceMemory, "UnorderedMemory"))
benign("cache", "calls at once come in another order")(pausing(ReferenceCache, "UnorderedCache"))
benign("graph", "calls at once come in another order")(pausing(ReferenceGraph, "UnorderedGraph"))


@benign("memory", "what has expired goes at once, and nothing is left to purge")
class EagerMemory(ReferenceMemory):
    async def purge_expired(self, limit: int) -> int:
        return 0

    def _visible(self, address: str, now: int) -> Any:
        for gone in [one for one, row in self._rows.items() if row.expires is not None and row.expires <= now]:
            del self._rows[gone]
        return super()._visible(address, now)

    def _below(self, prefix: str, now: int) -> Sequence[str]:
        self._visible("", now)
        return super()._below(prefix, now)

    def _of(self, person: str) -> Sequence[str]:
        self._visible("", self._clock.now())
        return super()._of(person)


@benign("memory", "clients share their data, as those of a server do")
class ServerMemory(ReferenceMemory):
    durability: ClassVar[Durability] = Durability.EPHEMERAL

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        shared(self, clock)
        self._ready = False

    async def open(self) -> None:
        self._ready = True

    async def close(self) -> None:
        self._ready = False

    async def health(self) -> Health:
        return Health(ok=self._ready, detail="", seconds=0.0)

    async def get_many(self, addresses: Sequence[str], touch: Any = MISSING) -> Any:
        self._check()
        return await super().get_many(addresses, touch)

    async def put_many(self, puts: Sequence[Put]) -> Any:
        self._check()
        return await super().put_many(puts)

    async def count(self, prefix: str) -> int:
        self._check()
        return await super().count(prefix)

    def _check(self) -> None:
        if not self._ready:
            raise NotOpen("open the backend first")


@benign("memory", "small limits, honestly declared")
class SmallMemory(ReferenceMemory):
    limits: Limits = Limits(value=250_000, batch=7, concurrency=1)


@benign("memory", "a batch is split into single items, with others between them")
class SplitsMemory(ReferenceMemory):
    async def put_many(self, puts: Sequence[Put]) -> Any:
        outcomes: list[Any] = []
        for put in puts:
            outcomes += await super().put_many([put])
            await asyncio.sleep(0)
        return outcomes

    async def get_many(self, addresses: Sequence[str], touch: Any = MISSING) -> Any:
        rows: list[Any] = []
        for address in addresses:
            rows += await super().get_many([address], touch)
            await asyncio.sleep(0)
        return rows


@benign("memory", "time is told in milliseconds, honestly declared")
class MilliMemory(ReferenceMemory):
    limits: Limits = Limits(lifetime_resolution=0.001)

    def __init__(self, clock: Clock) -> None:
        super().__init__(Milliseconds(clock))

    def _put(self, put: Put, now: int) -> Any:
        length = put.lifetime
        return super()._put(replace(put, lifetime=-(-length // MILLI) * MILLI) if isinstance(length, int) else put, now)


@benign("memory", "errors have other texts")
class OtherTexts(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        outcome = super()._put(put, now)
        return type(outcome)("no") if isinstance(outcome, StorageError) else outcome


@benign("memory", "a task runs in the background, and ends at close")
class SweepsMemory(ReferenceMemory):
    _sweeper: Any = None

    async def open(self) -> None:
        async def sweep() -> None:
            while True:
                await asyncio.sleep(0.01)
                await self.purge_expired(1)

        self._sweeper = asyncio.create_task(sweep())

    async def close(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.wait({self._sweeper})


@benign("cache", "there is room for three thousand entries")
class SmallCache(ReferenceCache):
    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, max_entries=3_000)


@benign("cache", "fences jump by thousands")
class JumpingFences(ReferenceCache):
    def _acquire(self, acquire: Any, now: int) -> Any:
        self._fence += 4_242
        return super()._acquire(acquire, now)


@benign("cache", "time is told in milliseconds, honestly declared")
class MilliCache(ReferenceCache):
    limits: Limits = Limits(lifetime_resolution=0.001)

    def __init__(self, clock: Clock) -> None:
        super().__init__(Milliseconds(clock))

    def _write(self, address: str, value: bytes, expires: int) -> None:
        super()._write(address, value, -(-expires // MILLI) * MILLI)


@benign("cache", "what has expired goes at once")
class EagerCache(ReferenceCache):
    def _visible(self, address: str, now: int) -> Any:
        for gone in [one for one, entry in self._entries.items() if entry.expires <= now]:
            del self._entries[gone]
        return super()._visible(address, now)


@benign("cache", "clients share their data, as those of a server do")
class ServerCache(ReferenceCache):
    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        shared(self, clock)


@benign("graph", "of several shortest paths the last is answered")
class LastPath(ReferenceGraph):
    async def shortest_path(self, route: Route) -> Path | None:
        for edges in (*self._out.values(), *self._in.values()):
            turned = dict(reversed(list(edges.items())))
            edges.clear()
            edges.update(turned)
        return await super().shortest_path(route)


@benign("graph", "small limits, honestly declared")
class SmallGraph(ReferenceGraph):
    limits: Limits = Limits(batch=25, concurrency=1)


@benign("graph", "queries are declared and answered")
class QueryingGraph(ReferenceGraph):
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.QUERY})

    async def query(self, text: str, parameters: Mapping[str, Any], **limits: Any) -> Any:
        if "CREATE" in text:
            raise InvalidValue("a query that is read-only changes nothing")
        rows = [{"x": one} for one in parameters["x"]] if "UNWIND" in text else [dict(parameters)]
        if len(rows) > limits["max_rows"]:
            raise TooLarge("more rows than that")
        return rows


@benign("graph", "bookmarks are declared and kept")
class MarkingGraph(ReferenceGraph):
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.BOOKMARKS})

    async def bookmarks(self) -> Sequence[str]:
        return [f"at {len(self._nodes)}"]

    async def catch_up(self, bookmarks: Sequence[str]) -> None:
        if not all(one.startswith("at ") for one in bookmarks):
            raise InvalidValue("that is no bookmark")


@benign("blobs", "bytes come in small chunks")
class SmallChunks(ReferenceBlobs):
    async def read(self, id: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        async for chunk in super().read(id, start, end):
            for at in range(0, len(chunk), 50_000):
                yield chunk[at : at + 50_000]


@benign("blobs", "copies and URLs are declared and given")
class CopyingBlobs(ReferenceBlobs):
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.COPY, Capability.PRESIGN})

    async def copy(self, source: str, id: str) -> int:
        if source not in self._blobs:
            raise ObjectMissing("the bytes of the object are gone")
        self._blobs[id] = (self._blobs[source][0], self._clock.now())
        return len(self._blobs[id][0])

    async def presign(self, id: str, lifetime: int) -> str:
        return f"https://blobs.example/{id}?until={self._clock.now() + lifetime}"


@benign("blobs", "clients share their data, as those of a server do")
class ServerBlobs(ReferenceBlobs):
    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        shared(self, clock)


@benign("blobs", "writes at once take turns")
class TakesTurns(ReferenceBlobs):
    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._turn = asyncio.Semaphore(2)

    async def write(self, id: str, chunks: AsyncIterator[bytes]) -> int:
        async with self._turn:
            return await super().write(id, chunks)


@benign("index", "unwanted blobs come in another order")
class TurnsUnwanted(ReferenceObjectIndex):
    async def unwanted(self, before: int, stale: int, limit: int) -> Any:
        self._states = dict(reversed(list(self._states.items())))
        return await super().unwanted(before, stale, limit)

    async def known(self, blobs: Sequence[str]) -> Any:
        return list(reversed(await super().known(blobs)))


@benign("index", "what has expired is unwanted at once")
class EagerIndex(ReferenceObjectIndex):
    def _sweep(self) -> None:
        now = self._clock.now()
        for gone in [one for one, row in self._rows.items() if row.expires is not None and row.expires <= now]:
            self._drop(gone, self._rows[gone].expires or now)

    async def get_many(self, addresses: Sequence[str]) -> Any:
        self._sweep()
        return await super().get_many(addresses)

    async def list(self, prefix: str, after: str, limit: int) -> Any:
        self._sweep()
        return await super().list(prefix, after, limit)

    async def forget(self, blobs: Sequence[str]) -> int:
        self._sweep()
        return await super().forget(blobs)
