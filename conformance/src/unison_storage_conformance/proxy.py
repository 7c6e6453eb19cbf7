"""The proxy: a wire between a client and its server that fails where it is told to. What is tried on it is not here.

It knows no protocol: a fault is placed by bytes, counted from the moment at which it is set.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, Literal

from msgspec import Struct

Address = tuple[str, int]
Way = Literal["request", "reply"]
Then = Literal["close", "stall"]

WAYS: Final[tuple[Way, ...]] = ("request", "reply")

CHUNK: Final = 65_536


class Fault(Struct, frozen=True):
    """Once so many bytes have gone that way, the rest is withheld: the wire is cut, or is silent from then on."""

    way: Way
    after: int
    then: Then = "close"


class Proxy:
    """A port on loopback in front of a server. Without a fault everything passes."""

    def __init__(self, server: Address) -> None:
        self.server = server
        self.passed: dict[Way, int] = {"request": 0, "reply": 0}
        """How many bytes went each way since a fault was set or the counting begun anew."""
        self.landed = False
        """Whether the fault that was set has happened."""
        self._fault: Fault | None = None
        self._listening: asyncio.Server | None = None
        self.address: Address = ("127.0.0.1", 0)
        self._wires: set[asyncio.Task[Any]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()

    async def open(self) -> Address:
        """Listen, on the port that it had before, and return the address."""
        self._listening = await asyncio.start_server(self._wire, *self.address)
        host, port = self._listening.sockets[0].getsockname()
        self.address = (host, port)
        return self.address

    async def close(self) -> None:
        """Refuse whoever connects from now on, and cut every wire."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        wires = list(self._wires)
        for task in wires:
            task.cancel()
        await asyncio.gather(*wires, return_exceptions=True)

    def set(self, fault: Fault | None) -> None:
        """Set a fault, which happens once, or none; bytes are counted anew, and what was silent goes on."""
        self._fault = fault
        self.landed = False
        self.passed = {"request": 0, "reply": 0}
        self._flowing.set()

    async def _wire(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        writers = [writer]
        self._wires.add(task)
        pumps: list[asyncio.Task[None]] = []
        try:
            there, here = await asyncio.open_connection(*self.server)
            writers.append(here)
            pumps = [
                asyncio.ensure_future(self._pump("request", reader, here)),
                asyncio.ensure_future(self._pump("reply", there, writer)),
            ]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        except (OSError, asyncio.CancelledError):
            pass  # the server is away, or the wire is cut: either way both ends are let go of
        finally:
            self._wires.discard(task)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for one in writers:
                one.transport.abort()

    async def _pump(self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK):
            await self._flowing.wait()
            fault = self._fault
            if fault is None or fault.way != way or self.passed[way] + len(chunk) <= fault.after:
                self.passed[way] += len(chunk)
                writer.write(chunk)
                await writer.drain()
                continue
            left = fault.after - self.passed[way]
            self.passed[way] += left
            self._fault = None
            self.landed = True
            writer.write(chunk[:left])
            await _flushed(writer)
            if fault.then == "close":
                return
            self._flowing.clear()
            await self._flowing.wait()
            writer.write(chunk[left:])


async def _flushed(writer: asyncio.StreamWriter) -> None:
    """Wait until what was written is on its way, since a wire that is cut forgets the rest."""
    transport = writer.transport
    while transport.get_write_buffer_size() and not transport.is_closing():
        await asyncio.sleep(0)
