from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.gateway.service import PROBLEM, TOKEN, Answer, asynchronous, bearer, call, service
from unison_storage.contracts.objects import BlobId
from unison_storage.errors import Unavailable
from unison_storage.reference.objects import ReferenceBlobs

PATH = "/v1/objects/files/a"
DATA = bytes(range(100))


@pytest.mark.parametrize(
    ("header", "status", "part"),
    [
        ("bytes=0-9", 206, "0-9"),
        ("bytes=90-", 206, "90-99"),
        ("bytes=-10", 206, "90-99"),
        ("bytes=0-", 206, "0-99"),
        ("bytes=50-1000", 206, "50-99"),
        ("bytes=99-99", 206, "99-99"),
        ("bytes=0-9,20-29", 200, None),
        ("bytes=9-0", 200, None),
        ("lines=0-9", 200, None),
        ("bytes=100-", 416, None),
        ("bytes=-0", 416, None),
    ],
)
@asynchronous
async def test_ranges(header: str, status: int, part: str | None) -> None:
    async with service() as it:
        await it.client.put(PATH, content=DATA)
        answer = await it.client.get(PATH, headers={"Range": header})
        assert answer.status_code == status
        if status == 206:
            assert part is not None
            first, last = map(int, part.split("-"))
            assert answer.content == DATA[first : last + 1]
            assert answer.headers["content-range"] == f"bytes {part}/100"
            assert answer.headers["content-length"] == str(last + 1 - first)
        elif status == 200:
            assert answer.content == DATA
            assert "content-range" not in answer.headers
        else:
            assert answer.headers["content-range"] == "bytes */100"
            assert answer.headers["content-type"] == PROBLEM
        head = await it.client.head(PATH, headers={"Range": header})
        assert (head.status_code, head.headers["content-length"]) == (200, "100")


@asynchronous
async def test_an_empty_object_has_no_range() -> None:
    async with service() as it:
        await it.client.put(PATH, content=b"")
        assert (await it.client.get(PATH, headers={"Range": "bytes=0-"})).status_code == 416


@asynchronous
async def test_conditions_come_before_ranges() -> None:
    async with service() as it:
        tag = (await it.client.put(PATH, content=DATA)).headers["etag"]
        table: list[tuple[dict[str, str], int]] = [
            ({"If-Range": tag}, 206),
            ({"If-Range": '"other"'}, 200),
            ({"If-Range": f"W/{tag}"}, 200),
            ({"If-Range": "Tue, 01 Jan 2030 00:00:00 GMT"}, 200),
            ({"If-None-Match": tag}, 304),
            ({"If-None-Match": '"other"'}, 206),
            ({"If-Match": tag}, 206),
            ({"If-Match": '"other"'}, 412),
            ({"If-Match": "*"}, 206),
        ]
        for headers, status in table:
            answer = await it.client.get(PATH, headers={"Range": "bytes=0-9", **headers})
            assert answer.status_code == status, headers
        outside = await it.client.get(PATH, headers={"Range": "bytes=500-", "If-Range": '"other"'})
        assert (outside.status_code, outside.content) == (200, DATA)
        assert (await it.client.get("/v1/objects/files/none", headers={"If-Match": "*"})).status_code == 404


class Broken(ReferenceBlobs):
    """Hands out blobs that were damaged in one way."""

    damage = "none"
    closed = 0

    async def read(self, id: BlobId, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        sent = 0
        try:
            async for whole in super().read(id, start, end):
                for at in range(0, len(whole), 10):
                    chunk = whole[at : at + 10]
                    if self.damage == "flip" and sent + 10 >= len(DATA):
                        chunk = chunk[:-1] + b"?"
                    if self.damage == "short" and sent >= 50:
                        return
                    if self.damage == "fail" and sent >= 50:
                        raise Unavailable("no route to blobs.internal")
                    yield chunk
                    sent += len(chunk)
        finally:
            self.closed += 1


@pytest.mark.parametrize("damage", ["flip", "short", "fail"])
@asynchronous
async def test_damage_that_shows_on_the_way_breaks_the_answer(damage: str) -> None:
    async with service(blobs=Broken) as it:
        await it.client.put(PATH, content=DATA)
        assert isinstance(it.blobs, Broken)
        it.blobs.damage = damage
        answer = await it.raw("GET", PATH.encode())
        assert answer.status == 200
        assert answer.headers["content-length"] == str(len(DATA))
        assert not answer.ended
        # with all the bytes in hand a client would take the answer for complete
        assert len(answer.body) < len(DATA)
        assert it.blobs.closed == 1


@pytest.mark.parametrize(
    ("damage", "kind"), [("gone", "object-missing"), ("flipped", "tampered"), ("cut", "truncated")]
)
@asynchronous
async def test_damage_that_shows_at_once_is_a_problem(damage: str, kind: str) -> None:
    async with service() as it:
        await it.client.put(PATH, content=DATA)
        assert isinstance(it.blobs, ReferenceBlobs)
        ((blob, (data, written)),) = it.blobs._blobs.items()
        it.blobs._blobs = {
            "gone": {},
            "flipped": {blob: (data[::-1], written)},
            "cut": {blob: (data[:-1], written)},
        }[damage]
        answer = await it.raw("GET", PATH.encode())
        assert (answer.status, answer.json()["type"]) == (500, f"/problems/{kind}")
        assert answer.ended


class Endless(ReferenceBlobs):
    """Hands out blobs as slowly as they are taken, and knows how much was."""

    chunk = b"x" * 1000
    taken = 0

    async def read(self, id: BlobId, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        for _ in range(start, end or 0, len(self.chunk)):
            self.taken += 1
            yield self.chunk
            await asyncio.sleep(0)


@asynchronous
async def test_reading_stops_when_the_client_has_gone() -> None:
    async with service(blobs=Endless) as it:
        await it.client.put(PATH, content=b"x" * 1_000_000)
        assert isinstance(it.blobs, Endless)
        arrived = asyncio.Event()
        answer = Answer()

        async def receive() -> dict[str, Any]:
            await arrived.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            answer.body += message.get("body", b"")
            if len(answer.body) > 5_000:
                arrived.set()

        scope: dict[str, Any] = {}

        async def capture(given: Any, _receive: Any, _send: Any) -> None:
            scope.update(given)

        await call(capture, "GET", PATH.encode(), bearer(TOKEN))  # type: ignore[arg-type]
        await it.app(scope, receive, send)
        assert 5 < it.blobs.taken < 100


@asynchronous
async def test_who_is_read_while_it_is_overwritten_is_read_to_its_end() -> None:
    async with service() as it:
        await it.client.put(PATH, content=b"a" * 1_000_000)
        reads = [it.client.get(PATH, headers={"Range": "bytes=10-"} if n % 2 else {}) for n in range(20)]
        writes = [it.client.put(PATH, content=bytes([97 + n]) * (1_000_000 - n)) for n in range(1, 10)]
        answers = await asyncio.gather(
            *[one for pair in zip(reads, [*writes, *writes[:0]], strict=False) for one in pair]
        )
        for answer in answers:
            assert answer.status_code in (200, 206)
            if answer.headers["content-type"] == "application/octet-stream":
                assert len(set(answer.content)) == 1
        for left in reads[len(writes) :]:
            left.close()
