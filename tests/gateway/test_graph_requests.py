from __future__ import annotations

from typing import Any

import pytest

from tests.gateway.service import asynchronous, service
from unison_storage.values import Edge, Node

PATH = "/v1/graph/nodes/Device/d1"
ANN = {"X-Unison-Person": "ann"}


@asynchronous
async def test_spaces_are_apart() -> None:
    async with service() as it:
        spaces = ["", "?space=a", "?space=a&space=b", "?space=b&space=a", "?space=a%2Fb", "?space=ab"]
        for number, space in enumerate(spaces):
            answer = await it.client.put(PATH + space, json={"properties": {"last_seen": number}})
            assert answer.status_code == 201
        for number, space in enumerate(spaces):
            answer = await it.client.get(PATH + space)
            assert (answer.json()["id"], answer.json()["properties"]) == ("d1", {"last_seen": number})
        assert await it.storage.graph.at("a", "b").get_node(("Device", "d1")) is not None
        assert (await it.client.delete(PATH + "?space=a")).status_code == 204
        assert [(await it.client.get(PATH + space)).status_code for space in spaces] == [200, 404, 200, 200, 200, 200]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("&".join(["space=a"] * 16), 201),
        ("&".join(["space=a"] * 17), 400),
        ("&".join(["space=a"] * 40), 400),
        ("space=" + "a" * 255, 201),
        ("space=" + "a" * 256, 400),
        ("space=", 400),
        ("space", 400),
        ("space=..", 400),
        ("space=a%1Fb", 400),
        ("space=%00", 400),
        ("space=%60%27%22", 201),
        ("space=%F0%9F%98%80", 201),
        ("space=%ED%A0%80", 400),
    ],
)
@asynchronous
async def test_a_space_has_at_most_sixteen_segments_of_the_grammar(query: str, status: int) -> None:
    async with service() as it:
        answer = await it.client.put(f"{PATH}?{query}")
        assert answer.status_code == status
        if status == 400:
            assert answer.json()["errors"][0]["loc"][0] == "query"
        else:
            assert (await it.client.get(f"{PATH}?{query}")).json()["id"] == "d1"


@asynchronous
async def test_every_request_takes_a_space() -> None:
    async with service() as it:
        graph = it.storage.graph.at("a", "b")
        await graph.upsert_nodes([Node("Person", "p"), Node("Device", "d1")])
        await graph.upsert_edge(Edge("OWNS", ("Person", "p"), ("Device", "d1")))
        person, device = {"label": "Person", "id": "p"}, {"label": "Device", "id": "d1"}
        edge = {"type": "OWNS", "source": person, "target": device}
        requests: list[tuple[str, str, Any]] = [
            ("GET", PATH, None),
            ("GET", "/v1/graph:stats", None),
            ("GET", "/v1/graph/nodes/Person/p/neighbors", None),
            ("POST", "/v1/graph:traverse", {"starts": [person]}),
            ("POST", "/v1/graph:path", {"source": person, "target": device}),
            ("POST", "/v1/graph:find", {"label": "Device"}),
            ("POST", "/v1/graph/nodes:get", {"nodes": [device]}),
            ("POST", "/v1/graph/edges:get", {"edges": [edge]}),
        ]
        for method, path, body in requests:
            answers = {}
            for space in ("?space=a&space=b", "?space=a", ""):
                answers[space] = await it.client.request(method, path + space, json=body)
                assert answers[space].status_code in (200, 404)
            assert answers["?space=a"].content == answers[""].content != answers["?space=a&space=b"].content
            assert "d1" in answers["?space=a&space=b"].text or path.endswith(":stats")
            assert "\\u001f" not in answers["?space=a&space=b"].text
        for path, body, status in (
            ("/v1/graph/edges", {"edges": [edge]}, 200),
            ("/v1/graph/nodes", {"nodes": [device]}, 200),
            ("/v1/graph/edges:delete", {"edges": [edge]}, 204),
            ("/v1/graph/nodes:delete", {"nodes": [device]}, 204),
        ):
            answer = await it.client.post(path + "?space=a&space=b", json=body)
            assert answer.json()["results"] == [{"status": status}]
        assert (await graph.stats()).nodes == {"Person": 1}


@asynchronous
async def test_the_header_names_whose_is_what_is_written() -> None:
    async with service() as it:
        await it.client.put(PATH, headers=ANN)
        nodes = [{"label": "Device", "id": "d2"}, {"label": "Device", "id": "d3", "person": "ann"}]
        await it.client.post("/v1/graph/nodes", json={"nodes": nodes}, headers=ANN)
        edge = {"type": "ABOUT", "source": nodes[0], "target": {"label": "Device", "id": "d3"}}
        edge["source"] = {"label": "Device", "id": "d2"}
        await it.client.post("/v1/graph/edges", json={"edges": [edge]}, headers=ANN)
        assert await it.storage.graph.owned("ann") == 4
        # who names nobody keeps the stored person
        assert (await it.client.put(PATH)).status_code == 200
        assert (await it.client.get(PATH, headers={"X-Unison-Person": "bob"})).json()["person"] == "ann"
        other = await it.client.put(PATH, headers={"X-Unison-Person": "bob"})
        assert (other.status_code, other.json()["type"]) == (400, "/problems/invalid-value")


@asynchronous
async def test_a_body_names_nobody_else_than_the_header() -> None:
    async with service() as it:
        single = await it.client.put(PATH, json={"person": "bob"}, headers=ANN)
        assert (single.status_code, single.json()["errors"][0]["loc"]) == (400, ["body", "person"])
        nodes = [
            {"label": "Device", "id": "d1"},
            {"label": "Device", "id": "d2", "person": "bob"},
            {"label": "Device", "id": "d3", "person": "ann"},
        ]
        many = await it.client.post("/v1/graph/nodes", json={"nodes": nodes}, headers=ANN)
        results = many.json()["results"]
        assert [one["status"] for one in results] == [201, 400, 201]
        assert results[1]["problem"]["errors"][0]["loc"] == ["body", "nodes", 1, "person"]
        ends = {"source": {"label": "Device", "id": "d1"}, "target": {"label": "Device", "id": "d3"}}
        edges = [{"type": "ABOUT", **ends, "person": "bob"}, {"type": "OWNS", **ends}]
        many = await it.client.post("/v1/graph/edges", json={"edges": edges}, headers=ANN)
        assert [one["status"] for one in many.json()["results"]] == [400, 201]
        assert await it.storage.graph.owned("bob") == 0


@pytest.mark.parametrize("person", ["", "not a person", "ann, bob", "a" * 129])
@asynchronous
async def test_a_header_that_names_no_person_is_refused(person: str) -> None:
    async with service() as it:
        for method, path in (("PUT", PATH), ("GET", PATH), ("GET", "/v1/graph:stats"), ("POST", "/v1/graph:traverse")):
            answer = await it.client.request(method, path, headers={"X-Unison-Person": person})
            assert answer.status_code == 400
            assert answer.json()["errors"][0]["loc"] == ["header", "x-unison-person"]
