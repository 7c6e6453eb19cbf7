from __future__ import annotations

from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Header, HTTPException

from tests.gateway.service import PROBLEM, TOKEN, asynchronous, bearer, call, service
from unison_storage.testing import reference_storage
from unison_storage_gateway import include_storage_routes, single_token

VERIFY = single_token(TOKEN)


@pytest.mark.parametrize("root", ["/mounted", "/two/levels", "/with space"])
@asynchronous
async def test_routes_work_below_a_mount(root: str) -> None:
    async with reference_storage() as storage:
        inner, outer = FastAPI(), FastAPI()
        include_storage_routes(inner, storage, principals=VERIFY, prefix="/storage")
        include_storage_routes(outer, storage, principals=VERIFY)
        outer.mount(root, inner)
        transport = httpx.ASGITransport(outer)
        async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=bearer(TOKEN)) as client:
            path = f"{root}/storage/v1/memory/notes/a%2Fb/c%3Ad"
            assert (await client.put(path, content="1")).status_code == 201
            assert (await client.post(path + ":increment")).json() == {"value": 2}
            entry = await storage.memory.at("notes", "a/b").get("c:d")
            assert entry is not None
            assert (await client.get("/v1/memory/notes/a%2Fb/c:d")).json() == 2
            assert (await client.request("PATCH", path)).headers["allow"] == "DELETE, GET, HEAD, PUT"
            listed = (await client.get(f"{root}/storage/v1/memory/notes/")).json()["items"]
            assert [item["namespace"] for item in listed] == [["a/b"]]


@asynchronous
async def test_a_proxy_may_cut_the_prefix_or_leave_it() -> None:
    async with service() as it:
        await it.client.put("/v1/memory/notes/a", content="1")
        for path in (b"/v1/memory/notes/a", b"/api/v1/memory/notes/a"):
            answer = await call(it.app, "GET", path, bearer(TOKEN), root="/api")
            assert (answer.status, answer.body) == (200, b"1")


@asynchronous
async def test_dependencies_of_the_application_hold_for_these_routes() -> None:
    def invited(x_invitation: Annotated[str, Header()] = "") -> None:
        if x_invitation != "yes":
            raise HTTPException(418)

    async with reference_storage() as storage:
        app = FastAPI(dependencies=[Depends(invited)])
        include_storage_routes(app, storage, principals=VERIFY)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=bearer(TOKEN)) as client:
            assert (await client.put("/v1/memory/notes/a", content="1")).status_code == 418
            headers = {"X-Invitation": "yes"}
            assert (await client.put("/v1/memory/notes/a%2Fb", content="1", headers=headers)).status_code == 201
            assert (await client.get("/v1/memory/notes/a%2Fb", headers=headers)).json() == 1
            absent = await client.get("/v1/memory/notes/a", headers=headers)
            assert (absent.status_code, absent.headers["content-type"]) == (404, PROBLEM)
            put = await client.put("/v1/objects/files/a", content=b"x" * 100_000, headers=headers)
            assert put.status_code == 201
            part = await client.get("/v1/objects/files/a", headers={**headers, "Range": "bytes=0-1"})
            assert (part.status_code, part.content) == (206, b"xx")


@asynchronous
async def test_the_same_paths_can_be_spelt_in_one_way_only() -> None:
    async with service() as it:
        await it.client.put("/v1/memory/notes/a", content="1")
        for path in (b"/v1%2Fmemory/notes/a", b"/V1/memory/notes/a", b"//v1/memory/notes/a", b"/v1/memory%2Fnotes/a"):
            assert (await it.raw("GET", path)).status == 404
        for path in (b"/v1/memory/notes//a", b"/v1/memory//a", b"/v1/memory/", b"/v1/memory//"):
            assert (await it.raw("GET", path)).status == 400
        assert (await it.raw("POST", b"/v1/memory%3Abatch")).status == 404


@asynchronous
async def test_a_request_is_known_by_an_id() -> None:
    async with service() as it:
        given = await it.client.get("/healthz", headers={"X-Request-Id": "a1b2c3d4-e5f6"})
        assert given.headers["x-request-id"] == "a1b2c3d4-e5f6"
        for unfit in ("", "short", "has space here", "x" * 65, "semi;colon;id"):
            made: Any = await it.client.get("/healthz", headers={"X-Request-Id": unfit})
            assert made.headers["x-request-id"] != unfit
            assert len(made.headers["x-request-id"]) == 16
