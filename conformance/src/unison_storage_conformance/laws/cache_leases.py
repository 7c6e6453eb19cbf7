"""Laws of the cache: leases and fills. Values stand in ``cache``."""

from __future__ import annotations

import asyncio
from typing import Any

from unison_storage.contracts.cache import Acquire, Fill, Release, Set, filling
from unison_storage_conformance.law import law
from unison_storage_conformance.laws.cache_rows import LONG, Cache, get, increment, put
from unison_storage_conformance.outcomes import holds, same, value


async def acquire(ground: Cache, address: str, owner: str, ticks: float = LONG) -> int | None:
    """Acquire one lease and return its fence, or ``None``."""
    [fence] = await ground.backend.acquire_many([Acquire(address, owner, round(ticks * ground.tick))])
    found: int | None = value(fence, "an acquire")
    return found


async def release(ground: Cache, address: str, owner: str) -> bool:
    """Release one lease and return whether it was held."""
    [held] = await ground.backend.release_many([Release(address, owner)])
    return bool(value(held, "a release"))


async def renew(ground: Cache, address: str, owner: str, ticks: float = LONG) -> bool:
    """Renew one lease and return whether it was held."""
    [held] = await ground.backend.renew_many([Acquire(address, owner, round(ticks * ground.tick))])
    return bool(value(held, "a renewal"))


async def fill(
    ground: Cache, address: str, owner: str, seen: bytes | None, data: bytes = b"new", ticks: float = LONG
) -> bool:
    """Fill one address and return whether it was written."""
    [written] = await ground.backend.fill_many([Fill(address, data, round(ticks * ground.tick), owner, seen)])
    return bool(value(written, "a fill"))


@law("cache.9")
async def a_lease_has_one_owner(ground: Cache) -> None:
    lease = ground.at("lease")
    first = await acquire(ground, lease, "a", 4)
    holds(type(first) is int, "an acquire of a free lease answers its fence", expected="an int", found=first)
    for owner in ("b", "A", "a ", "", "aa"):
        same(await acquire(ground, lease, owner), None, f"the owner {owner!r} is not the holder 'a'")
    await ground.pass_time(2)
    same(await acquire(ground, lease, "a", 9), first, "the holder acquires again: the same fence")
    await ground.pass_time(3)
    same(await acquire(ground, lease, "b"), None, "an acquire of the holder is a renewal")
    await ground.pass_time(6)
    second = await acquire(ground, lease, "b")
    holds(second is not None, "a lease that has expired is free", expected="a fence", found=second)
    same(await acquire(ground, lease, "a"), None, "who held it is another now")
    same(await release(ground, lease, "b"), True, "a release of the holder")
    third = await acquire(ground, lease, "a")
    holds(third is not None, "a lease that was released is free", expected="a fence", found=third)
    same(await ground.backend.acquire_many([Acquire(lease, "a", 1), Acquire(lease, "c", 1)]), [third, None], "a batch")


@law("cache.9")
async def a_renewal_by_acquire_may_make_a_lease_shorter(ground: Cache) -> None:
    lease = ground.at("lease")
    await acquire(ground, lease, "a", 50)
    await acquire(ground, lease, "a", 1)
    await ground.pass_time(1)
    holds(await acquire(ground, lease, "b") is not None, "a renewal sets the lifetime anew", expected="a fence")


@law("cache.9")
async def of_many_acquires_at_once_one_holds(ground: Cache) -> None:
    for round_ in range(5):
        lease = ground.at(str(round_))
        fences = await asyncio.gather(*(acquire(ground, lease, f"o{number}") for number in range(8)))
        won = [number for number, fence in enumerate(fences) if fence is not None]
        same(len(won), 1, "of acquires at once one holds")
        same(await renew(ground, lease, f"o{won[0]}"), True, "who has won holds it")


@law("cache.10")
async def fences_grow(ground: Cache) -> None:
    lease, fences = ground.at("lease"), []
    for number, end in enumerate(("release", "expiry", "release", "expiry", "release", "release")):
        now = await ground.now()
        fence: Any = await acquire(ground, lease, f"o{number}", 1)
        holds(
            fence is not None and fence >= now,
            "a fence is at least the microseconds of the clock",
            expected=now,
            found=fence,
        )
        fences.append(fence)
        if end == "release":
            same(await release(ground, lease, f"o{number}"), True, "a release")
        else:
            await ground.pass_time(1)
    same(fences, sorted(set(fences)), "each new holder's fence is greater than all before it")
    again: Any = await acquire(ground, lease, "o0")
    holds(again > fences[-1], "an owner that comes back has a new fence", expected=f"> {fences[-1]}", found=again)
    await ground.backend.delete_prefix(ground.root)
    await release(ground, lease, "o0")
    later: Any = await acquire(ground, lease, "o1")
    holds(later > again, "no delete starts fences anew", expected=f"> {again}", found=later)


@law("cache.10")
async def fences_of_one_batch_grow_too(ground: Cache) -> None:
    lease = ground.at("lease")
    found: list[Any] = []
    for number in range(30):
        found.append(await acquire(ground, lease, f"o{number}"))
        await release(ground, lease, f"o{number}")
    same(found, sorted(set(found)), "fences within one microsecond grow")


@law("cache.11")
async def only_the_holder_renews_and_releases(ground: Cache) -> None:
    lease = ground.at("lease")
    same(await renew(ground, lease, "a"), False, "a renewal of what nobody holds")
    same(await release(ground, lease, "a"), False, "a release of what nobody holds")
    holds(await acquire(ground, lease, "a", 4) is not None, "a renewal of nothing makes no lease", expected="a fence")
    for owner in ("b", "A", "", "a ", "aa"):
        same(await renew(ground, lease, owner), False, f"a renewal by {owner!r}")
        same(await release(ground, lease, owner), False, f"a release by {owner!r}")
    same(await acquire(ground, lease, "b"), None, "others have changed nothing")
    await ground.pass_time(2)
    same(await renew(ground, lease, "a", 9), True, "a renewal by the holder")
    await ground.pass_time(3)
    same(await acquire(ground, lease, "b"), None, "a renewal makes a lease last longer")
    same(await renew(ground, lease, "a", 1), True, "a renewal by the holder")
    await ground.pass_time(1)
    same(await renew(ground, lease, "a"), False, "a lease that has expired can't be renewed")
    same(await release(ground, lease, "a"), False, "a lease that has expired can't be released")
    holds(await acquire(ground, lease, "b", 9) is not None, "a renewal may make a lease shorter", expected="a fence")
    same(await release(ground, lease, "a"), False, "who held it before releases nothing")
    same(await renew(ground, lease, "a"), False, "who held it before renews nothing")
    same(await renew(ground, lease, "b"), True, "who holds it now renews it")
    same(await release(ground, lease, "b"), True, "who holds it now releases it")
    same(await release(ground, lease, "b"), False, "a second release")
    batch = [Acquire(ground.at("x"), "a", ground.tick), Acquire(ground.at("y"), "a", ground.tick)]
    await ground.backend.acquire_many(batch[1:])
    same(await ground.backend.renew_many(batch), [False, True], "renewals of a batch answer in order")
    releases = [Release(one.address, "a") for one in batch]
    same(await ground.backend.release_many([*releases, releases[1]]), [False, True, False], "releases of a batch")


@law("cache.12")
async def a_fill_writes_for_the_holder_alone(ground: Cache) -> None:
    for name, before in (("nothing", None), ("empty", b""), ("something", b"old")):
        address = ground.at(name)
        lease = filling(address)
        if before is not None:
            await put(ground, address, before)
        same(await fill(ground, address, "a", before), False, f"a fill without a lease ({name})")
        same(await get(ground, address), before, "a fill that is refused writes nothing")
        await acquire(ground, lease, "a")
        same(await fill(ground, address, "b", before), False, f"a fill of another owner ({name})")
        same(await renew(ground, lease, "a"), True, "a fill of another owner leaves the lease")
        for wrong in (b"other", b"", None, b"ol"):
            if wrong != before:
                await acquire(ground, lease, "a")
                same(await fill(ground, address, "a", wrong), False, f"a fill that has seen {wrong!r} ({name})")
                same(await get(ground, address), before, "a fill that is refused writes nothing")
                same(await renew(ground, lease, "a"), False, "a fill that has seen something else releases the lease")
        await acquire(ground, lease, "a")
        same(await fill(ground, address, "a", before), True, f"a fill of the holder ({name})")
        same(await get(ground, address), b"new", "a fill writes")
        same(await release(ground, lease, "a"), False, "a fill releases the lease")
        same(await fill(ground, address, "a", b"new"), False, "a second fill")


@law("cache.12")
async def a_fill_sets_its_own_lifetime(ground: Cache) -> None:
    for name, before in (("new", None), ("longer", 2), ("shorter", 50)):
        address = ground.at(name)
        if before is not None:
            await put(ground, address, b"old", before)
        await acquire(ground, filling(address), "a")
        same(await fill(ground, address, "a", None if before is None else b"old", b"new", 5), True, f"a fill ({name})")
    await ground.pass_time(4)
    names = [ground.at(name) for name in ("new", "longer", "shorter")]
    same(await ground.backend.get_many(names), [b"new"] * 3, "a fill sets the lifetime")
    await ground.pass_time(1)
    same(await ground.backend.get_many(names), [None] * 3, "a fill sets the lifetime")


@law("cache.12")
async def a_fill_is_too_late_after_its_lease_or_a_change(ground: Cache) -> None:
    address = ground.at("late")
    await acquire(ground, filling(address), "a", 1)
    await ground.pass_time(1)
    same(await fill(ground, address, "a", None), False, "a fill after its lease has expired")
    same(await get(ground, address), None, "a fill that is too late writes nothing")
    address = ground.at("taken")
    await acquire(ground, filling(address), "a", 1)
    await ground.pass_time(1)
    await acquire(ground, filling(address), "b")
    same(await fill(ground, address, "a", None), False, "a fill after another has taken the lease")
    same(await fill(ground, address, "b", None, b"b"), True, "a fill of the one that has")
    for write in ("set", "increment"):
        address = ground.at(write)
        await acquire(ground, filling(address), "a")
        if write == "set":
            await put(ground, address, b"newer")
        else:
            await increment(ground, address, 7)
        same(await fill(ground, address, "a", None), False, f"a fill after a {write}")
        same(await get(ground, address), b"newer" if write == "set" else b"7", f"what a {write} has written stays")
    address = ground.at("expired")
    await put(ground, address, b"old", 1)
    await acquire(ground, filling(address), "a")
    await ground.pass_time(1)
    same(await fill(ground, address, "a", b"old"), False, "a fill that has seen what has expired")
    await acquire(ground, filling(address), "a")
    same(await fill(ground, address, "a", None), True, "a fill where something has expired")


@law("cache.13")
async def a_delete_ends_what_is_being_filled(ground: Cache) -> None:
    for name, there in (("missing", False), ("there", True)):
        for way in ("delete", "prefix"):
            address, other = ground.at(way, name, "k"), ground.at(way, f"{name}x", "k")
            lease = ground.at(way, name, "lease")
            for one in (filling(address), filling(other), lease):
                await acquire(ground, one, "a")
            if there:
                await put(ground, address, b"old")
            if way == "delete":
                same(await ground.backend.delete_many([address]), [there], "a delete")
            else:
                same(await ground.backend.delete_prefix(ground.below(way, name)), int(there), "a delete by prefix")
            same(await fill(ground, address, "a", None), False, f"a fill after a {way} writes nothing")
            same(await get(ground, address), None, f"nothing comes back after a {way}")
            holds(
                await acquire(ground, filling(address), "b") is not None,
                f"a {way} ends the lease for filling",
                expected="a fence",
            )
            same(await renew(ground, lease, "a"), True, f"a {way} leaves other leases")
            same(await fill(ground, other, "a", None), True, f"a {way} leaves what is filled elsewhere")


@law("cache.13")
async def an_overwrite_ends_no_filling(ground: Cache) -> None:
    address = ground.at("a")
    await acquire(ground, filling(address), "a")
    await ground.backend.set_many([Set(address, b"1", LONG * ground.tick)])
    same(await fill(ground, address, "a", b"1"), True, "a set leaves the lease for filling")
