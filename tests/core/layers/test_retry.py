from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Literal

import pytest

from unison_storage.contracts.backend import Outcome
from unison_storage.contracts.memory import Put, Rows, Written
from unison_storage.errors import InvalidValue, StorageError, Unavailable
from unison_storage.layers.retry import Patience, retry
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.testing import ManualClock
from unison_storage.values import MISSING, Missing


class Flaky(ReferenceMemory):
    """Fails as often as it is told, then works; writes what it does before it fails."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.failures: list[Callable[[], StorageError]] = []
        self.per_item: dict[str, list[StorageError]] = {}
        self.calls: list[int] = []

    async def get_many(self, addresses: Sequence[str], touch: int | Literal[Missing.MISSING] | None = MISSING) -> Rows:
        self._fail(len(addresses))
        return await super().get_many(addresses, touch)

    async def put_many(self, puts: Sequence[Put]) -> list[Outcome[Written]]:
        self._fail(len(puts))
        results = await super().put_many(puts)
        return [
            self.per_item[put.address].pop(0) if self.per_item.get(put.address) else result
            for put, result in zip(puts, results, strict=True)
        ]

    async def count(self, prefix: str) -> int:
        self._fail(1)
        return await super().count(prefix)

    def _fail(self, size: int) -> None:
        self.calls.append(size)
        if self.failures:
            error = self.failures.pop(0)()
            raise error


def down() -> StorageError:
    return Unavailable("down")


def lost() -> StorageError:
    return Unavailable("the reply was lost", outcome_unknown=True)


def flaky(attempts: int = 3) -> tuple[Flaky, Any, ManualClock]:
    clock = ManualClock()
    inner = Flaky(clock)
    return inner, retry(inner, clock, Patience(attempts=attempts)), clock


def put(key: str) -> Put:
    return Put(key, b"1", "v", None)


def test_a_passing_failure_is_tried_again_after_a_growing_wait() -> None:
    inner, layer, clock = flaky()
    inner.failures = [down, down]
    before = clock.monotonic()
    assert asyncio.run(layer.get_many(["a"])) == [None]
    assert inner.calls == [1, 1, 1]
    assert 0.075 <= clock.monotonic() - before <= 0.15


def test_patience_ends() -> None:
    inner, layer, _ = flaky(attempts=2)
    inner.failures = [down, down, down]
    with pytest.raises(Unavailable):
        asyncio.run(layer.put_many([put("a")]))
    assert inner.calls == [1, 1]


def test_a_write_with_unknown_outcome_is_never_repeated() -> None:
    inner, layer, _ = flaky()
    inner.failures = [lost]
    with pytest.raises(Unavailable):
        asyncio.run(layer.put_many([put("a")]))
    assert inner.calls == [1]


def test_a_read_with_unknown_outcome_is_repeated_unless_it_touches() -> None:
    inner, layer, _ = flaky()
    inner.failures = [lost]
    assert asyncio.run(layer.get_many(["a"])) == [None]
    inner.failures = [lost]
    with pytest.raises(Unavailable):
        asyncio.run(layer.get_many(["a"], 5))
    inner.failures = [lost]
    assert asyncio.run(layer.count("")) == 0


def test_only_the_items_that_failed_are_sent_again() -> None:
    inner, layer, _ = flaky()
    inner.per_item = {"b": [down(), down()], "c": [InvalidValue("no")], "d": [lost()]}
    results = asyncio.run(layer.put_many([put(key) for key in "abcd"]))
    assert inner.calls == [4, 1, 1]
    assert [type(result) for result in results] == [Written, Written, InvalidValue, Unavailable]


def test_what_cannot_succeed_is_not_repeated() -> None:
    inner, layer, _ = flaky()
    inner.failures = [lambda: InvalidValue("no")]
    with pytest.raises(InvalidValue):
        asyncio.run(layer.put_many([put("a")]))
    assert inner.calls == [1]


@pytest.mark.parametrize("attempt", [1, 2, 3, 10])
def test_waits_double_up_to_the_longest(attempt: int) -> None:
    patience = Patience(first=0.1, longest=0.5)
    whole = min(0.1 * 2 ** (attempt - 1), 0.5)
    assert all(whole / 2 <= patience.wait(attempt) <= whole for _ in range(100))
