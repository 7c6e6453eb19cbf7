"""Laws of the cache: which addresses are two, deletes, and what lies below a prefix. Values stand in ``cache``."""

from __future__ import annotations

from unison_storage.contracts.cache import Acquire, Increment, Set, filling
from unison_storage_conformance.confusable import LONG_KEYS, NAMES, NAMESPACES, PAIRS, SPLITS, WIDE_KEY
from unison_storage_conformance.law import law
from unison_storage_conformance.laws.cache_rows import LONG, Cache, add, get, increment, put
from unison_storage_conformance.outcomes import holds, same


@law("cache.2")
async def confusable_keys_are_two(ground: Cache) -> None:
    for number, (one, other) in enumerate((*PAIRS, *LONG_KEYS, (WIDE_KEY, WIDE_KEY[:-1]))):
        place = str(number)
        for name, there, missing in ((one, b"one", other), (other, b"other", one)):
            await put(ground, ground.at(place, name), there)
            if name is one:
                same(await get(ground, ground.at(place, missing)), None, f"{missing!r} is not {name!r}")
        found = await ground.backend.get_many([ground.at(place, one), ground.at(place, other)])
        same(found, [b"one", b"other"], f"{one!r} and {other!r} are two")
        same(await ground.backend.count(ground.below(place)), 2, f"{one!r} and {other!r} are counted as two")
        same(await ground.backend.delete_many([ground.at(place, one)]), [True], f"{one!r} is deleted")
        same(await get(ground, ground.at(place, other)), b"other", f"a delete of {one!r} leaves {other!r}")


@law("cache.2")
async def confusable_segments_are_two(ground: Cache) -> None:
    for number, (one, other) in enumerate(PAIRS):
        place = str(number)
        await put(ground, ground.at(place, one, "k"), b"one")
        same(await get(ground, ground.at(place, other, "k")), None, f"segment {other!r} is not {one!r}")
        same(await add(ground, ground.at(place, other, "k"), b"other"), True, f"an add below {other!r}")
        for segment in (one, other):
            same(await ground.backend.count(ground.below(place, segment)), 1, f"one entry lies below {segment!r}")
        same(await ground.backend.delete_prefix(ground.below(place, other)), 1, f"below {other!r} is deleted")
        same(await get(ground, ground.at(place, one, "k")), b"one", f"deleting below {other!r} leaves {one!r}")


@law("cache.2")
async def segments_and_keys_are_joined_with_care(ground: Cache) -> None:
    for number, (one, other) in enumerate(SPLITS):
        place = str(number)
        await put(ground, ground.at(place, *one), b"one")
        same(await get(ground, ground.at(place, *other)), None, f"{other!r} is not {one!r}")
        await put(ground, ground.at(place, *other), b"other")
        same(await get(ground, ground.at(place, *one)), b"one", f"{one!r} and {other!r} are two")


@law("cache.2")
async def names_of_all_sorts_are_apart_for_counters_and_leases(ground: Cache) -> None:
    for number, name in enumerate(NAMES):
        same(await increment(ground, ground.at("n", name), number), number, f"the counter {name!r} is new")
    found = await ground.backend.get_many([ground.at("n", name) for name in NAMES])
    same(found, [b"%d" % number for number in range(len(NAMES))], "each counter has its own value")
    for number, name in enumerate(NAMES):
        [fence] = await ground.backend.acquire_many([Acquire(ground.at("l", name), f"o{number}", LONG * ground.tick)])
        holds(fence is not None, f"the lease {name!r} is free", expected="a fence", found=fence)


@law("cache.8")
async def a_prefix_deletes_what_it_counts_and_nothing_else(ground: Cache) -> None:
    addresses = [ground.at("p", *namespace, key) for namespace in NAMESPACES for key in ("a", "a%", "ab")]
    others = [ground.at("x", "p", "a", "k"), ground.at("pa", "k"), ground.at("p ", "a", "k")]
    for namespace in NAMESPACES[1:]:
        await ground.backend.set_many([Set(address, b"1", LONG * ground.tick) for address in (*addresses, *others)])
        prefix = ground.below("p", *namespace)
        below = [address for address in addresses if address.startswith(prefix)]
        same(await ground.backend.count(prefix), len(below), f"a count below {namespace!r}")
        same(await ground.backend.delete_prefix(prefix), len(below), f"deleting below {namespace!r} answers how many")
        wanted = [None if address in below else b"1" for address in addresses]
        same(await ground.backend.get_many(addresses), wanted, f"deleting below {namespace!r} leaves the rest")
        same(
            await ground.backend.get_many(others), [b"1"] * 3, f"deleting below {namespace!r} leaves what is elsewhere"
        )
    same(await ground.backend.delete_prefix(ground.below("none")), 0, "deleting below nothing")


@law("cache.8")
async def a_long_prefix_is_deleted_whole(ground: Cache) -> None:
    addresses = [ground.at("l", f"{number:05}") for number in range(1_200)]
    size = min(200, ground.limits.batch)
    for start in range(0, len(addresses), size):
        await ground.backend.set_many([Set(one, b"", LONG * ground.tick) for one in addresses[start : start + size]])
    same(await ground.backend.count(ground.below("l")), 1_200, "1,200 entries are counted")
    same(await ground.backend.delete_prefix(ground.below("l")), 1_200, "1,200 entries are deleted")
    same(await ground.backend.count(ground.below("l")), 0, "nothing is left")


@law("cache.14")
async def leases_and_values_are_apart(ground: Cache) -> None:
    address, tick = ground.at("a"), LONG * ground.tick
    [fence] = await ground.backend.acquire_many([Acquire(address, "o", tick)])
    await ground.backend.acquire_many([Acquire(filling(address), "f", tick)])
    same(await get(ground, address), None, "a lease is no value")
    same(await ground.backend.count(ground.root), 0, "a lease is not counted")
    same(await add(ground, address, b"1"), True, "a lease is not in the way of an add")
    same(await ground.backend.count(ground.root), 1, "a value beside a lease is counted once")
    same(await ground.backend.delete_many([address]), [True], "a delete of the value")
    same(await ground.backend.delete_many([address]), [False], "a lease is nothing that is deleted")
    same(
        await ground.backend.renew_many([Acquire(address, "o", tick)]), [True], "a delete of the value leaves the lease"
    )
    same(await ground.backend.delete_prefix(ground.root), 0, "a lease is nothing that a prefix counts")
    same(await ground.backend.acquire_many([Acquire(address, "o", tick)]), [fence], "a prefix leaves the lease")
    same(await increment(ground, address), 1, "a counter beside a lease starts at 0")
    same(await ground.backend.acquire_many([Acquire(address, "p", tick)]), [None], "a counter leaves the lease")
    await put(ground, ground.at("b"), b"o")
    [other] = await ground.backend.acquire_many([Acquire(ground.at("b"), "o", tick)])
    holds(other is not None, "a value is not in the way of a lease", expected="a fence", found=other)
    same(await get(ground, ground.at("b")), b"o", "a lease leaves the value")


@law("cache.15")
async def a_count_sees_what_a_delete_would_answer(ground: Cache) -> None:
    await put(ground, ground.at("p", "short"), b"1", 1)
    await put(ground, ground.at("p", "empty"), b"")
    await put(ground, ground.at("p", "deep", "er", "k"))
    await ground.backend.increment_many([Increment(ground.at("p", "n"), 0, LONG * ground.tick)])
    await ground.backend.acquire_many([Acquire(ground.at("p", "lease"), "o", LONG * ground.tick)])
    await put(ground, ground.at("p", "gone"))
    await ground.backend.delete_many([ground.at("p", "gone")])
    same(await ground.backend.count(ground.below("p")), 4, "values of all sorts are counted")
    await ground.pass_time(1)
    same(await ground.backend.count(ground.below("p")), 3, "what has expired is not counted")
    same(await ground.backend.delete_prefix(ground.below("p")), 3, "and not deleted")
    same(await ground.backend.count(ground.below("p")), 0, "nothing is left to be counted")


@law("cache.8")
async def a_delete_says_whether_something_was_there(ground: Cache) -> None:
    address = ground.at("a")
    for data in (b"1", b"", b"0", b"null"):
        await put(ground, address, data)
        same(await ground.backend.delete_many([address]), [True], f"a delete of {data!r}")
        same(await get(ground, address), None, "a get after a delete")
        same(await ground.backend.count(ground.root), 0, "a count after a delete")
        same(await ground.backend.delete_many([address]), [False], "a second delete")
    await put(ground, ground.at("b"))
    answers = await ground.backend.delete_many([ground.at(name) for name in ("x", "b", "x", "b")])
    same(answers, [False, True, False, False], "a delete of a batch answers each in its place")
    await put(ground, ground.at("old"), b"1", 1)
    await ground.pass_time(1)
    same(await ground.backend.delete_many([ground.at("old")]), [False], "a delete of what has expired")
    await put(ground, ground.at("a"))
    await put(ground, ground.at("a", "below"))
    same(await ground.backend.delete_many([ground.at("a")]), [True], "a delete of what something lies below")
    same(await get(ground, ground.at("a", "below")), b"1", "a delete leaves what lies below")
    holds(await increment(ground, ground.at("a")) == 1, "a counter after a delete starts at 0")
