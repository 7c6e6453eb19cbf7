"""Whether the service lives, is ready, and how it does: what orchestrators and monitors ask. No data here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

from starlette.responses import Response

from unison_storage.errors import StorageError
from unison_storage.storage import Storage
from unison_storage_gateway import logs, metrics, records
from unison_storage_gateway.authorization import Access, authorize
from unison_storage_gateway.calls import Call
from unison_storage_gateway.exchange import Traffic
from unison_storage_gateway.hosts import is_loopback
from unison_storage_gateway.operations import TOLD
from unison_storage_gateway.routing import Described

KIND: Final = "service"
READY_SECONDS: Final = 5.0
"""How long all backends together may take to answer."""

MEASURE_SECONDS: Final = 5.0
"""How long counting for the gauges may take, and so how long metrics may wait for it."""


class Readiness:
    """Whether requests should be sent here. ``drain()`` turns it off for good."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._asking: asyncio.Task[list[str]] | None = None
        self.draining = False

    def drain(self) -> None:
        """Say from now on that the service is not ready."""
        self.draining = True

    async def failing(self) -> list[str]:
        """Return the names of the checks that fail now; who asks at the same time gets the same answer."""
        if self.draining:
            return ["draining"]
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def _ask(self) -> list[str]:
        try:
            async with asyncio.timeout(READY_SECONDS):
                return [name for name, health in (await self._storage.health()).items() if not health.ok]
        except TimeoutError:
            return ["timeout"]
        except StorageError:
            return ["storage"]


class HealthRoutes:
    """The routes that ask about the service itself. Metrics are open to whoever reaches a loopback socket."""

    def __init__(
        self, storage: Storage, access: Access, traffic: Traffic, readiness: Readiness, *, open_metrics: bool
    ) -> None:
        self._storage = storage
        self._access = access
        self._traffic = traffic
        self._readiness = readiness
        self._open_metrics = open_metrics

    def routes(self) -> Iterator[Described]:
        """Yield the routes."""
        for path, endpoint, operation in (
            ("/healthz", self.health, "health"),
            ("/readyz", self.ready, "ready"),
            ("/metrics", self.metrics, "metrics"),
        ):
            yield Described("GET", path, endpoint, KIND, operation, TOLD[KIND, operation])

    async def health(self, call: Call) -> Response:
        """Return that the process answers; no backend is asked."""
        call.query()
        return records.json({"status": "ok"})

    async def ready(self, call: Call) -> Response:
        """Ask every backend now; 503 names those that fail."""
        call.query()
        failing = await self._readiness.failing()
        return records.json({"ready": not failing, "failing": failing}, 503 if failing else 200)

    async def metrics(self, call: Call) -> Response:
        """Return all metrics as Prometheus text."""
        server = call.scope.get("server")
        if not (self._open_metrics and server is not None and is_loopback(server[0])):
            authorize(self._access.principal(call), "metrics:read", None, None)
        await self._measure()
        text = metrics.text(self._storage.telemetry, self._traffic)
        return Response(text, media_type=metrics.MEDIA_TYPE)

    async def _measure(self) -> None:
        """Let gauges be counted anew; where that fails they show what was counted before."""
        try:
            async with asyncio.timeout(MEASURE_SECONDS):
                await self._storage.measure()
        except Exception as error:  # noqa: BLE001 - metrics are wanted most while something is wrong
            logs.event("warning", "measure_failed", error=logs.place(error))
