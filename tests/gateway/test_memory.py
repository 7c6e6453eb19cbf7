from __future__ import annotations

import json
from typing import Any

import pytest

from tests.gateway.service import PROBLEM, asynchronous, service
from unison_storage import Keyspace

PATH = "/v1/memory/notes/a/b"
BOUNDED = Keyspace(name="bounded", lifetime=60, ceiling=3600)


@asynchronous
async def test_a_value_is_written_read_and_removed() -> None:
    async with service() as it:
        made = await it.client.put(PATH, json={"text": "hello"})
        assert made.status_code == 201
        stamp = made.json()
        assert stamp == {
            "version": stamp["version"],
            "created_at": "2030-01-01T00:00:00.000000Z",
            "updated_at": "2030-01-01T00:00:00.000000Z",
            "expires_at": None,
            "created": True,
        }
        assert made.headers["etag"] == f'"{stamp["version"]}"'
        assert "expires-at" not in made.headers
        it.clock.advance(1)
        replaced = await it.client.put(PATH, json=[1])
        assert (replaced.status_code, replaced.json()["created"]) == (200, False)
        read = await it.client.get(PATH)
        assert (read.status_code, read.json()) == (200, [1])
        assert read.headers["etag"] == replaced.headers["etag"] != made.headers["etag"]
        assert read.headers["content-type"] == "application/json"
        assert read.headers["x-content-type-options"] == "nosniff"
        head = await it.client.head(PATH)
        assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", read.headers["etag"])
        for _ in range(2):
            gone = await it.client.delete(PATH)
            assert (gone.status_code, gone.content) == (204, b"")
        absent = await it.client.get(PATH)
        assert (absent.status_code, absent.headers["content-type"]) == (404, PROBLEM)


@pytest.mark.parametrize(
    "value", [None, 0, -0.5, "", "\u00e9\U0001f600", [], {}, {"a": [1, None, {"b": 2.5}]}, 2**63 - 1, True]
)
@asynchronous
async def test_values_come_back_as_they_went(value: Any) -> None:
    async with service() as it:
        await it.client.put(PATH, content=json.dumps(value))
        read = await it.client.get(PATH)
        assert (read.status_code, read.json()) == (200, value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nul",
        b"1 2",
        b"NaN",
        b"1e999",
        b'{"a":Infinity}',
        b"9223372036854775808",
        b'"\\u0000"',
        b'"\\ud800"',
        b"\xff",
        b'"\xff"',
        b"[" * 65 + b"]" * 65,
        b"[" * 100_000,
    ],
)
@asynchronous
async def test_what_is_no_portable_json_is_refused(body: bytes) -> None:
    async with service() as it:
        answer = await it.client.put(PATH, content=body)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["loc"] == ["body"]
        assert (await it.client.get(PATH)).status_code == 404


@asynchronous
async def test_lifetimes() -> None:
    async with service(keyspaces=[BOUNDED]) as it:
        path = "/v1/memory/bounded/a"
        made = await it.client.put(path, content="1")
        assert made.headers["expires-at"] == made.json()["expires_at"] == "2030-01-01T00:01:00.000000Z"
        made = await it.client.put(path + "?lifetime=3600", content="1")
        assert made.json()["expires_at"] == "2030-01-01T01:00:00.000000Z"
        kept = await it.client.put(path + "?lifetime=keep", content="2")
        assert kept.json()["expires_at"] == made.json()["expires_at"]
        for wrong in ("none", "3601", "0", "-1", "nan", ""):
            refused = await it.client.put(f"{path}?lifetime={wrong}", content="3")
            assert (refused.status_code, refused.json()["type"]) == (400, "/problems/invalid-lifetime")
        it.clock.advance(3600)
        assert (await it.client.get(path)).status_code == 404
        assert (await it.client.put("/v1/memory/notes/a?lifetime=none", content="1")).json()["expires_at"] is None


@asynchronous
async def test_reading_can_start_the_lifetime_anew() -> None:
    async with service() as it:
        await it.client.put(PATH + "?lifetime=10", content="1")
        it.clock.advance(9)
        touched = await it.client.get(PATH + "?touch=10")
        assert touched.headers["expires-at"] == "2030-01-01T00:00:19.000000Z"
        assert (await it.client.get(PATH + "?touch=keep")).status_code == 400
        it.clock.advance(9)
        assert (await it.client.get(PATH + "?touch=none")).status_code == 200
        it.clock.advance(1e6)
        assert "expires-at" not in (await it.client.get(PATH)).headers


@asynchronous
async def test_touch() -> None:
    async with service() as it:
        assert (await it.client.post(PATH + ":touch", json={"lifetime": 5})).status_code == 404
        tag = (await it.client.put(PATH, content="1")).headers["etag"]
        assert (await it.client.post(PATH + ":touch", json={"lifetime": 5})).status_code == 204
        assert (await it.client.get(PATH)).headers["etag"] == tag
        wrong: list[Any] = [
            {},
            {"lifetime": "keep"},
            {"lifetime": True},
            {"lifetime": 0},
            {"lifetime": 5, "more": 1},
            [],
            5,
        ]
        for body in wrong:
            assert (await it.client.post(PATH + ":touch", json=body)).status_code == 400
        it.clock.advance(5)
        assert (await it.client.get(PATH)).status_code == 404


@asynchronous
async def test_increment() -> None:
    async with service() as it:
        path = "/v1/memory/notes/visits:increment"
        assert (await it.client.post(path)).json() == {"value": 1}
        assert (await it.client.post(path, json={"by": -5})).json() == {"value": -4}
        assert (await it.client.get("/v1/memory/notes/visits")).json() == -4
        for body in ({"by": 1.5}, {"by": "1"}, {"by": True}, {"by": 2**63}, {"bye": 1}):
            assert (await it.client.post(path, json=body)).status_code == 400
        await it.client.put("/v1/memory/notes/text", json="1")
        assert (await it.client.post("/v1/memory/notes/text:increment")).status_code == 400
        await it.client.post("/v1/memory/notes/short:increment", json={"lifetime": 5})
        it.clock.advance(5)
        assert (await it.client.get("/v1/memory/notes/short")).status_code == 404


@asynchronous
async def test_actions_that_nobody_knows_are_not_allowed() -> None:
    async with service() as it:
        for action in ("", ":", ":Touch", ":touch:", "%3Atouch"):
            answer = await it.client.post(PATH + action)
            assert answer.status_code == 405
            assert answer.headers["allow"] == "DELETE, GET, HEAD, PUT"


@asynchronous
async def test_listing_goes_page_by_page() -> None:
    async with service() as it:
        for number in range(7):
            await it.client.put(f"/v1/memory/notes/ann/{number}", json=number)
        await it.client.put("/v1/memory/notes/anna/x", json="outside")
        found, cursor = [], None
        while True:
            parameters: dict[str, Any] = {"limit": 3} | ({"cursor": cursor} if cursor else {})
            page = (await it.client.get("/v1/memory/notes/ann/", params=parameters)).json()
            found += page["items"]
            cursor = page["cursor"]
            if cursor is None:
                break
            assert len(page["items"]) == 3
        assert [item["key"] for item in found] == [str(number) for number in range(7)]
        assert list(found[0]) == [
            *("namespace", "key", "value", "version", "created_at", "updated_at", "expires_at", "person")
        ]
        keys = (await it.client.get("/v1/memory/notes/ann/?values=false&limit=1")).json()
        assert "value" not in keys["items"][0]
        for query in ("limit=0", "cursor=%21", f"cursor={keys['cursor']}x", "values=no", "prefix=a"):
            assert (await it.client.get(f"/v1/memory/notes/ann/?{query}")).status_code == 400
        foreign = await it.client.get("/v1/memory/notes/bob/", params={"cursor": keys["cursor"]})
        assert (foreign.status_code, foreign.json()["type"]) == (400, "/problems/invalid-cursor")


@asynchronous
async def test_deleting_everything_below_must_be_meant() -> None:
    async with service() as it:
        for path in ("ann/a", "ann/b/c", "anna/d"):
            await it.client.put(f"/v1/memory/notes/{path}", content="1")
        for query in ("", "?recursive=false", "?recursive"):
            assert (await it.client.delete(f"/v1/memory/notes/ann/{query}")).status_code == 400
        assert (await it.client.delete("/v1/memory/notes/ann/?recursive=true")).json() == {"deleted": 2}
        assert (await it.client.get("/v1/memory/notes/anna/d")).status_code == 200


@asynchronous
async def test_a_value_over_the_limit_is_refused_before_it_is_parsed() -> None:
    async with service() as it:
        limit = it.memory.limits.value
        fits = b'"' + b"x" * (limit - 2) + b'"'
        assert (await it.client.put(PATH, content=fits)).status_code == 201

        async def drops() -> Any:
            for _ in range(limit // 1024 + 2):
                yield b"x" * 1024

        announced = await it.client.put(PATH, content=b"x" * (limit + 1))
        streamed = await it.client.put(PATH, content=drops())
        for answer in (announced, streamed):
            assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
        assert (await it.client.get(PATH)).content == fits


@asynchronous
async def test_the_person_is_kept_and_compared() -> None:
    async with service() as it:
        ann = {"X-Unison-Person": "ann"}
        await it.client.put(PATH, content="1", headers=ann)
        await it.client.put(PATH, content="2")
        entry = await it.storage.memory.at("notes", "a").get("b")
        assert entry is not None
        assert entry.person == "ann"
        for name, status in (("bob", 400), ("not a person", 400)):
            answer = await it.client.put(PATH, content="3", headers={"X-Unison-Person": name})
            assert answer.status_code == status
        other = await it.client.get("/v1/memory/personal/bob/x", headers=ann)
        assert other.status_code == 400


@asynchronous
async def test_keyspaces_must_be_declared_where_the_profile_asks_for_it() -> None:
    async with service() as it:
        answer = await it.client.get("/v1/memory/UPPER/key")
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-key")
        answer = await it.client.put("/v1/memory/personal/key", content="1")
        assert answer.status_code == 400
