"""Laws of the coalescer: core's own layer, laid over memory whose statements end when the check says so."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any, Final

from unison_storage.capabilities import Limits
from unison_storage.contracts.memory import Increment, MemoryBackend, Put
from unison_storage.errors import InvalidValue, StorageError, Unavailable
from unison_storage.layers.coalesce import coalesce_memory
from unison_storage.layers.passing import layered
from unison_storage_conformance.ground import Ground
from unison_storage_conformance.law import law
from unison_storage_conformance.line import answered
from unison_storage_conformance.outcomes import broken, holds, refuses, same

Memory = Ground[MemoryBackend]

CONCURRENCY: Final = 2
BATCH: Final = 4


class Gathered:
    """A coalescer over the memory of a check, whose statements are held while ``go`` is not set.

    Those that have read ``keep`` set ``reading`` and are held until ``kept`` is set, although they have their answer.
    """

    def __init__(self, ground: Memory) -> None:
        self.ground = ground
        self.go = asyncio.Event()
        self.keep = ""
        self.kept = asyncio.Event()
        self.reading = asyncio.Event()
        self.sent: list[tuple[str, list[Any]]] = []
        self.most = 0
        self.fails: Callable[[Sequence[str]], StorageError | None] = lambda _: None
        self.under_way = 0
        held = {name: self._held(name) for name in ("get_many", "put_many", "increment_many")}
        inner = layered(ground.backend, held)
        inner.limits = Limits(concurrency=CONCURRENCY, batch=BATCH)
        self.memory = coalesce_memory(inner, ground.site.target.harness.lanes)

    def _held(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(items: Sequence[Any], *more: Any) -> Any:
            self.sent.append((name, list(items)))
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            try:
                await self._ready()
                error = self.fails([getattr(item, "address", item) for item in items])
                if error is not None:
                    raise error
                answer = await getattr(self.ground.backend, name)(items, *more)
                await self._ready()
                if self.keep in items:
                    self.reading.set()
                    await self.kept.wait()
                return answer
            finally:
                self.under_way -= 1

        return call

    async def _ready(self) -> None:
        await asyncio.sleep(0)
        await self.go.wait()

    async def end(self) -> None:
        """Let go of what is held, and wait until it has ended."""
        self.go.set()
        self.kept.set()
        for _ in range(1_000):
            if not self.under_way:
                break
            await asyncio.sleep(0.001)
        await turns()

    async def full(self) -> list[asyncio.Task[Any]]:
        """Have as many statements under way as there may be."""
        self.go.clear()
        calls = [self.get(f"busy{number}") for number in range(CONCURRENCY)]
        await turns()
        self.sent.clear()
        return calls

    def get(self, key: str) -> asyncio.Task[Any]:
        """Read a key."""
        return self._called(self.memory.get_many([self.ground.at(key)]))

    def put(self, key: str, value: bytes = b"x") -> asyncio.Task[Any]:
        """Write a key."""
        return self._called(self.memory.put_many([Put(self.ground.at(key), value, self.ground.mint(), None)]))

    def increment(self, key: str) -> asyncio.Task[Any]:
        """Count a key up."""
        return self._called(self.memory.increment_many([Increment(self.ground.at(key), 1, self.ground.mint(), None)]))

    def _called(self, call: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        async def single() -> Any:
            answer = await answered(call)
            return answer if isinstance(answer, StorageError) else answer[0]

        return asyncio.ensure_future(single())

    async def all_of(self, calls: Sequence[asyncio.Task[Any]]) -> list[Any]:
        """Let statements go on, and return what calls come to; coalescer.4 is broken where one does not end."""
        self.go.set()
        self.kept.set()
        _, waiting = await asyncio.wait(calls, timeout=self.ground.deadline)
        if waiting:
            for call in waiting:
                call.cancel()
            broken("a call does not end", expected="an answer", found=f"{len(waiting)} wait", law="coalescer.4")
        return [await call for call in calls]

    def written(self, key: str) -> list[bytes]:
        """Return what was sent to be put at a key, in order."""
        puts = [item for name, items in self.sent for item in items if name == "put_many"]
        return [put.value for put in puts if put.address == self.ground.at(key)]


@asynccontextmanager
async def gathering(ground: Memory) -> AsyncIterator[Gathered]:
    """Give a coalescer; nothing of it is under way afterwards."""
    gathered = Gathered(ground)
    try:
        yield gathered
    finally:
        await gathered.end()


async def turns(number: int = 20) -> None:
    """Let every task run until nothing moves without the check."""
    for _ in range(number):
        await asyncio.sleep(0)


@law("coalescer.1")
async def no_more_is_under_way_than_the_limits_allow(ground: Memory) -> None:
    async with gathering(ground) as gathered:
        gathered.go.set()
        calls = [
            call(f"k{number}") for number in range(40) for call in (gathered.put, gathered.get, gathered.increment)
        ]
        together = [ground.at(f"k{number}") for number in range(BATCH)]
        batches = [asyncio.ensure_future(gathered.memory.get_many(together)) for _ in range(8)]
        await gathered.all_of([*calls, *batches])
        holds(gathered.most <= CONCURRENCY, "statements at once", expected=CONCURRENCY, found=gathered.most)
        largest = max(len(items) for name, items in gathered.sent if name == "put_many")
        same(largest, BATCH, "the largest batch of calls that waited")


@law("coalescer.2")
async def writes_of_one_address_are_sent_in_their_order(ground: Memory) -> None:
    for turn in range(10):
        random = Random(f"{ground.site.seed}.{turn}")  # noqa: S311 - a draw that has to come again, no secret
        async with gathering(ground.anew()) as gathered:
            busy = await gathered.full()
            called = [(random.choice("abc"), b"%d" % number) for number in range(12)]
            await gathered.all_of([*[gathered.put(key, value) for key, value in called], *busy])
            for _, items in gathered.sent:
                twice = [
                    item for item, times in Counter(getattr(one, "address", one) for one in items).items() if times > 1
                ]
                same(twice, [], "a batch holds one write of an address")
            for key in "abc":
                wanted = [value for one, value in called if one == key]
                same(gathered.written(key), wanted, f"writes of {key} are sent in their order")


@law("coalescer.3")
async def reads_of_one_address_share_an_answer(ground: Memory) -> None:
    async with gathering(ground) as gathered:
        busy = await gathered.full()
        answers = await gathered.all_of([*[gathered.get("a") for _ in range(9)], *busy])
        same([len(items) for _, items in gathered.sent], [1], "reads that wait share an item")
        same(answers, [None] * len(answers), "each is answered")


@law("coalescer.3")
async def a_read_sees_what_was_acknowledged_before_it(ground: Memory) -> None:
    async with gathering(ground) as gathered:
        busy = await gathered.full()
        early = gathered.get("a")
        gathered.keep = ground.at("a")
        gathered.go.set()
        await asyncio.wait_for(gathered.reading.wait(), ground.deadline)
        await ground.backend.put_many([Put(ground.at("a"), b"new", ground.mint(), None)])
        gathered.go.clear()
        busy.append(gathered.get("b"))  # with the early one, which has its answer, all statements are under way
        await turns()
        late = gathered.get("a")
        *_, answer = await gathered.all_of([*busy, early, late])
        same(getattr(answer, "value", answer), b"new", "a read after the acknowledgement")


@law("coalescer.4")
async def each_caller_gets_its_own_answer(ground: Memory) -> None:
    puts = [Put(ground.at(f"k{number}"), b"%d" % number, ground.mint(), None) for number in range(30)]
    await ground.backend.put_many(puts)
    async with gathering(ground) as gathered:
        busy = await gathered.full()
        order = Random(0).sample(range(30), 30)  # noqa: S311 - an order of its own, no secret
        answers = await gathered.all_of([*[gathered.get(f"k{number}") for number in order], *busy])
        found = [answer and answer.value for answer in answers[:30]]
        same(found, [b"%d" % number for number in order], "each gets its own")


@law("coalescer.4")
async def nobody_is_answered_before_the_backend_is(ground: Memory) -> None:
    async with gathering(ground) as gathered:
        busy = await gathered.full()
        calls = [gathered.put("a", b"new"), gathered.increment("b")]
        await turns()
        for call in busy:
            call.cancel()
        await turns()
        holds(not any(call.done() for call in calls), "a write is answered before the backend has answered")
        await gathered.all_of(calls)
        [row] = await ground.backend.get_many([ground.at("a")])
        same(row and row.value, b"new", "what was acknowledged is there")  # type: ignore[union-attr]


@law("coalescer.4")
async def who_gives_up_takes_nobody_along(ground: Memory) -> None:
    for given_up in range(3):
        async with gathering(ground.anew()) as gathered:
            busy = await gathered.full()
            reads = [gathered.get("a") for _ in range(3)]
            writes = [gathered.put("b", b"%d" % number) for number in range(3)]
            await turns()
            for calls in (reads, writes):
                calls[given_up].cancel()
            await turns()
            kept = [call for calls in (reads, writes) for place, call in enumerate(calls) if place != given_up]
            answers = await gathered.all_of([*kept, *busy])
            holds(not any(isinstance(one, StorageError) for one in answers), "the others are answered", found=answers)
            for call in (reads[given_up], writes[given_up]):
                with suppress(asyncio.CancelledError):
                    await call
            wanted = [b"%d" % number for number in range(3) if number != given_up]
            same(gathered.written("b"), wanted, "what was given up before it was sent is not sent")


@law("coalescer.5")
async def a_refused_item_fails_its_own_caller_alone(ground: Memory) -> None:
    await ground.backend.put_many([Put(ground.at("text"), b"text", ground.mint(), None)])
    for whole in (False, True):
        async with gathering(ground.anew() if whole else ground) as gathered:
            bad = gathered.ground.at("text")
            if whole:
                gathered.fails = lambda sent, bad=bad: InvalidValue("an item is bad") if bad in sent else None  # type: ignore[misc]
            busy = await gathered.full()
            answers = await gathered.all_of([*[gathered.increment(key) for key in ("a", "text", "b")], *busy])
            same([answers[0], answers[2]], [1, 1], "the neighbours of a bad item")
            refuses(answers[1], InvalidValue, "the bad item")


@law("coalescer.5")
async def what_may_have_taken_effect_is_not_sent_again(ground: Memory) -> None:
    async with gathering(ground) as gathered:
        gathered.fails = lambda sent: Unavailable("the reply was lost", outcome_unknown=True) if len(sent) > 1 else None
        busy = await gathered.full()
        answers = await gathered.all_of([*[gathered.increment(key) for key in ("a", "b", "c")], *busy])
        for answer in answers[:3]:
            refuses(answer, Unavailable, "a call whose reply was lost")
            holds(answer.outcome_unknown, "it may have taken effect", expected="outcome_unknown", found=answer)
        same([len(items) for _, items in gathered.sent], [3], "it is sent once")
