"""Backends, broken on purpose so that only calls at once show it: decisions by what was true a moment ago."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any

from unison_storage.clock import Clock
from unison_storage.contracts.objects import Committed, Draft
from unison_storage.reference.cache import ReferenceCache
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.reference.objects import ReferenceBlobs, ReferenceObjectIndex
from unison_storage.values import ABSENT, ANY, KEEP, MISSING, PRESENT
from unison_storage_conformance.mutant import mutant
from unison_storage_conformance.mutants.torn import torn
from unison_storage_conformance.verdicts import Level


def _expects(wanted: Any) -> Any:
    return lambda item: item.expect is wanted


def _versioned(item: Any) -> bool:
    return isinstance(item.expect, str)


torn("memory.19", "puts look for nothing, then write", ReferenceMemory, "put_many", _expects(ABSENT))
torn("memory.19", "puts look for something, then write", ReferenceMemory, "put_many", _expects(PRESENT))
torn("memory.19", "puts compare versions, then write", ReferenceMemory, "put_many", _versioned)
torn("memory.19", "puts compare versions, then write late", ReferenceMemory, "put_many", _versioned, turns=3)
torn("memory.19", "puts read the expiry they keep", ReferenceMemory, "put_many", lambda put: put.lifetime is KEEP)
torn("memory.19", "deletes compare versions, then delete", ReferenceMemory, "delete_many", _versioned)
torn("memory.19", "deletes read, then delete", ReferenceMemory, "delete_many", _expects(ANY))
torn("memory.19", "increments read, add and write", ReferenceMemory, "increment_many")
torn("memory.19", "increments read, add and write late", ReferenceMemory, "increment_many", turns=2)
torn("memory.19", "touches write back the row they read", ReferenceMemory, "touch_many")

torn("cache.18", "adds look for nothing, then write", ReferenceCache, "add_many")
torn("cache.18", "cached counters are read, then written", ReferenceCache, "increment_many")
torn("cache.18", "cache touches write back the value they read", ReferenceCache, "touch_many")
torn("cache.18", "fills compare, then write", ReferenceCache, "fill_many")
torn("cache.18", "leases are looked at, then taken", ReferenceCache, "acquire_many")
torn("cache.18", "leases are looked at, then renewed", ReferenceCache, "renew_many")
torn("cache.18", "leases are looked at, then let go", ReferenceCache, "release_many")
torn("cache.18", "cache deletes look, then delete", ReferenceCache, "delete_many")

torn("index.13", "commits look for nothing, then write", ReferenceObjectIndex, "commit", _expects(ABSENT), batch=False)
torn(
    "index.13", "commits look for something, then write", ReferenceObjectIndex, "commit", _expects(PRESENT), batch=False
)
torn("index.13", "commits compare versions, then write", ReferenceObjectIndex, "commit", _versioned, batch=False)
torn("index.13", "commits read what they replace", ReferenceObjectIndex, "commit", _expects(ANY), batch=False)
torn("index.13", "index deletes compare versions, then delete", ReferenceObjectIndex, "delete_many", _versioned)
torn("index.13", "index deletes look, then delete", ReferenceObjectIndex, "delete_many", _expects(ANY))

torn("graph.24", "nodes are read, merged and written", ReferenceGraph, "upsert_nodes")
torn("graph.24", "nodes are read, merged and written late", ReferenceGraph, "upsert_nodes", turns=3)
torn("graph.24", "edges are read, merged and written", ReferenceGraph, "upsert_edges")
torn("graph.24", "nodes are looked at, then deleted", ReferenceGraph, "delete_nodes")
torn("graph.24", "edges are looked at, then deleted", ReferenceGraph, "delete_edges")

torn(
    "objects.9",
    "puts look for nothing, then commit",
    ReferenceObjectIndex,
    "commit",
    _expects(ABSENT),
    on="index",
    batch=False,
)
torn(
    "objects.9",
    "puts compare versions, then commit",
    ReferenceObjectIndex,
    "commit",
    _versioned,
    on="index",
    batch=False,
)
torn("objects.9", "deletes of objects look, then delete", ReferenceObjectIndex, "delete_many", on="index")


@mutant("objects.9", "an overwrite deletes first, then commits", on="index", level=Level.HISTORIES)
class DeletesFirst(ReferenceObjectIndex):
    async def commit(self, draft: Draft) -> Committed:
        old = self._rows.get(draft.address)
        if old is not None and draft.expect is ANY:
            del self._rows[draft.address]
            await asyncio.sleep(0)
            self._rows.setdefault(draft.address, old)
        return await super().commit(draft)


@mutant("objects.9", "a read goes on in what is the newest content by then", on="blobs", level=Level.HISTORIES)
class ReadsOn(ReferenceBlobs):
    async def read(self, id: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        newest = list(self._blobs)
        async for chunk in super().read(id, start, end):
            yield chunk[: len(chunk) // 2]
            await asyncio.sleep(0)
            later = [one for one in self._blobs if one not in newest]
            content = self._blobs[later[-1]][0] if later else chunk
            yield content[len(chunk) // 2 : len(chunk)]


class _Behind(ReferenceMemory):
    """A memory that does some things later."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._copy: dict[str, Any] = {}
        self._doing: set[asyncio.Task[None]] = set()

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._doing.add(task)
        task.add_done_callback(self._doing.discard)


@mutant("memory.19", "gets are answered by a copy that lags behind", level=Level.HISTORIES)
class LaggingReplica(_Behind):
    async def _follow(self, rows: dict[str, Any]) -> None:
        for _ in range(2):
            await asyncio.sleep(0)
        self._copy = rows

    async def put_many(self, puts: Sequence[Any]) -> Any:
        done = await super().put_many(puts)
        self.later(self._follow(dict(self._rows)))
        return done

    async def delete_many(self, deletes: Sequence[Any]) -> Any:
        done = await super().delete_many(deletes)
        self.later(self._follow(dict(self._rows)))
        return done

    async def get_many(self, addresses: Sequence[str], touch: Any = MISSING) -> Any:
        if touch is not MISSING or any(address in self._rows and address not in self._copy for address in addresses):
            return await super().get_many(addresses, touch)
        now = self._clock.now()
        rows = [self._copy.get(address) for address in addresses]
        return [row if row is not None and (row.expires is None or row.expires > now) else None for row in rows]


@mutant("memory.19", "puts are acknowledged before they are done", level=Level.HISTORIES)
class AcknowledgesEarly(_Behind):
    async def put_many(self, puts: Sequence[Any]) -> Any:
        before = dict(self._rows)
        done = await super().put_many(puts)
        after = {put.address: self._rows[put.address] for put in puts if put.address in self._rows}
        self._rows = before
        self.later(self._write(after))
        return done

    async def _write(self, rows: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        self._rows.update(rows)


@mutant("cache.18", "sets are acknowledged before they are done", level=Level.HISTORIES)
class CacheAcknowledgesEarly(ReferenceCache):
    async def set_many(self, sets: Sequence[Any]) -> Any:
        self._later = asyncio.ensure_future(self._set(sets))
        return [None] * len(sets)

    async def _set(self, sets: Sequence[Any]) -> None:
        await asyncio.sleep(0)
        await super().set_many(sets)


@mutant("cache.18", "two holders get the same fence", level=Level.HISTORIES)
class SameFence(ReferenceCache):
    def _acquire(self, acquire: Any, now: int) -> Any:
        fence = super()._acquire(acquire, now)
        return None if fence is None else fence // 2 * 2
