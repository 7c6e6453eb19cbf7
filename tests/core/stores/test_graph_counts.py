"""The gauges of a graph: counted at most once a minute, over all spaces."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from unison_storage.contracts.graph import Space
from unison_storage.errors import Unavailable
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.storage import Storage
from unison_storage.stores.graph_counts import AGE
from unison_storage.testing import ManualClock
from unison_storage.values import Edge, GraphStats, Node


class Counted(ReferenceGraph):
    """Writes down how often it is counted; takes a while over it, and fails where it is told to."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.counted: list[Space | None] = []
        self.down = False

    async def stats(self, space: Space | None) -> GraphStats:
        self.counted.append(space)
        await asyncio.sleep(0)
        if self.down:
            raise Unavailable("down")
        return await super().stats(space)


def run(test: Callable[[Storage, Counted, ManualClock], Awaitable[None]]) -> None:
    async def opened() -> None:
        clock = ManualClock()
        backend = Counted(clock)
        async with Storage(graph=backend, profile="test", clock=clock) as storage:
            await test(storage, backend, clock)

    asyncio.run(opened())


def gauges(storage: Storage) -> dict[str, float]:
    found = {(name, kind, backend): value for name, kind, backend, value in storage.telemetry.gauges()}
    return {name: found[name, "graph", "reference"] for name in ("graph_nodes", "graph_edges")}


async def grow(storage: Storage) -> None:
    """Make two nodes and two edges in each of three spaces, all with the same names."""
    for graph in (storage.graph, storage.graph.at("a"), storage.graph.at("a", "b")):
        await graph.upsert_nodes([Node("Person", "p1"), Node("Skill", "s1")])
        ends = (("Person", "p1"), ("Skill", "s1"))
        await graph.upsert_edges([Edge("OWNS", *ends), Edge("ABOUT", *ends)])


def test_nothing_is_counted_until_somebody_measures() -> None:
    async def test(storage: Storage, backend: Counted, clock: ManualClock) -> None:
        await grow(storage)
        clock.advance(10 * AGE)
        assert gauges(storage) == {"graph_nodes": 0.0, "graph_edges": 0.0}
        assert backend.counted == []

    run(test)


def test_what_is_counted_is_all_spaces_together() -> None:
    async def test(storage: Storage, backend: Counted, clock: ManualClock) -> None:
        await grow(storage)
        await storage.measure()
        assert gauges(storage) == {"graph_nodes": 6.0, "graph_edges": 6.0}
        assert backend.counted == [None]

    run(test)


def test_a_count_is_good_for_a_minute_and_no_longer() -> None:
    async def test(storage: Storage, backend: Counted, clock: ManualClock) -> None:
        await storage.measure()
        await grow(storage)
        for step in (0.0, AGE / 2, AGE / 2 - 0.000_001):
            clock.advance(step)
            await storage.measure()
            assert gauges(storage) == {"graph_nodes": 0.0, "graph_edges": 0.0}
        assert len(backend.counted) == 1
        clock.advance(0.000_001)
        await storage.measure()
        await storage.measure()
        assert gauges(storage) == {"graph_nodes": 6.0, "graph_edges": 6.0}
        assert len(backend.counted) == 2

    run(test)


def test_reading_a_gauge_counts_nothing() -> None:
    async def test(storage: Storage, backend: Counted, clock: ManualClock) -> None:
        await storage.measure()
        for _ in range(9):
            clock.advance(AGE)
            gauges(storage)
        assert len(backend.counted) == 1

    run(test)


def test_scrapes_at_once_count_once() -> None:
    async def test(storage: Storage, backend: Counted, clock: ManualClock) -> None:
        await grow(storage)
        await asyncio.gather(*(storage.measure() for _ in range(5)))
        assert gauges(storage) == {"graph_nodes": 6.0, "graph_edges": 6.0}
        assert len(backend.counted) == 1, "counting may read the whole graph: once a minute, however many ask"

    run(test)


def test_a_count_that_failed_keeps_the_last_one_and_is_tried_again_a_minute_later() -> None:
    async def test(storage: Storage, backend: Counted, clock: ManualClock) -> None:
        await grow(storage)
        await storage.measure()
        clock.advance(AGE)
        backend.down = True
        with pytest.raises(Unavailable) as raised:
            await storage.measure()
        assert (raised.value.kind, raised.value.operation) == ("graph", "stats")
        assert gauges(storage) == {"graph_nodes": 6.0, "graph_edges": 6.0}
        backend.down = False
        await storage.graph.clear()
        await storage.measure()
        assert len(backend.counted) == 2, "a graph in trouble is not asked at every scrape"
        clock.advance(AGE)
        await storage.measure()
        assert gauges(storage) == {"graph_nodes": 4.0, "graph_edges": 4.0}

    run(test)


def test_a_storage_without_a_graph_has_nothing_to_measure() -> None:
    async def test() -> None:
        async with Storage(profile="test") as storage:
            await storage.measure()
            assert not [name for name, *_ in storage.telemetry.gauges() if name.startswith("graph")]

    asyncio.run(test())
