from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest

from tests.gateway.service import Service, asynchronous, service
from tests.gateway.test_graph import NAMES
from unison_storage.values import Edge, Node

NEIGHBORS = "/v1/graph/nodes/Person/p/neighbors"
TRAVERSE, PATH, FIND = "/v1/graph:traverse", "/v1/graph:path", "/v1/graph:find"
PERSON = {"label": "Person", "id": "p"}
ABSENT = {"label": "Person", "id": "absent"}


async def fill(it: Service) -> None:
    """Ann owns three devices and handles one of them; the devices make a ring, and one has a skill."""
    devices = [Node("Device", f"d{number}", {"status": "on", "last_seen": number}) for number in range(3)]
    await it.storage.graph.upsert_nodes([Node("Person", "p", person="ann"), *devices, Node("Skill", "s")])
    person, skill = ("Person", "p"), ("Skill", "s")
    edges = [Edge("OWNS", person, device.ref) for device in devices]
    ring = [Edge("ABOUT", devices[number].ref, devices[(number + 1) % 3].ref) for number in range(3)]
    more = [Edge("HANDLES", person, devices[0].ref, "k"), Edge("HAS_RESOURCE", devices[2].ref, skill)]
    await it.storage.graph.upsert_edges([*edges, *ring, *more])


def refs(answer: Any) -> list[tuple[str, str]]:
    return [(item["edge"]["type"], item["node"]["id"]) for item in answer.json()["items"]]


@asynchronous
async def test_neighbours() -> None:
    async with service() as it:
        await fill(it)
        every = await it.client.get(NEIGHBORS)
        assert refs(every) == [("HANDLES", "d0"), ("OWNS", "d0"), ("OWNS", "d1"), ("OWNS", "d2")]
        assert every.json()["cursor"] is None
        assert every.json()["items"][0] == {
            "node": {"label": "Device", "id": "d0", "properties": {"status": "on", "last_seen": 0}, "person": None},
            "edge": {
                "type": "HANDLES",
                "source": PERSON,
                "target": {"label": "Device", "id": "d0"},
                "key": "k",
                "properties": {},
                "person": None,
            },
        }
        for query, found in (
            ("types=OWNS", 3),
            ("types=OWNS,HANDLES", 4),
            ("types=HANDLES,HANDLES", 1),
            ("labels=Device", 4),
            ("labels=Skill,Person", 0),
            ("direction=in", 0),
            ("direction=both&types=ABOUT", 0),
            ("direction=out", 4),
        ):
            assert len((await it.client.get(f"{NEIGHBORS}?{query}")).json()["items"]) == found
        absent = await it.client.get("/v1/graph/nodes/Person/absent/neighbors")
        assert (absent.status_code, absent.json()) == (200, {"items": [], "cursor": None})


@asynchronous
async def test_neighbours_come_page_by_page() -> None:
    async with service() as it:
        await fill(it)
        found, cursor = [], None
        while True:
            page = await it.client.get(NEIGHBORS, params={"limit": 1} | ({"cursor": cursor} if cursor else {}))
            found += refs(page)
            cursor = page.json()["cursor"]
            if cursor is None:
                break
        assert found == refs(await it.client.get(NEIGHBORS))


@pytest.mark.parametrize(
    ("query", "loc"),
    [
        ("direction=up", "direction"),
        ("direction=", "direction"),
        ("direction=OUT", "direction"),
        ("direction=out&direction=in", "direction"),
        ("types=", "types"),
        ("types=OWNS,", "types"),
        ("types=OWNS, HANDLES", "types"),
        ("types=OWNS%00", "types"),
        ("types=Device", "types"),
        ("labels=", "labels"),
        ("labels=OWNS", "labels"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("cursor=", "cursor"),
        ("cursor=%21", "cursor"),
        ("cursor=AAAA", "cursor"),
        ("depth=1", None),
    ],
)
@asynchronous
async def test_questions_for_neighbours_that_make_no_sense(query: str, loc: str | None) -> None:
    async with service() as it:
        answer = await it.client.get(f"{NEIGHBORS}?{query}")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["loc"] == ["query", *([loc] if loc else [])]


@asynchronous
async def test_a_cursor_goes_on_in_its_own_listing_alone() -> None:
    async with service() as it:
        await fill(it)
        cursor = (await it.client.get(f"{NEIGHBORS}?limit=1")).json()["cursor"]
        for path, more in (
            (NEIGHBORS, {"types": "OWNS"}),
            (NEIGHBORS, {"direction": "both"}),
            (NEIGHBORS, {"labels": "Device"}),
            (NEIGHBORS, {"space": "a"}),
            ("/v1/graph/nodes/Person/other/neighbors", {}),
        ):
            answer = await it.client.get(path, params={"cursor": cursor, **more})
            assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-cursor")
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        for position in ("Z", "\x1f" * 4, "OWNS\x1fDevice\x1fd0\x1f\x1fout\x1fmore", "'\x1f`\x1f\"\x1f;\x1f) RETURN n"):
            forged = urlsafe_b64encode(raw[:9] + position.encode()).decode().rstrip("=")
            answer = await it.client.get(NEIGHBORS, params={"cursor": forged})
            assert answer.status_code in (200, 400)  # it moves the start, or is none
            assert "RETURN" not in answer.text
        found = (await it.client.post(FIND, json={"label": "Device", "limit": 1})).json()["cursor"]
        for body in ({"label": "Skill"}, {"label": "Device", "where": {"status": "on"}}):
            answer = await it.client.post(FIND, json={**body, "cursor": found})
            assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (400, ["body", "cursor"])
        assert (await it.client.post(FIND, json={"label": "Device", "cursor": cursor})).status_code == 400


@asynchronous
async def test_a_traversal() -> None:
    async with service() as it:
        await fill(it)
        answer = await it.client.post(TRAVERSE, json={"starts": [PERSON]})
        walk = answer.json()
        assert [(one["depth"], one["id"]) for one in walk["nodes"]] == [(1, "d0"), (1, "d1"), (1, "d2"), (2, "s")]
        assert walk["cut"] is False
        assert walk["nodes"][0] == {
            "label": "Device",
            "id": "d0",
            "depth": 1,
            "properties": {"status": "on", "last_seen": 0},
            "person": None,
        }
        cut = (await it.client.post(TRAVERSE, json={"starts": [PERSON], "max_nodes": 2})).json()
        assert ([one["id"] for one in cut["nodes"]], cut["cut"]) == (["d0", "d1"], True)
        for more, ids in (
            ({"max_depth": 1}, ["d0", "d1", "d2"]),
            ({"types": ["OWNS"]}, ["d0", "d1", "d2"]),
            ({"types": ["HANDLES", "ABOUT"], "max_depth": 2}, ["d0", "d1"]),
            ({"types": []}, []),
            ({"types": None, "direction": "in"}, []),
            ({"starts": [PERSON, {"label": "Skill", "id": "s"}], "direction": "both"}, ["d0", "d1", "d2"]),
            ({"starts": [ABSENT]}, []),
        ):
            answer = await it.client.post(TRAVERSE, json={"starts": [PERSON], **more})
            assert [one["id"] for one in answer.json()["nodes"]] == ids


@asynchronous
async def test_a_shortest_path() -> None:
    async with service() as it:
        await fill(it)
        ends = {"source": PERSON, "target": {"label": "Skill", "id": "s"}}
        path = (await it.client.post(PATH, json=ends)).json()["path"]
        assert ([one["id"] for one in path["nodes"]], path["length"]) == (["p", "d2", "s"], 2)
        assert [one["type"] for one in path["edges"]] == ["OWNS", "HAS_RESOURCE"]
        assert path["edges"][0]["source"] == PERSON
        itself = (await it.client.post(PATH, json={"source": PERSON, "target": PERSON})).json()["path"]
        assert (len(itself["nodes"]), itself["edges"], itself["length"]) == (1, [], 0)
        for more in ({"max_depth": 1}, {"direction": "in"}, {"types": ["HANDLES"]}, {"source": ABSENT}):
            answer = await it.client.post(PATH, json={**ends, **more})
            assert (answer.status_code, answer.json()) == (200, {"path": None})


@asynchronous
async def test_finding_nodes() -> None:
    async with service() as it:
        await fill(it)
        for body, ids in (
            ({"label": "Device"}, ["d0", "d1", "d2"]),
            ({"label": "Device", "where": {"last_seen": 1}}, ["d1"]),
            ({"label": "Device", "where": {"last_seen": 1.0, "status": "on"}}, ["d1"]),
            ({"label": "Device", "where": {"status": "off"}}, []),
            ({"label": "Workspace"}, []),
        ):
            answer = await it.client.post(FIND, json=body)
            assert [one["id"] for one in answer.json()["items"]] == ids
            assert answer.json()["cursor"] is None
        first = (await it.client.post(FIND, json={"label": "Device", "limit": 2})).json()
        rest = (await it.client.post(FIND, json={"label": "Device", "cursor": first["cursor"]})).json()
        assert [one["id"] for one in first["items"] + rest["items"]] == ["d0", "d1", "d2"]
        assert first["items"][0] == {
            "label": "Device",
            "id": "d0",
            "properties": {"status": "on", "last_seen": 0},
            "person": None,
        }


BAD: list[tuple[str, dict[str, Any], list[Any], int]] = [
    (TRAVERSE, {"starts": []}, ["body"], 400),
    (TRAVERSE, {"starts": [PERSON, {"label": "X", "id": "p"}]}, ["body", "starts", 1], 400),
    (TRAVERSE, {"starts": [{"label": "Person", "id": "not an id"}]}, ["body", "starts", 0], 400),
    (TRAVERSE, {"starts": [["Person", "p"]]}, ["body", "starts", 0], 400),
    (TRAVERSE, {"starts": [PERSON] * 1001}, [], 413),
    (TRAVERSE, {"starts": [PERSON], "max_nodes": 0}, ["body"], 400),
    (TRAVERSE, {"starts": [PERSON], "max_nodes": 10**6}, ["body"], 400),
    (PATH, {"source": {"label": "Person", "id": "a b"}}, ["body", "source"], 400),
    (PATH, {"target": {"label": "`", "id": "p"}}, ["body", "target"], 400),
    (PATH, {"target": None}, ["body", "target"], 400),
    (FIND, {"where": {"tags": ["a"]}}, ["body"], 400),
    (FIND, {"where": {"tags": "a"}}, ["body"], 400),
    (FIND, {"where": {"status": None}}, ["body"], 400),
    (FIND, {"where": {"status": {"$ne": 1}}}, ["body"], 400),
    (FIND, {"where": {"status": "Canary Text"}}, [], 422),
    (FIND, {"where": []}, ["body", "where"], 400),
    (FIND, {"label": None}, ["body", "label"], 400),
    (FIND, {"limit": 0}, ["body"], 400),
    (FIND, {"limit": 1001}, ["body"], 400),
    (FIND, {"limit": "5"}, ["body", "limit"], 400),
    (FIND, {"cursor": ""}, ["body", "cursor"], 400),
    (FIND, {"cursor": "canary"}, ["body", "cursor"], 400),
    (FIND, {"cursor": 1}, ["body", "cursor"], 400),
    *(
        (path, {"max_depth": depth}, ["body"] if isinstance(depth, int) else ["body", "max_depth"], 400)
        for path in (TRAVERSE, PATH)
        for depth in (0, -1, 10**6, 10**30, "3", 1.5)
    ),
    *(
        (path, {"direction": direction}, ["body", "direction"], 400)
        for path in (TRAVERSE, PATH)
        for direction in ("up", "", "OUT", None, 1)
    ),
    *((path, {"types": [name]}, ["body"], 400) for path in (TRAVERSE, PATH) for name in NAMES),
    *((path, {"types": "OWNS"}, ["body", "types"], 400) for path in (TRAVERSE, PATH)),
    *((FIND, {"label": name}, ["body"], 400) for name in NAMES),
    *((FIND, {"where": {name: 1}}, ["body"], 400) for name in NAMES),
    *((path, {"canary": 1}, ["body"], 400) for path in (TRAVERSE, PATH, FIND)),
    *((path, {"query": "MATCH (n) RETURN n"}, ["body"], 400) for path in (TRAVERSE, PATH, FIND)),
]


@asynchronous
async def test_questions_that_make_no_sense() -> None:
    good: dict[str, dict[str, Any]] = {
        TRAVERSE: {"starts": [PERSON]},
        PATH: {"source": PERSON, "target": PERSON},
        FIND: {"label": "Device"},
    }
    async with service() as it:
        await fill(it)
        for path, more, loc, status in BAD:
            answer = await it.client.post(path, json={**good[path], **more})
            assert answer.status_code == status, (path, more)
            assert [error["loc"] for error in answer.json().get("errors", ())] == ([loc] if loc else []), (path, more)
            assert "canary" not in answer.text.lower()
            assert "RETURN" not in answer.text
        for path, body in good.items():
            for content in (b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000):
                assert (await it.client.post(path, content=content)).status_code == 400
            assert (await it.client.post(path, content=b'{"x":"' + b"y" * 10_000_000)).status_code == 413
            assert (await it.client.post(path + "?limit=1", json=body)).status_code == 400
