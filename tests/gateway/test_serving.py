"""What only shows on sockets: bodies that are cut, connections that are kept, answers that break off."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.gateway.service import TOKEN, Service, asynchronous, bearer, service
from tests.gateway.test_content import Broken
from tests.gateway.test_intake import nothing_is_left
from unison_storage.contracts.objects import BlobId
from unison_storage.errors import InvalidConfig
from unison_storage.reference.objects import ReferenceBlobs
from unison_storage_gateway import serving

HEAD = f"Host: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"


class Wire:
    """A connection on which anything can be said."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, method: str, path: str, headers: str = "", body: bytes = b"") -> None:
        self.writer.write(f"{method} {path} HTTP/1.1\r\n{HEAD}{headers}\r\n".encode() + body)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        async with asyncio.timeout(10):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            status = int(head.split()[1])
            lines = [line.split(": ", 1) for line in head.split("\r\n")[1:] if line]
            headers = {name.lower(): value for name, value in lines}
            return status, headers, await self.reader.readexactly(int(headers.get("content-length", 0)))

    async def ends(self) -> bool:
        async with asyncio.timeout(10):
            return await self.reader.read() == b""


@asynccontextmanager
async def served(**options: Any) -> AsyncIterator[tuple[Service, str, Callable[[], Any]]]:
    async with service(**options) as it:
        bound = serving.bind("127.0.0.1", 0)
        server = serving.server(it.app, notice=0)
        running = asyncio.create_task(server.serve(sockets=[bound]))
        port = bound.getsockname()[1]
        wires: list[Wire] = []

        async def connect() -> Wire:
            wires.append(Wire(*await asyncio.open_connection("127.0.0.1", port)))
            return wires[-1]

        try:
            yield it, serving.origin(bound), connect
        finally:
            for wire in wires:
                wire.writer.close()
            server.should_exit = True
            await running


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in the server's own time
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("framing", ["Content-Length: 100000\r\n", "Transfer-Encoding: chunked\r\n"])
@asynchronous
async def test_an_upload_that_is_cut_is_never_seen(framing: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="unison_storage_gateway")
    async with served() as (it, _, connect):
        wire = await connect()
        body = b"x" * 50_000 if "Length" in framing else b"c350\r\n" + b"x" * 50_000 + b"\r\n"
        await wire.say("PUT", "/v1/objects/files/a", framing, body)
        await until(lambda: bool(it.storage.telemetry.meter("object", "begin", "reference", "undeclared").nanoseconds))
        wire.writer.close()
        await until(lambda: "client_gone" in caplog.messages)
        await it.storage.objects.drain()
        assert nothing_is_left(it)
        assert (await it.client.get("/v1/objects/files/a")).status_code == 404


@asynchronous
async def test_what_follows_the_announced_length_is_no_part_of_the_body() -> None:
    async with served() as (it, _, connect):
        wire = await connect()
        await wire.say("PUT", "/v1/objects/files/a", "Content-Length: 5\r\n", b"12345surplus\r\n\r\n")
        status, _, _ = await wire.answer()
        # the server reads on before the answer to the first request is ready, and may refuse the rest first
        assert status in (201, 400)
        await wire.reader.read()
        stored = await it.client.get("/v1/objects/files/a")
        assert stored.status_code == 404 or stored.content == b"12345"


@asynchronous
async def test_a_client_that_stalls_is_told_and_let_go() -> None:
    async with served(chunk_seconds=0.05) as (it, _, connect):
        for path in ("/v1/objects/files/a", "/v1/memory/notes/a"):
            wire = await connect()
            await wire.say("PUT", path, "Content-Length: 10\r\n", b"1234")
            status, headers, _ = await wire.answer()
            assert (status, headers["connection"]) == (408, "close")
            assert await wire.ends()
        assert nothing_is_left(it)


@asynchronous
async def test_a_connection_is_kept_over_refusals() -> None:
    async with served() as (it, _, connect):
        limit = it.memory.limits.value
        wire = await connect()
        put = f"Content-Length: {limit + 1}\r\n"
        await wire.say("PUT", "/v1/memory/notes/a", put, b"x" * (limit + 1))
        status, headers, _ = await wire.answer()
        assert (status, headers.get("connection")) == (413, None)
        await wire.say("PUT", "/v1/memory/notes/%", "Content-Length: 1\r\n", b"1")
        assert (await wire.answer())[0] == 400
        await wire.say("PUT", "/v1/memory/notes/a", "Content-Length: 1\r\n", b"1")
        assert (await wire.answer())[0] == 201
        await wire.say("GET", "/v1/memory/notes/a")
        assert (await wire.answer())[2] == b"1"


@asynchronous
async def test_a_client_that_asks_first_is_told_before_it_sends() -> None:
    async with served(max_object=1000) as (_, _, connect):
        wire = await connect()
        expect = "Expect: 100-continue\r\n"
        await wire.say("PUT", "/v1/objects/files/a", f"Content-Length: 1001\r\n{expect}")
        status, headers, _ = await wire.answer()
        assert (status, headers["connection"]) == (413, "close")
        wire = await connect()
        await wire.say("PUT", "/v1/objects/files/a", f"Content-Length: 1000\r\n{expect}")
        assert (await wire.answer())[0] == 100
        wire.writer.write(b"x" * 1000)
        assert (await wire.answer())[0] == 201


@pytest.mark.parametrize("damage", ["flip", "short", "fail"])
@asynchronous
async def test_an_answer_that_breaks_off_is_seen_as_broken(damage: str, caplog: pytest.LogCaptureFixture) -> None:
    async with served(blobs=Broken) as (it, origin, _):
        await it.client.put("/v1/objects/files/a", content=bytes(range(100)))
        assert isinstance(it.blobs, Broken)
        it.blobs.damage = damage
        async with httpx.AsyncClient(base_url=origin, headers=bearer(TOKEN)) as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get("/v1/objects/files/a")
            it.blobs.damage = "none"
            assert (await client.get("/v1/objects/files/a")).status_code == 200
    assert "response_cut" in caplog.messages
    assert "blobs.internal" not in caplog.text


class Watched(ReferenceBlobs):
    """Knows how many reads have ended."""

    closed = 0

    async def read(self, id: BlobId, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        try:
            async for chunk in super().read(id, start, end):
                yield chunk
        finally:
            self.closed += 1


@asynchronous
async def test_reading_stops_when_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="unison_storage_gateway")
    async with served(blobs=Watched) as (it, _, connect):
        blobs = it.blobs
        assert isinstance(blobs, Watched)
        await it.storage.objects.at("files").put("a", b"x" * 50_000_000)
        wire = await connect()
        await wire.say("GET", "/v1/objects/files/a")
        await wire.reader.readexactly(100_000)
        assert blobs.closed == 0
        wire.writer.transport.abort()
        await until(lambda: blobs.closed == 1)
        await until(lambda: "client_gone" in caplog.messages)


@asynchronous
async def test_requests_in_a_row_on_one_connection_are_answered_in_order() -> None:
    async with served() as (_, _, connect):
        wire = await connect()
        for number in range(5):
            await wire.say("PUT", f"/v1/memory/notes/{number}", "Content-Length: 1\r\n", b"%d" % number)
        assert [(await wire.answer())[0] for _ in range(5)] == [201] * 5
        for number in range(5):
            await wire.say("GET", f"/v1/memory/notes/{number}")
        assert [(await wire.answer())[2] for _ in range(5)] == [b"%d" % number for number in range(5)]


@asynchronous
async def test_nothing_is_said_about_the_server() -> None:
    async with served() as (_, origin, _), httpx.AsyncClient(base_url=origin) as client:
        assert "server" not in (await client.get("/healthz")).headers


def test_a_port_in_use_is_a_setting_to_change() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidConfig, match="UNISON_STORAGE_HTTP_PORT"):
            serving.bind("127.0.0.1", port)
    for host in ("no such host", "192.0.2.1"):
        with pytest.raises(InvalidConfig, match="UNISON_STORAGE_HTTP_HOST"):
            serving.bind(host, 0)


def test_where_a_socket_is_reached() -> None:
    with serving.bind("127.0.0.1", 0) as bound:
        # asyncio sends small answers at once only where the protocol is named
        assert bound.proto == socket.IPPROTO_TCP
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", serving.origin(bound))
    with serving.bind("::1", 0) as bound:
        assert re.fullmatch(r"http://\[::1\]:\d+", serving.origin(bound))
