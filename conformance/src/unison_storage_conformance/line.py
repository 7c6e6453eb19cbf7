"""The line: a client of a check behind a proxy of its own, so that its wire can fail. The wire is ``proxy``'s."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from unison_storage.errors import StorageError
from unison_storage_conformance.outcomes import HarnessFault, NotTried, broken
from unison_storage_conformance.proxy import Proxy
from unison_storage_conformance.reads import Read


class Line:
    """A client and the wire to its server."""

    def __init__(self, proxy: Proxy, backend: Any, deadline: float) -> None:
        self.proxy = proxy
        self.backend = backend
        self.deadline = deadline

    async def reachable(self) -> None:
        """Wait until the client has a connection again; say that backend.14 is broken where it gets none."""
        await reachable(self.backend, self.deadline)

    def check_landed(self) -> None:
        """Say that nothing is known of the backend unless the fault that was set has happened."""
        if not self.proxy.landed:
            raise HarnessFault("the call ended before the fault: it sends or gets fewer bytes than it did before")


async def reachable(backend: Any, deadline: float) -> None:
    """Wait until a client has a connection to its server; say that backend.14 is broken where it gets none."""
    until = asyncio.get_running_loop().time() + deadline
    while not (health := await backend.health()).ok:
        if asyncio.get_running_loop().time() > until:
            broken("the server can be reached again", expected="ok", found=health, law="backend.14")
        await asyncio.sleep(0.01)


@asynccontextmanager
async def line(ground: Any) -> AsyncIterator[Line]:
    """Open a client behind a proxy; both are closed again. ``NotTried`` where the server has no address."""
    target = ground.site.target
    if target.address is None:
        raise NotTried("the URL names no host and port that a proxy could stand before")
    proxy = Proxy(target.address)
    elsewhere = target.at(await proxy.open())
    backend = ground.watched(elsewhere.make(ground.site.part, elsewhere.context()))
    try:
        await backend.open()
        yield Line(proxy, backend, ground.deadline)
    finally:
        proxy.set(None)
        try:
            await backend.close()
        finally:
            await proxy.close()


async def given_up(call: Any, turns: int) -> None:
    """Make a call and cancel it after so many turns of the loop."""
    task = asyncio.ensure_future(answered(call))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])


async def answered(call: Any) -> Any:
    """Return the answer of a call, or its error."""
    try:
        return await call
    except StorageError as error:
        return error


async def read_by(backend: Any, read: Read) -> Any:
    """Return the answer of a read, or its error: the first one of an item where the backend tells of each."""
    answer = await answered(read.call(backend))
    items = answer if isinstance(answer, list) else ()
    return next((item for item in items if isinstance(item, StorageError)), answer)
