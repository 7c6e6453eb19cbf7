from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.service import asynchronous, bearer, service, tokens_file
from unison_storage.errors import Unavailable
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.values import GraphStats, Health, Node
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


def gauge(text: str, name: str) -> float:
    line = next(line for line in text.splitlines() if line.startswith(f"unison_storage_{name}{{"))
    return float(line.rpartition(" ")[2])


class Uncountable(ReferenceGraph):
    """Counts as told: not at all, never ending, or with an error that nobody expects."""

    trouble: Exception | None = None
    hangs = False

    async def stats(self, space: str | None) -> GraphStats:
        if self.hangs:
            await asyncio.Event().wait()
        if self.trouble is not None:
            raise self.trouble
        return await super().stats(space)


@asynchronous
async def test_the_graph_is_counted_when_metrics_are_read() -> None:
    async with service(base_url="http://127.0.0.1") as it:
        await it.storage.graph.at("a").upsert_nodes([Node("Device", "d1"), Node("Device", "d2")])
        assert gauge((await it.client.get("/metrics")).text, "graph_nodes") == 2
        await it.storage.graph.upsert_node(Node("Device", "d3"))
        assert gauge((await it.client.get("/metrics")).text, "graph_nodes") == 2
        it.clock.advance(60)
        assert gauge((await it.client.get("/metrics")).text, "graph_nodes") == 3


@pytest.mark.parametrize("trouble", [Unavailable("no route to graph.internal"), RuntimeError("canary"), None])
def test_metrics_are_told_though_counting_fails(
    trouble: Exception | None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(health, "MEASURE_SECONDS", 0.01)

    @asynchronous
    async def check() -> None:
        async with service(graph=Uncountable, base_url="http://127.0.0.1") as it:
            assert isinstance(it.graph, Uncountable)
            await it.storage.graph.upsert_node(Node("Device", "d1"))
            await it.client.get("/metrics")
            it.clock.advance(60)
            it.graph.trouble, it.graph.hangs = trouble, trouble is None
            answer = await it.client.get("/metrics")
            assert answer.status_code == 200
            assert gauge(answer.text, "graph_nodes") == 1
            assert "internal" not in answer.text

    check()
    failed = [record for record in caplog.records if record.getMessage() == "measure_failed"]
    assert len(failed) == 1
    assert not {"internal", "canary"} & set(str(vars(failed[0])).replace(".", " ").split())


@asynchronous
async def test_metrics_are_told_of_a_storage_that_is_closed() -> None:
    async with service(base_url="http://127.0.0.1") as it:
        await it.storage.close()
        assert (await it.client.get("/metrics")).status_code == 200
