"""Shared resources: made once, awaited by all who come meanwhile, closed by the last, tried anew after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from unison_storage.clock import SystemClock
from unison_storage.contracts.context import Context, Share, closed, not_open
from unison_storage.errors import Closed, NotOpen, Unavailable
from unison_storage.profiles import Profile
from unison_storage.telemetry import Telemetry


class Pool:
    """A resource that counts how often it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    async def close(self) -> None:
        await asyncio.sleep(0)
        self.closed += 1


class Maker:
    """Makes pools, as slowly as a test wants, and fails when it is told to."""

    def __init__(self) -> None:
        self.made: list[Pool] = []
        self.started = 0
        self.cancelled = 0
        self.error: Exception | None = None
        self.gate: asyncio.Event | None = None

    async def __call__(self) -> Pool:
        self.started += 1
        try:
            await (self.gate.wait() if self.gate else asyncio.sleep(0))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        self.made.append(Pool())
        return self.made[-1]


def context() -> Context:
    return Context(Profile.TEST, SystemClock(), Telemetry())


async def turns(condition: Callable[[], bool]) -> None:
    """Let other tasks run until the condition holds; fail if it never does."""
    for _ in range(100):
        if condition():
            return
        await asyncio.sleep(0)
    pytest.fail("it never came to that")


@given(users=st.integers(1, 8), before=st.integers(0, 7))
@settings(deadline=None, max_examples=40)
def test_users_share_one_resource_and_the_last_one_closes_it(users: int, before: int) -> None:
    async def use() -> None:
        surroundings, make = context(), Maker()
        early = [await surroundings.shared("url", make) for _ in range(min(before, users))]
        late = await asyncio.gather(*[surroundings.shared("url", make) for _ in range(users - len(early))])
        (pool,) = {*early, *late}
        assert make.started == 1
        for left in reversed(range(users)):
            assert pool.closed == 0
            await surroundings.release("url")
            assert pool.closed == (0 if left else 1)
        await surroundings.release("url")
        assert pool.closed == 1

    asyncio.run(use())


def test_other_keys_have_resources_of_their_own() -> None:
    async def use() -> None:
        surroundings, make = context(), Maker()
        one = await surroundings.shared(("url", 1), make)
        two = await surroundings.shared(("url", 2), make)
        await surroundings.release(("url", 1))
        assert (one.closed, two.closed) == (1, 0)
        await surroundings.release("unknown")
        assert two.closed == 0

    asyncio.run(use())


def test_after_the_last_release_the_next_user_makes_a_new_one() -> None:
    async def use() -> None:
        surroundings, make = context(), Maker()
        one = await surroundings.shared("url", make)
        await surroundings.release("url")
        two = await surroundings.shared("url", make)
        assert one is not two
        assert (one.closed, two.closed) == (1, 0)

    asyncio.run(use())


def test_where_making_fails_all_who_wait_get_the_error_and_the_next_one_tries_anew() -> None:
    async def use() -> None:
        surroundings, make = context(), Maker()
        make.error = Unavailable("down")
        answers = await asyncio.gather(*[surroundings.shared("url", make) for _ in range(3)], return_exceptions=True)
        assert [type(answer) for answer in answers] == [Unavailable] * 3
        assert make.started == 1
        make.error = None
        pool = await surroundings.shared("url", make)
        await surroundings.release("url")
        assert pool.closed == 1

    asyncio.run(use())


def test_one_who_tries_anew_at_once_is_not_given_the_error_of_the_first_attempt() -> None:
    async def use() -> None:
        surroundings, make = context(), Maker()
        make.error = Unavailable("down")

        async def stubborn() -> Pool:
            try:
                return await surroundings.shared("url", make)
            except Unavailable:
                make.error = None
                return await surroundings.shared("url", make)

        one, two = await asyncio.gather(stubborn(), stubborn())
        assert one is two
        await surroundings.release("url")
        assert one.closed == 0
        await surroundings.release("url")
        assert one.closed == 1

    asyncio.run(use())


def test_a_first_user_who_is_cancelled_leaves_the_resource_to_the_second() -> None:
    async def use() -> None:
        surroundings, make = context(), Maker()
        make.gate = asyncio.Event()
        first = asyncio.create_task(surroundings.shared("url", make))
        second = asyncio.create_task(surroundings.shared("url", make))
        await turns(lambda: make.started == 1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        make.gate.set()
        pool = await second
        assert (make.started, make.cancelled, pool.closed) == (1, 0, 0)
        await surroundings.release("url")
        assert pool.closed == 1

    asyncio.run(use())


def test_where_every_user_is_cancelled_making_is_given_up() -> None:
    async def use() -> None:
        surroundings, make = context(), Maker()
        make.gate = asyncio.Event()
        users = [asyncio.create_task(surroundings.shared("url", make)) for _ in range(2)]
        await turns(lambda: make.started == 1)
        for user in users:
            user.cancel()
        await asyncio.wait(users)
        await turns(lambda: make.cancelled == 1)
        make.gate = None
        pool = await surroundings.shared("url", make)
        assert make.made == [pool]

    asyncio.run(use())


class Sharing(RuleBasedStateMachine):
    """Any order of taking, failing to take, and letting go: closed exactly when nobody holds it."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.context = context()
        self.make = Maker()
        self.held = 0

    @rule()
    def take(self) -> None:
        self.make.error = None
        pool = self.runner.run(self.context.shared("url", self.make))
        self.held += 1
        assert pool is self.make.made[-1]

    @rule()
    @precondition(lambda self: self.held == 0)
    def fail_to_take(self) -> None:
        self.make.error = Unavailable("down")
        with pytest.raises(Unavailable):
            self.runner.run(self.context.shared("url", self.make))

    @rule()
    @precondition(lambda self: self.held > 0)
    def let_go(self) -> None:
        self.runner.run(self.context.release("url"))
        self.held -= 1

    def teardown(self) -> None:
        assert [pool.closed for pool in self.make.made[:-1]] == [1] * len(self.make.made[:-1])
        assert not self.make.made or self.make.made[-1].closed == (0 if self.held else 1)
        self.runner.close()


TestSharing = Sharing.TestCase
TestSharing.settings = settings(deadline=None, max_examples=30, stateful_step_count=20)


def test_a_share_is_taken_once_and_given_back_once() -> None:
    async def test() -> None:
        make, there = Maker(), context()
        first, second = (Share(there, "pool", make) for _ in range(2))
        pool = await first.open()
        assert await first.open() is pool
        assert await second.open() is pool
        assert (make.started, first.held, second.held) == (1, pool, pool)
        await first.close()
        await first.close()
        assert (pool.closed, first.held) == (0, None)
        await second.close()
        assert pool.closed == 1
        assert await first.open() is make.made[1]

    asyncio.run(test())


def test_a_share_that_could_not_be_taken_holds_nothing() -> None:
    async def test() -> None:
        make, there = Maker(), context()
        make.error = Unavailable("away")
        share = Share(there, "pool", make)
        with pytest.raises(Unavailable):
            await share.open()
        assert share.held is None
        await share.close()
        make.error = None
        assert await share.open() is make.made[0]

    asyncio.run(test())


def test_what_stands_for_calls_before_and_after_refuses_each() -> None:
    for refuse, error in ((not_open, NotOpen), (closed, Closed)):
        with pytest.raises(error):
            asyncio.run(refuse("anything", writes=True))
