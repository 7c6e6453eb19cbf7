"""The harness of the served references: a server on loopback, and the clients of each part."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from unison_storage.clock import ManualClock
from unison_storage.contracts.context import Context
from unison_storage_conformance.harness import PARTS, Harness
from unison_storage_conformance.references import reference
from unison_storage_conformance.served.remote import REMOTES
from unison_storage_conformance.served.server import Server


class ServedHarness(Harness):
    """References on a server. ``clients`` and ``backends`` may stand in for some of them, by part."""

    def __init__(self, clients: Mapping[str, Any] | None = None, backends: Mapping[str, Any] | None = None) -> None:
        self.clients = {**REMOTES, **(clients or {})}
        self.backends = dict(backends or {})
        self.server: Server | None = None

    @asynccontextmanager
    async def serve(self, clock: ManualClock) -> AsyncIterator[tuple[str, int]]:
        """See ``Harness``."""
        made = {part: self.backends[part](clock) if part in self.backends else reference(part, clock) for part in PARTS}
        self.server = Server(made)
        try:
            yield await self.server.start()
        finally:
            await self.server.stop()

    def backend(self, part: str, context: Context) -> Any:  # noqa: ARG002 - the server has the clock
        """See ``Harness``."""
        return self.clients[part](self.address)
