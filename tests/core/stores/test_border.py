from __future__ import annotations

import asyncio
import sys
import types
from collections.abc import Sequence
from typing import Any, Literal, Self

import pytest

from unison_storage.capabilities import Limits
from unison_storage.contracts.memory import Rows
from unison_storage.errors import (
    BatchFailed,
    Closed,
    InvalidKey,
    InvalidValue,
    NotOpen,
    StorageError,
    Unavailable,
    WrongLoop,
)
from unison_storage.keyspaces import Keyspace
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.storage import Storage
from unison_storage.stores.border import Border, Route, gathered, sorted_out
from unison_storage.telemetry import Telemetry
from unison_storage.testing import ManualClock, reference_storage
from unison_storage.values import MISSING, Missing


class Counting(ReferenceMemory):
    """Takes two items at once; fails from the second statement on where it is told to."""

    limits = Limits(batch=2)
    fail_from = 99

    def __init__(self) -> None:
        super().__init__(ManualClock())
        self.batches: list[int] = []

    async def get_many(self, addresses: Sequence[str], touch: int | Literal[Missing.MISSING] | None = MISSING) -> Rows:
        self.batches.append(len(addresses))
        if len(self.batches) >= self.fail_from:
            raise Unavailable("down")
        return await super().get_many(addresses, touch)


def route(backend: ReferenceMemory, telemetry: Telemetry | None = None, *, declared: bool = True) -> Route:
    border = Border(telemetry or Telemetry())
    border.open()
    return Route(border, "memory", backend, Keyspace(name="demo"), declared=declared)


def test_a_call_is_counted_and_timed_under_its_labels() -> None:
    async def run() -> None:
        telemetry = Telemetry()
        one = route(Counting(), telemetry)
        await one.one("get", one.backend.get_many, "a")  # type: ignore[attr-defined]
        (reading,) = telemetry.readings()
        assert (reading.kind, reading.operation, reading.backend, reading.keyspace) == (
            "memory",
            "get",
            "reference",
            "demo",
        )
        assert reading.count == 1
        assert reading.nanoseconds > 0
        assert reading.errors == {}

    asyncio.run(run())


def test_undeclared_keyspaces_share_one_label() -> None:
    async def run() -> None:
        async with reference_storage() as storage:
            for number in range(5):
                await storage.memory.at(f"made-up-{number}").get("k")
            labels = {reading.keyspace for reading in storage.telemetry.readings()}
            assert labels == {"undeclared"}

    asyncio.run(run())


def test_an_error_says_where_it_happened_and_is_counted_by_class() -> None:
    async def run() -> None:
        telemetry = Telemetry()
        backend = Counting()
        backend.fail_from = 1
        one = route(backend, telemetry)
        with pytest.raises(Unavailable) as raised:
            await one.one("get", backend.get_many, "a")
        assert (raised.value.kind, raised.value.operation, raised.value.backend) == ("memory", "get", "reference")
        (reading,) = telemetry.readings()
        assert reading.errors == {"Unavailable": 1}

    asyncio.run(run())


def test_a_large_batch_is_sent_in_parts_the_backend_takes() -> None:
    async def run() -> None:
        backend = Counting()
        results = await route(backend).many("get", backend.get_many, list("abcde"))
        assert results == [None] * 5
        assert backend.batches == [2, 2, 1]

    asyncio.run(run())


def test_a_part_that_fails_hides_no_result_and_stops_the_rest() -> None:
    async def run() -> None:
        backend = Counting()
        backend.fail_from = 2
        results = await route(backend).many("get", backend.get_many, list("abcdef"))
        assert results[:2] == [None, None]
        assert all(isinstance(result, Unavailable) for result in results[2:])
        assert ["not sent" in result.message for result in results[2:]] == [False, False, True, True]
        assert backend.batches == [2, 2]

    asyncio.run(run())


def test_a_backend_that_answers_too_little_is_an_error_of_the_tree() -> None:
    async def nothing(_items: Sequence[str]) -> list[Any]:
        return []

    async def run() -> None:
        with pytest.raises(StorageError, match="0 results for 1 item"):
            await route(Counting()).one("get", nothing, "a")

    asyncio.run(run())


def test_only_the_loop_that_opened_it_may_call() -> None:
    border = Border(Telemetry())

    async def check() -> None:
        border.check()

    with pytest.raises(NotOpen):
        asyncio.run(check())

    async def open_it() -> None:
        border.open()
        border.check()

    asyncio.run(open_it())
    with pytest.raises(WrongLoop):
        asyncio.run(check())
    border.close()
    with pytest.raises(Closed):
        asyncio.run(check())


def test_gathered_returns_all_or_raises_with_all() -> None:
    assert gathered({"a": 1}) == {"a": 1}
    error = Unavailable("down", outcome_unknown=True)
    with pytest.raises(BatchFailed) as raised:
        gathered({"a": 1, "b": error})
    assert raised.value.results == {"a": 1, "b": error}
    assert raised.value.retryable
    assert raised.value.outcome_unknown
    with pytest.raises(BatchFailed) as raised:
        gathered({"a": InvalidKey("no"), "b": error})
    assert not raised.value.retryable


def test_sorted_out_lets_neighbours_go_on() -> None:
    def make(key: str) -> int:
        if key == "bad":
            raise InvalidValue("no")
        return len(key)

    made, refused = sorted_out(["a", "bad", "ccc"], make)
    assert made == {"a": 1, "ccc": 3}
    assert set(refused) == {"bad"}


class Span:
    """What OpenTelemetry gives for a span, as far as it is used."""

    def __init__(self, name: str, spans: list[Span]) -> None:
        self.name = name
        self.attributes: dict[str, str] = {}
        spans.append(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        return None

    def set_attribute(self, name: str, value: str) -> None:
        self.attributes[name] = value


def test_spans_are_made_where_a_provider_is_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    spans: list[Span] = []

    class Tracer:
        def start_as_current_span(self, name: str) -> Span:
            return Span(name, spans)

    class Provider:
        def get_tracer(self, _name: str) -> Tracer:
            return Tracer()

    api: Any = types.ModuleType("opentelemetry.trace")
    api.get_tracer_provider = Provider
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", api)

    async def run() -> None:
        async with reference_storage() as storage:
            notes = storage.memory.at("session", "person-1")
            await notes.put("k", 1)
            assert await notes.get_many(["k"])
            with pytest.raises(StorageError):
                await notes.put("k", 2, expect="no-such-version")

    asyncio.run(run())
    assert [span.name for span in spans] == ["memory.put", "memory.get_many", "memory.put"]
    assert spans[0].attributes == {
        "unison_storage.kind": "memory",
        "unison_storage.operation": "put",
        "unison_storage.backend": "reference",
        "unison_storage.keyspace": "session",
    }
    assert "person-1" not in repr([span.attributes for span in spans])


def test_a_storage_without_a_provider_makes_no_spans() -> None:
    async def run() -> Storage:
        async with reference_storage() as storage:
            await storage.memory.at("session", "person-1").put("k", 1)
            assert storage._border.tracer is None
        return storage

    asyncio.run(run())
