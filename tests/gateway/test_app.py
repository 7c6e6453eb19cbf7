from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import Depends
from fastapi.exceptions import RequestValidationError

from tests.gateway.service import PROBLEM, TOKEN, asynchronous, bearer, call, service, settings_of
from unison_storage import Storage
from unison_storage.clock import SystemClock
from unison_storage.errors import GuardViolation, InvalidConfig
from unison_storage.profiles import Profile
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.testing import reference_storage
from unison_storage_gateway import create_app

CANARY = "canary-91c0"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", f"/{CANARY}", 404),
        ("GET", "/v1", 404),
        ("GET", f"/v1/vault/notes/{CANARY}", 404),
        ("GET", "/v1/graph", 404),
        ("POST", "/v1/graph:query", 404),
        ("PUT", "/healthz", 405),
        ("PATCH", f"/v1/memory/notes/{CANARY}", 405),
        ("POST", "/openapi.json", 405),
        (CANARY.upper(), "/v1/memory/notes/a", 405),
    ],
)
@asynchronous
async def test_what_no_route_takes_is_a_problem(method: str, path: str, status: int) -> None:
    async with service() as it:
        answer = await it.client.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
        assert answer.json()["status"] == status
        assert CANARY not in answer.text.lower()
        assert (status == 405) == ("allow" in answer.headers)


@asynchronous
async def test_validation_errors_quote_nothing() -> None:
    async with service() as it:

        @it.app.get("/validated")
        async def validated(number: int) -> int:
            return number

        def refuse() -> None:
            raise RequestValidationError([{"loc": ("query",), "input": CANARY, "msg": CANARY, "type": "x"}])

        @it.app.get("/refused", dependencies=[Depends(refuse)])
        async def refused() -> None: ...

        for path in (f"/validated?number={CANARY}", "/refused"):
            answer = await it.client.get(path)
            assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM)
            assert CANARY not in answer.text


class Buggy(ReferenceMemory):
    async def get_many(self, *_: Any, **__: Any) -> Any:
        raise ZeroDivisionError(CANARY)


@asynchronous
async def test_an_unexpected_error_is_told_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async with service(memory=Buggy) as it:
        answer = await it.client.get("/v1/memory/notes/a")
        assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal-error")
        assert CANARY not in answer.text
        assert CANARY not in caplog.text


@asynchronous
async def test_an_unexpected_error_outside_of_our_routes_is_told_to_nobody_either() -> None:
    async with service() as it:

        @it.app.get("/broken")
        async def broken() -> None:
            raise ZeroDivisionError(CANARY)

        transport = httpx.ASGITransport(it.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answer = await client.get("/broken")
        assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal-error")
        assert CANARY not in answer.text


def test_what_is_not_safe_does_not_start() -> None:
    with pytest.raises(InvalidConfig):
        create_app(reference_storage(), settings_of(Profile.TEST))
    with pytest.raises(GuardViolation):
        create_app(reference_storage(), settings_of(Profile.STAGING, "t"))


@asynchronous
async def test_the_lifespan_opens_the_storage() -> None:
    app = create_app(reference_storage(), settings_of(Profile.TEST, TOKEN))
    assert (await call(app, "GET", b"/readyz", {})).status == 503
    async with app.router.lifespan_context(app):
        assert (await call(app, "GET", b"/readyz", {})).status == 200
        assert (await call(app, "GET", b"/v1/memory/notes/a", bearer(TOKEN))).status == 404


@asynchronous
async def test_a_kind_that_nothing_serves_is_a_problem_without_settings() -> None:
    storage = Storage(memory=ReferenceMemory(SystemClock()), profile="test")
    app = create_app(storage, settings_of(Profile.TEST, TOKEN))
    async with storage:
        answer = await call(app, "GET", b"/v1/objects/files/a", bearer(TOKEN))
        assert (answer.status, answer.json()["type"]) == (500, "/problems/invalid-config")
        assert "UNISON_STORAGE" not in answer.body.decode()
