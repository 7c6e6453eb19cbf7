"""Laws of all backends, as the cache has to keep them, and batches with one address twice."""

from __future__ import annotations

from typing import Any

from unison_storage.addresses import MAX_SEGMENTS, SEPARATOR
from unison_storage.contracts.cache import Acquire, Fill, Increment, Release, Set, Touch, filling
from unison_storage.errors import InvalidValue
from unison_storage_conformance.confusable import LONG_SEGMENT
from unison_storage_conformance.law import law
from unison_storage_conformance.laws.cache_rows import LONG, Cache, get, increment, put
from unison_storage_conformance.outcomes import holds, refuses, same, told


@law("cache.16")
async def writes_to_one_address_in_a_batch_take_effect_in_order(ground: Cache) -> None:
    a, b, tick, long_ = ground.at("a"), ground.at("b"), ground.tick, LONG * ground.tick
    sets = [Set(a, b"1", long_), Set(b, b"1", tick), Set(a, b"2", tick), Set(b, b"2", long_)]
    same(await ground.backend.set_many(sets), [None] * 4, "sets of a batch")
    same(await ground.backend.get_many([a, b, a]), [b"2", b"2", b"2"], "the last set of an address is what is there")
    await ground.pass_time(1)
    same(await ground.backend.get_many([a, b]), [None, b"2"], "the last set of an address sets the lifetime")
    adds = [Set(ground.at("n"), b"1", long_), Set(b, b"9", long_), Set(ground.at("n"), b"2", long_)]
    same(await ground.backend.add_many(adds), [True, False, False], "of two adds of one address the first writes")
    same(await get(ground, ground.at("n")), b"1", "of two adds of one address the first is there")
    by = [Increment(ground.at("c"), number, long_) for number in (1, 10, 100)]
    same(await ground.backend.increment_many(by), [1, 11, 111], "increments of one address")
    same(await ground.backend.delete_many([b, b]), [True, False], "deletes of one address")
    await put(ground, a, b"1")
    same(await ground.backend.touch_many([Touch(a, long_), Touch(a, tick)]), [True, True], "touches of one address")
    await ground.pass_time(1)
    same(await get(ground, a), None, "the last touch of an address holds")
    leases = [Acquire(a, "x", long_), Acquire(a, "y", long_), Acquire(a, "x", long_)]
    first, second, third = await ground.backend.acquire_many(leases)
    same((first is not None, second, third), (True, None, first), "acquires of one address")
    same(
        await ground.backend.release_many([Release(a, "y"), Release(a, "x"), Release(a, "x")]),
        [False, True, False],
        "releases",
    )
    await ground.backend.acquire_many([Acquire(filling(a), "x", long_)])
    fills = [Fill(a, b"1", long_, "y", None), Fill(a, b"2", long_, "x", None), Fill(a, b"3", long_, "x", b"2")]
    same(await ground.backend.fill_many(fills), [False, True, False], "fills of one address")


@law("cache.1")
async def a_batch_answers_each_item_in_its_place(ground: Cache) -> None:
    names = [f"{number:03}" for number in range(min(60, ground.limits.batch))]
    order = names[1::2] + names[::2]
    await ground.backend.set_many([Set(ground.at(name), name.encode(), LONG * ground.tick) for name in order])
    asked = [*reversed(names), "missing", names[0], names[0], "missing"]
    wanted = [*(name.encode() for name in reversed(names)), None, names[0].encode(), names[0].encode(), None]
    same(
        await ground.backend.get_many([ground.at(name) for name in asked]),
        wanted,
        "answers in the order of the addresses",
    )


@law("backend.4", on=("cache",))
async def one_bad_item_fails_no_other(ground: Cache) -> None:
    await put(ground, ground.at("text"), b"text")
    long_ = LONG * ground.tick
    for place in range(3):
        increments = [Increment(ground.at(f"{place}{number}"), 1, long_) for number in range(3)]
        increments.insert(place, Increment(ground.at("text"), 1, long_))
        sums = await ground.backend.increment_many(increments)
        refuses(sums.pop(place), InvalidValue, "an increment of text")
        same(sums, [1, 1, 1], "increments beside a bad one")
        found = await ground.backend.get_many([ground.at(f"{place}{number}") for number in range(3)])
        same(found, [b"1"] * 3, "neighbours of a bad item are written")
    same(await get(ground, ground.at("text")), b"text", "the bad item changed nothing")


@law("backend.6", on=("cache",))
async def errors_hold_no_value(ground: Cache) -> None:
    canary = b"canary-7f3a91c5"
    await put(ground, ground.at("a"), canary)
    for outcome in await ground.backend.increment_many([Increment(ground.at("a"), 1, ground.tick)]):
        refuses(outcome, InvalidValue, "an increment of text")
        holds(canary.decode() not in told(outcome), "an error holds no value", found=type(outcome).__name__)  # type: ignore[arg-type]


@law("backend.7", on=("cache",))
async def a_refusal_says_that_nothing_has_happened(ground: Cache) -> None:
    await put(ground, ground.at("a"), b"text")
    outcome: Any
    [outcome] = await ground.backend.increment_many([Increment(ground.at("a"), 1, ground.tick)])
    refuses(outcome, InvalidValue, "an increment of text")
    same((outcome.outcome_unknown, outcome.retryable), (False, False), "a refusal is sure, and for good")


@law("backend.9", on=("cache",))
async def another_client_sees_what_was_acknowledged(ground: Cache) -> None:
    other = await ground.another()
    address, long_ = ground.at("a"), LONG * ground.tick
    await put(ground, address, b"1")
    same(await other.get_many([address]), [b"1"], "another client reads what was written")
    same(await other.count(ground.root), 1, "another client counts what was written")
    await other.set_many([Set(address, b"2", long_)])
    same(await get(ground, address), b"2", "what another client has written is there")
    await other.delete_many([address])
    same(await get(ground, address), None, "what another client has deleted is gone")
    same(await increment(ground, address), 1, "an increment")
    same(await other.increment_many([Increment(address, 1, long_)]), [2], "an increment of another client")
    [fence] = await ground.backend.acquire_many([Acquire(address, "a", long_)])
    same(await other.acquire_many([Acquire(address, "b", long_)]), [None], "another client meets the lease")
    await ground.backend.release_many([Release(address, "a")])
    [later] = await other.acquire_many([Acquire(address, "b", long_)])
    holds(
        isinstance(later, int) and isinstance(fence, int) and later > fence,
        "another client's fence is greater",
        expected=f"> {fence}",
        found=later,
    )


@law("backend.11", on=("cache",))
async def the_largest_value_and_the_fullest_batch_are_taken_whole(ground: Cache) -> None:
    limits, long_ = ground.limits, LONG * ground.tick
    for size in (limits.value - 1, limits.value):
        data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
        await put(ground, ground.at("large"), data)
        found = await get(ground, ground.at("large"))
        holds(
            found == data,
            "a value as large as the limit is kept whole",
            expected=f"{size} bytes",
            found=found and f"{len(found)} bytes",
        )
    names = [f"{number:06}" for number in range(limits.batch)]
    await ground.backend.set_many([Set(ground.at("b", name), name.encode(), long_) for name in names])
    found_many = await ground.backend.get_many([ground.at("b", name) for name in names])
    same(found_many, [name.encode() for name in names], "a full batch is kept whole")
    same(await ground.backend.delete_many([ground.at("b", name) for name in names]), [True] * len(names), "and deleted")


@law("backend.11", on=("cache",))
async def the_longest_address_is_taken_whole(ground: Cache) -> None:
    own = ground.root.count(SEPARATOR) - 1
    segments = [LONG_SEGMENT] * (MAX_SEGMENTS - own)
    keys = ("k" * 1_024, "k" * 1_023 + "x", "\u20ac" * 341)
    for number, last in enumerate(keys):
        await put(ground, ground.at(*segments, last), b"%d" % number)
    found = await ground.backend.get_many([ground.at(*segments, last) for last in keys])
    same(found, [b"0", b"1", b"2"], "addresses that differ at their end alone are apart")
    same(await ground.backend.delete_prefix(ground.below(*segments)), 3, "and can be deleted")
