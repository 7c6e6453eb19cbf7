from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.gateway.service import PROBLEM, asynchronous, service
from unison_storage.values import Edge, Node
from unison_storage_gateway.graph_requests import MAX_BYTES

PATH = "/v1/graph/nodes/Device/d1"
NAMES = [
    *(
        "`",
        "Device`",
        "Device`) DETACH DELETE n //",
        "\\u0060",
        "\uff40",
        "'",
        '"',
        "' OR 1=1 --",
        '"; DROP TABLE nodes',
    ),
    *("(n)", "Device:Person", "$label", "", "match", "MATCH", "null", "id", "__class__", "device", "DEVICE", " Device"),
    *("Devic\u0435", "Device\u200b", "D" * 65, "\u202eDevice"),
]
"""What is no label, no type and no property of the model: attempts at injection, reserved words, look-alikes."""


@asynchronous
async def test_a_node_is_made_merged_read_and_removed() -> None:
    async with service() as it:
        made = await it.client.put(PATH, json={"properties": {"last_seen": 1, "tags": ["a", "b"]}, "person": "ann"})
        assert (made.status_code, made.json()) == (201, {"created": True})
        merged = await it.client.put(PATH, json={"properties": {"last_seen": None, "confidence": 0.5}})
        assert (merged.status_code, merged.json()) == (200, {"created": False})
        read = await it.client.get(PATH)
        assert (read.status_code, read.headers["content-type"]) == (200, "application/json")
        assert read.json() == {
            "label": "Device",
            "id": "d1",
            "properties": {"tags": ["a", "b"], "confidence": 0.5},
            "person": "ann",
        }
        assert "etag" not in read.headers
        head = await it.client.head(PATH)
        assert (head.status_code, head.content) == (200, b"")
        for _ in range(2):
            gone = await it.client.delete(PATH)
            assert (gone.status_code, gone.content) == (204, b"")
        absent = await it.client.get(PATH)
        assert (absent.status_code, absent.headers["content-type"]) == (404, PROBLEM)


@asynchronous
async def test_a_node_needs_no_body() -> None:
    async with service() as it:
        for body in (b"", b"{}", b'{"properties":{},"person":null}'):
            assert (await it.client.put(PATH, content=body)).status_code in (201, 200)
        assert await it.storage.graph.get_node(("Device", "d1")) == Node("Device", "d1")


@asynchronous
async def test_a_node_with_edges_is_kept_unless_they_are_dropped_too() -> None:
    async with service() as it:
        await it.storage.graph.upsert_nodes([Node("Person", "p"), Node("Device", "d1")])
        await it.storage.graph.upsert_edge(Edge("OWNS", ("Person", "p"), ("Device", "d1")))
        for query in ("", "?detach=false"):
            kept = await it.client.delete(PATH + query)
            assert (kept.status_code, kept.json()["type"]) == (409, "/problems/has-edges")
        assert (await it.client.delete(PATH + "?detach=yes")).status_code == 400
        assert (await it.client.delete(PATH + "?detach=true")).status_code == 204
        assert (await it.client.get("/v1/graph:stats")).json() == {"nodes": {"Person": 1}, "edges": {}}


@pytest.mark.parametrize("name", NAMES)
@asynchronous
async def test_a_label_that_the_model_lacks_is_refused(name: str) -> None:
    async with service() as it:
        for method in ("PUT", "GET", "DELETE"):
            answer = await it.client.request(method, f"/v1/graph/nodes/{quote(name, safe='')}/d1")
            assert answer.status_code == (400 if name else 404)
            if name:
                assert answer.json()["errors"][0]["loc"] == ["path"]
        assert (await it.storage.graph.stats()).nodes == {}


@pytest.mark.parametrize("name", NAMES)
@asynchronous
async def test_a_property_that_the_model_lacks_is_refused(name: str) -> None:
    async with service() as it:
        answer = await it.client.put(PATH, json={"properties": {"confidence": 1, name: 1}})
        assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (400, ["body"])
        assert (await it.client.get(PATH)).status_code == 404


@pytest.mark.parametrize(
    "id",
    [
        *(
            "`",
            "'",
            '"',
            "a'",
            "\\",
            "a b",
            "a\u001fb",
            "\u001f",
            "%",
            "a%",
            "*",
            "?",
            "$id",
            "\u00e9",
            "-a",
            ".",
            "..",
        ),
        *("/a", ":a", "_a", "a" * 129, "a\n", "a\u0000"),
    ],
)
@asynchronous
async def test_what_is_no_id_is_refused(id: str) -> None:
    async with service() as it:
        for method in ("PUT", "GET", "DELETE"):
            answer = await it.raw(method, f"/v1/graph/nodes/Device/{quote(id, safe='')}".encode())
            assert (answer.status, answer.json()["type"]) == (400, "/problems/invalid-key")
            assert answer.json()["errors"][0]["loc"] == ["path"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/graph/nodes/Device/%FF", 400),
        ("/v1/graph/nodes/%ZZ/d", 400),
        ("/v1/graph/nodes/Device/", 404),
        ("/v1/graph/nodes/Device", 404),
        ("/v1/graph/nodes/Device/a/b", 404),
        ("/v1/graph/nodes/", 404),
        ("/v1/graph/edges", 405),
        ("/v1/graph/nodes", 405),
        ("/v1/graph/", 405),
        ("/v1/graph:clear", 404),
    ],
)
@asynchronous
async def test_paths_that_name_no_node(path: str, status: int) -> None:
    async with service() as it:
        answer = await it.client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)


@asynchronous
async def test_an_encoded_slash_and_colon_are_part_of_an_id() -> None:
    async with service() as it:
        for spelt, id in (("a%2Fneighbors", "a/neighbors"), ("a:stats", "a:stats"), ("%61%3Ab", "a:b")):
            assert (await it.client.put(f"/v1/graph/nodes/%44evice/{spelt}")).status_code == 201
            assert await it.storage.graph.get_node(("Device", id)) is not None


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ({"last_seen": {"nested": 1}}, 400),
        ({"tags": [["a"]]}, 400),
        ({"tags": ["a", 1]}, 422),
        ({"tags": "a"}, 400),
        ({"tags": [None]}, 400),
        ({"tags": ["a"] * 1001}, 413),
        ({"last_seen": [1]}, 400),
        ({"last_seen": "canary-text"}, 422),
        ({"last_seen": True}, 422),
        ({"last_seen": -1}, 422),
        ({"confidence": 2}, 422),
        ({"status": "Canary Text"}, 422),
        ({"person_id": "canary text"}, 422),
        ({"person_id": "a\u0000"}, 422),
        ({"last_seen": 10**400}, 422),
    ],
)
@asynchronous
async def test_values_that_no_property_takes(value: dict[str, Any], status: int) -> None:
    async with service() as it:
        answer = await it.client.put(PATH, json={"properties": value})
        assert answer.status_code == status
        assert "canary" not in answer.text.lower()
        if status == 422:
            assert answer.json()["type"] == "/problems/classification-violation"
            assert next(iter(value)) in answer.json()["detail"]
            assert "errors" not in answer.json()
        assert (await it.client.get(PATH)).status_code == 404


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        (b"{", ["body"]),
        (b"[]", ["body"]),
        (b"null", ["body"]),
        (b'"canary"', ["body"]),
        (b'{"canary":1}', ["body"]),
        (b'{"label":"Device"}', ["body"]),
        (b'{"properties":[]}', ["body", "properties"]),
        (b'{"properties":null}', ["body", "properties"]),
        (b'{"person":1}', ["body", "person"]),
        (b'{"person":"not a person"}', ["body"]),
        (b'{"properties":{"last_seen":NaN}}', ["body"]),
        (b'{"properties":{"last_seen":1e999}}', ["body", "properties"]),
        (b'{"properties":{"status":"\\ud800"}}', ["body"]),
        (b'{"properties":{"status":' + b"[" * 100_000, ["body"]),
        (b"\xff", ["body"]),
    ],
)
@asynchronous
async def test_bodies_that_say_nothing_of_a_node(body: bytes, loc: list[Any]) -> None:
    async with service() as it:
        answer = await it.client.put(PATH, content=body)
        assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (400, loc)
        assert "canary" not in answer.text


@asynchronous
async def test_a_body_over_the_limit_is_refused() -> None:
    async with service() as it:
        large = b'{"properties":{"status":"' + b"x" * 10_000_000 + b'"}}'
        assert (await it.client.put(PATH, content=large)).status_code == 413
        assert (await it.client.put(PATH, content=b" " * (MAX_BYTES - 2) + b"{}")).status_code == 201


@asynchronous
async def test_an_unknown_parameter_is_refused_everywhere() -> None:
    async with service() as it:
        for method, path in (
            ("PUT", PATH),
            ("GET", PATH),
            ("DELETE", PATH),
            ("GET", "/v1/graph:stats"),
            ("DELETE", "/v1/graph/"),
        ):
            for query in ("person=ann", "Space=a", "detach=true&detach=true", "space=%FF"):
                answer = await it.client.request(method, f"{path}?{query}")
                assert (answer.status_code, answer.json()["errors"][0]["loc"][0]) == (400, "query")


@asynchronous
async def test_clearing_a_space_must_be_meant() -> None:
    async with service() as it:
        for space in ((), ("a",), ("a", "b")):
            graph = it.storage.graph.at(*space)
            await graph.upsert_nodes([Node("Person", "p"), Node("Device", "d")])
            await graph.upsert_edge(Edge("OWNS", ("Person", "p"), ("Device", "d")))
        for query in ("", "?recursive=false", "?recursive", "?space=a"):
            assert (await it.client.delete(f"/v1/graph/{query}")).status_code == 400
        assert (await it.client.delete("/v1/graph/?recursive=true&space=a")).json() == {"deleted": 3}
        left = [(await it.storage.graph.at(*space).stats()).nodes for space in ((), ("a",), ("a", "b"))]
        assert left == [{"Person": 1, "Device": 1}, {}, {"Person": 1, "Device": 1}]


@asynchronous
async def test_there_is_no_way_to_send_a_query() -> None:
    async with service() as it:
        for path in ("/v1/graph:query", "/v1/graph/query", "/v1/graph/:query"):
            answer = await it.client.post(path, json={"text": "MATCH (n) RETURN n"})
            assert answer.status_code == 404
