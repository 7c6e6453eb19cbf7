"""What a storage does as a whole, across its kinds and through its layers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

import pytest

from tests.core.watched import Log, watched
from unison_storage import (
    AccessDenied,
    DeadlineExceeded,
    Edge,
    InvalidKey,
    Keyspace,
    Node,
    Storage,
    Unavailable,
)
from unison_storage.contracts.backend import Outcome
from unison_storage.contracts.memory import Increment, Put, Written
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.reference.objects import ReferenceBlobs, ReferenceObjectIndex
from unison_storage.testing import ManualClock, reference_storage


def storage_on(log: Log) -> Storage:
    clock = ManualClock()
    return Storage(**watched(clock, log), profile="test", clock=clock)


# --------------------------------------------------------------------------------------------------- whole storage


def test_erasing_a_person_reports_per_kind_and_goes_on_where_one_fails() -> None:
    async def use(failing: str | None) -> tuple[Any, int]:
        log = Log()
        if failing:
            log.failing[failing, "erase"] = Unavailable("down for now")
        async with storage_on(log) as storage:
            for person in ("p1", "p2"):
                await storage.memory.at("session", person).put("k", 1)
                await storage.memory.at("plain", person=person).put(person, 1)
                await storage.objects.at("plain", person=person).put(person, b"x")
                await storage.graph.upsert_nodes(
                    [Node("Person", person), Node("Device", f"of-{person}", person=person)]
                )
                await storage.graph.upsert_edge(Edge("OWNS", ("Person", person), ("Device", f"of-{person}")))
                await storage.cache.at("context:cache", person).set("k", 1)
            dry = await storage.erase("p1", dry_run=True)
            assert (dry.dry_run, dry.complete) == (True, False)
            report = await storage.erase("p1")
            assert failing or dry.kinds == report.kinds
            left = await storage.memory.at("plain").count() + await storage.objects.at("plain").count()
            left += sum((await storage.graph.stats()).nodes.values())
            left += await storage.cache.at("context:cache", "p1").count()
            left += await storage.cache.at("context:cache", "p2").count()
            return report, left

    report, left = asyncio.run(use(None))
    assert (report.person, report.complete, left) == ("p1", True, 5)
    everything = {"memory": (2, 0, None), "object": (1, 0, None), "graph": (3, 0, None), "cache": (1, 0, None)}
    assert {kind: (done.erased, done.pending, done.error) for kind, done in report.kinds.items()} == everything
    for failing, kind, more in (
        ("memory", "memory", 1),
        ("object_index", "object", 1),
        ("graph", "graph", 2),
        ("cache", "cache", 1),
    ):
        report, left = asyncio.run(use(failing))
        assert not report.complete
        assert (report.kinds[kind].erased, report.kinds[kind].error) == (0, "Unavailable: down for now")
        assert [name for name, done in report.kinds.items() if done.error is not None] == [kind]
        assert left == 5 + more


def test_erasing_goes_on_with_the_other_backends_of_memory_where_one_fails() -> None:
    async def use() -> None:
        log = Log(failing={("memory", "erase"): Unavailable("down")})
        memory = watched(ManualClock(), log)["memory"]
        keyspaces = [Keyspace(name="mine", url="reference://")]
        async with Storage(memory=memory, keyspaces=keyspaces, profile="test") as storage:
            await storage.memory.at("mine", person="p1").put("k", 1)
            report = await storage.erase("p1")
            assert not report.complete
            assert await storage.memory.at("mine").count() == 0

    asyncio.run(use())


@pytest.mark.parametrize("person", ["", "a b", "\x00", None, 5, "p" * 129])
def test_a_wrong_person_is_not_erased(person: Any) -> None:
    async def use() -> None:
        async with reference_storage() as storage:
            with pytest.raises(InvalidKey):
                await storage.erase(person)

    asyncio.run(use())


def test_sweeping_removes_what_has_expired_and_what_nobody_wants_any_more() -> None:
    async def use() -> list[dict[str, int]]:
        clock = ManualClock()
        async with reference_storage(clock) as storage:
            notes, files = storage.memory.at("plain"), storage.objects.at("plain")
            for number in range(3):
                await notes.put(str(number), number, lifetime=10 if number else None)
                await files.put(str(number), b"x")
            await files.delete("0")
            await files.put("1", b"y")
            await storage.cache.at("plain").set("short", 1, lifetime=10)
            await storage.cache.at("plain").set("long", 1, lifetime=86_400)
            swept = [await storage.sweep()]
            for seconds in (11, 3600, 90_000):
                clock.advance(seconds)
                swept.append(await storage.sweep())
            assert await notes.count() == 1
            assert await files.get("1") == b"y"
            return swept

    assert asyncio.run(use()) == [
        {"memory": 0, "object": 0, "cache": 0},
        {"memory": 2, "object": 0, "cache": 1},
        {"memory": 0, "object": 2, "cache": 0},
        {"memory": 0, "object": 0, "cache": 1},
    ]


def test_a_keyspace_with_a_url_of_its_own_is_kept_apart_and_still_erased_and_swept() -> None:
    async def use() -> None:
        clock = ManualClock()
        keyspaces = [Keyspace(name="mine", url="reference://"), Keyspace(name="theirs", url="reference://")]
        shared = ReferenceMemory(clock)
        async with Storage(memory=shared, keyspaces=keyspaces, profile="test", clock=clock) as storage:
            own = {f"{kind} {name}" for kind in ("memory", "cache") for name in ("mine", "theirs")}
            assert set(await storage.health()) == {"memory", *own}
            for keyspace in ("plain", "mine", "theirs"):
                await storage.memory.at(keyspace, person="p1").put("k", keyspace)
                await storage.memory.at(keyspace).put("short", keyspace, lifetime=1)
            assert await shared.count("") == 2
            for keyspace in ("plain", "mine", "theirs"):
                entry = await storage.memory.at(keyspace).get("k")
                assert entry is not None
                assert entry.value == keyspace
            clock.advance(2)
            assert await storage.sweep() == {"memory": 3, "cache": 0}
            report = await storage.erase("p1")
            assert report.kinds["memory"].erased == 3

    asyncio.run(use())


# ----------------------------------------------------------------------------------------------------------- layers


class Flaky(ReferenceMemory):
    """Fails a number of times before it answers."""

    failures = 0

    async def put_many(self, puts: Sequence[Put]) -> list[Outcome[Written]]:
        if self.failures:
            self.failures -= 1
            raise Unavailable("not yet")
        return await super().put_many(puts)


class Stuck(ReferenceMemory):
    """Never answers an increment."""

    async def increment_many(self, increments: Sequence[Increment]) -> list[Outcome[int]]:
        await asyncio.get_running_loop().create_future()
        return []


def test_attempts_are_made_as_often_as_asked_and_no_more() -> None:
    async def use(attempts: int, failures: int) -> Any:
        clock = ManualClock()
        memory = Flaky(clock)
        memory.failures = failures
        async with Storage(memory=memory, profile="test", clock=clock, attempts=attempts) as storage:
            return (await storage.memory.at("plain").put("k", 1)).created

    assert asyncio.run(use(3, 2)) is True
    for attempts, failures in ((1, 1), (3, 3)):
        with pytest.raises(Unavailable) as caught:
            asyncio.run(use(attempts, failures))
        assert (caught.value.kind, caught.value.operation, caught.value.backend) == ("memory", "put", "reference")


def test_a_deadline_ends_what_does_not_answer_and_the_storage_still_closes() -> None:
    async def use() -> None:
        async with Storage(memory=Stuck(ManualClock()), profile="test", deadline=0.01) as storage:
            with pytest.raises(DeadlineExceeded) as caught:
                await storage.memory.at("plain").increment("k")
            assert caught.value.outcome_unknown

    asyncio.run(use())


def test_a_read_only_storage_reads_and_writes_nothing() -> None:
    async def use() -> None:
        clock = ManualClock()
        memory, blobs, index = ReferenceMemory(clock), ReferenceBlobs(clock), ReferenceObjectIndex(clock)
        async with Storage(memory=memory, object=blobs, object_index=index, profile="test", clock=clock) as storage:
            await storage.memory.at("plain").put("k", 1)
            await storage.objects.at("plain").put("k", b"x")
        async with Storage(
            memory=memory, object=blobs, object_index=index, profile="test", clock=clock, read_only=True
        ) as storage:
            notes, files = storage.memory.at("plain"), storage.objects.at("plain")
            refused: list[Awaitable[Any]] = [
                *(notes.put("k", 2), notes.delete("k"), notes.touch("k", lifetime=5), notes.increment("k")),
                *(notes.get("k", touch=5), notes.delete_prefix(), files.put("k", b"y"), files.delete("k")),
                *(files.delete_prefix(), storage.sweep()),
            ]
            for call in refused:
                with pytest.raises(AccessDenied):
                    await call
            entry = await notes.get("k")
            assert entry is not None
            assert (entry.value, await files.get("k")) == (1, b"x")
            assert not (await storage.erase("p1")).complete

    asyncio.run(use())
