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
    """References on a server. ``clients`` may stand in for some of the clients, by part."""

    def __init__(self, clients: Mapping[str, Any] | None = None) -> None:
        self.clients = {**REMOTES, **(clients or {})}

    @asynccontextmanager
    async def serve(self, clock: ManualClock) -> AsyncIterator[tuple[str, int]]:
        """See ``Harness``."""
        server = Server({part: reference(part, clock) for part in PARTS})
        try:
            yield await server.start()
        finally:
            await server.stop()

    def backend(self, part: str, context: Context) -> Any:  # noqa: ARG002 - the server has the clock
        """See ``Harness``."""
        return self.clients[part](self.address)
