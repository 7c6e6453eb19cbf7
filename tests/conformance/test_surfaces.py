"""Laws of stores, through every doorway: in this process, blocking, and over HTTP."""

from __future__ import annotations

from typing import Any

from tests.conformance.blocking_surface import blocking
from tests.conformance.http_surface import gateway
from unison_storage.clock import ManualClock
from unison_storage_conformance import Harness, suite


class Blocking(Harness):
    """The stores of a storage without ``await``."""

    kinds = ("memory", "object")

    def surface(self, clock: ManualClock) -> Any:
        return blocking(clock)


class Http(Harness):
    """The stores behind a gateway."""

    kinds = ("memory", "object")

    def surface(self, clock: ManualClock) -> Any:
        return gateway(clock)


TestBlocking = suite(Blocking)
TestHttp = suite(Http)
