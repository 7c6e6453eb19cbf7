from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.gateway.service import asynchronous, service
from tests.gateway.test_graph import NAMES
from unison_storage.errors import Unavailable
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.values import Edge, Node
from unison_storage_gateway.batches import MAX_BYTES
from unison_storage_gateway.problems import MISSING

NODES, EDGES = "/v1/graph/nodes", "/v1/graph/edges"
ROUTES = [(path + action, path.rpartition("/")[2]) for path in (NODES, EDGES) for action in ("", ":get", ":delete")]


def node(id: str, label: str = "Device", **more: Any) -> dict[str, Any]:
    return {"label": label, "id": id, **more}


def edge(type: str, source: str, target: str, **more: Any) -> dict[str, Any]:
    return {"type": type, "source": node(source), "target": node(target), **more}


def statuses(answer: Any) -> list[int]:
    assert answer.status_code == 200
    results = answer.json()["results"]
    for result in results:
        assert (result["status"] < 400) == ("problem" not in result)
        assert result.get("problem", result)["status"] == result["status"]
    return [result["status"] for result in results]


def locs(answer: Any) -> list[Any]:
    return [
        error["loc"]
        for result in answer.json()["results"]
        if "problem" in result
        for error in result["problem"].get("errors", ())
    ]


@asynchronous
async def test_nodes_are_made_merged_read_and_removed_one_by_one() -> None:
    async with service() as it:
        written = await it.client.post(
            NODES,
            json={
                "nodes": [
                    node("d1", properties={"last_seen": 1}, person="ann"),
                    node("d1", properties={"confidence": 1}),
                    node("d2", "Devise"),
                    node("not an id"),
                    node("d3", properties={"last_seen": "canary"}),
                    node("d4", properties={"canary text": 1}),
                    node("d5", person="not a person"),
                    node("d1", person="bob"),
                    node("d6", properties={"tags": ["a"] * 1001}),
                    node("d7"),
                ]
            },
        )
        assert statuses(written) == [201, 200, 400, 400, 422, 400, 400, 400, 413, 201]
        assert "canary" not in written.text
        assert locs(written) == [["body", "nodes", number] for number in (2, 3, 5, 6, 7)]
        read = await it.client.post(
            NODES + ":get", json={"nodes": [node("d7"), node("d9"), node("d1"), node("d1"), node("-")]}
        )
        assert statuses(read) == [200, 404, 200, 200, 400]
        results = read.json()["results"]
        found = {"label": "Device", "id": "d1", "properties": {"last_seen": 1, "confidence": 1}, "person": "ann"}
        assert results[2] == results[3] == {"status": 200, **found}
        assert results[1]["problem"] == MISSING.shown()
        await it.storage.graph.upsert_edge(Edge("ABOUT", ("Device", "d1"), ("Device", "d7")))
        nodes = {"nodes": [node("d1"), node("d9"), node("d", "X")]}
        removed = await it.client.post(NODES + ":delete", json=nodes)
        assert statuses(removed) == [409, 204, 400]
        assert removed.json()["results"][0]["problem"]["type"] == "/problems/has-edges"
        assert statuses(await it.client.post(NODES + ":delete?detach=true", json=nodes)) == [204, 204, 400]
        assert (await it.storage.graph.stats()).nodes == {"Device": 1}


@asynchronous
async def test_edges_are_made_merged_read_and_removed_one_by_one() -> None:
    async with service() as it:
        await it.storage.graph.upsert_nodes([Node("Device", "a"), Node("Device", "b")])
        written = await it.client.post(
            EDGES,
            json={
                "edges": [
                    edge("OWNS", "a", "b", properties={"confidence": 1}, person="ann"),
                    edge("OWNS", "a", "b", properties={"confidence": None}),
                    edge("OWNS", "a", "b", key="second"),
                    edge("OWNS", "a", "absent"),
                    edge("OWNZ", "a", "b"),
                    edge("OWNS", "a", "b", key="no key"),
                    edge("OWNS", " ", "b"),
                    edge("OWNS", "a", "b", properties={"confidence": 2}),
                    edge("OWNS", "a", "b", person="bob"),
                    edge("ABOUT", "a", "a"),
                ]
            },
        )
        assert statuses(written) == [201, 200, 201, 404, 400, 400, 400, 422, 400, 201]
        assert locs(written) == [["body", "edges", number] for number in (4, 5, 6, 8)]
        given = [
            edge("OWNS", "a", "b"),
            edge("OWNS", "b", "a"),
            edge("owns", "a", "b"),
            edge("OWNS", "a", "b", key="x"),
        ]
        read = await it.client.post(EDGES + ":get", json={"edges": given})
        assert statuses(read) == [200, 404, 400, 404]
        assert read.json()["results"][0] == {
            "status": 200,
            "type": "OWNS",
            "source": node("a"),
            "target": node("b"),
            "key": "",
            "properties": {},
            "person": "ann",
        }
        # an edge as it was read names itself: nothing but type, ends and key counts
        shown = {name: value for name, value in read.json()["results"][0].items() if name != "status"}
        assert statuses(await it.client.post(EDGES + ":get", json={"edges": [shown]})) == [200]
        removed = await it.client.post(EDGES + ":delete", json={"edges": [shown, *given]})
        assert statuses(removed) == [204, 204, 204, 400, 204]
        assert (await it.storage.graph.stats()).edges == {"OWNS": 1, "ABOUT": 1}


@asynchronous
async def test_several_writes_to_one_node_take_effect_in_order() -> None:
    async with service() as it:
        nodes = [node("d", properties={"last_seen": number}) for number in range(50)]
        assert statuses(await it.client.post(NODES, json={"nodes": nodes})) == [201] + [200] * 49
        found = await it.storage.graph.get_node(("Device", "d"))
        assert found is not None
        assert found.properties == {"last_seen": 49}


@pytest.mark.parametrize("name", NAMES)
@asynchronous
async def test_names_that_the_model_lacks_fail_their_item_alone(name: str) -> None:
    async with service() as it:
        await it.storage.graph.upsert_node(Node("Device", "a"))
        nodes = [node("b", name), node("c", properties={name: 1}), node("a")]
        assert statuses(await it.client.post(NODES, json={"nodes": nodes})) == [400, 400, 200]
        for action in (":get", ":delete"):
            answer = await it.client.post(NODES + action, json={"nodes": [node("b", name), node("x")]})
            assert statuses(answer) == [400, 404 if action == ":get" else 204]
        foreign = {"source": node("a", name), "target": node("a")}
        edges = [edge(name, "a", "a"), {**edge("OWNS", "a", "a"), **foreign}, edge("OWNS", "a", "a")]
        assert statuses(await it.client.post(EDGES, json={"edges": edges})) == [400, 400, 201]
        assert statuses(await it.client.post(EDGES + ":get", json={"edges": edges})) == [400, 400, 200]
        assert statuses(await it.client.post(EDGES + ":delete", json={"edges": edges})) == [400, 400, 204]


@pytest.mark.parametrize(("path", "name"), ROUTES)
@asynchronous
async def test_a_malformed_batch_is_refused_as_a_whole_and_not_quoted(path: str, name: str) -> None:
    good = node("a") if name == "nodes" else edge("OWNS", "a", "b")
    cases: list[tuple[Any, list[Any]]] = [
        ([], ["body"]),
        ({}, ["body"]),
        ({"canary": []}, ["body"]),
        ({name: [good], "canary": 1}, ["body"]),
        ({name: {}}, ["body", name]),
        ({name: [good, "canary"]}, ["body", name, 1]),
        ({name: [{}]}, ["body", name, 0]),
        ({name: [{**good, "canary": 1}]}, ["body", name, 0]),
        ({name: [{**good, "properties": ["canary"]}]}, ["body", name, 0, "properties"]),
        ({name: [{**good, "person": ["canary"]}]}, ["body", name, 0, "person"]),
    ]
    if name == "nodes":
        cases.append(({name: [{**good, "id": 5}]}, ["body", name, 0, "id"]))
    else:
        cases += [
            ({name: [{**good, "source": ["Device", "canary"]}]}, ["body", name, 0, "source"]),
            ({name: [{**good, "target": {"label": "Device"}}]}, ["body", name, 0, "target"]),
            ({name: [{**good, "key": None}]}, ["body", name, 0, "key"]),
        ]
    async with service() as it:
        for body, loc in cases:
            answer = await it.client.post(path, json=body)
            assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (400, loc)
            assert "canary" not in answer.text
        for content in (b"{", b"\xff", b"[" * 100_000):
            assert (await it.client.post(path, content=content)).status_code == 400
        for query in ("limit=1", "detach=true&detach=true", "space=.."):
            assert (await it.client.post(f"{path}?{query}", json={name: []})).status_code == 400


@pytest.mark.parametrize(("path", "name"), ROUTES)
@asynchronous
async def test_batches_are_bounded(path: str, name: str) -> None:
    one = node("a") if name == "nodes" else edge("OWNS", "a", "a")
    async with service() as it:
        assert (await it.client.post(path, json={name: []})).json() == {"results": []}
        assert len((await it.client.post(path, json={name: [one] * 1000})).json()["results"]) == 1000
        assert (await it.client.post(path, json={name: [one] * 1001})).status_code == 413
        assert (await it.client.post(path, content=b" " * (MAX_BYTES + 1))).status_code == 413


@asynchronous
async def test_a_huge_value_fails_its_item_alone() -> None:
    async with service() as it:
        nodes = [node("a", properties={"status": "x" * 10_000_000}), node("b")]
        answer = await it.client.post(NODES, json={"nodes": nodes})
        assert statuses(answer) == [422, 201]
        assert len(answer.content) < 1000


class Failing(ReferenceGraph):
    async def upsert_nodes(self, nodes: Sequence[Node]) -> Any:
        return [Unavailable("no route to graph.internal", outcome_unknown=True) for _ in nodes[:1]] + list(
            await super().upsert_nodes(nodes[1:])
        )

    async def get_nodes(self, refs: Any) -> Any:
        raise Unavailable("no route to graph.internal")


@asynchronous
async def test_an_error_of_the_backend_fails_its_item_and_its_text_stays_inside() -> None:
    async with service(graph=Failing) as it:
        nodes = {"nodes": [node("-"), node("a"), node("b")]}
        written = await it.client.post(NODES, json=nodes)
        assert statuses(written) == [400, 503, 201]
        assert written.json()["results"][1]["problem"]["outcome_unknown"] is True
        read = await it.client.post(NODES + ":get", json=nodes)
        assert statuses(read) == [400, 503, 503]
        assert "internal" not in written.text + read.text
