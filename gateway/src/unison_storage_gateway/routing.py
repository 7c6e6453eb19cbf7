"""Routes that match the raw path and answer for themselves, in whatever FastAPI application they are put.

FastAPI knows them for OpenAPI and for the application's own dependencies; where there are none, its machinery for
arguments and responses is passed by. What a route answers is the business of the modules of the kinds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final

from fastapi.routing import APIRoute
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from unison_storage_gateway.calls import Call
from unison_storage_gateway.exchange import Exchange, Label, Traffic
from unison_storage_gateway.paths import raw_path
from unison_storage_gateway.problems import Refused, named

Endpoint = Callable[[Call], Awaitable[Response]]

_CALL: Final = "unison_storage_gateway.call"
NOT_ALLOWED: Final = named("Method not allowed", 405, "this path does not take the method")


class Described(Struct, frozen=True):
    """One route before it is put anywhere. ``told`` is what FastAPI is told of it for OpenAPI."""

    method: str
    path: str
    endpoint: Endpoint
    kind: str
    operation: str
    told: Mapping[str, Any]


class StorageRoute(APIRoute):
    """Matches percent-encoded paths, so that an encoded slash or colon is data."""

    def __init__(
        self, described: Described, *, prefix: str, traffic: Traffic, chunk_seconds: float, **options: Any
    ) -> None:
        self.method = described.method
        self._traffic = traffic
        self._chunk_seconds = chunk_seconds
        super().__init__(
            prefix + described.path,
            described.endpoint,
            methods=[described.method],
            name=f"{described.kind}.{described.operation}",
            operation_id=f"{described.kind}.{described.operation}",
            response_class=Response,
            response_model=None,
            tags=[described.kind],
            **described.told,
            **options,
        )
        self._label = Label(self.path_format, described.kind, described.operation)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether the raw path and the method fit; whoever takes GET takes HEAD."""
        found = self.path_regex.match(raw_path(scope)) if scope["type"] == "http" else None
        if found is None:
            return Match.NONE, {}
        taken = {**scope.get("path_params", {}), **found.groupdict()}
        child = {"endpoint": self.endpoint, "path_params": taken, "route": self}
        return (Match.FULL if self._takes(scope["method"]) else Match.PARTIAL), child

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, errors included."""
        call = scope[_CALL] = Call(scope, receive, self._chunk_seconds)
        await Exchange(call, send, self._label, self._traffic).run(self._act)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler, which solves dependencies, called with a ``Call``."""
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            return await handler(request.scope[_CALL])

        return answer

    async def _act(self, call: Call, send: Send) -> None:
        if not self._takes(call.method):
            raise Refused(NOT_ALLOWED, {"Allow": ", ".join(sorted(_allowed(call.scope)))})
        if self.dependant.dependencies:
            await super().handle(call.scope, call.receive, send)
            return
        response = await self.endpoint(call)
        await response(call.scope, call.receive, send)

    def _takes(self, method: str) -> bool:
        return method == self.method or (method == "HEAD" and self.method == "GET")


def _allowed(scope: Scope) -> set[str]:
    """Return the methods that some route of the application takes at the path of the request."""
    fitting = (
        route
        for route in scope["app"].routes
        if isinstance(route, StorageRoute) and route.matches(scope)[0] is not Match.NONE
    )
    methods = {route.method for route in fitting}
    return methods | ({"HEAD"} if "GET" in methods else set())
