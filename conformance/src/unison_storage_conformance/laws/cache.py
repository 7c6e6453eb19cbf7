"""Laws of the cache: values, and what is not there any more. Names and prefixes stand in ``cache_names``."""

from __future__ import annotations

from unison_storage.contracts.cache import Set, Touch
from unison_storage_conformance.confusable import BYTES
from unison_storage_conformance.law import law
from unison_storage_conformance.laws.cache_rows import LONG, Cache, add, get, increment, put
from unison_storage_conformance.outcomes import same


@law("cache.1")
async def values_come_back_byte_for_byte(ground: Cache) -> None:
    addresses = [ground.at("value", str(number)) for number in range(len(BYTES))]
    for address, data in zip(addresses, BYTES, strict=True):
        await put(ground, address, data)
    for address, data in zip(addresses, BYTES, strict=True):
        same(await get(ground, address), data, "a value comes back as it was written")
    same(await ground.backend.get_many(addresses), list(BYTES), "values of a batch, in its order")
    for address, data in zip(addresses, BYTES, strict=True):
        same(await ground.backend.add_many([Set(address, b"other", ground.tick)]), [False], f"{data!r} is something")
        same(await get(ground, address), data, "a refused add leaves the value")
        same(await ground.backend.touch_many([Touch(address, LONG * ground.tick)]), [True], f"a touch of {data!r}")
        same(await get(ground, address), data, "a touch leaves the value")
    same(await ground.backend.count(ground.below("value")), len(BYTES), "every value is counted")
    same(await ground.backend.delete_many(addresses), [True] * len(BYTES), "every value is deleted")
    same(await ground.backend.get_many(addresses), [None] * len(BYTES), "what was deleted is gone")


@law("cache.1")
async def added_values_come_back_byte_for_byte(ground: Cache) -> None:
    addresses = [ground.at("value", str(number)) for number in range(len(BYTES))]
    for address, data in zip(addresses, BYTES, strict=True):
        same(await add(ground, address, data), True, "an add where nothing is")
    same(await ground.backend.get_many(addresses), list(BYTES), "what was added comes back as it was written")


@law("cache.1")
async def each_value_replaces_each_other(ground: Cache) -> None:
    address = ground.at("a")
    for data in (b"1", b"2", b"", b"0", b"22", b"2", b"x" * 5_000, b"y" * 5_000, b"z", b"\x00"):
        await put(ground, address, data)
        same(await get(ground, address), data, "the last set is what is there")
        same(await ground.backend.count(ground.root), 1, "a set over an entry makes no second one")
    same(await ground.backend.delete_many([address]), [True], "a delete")
    same(await get(ground, address), None, "nothing older comes back after a delete")


@law("cache.1")
async def what_is_missing_is_none(ground: Cache) -> None:
    same(await ground.backend.get_many([ground.at("a"), ground.at("a", "b")]), [None, None], "a get of nothing")
    await put(ground, ground.at("a", "b"))
    same(await get(ground, ground.at("a")), None, "what lies below is not what is at an address")
    await put(ground, ground.at("c"))
    same(await get(ground, ground.at("c", "d")), None, "what lies above is not what is at an address")


@law("cache.1")
async def a_miss_is_not_remembered(ground: Cache) -> None:
    for write in ("set", "add", "increment"):
        address = ground.at(write)
        same(await get(ground, address), None, "a get of nothing")
        if write == "set":
            await put(ground, address, b"5")
        elif write == "add":
            await add(ground, address, b"5")
        else:
            await increment(ground, address, 5)
        same(await get(ground, address), b"5", f"a {write} is seen after a miss")
        await ground.backend.delete_many([address])
        same(await get(ground, address), None, "a delete is seen after a hit")


@law("cache.1")
async def nothing_expired_is_met(ground: Cache) -> None:
    backend, tick = ground.backend, ground.tick
    short, long_ = ground.at("e", "short"), ground.at("e", "long")
    await put(ground, short, b"5", 1)
    await put(ground, long_, b"5", 10)
    same(await backend.get_many([short, long_]), [b"5", b"5"], "both are there at first")
    await ground.pass_time(1)
    same(await backend.get_many([short, long_]), [None, b"5"], "what has expired is not there for a get")
    same(await backend.count(ground.below("e")), 1, "what has expired is not counted")
    same(await backend.touch_many([Touch(short, LONG * tick)]), [False], "what has expired can't be touched")
    same(await get(ground, short), None, "a touch brings nothing back")
    same(await backend.count(ground.below("e")), 1, "a touch brings nothing back to be counted")
    same(await backend.delete_many([short, long_]), [False, True], "what has expired can't be deleted")
    for name in ("a", "b"):
        await put(ground, ground.at("p", name), b"", 1 if name == "a" else 10)
    await ground.pass_time(1)
    same(await backend.delete_prefix(ground.below("p")), 1, "deleting below a prefix counts nothing expired")


@law("cache.1")
async def every_way_to_write_gives_a_lifetime(ground: Cache) -> None:
    names = ("set", "added", "counted", "touched")
    addresses = [ground.at(name) for name in names]
    await put(ground, addresses[0], b"1", 1)
    await add(ground, addresses[1], b"1", 1)
    await increment(ground, addresses[2], 1, 1)
    await put(ground, addresses[3], b"1", 9)
    await ground.backend.touch_many([Touch(addresses[3], ground.tick)])
    same(await ground.backend.get_many(addresses), [b"1"] * 4, "all are there at first")
    await ground.pass_time(1)
    for name, found in zip(names, await ground.backend.get_many(addresses), strict=True):
        same(found, None, f"what was {name} is gone when its lifetime has passed")


@law("cache.1")
async def nothing_expires_early(ground: Cache) -> None:
    if ground.slack:
        await put(ground, ground.at("a"), b"1", 10)
        await ground.pass_time(5)
        same(await get(ground, ground.at("a")), b"1", "nothing expires early")
        return
    for number, lifetime in enumerate((1, 10, 999, 1_000, 1_001, 1_999_999)):
        address = ground.at(str(number))
        await ground.backend.set_many([Set(address, b"1", lifetime)])
        same(await get(ground, address), b"1", f"a lifetime of {lifetime} µs has begun")
        if ground.limits.lifetime_resolution > 0.000_001:
            continue
        await ground.pass_time((lifetime - 1) / ground.tick)
        same(await get(ground, address), b"1", f"an entry lives to the end of its {lifetime} µs")
        await ground.pass_time(1 / ground.tick)
        same(await get(ground, address), None, f"an entry is gone when its {lifetime} µs have passed")
