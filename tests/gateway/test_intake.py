from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.gateway.service import Event, Service, asynchronous, service
from unison_storage.errors import InvalidValue, TooLarge
from unison_storage.reference.objects import ReferenceBlobs
from unison_storage_gateway import intake
from unison_storage_gateway.intake import ClientGone, Intake
from unison_storage_gateway.problems import Refused

MEMORY, OBJECT = b"/v1/memory/notes/a", b"/v1/objects/files/a"


def given(*events: Event, **headers: str) -> Intake:
    left = list(events)

    async def receive() -> dict[str, Any]:
        while left:
            event = left.pop(0)
            if event is None:
                return {"type": "http.disconnect"}
            if isinstance(event, bytes):
                return {"type": "http.request", "body": event, "more_body": bool(left)}
            await event
        return {"type": "http.request", "body": b"", "more_body": False}

    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Intake(named, receive, 0.01)


async def streamed(one: Intake) -> bytes:
    return b"".join([chunk async for chunk in one.chunks()])


async def wholly(one: Intake) -> bytes:
    return await one.whole(100)


@pytest.mark.parametrize("read", [streamed, wholly])
@asynchronous
async def test_bodies(read: Any) -> None:
    chunked = {"transfer_encoding": "chunked"}
    assert await read(given(b"ab", b"", b"c", content_length="3")) == b"abc"
    assert await read(given(b"ab", b"c", **chunked)) == b"abc"
    assert await read(given(content_length="0")) == b""
    assert await read(given()) == b""
    for wrong in ("2", "4", "-1", "x", "3.0", "\u0663"):
        with pytest.raises(InvalidValue):
            await read(given(b"ab", b"c", content_length=wrong))
    with pytest.raises(ClientGone):
        await read(given(b"ab", None, content_length="3"))
    with pytest.raises(Refused) as refused:
        await read(given(b"ab", asyncio.Event().wait(), **chunked))
    assert refused.value.problem.status == 408


@asynchronous
async def test_limits_hold_while_reading() -> None:
    assert await given(b"x" * 100, content_length="100").whole(100) == b"x" * 100
    read = given(b"x" * 60, b"x" * 60, b"never", transfer_encoding="chunked")
    with pytest.raises(TooLarge):
        await read.whole(100)
    assert read.read == 120
    unread = given(b"x", content_length="101")
    with pytest.raises(TooLarge):
        await unread.whole(100)
    assert unread.read == 0


@asynchronous
async def test_many_chunks_take_no_longer_than_one_for_a_small_body() -> None:
    drops: list[Event] = []
    for _ in range(100):
        drops += [b"x", asyncio.sleep(0.002)]
    with pytest.raises(Refused):
        await given(*drops, transfer_encoding="chunked").whole(1000)
    for event in drops:
        if not isinstance(event, bytes) and event is not None:
            event.close()  # type: ignore[attr-defined]


@asynchronous
async def test_what_is_left_of_a_body_is_read_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    chunked = {"transfer_encoding": "chunked"}
    assert await given().spill()
    assert await given(b"x" * 1000, b"x", **chunked).spill()
    assert not await given(b"x", None, **chunked).spill()
    assert not await given(b"x", asyncio.Event().wait(), **chunked).spill()
    assert not await given(b"x", content_length="1", expect="100-Continue").spill()
    monkeypatch.setattr(intake, "SPILL_BYTES", 10)
    assert not await given(b"x" * 11, b"x", **chunked).spill()


def nothing_is_left(it: Service) -> bool:
    assert isinstance(it.blobs, ReferenceBlobs)
    return not (it.blobs._blobs or it.index._states or it.index._rows)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ((b"x" * 10, b"x"), {"content-length": "12"}, 400),
        ((b"x" * 10, b"x"), {"content-length": "10"}, 400),
        ((b"x" * 10, b"x"), {"content-length": "ten"}, 400),
        ((b"x" * 10, "stall"), {"content-length": "20"}, 408),
        ((b"x" * 10, "stall"), {"transfer-encoding": "chunked"}, 408),
        ((b"x" * 10, None), {"content-length": "20"}, None),
        ((b"x" * 10, None), {"transfer-encoding": "chunked"}, None),
        ((None,), {"content-length": "20"}, None),
    ],
)
@asynchronous
async def test_an_upload_that_goes_wrong_leaves_nothing(body: Any, headers: dict[str, str], status: int | None) -> None:
    async with service(chunk_seconds=0.02) as it:
        answers = []
        for path in (OBJECT, MEMORY):
            events = [asyncio.Event().wait() if event == "stall" else event for event in body]
            answers.append(await it.raw("PUT", path, headers, events))
            assert answers[-1].status == status
            assert (await it.raw("GET", path)).status == 404
        assert nothing_is_left(it)
        for answer in answers if status == 408 else ():
            assert answer.headers["connection"] == "close"
            assert answer.json()["retryable"] is True


@asynchronous
async def test_a_client_that_has_gone_is_noted_and_not_answered(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="unison_storage_gateway")
    async with service() as it:
        answer = await it.raw("PUT", OBJECT, {"content-length": "20"}, [b"x", None])
        assert answer.status is None
        (record,) = caplog.records
        assert (record.levelname, record.getMessage()) == ("INFO", "client_gone")
        assert it.app.state.readiness.draining is False


@asynchronous
async def test_what_was_there_outlives_an_upload_that_goes_wrong() -> None:
    async with service(chunk_seconds=0.02) as it:
        for path in (OBJECT, MEMORY):
            made = await it.raw("PUT", path, {"content-length": "1"}, [b"1"])
            assert made.status == 201
            wrong: list[list[Event]] = [[b"22", None], [b"22"], [b"22", asyncio.Event().wait()]]
            for body in wrong:
                await it.raw("PUT", path, {"content-length": "3"}, body)
            read = await it.raw("GET", path)
            assert (read.body, read.headers["etag"]) == (b"1", made.headers["etag"])
