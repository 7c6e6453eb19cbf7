from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tests.gateway.service import Service, asynchronous, service
from unison_storage import Keyspace

KEYSPACES = [Keyspace(name="packed", codec="msgpack"), Keyspace(name="raw", codec="raw"), Keyspace(name="plain")]
JSON, MSGPACK, RAW = "application/json", "application/msgpack", "application/octet-stream"


async def put(it: Service, keyspace: str, content: bytes, media: str | None, action: str = "") -> Any:
    path = f"/v1/cache/{keyspace}/key{action}"
    headers = {} if media is None else {"Content-Type": media}
    return await it.client.request("POST" if action else "PUT", path, content=content, headers=headers)


@pytest.mark.parametrize(
    ("keyspace", "media", "status"),
    [
        ("plain", JSON, 204),
        ("plain", "Application/JSON; charset=utf-8", 204),
        ("plain", None, 400),
        ("plain", "", 400),
        ("plain", "text/plain", 400),
        ("plain", "application/jsonp", 400),
        ("plain", "application/problem+json", 400),
        ("plain", MSGPACK, 400),
        ("packed", MSGPACK, 204),
        ("packed", JSON, 400),
        ("packed", None, 400),
        ("raw", None, 204),
        ("raw", JSON, 204),
        ("raw", "text/html", 204),
        ("raw", "nonsense", 204),
    ],
)
@asynchronous
async def test_a_body_is_of_the_media_type_of_its_keyspace(keyspace: str, media: str | None, status: int) -> None:
    async with service(keyspaces=KEYSPACES) as it:
        for action in ("", ":add"):
            answer = await put(it, keyspace, b"1", media, action)
            assert answer.status_code == (400 if status == 400 else 200 if action else 204)
            if status == 400:
                assert answer.json()["errors"][0]["loc"] == ["header", "content-type"]
                assert "this keyspace takes" in answer.json()["detail"]


@pytest.mark.parametrize("content", [b"", b"1", b"-5", b"\x00\xff\xc1\x00", b"<script>", b"x" * 100_000, b"null"])
@asynchronous
async def test_raw_bytes_come_back_as_they_went(content: bytes) -> None:
    async with service(keyspaces=KEYSPACES) as it:
        assert (await put(it, "raw", content, "text/html")).status_code == 204
        read = await it.client.get("/v1/cache/raw/key")
        assert (read.headers["content-type"], read.content) == (RAW, content)
        # digits that somebody wrote are no counter
        assert (await it.client.post("/v1/cache/raw/key:increment")).status_code == 400


@asynchronous
async def test_what_is_no_bytes_in_a_keyspace_of_raw_bytes_reads_as_json() -> None:
    async with service(keyspaces=KEYSPACES) as it:
        assert (await it.client.post("/v1/cache/raw/key:increment", json={"by": 7})).json() == {"value": 7}
        counter = await it.client.get("/v1/cache/raw/key")
        assert (counter.headers["content-type"], counter.json()) == (JSON, 7)
        await it.storage.cache.at("raw").set("key", None)
        nothing = await it.client.get("/v1/cache/raw/key")
        assert (nothing.status_code, nothing.headers["content-type"], nothing.json()) == (200, JSON, None)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        48,
        -1,
        2**63,
        1.5,
        "text",
        b"bytes",
        [],
        {"a": [1, None, b"x"]},
        {1: 2},
        datetime(2030, 1, 1, tzinfo=UTC),
    ],
)
@asynchronous
async def test_packed_values_come_back_as_they_went(value: Any) -> None:
    async with service(keyspaces=KEYSPACES) as it:
        assert (await put(it, "packed", msgspec.msgpack.encode(value), MSGPACK)).status_code == 204
        read = await it.client.get("/v1/cache/packed/key")
        assert (read.headers["content-type"], msgspec.msgpack.decode(read.content)) == (MSGPACK, value)
        assert await it.storage.cache.at("packed").get("key") == value


@asynchronous
async def test_a_counter_beside_packed_values_is_packed_too() -> None:
    async with service(keyspaces=KEYSPACES) as it:
        assert (await it.client.post("/v1/cache/packed/key:increment", json={"by": -9})).json() == {"value": -9}
        read = await it.client.get("/v1/cache/packed/key")
        assert (read.headers["content-type"], msgspec.msgpack.decode(read.content)) == (MSGPACK, -9)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        b"\x91",
        b"\x01\x02",
        b"\xa1\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xcb\x7f\xf8" + b"\x00" * 6,
        b"\x91" * 100_000,
        b"\x81\x81\x01\x02\x03",
        b"\xd6\xff\xff",
        b"\xc7\x0c\xff" + b"\xff" * 12,
    ],
)
@asynchronous
async def test_what_is_no_messagepack_is_refused(body: bytes) -> None:
    async with service(keyspaces=KEYSPACES) as it:
        answer = await put(it, "packed", body, MSGPACK)
        assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (400, ["body"])
        assert (await it.client.get("/v1/cache/packed/key")).status_code == 404


@pytest.mark.parametrize(
    "body", [b"", b"{", b"NaN", b"1e999", b'"\\u0000"', b"\xff", b"[" * 65 + b"]" * 65, b"[" * 100_000]
)
@asynchronous
async def test_what_is_no_portable_json_is_refused(body: bytes) -> None:
    async with service(keyspaces=KEYSPACES) as it:
        for action in ("", ":add"):
            answer = await put(it, "plain", body, JSON, action)
            assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (400, ["body"])
        assert (await it.client.get("/v1/cache/plain/key")).status_code == 404


@pytest.mark.parametrize(("keyspace", "media"), [("plain", JSON), ("packed", MSGPACK), ("raw", RAW)])
@asynchronous
async def test_a_value_over_the_limit_is_refused(keyspace: str, media: str) -> None:
    async with service(keyspaces=KEYSPACES) as it:
        limit = it.cache.limits.value
        for size in (limit + 1, limit + 10_000_000):
            answer = await put(it, keyspace, b"1" * size, media)
            assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Encoding": "gzip"}, 415),
        ({"Content-Encoding": "identity"}, 204),
        ({"Content-Range": "bytes 0-1/2"}, 400),
    ],
)
@asynchronous
async def test_bodies_are_stored_as_they_are_or_not_at_all(headers: dict[str, str], status: int) -> None:
    async with service(keyspaces=KEYSPACES) as it:
        assert (await it.client.put("/v1/cache/raw/key", content=b"x", headers=headers)).status_code == status
