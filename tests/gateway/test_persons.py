from __future__ import annotations

import pytest

from tests.gateway.service import asynchronous, service
from unison_storage.errors import Unavailable
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.values import Edge, Node


@asynchronous
async def test_a_person_is_counted_and_then_erased_from_every_kind() -> None:
    async with service() as it:
        await it.storage.cache.at("personal", "ann").set("key", 1)
        await it.storage.graph.at("a").upsert_nodes([Node("Person", "ann"), Node("Device", "d", person="bob")])
        await it.storage.graph.at("a").upsert_edge(Edge("OWNS", ("Person", "ann"), ("Device", "d")))
        for keyspace, namespace, person in (
            ("personal", ("ann",), None),
            ("shared", (), "ann"),
            ("shared", ("x",), "bob"),
        ):
            await it.storage.memory.at(keyspace, *namespace, person=person).put("key", 1)
            await it.storage.objects.at(keyspace, *namespace, person=person).put("key", b"1")
        kinds = {
            kind: {"erased": number, "pending": 0, "failed": False}
            for kind, number in {"memory": 2, "object": 2, "graph": 2, "cache": 1}.items()
        }
        for query, dry_run in (("?dry_run=true", True), ("?dry_run=false", False)):
            answer = await it.client.post(f"/v1/persons/ann:erase{query}")
            assert answer.status_code == 200
            assert answer.json() == {"person": "ann", "dry_run": dry_run, "complete": not dry_run, "kinds": kinds}
            counted = await it.client.get("/v1/graph:stats?space=a")
            assert counted.json() == (
                {"nodes": {"Person": 1, "Device": 1}, "edges": {"OWNS": 1}}
                if dry_run
                else {"nodes": {"Device": 1}, "edges": {}}
            )
        assert (await it.client.get("/v1/memory/shared/x/key")).status_code == 200
        assert (await it.client.get("/v1/memory/shared/key")).status_code == 404


@pytest.mark.parametrize(
    "path", ["/v1/persons/not%20a%20person:erase", "/v1/persons/%FF:erase", "/v1/persons/ann:erase?dry_run=1"]
)
@asynchronous
async def test_what_is_no_person_is_refused(path: str) -> None:
    async with service() as it:
        assert (await it.client.post(path)).status_code == 400


class Failing(ReferenceGraph):
    async def erase(self, person: str) -> int:
        raise Unavailable(f"no route to graph.internal for {person}")

    async def owned(self, person: str) -> int:
        return await self.erase(person)


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
@asynchronous
async def test_a_kind_that_fails_stops_no_other_and_its_text_stays_inside(query: str) -> None:
    async with service(graph=Failing) as it:
        await it.storage.memory.at("personal", "ann").put("key", 1)
        answer = await it.client.post(f"/v1/persons/ann:erase{query}")
        report = answer.json()
        assert (answer.status_code, report["complete"], report["dry_run"]) == (200, False, bool(query))
        assert report["kinds"]["graph"] == {"erased": 0, "pending": 0, "failed": True}
        assert report["kinds"]["memory"] == {"erased": 1, "pending": 0, "failed": False}
        assert "internal" not in answer.text
        assert "Unavailable" not in answer.text
