"""Laws of the cache: sets, adds and touches, and how long entries live. Counters stand in ``cache_counters``."""

from __future__ import annotations

import asyncio

from unison_storage.contracts.cache import Set, Touch
from unison_storage_conformance.law import law
from unison_storage_conformance.laws.cache_rows import LONG, Cache, add, get, put
from unison_storage_conformance.outcomes import same


@law("cache.3")
async def a_set_replaces_the_lifetime(ground: Cache) -> None:
    longer, shorter, equal, again = (ground.at(name) for name in ("longer", "shorter", "equal", "again"))
    for address, first, second in ((longer, 2, 9), (shorter, 9, 2), (equal, 3, 3), (again, 1, 9)):
        await put(ground, address, b"1", first)
        await ground.pass_time(0.5)
        await put(ground, address, b"1" if address is equal else b"2", second)
    await ground.pass_time(2)
    # 2 ticks for what was set last, 2.5, 3 and 3.5 for the others
    found = await ground.backend.get_many([longer, shorter, again])
    same(found, [b"2", None, b"2"], "a set makes a lifetime longer or shorter")


@law("cache.3")
async def a_set_of_the_same_value_replaces_the_lifetime(ground: Cache) -> None:
    address = ground.at("a")
    await put(ground, address, b"1", 2)
    await ground.pass_time(1)
    await put(ground, address, b"1", 20)
    await ground.pass_time(3)
    same(await get(ground, address), b"1", "a set of the same value counts from its own time")
    await put(ground, address, b"1", 1)
    await ground.pass_time(1)
    same(await get(ground, address), None, "a set of the same value makes the lifetime shorter")


@law("cache.3")
async def lifetimes_of_every_length_are_taken(ground: Cache) -> None:
    second = 1_000_000
    for number, lifetime in enumerate((2**31 * 1_000, 30 * 86_400 * second, 31 * 86_400 * second, 2**31 * second)):
        address = ground.at(str(number))
        same(await ground.backend.set_many([Set(address, b"1", lifetime)]), [None], f"a lifetime of {lifetime} µs")
        same(await get(ground, address), b"1", f"a lifetime of {lifetime // second} s is no lifetime of nothing")
        same(await ground.backend.touch_many([Touch(address, lifetime)]), [True], f"a touch of {lifetime} µs")
        same(await get(ground, address), b"1", f"what lives {lifetime // second} s after a touch is there")


@law("cache.4")
async def an_add_writes_where_nothing_is(ground: Cache) -> None:
    address = ground.at("a")
    same(await add(ground, address, b"1", 9), True, "an add where nothing is")
    same(await add(ground, address, b"2", 1), False, "an add where something is")
    same(await get(ground, address), b"1", "a refused add changes nothing")
    await ground.pass_time(2)
    same(await get(ground, address), b"1", "a refused add leaves the lifetime")
    same(await add(ground, address, b"1", 100), False, "an add of the value that is there")
    await ground.pass_time(7)
    same(await get(ground, address), None, "a refused add makes nothing live longer")
    same(await add(ground, address, b"3", 2), True, "an add over what has expired")
    same(await get(ground, address), b"3", "an add over what has expired writes")
    same(await ground.backend.count(ground.root), 1, "what was added over something expired is counted")
    await ground.pass_time(2)
    same(await get(ground, address), None, "an add over what has expired sets its own lifetime")
    await put(ground, address, b"4")
    await ground.backend.delete_many([address])
    same(await add(ground, address, b""), True, "an add of an empty value after a delete")
    same(await add(ground, address, b"5"), False, "an add where an empty value is")


@law("cache.5")
async def a_touch_sets_the_lifetime_alone(ground: Cache) -> None:
    tick = ground.tick
    longer, shorter, left = (ground.at(name) for name in ("longer", "shorter", "left"))
    for address, ticks in ((longer, 2), (shorter, 50), (left, 2)):
        await put(ground, address, b"value", ticks)
    await ground.pass_time(1)
    touches = [Touch(longer, 9 * tick), Touch(ground.at("none"), tick), Touch(shorter, 2 * tick)]
    same(await ground.backend.touch_many(touches), [True, False, True], "a touch answers whether something was there")
    same(await ground.backend.get_many([longer, shorter, left]), [b"value"] * 3, "a touch leaves the value")
    same(await get(ground, ground.at("none")), None, "a touch makes nothing")
    same(await ground.backend.count(ground.root), 3, "a touch makes nothing that is counted")
    await ground.pass_time(2)
    found = await ground.backend.get_many([longer, shorter, left])
    same(found, [b"value", None, None], "a touch makes a lifetime longer or shorter, counted from now")
    await ground.pass_time(7)
    same(await get(ground, longer), None, "a touch replaces what was left of a lifetime, it adds nothing to it")


@law("cache.5")
async def a_get_is_no_touch(ground: Cache) -> None:
    address = ground.at("a")
    await put(ground, address, b"1", 4)
    for _ in range(2):
        await ground.pass_time(1.5)
        same(await get(ground, address), b"1", "a get finds the entry")
        same(await ground.backend.count(ground.root), 1, "a count finds the entry")
    await ground.pass_time(1)
    same(await get(ground, address), None, "a get does not make an entry live longer")


@law("cache.4")
async def of_many_adds_at_once_one_writes(ground: Cache) -> None:
    for round_ in range(6):
        address = ground.at(str(round_))
        adds = [[Set(address, b"%d" % number, LONG * ground.tick)] for number in range(8)]
        answers = await asyncio.gather(*(ground.backend.add_many(one) for one in adds))
        won = [one.value for [one], answer in zip(adds, answers, strict=True) if answer == [True]]
        same(len(won), 1, "of adds at once one writes")
        same(await get(ground, address), won[0], "what was added is what is there")
