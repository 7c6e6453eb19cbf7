"""One request and its answer: errors become problems, the log gets a line, nothing of an exception goes further.

What is answered is the business of routes; what a problem looks like stands in ``problems``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from time import perf_counter

from msgspec import Struct
from starlette.requests import ClientDisconnect
from starlette.types import Message, Send

from unison_storage.errors import StorageError
from unison_storage_gateway import logs, problems
from unison_storage_gateway.calls import Call
from unison_storage_gateway.intake import ClientGone
from unison_storage_gateway.problems import Refused

GONE = 499
"""What is counted where the client did not wait for the answer."""

Act = Callable[[Call, Send], Awaitable[None]]


class Label(Struct, frozen=True):
    """What a route is called in logs and metrics."""

    route: str
    kind: str | None = None
    operation: str | None = None


class Traffic:
    """How many requests were answered, by method, route template and status."""

    METHODS = frozenset(("GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"))

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()

    def count(self, method: str, route: str, status: int) -> None:
        """Count one request; methods that nobody knows are one."""
        self.requests[method if method in self.METHODS else "other", route, status] += 1


class Exchange:
    """Runs one request. An answer that breaks off is left without its end, which makes the server cut the line."""

    def __init__(self, call: Call, send: Send, label: Label, traffic: Traffic) -> None:
        self._call = call
        self._send = send
        self._label = label
        self._traffic = traffic
        self._status: int | None = None
        self._ended = False

    async def run(self, act: Act) -> None:
        """Let ``act`` answer the request, whatever comes of it."""
        started = perf_counter()
        try:
            await self._answered(act)
        except (ClientGone, ClientDisconnect):
            self._call.error = "ClientGone"
            self._status = self._status or GONE
        finally:
            self._record(perf_counter() - started)

    async def _answered(self, act: Act) -> None:
        try:
            await act(self._call, self._sent)
        except (ClientGone, ClientDisconnect):
            raise
        except Exception as error:  # noqa: BLE001 - the last border: what leaves it would end in a server's log
            self._note(error)
            if self._status is None:
                await problems.response_to(error)(self._call.scope, self._call.receive, self._sent)

    async def _sent(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [
                *message.get("headers", ()),
                (b"x-request-id", self._call.request_id.encode()),
                (b"x-content-type-options", b"nosniff"),
                (b"cache-control", b"private, no-cache"),
            ]
            if not await self._call.intake.spill():
                headers.append((b"connection", b"close"))
            message = {**message, "headers": headers}
            self._status = message["status"]
        elif not message.get("more_body", False):
            self._ended = True
        try:
            await self._send(message)
        except OSError:  # how ASGI servers say that nobody is there any more
            raise ClientGone from None

    def _note(self, error: Exception) -> None:
        if isinstance(error, StorageError):
            self._call.error = type(error).__name__
            self._call.backend = error.backend
        elif not isinstance(error, Refused):
            self._call.error = logs.place(error)

    def _record(self, seconds: float) -> None:
        call, label = self._call, self._label
        status = self._status or problems.INTERNAL.status
        self._traffic.count(call.method, label.route, status)
        gone = call.error == "ClientGone"
        cut = not self._ended and not gone
        logs.event(
            "error" if status >= 500 or cut else "info",
            "client_gone" if gone else "response_cut" if cut else "request",
            request_id=call.request_id,
            principal=call.principal,
            route=label.route,
            kind=label.kind,
            operation=label.operation,
            backend=call.backend,
            keyspace=call.keyspace,
            status=status,
            duration=round(seconds, 6),
            error=call.error,
        )
