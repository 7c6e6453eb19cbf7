from __future__ import annotations

import asyncio

import pytest

from unison_storage_conformance.proxy import Fault, Proxy


@pytest.mark.parametrize(
    ("fault", "sent", "answered"),
    [
        (Fault("request", 0), b"", b""),
        (Fault("request", 3), b"abc", b""),
        (Fault("reply", 0), b"abcdef", b""),
        (Fault("reply", 2), b"abcdef", b"AB"),
        (None, b"abcdef", b"ABCDEF"),
    ],
)
def test_the_proxy_cuts_at_the_byte_that_is_named(fault: Fault | None, sent: bytes, answered: bytes) -> None:
    async def test() -> None:
        got = bytearray()

        async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            got.extend(await reader.read(6))
            if len(got) == 6:
                writer.write(bytes(got).upper())
            else:
                await reader.read()
            writer.close()

        server = await asyncio.start_server(shout, "127.0.0.1", 0)
        proxy = Proxy(server.sockets[0].getsockname()[:2])
        reader, writer = await asyncio.open_connection(*await proxy.open())
        proxy.set(fault)
        writer.write(b"abcdef")
        back = bytearray()
        try:
            while chunk := await asyncio.wait_for(reader.read(6), 5):
                back.extend(chunk)
        except ConnectionError:
            pass
        assert (bytes(got), bytes(back)) == (sent, answered)
        assert proxy.landed == (fault is not None)
        writer.close()
        await proxy.close()
        server.close()

    asyncio.run(test())
