"""A storage inside a FastAPI application: its lifetime, its dependency, its routes. The service itself is ``app``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Final

from fastapi import FastAPI
from starlette.requests import HTTPConnection

from unison_storage.errors import NotOpen
from unison_storage.storage import Storage
from unison_storage.sweeper import EVERY, Sweeper
from unison_storage_gateway.authorization import Access
from unison_storage_gateway.batches import BatchRoutes
from unison_storage_gateway.cache import CacheRoutes
from unison_storage_gateway.exchange import Traffic
from unison_storage_gateway.graph import GraphRoutes
from unison_storage_gateway.graph_batches import GraphBatchRoutes
from unison_storage_gateway.graph_walks import GraphWalkRoutes
from unison_storage_gateway.intake import CHUNK_SECONDS
from unison_storage_gateway.memory import MemoryRoutes
from unison_storage_gateway.objects import ObjectRoutes
from unison_storage_gateway.openapi import SECURITY
from unison_storage_gateway.persons import PersonRoutes
from unison_storage_gateway.principals import Verify
from unison_storage_gateway.routing import Described, StorageRoute

_STATE: Final = "unison_storage"


def lifespan(storage: Storage, *, sweep_every: float = EVERY) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return a lifespan for ``FastAPI(lifespan=…)``: the storage is open, and swept, while the application runs.

    ``sweep_every`` is in seconds; 0 leaves sweeping to somebody else.
    """

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        async with storage, Sweeper(storage, sweep_every) if sweep_every else nullcontext():
            setattr(app.state, _STATE, storage)
            yield

    return running


def get_storage(connection: HTTPConnection) -> Storage:
    """Return the storage of the application; for ``Depends(get_storage)``, in requests and in web sockets."""
    found: Storage | None = getattr(connection.app.state, _STATE, None)
    if found is None:
        raise NotOpen("this application has no storage: FastAPI(lifespan=lifespan(storage)) opens one")
    return found


def include_storage_routes(
    app: FastAPI,
    storage: Storage,
    *,
    principals: Verify,
    prefix: str = "",
    chunk_seconds: float = CHUNK_SECONDS,
    traffic: Traffic | None = None,
) -> None:
    """Put the ``/v1`` routes into an application, below ``prefix``.

    ``principals`` returns who a bearer token stands for; ``verifier(settings)`` and ``single_token(token)`` make one.
    Dependencies of the application hold for these routes too. Opening the storage is left to the application.
    """
    access = Access(storage, principals)
    described = (
        *BatchRoutes(storage, access).routes(),
        *MemoryRoutes(storage, access).routes(),
        *CacheRoutes(storage, access).routes(),
        *ObjectRoutes(storage, access).routes(),
        *GraphRoutes(storage, access).routes(),
        *GraphBatchRoutes(storage, access).routes(),
        *GraphWalkRoutes(storage, access).routes(),
        *PersonRoutes(storage, access).routes(),
    )
    setattr(app.state, _STATE, storage)
    add(app, described, prefix=prefix, chunk_seconds=chunk_seconds, traffic=traffic or Traffic())
    _tell_security(app)


def add(app: FastAPI, described: Iterable[Described], *, prefix: str, chunk_seconds: float, traffic: Traffic) -> None:
    """Put routes into an application, with the dependencies that it gives to all of its routes."""
    for one in described:
        route = StorageRoute(
            one,
            prefix=prefix,
            traffic=traffic,
            chunk_seconds=chunk_seconds,
            dependencies=app.router.dependencies,
            dependency_overrides_provider=app,
        )
        app.router.routes.append(route)


def _tell_security(app: FastAPI) -> None:
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        document = plain()
        document.setdefault("components", {}).setdefault("securitySchemes", {}).update(SECURITY)
        return document

    # FastAPI's own way of extending the document
    app.openapi = openapi  # type: ignore[method-assign]
