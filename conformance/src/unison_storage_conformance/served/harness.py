"""The harness of the served references: a server on loopback, and the clients of each part."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from unison_storage.clock import ManualClock
from unison_storage.contracts.context import Context
from unison_storage_conformance.harness import Harness
from unison_storage_conformance.served.remote import REMOTES
from unison_storage_conformance.served.server import Server


class ServedHarness(Harness):
    """References on a server, which can be stopped and started again."""

    servers: type[Server] = Server
    _server: Server | None = None

    def __init__(self) -> None:
        self.passwords = [secrets.token_urlsafe(12)]

    @asynccontextmanager
    async def serve(self, clock: ManualClock) -> AsyncIterator[tuple[str, int]]:
        """See ``Harness``."""
        self._server = self.servers(clock, self.passwords[0])
        try:
            yield await self._server.start()
        finally:
            await self._server.stop()

    async def restart(self) -> None:
        """See ``Harness``."""
        assert self._server is not None  # noqa: S101 - nobody restarts what does not run
        await self._server.restart()

    def backend(self, part: str, context: Context) -> Any:  # noqa: ARG002 - the server has the clock
        """See ``Harness``."""
        return REMOTES[part](self.address, self.passwords[0])

    def __getstate__(self) -> dict[str, Any]:
        # another process connects to the server and does not run it
        return {name: value for name, value in vars(self).items() if name != "_server"}
