"""Telemetry: every call is counted once, in the right bucket, under labels that name nobody."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from unison_storage import InvalidKey, Keyspace, Node, VersionConflict
from unison_storage.errors import NotFound
from unison_storage.telemetry import BUCKETS, Meter, Reading, Telemetry
from unison_storage.testing import reference_storage

CANARY = "canary-7f3a"


@given(durations=st.lists(st.integers(0, 2**45), max_size=30))
@settings(deadline=None, max_examples=100)
@example([0, 1, 2, 3, 4, 2**39 - 1, 2**39, 2**40, 2**60])
def test_each_call_falls_into_the_smallest_bucket_that_holds_it(durations: list[int]) -> None:
    meter = Meter()
    expected: Counter[int] = Counter()
    for duration in durations:
        meter.done(duration)
        expected[next((n for n in range(BUCKETS) if duration < 2**n), BUCKETS - 1)] += 1
    assert meter.buckets == [expected[n] for n in range(BUCKETS)]
    assert sum(meter.buckets) == len(durations)
    assert meter.nanoseconds == sum(durations)


def test_an_error_is_counted_by_its_class_and_is_not_a_call_more() -> None:
    meter = Meter()
    for error in (NotFound(CANARY), NotFound("b"), VersionConflict("c"), ValueError(CANARY)):
        meter.failed(error)
    assert meter.errors == {"NotFound": 2, "VersionConflict": 1, "ValueError": 1}
    assert sum(meter.buckets) == 0


labels = st.tuples(*[st.sampled_from(["a", "b"])] * 4)


@given(calls=st.lists(st.tuples(labels, st.integers(0, 100)), max_size=20))
@settings(deadline=None, max_examples=100)
def test_a_reading_sums_up_what_was_counted_under_its_labels(
    calls: list[tuple[tuple[str, str, str, str], int]],
) -> None:
    telemetry = Telemetry()
    for call, duration in calls:
        telemetry.meter(*call).done(duration)
    readings = {(one.kind, one.operation, one.backend, one.keyspace): one for one in telemetry.readings()}
    counts = Counter(call for call, _ in calls)
    assert {call: one.count for call, one in readings.items()} == dict(counts)
    assert sum(one.nanoseconds for one in readings.values()) == sum(duration for _, duration in calls)


def test_a_reading_stands_still() -> None:
    telemetry = Telemetry()
    meter = telemetry.meter("memory", "get", "reference", "session")
    meter.done(5)
    meter.failed(NotFound("m"))
    (before,) = telemetry.readings()
    meter.done(5)
    meter.failed(NotFound("m"))
    assert (before.count, before.nanoseconds, before.errors) == (1, 5, {"NotFound": 1})
    assert telemetry.meter("memory", "get", "reference", "session") is meter


def test_gauges_are_read_when_they_are_asked_for() -> None:
    telemetry = Telemetry()
    level = [1.0]
    telemetry.gauge("pool", "memory", "postgres", lambda: level[0])
    assert list(telemetry.gauges()) == [("pool", "memory", "postgres", 1.0)]
    level[0] = 2.0
    assert list(telemetry.gauges()) == [("pool", "memory", "postgres", 2.0)]
    telemetry.gauge("pool", "memory", "postgres", lambda: 3.0)
    assert list(telemetry.gauges()) == [("pool", "memory", "postgres", 3.0)]


def used() -> list[Reading]:
    async def use() -> list[Reading]:
        storage = reference_storage(keyspaces=[Keyspace(name="declared")])
        async with storage:
            for keyspace in ("declared", f"made-up:{CANARY}", "made-up:2"):
                notes = storage.memory.at(keyspace, CANARY, person=CANARY)
                stamp = await notes.put(CANARY, CANARY)
                await notes.get(CANARY)
                with pytest.raises(VersionConflict):
                    await notes.put(CANARY, 1, expect=f"{stamp.version}0")
                with pytest.raises(InvalidKey):
                    await notes.get(f"{CANARY}\x00")
                files = storage.objects.at(keyspace, CANARY, person=CANARY)
                await files.put(CANARY, CANARY.encode())
                await files.get(CANARY)
                await storage.cache.at(keyspace, CANARY).get_or_compute(CANARY, lambda: CANARY)
            await storage.graph.at(CANARY).upsert_node(Node("Person", CANARY, person=CANARY))
            await storage.erase(CANARY)
            await storage.sweep()
        assert CANARY not in repr((storage.telemetry.counters, list(storage.telemetry.gauges())))
        return list(storage.telemetry.readings())

    return asyncio.run(use())


def test_no_label_tells_whose_data_it_is_or_where_it_lies() -> None:
    readings = used()
    assert CANARY not in repr(readings)
    # a person is erased from the cache keyspace by keyspace
    scoped = {"session", "ui:session", "transcripts", "context:cache"}
    assert {one.keyspace for one in readings} == {"declared", "undeclared", "all", *scoped}


def test_calls_of_a_store_are_counted_once_and_refusals_before_the_backend_are_not() -> None:
    counts: dict[Any, Any] = {(one.operation, one.keyspace): one for one in used() if one.kind == "memory"}
    assert counts["put", "declared"].count == 2
    assert counts["put", "undeclared"].count == 4
    assert counts["put", "declared"].errors == {"VersionConflict": 1}
    assert counts["get", "declared"].count == 1
    assert counts["erase", "all"].count == 1
