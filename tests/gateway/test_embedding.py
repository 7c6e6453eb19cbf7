from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, WebSocket

from tests.gateway.service import PROBLEM, asynchronous, bearer
from unison_storage import NotOpen, Storage
from unison_storage.errors import Closed
from unison_storage.testing import reference_storage
from unison_storage_gateway import get_storage, include_storage_routes, lifespan, single_token

Given = Annotated[Storage, Depends(get_storage)]
EXAMPLE = Path(__file__).parents[2] / "examples" / "notes_service.py"


@asynchronous
async def test_the_storage_is_open_while_the_application_runs() -> None:
    storage = reference_storage()
    app = FastAPI(lifespan=lifespan(storage))

    @app.get("/{key}")
    async def read(key: str, given: Given) -> Any:
        assert given is storage
        return (await given.memory.at("notes").get(key)) is not None

    async with app.router.lifespan_context(app):
        await storage.memory.at("notes").put("there", 1)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            assert [(await client.get(key)).json() for key in ("/there", "/absent")] == [True, False]
    with pytest.raises(Closed):
        _ = storage.memory


@pytest.mark.parametrize(("given", "sweeps"), [({}, True), ({"sweep_every": 0}, False)])
@asynchronous
async def test_the_storage_is_swept_while_the_application_runs(given: dict[str, float], *, sweeps: bool) -> None:
    app = FastAPI(lifespan=lifespan(reference_storage(), **given))

    def sweepers() -> list[str]:
        return [task.get_name() for task in asyncio.all_tasks() if "sweeper" in task.get_name()]

    async with app.router.lifespan_context(app):
        assert bool(sweepers()) == sweeps
    assert not sweepers()


@asynchronous
async def test_the_dependency_works_in_web_sockets() -> None:
    app = FastAPI(lifespan=lifespan(reference_storage()))

    @app.websocket("/ws")
    async def count(socket: WebSocket, given: Given) -> None:
        await socket.accept()
        await socket.send_json(await given.memory.at("notes").increment("visits"))

    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    async with app.router.lifespan_context(app):
        scope = {"type": "websocket", "path": "/ws", "raw_path": b"/ws", "query_string": b"", "headers": []}
        await app(scope, receive, send)
    assert [message.get("text") for message in sent[:2]] == [None, "1"]


@asynchronous
async def test_an_application_without_a_storage_is_told_so() -> None:
    app = FastAPI()

    @app.get("/")
    async def read(given: Given) -> None:
        del given

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        with pytest.raises(NotOpen, match="lifespan"):
            await client.get("/")


@asynchronous
async def test_errors_of_these_routes_are_problems_in_any_application() -> None:
    app = FastAPI(lifespan=lifespan(reference_storage()))
    include_storage_routes(app, reference_storage(), principals=single_token("t"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        for headers, status in ((bearer("t"), 503), ({}, 401)):
            answer = await client.get("/v1/memory/notes/a", headers=headers)
            assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
        assert (await client.get("/elsewhere")).json() == {"detail": "Not Found"}


@asynchronous
async def test_the_example_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spec = importlib.util.spec_from_file_location("notes_service", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "notes_service", module)
    spec.loader.exec_module(module)
    app = module.app
    assert len(EXAMPLE.read_text().splitlines()) <= 30
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")
    async with app.router.lifespan_context(app), client:
        written = await client.post("/people/ann/notes/shopping", params={"text": "milk"})
        assert written.status_code == 200
        assert (await client.get("/people/ann/notes")).json() == ["shopping"]
        assert (await client.get("/people/bob/notes")).json() == []
        path = "/storage/v1/memory/notes/ann/shopping"
        read = await client.get(path, headers=bearer("for-development"))
        assert (read.json(), read.headers["etag"]) == ("milk", f'"{written.json()}"')
        assert (await client.get(path)).status_code == 401
