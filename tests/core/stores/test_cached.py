"""Cached functions: found by function and arguments, and as functions as they were before."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unison_storage import MISSING, Cache, Cached, InvalidLifetime, InvalidValue
from unison_storage.addresses import check_key
from unison_storage.testing import ManualClock, reference_storage

CANARY = "canary-2b9c"


def on_reference(use: Any) -> None:
    async def run() -> None:
        clock = ManualClock()
        async with reference_storage(clock) as storage:
            await use(storage.cache.at("plain", "a"), clock)

    asyncio.run(run())


def test_a_call_is_computed_once_and_again_after_its_lifetime_or_a_delete() -> None:
    async def use(cache: Cache[Any], clock: ManualClock) -> None:
        calls = []

        @cache.cached(lifetime=60)
        async def add(a: int, b: int = 2) -> int:
            """Add."""
            calls.append((a, b))
            return a + b

        assert [await add(1), await add(1, 2), await add(a=1), await add(1, b=2)] == [3] * 4
        assert await add(2) == 4
        assert calls == [(1, 2), (2, 2)]
        assert await cache.get(add.key(1)) == 3
        await cache.delete(add.key(1))
        assert await add(1) == 3
        clock.advance(60)
        assert await add(1) == 3
        assert calls == [(1, 2), (2, 2), (1, 2), (1, 2)]
        assert (getattr(add, "__name__", None), add.__doc__, list(inspect.signature(add).parameters)) == (
            "add",
            "Add.",
            ["a", "b"],
        )

    on_reference(use)


def test_a_plain_function_is_awaited_too_and_callers_at_once_share_a_call() -> None:
    async def use(cache: Cache[Any], _clock: ManualClock) -> None:
        calls = []

        async def slow(a: int) -> int:
            calls.append(a)
            await asyncio.sleep(0)
            return a

        cached = cache.cached(lifetime=60)(slow)
        assert await asyncio.gather(*(cached(5) for _ in range(20))) == [5] * 20
        assert calls == [5]

    on_reference(use)


def test_arguments_that_differ_in_anything_are_kept_apart() -> None:
    async def use(cache: Cache[Any], _clock: ManualClock) -> None:
        @cache.cached(lifetime=60)
        async def seen(*given: Any, **named: Any) -> Any:
            return [list(given), named]

        singles: list[Any] = [1, 1.0, True, "1", None, "", [], {}, [1], "a", "A", "\u00e9", "e\u0301"]
        calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
            *(((value,), {}) for value in singles),
            ((), {}),
            ((1, 2), {}),
            (([1, 2],), {}),
            ((), {"a": 1}),
            ((1,), {"a": 1}),
        ]
        keys = [seen.key(*places, **named) for places, named in calls]
        assert len(set(keys)) == len(keys)
        for places, named in calls:
            assert await seen(*places, **named) == [list(places), named]

    on_reference(use)


def test_functions_are_kept_apart_by_module_and_name() -> None:
    def one(a: int) -> int:
        return a

    def two(a: int) -> int:
        return a

    assert Cached(None, one, {}).key(1) != Cached(None, two, {}).key(1)


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=3_000), st.integers(-(2**63), 2**63 - 1)
)
def test_a_key_is_a_key_and_tells_nothing_of_the_arguments(text: str, number: int) -> None:
    def function(text: str, number: int) -> None:
        raise AssertionError

    key = Cached(None, function, {}).key(f"{CANARY}{text}", number)
    assert check_key(key) == key
    assert len(key) < 200
    assert CANARY not in key


@pytest.mark.parametrize("argument", [object(), (1, (2,)), {1: 2}, float("nan"), b"bytes", {CANARY}])
def test_an_argument_that_is_no_json_is_refused_before_the_function_runs(argument: Any) -> None:
    async def use(cache: Cache[Any], _clock: ManualClock) -> None:
        @cache.cached(lifetime=60)
        async def never(given: Any) -> Any:
            raise AssertionError

        with pytest.raises(InvalidValue, match="JSON") as caught:
            await never(argument)
        assert CANARY not in str(caught.value)

    on_reference(use)


def test_wrong_arguments_are_a_type_error_as_without_a_cache() -> None:
    async def use(cache: Cache[Any], _clock: ManualClock) -> None:
        @cache.cached(lifetime=60)
        async def one(a: int) -> int:
            return a

        with pytest.raises(TypeError):
            await one()  # type: ignore[call-arg]  # what a caller may get wrong

    on_reference(use)


def test_options_are_those_of_get_or_compute() -> None:
    async def use(cache: Cache[Any], clock: ManualClock) -> None:
        @cache.cached(lifetime=60, negative=5)
        async def nothing() -> None:
            return None

        await nothing()
        clock.advance(5)
        assert await cache.get(nothing.key(), MISSING) is MISSING

        @cache.cached(lifetime=0)
        async def never() -> None:
            raise AssertionError

        with pytest.raises(InvalidLifetime):
            await never()

    on_reference(use)
