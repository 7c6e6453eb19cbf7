"""The server: references on a loopback port, asked frame by frame. What clients make of it stands in ``remote``."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from unison_storage.clock import ManualClock
from unison_storage.errors import AccessDenied, StorageError
from unison_storage_conformance.harness import PARTS
from unison_storage_conformance.references import reference
from unison_storage_conformance.served.frames import packed, receive


class Server:
    """The references of all parts, served to whoever connects."""

    def __init__(self, clock: ManualClock, password: str) -> None:
        self.clock = clock
        self.password = password
        self.backends = self.made()
        self._port = 0
        self._listening: asyncio.Server | None = None
        self._connections: set[asyncio.Task[Any]] = set()

    def made(self) -> Mapping[str, Any]:
        """Return references in which nothing is kept yet."""
        return {part: reference(part, self.clock) for part in PARTS}

    async def start(self) -> tuple[str, int]:
        """Listen on loopback and return the address, which stays the same when it is started again."""
        self._listening = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        host, self._port = self._listening.sockets[0].getsockname()
        return host, self._port

    async def restart(self) -> None:
        """Stop and start again. What was acknowledged is kept."""
        await self.stop()
        await self.start()

    async def stop(self) -> None:
        """Close the port and every connection, in the middle of what they do."""
        if self._listening is None:
            return
        self._listening.close()
        connections = list(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        self._listening = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._connected(writer), suppress(ConnectionError, asyncio.IncompleteReadError):
            while (call := await receive(reader)) is not None:
                async for frame in self._answers(call, reader):
                    writer.write(frame)
                    await writer.drain()

    @contextmanager
    def _connected(self, writer: asyncio.StreamWriter) -> Iterator[None]:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        self._connections.add(task)
        try:
            yield
        except asyncio.CancelledError:
            pass  # the server stops; raising would have the loop report it as an error
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _answers(self, call: list[Any], reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        password, part, operation, given, named = call
        try:
            if not hmac.compare_digest(password, self.password):
                raise AccessDenied("the password is another one")
            method = getattr(self.backends[part], operation)
            if operation == "read":
                async for chunk in method(*given, **named):
                    yield packed("chunk", chunk)
                yield packed("answer", None)
            elif operation == "write":
                yield packed("answer", await method(*given, _chunks(reader)))
            else:
                yield packed("answer", await method(*given, **named))
        except StorageError as error:
            yield packed("error", error)


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        frame = await receive(reader)
        if frame is None:
            raise ConnectionError("the client went away in the middle of a blob")
        if frame[0] == "end":
            return
        yield frame[1]
