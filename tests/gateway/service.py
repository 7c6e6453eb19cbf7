"""A storage on reference backends behind the gateway, called in process: what most tests of this folder start from."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec
from urllib.parse import quote, unquote

import httpx
from fastapi import FastAPI

from unison_storage import Keyspace, Storage
from unison_storage.config import Settings, load
from unison_storage.contracts.cache import CacheBackend
from unison_storage.contracts.graph import GraphBackend
from unison_storage.contracts.memory import MemoryBackend
from unison_storage.contracts.objects import Blobs
from unison_storage.profiles import Profile
from unison_storage.reference.cache import ReferenceCache
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.reference.objects import ReferenceBlobs, ReferenceObjectIndex
from unison_storage.testing import ManualClock
from unison_storage_gateway import create_app
from unison_storage_gateway.principals import digest

P = ParamSpec("P")

TOKEN = "all-powerful-token-of-the-tests"
PROBLEM = "application/problem+json"
PERSONAL = Keyspace(name="personal", person_scoped=True)


def asynchronous(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test that is a coroutine on a loop of its own."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


@dataclass
class Service:
    storage: Storage
    app: FastAPI
    client: httpx.AsyncClient
    clock: ManualClock
    memory: MemoryBackend
    blobs: Blobs
    index: ReferenceObjectIndex
    graph: GraphBackend
    cache: CacheBackend

    async def raw(
        self, method: str, path: bytes, headers: Mapping[str, str] | None = None, body: Sequence[Event] = ()
    ) -> Answer:
        """Send a request that no client would, with what the server would hand over piece by piece."""
        named = {"authorization": f"Bearer {TOKEN}", **(headers or {})}
        return await call(self.app, method, path, named, body)


Event = bytes | Awaitable[Any] | None
"""A chunk, something to wait for, or the end of the connection."""


@dataclass
class Answer:
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    ended: bool = False

    def json(self) -> Any:
        return json.loads(self.body)


async def call(
    app: FastAPI, method: str, path: bytes, headers: Mapping[str, str], body: Sequence[Event] = (), root: str = ""
) -> Answer:
    answer = Answer()
    events = list(body)

    async def receive() -> dict[str, Any]:
        while events:
            event = events.pop(0)
            if event is None:
                return {"type": "http.disconnect"}
            if isinstance(event, bytes):
                return {"type": "http.request", "body": event, "more_body": bool(events)}
            await event
        if body:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
        else:
            answer.body += message.get("body", b"")
            answer.ended = not message.get("more_body", False)

    raw, _, query = path.partition(b"?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw.decode("latin-1")),
        "raw_path": raw,
        "query_string": query,
        "root_path": root,
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
        "server": ("test", 80),
        "client": ("test", 1),
    }
    await app(scope, receive, send)
    return answer


def settings_of(profile: Profile, token: str | None = None, tokens: Path | None = None) -> Settings:
    environment = {
        "PROFILE": str(profile),
        "HTTP_TOKEN": token,
        "HTTP_TOKENS_FILE": None if tokens is None else str(tokens),
    }
    return load({f"UNISON_STORAGE_{name}": value for name, value in environment.items() if value is not None}).settings


@asynccontextmanager
async def service(
    *,
    profile: Profile = Profile.TEST,
    tokens: Path | None = None,
    keyspaces: Sequence[Keyspace] = (PERSONAL,),
    memory: Callable[[ManualClock], MemoryBackend] = ReferenceMemory,
    blobs: Callable[[ManualClock], Blobs] = ReferenceBlobs,
    graph: Callable[[ManualClock], GraphBackend] = ReferenceGraph,
    cache: Callable[[ManualClock], CacheBackend] = ReferenceCache,
    base_url: str = "http://test",
    chunk_seconds: float = 30.0,
    **options: Any,
) -> AsyncIterator[Service]:
    clock = ManualClock()
    backends = memory(clock), blobs(clock), ReferenceObjectIndex(clock), graph(clock), cache(clock)
    storage = Storage(
        memory=backends[0],
        object=backends[1],
        object_index=backends[2],
        graph=backends[3],
        cache=backends[4],
        keyspaces=keyspaces,
        profile="test",
        clock=clock,
        **options,
    )
    settings = settings_of(profile, TOKEN, tokens)
    app = create_app(storage, settings, chunk_seconds=chunk_seconds)
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with storage, httpx.AsyncClient(transport=transport, base_url=base_url, headers=headers) as client:
        yield Service(storage, app, client, clock, *backends)


def path_of(*segments: str, below: str = "/v1/memory") -> str:
    """Return the path of an address, each segment percent-encoded whole."""
    return "/".join((below, *(quote(segment, safe="") for segment in segments)))


def tokens_file(folder: Path, **tokens: Mapping[str, Any]) -> Path:
    """Write a tokens file; each token is its entry's name."""
    lines = []
    for name, entry in tokens.items():
        content: dict[str, Any] = {"name": name, "sha256": digest(name), **entry}
        lines += ["[[tokens]]", *(f"{key} = {_toml(value)}" for key, value in content.items())]
    path = folder / "tokens.toml"
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)
    return path


def _toml(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else json.dumps(value)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
