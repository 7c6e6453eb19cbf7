from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from unison_storage import Storage
from unison_storage.clock import ManualClock
from unison_storage.errors import InvalidConfig, Unavailable
from unison_storage.sweeper import BATCH, Sweeper

SOON = 0.001
HOUR = 3_600


def storage(clock: ManualClock) -> Storage:
    return Storage("reference://", profile="test", clock=clock)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what the sweeper has done is told to nobody
            await asyncio.sleep(SOON)


def test_what_has_expired_goes_in_batches_until_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []
    swept = Storage.sweep

    async def noted(self: Storage, *, limit: int) -> dict[str, int]:
        answer = await swept(self, limit=limit)
        counts.append(answer["memory"])
        return answer

    monkeypatch.setattr(Storage, "sweep", noted)
    clock = ManualClock()

    async def test() -> None:
        async with storage(clock) as opened:
            notes = opened.memory.at("notes")
            await notes.put_many({f"k{number}": number for number in range(BATCH + 1)}, lifetime=HOUR)
            await notes.put("stays", True, lifetime=3 * HOUR)
            clock.advance(2 * HOUR)
            async with Sweeper(opened, SOON):
                await until(lambda: sum(counts) > BATCH and counts[-1] == 0)
            assert counts[: counts.index(0) or None][-2:] == [BATCH, 1]
            assert await notes.get("stays") is not None

    asyncio.run(test())


def test_the_end_awaits_the_batch_that_is_under_way_and_leaves_no_task(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        began, may_end, ended = asyncio.Event(), asyncio.Event(), False

        async def slow(self: Storage, *, limit: int) -> dict[str, int]:
            nonlocal ended
            began.set()
            await may_end.wait()
            ended = True
            return {"memory": limit}  # as if there were more

        monkeypatch.setattr(Storage, "sweep", slow)
        async with storage(ManualClock()) as opened:
            async with Sweeper(opened, SOON):
                await began.wait()
                asyncio.get_running_loop().call_later(0.02, may_end.set)
            assert ended
            assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(test())


def test_its_end_does_not_wait_for_the_next_pass() -> None:
    async def test() -> None:
        async with storage(ManualClock()) as opened, asyncio.timeout(5), Sweeper(opened, HOUR):
            await asyncio.sleep(0)

    asyncio.run(test())


def test_a_pass_that_fails_is_logged_and_the_next_one_is_tried(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    passes = 0

    async def failing(self: Storage, *, limit: int) -> dict[str, int]:
        nonlocal passes
        passes += 1
        raise Unavailable("the server can't be reached")

    monkeypatch.setattr(Storage, "sweep", failing)

    async def test() -> None:
        async with storage(ManualClock()) as opened, Sweeper(opened, SOON):
            await until(lambda: passes >= 3)

    with caplog.at_level(logging.WARNING):
        asyncio.run(test())
    assert "a pass of the sweeper failed: Unavailable: the server can't be reached" in caplog.messages


@pytest.mark.parametrize("every", [0, -1, float("nan"), "60", True, None])
def test_a_bad_interval_is_refused(every: object) -> None:
    with pytest.raises(InvalidConfig, match="seconds between two passes"):
        Sweeper(storage(ManualClock()), every)  # type: ignore[arg-type]
