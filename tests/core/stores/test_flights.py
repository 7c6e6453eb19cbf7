"""Single flight: one computation for all who ask at once, whoever gives up, fails or waits for himself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from unison_storage.errors import Closed, InvalidValue, Unavailable
from unison_storage.stores.flights import Flights

Compute = Callable[[], Coroutine[None, None, Any]]


class Slow:
    """A computation that ends when the test says so."""

    def __init__(self, flights: Flights[Any], answer: Any = "answer") -> None:
        self.flights = flights
        self.started = 0
        self.cancelled = 0
        self.gate = asyncio.Event()
        self.answer = answer

    async def __call__(self) -> Any:
        self.started += 1
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    def join(self, place: str = "k") -> asyncio.Task[Any]:
        return asyncio.ensure_future(self.flights.join(place, self))


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_thousand_callers_share_one_flight() -> None:
    async def use() -> None:
        slow = Slow(Flights())
        joined = [slow.join() for _ in range(1_000)]
        await settled()
        slow.gate.set()
        results = await asyncio.gather(*joined)
        assert slow.started == 1
        assert {answer for answer, _ in results} == {"answer"}
        assert [started for _, started in results].count(True) == 1

    asyncio.run(use())


def test_places_are_apart_and_a_landed_flight_is_not_joined() -> None:
    async def use() -> None:
        slow = Slow(Flights())
        slow.gate.set()
        await asyncio.gather(slow.join("a"), slow.join("b"))
        await slow.join("a")
        assert slow.started == 3

    asyncio.run(use())


def test_one_that_gives_up_leaves_the_others_waiting_and_the_last_ends_the_flight() -> None:
    async def use() -> None:
        slow = Slow(Flights())
        first, second, third = (slow.join() for _ in range(3))
        await settled()
        first.cancel()
        await settled()
        assert (slow.cancelled, second.done()) == (0, False)
        second.cancel()
        third.cancel()
        await settled()
        assert slow.cancelled == 1
        slow.gate.set()
        assert (await slow.join(), slow.started) == (("answer", True), 2)

    asyncio.run(use())


def test_a_time_out_of_one_caller_is_his_own() -> None:
    async def use() -> None:
        slow = Slow(Flights())
        patient = slow.join()
        await settled()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await slow.flights.join("k", slow)
        slow.gate.set()
        assert (await patient)[0] == "answer"

    asyncio.run(use())


def test_a_failure_reaches_everybody_and_storage_errors_share_no_traceback() -> None:
    async def use(error: Exception) -> list[Any]:
        slow = Slow(Flights(), error)
        joined = [slow.join() for _ in range(3)]
        await settled()
        slow.gate.set()
        return await asyncio.gather(*joined, return_exceptions=True)

    assert [type(one) for one in asyncio.run(use(ZeroDivisionError()))] == [ZeroDivisionError] * 3
    found = asyncio.run(use(Unavailable("down")))
    assert [str(one) for one in found] == ["down"] * 3
    assert len({id(one) for one in found}) == 3


def test_a_loader_that_cancels_itself_is_an_answer_for_its_caller_and_none_for_the_others() -> None:
    async def use() -> None:
        flights: Flights[Any] = Flights()
        gate = asyncio.Event()

        async def broken() -> Any:
            await gate.wait()
            raise asyncio.CancelledError

        async def sound() -> Any:
            return "mine"

        starter = asyncio.ensure_future(flights.join("k", broken))
        await settled()
        joiner = asyncio.ensure_future(flights.join("k", sound))
        await settled()
        gate.set()
        assert await joiner == ("mine", True)
        with pytest.raises(asyncio.CancelledError):
            await starter

    asyncio.run(use())


def test_who_comes_after_a_place_was_forgotten_starts_anew() -> None:
    async def use() -> None:
        flights: Flights[Any] = Flights()
        old, new = Slow(flights, "old"), Slow(flights, "new")
        before = old.join("a\x1fk")
        await settled()
        flights.forget_below("b\x1f")
        assert flights.is_flying("a\x1fk")
        flights.forget("a\x1fk")
        after = new.join("a\x1fk")
        await settled()
        old.gate.set()
        await settled()
        assert flights.is_flying("a\x1fk")
        new.gate.set()
        assert ((await before)[0], (await after)[0]) == ("old", "new")

    asyncio.run(use())


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_circle_of_loaders_is_told_and_does_not_wait_for_ever(length: int) -> None:
    async def use() -> None:
        flights: Flights[Any] = Flights()

        def loader(number: int) -> Compute:
            async def load() -> Any:
                await asyncio.sleep(0)
                return await flights.join(str((number + 1) % length), loader((number + 1) % length))

            return load

        async with asyncio.timeout(5):
            with pytest.raises(InvalidValue, match="wait for ever"):
                await flights.join("0", loader(0))

    asyncio.run(use())


def test_two_loaders_that_wait_for_each_other_are_told_whoever_started_them() -> None:
    async def use() -> None:
        flights: Flights[Any] = Flights()

        def loader(other: str) -> Compute:
            async def load() -> Any:
                await asyncio.sleep(0)
                return (await flights.join(other, unused))[0]

            return load

        async def unused() -> Any:
            raise AssertionError

        async with asyncio.timeout(5):
            found = await asyncio.gather(
                flights.join("a", loader("b")), flights.join("b", loader("a")), return_exceptions=True
            )
        assert InvalidValue in {type(one) for one in found}

    asyncio.run(use())


def test_a_loader_may_ask_for_other_keys_also_in_tasks_of_its_own() -> None:
    async def use() -> None:
        flights: Flights[Any] = Flights()

        async def leaf() -> int:
            return 1

        async def root() -> int:
            found = await asyncio.gather(*(flights.join(name, leaf) for name in ("a", "b", "a")))
            return sum(answer for answer, _ in found)

        assert (await flights.join("root", root))[0] == 3

    asyncio.run(use())


def test_draining_ends_what_flies_and_tells_who_waits() -> None:
    async def use() -> None:
        slow = Slow(Flights())
        joined = [slow.join(), slow.join()]
        slow.flights.start("behind", slow)
        await settled()
        await slow.flights.drain()
        assert slow.cancelled == 2
        for one in joined:
            with pytest.raises(Closed):
                await one
        with pytest.raises(Closed):
            await slow.flights.join("k", slow)

    asyncio.run(use())


def test_draining_does_not_wait_for_a_loader_that_does_not_let_go() -> None:
    async def use() -> None:
        flights: Flights[Any] = Flights(patience=0.01)
        gate = asyncio.Event()

        async def stubborn() -> str:
            while not gate.is_set():
                with suppress(asyncio.CancelledError):
                    await gate.wait()
            return "late"

        waiting = asyncio.ensure_future(flights.join("k", stubborn))
        await settled()
        async with asyncio.timeout(5):
            await flights.drain()
        gate.set()
        assert (await waiting)[0] == "late"

    asyncio.run(use())


def test_a_flight_that_nobody_waits_for_may_fail_unseen() -> None:
    async def use() -> None:
        slow = Slow(Flights(), ZeroDivisionError())
        flight = slow.flights.start("k", slow)
        slow.gate.set()
        await asyncio.wait([flight.task])
        assert not slow.flights.is_flying("k")

    asyncio.run(use())
