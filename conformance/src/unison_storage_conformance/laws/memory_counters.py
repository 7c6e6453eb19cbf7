"""Laws of memory: counters. What else is written stands in ``memory_conditions``."""

from __future__ import annotations

import asyncio

from unison_storage.contracts.memory import Increment, MemoryBackend
from unison_storage.errors import InvalidValue
from unison_storage.values import COUNTER_MAX, COUNTER_MIN
from unison_storage_conformance.confusable import (
    COUNTERS,
    NO_COUNTERS,
)
from unison_storage_conformance.ground import Ground, near
from unison_storage_conformance.law import law
from unison_storage_conformance.laws.memory_rows import get, put, unchanged
from unison_storage_conformance.outcomes import refuses, same

Memory = Ground[MemoryBackend]


@law("memory.11")
async def increments_add_up(ground: Memory) -> None:
    address = ground.at("n")
    total = 0
    for by in (1, 1, 0, 40, -100, 2**31, -(2**53), 2**62, -1):
        total += by
        version = ground.mint()
        same(await ground.backend.increment_many([Increment(address, by, version, None)]), [total], f"a sum after {by}")
        row = await get(ground, address)
        same(
            (row.value, row.version) if row else None,
            (b"%d" % total, version),
            "a counter is ASCII digits, with a version",
        )
    for number in COUNTERS:
        place = ground.at("set", str(number))
        await put(ground, place, b"%d" % number)
        by = -1 if number > 0 else 1
        same(
            await ground.backend.increment_many([Increment(place, by, ground.mint(), None)]),
            [number + by],
            f"{number} and {by}",
        )


@law("memory.11")
async def an_increment_sets_lifetime_and_person_on_create_only(ground: Memory) -> None:
    tick, own, other = ground.tick, ground.person(1), ground.person(2)
    address = ground.at("n")
    now = await ground.now()
    await ground.backend.increment_many([Increment(address, 1, ground.mint(), 5 * tick, own)])
    row = await get(ground, address)
    near(ground, row.expires if row else 0, now + 5 * tick, "an increment that makes a counter sets its lifetime")
    same(row and row.person, own, "an increment that makes a counter sets its person")
    for lifetime, person in ((9 * tick, None), (None, other), (tick, own)):
        same(
            await ground.backend.increment_many([Increment(address, 1, ground.mint(), lifetime, person)]),
            [row and int(row.value) + 1],
            "an increment",
        )
        after = await get(ground, address)
        same(
            (after.expires, after.person, after.created) if after else None,
            (row.expires, row.person, row.created) if row else None,
            "an increment of what is there leaves expiry, person and creation",
        )
        row = after
    await ground.pass_time(5)
    same(await get(ground, address), None, "increments do not make a counter live longer")
    await put(ground, ground.at("ever"), b"1")
    await ground.backend.increment_many([Increment(ground.at("ever"), 1, ground.mint(), tick)])
    row = await get(ground, ground.at("ever"))
    same(row and row.expires, None, "an increment does not bound what lives for ever")


@law("memory.11")
async def increments_at_once_all_count(ground: Memory) -> None:
    for round_ in range(3):
        address = ground.at(str(round_))
        one = [ground.backend.increment_many([Increment(address, 1, ground.mint(), None)]) for _ in range(12)]
        ten = [
            ground.backend.increment_many([Increment(address, 10, ground.mint(), None) for _ in range(2)])
            for _ in range(6)
        ]
        answers = await asyncio.gather(*one, *ten)
        totals = [total for answer in answers for total in answer]
        row = await get(ground, address)
        same(row and row.value, b"132", "increments at once all count")
        same(len(set(totals)), len(totals), "each increment answers its own sum")
        same(max(totals), 132, "the greatest sum is that of all")  # type: ignore[type-var]


@law("memory.12")
async def only_digits_can_be_incremented(ground: Memory) -> None:
    for number, data in enumerate(NO_COUNTERS):
        address = ground.at(str(number))
        await put(ground, address, data, 9 * ground.tick)
        before = await get(ground, address)
        [outcome] = await ground.backend.increment_many([Increment(address, 1, ground.mint(), None)])
        refuses(outcome, InvalidValue, f"an increment of {data!r}")
        await unchanged(ground, address, before, f"an increment of {data!r} is refused")


@law("memory.12")
async def counters_end_at_64_bits(ground: Memory) -> None:
    cases = [
        (COUNTER_MAX, 1),
        (COUNTER_MAX, COUNTER_MAX),
        (COUNTER_MIN, -1),
        (COUNTER_MIN, COUNTER_MIN),
        (1, COUNTER_MAX),
        (-2, COUNTER_MIN),
    ]
    for number, (start, by) in enumerate(cases):
        address = ground.at(str(number))
        await put(ground, address, b"%d" % start)
        before = await get(ground, address)
        [outcome] = await ground.backend.increment_many([Increment(address, by, ground.mint(), None)])
        refuses(outcome, InvalidValue, f"{start} and {by}")
        await unchanged(ground, address, before, f"{start} and {by} is refused")
    for number, (start, by, total) in enumerate(
        ((COUNTER_MAX - 1, 1, COUNTER_MAX), (COUNTER_MIN + 1, -1, COUNTER_MIN), (COUNTER_MAX, COUNTER_MIN, -1))
    ):
        address = ground.at("to", str(number))
        await put(ground, address, b"%d" % start)
        same(
            await ground.backend.increment_many([Increment(address, by, ground.mint(), None)]),
            [total],
            f"{start} and {by}",
        )
