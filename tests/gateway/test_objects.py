from __future__ import annotations

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator

import pytest

from tests.gateway.service import PROBLEM, asynchronous, service
from unison_storage.errors import InvalidValue
from unison_storage_gateway.objects import digest

PATH = "/v1/objects/files/a"
DATA = b"<script>alert(1)</script>"


def digest_of(data: bytes) -> str:
    return f"sha-256=:{b64encode(hashlib.sha256(data).digest()).decode()}:"


@asynchronous
async def test_an_object_is_written_read_and_removed() -> None:
    async with service() as it:
        made = await it.client.put(PATH, content=DATA, headers={"Content-Type": "text/html; charset=utf-8"})
        assert made.status_code == 201
        info = made.json()
        assert info == {
            "keyspace": "files",
            "namespace": [],
            "key": "a",
            "id": info["id"],
            "size": len(DATA),
            "sha256": hashlib.sha256(DATA).hexdigest(),
            "content_type": "text/html; charset=utf-8",
            "version": made.headers["etag"].strip('"'),
            "created_at": "2030-01-01T00:00:00.000000Z",
            "updated_at": "2030-01-01T00:00:00.000000Z",
            "expires_at": None,
            "person": None,
            "created": True,
        }
        for path in (PATH, f"/v1/objects:by-id/{info['id']}"):
            read = await it.client.get(path)
            assert (read.status_code, read.content) == (200, DATA)
            head = await it.client.head(path)
            assert (head.status_code, head.content) == (200, b"")
            for answer in (read, head):
                assert answer.headers["content-type"] == "text/html; charset=utf-8"
                assert answer.headers["content-length"] == str(len(DATA))
                assert answer.headers["content-disposition"] == "attachment"
                assert answer.headers["x-content-type-options"] == "nosniff"
                assert answer.headers["accept-ranges"] == "bytes"
                assert answer.headers["etag"] == made.headers["etag"]
                assert answer.headers["repr-digest"] == digest_of(DATA)
        again = await it.client.put(PATH, content=b"")
        assert (again.status_code, again.json()["id"], again.json()["size"]) == (200, info["id"], 0)
        assert again.json()["content_type"] == "application/octet-stream"
        assert (await it.client.get(PATH)).content == b""
        for _ in range(2):
            assert (await it.client.delete(PATH)).status_code == 204
        assert (await it.client.get(PATH)).headers["content-type"] == PROBLEM
        for path in (PATH, f"/v1/objects:by-id/{info['id']}", "/v1/objects:by-id/%FF", "/v1/objects:by-id/none"):
            assert (await it.client.get(path)).status_code in (404, 400)
            assert (await it.client.head(path)).status_code in (404, 400)


@asynchronous
async def test_lifetimes() -> None:
    async with service() as it:
        made = await it.client.put(PATH + "?lifetime=5", content=b"x")
        assert made.headers["expires-at"] == "2030-01-01T00:00:05.000000Z"
        assert (await it.client.get(PATH)).headers["expires-at"] == made.json()["expires_at"]
        it.clock.advance(5)
        assert (await it.client.get(PATH)).status_code == 404
        for wrong in ("keep", "0", "soon"):
            assert (await it.client.put(f"{PATH}?lifetime={wrong}", content=b"x")).status_code == 400


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (digest_of(DATA), 201),
        (f"sha-512=:AAAA:, {digest_of(DATA)}", 201),
        (f"{digest_of(DATA)}, unixsum=:AA==:", 201),
        (digest_of(b"other"), 400),
        ("sha-256=:AAAA:", 400),
        ("sha-256=:!!!!:", 400),
        ("sha-256=abc", 400),
        ("sha-512=:AAAA:", 400),
        ("", 400),
    ],
)
@asynchronous
async def test_the_digest_that_comes_along_is_compared(header: str, status: int) -> None:
    async with service() as it:
        answer = await it.client.put(PATH, content=DATA, headers={"Content-Digest": header})
        assert answer.status_code == status
        assert (await it.client.get(PATH)).status_code == (200 if status == 201 else 404)


def test_a_digest_may_have_parameters() -> None:
    assert digest(f"{digest_of(DATA)};a=b") == hashlib.sha256(DATA).digest()
    assert digest(None) is None
    with pytest.raises(InvalidValue):
        digest("xsha-256=:AAAA:")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Encoding": "gzip"}, 415),
        ({"Content-Encoding": "identity"}, 201),
        ({"Content-Range": "bytes 0-1/2"}, 400),
        ({"Content-Type": "nonsense"}, 400),
        ({"Content-Type": "x/" + "y" * 300}, 400),
    ],
)
@asynchronous
async def test_bodies_are_stored_as_they_are_or_not_at_all(headers: dict[str, str], status: int) -> None:
    async with service() as it:
        assert (await it.client.put(PATH, content=DATA, headers=headers)).status_code == status


@asynchronous
async def test_an_object_over_the_limit_is_refused() -> None:
    async def forever() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 100

    async with service(max_object=1000) as it:
        assert (await it.client.put(PATH, content=b"x" * 1000)).status_code == 201
        # told by Content-Length: nothing is read
        unread: list[bytes | asyncio.Future[None] | None] = [asyncio.get_running_loop().create_future()]
        answer = await it.raw("PUT", PATH.encode(), {"content-length": "1001", "expect": "100-continue"}, tuple(unread))
        assert (answer.status, answer.json()["type"]) == (413, "/problems/too-large")
        assert answer.headers["connection"] == "close"
        streamed = await it.client.put(PATH, content=forever())
        assert streamed.status_code == 413
        assert streamed.headers["connection"] == "close"
        assert len((await it.client.get(PATH)).content) == 1000


@asynchronous
async def test_copies() -> None:
    async with service() as it:
        assert (await it.client.post(PATH + ":copy", json={"key": "b"})).status_code == 404
        source = (await it.client.put(PATH, content=DATA, headers={"Content-Type": "text/plain"})).json()
        copy = await it.client.post(PATH + ":copy", json={"keyspace": "others", "namespace": ["x"], "key": "b"})
        assert copy.status_code == 201
        assert {name: copy.json()[name] for name in ("keyspace", "namespace", "key", "sha256", "content_type")} == {
            "keyspace": "others",
            "namespace": ["x"],
            "key": "b",
            "sha256": source["sha256"],
            "content_type": "text/plain",
        }
        assert copy.json()["id"] != source["id"]
        only_once = {"If-None-Match": "*"}
        for _, status in enumerate((201, 412)):
            answer = await it.client.post(PATH + ":copy", json={"key": "c"}, headers=only_once)
            assert answer.status_code == status
        answer = await it.client.post(PATH + ":copy", json={"key": "d"}, headers={"If-Match": "*"})
        assert answer.status_code == 412
        for body in (
            {},
            {"key": 1},
            {"key": "..", "namespace": []},
            {"key": "b", "more": 1},
            {"key": "b", "keyspace": "X"},
        ):
            assert (await it.client.post(PATH + ":copy", json=body)).status_code == 400


@asynchronous
async def test_listing() -> None:
    async with service() as it:
        for key in ("a", "b", "c"):
            await it.client.put(f"/v1/objects/files/x/{key}", content=key.encode())
        first = (await it.client.get("/v1/objects/files/?limit=2")).json()
        rest = (await it.client.get("/v1/objects/files/", params={"cursor": first["cursor"]})).json()
        assert [item["key"] for item in first["items"] + rest["items"]] == ["a", "b", "c"]
        assert rest["cursor"] is None
        assert "created" not in first["items"][0]
        assert (await it.client.get("/v1/objects/files/?values=false")).status_code == 400


@asynchronous
async def test_deleting_everything_below_must_be_meant() -> None:
    async with service() as it:
        for path in ("ann/a", "ann/b/c", "anna/d"):
            await it.client.put(f"/v1/objects/files/{path}", content=DATA)
        for query in ("", "?recursive=false", "?recursive"):
            assert (await it.client.delete(f"/v1/objects/files/ann/{query}")).status_code == 400
        assert (await it.client.delete("/v1/objects/files/ann/?recursive=true")).json() == {"deleted": 2}
        assert (await it.client.get("/v1/objects/files/anna/d")).status_code == 200
