from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.layers.slow import PREFIX, SlowMemory, bad_item, settle
from unison_storage.addresses import Address
from unison_storage.capabilities import Limits
from unison_storage.contracts.memory import Delete, Increment, MemoryBackend, Put, Row, Rows, Touch
from unison_storage.contracts.objects import Draft
from unison_storage.errors import InvalidValue, StorageError, Unavailable, VersionConflict
from unison_storage.layers.coalesce import coalesce_index, coalesce_memory
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.reference.objects import ReferenceObjectIndex
from unison_storage.testing import ManualClock
from unison_storage.values import MISSING


def put(key: str, value: bytes = b"1", version: str = "v", **more: Any) -> Put:
    return Put(PREFIX + key, value, version, None, **more)


def under_way(test: Callable[[SlowMemory, MemoryBackend], Awaitable[None]], **limits: int) -> None:
    async def run() -> None:
        slow = SlowMemory(**limits)
        await test(slow, coalesce_memory(slow))

    asyncio.run(run())


async def fill(slow: SlowMemory, layer: MemoryBackend, statements: int = 2) -> list[asyncio.Task[Any]]:
    """Occupy every place in the gate with reads of keys of their own."""
    tasks = [asyncio.create_task(layer.get_many((f"{PREFIX}busy{number}",))) for number in range(statements)]
    await settle()
    assert len(slow.sent) == statements
    slow.sent.clear()
    return tasks


def test_a_lone_call_goes_straight_through() -> None:
    async def test(slow: SlowMemory, layer: MemoryBackend) -> None:
        slow.go.set()
        assert await layer.get_many((PREFIX + "a",)) == [None]
        (written,) = await layer.put_many((put("a"),))
        assert not isinstance(written, StorageError)
        assert slow.sent == [("get", ["a"]), ("put", ["a"])]

    under_way(test)


def test_what_arrives_meanwhile_is_one_sorted_batch() -> None:
    async def test(slow: SlowMemory, layer: MemoryBackend) -> None:
        busy = await fill(slow, layer)
        puts = [asyncio.create_task(layer.put_many((put(key),))) for key in "dbca"]
        await settle()
        assert slow.sent == []
        slow.go.set()
        await asyncio.gather(*busy, *puts)
        assert slow.sent == [("put", ["a", "b", "c", "d"])]

    under_way(test)


def test_reads_of_one_key_share_one_item() -> None:
    async def test(slow: SlowMemory, layer: MemoryBackend) -> None:
        slow.go.set()
        await layer.put_many((put("hot", b"42"),))
        slow.go.clear()
        slow.sent.clear()
        busy = await fill(slow, layer)
        gets = [asyncio.create_task(layer.get_many((PREFIX + "hot",))) for _ in range(200)]
        await settle()
        slow.go.set()
        rows = await asyncio.gather(*gets)
        await asyncio.gather(*busy)
        assert slow.sent == [("get", ["hot"])]
        assert {row.value for (row,) in rows if isinstance(row, Row)} == {b"42"}

    under_way(test)


def test_a_read_never_shares_one_that_is_already_sent() -> None:
    """It might have been answered before a write that this read has to see."""

    async def test(slow: SlowMemory, layer: MemoryBackend) -> None:
        first = asyncio.create_task(layer.get_many((PREFIX + "k",)))
        await settle()
        second = asyncio.create_task(layer.get_many((PREFIX + "k",)))
        await settle()
        assert slow.sent == [("get", ["k"]), ("get", ["k"])]
        slow.go.set()
        await asyncio.gather(first, second)

    under_way(test)


def test_a_batch_holds_one_write_per_key_and_keeps_their_order() -> None:
    async def test(slow: SlowMemory, layer: MemoryBackend) -> None:
        busy = await fill(slow, layer)
        writes = [asyncio.create_task(layer.put_many((put("k", b"%d" % n, f"v{n}"),))) for n in range(3)]
        other = asyncio.create_task(layer.put_many((put("other"),)))
        await settle()
        slow.go.set()
        await asyncio.gather(*busy, *writes, other)
        assert [keys for _, keys in slow.sent] == [["k", "other"], ["k"], ["k"]]
        (row,) = await layer.get_many((PREFIX + "k",))
        assert row is not None
        assert not isinstance(row, StorageError)
        assert (row.value, row.version) == (b"2", "v2")

    under_way(test)


def test_each_caller_gets_its_own_result() -> None:
    async def test(slow: SlowMemory, layer: MemoryBackend) -> None:
        busy = await fill(slow, layer)
        increments = [
            asyncio.create_task(layer.increment_many((Increment(PREFIX + "n", 1, f"v{n}", None),))) for n in range(10)
        ]
        deletes = asyncio.create_task(layer.delete_many((Delete(PREFIX + "gone"),)))
        touches = asyncio.create_task(layer.touch_many((Touch(PREFIX + "gone", None),)))
        await settle()
        slow.go.set()
        results = [result for (result,) in await asyncio.gather(*increments)]
        assert {result for result in results if isinstance(result, int)} == set(range(1, 11))
        assert await deletes == [False]
        assert await touches == [False]
        await asyncio.gather(*busy)

    under_way(test)


def test_a_refused_item_fails_alone() -> None:
    async def test(slow: SlowMemory, layer: MemoryBackend) -> None:
        slow.go.set()
        await layer.put_many((put("b"),))
        slow.go.clear()
        slow.sent.clear()
        busy = await fill(slow, layer)
        good = asyncio.create_task(layer.put_many((put("a"),)))
        bad = asyncio.create_task(layer.put_many((put("b", expect="other"),)))
        await settle()
        slow.go.set()
        assert not isinstance((await good)[0], StorageError)
        assert isinstance((await bad)[0], VersionConflict)
        assert [keys for _, keys in slow.sent] == [["a", "b"]]
        await asyncio.gather(*busy)

    under_way(test)


def test_a_batch_that_fails_whole_is_tried_singly() -> None:
    async def test(slow: SlowMemory, layer: MemoryBackend) -> None:
        busy = await fill(slow, layer)
        slow.poison["b"] = bad_item
        tasks = {key: asyncio.create_task(layer.put_many((put(key),))) for key in "abc"}
        await settle()
        slow.go.set()
        done = await asyncio.gather(*tasks.values(), return_exceptions=True)
        outcomes = dict(zip(tasks, done, strict=True))
        assert isinstance(outcomes["b"], InvalidValue)
        assert not isinstance(outcomes["a"], BaseException)
        assert not isinstance(outcomes["c"], BaseException)
        assert Counter(key for _, keys in slow.sent for key in keys) == {"a": 2, "b": 2, "c": 2}
        await asyncio.gather(*busy)

    under_way(test)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(lambda: Unavailable("lost", outcome_unknown=True), id="unknown"),
        pytest.param(lambda: Unavailable("down"), id="unavailable"),
        pytest.param(lambda: RuntimeError("a bug"), id="bug"),
    ],
)
def test_nothing_is_tried_twice_where_it_may_have_taken_effect(error: Callable[[], Exception]) -> None:
    async def test(slow: SlowMemory, layer: MemoryBackend) -> None:
        busy = await fill(slow, layer)
        slow.poison["b"] = error
        tasks = [asyncio.create_task(layer.put_many((put(key),))) for key in "abc"]
        await settle()
        slow.go.set()
        failures = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(failure) for failure in failures} == {type(error())}
        assert slow.sent == [("put", ["a", "b", "c"])]
        if isinstance(error(), StorageError):
            assert len({id(failure) for failure in failures}) == 3, "waiters must not share one traceback"
        await asyncio.gather(*busy)

    under_way(test)


def test_callers_whose_batch_was_answered_come_back_as_a_batch() -> None:
    sizes: list[int] = []

    class Distant(ReferenceMemory):
        """Answers some turns later, as a server does."""

        limits = Limits(concurrency=4)

        async def get_many(self, addresses: Sequence[Address], touch: Any = MISSING) -> Rows:
            sizes.append(len(addresses))
            for _ in range(10):
                await asyncio.sleep(0)
            return await super().get_many(addresses, touch)

    async def test() -> None:
        layer = coalesce_memory(Distant(ManualClock()))

        async def caller(name: str) -> None:
            for _ in range(5):
                await layer.get_many((PREFIX + name,))

        await asyncio.gather(*(caller(name) for name in "abcdefgh"))

    asyncio.run(test())
    assert sum(sizes) == 40
    assert len(sizes) <= 12, sizes


def test_a_backend_that_answers_too_little_leaves_nobody_waiting() -> None:
    async def test(slow: SlowMemory, layer: MemoryBackend) -> None:
        busy = await fill(slow, layer)
        slow.short = True
        tasks = [asyncio.create_task(layer.put_many((put(key),))) for key in "ab"]
        await settle()
        slow.go.set()
        failures = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        assert all(isinstance(failure, StorageError) for failure in failures)
        await asyncio.gather(*busy, return_exceptions=True)

    under_way(test)


def test_cancelling_one_waiter_leaves_the_others() -> None:
    async def test(slow: SlowMemory, layer: MemoryBackend) -> None:
        busy = await fill(slow, layer)
        first = asyncio.create_task(layer.get_many((PREFIX + "k",)))
        second = asyncio.create_task(layer.get_many((PREFIX + "k",)))
        dropped = asyncio.create_task(layer.put_many((put("dropped"),)))
        kept = asyncio.create_task(layer.put_many((put("kept"),)))
        await settle()
        first.cancel()
        dropped.cancel()
        await settle()
        slow.go.set()
        assert await second == [None]
        assert not isinstance((await kept)[0], StorageError)
        assert first.cancelled()
        assert sorted(slow.sent) == [("get", ["k"]), ("put", ["kept"])], "what nobody waits for is not sent"
        await asyncio.gather(*busy)

    under_way(test)


def test_cancelling_a_waiter_of_a_sent_batch_does_not_undo_it() -> None:
    async def test(slow: SlowMemory, layer: MemoryBackend) -> None:
        busy = await fill(slow, layer)
        tasks = [asyncio.create_task(layer.put_many((put(key),))) for key in "ab"]
        await settle()
        slow.go.set()
        await asyncio.gather(*busy)
        slow.go.clear()
        await settle()
        tasks[0].cancel()
        await settle()
        slow.go.set()
        await tasks[1]
        assert [row is not None for row in await layer.get_many((PREFIX + "a", PREFIX + "b"))] == [True, True]

    under_way(test)


def test_statements_in_flight_stay_within_the_limit_of_all_lanes() -> None:
    async def test(slow: SlowMemory, layer: MemoryBackend) -> None:
        calls = [
            call
            for n in range(30)
            for call in (
                layer.get_many((f"{PREFIX}{n}",)),
                layer.put_many((put(str(n)),)),
                layer.delete_many((Delete(f"{PREFIX}{n}"),)),
                layer.get_many((f"{PREFIX}{n}", f"{PREFIX}x")),
            )
        ]
        tasks = [asyncio.create_task(call) for call in calls]
        await settle()
        slow.go.set()
        await asyncio.gather(*tasks)
        assert slow.most_in_flight == 3
        assert all(len(keys) <= 4 for _, keys in slow.sent)

    under_way(test, concurrency=3, batch=4)


def test_a_batch_of_the_callers_own_waits_for_its_turn_and_can_be_cancelled() -> None:
    async def test(slow: SlowMemory, layer: MemoryBackend) -> None:
        busy = await fill(slow, layer)
        own = asyncio.create_task(layer.put_many((put("a"), put("b"))))
        dropped = asyncio.create_task(layer.put_many((put("c"), put("d"))))
        await settle()
        assert slow.sent == []
        dropped.cancel()
        slow.go.set()
        assert len(await own) == 2
        await asyncio.gather(*busy)
        assert slow.sent == [("put", ["a", "b"])]
        assert await layer.put_many((put("after"),))

    under_way(test)


def test_a_full_queue_makes_callers_wait_and_loses_none() -> None:
    async def test(slow: SlowMemory, layer: MemoryBackend) -> None:
        busy = await fill(slow, layer)
        tasks = [asyncio.create_task(layer.put_many((put(f"{n:03}"),))) for n in range(200)]
        await settle()
        slow.go.set()
        results = await asyncio.gather(*tasks)
        await asyncio.gather(*busy)
        assert not any(isinstance(result, StorageError) for (result,) in results)
        assert await layer.count(PREFIX) == 200

    under_way(test, concurrency=2, batch=4)


def test_an_empty_batch_reaches_nobody() -> None:
    async def test(slow: SlowMemory, layer: MemoryBackend) -> None:
        assert await layer.get_many(()) == []
        assert await layer.put_many(()) == []
        assert slow.sent == []

    under_way(test)


def test_close_lets_gathered_batches_end() -> None:
    async def test(slow: SlowMemory, layer: MemoryBackend) -> None:
        busy = await fill(slow, layer)
        tasks = [asyncio.create_task(layer.put_many((put(key),))) for key in "ab"]
        await settle()
        slow.go.set()
        await asyncio.gather(*busy)
        await layer.close()
        assert all(not isinstance(result, StorageError) for (result,) in await asyncio.gather(*tasks))

    under_way(test)


OPERATIONS = st.tuples(st.sampled_from(["put", "get", "delete", "increment", "cancel"]), st.sampled_from("abc"))


@settings(max_examples=150, deadline=None)
@given(st.lists(OPERATIONS, max_size=40), st.integers(1, 3), st.integers(1, 4), st.randoms(use_true_random=False))
def test_whatever_is_called_at_once_everybody_is_answered_and_nothing_counts_twice(
    operations: list[tuple[str, str]], concurrency: int, batch: int, random: Any
) -> None:
    async def test() -> None:
        slow = SlowMemory(concurrency=concurrency, batch=batch)
        layer = coalesce_memory(slow)
        tasks: list[asyncio.Task[Any]] = []
        increments: dict[str, list[asyncio.Task[Any]]] = {key: [] for key in "abc"}
        for number, (operation, key) in enumerate(operations):
            if operation == "cancel":
                if tasks:
                    random.choice(tasks).cancel()
            elif operation == "increment":
                item = Increment(f"{PREFIX}counter-{key}", 1, f"v{number}", None)
                task: asyncio.Task[Any] = asyncio.create_task(layer.increment_many((item,)))
                tasks.append(task)
                increments[key].append(task)
            elif operation == "put":
                tasks.append(asyncio.create_task(layer.put_many((put(key, b"%d" % number),))))
            elif operation == "delete":
                tasks.append(asyncio.create_task(layer.delete_many((Delete(PREFIX + key),))))
            else:
                tasks.append(asyncio.create_task(layer.get_many((PREFIX + key,))))
            if random.random() < 0.3:
                await settle()
            if random.random() < 0.2:
                slow.go.set()
                await settle()
                slow.go.clear()
        slow.go.set()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
        assert slow.most_in_flight <= concurrency
        for key, made in increments.items():
            totals = [task.result()[0] for task in made if not task.cancelled()]
            assert len(set(totals)) == len(totals)
            (row,) = await layer.get_many((f"{PREFIX}counter-{key}",))
            counted = 0 if row is None or isinstance(row, StorageError) else int(row.value)
            assert len(totals) <= counted <= len(made)
        assert slow.in_flight == 0

    asyncio.run(test())


def test_index_reads_are_gathered_and_everything_else_goes_through() -> None:
    async def run() -> None:
        layer = coalesce_index(ReferenceObjectIndex(ManualClock()))
        await layer.begin("0" * 32, None)
        committed = await layer.commit(Draft(PREFIX + "a", "1" * 32, "0" * 32, "v", 3, "00", "text/plain", None))
        assert committed.fresh
        rows = await asyncio.gather(*(layer.get_many((PREFIX + "a",)) for _ in range(50)))
        assert all(row == [committed.row] for row in rows)
        assert await layer.list(PREFIX, "", 10) == [committed.row]
        await layer.close()

    asyncio.run(run())
