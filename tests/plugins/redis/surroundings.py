"""What the tests of the Redis plugin work on: a real server, and backends on it below a prefix of the test's own."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

from tests.services import valkey
from unison_storage.clock import SystemClock
from unison_storage.contracts.cache import Set
from unison_storage.contracts.context import Context
from unison_storage.contracts.memory import Put
from unison_storage.profiles import Profile
from unison_storage.targets import Target
from unison_storage.telemetry import Telemetry
from unison_storage_conformance.harness import Harness
from unison_storage_redis.cache import RedisCache
from unison_storage_redis.config import Server
from unison_storage_redis.memory import RedisMemory
from unison_storage_redis.session import ServerBackend

Made = TypeVar("Made", bound=ServerBackend)

HOUR = 3_600_000_000


class Restarted(Harness):
    """A server of these tests, which is killed and started again."""

    def __init__(self, server: valkey.Started, options: str = "") -> None:
        self.url = server.url + options
        self._server = server

    async def restart(self) -> None:
        await asyncio.to_thread(self._server.kill)
        await asyncio.to_thread(self._server.start)

    def __getstate__(self) -> dict[str, Any]:
        # another process connects to the server and does not run it
        return {name: value for name, value in vars(self).items() if name != "_server"}


def server_at(url: str) -> Server:
    return Server.of(Target.parse(url, "UNISON_STORAGE_CACHE_URL"))


def context() -> Context:
    return Context(Profile.TEST, SystemClock(), Telemetry())


def own(url: str) -> str:
    """Return a URL with a prefix that nobody else has."""
    return f"{url}{'&' if '?' in url else '?'}prefix=test-{secrets.token_hex(6)}"


@asynccontextmanager
async def opened(url: str, made: type[Made]) -> AsyncIterator[Made]:
    """Give a backend, open."""
    backend = made(server_at(url), context())
    await backend.open()
    try:
        yield backend
    finally:
        await backend.close()


def cache(url: str) -> AbstractAsyncContextManager[RedisCache]:
    """Give a cache, open."""
    return opened(url, RedisCache)


def memory(url: str) -> AbstractAsyncContextManager[RedisMemory]:
    """Give memory, open."""
    return opened(url, RedisMemory)


def put(address: str, value: bytes = b"value", version: str = "1", **rest: Any) -> Put:
    return Put(address, value, version, rest.pop("lifetime", HOUR), **rest)


def set_(address: str, value: bytes = b"value", lifetime: int = HOUR) -> Set:
    return Set(address, value, lifetime)
