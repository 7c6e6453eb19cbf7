"""The handle of the cache: what it checks, and what it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.stores.moody import CANARY, DAY, opened
from unison_storage import (
    MISSING,
    BatchFailed,
    Cache,
    ClassificationViolation,
    InvalidConfig,
    InvalidKey,
    InvalidLifetime,
    InvalidValue,
    Keyspace,
    Storage,
    Tampered,
    TooLarge,
    UnknownKeyspace,
)
from unison_storage.contracts.cache import Set
from unison_storage.reference.cache import ReferenceCache
from unison_storage.testing import ManualClock

HIGH = 2**63 - 1

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-HIGH, HIGH)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00")),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


class Draft(msgspec.Struct):
    title: str


# ----------------------------------------------------------------------------------------------- values and lifetimes


@given(st.dictionaries(st.sampled_from("abcd"), json_values), st.sampled_from(["plain", "packed"]))
@settings(deadline=None)
def test_what_is_set_is_got_one_by_one_and_together(values: dict[str, Any], keyspace: str) -> None:
    async def use() -> None:
        async with opened() as (storage, _, _):
            cache = storage.cache.at(keyspace, "x")
            for key, value in values.items():
                await cache.set(key, value)
            assert {key: await cache.get(key, MISSING) for key in values} == values
            together = await cache.get_many([*values, "absent"], MISSING)
            assert together == {**values, "absent": MISSING}
            await storage.cache.at(keyspace, "y").set_many(values)
            assert await storage.cache.at(keyspace, "y").get_many(values) == values

    asyncio.run(use())


def test_none_is_told_from_nothing_by_missing() -> None:
    async def use() -> None:
        async with opened() as (storage, _, _):
            cache = storage.cache.at("plain")
            await cache.set("none", None)
            assert [await cache.get("none"), await cache.get("absent")] == [None, None]
            assert [await cache.get("none", MISSING), await cache.get("absent", MISSING)] == [None, MISSING]
            assert await cache.get("absent", default=5) == 5

    asyncio.run(use())


def test_a_lifetime_is_the_callers_or_the_keyspaces_and_never_longer_than_it_allows() -> None:
    async def use() -> None:
        async with opened() as (storage, _, clock):
            for keyspace, default, ceiling in (
                ("plain", 300, DAY),
                ("undeclared", 300, DAY),
                ("short", 10, 100),
                ("week", 7 * DAY, 7 * DAY),
                ("intent:cache", 300, DAY),
                ("graph:hot", 60, 3_600),
            ):
                cache = storage.cache.at(keyspace)
                await cache.set("k", 1)
                clock.advance(default - 0.000001)
                assert await cache.get("k") == 1
                clock.advance(0.000001)
                assert await cache.get("k") is None
                await cache.set("k", 1, lifetime=ceiling)
                wrong: list[Any] = [ceiling + 0.000001, None, 0, -1, "5", True, float("nan")]
                for longer in wrong:
                    with pytest.raises(InvalidLifetime):
                        await cache.set("k", 2, lifetime=longer)
                assert await cache.get("k") == 1

    asyncio.run(use())


def test_adding_touching_and_deleting_answer_what_was_there() -> None:
    async def use() -> None:
        async with opened() as (storage, _, clock):
            cache = storage.cache.at("short")
            assert [await cache.add("k", 1), await cache.add("k", 2)] == [True, False]
            clock.advance(9)
            assert await cache.touch("k", lifetime=20) is True
            clock.advance(19)
            assert await cache.get("k") == 1
            clock.advance(1)
            assert [await cache.touch("k", lifetime=20), await cache.delete("k")] == [False, False]
            assert await cache.add_many({"k": 3, "l": 4}) == {"k": True, "l": True}
            assert await cache.touch_many(["k", "m"], lifetime=5) == {"k": True, "m": False}
            assert await cache.delete_many(["k", "m"]) == {"k": True, "m": False}

    asyncio.run(use())


@pytest.mark.parametrize("keyspace", ["plain", "packed", "bytes"])
def test_counters_are_numbers_by_every_codec_and_keep_the_lifetime_of_their_first_hit(keyspace: str) -> None:
    async def use() -> None:
        async with opened() as (storage, _, clock):
            cache = storage.cache.at(keyspace)
            assert await cache.increment("n", by=5, lifetime=10) == 5
            clock.advance(9)
            assert await cache.increment("n", by=-2, lifetime=10) == 3
            assert await cache.get("n") == 3
            clock.advance(1)
            assert await cache.increment("n", lifetime=10) == 1
            assert await cache.increment_many({"n": 2, "m": 3}) == {"n": 3, "m": 3}

    asyncio.run(use())


def test_a_counter_stops_at_its_bounds_and_stays_as_it_is() -> None:
    async def use() -> None:
        async with opened() as (storage, _, _):
            cache = storage.cache.at("plain")
            for first, beyond in ((HIGH, 1), (-HIGH - 1, -1)):
                await cache.delete("n")
                assert await cache.increment("n", by=first) == first
                with pytest.raises(InvalidValue):
                    await cache.increment("n", by=beyond)
                assert await cache.get("n") == first
            for by in (1.0, "1", True, None, 2**64):
                with pytest.raises(InvalidValue):
                    await cache.increment("n", by=by)  # type: ignore[arg-type]  # what a caller may get wrong
            for value in ("5", [5], 1.5, None):
                await cache.set("v", value)
                with pytest.raises(InvalidValue):
                    await cache.increment("v")
                assert await cache.get("v", MISSING) == value

    asyncio.run(use())


@pytest.mark.parametrize(("keyspace", "value"), [("packed", 53), ("bytes", b"5"), ("bytes", b"-17")])
def test_a_value_that_looks_like_a_counter_is_none(keyspace: str, value: Any) -> None:
    async def use() -> None:
        async with opened() as (storage, _, _):
            cache = storage.cache.at(keyspace)
            await cache.set("k", value)
            with pytest.raises(InvalidValue):
                await cache.increment("k")
            assert await cache.get("k") == value

    asyncio.run(use())


def test_codecs_and_types() -> None:
    async def use() -> None:
        async with opened() as (storage, _, _):
            drafts = storage.cache.at("plain", type=Draft)
            await drafts.set("d", Draft("a"))
            assert await drafts.get("d") == Draft("a")
            assert await storage.cache.at("plain").get("d") == {"title": "a"}
            await storage.cache.at("plain").set("d", {"title": CANARY, "x": 1, "y": [CANARY]})
            await storage.cache.at("plain").set("e", [CANARY])
            with pytest.raises(InvalidValue) as caught:
                await drafts.get("e")
            assert CANARY not in str(caught.value)
            raw = storage.cache.at("bytes")
            await raw.set("k", b"\xc1\x00\xff")
            assert (await raw.get("k"), raw.codec, storage.cache.at("packed").codec) == (
                b"\xc1\x00\xff",
                "raw",
                "msgpack",
            )
            with pytest.raises(InvalidConfig):
                storage.cache.at("bytes", type=Draft)
            await storage.cache.at("packed").set("k", b"bytes")
            assert await storage.cache.at("packed").get("k") == b"bytes"

    asyncio.run(use())


@pytest.mark.parametrize(
    ("keyspace", "value"), [("plain", {1: 2}), ("plain", (1,)), ("plain", b"x"), ("packed", (1,)), ("bytes", "x")]
)
def test_a_value_outside_of_its_codec_is_refused_and_nothing_is_written(keyspace: str, value: Any) -> None:
    async def use() -> None:
        async with opened() as (storage, backend, _):
            for call in (storage.cache.at(keyspace).set, storage.cache.at(keyspace).add):
                with pytest.raises(InvalidValue):
                    await call("k", value)
            assert await backend.count("") == 0

    asyncio.run(use())


def test_a_value_over_the_limit_is_too_large() -> None:
    async def use() -> None:
        async with opened() as (storage, backend, _):
            cache = storage.cache.at("bytes")
            await cache.set("k", b"x" * cache.limit)
            with pytest.raises(TooLarge) as caught:
                await cache.set("k", b"y" * (cache.limit + 1))
            assert caught.value.limit == backend.limits.value

    asyncio.run(use())


def test_bytes_that_no_store_has_written_are_no_value() -> None:
    async def use() -> None:
        async with opened() as (storage, backend, _):
            for raw in (b"{", b"\xc1\x09", b"\xff"):
                await backend.set_many([Set("plain\x1fk", raw, 1_000_000)])
                with pytest.raises(Tampered):
                    await storage.cache.at("plain").get("k")
                with pytest.raises(BatchFailed) as caught:
                    await storage.cache.at("plain").get_many(["k", "absent"])
                assert {key: type(one) for key, one in caught.value.results.items()} == {
                    "k": Tampered,
                    "absent": type(None),
                }

    asyncio.run(use())


# ------------------------------------------------------------------------------------------------------ keys, places


def test_a_bad_key_fails_alone_in_a_batch() -> None:
    async def use() -> None:
        async with opened() as (storage, _, _):
            cache = storage.cache.at("plain")
            with pytest.raises(BatchFailed) as caught:
                await cache.set_many({"a": 1, "..": 2, "b": (1,), "c": 3})
            kinds = {key: type(one) for key, one in caught.value.results.items() if one is not None}
            assert kinds == {"..": InvalidKey, "b": InvalidValue}
            assert await cache.get_many(["a", "c"]) == {"a": 1, "c": 3}
            for call in (cache.get_many, cache.delete_many):
                with pytest.raises(BatchFailed):
                    await call(["a", "\x1f"])

    asyncio.run(use())


@pytest.mark.parametrize("key", ["", ".", "..", "a\x1fb", "\x00", "k" * 1_025, 5, None, b"k", "\ud800"])
def test_a_key_follows_the_grammar(key: Any) -> None:
    async def use() -> None:
        async with opened() as (storage, _, _):
            cache = storage.cache.at("plain")
            calls: list[Callable[[], Awaitable[Any]]] = [
                lambda: cache.get(key),
                lambda: cache.set(key, 1),
                lambda: cache.add(key, 1),
                lambda: cache.delete(key),
                lambda: cache.touch(key, lifetime=1),
                lambda: cache.increment(key),
                lambda: cache.get_or_compute(key, lambda: 1),
            ]
            for call in calls:
                with pytest.raises(InvalidKey):
                    await call()

    asyncio.run(use())


def test_places_are_apart_and_prefixes_mean_whole_segments() -> None:
    async def use() -> None:
        async with opened() as (storage, _, _):
            for place in (("plain",), ("plain", "a"), ("plain", "a", "b"), ("plain", "ab"), ("short", "a")):
                keyspace, *namespace = place
                await storage.cache.at(keyspace, *namespace).set("k", list(place))
            assert await storage.cache.at("plain", "a").get("k") == ["plain", "a"]
            assert await storage.cache.at("plain").count() == 4
            assert await storage.cache.at("plain").count("a") == 2
            assert await storage.cache.at("plain", "a").delete_prefix() == 2
            assert await storage.cache.at("plain", "ab").get("k") == ["plain", "ab"]
            assert await storage.cache.at("short", "a").get("k") == ["short", "a"]
            assert await storage.cache.at("plain").delete_prefix("ab") == 1

    asyncio.run(use())


def test_a_person_has_what_lies_in_person_scoped_keyspaces() -> None:
    async def use() -> None:
        async with opened() as (storage, _, _):
            with pytest.raises(InvalidKey, match="person"):
                storage.cache.at("own")
            for person in ("p1", "p2", "p11"):
                await storage.cache.at("own", person, "x").set("k", person)
                await storage.cache.at("context:cache", person).set("k", person)
                await storage.cache.at("plain", person).set("k", person)
            assert await storage.cache.owned("p1") == 2
            assert await storage.cache.erase("p1") == 2
            assert await storage.cache.owned("p1") == 0
            for person in ("p2", "p11"):
                assert await storage.cache.at("own", person, "x").get("k") == person
            assert await storage.cache.at("plain", "p1").get("k") == "p1"
            for wrong in ("", "a b", None):
                with pytest.raises(InvalidKey):
                    await storage.cache.erase(wrong)  # type: ignore[arg-type]  # what a caller may get wrong

    asyncio.run(use())


def test_a_keyspace_of_secrets_and_one_that_is_not_declared_are_refused() -> None:
    async def use() -> None:
        async with opened() as (storage, _, _):
            with pytest.raises(ClassificationViolation) as caught:
                storage.cache.at("secret")
            assert (caught.value.data_class, caught.value.target) == ("secret", "cache")
            assert "vault" in str(caught.value)
        strict = Storage(cache=ReferenceCache(ManualClock()), profile="production")
        async with strict:
            with pytest.raises(UnknownKeyspace, match="intent:cache"):
                strict.cache.at("intent:cach")

    asyncio.run(use())


def test_a_keyspace_may_have_a_backend_of_its_own() -> None:
    async def use() -> None:
        keyspaces = [Keyspace("mine", url="reference://", person_scoped=True)]
        shared = ReferenceCache(ManualClock())
        async with Storage(cache=shared, keyspaces=keyspaces, profile="test") as storage:
            await storage.cache.at("mine", "p1").set("k", 1)
            await storage.cache.at("other").set("k", 2)
            assert await shared.count("") == 1
            assert await storage.cache.erase("p1") == 1
        async with Storage(keyspaces=keyspaces, profile="test") as storage:
            with pytest.raises(InvalidConfig, match="'other'"):
                storage.cache.at("other")

    asyncio.run(use())


def test_a_handle_tells_what_it_is() -> None:
    async def use() -> None:
        async with opened() as (storage, _, _):
            cache: Cache[Any] = storage.cache.at("own", "p1", "x")
            assert (cache.keyspace, cache.namespace, cache.codec) == ("own", ("p1", "x"), "json")

    asyncio.run(use())
