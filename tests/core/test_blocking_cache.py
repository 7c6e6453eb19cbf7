"""The blocking doorway to graph and cache: loaders run with their callers, and nobody waits for one that left."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from unison_storage import Edge, InvalidValue, LeaseHeld, Node, StorageError
from unison_storage.reference.cache import ReferenceCache
from unison_storage.storage import Storage
from unison_storage.testing import ManualClock, reference_storage

DEADLINE = 10.0


def in_thread(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(work())
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test looks at it
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, found


def test_the_graph_is_walked_without_await() -> None:
    with reference_storage().blocking() as storage:
        graph = storage.graph.at("tenant-1")
        assert graph.upsert_nodes([Node("Person", "p1"), Node("Device", "d1"), Node("Skill", "s1")]) == [True] * 3
        graph.upsert_edges(
            [Edge("OWNS", ("Person", "p1"), ("Device", "d1")), Edge("ABOUT", ("Device", "d1"), ("Skill", "s1"))]
        )
        assert [found.node.id for found in graph.neighbors(("Person", "p1"))] == ["d1"]
        assert [node.id for node in graph.traverse(("Person", "p1")).nodes] == ["d1", "s1"]
        path = graph.shortest_path(("Person", "p1"), ("Skill", "s1"))
        assert path is not None
        assert path.length == 2
        assert [node.id for node in graph.find_nodes("Device")] == ["d1"]
        assert list(storage.graph.find_nodes("Device")) == []
        with pytest.raises(StorageError, match="detach"):
            graph.delete_node(("Device", "d1"))


def test_a_loader_runs_on_the_callers_thread_and_once() -> None:
    threads = []

    def load() -> str:
        threads.append(threading.current_thread())
        return "value"

    with reference_storage().blocking() as storage:
        cache = storage.cache.at("plain")
        assert [cache.get_or_compute("k", load, lifetime=60) for _ in range(3)] == ["value"] * 3
    assert threads == [threading.current_thread()]


def test_a_value_that_is_due_is_computed_anew_before_the_caller_goes_on() -> None:
    clock = ManualClock()
    values = iter(["one", "two"])
    with reference_storage(clock).blocking() as storage:
        cache = storage.cache.at("plain")
        for _ in range(2):
            assert cache.get_or_compute("k", lambda: next(values), lifetime=60, early=10) == "one"
            clock.advance(55)
        assert cache.get("k") == "two"


def test_a_function_is_cached_without_await() -> None:
    calls = []
    with reference_storage().blocking() as storage:
        cache = storage.cache.at("plain")

        @cache.cached(lifetime=60)
        def double(number: int) -> int:
            calls.append(number)
            return number * 2

        assert [double(2), double(2), double(number=3)] == [4, 4, 6]
        assert cache.get(double.key(2)) == 4
    assert calls == [2, 3]


def test_a_loader_that_raises_does_so_at_its_caller() -> None:
    with reference_storage().blocking() as storage:
        with pytest.raises(ZeroDivisionError):
            storage.cache.at("plain").get_or_compute("k", lambda: 1 // 0)
        assert storage.cache.at("plain").get_or_compute("k", lambda: 1) == 1


def test_a_loader_that_asks_for_its_own_key_is_told_and_one_that_asks_for_others_is_served() -> None:
    with reference_storage().blocking() as storage:
        cache = storage.cache.at("plain")

        def itself() -> Any:
            return cache.get_or_compute("k", itself)

        with pytest.raises(InvalidValue, match="wait for ever"):
            cache.get_or_compute("k", itself)
        assert cache.get_or_compute("a", lambda: cache.get_or_compute("b", lambda: 1) + 1) == 2


def test_threads_share_a_flight() -> None:
    release = threading.Event()
    calls = []
    with reference_storage().blocking() as storage:
        cache = storage.cache.at("plain")

        def load() -> str:
            calls.append(threading.current_thread())
            assert release.wait(DEADLINE)
            return "value"

        started = [in_thread(lambda: cache.get_or_compute("k", load)) for _ in range(5)]
        while not calls:
            assert cache.get("other") is None
        release.set()
        for thread, found in started:
            thread.join(DEADLINE)
            assert found == ["value"]
    assert len(calls) == 1


def test_a_caller_that_is_interrupted_in_its_loader_leaves_the_others_theirs() -> None:
    started, release = threading.Event(), threading.Event()
    with reference_storage().blocking() as storage:
        cache = storage.cache.at("plain")

        def interrupted() -> str:
            started.set()
            assert release.wait(DEADLINE)
            raise KeyboardInterrupt

        first, first_found = in_thread(lambda: cache.get_or_compute("k", interrupted))
        assert started.wait(DEADLINE)
        second, second_found = in_thread(lambda: cache.get_or_compute("k", lambda: "mine"))
        doorway: Any = storage.cache
        flights = doorway._inner.flights
        while flights._flying.get("plain\x1fk") is None or flights._flying["plain\x1fk"].waiters < 2:
            assert cache.get("other") is None
        release.set()
        first.join(DEADLINE)
        second.join(DEADLINE)
        assert [type(one) for one in first_found] == [KeyboardInterrupt]
        assert second_found == ["mine"]


def test_a_lease_is_held_with_with() -> None:
    with reference_storage().blocking() as storage:
        cache = storage.cache.at("plain")
        with cache.lease("job", lifetime=30) as lease:
            first = lease.fence
            lease.renew()
            with pytest.raises(LeaseHeld), cache.lease("job", lifetime=30):
                raise AssertionError
        with cache.lease("job", lifetime=30) as again:
            assert again.fence > first > 0


def test_what_a_thread_shares_with_a_loop_is_the_backend() -> None:
    clock = ManualClock()
    backend = ReferenceCache(clock)
    with Storage(cache=backend, profile="test", clock=clock).blocking() as storage:
        storage.cache.at("plain").set("k", 1)
    assert asyncio.run(backend.count("plain\x1f")) == 1
