"""The clients: backends that ask the server of ``served``. How a call travels stands in ``frames``.

They show how a client is to behave when the wire fails; the mutants of the faults break it, one thing at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, suppress
from typing import Any, ClassVar, Final

from unison_storage.contracts.backend import Durability
from unison_storage.contracts.cache import CacheBackend
from unison_storage.contracts.graph import GraphBackend
from unison_storage.contracts.memory import MemoryBackend
from unison_storage.contracts.objects import Blobs, ObjectIndex
from unison_storage.contracts.operations import BATCHES, READS, WRITES, touches
from unison_storage.errors import DeadlineExceeded, NotOpen, StorageError, Unavailable
from unison_storage.values import Health
from unison_storage_conformance.served.frames import packed, receive

Address = tuple[str, int]
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

LOST: Final = "the connection was lost"


class Link:
    """The connections of one client to the server. One that has failed, or was left in the middle, is thrown away."""

    patience: ClassVar[float] = 1.0
    """Seconds that an answer may take."""

    def __init__(self, part: str, address: Address, password: str) -> None:
        self.part = part
        self.address = address
        self.password = password
        self.ready = False
        self.idle: list[Connection] = []
        self.busy: set[Connection] = set()

    async def open(self) -> None:
        """Show that the server answers."""
        self.ready = True
        try:
            await self.ask("now", (), {}, changes=False)
        except StorageError:
            await self.close()
            raise

    async def close(self) -> None:
        """Close every connection, also those that are in use."""
        self.ready = False
        for _, writer in (*self.idle, *self.busy):
            writer.transport.abort()
        self.idle.clear()
        await asyncio.sleep(0)  # a transport lets go of its socket in the next turn

    async def ask(self, operation: str, given: Any, named: Mapping[str, Any], *, changes: bool) -> Any:
        """Make one call and return its answer."""
        return [answer async for answer in self.talk(operation, given, named, changes=changes)][-1]

    async def talk(
        self, operation: str, given: Any, named: Mapping[str, Any], *, changes: bool, body: Any = None
    ) -> AsyncGenerator[Any]:
        """Make one call and yield its chunks and then its answer."""
        if not self.ready:
            raise NotOpen("open the backend first")
        connection = await self.connected()
        self.busy.add(connection)
        whole = False
        try:
            await self.send(connection, operation, given, named, body)
            while True:
                kind, answer = await self.received(connection, changes=changes)
                if kind != "chunk":
                    break
                yield answer
            whole = True
        finally:
            self.busy.discard(connection)
            self.leave(connection, whole=whole)
        if kind == "error":
            raise answer
        yield answer

    async def connected(self) -> Connection:
        """Return a connection that is idle, or a new one."""
        while self.idle:
            connection = self.idle.pop()
            if not connection[0].at_eof():
                return connection
            connection[1].transport.abort()
        try:
            async with asyncio.timeout(self.patience):
                return await asyncio.open_connection(*self.address)
        except TimeoutError:
            raise DeadlineExceeded("the server does not answer") from None
        except OSError:
            raise Unavailable("the server can't be reached") from None

    async def send(
        self, connection: Connection, operation: str, given: Any, named: Mapping[str, Any], body: Any
    ) -> None:
        """Send one call, and the chunks of a body after it. What goes wrong is met when the answer is awaited."""
        connection[1].write(packed(self.password, self.part, operation, given, dict(named)))
        if body is not None:
            async for chunk in body:
                connection[1].write(packed("chunk", chunk))
            connection[1].write(packed("end"))
        with suppress(OSError):
            await connection[1].drain()

    async def received(self, connection: Connection, *, changes: bool) -> Any:
        """Return the next frame of an answer."""
        try:
            async with asyncio.timeout(self.patience):
                frame = await receive(connection[0])
        except TimeoutError:
            raise self.late(changes=changes) from None
        except (OSError, asyncio.IncompleteReadError):
            raise self.lost(changes=changes) from None
        if frame is None:
            raise self.lost(changes=changes)
        return frame

    def lost(self, *, changes: bool) -> StorageError:
        """Return what a lost connection comes to."""
        return Unavailable(LOST, outcome_unknown=changes)

    def late(self, *, changes: bool) -> StorageError:
        """Return what a silent server comes to."""
        return DeadlineExceeded("no answer came in time", outcome_unknown=changes)

    def leave(self, connection: Connection, *, whole: bool) -> None:
        """Keep a connection whose answer was read to its end; throw away any other."""
        if whole and self.ready:
            self.idle.append(connection)
        else:
            connection[1].transport.abort()


class Remote:
    """What the clients of all contracts have alike. ``link`` is how they reach the server."""

    name: ClassVar[str] = "served"
    durability: ClassVar[Durability] = Durability.DURABLE
    production_ready: ClassVar[bool] = False
    links: ClassVar[type[Link]] = Link
    part: ClassVar[str]

    def __init__(self, address: Address, password: str) -> None:
        self.link = self.links(self.part, address, password)

    async def open(self) -> None:
        """See ``Backend``."""
        await self.link.open()

    async def close(self) -> None:
        """See ``Backend``."""
        await self.link.close()

    async def now(self) -> int:
        """See ``Backend``."""
        answer: int = await self.link.ask("now", (), {}, changes=False)
        return answer

    async def health(self) -> Health:
        """See ``Backend``."""
        try:
            await self.now()
        except StorageError as error:
            return Health(ok=False, detail=error.message, seconds=0.0)
        return Health(ok=True, detail="served", seconds=0.0)


def _asking(operation: str, *, writes: bool) -> Any:
    async def call(self: Remote, *given: Any, **named: Any) -> Any:
        if operation in BATCHES and not given[0]:
            return []
        changes = writes or (operation == "get_many" and touches(given, named))
        return await self.link.ask(operation, given, named, changes=changes)

    return call


def remote(part: str, contract: Any, own: Mapping[str, Any] | None = None) -> type[Any]:
    """Return a client for a part, with what is ``own`` to it in place of what all have."""
    calls = {name: _asking(name, writes=False) for name in READS[contract]}
    calls |= {name: _asking(name, writes=True) for name in WRITES[contract]}
    for name in ("query", "bookmarks", "catch_up", "copy", "presign"):
        calls.pop(name, None)
    return type(f"Remote{contract.__name__}", (Remote, contract), {**calls, "part": part, **(own or {})})


async def _write(self: Remote, id: str, chunks: AsyncIterator[bytes]) -> int:
    answers = [one async for one in self.link.talk("write", (id,), {}, changes=True, body=chunks)]
    size: int = answers[-1]
    return size


async def _read(self: Remote, id: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
    pending: list[bytes] = []
    async with aclosing(self.link.talk("read", (id, start, end), {}, changes=False)) as answers:
        async for one in answers:
            if pending:
                yield pending.pop()
            pending.append(one)


STREAMS: Final = {"write": _write, "read": _read}

REMOTES: Final[Mapping[str, type[Any]]] = {
    "memory": remote("memory", MemoryBackend),
    "object": remote("object", Blobs, STREAMS),
    "object_index": remote("object_index", ObjectIndex),
    "graph": remote("graph", GraphBackend),
    "cache": remote("cache", CacheBackend),
}
"""The clients by part."""
