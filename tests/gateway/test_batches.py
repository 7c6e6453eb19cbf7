from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.gateway.service import asynchronous, bearer, service, tokens_file
from unison_storage.errors import Unavailable
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.values import MISSING
from unison_storage_gateway.batches import MAX_BYTES

BATCH = "/v1/memory:batch"


def put(key: str, value: Any = 1, **more: Any) -> dict[str, Any]:
    return {"op": "put", "keyspace": "notes", "key": key, "value": value, **more}


def get(key: str, **more: Any) -> dict[str, Any]:
    return {"op": "get", "keyspace": "notes", "key": key, **more}


def delete(key: str, **more: Any) -> dict[str, Any]:
    return {"op": "delete", "keyspace": "notes", "key": key, **more}


@asynchronous
async def test_each_operation_has_a_status_of_its_own_in_order() -> None:
    async with service() as it:
        tag = (await it.client.put("/v1/memory/notes/there", content='"old"')).headers["etag"]
        operations = [
            put("new", {"a": 1}, namespace=["x"], lifetime=60),
            put("there", "new", if_match='"other"'),
            get("absent"),
            get("there"),
            delete("absent"),
            delete("absent-too", if_match=tag),
            put("..", 1),
            {"op": "put", "keyspace": "notes", "key": "no value"},
            get("there", keyspace="Wrong"),
            put("forever", 1, lifetime="soon"),
            delete("kept", if_match="*"),
            put("taken", 1, if_none_match="*"),
            get("there", touch="keep"),
        ]
        answer = await it.client.post(BATCH, json={"operations": operations})
        assert answer.status_code == 200
        results = answer.json()["results"]
        assert [result["status"] for result in results] == [
            *(201, 412, 404, 200, 204, 412, 400, 400, 400, 400, 412, 201, 400)
        ]
        assert results[0]["expires_at"] == "2030-01-01T00:01:00.000000Z"
        assert (results[3]["value"], results[3]["version"]) == ("old", tag.strip('"'))
        for result in results:
            assert (result["status"] < 400) == ("problem" not in result)
            assert result.get("problem", result)["status"] == result["status"]
        places = {place: result["problem"].get("errors") for place, result in enumerate(results) if "problem" in result}
        for place, last in ((6, []), (7, ["value"]), (8, []), (9, ["lifetime"]), (12, ["lifetime"])):
            assert places[place][0]["loc"] == ["body", "operations", place, *last]
        assert (await it.client.get("/v1/memory/notes/x/new")).json() == {"a": 1}


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ([], ["body"]),
        ({}, ["body"]),
        ({"operations": {}}, ["body", "operations"]),
        ({"operations": [1]}, ["body", "operations", 0]),
        ({"operations": [get("a"), {"op": "canary", "keyspace": "n", "key": "k"}]}, ["body", "operations", 1, "op"]),
        ({"operations": [{"op": "get", "keyspace": "n"}]}, ["body", "operations", 0]),
        ({"operations": [get("a", canary=1)]}, ["body", "operations", 0]),
        ({"operations": [get("a", namespace="canary")]}, ["body", "operations", 0, "namespace"]),
        ({"operations": [get("a", touch={"canary": 1})]}, ["body", "operations", 0, "touch"]),
    ],
)
@asynchronous
async def test_a_malformed_batch_is_refused_as_a_whole_and_not_quoted(body: Any, loc: list[Any]) -> None:
    async with service() as it:
        answer = await it.client.post(BATCH, json=body)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["loc"] == loc
        assert "canary" not in answer.text


@asynchronous
async def test_batches_are_bounded() -> None:
    async with service() as it:
        full = await it.client.post(BATCH, json={"operations": [get("a")] * 1000})
        assert [result["status"] for result in full.json()["results"]] == [404] * 1000
        assert (await it.client.post(BATCH, json={"operations": [get("a")] * 1001})).status_code == 413
        assert (await it.client.post(BATCH, content=b" " * (MAX_BYTES + 1))).status_code == 413
        large = await it.client.post(BATCH, json={"operations": [put("a", "x" * it.memory.limits.value), put("b")]})
        assert [result["status"] for result in large.json()["results"]] == [413, 201]
        assert (await it.client.post(BATCH, json={"operations": []})).json() == {"results": []}


@asynchronous
async def test_a_value_may_be_as_deep_as_in_a_single_put() -> None:
    deep: Any = []
    for _ in range(63):
        deep = [deep]
    async with service() as it:
        assert (await it.client.put("/v1/memory/notes/a", json=deep)).status_code == 201
        answer = await it.client.post(BATCH, json={"operations": [put("b", deep), put("c", [deep])]})
        assert [result["status"] for result in answer.json()["results"]] == [201, 400]


class Together(ReferenceMemory):
    """Answers the first read when a second has come."""

    wanted = 2

    async def get_many(self, addresses: Any, touch: Any = MISSING) -> Any:
        self.arrived = getattr(self, "arrived", 0) + len(addresses)
        self.enough = getattr(self, "enough", None) or asyncio.Event()
        if self.arrived >= self.wanted:
            self.enough.set()
        await self.enough.wait()
        return await super().get_many(addresses, touch)


@asynchronous
async def test_operations_run_at_the_same_time() -> None:
    async with service(memory=Together) as it:
        operations = [get(str(number)) for number in range(50)]
        async with asyncio.timeout(10):
            answer = await it.client.post(BATCH, json={"operations": operations})
        assert len(answer.json()["results"]) == 50


class Failing(ReferenceMemory):
    async def put_many(self, puts: Any) -> Any:
        return [Unavailable("no route to db.internal") for _ in puts]


@asynchronous
async def test_an_error_of_the_backend_fails_its_operation_alone() -> None:
    async with service(memory=Failing) as it:
        answer = await it.client.post(BATCH, json={"operations": [put("a"), get("a")]})
        assert [result["status"] for result in answer.json()["results"]] == [503, 404]
        assert answer.json()["results"][0]["problem"]["retryable"] is True
        assert "db.internal" not in answer.text


def test_every_operation_is_authorised(tmp_path: Any) -> None:
    tokens = tokens_file(
        tmp_path,
        ann={"persons": ["ann"], "permissions": ["memory:*"]},
        reader={"persons": "*", "permissions": ["memory:read"]},
    )

    @asynchronous
    async def check() -> None:
        async with service(tokens=tokens) as it:
            operations = [
                {
                    "op": op,
                    "keyspace": "personal",
                    "namespace": [person],
                    "key": "k",
                    **({"value": 1} if op == "put" else {}),
                }
                for person in ("ann", "bob")
                for op in ("put", "get", "delete")
            ]
            operations.append(get("k"))
            statuses = {}
            for token in ("ann", "reader"):
                answer = await it.client.post(BATCH, json={"operations": operations}, headers=bearer(token))
                statuses[token] = [result["status"] for result in answer.json()["results"]]
            assert [statuses["ann"][0], *statuses["ann"][2:]] == [201, 204, 404, 404, 404, 403]
            assert statuses["reader"] == [403, 404, 403, 403, 404, 403, 404]
            touching = {"operations": [get("k", touch=5)]}
            answer = await it.client.post(BATCH, json=touching, headers=bearer("reader"))
            assert answer.json()["results"][0]["status"] == 403
            assert (await it.client.post(BATCH, json=touching, headers=bearer("nobody"))).status_code == 401

    check()
