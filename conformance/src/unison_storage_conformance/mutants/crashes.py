"""Clients and servers, broken on purpose so that only a death shows it: what was done in two steps, or not yet done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from msgspec.structs import replace

from unison_storage.contracts.graph import Neighbors
from unison_storage.contracts.memory import Delete, Written
from unison_storage.errors import StorageError, Unavailable
from unison_storage_conformance.changes import ITEMS, NEW, flow
from unison_storage_conformance.law import PART_OF
from unison_storage_conformance.mutant import mutant
from unison_storage_conformance.mutants.linked import linked
from unison_storage_conformance.served.remote import REMOTES, Link
from unison_storage_conformance.served.server import Server
from unison_storage_conformance.verdicts import Level

LATE: Final = 0.1
"""Seconds by which a client that lags behind sends what it has acknowledged."""

Memory: Any = REMOTES["memory"]
Cache: Any = REMOTES["cache"]
Graph: Any = REMOTES["graph"]
Index: Any = REMOTES["object_index"]
Blobs: Any = REMOTES["object"]


def _dies(law: str, sentence: str, on: str) -> Any:
    return mutant(law, sentence, on=on, server=Server, level=Level.CRASH)


class _Lags:
    """Sends later what it has acknowledged."""

    def later(self, call: Callable[..., Awaitable[Any]], *given: Any) -> None:
        self.waiting: set[Any] = getattr(self, "waiting", set())
        task = asyncio.ensure_future(self._late(call, *given))
        self.waiting.add(task)
        task.add_done_callback(self.waiting.discard)

    async def _late(self, call: Callable[..., Awaitable[Any]], *given: Any) -> None:
        await asyncio.sleep(LATE)
        with suppress(StorageError):  # it was acknowledged, and nobody is there to be told
            await call(*given)


@_dies("backend.9", "puts of what is new are kept by the client until it has time", "memory")
class PutsLag(_Lags, Memory):  # type: ignore[misc]
    async def put_many(self, puts: Sequence[Any]) -> Any:
        if not puts or puts[0].value != NEW:
            return await super().put_many(puts)
        now = await self.now()
        self.later(super().put_many, puts)
        return [Written(now, now, now + put.lifetime if put.lifetime else None, True) for put in puts]


@_dies("backend.9", "sets are kept by the client until it has time", "cache")
class SetsLag(_Lags, Cache):  # type: ignore[misc]
    async def set_many(self, sets: Sequence[Any]) -> Any:
        self.later(super().set_many, sets)
        return [None] * len(sets)


@_dies("backend.9", "upserts of many nodes are kept by the client until it has time", "graph")
class UpsertsLag(_Lags, Graph):  # type: ignore[misc]
    async def upsert_nodes(self, nodes: Sequence[Any]) -> Any:
        if len(nodes) < ITEMS:
            return await super().upsert_nodes(nodes)
        self.later(super().upsert_nodes, nodes)
        return [True] * len(nodes)


@_dies("backend.9", "that a blob is begun is noted when there is time", "index")
class BeginLags(_Lags, Index):  # type: ignore[misc]
    async def begin(self, blob: str, person: str | None) -> None:
        self.later(super().begin, blob, person)


@_dies("objects.10", "that a blob is begun is noted when it is committed", "index")
class BeginsAtCommit(Index):  # type: ignore[misc]
    async def begin(self, blob: str, person: str | None) -> None:
        self.begun = {**getattr(self, "begun", {}), blob: person}

    async def commit(self, draft: Any) -> Any:
        if draft.blob in getattr(self, "begun", {}):
            await super().begin(draft.blob, self.begun.pop(draft.blob))
        return await super().commit(draft)


@_dies("backend.9", "blobs are kept by the client until it has time", "blobs")
class WritesLag(_Lags, Blobs):  # type: ignore[misc]
    async def write(self, id: str, chunks: AsyncIterator[bytes]) -> int:
        pieces = [chunk async for chunk in chunks]
        self.later(super().write, id, flow(pieces))
        return sum(map(len, pieces))


@_dies("backend.15", "an overwrite is a delete and a put", "memory")
class DeletesThenPuts(Memory):  # type: ignore[misc]
    async def put_many(self, puts: Sequence[Any]) -> Any:
        await self.delete_many([Delete(put.address) for put in puts])
        return await super().put_many(puts)


@_dies("backend.15", "an increment adds one at a time", "memory")
class AddsOnes(Memory):  # type: ignore[misc]
    async def increment_many(self, increments: Sequence[Any]) -> Any:
        add = super().increment_many
        return [await _ones(add, one) for one in increments]


@_dies("backend.15", "a cached counter adds one at a time", "cache")
class CacheAddsOnes(Cache):  # type: ignore[misc]
    async def increment_many(self, increments: Sequence[Any]) -> Any:
        add = super().increment_many
        return [await _ones(add, one) for one in increments]


async def _ones(increment: Any, one: Any) -> Any:
    step = 1 if one.by > 0 else -1
    answer: Any = None
    for _ in range(abs(one.by)):
        [answer] = await increment([replace(one, by=step)])
    return answer


@_dies("backend.15", "a node is made and then described", "graph")
class MakesThenDescribes(Graph):  # type: ignore[misc]
    async def upsert_nodes(self, nodes: Sequence[Any]) -> Any:
        made = await super().upsert_nodes([replace(node, properties={}) for node in nodes])
        await super().upsert_nodes(nodes)
        return made


@_dies("backend.15", "the edges of a node go before it, in a call of their own", "graph")
class EdgesGoFirst(Graph):  # type: ignore[misc]
    async def delete_nodes(self, refs: Sequence[Any], detach: bool) -> Any:
        if detach:
            asked = [Neighbors(ref, "both", None, None, None, 100) for ref in refs]
            found = [line for lines in await self.neighbors(asked) for line in lines]
            await self.delete_edges([line.edge.ref for line in found])
        return await super().delete_nodes(refs, detach)


@_dies("backend.15", "an overwrite makes the old blob unwanted before it is committed", "index")
class UncommitsFirst(Index):  # type: ignore[misc]
    async def commit(self, draft: Any) -> Any:
        await self.delete_many([Delete(draft.address)])
        return await super().commit(draft)


@_dies("blobs.2", "a blob is there from its first bytes on", "blobs")
class ShowsHalves(Blobs):  # type: ignore[misc]
    async def write(self, id: str, chunks: AsyncIterator[bytes]) -> int:
        pieces = [chunk async for chunk in chunks]
        await super().write(id, flow(pieces[:1]))
        await self.delete_many([id])
        return int(await super().write(id, flow(pieces)))


@_dies("backend.15", "a writer holds a lock that nobody takes from a dead one", "memory")
class LocksForEver(Memory):  # type: ignore[misc]
    async def put_many(self, puts: Sequence[Any]) -> Any:
        if not puts:
            return []
        lock = type(puts[0])(f"{puts[0].address}.lock", b"held", "lock", None)
        for _ in range(20):
            if await self._taken(lock):
                break
            await asyncio.sleep(0.01)
        else:
            raise Unavailable("somebody else is writing")
        answer = await super().put_many(puts)
        await self.delete_many([Delete(lock.address)])
        return answer

    async def _taken(self, lock: Any) -> bool:
        [row] = await self.get_many([lock.address])
        if row is None:
            await super().put_many([lock])
        return row is None


class Forgets(Server):
    """Has nothing when it is started again."""

    async def restart(self) -> None:
        await self.stop()
        self.backends = self.made()
        await self.start()


class GoesOnAlone(Link):
    """Never gets over a lost connection."""

    gone = False

    async def connected(self) -> Any:
        if self.gone:
            raise Unavailable("the server has gone")
        return await super().connected()

    def lost(self, *, changes: bool) -> StorageError:
        self.gone = True
        return super().lost(changes=changes)


for _contract, _part in PART_OF.items():
    _client: Any = REMOTES[_part]
    mutant(
        "backend.9",
        f"{_contract}: all is lost when the server is started again",
        on=_contract,
        server=Forgets,
        level=Level.FAULTS,
    )(type(f"Forgotten{_contract.title()}", (_client,), {}))

linked("backend.14", "a client whose server was started again never finds it", GoesOnAlone, Level.FAULTS)
