from __future__ import annotations

import pytest

from tests.gateway.service import asynchronous, service


@asynchronous
async def test_a_person_is_erased_from_every_kind() -> None:
    async with service() as it:
        for keyspace, namespace, person in (
            ("personal", ("ann",), None),
            ("shared", (), "ann"),
            ("shared", ("x",), "bob"),
        ):
            await it.storage.memory.at(keyspace, *namespace, person=person).put("key", 1)
            await it.storage.objects.at(keyspace, *namespace, person=person).put("key", b"1")
        answer = await it.client.post("/v1/persons/ann:erase")
        assert answer.status_code == 200
        assert answer.json() == {
            "person": "ann",
            "complete": True,
            "kinds": {
                "memory": {"erased": 2, "pending": 0, "failed": False},
                "object": {"erased": 2, "pending": 0, "failed": False},
            },
        }
        assert (await it.client.get("/v1/memory/shared/x/key")).status_code == 200
        assert (await it.client.get("/v1/memory/shared/key")).status_code == 404


@pytest.mark.parametrize(
    "path", ["/v1/persons/not%20a%20person:erase", "/v1/persons/%FF:erase", "/v1/persons/ann:erase?dry=1"]
)
@asynchronous
async def test_what_is_no_person_is_refused(path: str) -> None:
    async with service() as it:
        assert (await it.client.post(path)).status_code == 400
