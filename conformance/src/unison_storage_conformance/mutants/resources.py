"""Backends and clients that keep something when they are closed, or lose something when a caller gives up."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, Final

from unison_storage.errors import Unavailable
from unison_storage.reference.cache import ReferenceCache
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.reference.objects import ReferenceBlobs, ReferenceObjectIndex
from unison_storage.values import MISSING
from unison_storage_conformance.mutant import mutant
from unison_storage_conformance.mutants.linked import linked
from unison_storage_conformance.served.remote import Connection, Link
from unison_storage_conformance.verdicts import Level

POOL: Final = 4
"""How many connections the pools have from which one is lost now and then."""


def _leaks(law: str, sentence: str, on: str) -> Callable[[Any], Any]:
    return mutant(law, sentence, on=on, level=Level.RESOURCES)


class KeepsIdle(Link):
    async def close(self) -> None:
        self.ready = False


class KeepsBusy(Link):
    def leave(self, connection: Connection, *, whole: bool) -> None:
        if whole and self.ready:
            self.idle.append(connection)


class OpensFirst(Link):
    async def open(self) -> None:
        self.wake = os.pipe()
        await super().open()

    async def close(self) -> None:
        await super().close()
        if self.ready_once:
            for end in self.wake:
                os.close(end)
            self.ready_once = False

    async def ask(self, *given: Any, **named: Any) -> Any:
        answer = await super().ask(*given, **named)
        self.ready_once = True
        return answer

    ready_once = False


class OneLoop(Link):
    loop: Any = None

    async def connected(self) -> Connection:
        running = asyncio.get_running_loop()
        self.loop = self.loop or running
        if self.loop is not running:
            raise Unavailable("the pool belongs to another event loop")
        return await super().connected()


class Drains(Link):
    async def close(self) -> None:
        while self.busy:
            self.ready = False
            await asyncio.sleep(0.01)
        await super().close()

    def leave(self, connection: Connection, *, whole: bool) -> None:
        if not self.ready:
            self.busy.add(connection)
        super().leave(connection, whole=whole)


linked("backend.2", "connections that are idle stay open at close", KeepsIdle, Level.RESOURCES)
linked("backend.2", "a connection that was left in the middle stays open", KeepsBusy, Level.RESOURCES)
linked("backend.1", "what could not be opened keeps its pipe", OpensFirst, Level.RESOURCES)
linked("backend.1", "the pool belongs to the loop that it was opened in first", OneLoop, Level.RESOURCES)
linked("backend.10", "close waits for calls that end no more", Drains, Level.RESOURCES, ["memory"])


@_leaks("backend.2", "a thread goes on after close", "cache")
class KeepsThread(ReferenceCache):
    async def open(self) -> None:
        threading.Thread(target=threading.Event().wait, args=(10,), daemon=True, name="kept").start()


@_leaks("backend.2", "a file stays open for each that is written", "graph")
class KeepsFile(ReferenceGraph):
    files: Final[list[Any]] = []

    async def upsert_nodes(self, nodes: Sequence[Any]) -> Any:
        self.files.append(Path(os.devnull).open())  # noqa: ASYNC230, SIM115 - this is what is wrong
        return await super().upsert_nodes(nodes)


@_leaks("backend.2", "a temporary file stays for each blob that is read", "blobs")
class KeepsTemporary(ReferenceBlobs):
    async def read(self, id: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        number, name = tempfile.mkstemp(suffix=".spool")
        os.close(number)
        async for chunk in super().read(id, start, end):
            yield chunk
        if end is not None:
            Path(name).unlink()  # noqa: ASYNC240 - a file of no bytes


@_leaks("backend.2", "a task stays for each that was begun", "index")
class KeepsTask(ReferenceObjectIndex):
    tasks: Final[list[Any]] = []

    async def begin(self, blob: str, person: str | None) -> None:
        self.tasks.append(asyncio.ensure_future(asyncio.Event().wait()))
        await super().begin(blob, person)


@_leaks("backend.2", "a socket is dropped and not closed", "memory")
class DropsSocket(ReferenceMemory):
    ends: Any = ()

    async def open(self) -> None:
        self.ends = socket.socketpair()

    async def close(self) -> None:
        self.ends = ()


@_leaks("backend.2", "close cancels the calls under way", "memory")
class CancelsCalls(ReferenceMemory):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self.calls: set[Any] = set()

    async def get_many(self, addresses: Sequence[str], touch: Any = MISSING) -> Any:
        call = asyncio.ensure_future(self._slowly(addresses, touch))
        self.calls.add(call)
        call.add_done_callback(self.calls.discard)
        return await call

    async def _slowly(self, addresses: Sequence[str], touch: Any) -> Any:
        for _ in range(8):
            await asyncio.sleep(0)
        return await super().get_many(addresses, touch)

    async def close(self) -> None:
        for call in list(self.calls):
            call.cancel()


@_leaks("backend.10", "a call that is given up never gives its connection back", "cache")
class LosesConnection(ReferenceCache):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self.pool = asyncio.Semaphore(POOL)

    async def get_many(self, addresses: Sequence[str]) -> Any:
        await self.pool.acquire()
        for _ in range(3):
            await asyncio.sleep(0)
        answer = await super().get_many(addresses)
        self.pool.release()
        return answer


@_leaks("backend.2", "what a caller gives up goes on for ever", "graph")
class GoesOnUnasked(ReferenceGraph):
    async def get_nodes(self, refs: Sequence[Any]) -> Any:
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.left = [*getattr(self, "left", []), asyncio.ensure_future(asyncio.Event().wait())]
            raise
        return await super().get_nodes(refs)


@_leaks("backend.10", "calls that wait for a connection are left waiting at close", "memory")
class LeavesWaiting(ReferenceMemory):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self.gate = asyncio.Event()

    async def open(self) -> None:
        self.gate.set()

    async def get_many(self, addresses: Sequence[str], touch: Any = MISSING) -> Any:
        await asyncio.sleep(0)
        await self.gate.wait()
        return await super().get_many(addresses, touch)

    async def close(self) -> None:
        self.gate.clear()


@_leaks("backend.1", "it can be opened in one event loop", "memory")
class OpensInOneLoop(ReferenceMemory):
    loop: Any = None

    async def open(self) -> None:
        running = asyncio.get_running_loop()
        self.loop = self.loop or running
        if self.loop is not running:
            raise Unavailable("it belongs to another event loop")
