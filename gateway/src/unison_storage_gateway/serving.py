"""Serving: a bound socket, a server that drains before it stops, and an exit without an error. No settings here."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

from unison_storage.errors import InvalidConfig
from unison_storage.storage import Storage
from unison_storage_gateway.health import Readiness

NOTICE_SECONDS: Final = 1.0
"""How long requests are still taken after readiness went off, so that whoever sends them can notice."""
DRAIN_SECONDS: Final = 30
"""How long requests that are under way may take to end."""


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; ``InvalidConfig`` names the setting to change where that can't be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # without the protocol asyncio does not turn Nagle's algorithm off: 40 ms for each answer
        bound = socket.socket(family, kind, protocol)
    except OSError:
        raise InvalidConfig("UNISON_STORAGE_HTTP_HOST is no address of this machine") from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(2048)
    except OSError as error:
        bound.close()
        raise InvalidConfig(
            f"can't listen on {host} port {port} ({error.strerror}): "
            "set UNISON_STORAGE_HTTP_PORT or UNISON_STORAGE_HTTP_HOST to another"
        ) from None
    return bound


def origin(bound: socket.socket) -> str:
    """Return the URL that a bound socket is reached by."""
    host, port = bound.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


class DrainingServer(uvicorn.Server):
    """Stops in order: readiness off, a moment of notice, no new connections, what is under way ends."""

    def __init__(self, config: uvicorn.Config, readiness: Readiness, notice: float = NOTICE_SECONDS) -> None:
        super().__init__(config)
        self._readiness = readiness
        self._notice = notice

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals that ask to stop; unlike uvicorn's own way they don't kill the process afterwards."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop, self._notice)
        loop.add_signal_handler(signal.SIGINT, self._stop, 0.0)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGTERM)
            loop.remove_signal_handler(signal.SIGINT)

    def _stop(self, notice: float) -> None:
        if self._readiness.draining and not notice:
            self.force_exit = True
        self._readiness.drain()
        asyncio.get_running_loop().call_later(notice, self._exit)

    def _exit(self) -> None:
        self.should_exit = True


def server(app: FastAPI, notice: float = NOTICE_SECONDS) -> DrainingServer:
    """Return a server for an application made by ``create_app``, whose storage is opened by the caller."""
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",  # what goes wrong when a storage is opened shall be told, not logged
        log_config=None,
        access_log=False,  # paths hold names
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    return DrainingServer(config, app.state.readiness, notice)


async def serve(app: FastAPI, storage: Storage, bound: socket.socket, ready: Callable[[], None]) -> None:
    """Open the storage, say ``ready``, and serve until a signal asks to stop."""
    async with storage:
        ready()
        await server(app).serve(sockets=[bound])
