from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.service import asynchronous, bearer, service, tokens_file
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.values import Health
from unison_storage_gateway import health


class Ailing(ReferenceMemory):
    """Counts who asks, and answers as told."""

    ok = False
    asked = 0
    hangs = False

    async def health(self) -> Health:
        self.asked += 1
        await asyncio.sleep(0)
        if self.hangs:
            await asyncio.Event().wait()
        return Health(ok=self.ok, detail="no route to db.internal", seconds=0.0)


@asynchronous
async def test_liveness_touches_no_backend() -> None:
    async with service(memory=Ailing) as it:
        answer = await it.client.get("/healthz", headers={"Authorization": ""})
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert isinstance(it.memory, Ailing)
        assert it.memory.asked == 0
        assert (await it.client.head("/healthz")).status_code == 200


@asynchronous
async def test_readiness_names_what_fails_and_nothing_else() -> None:
    async with service(memory=Ailing) as it:
        assert isinstance(it.memory, Ailing)
        answer = await it.client.get("/readyz", headers={"Authorization": ""})
        assert (answer.status_code, answer.json()) == (503, {"ready": False, "failing": ["memory"]})
        it.memory.ok = True
        answer = await it.client.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"ready": True, "failing": []})


@asynchronous
async def test_who_asks_at_the_same_time_gets_one_answer() -> None:
    async with service(memory=Ailing) as it:
        answers = await asyncio.gather(*[it.client.get("/readyz") for _ in range(20)])
        assert {answer.status_code for answer in answers} == {503}
        assert isinstance(it.memory, Ailing)
        assert it.memory.asked < 5


@asynchronous
async def test_a_backend_that_hangs_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "READY_SECONDS", 0.01)
    async with service(memory=Ailing) as it:
        assert isinstance(it.memory, Ailing)
        it.memory.hangs = True
        answer = await it.client.get("/readyz")
        assert (answer.status_code, answer.json()["failing"]) == (503, ["timeout"])


@asynchronous
async def test_a_storage_that_is_closed_is_not_ready() -> None:
    async with service() as it:
        await it.storage.close()
        answer = await it.client.get("/readyz")
        assert (answer.status_code, answer.json()["failing"]) == (503, ["storage"])
        refused = await it.client.get("/v1/memory/notes/a")
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/closed")


@asynchronous
async def test_a_service_that_drains_is_not_ready_and_still_answers() -> None:
    async with service() as it:
        it.app.state.readiness.drain()
        answer = await it.client.get("/readyz")
        assert (answer.status_code, answer.json()["failing"]) == (503, ["draining"])
        assert (await it.client.put("/v1/memory/notes/a", content="1")).status_code == 201


@pytest.mark.parametrize(
    ("base_url", "token", "status"),
    [
        ("http://127.0.0.1", None, 200),
        ("http://[::1]", None, 200),
        ("http://10.0.0.1", None, 401),
        ("http://storage.internal", None, 401),
        ("http://10.0.0.1", "reader", 403),
        ("http://10.0.0.1", "monitor", 200),
    ],
)
def test_metrics_are_open_on_loopback_alone(tmp_path: Path, base_url: str, token: str | None, status: int) -> None:
    tokens = tokens_file(
        tmp_path,
        reader={"persons": "*", "permissions": ["memory:*"]},
        monitor={"persons": ["nobody"], "permissions": ["metrics:read"]},
    )

    @asynchronous
    async def check() -> None:
        async with service(tokens=tokens, base_url=base_url) as it:
            headers: Any = {"Authorization": ""} if token is None else bearer(token)
            assert (await it.client.get("/metrics", headers=headers)).status_code == status

    check()
