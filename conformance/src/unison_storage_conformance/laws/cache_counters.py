"""Laws of the cache: counters. What else is written stands in ``cache_lifetimes``."""

from __future__ import annotations

import asyncio

from unison_storage.contracts.cache import Increment
from unison_storage.errors import InvalidValue
from unison_storage.values import COUNTER_MAX, COUNTER_MIN
from unison_storage_conformance.confusable import COUNTERS, NO_COUNTERS
from unison_storage_conformance.law import law
from unison_storage_conformance.laws.cache_rows import LONG, Cache, get, increment, put
from unison_storage_conformance.outcomes import refuses, same


@law("cache.6")
async def increments_add_up(ground: Cache) -> None:
    address = ground.at("n")
    total = 0
    for by in (1, 1, 0, 40, -100, 2**31, -(2**53), 2**62, -1):
        total += by
        same(await increment(ground, address, by), total, f"a sum after {by}")
        same(await get(ground, address), b"%d" % total, "a counter is ASCII digits")
    same(await increment(ground, ground.at("zero"), 0), 0, "an increment by 0 makes a counter")
    same(await get(ground, ground.at("zero")), b"0", "a counter of 0 is there")
    same(await increment(ground, ground.at("minus"), -3), -3, "a counter starts at 0")
    for number in COUNTERS:
        place = ground.at("set", str(number))
        await put(ground, place, b"%d" % number)
        by = -1 if number > 0 else 1
        same(await increment(ground, place, by), number + by, f"{number} and {by}")
        same(await get(ground, place), b"%d" % (number + by), f"{number} and {by} are kept")


@law("cache.6")
async def an_increment_sets_the_lifetime_on_create_only(ground: Cache) -> None:
    longer, shorter, given, zero = (ground.at(name) for name in ("longer", "shorter", "given", "zero"))
    await increment(ground, longer, 1, 4)
    await increment(ground, shorter, 1, 30)
    await put(ground, given, b"1", 4)
    await put(ground, zero, b"0", 30)
    await ground.pass_time(1)
    for address in (longer, given):
        same(await increment(ground, address, 1, 30), 2, "a hit")
    same(await increment(ground, shorter, 1, 1), 2, "a hit")
    same(await increment(ground, zero, 0, 1), 0, "a hit")
    await ground.pass_time(2)
    found = await ground.backend.get_many([longer, shorter, given, zero])
    same(found, [b"2", b"2", b"2", b"0"], "a hit makes no counter live shorter")
    await ground.pass_time(1)
    found = await ground.backend.get_many([longer, shorter, given, zero])
    same(found, [None, b"2", None, b"0"], "a hit makes no counter live longer")
    same(await increment(ground, longer, 5, 2), 5, "a counter that has expired starts at 0")
    await ground.pass_time(1)
    same(await increment(ground, longer, 5, 9), 10, "a counter that started anew lives as it was told")
    await ground.pass_time(1)
    same(await get(ground, longer), None, "a counter that started anew ends as it was told")


@law("cache.7")
async def only_digits_can_be_incremented(ground: Cache) -> None:
    addresses = [ground.at(str(number)) for number in range(len(NO_COUNTERS))]
    for address, data in zip(addresses, NO_COUNTERS, strict=True):
        await put(ground, address, data, 9)
        for by in (0, 1):
            [outcome] = await ground.backend.increment_many([Increment(address, by, LONG * ground.tick)])
            refuses(outcome, InvalidValue, f"an increment of {data!r} by {by}")
    same(await ground.backend.get_many(addresses), list(NO_COUNTERS), "a refused increment changes nothing")
    await ground.pass_time(9)
    same(await ground.backend.get_many(addresses), [None] * len(addresses), "a refused increment leaves the lifetime")


@law("cache.7")
async def counters_end_at_64_bits(ground: Cache) -> None:
    for number, (start, by) in enumerate(
        ((COUNTER_MAX, 1), (COUNTER_MAX, COUNTER_MAX), (COUNTER_MIN, -1), (COUNTER_MIN, COUNTER_MIN), (1, COUNTER_MAX))
    ):
        address = ground.at(str(number))
        await put(ground, address, b"%d" % start)
        [outcome] = await ground.backend.increment_many([Increment(address, by, ground.tick)])
        refuses(outcome, InvalidValue, f"{start} and {by}")
        same(await get(ground, address), b"%d" % start, f"{start} and {by} is refused: nothing is changed")
    for number, (start, by, total) in enumerate(
        (
            (COUNTER_MAX - 1, 1, COUNTER_MAX),
            (COUNTER_MIN + 1, -1, COUNTER_MIN),
            (COUNTER_MAX, COUNTER_MIN, -1),
            (COUNTER_MIN, COUNTER_MAX, -1),
        )
    ):
        address = ground.at("to", str(number))
        await put(ground, address, b"%d" % start)
        same(await increment(ground, address, by), total, f"{start} and {by}")
        same(await get(ground, address), b"%d" % total, f"{start} and {by} are kept")
    for by in (COUNTER_MAX, COUNTER_MIN):
        same(await increment(ground, ground.at("new", str(by)), by), by, "a counter may start at an end")


@law("cache.6")
async def increments_at_once_all_count(ground: Cache) -> None:
    for round_ in range(3):
        address = ground.at(str(round_))
        ones = [ground.backend.increment_many([Increment(address, 1, LONG * ground.tick)]) for _ in range(12)]
        tens = [ground.backend.increment_many([Increment(address, 10, LONG * ground.tick)] * 2) for _ in range(6)]
        totals = [total for answer in await asyncio.gather(*ones, *tens) for total in answer]
        same(await get(ground, address), b"132", "increments at once all count")
        same(len({str(total) for total in totals}), len(totals), "each increment answers its own sum")
