"""The service as an ASGI application: storage routes, health, and problems for whatever else is asked.

How it is served, and with which settings, stands in ``serving`` and ``commands``.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from unison_storage.profiles import Profile
from unison_storage.storage import Storage
from unison_storage_gateway import problems
from unison_storage_gateway.authorization import Access
from unison_storage_gateway.embedding import add, include_storage_routes, lifespan
from unison_storage_gateway.exchange import Traffic
from unison_storage_gateway.health import HealthRoutes, Readiness
from unison_storage_gateway.hosts import LoopbackOnly, is_loopback
from unison_storage_gateway.intake import CHUNK_SECONDS
from unison_storage_gateway.problems import named
from unison_storage_gateway.routing import NOT_ALLOWED
from unison_storage_gateway.verifiers import verifier

if TYPE_CHECKING:
    from unison_storage.config import Settings

_NO_ROUTE = "no route"
_UNKNOWN = named("Not found", 404, "there is no such path")
_INVALID = named("Bad request", 400, "the request is not valid")


def create_app(storage: Storage, settings: Settings, *, chunk_seconds: float = CHUNK_SECONDS) -> FastAPI:
    """Return the service for a storage, which is opened and closed by the application's lifespan.

    ``app.state.readiness`` is the switch that a server turns off before it stops. Raises ``GuardViolation`` for an
    all-powerful token in production and staging, and ``InvalidConfig`` where no token is known.
    """
    traffic = Traffic()
    verify = verifier(settings)
    readiness = Readiness(storage)
    app = FastAPI(
        title="unison-storage",
        version=version("unison-storage-gateway"),
        lifespan=lifespan(storage, sweep_every=settings.sweep_every or 0),
        docs_url=None,  # the pages would be fetched from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.readiness = readiness
    include_storage_routes(app, storage, principals=verify, chunk_seconds=chunk_seconds, traffic=traffic)
    health = HealthRoutes(
        storage, Access(storage, verify), traffic, readiness, open_metrics=is_loopback(settings.http_host)
    )
    add(app, health.routes(), prefix="", chunk_seconds=chunk_seconds, traffic=traffic)
    _refuse_the_rest(app, traffic)
    if settings.profile is Profile.DEVELOPMENT:
        app.add_middleware(LoopbackOnly)
    return app


def _refuse_the_rest(app: FastAPI, traffic: Traffic) -> None:
    """Answer what no route takes with problems, which hold nothing of what was sent."""

    async def unknown(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
        traffic.count(request.method, _NO_ROUTE, error.status_code)
        problem = {404: _UNKNOWN, 405: NOT_ALLOWED}.get(error.status_code, _INVALID)
        return problems.response(problem, error.headers)

    async def invalid(request: Request, _error: Exception) -> Response:
        traffic.count(request.method, _NO_ROUTE, _INVALID.status)
        return problems.response(_INVALID)

    async def failed(request: Request, _error: Exception) -> Response:
        traffic.count(request.method, _NO_ROUTE, problems.INTERNAL.status)
        return problems.response(problems.INTERNAL)

    app.add_exception_handler(HTTPException, unknown)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, failed)
