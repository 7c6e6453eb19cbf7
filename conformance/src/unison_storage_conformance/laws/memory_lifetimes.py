"""Laws of memory: how long entries live. What an expiry does to listings stands in ``memory_many``."""

from __future__ import annotations

from typing import Any

from unison_storage.contracts.memory import Delete, Increment, MemoryBackend, Put, Row, Touch
from unison_storage.errors import NotFound
from unison_storage.values import ABSENT, ANY, KEEP, MISSING, PRESENT
from unison_storage_conformance.ground import Ground, near
from unison_storage_conformance.law import law
from unison_storage_conformance.laws.memory_rows import get, put
from unison_storage_conformance.outcomes import holds, refuses, same, value

Memory = Ground[MemoryBackend]


@law("memory.3")
async def nothing_expired_is_met(ground: Memory) -> None:
    short, long_, ever = ground.at("e", "short"), ground.at("e", "long"), ground.at("e", "ever")
    person = ground.person()
    await put(ground, short, b"5", ground.tick, person=person)
    await put(ground, long_, b"5", 10 * ground.tick, person=person)
    await put(ground, ever, b"5", None, person=person)
    await ground.pass_time(1)
    backend, mint = ground.backend, ground.mint
    rows = await backend.get_many([short, long_, ever])
    same([row and row.value for row in rows], [None, b"5", b"5"], "what has expired is not there for a get")  # type: ignore[union-attr]
    lines = await backend.list(ground.below("e"), "", 10, values=True)
    same([line.address for line in lines], [ever, long_], "what has expired is in no listing")
    lines = await backend.list(ground.below("e"), "", 10, values=False)
    same([line.address for line in lines], [ever, long_], "what has expired is in no listing of keys")
    same(await backend.count(ground.below("e")), 2, "what has expired is not counted")
    same(await backend.owned(person), 2, "what has expired is not owned")
    same(await backend.touch_many([Touch(short, None)]), [False], "what has expired can't be touched")
    same(await backend.get_many([short], None), [None], "what has expired is not there for a get that touches")
    same(await get(ground, short), None, "a touch brings nothing back")
    same(await backend.delete_many([Delete(short)]), [False], "what has expired can't be deleted")
    [outcome] = await backend.put_many([Put(short, b"1", mint(), None, expect=PRESENT)])
    refuses(outcome, NotFound, "a put that expects what has expired")


@law("memory.3")
async def what_has_expired_is_in_nobodys_way(ground: Memory) -> None:
    backend = ground.backend
    names = ("absent", "version", "increment", "keep", "any", "delete", "stranger")
    stamps = {name: ground.mint() for name in names}
    for name in names:
        await put(ground, ground.at(name), b"41", ground.tick, version=stamps[name], person=ground.person(1))
    await ground.pass_time(1)
    now = await ground.now()
    [written] = await backend.put_many([Put(ground.at("absent"), b"new", ground.mint(), None, expect=ABSENT)])
    holds(value(written, "ABSENT where something has expired").fresh, "it is fresh", found=written)
    [outcome] = await backend.put_many([Put(ground.at("version"), b"", ground.mint(), None, expect=stamps["version"])])
    refuses(outcome, NotFound, "a version that has expired")
    [refusal] = await backend.delete_many([Delete(ground.at("delete"), stamps["delete"])])
    refuses(refusal, NotFound, "a delete of a version that has expired")
    same(
        await backend.increment_many([Increment(ground.at("increment"), 1, ground.mint(), None)]),
        [1],
        "a counter that has expired starts at 0",
    )
    row = await get(ground, ground.at("increment"))
    holds(row is not None and row.person is None, "a counter that starts anew is nobody's", found=row)
    written = await put(ground, ground.at("keep"), b"x", KEEP, default=7 * ground.tick)
    kept = await get(ground, ground.at("keep"))
    for found in (written.expires, kept.expires if kept else 0):
        near(ground, found, now + 7 * ground.tick, "KEEP of what has expired takes the default")
    written = await put(ground, ground.at("stranger"), b"x", None, person=ground.person(2))
    row = await get(ground, ground.at("stranger"))
    same(row and row.person, ground.person(2), "what has expired belongs to nobody")
    written = await put(ground, ground.at("any"), b"x", None)
    row = await get(ground, ground.at("any"))
    holds(row is not None and row.person is None, "what has expired leaves no person", found=row)
    near(ground, row.created if row else None, now, "what comes after an expiry starts a new life")
    same(row and row.expires, None, "what comes after an expiry lives as it was told")


@law("memory.3")
async def nothing_expires_early(ground: Memory) -> None:
    if ground.slack:
        await put(ground, ground.at("a"), b"1", 10 * ground.tick)
        await ground.pass_time(5)
        holds(await get(ground, ground.at("a")) is not None, "nothing expires early")
        return
    # in the smallest steps that the backend can tell apart
    step = round(ground.limits.lifetime_resolution * 1_000_000)
    await put(ground, ground.at("a"), b"1", 10 * step)
    await ground.pass_time(9 * step / ground.tick)
    holds(await get(ground, ground.at("a")) is not None, "an entry lives to the end of its lifetime")
    await ground.pass_time(step / ground.tick)
    same(await get(ground, ground.at("a")), None, "an entry is gone when its lifetime has passed")


@law("memory.4")
async def a_put_sets_the_lifetime_anew(ground: Memory) -> None:
    tick = ground.tick
    cases: list[tuple[str, Any, Any, int | None]] = [
        ("longer", 2 * tick, 9 * tick, 9 * tick),
        ("shorter", 9 * tick, 2 * tick, 2 * tick),
        ("ever", 2 * tick, None, None),
        ("bounded", None, 2 * tick, 2 * tick),
        ("equal", 3 * tick, 3 * tick, 3 * tick),
    ]
    for expect in (ANY, PRESENT):
        for name, first, second, wanted in cases:
            address = ground.at(name, str(expect))
            await put(ground, address, b"1", first)
            await ground.pass_time(0.5)
            now = await ground.now()
            written = await put(ground, address, b"2", second, expect=expect)
            row = await get(ground, address)
            for found in (written.expires, row.expires if row else 0):
                near(ground, found, None if wanted is None else now + wanted, f"a put sets the lifetime anew ({name})")


@law("memory.4")
async def keep_keeps_the_expiry(ground: Memory) -> None:
    tick = ground.tick
    for name, first in (("bounded", 8 * tick), ("ever", None)):
        address = ground.at(name)
        before = await put(ground, address, b"1", first)
        await ground.pass_time(0.5)
        left = None if first is None else first - tick // 2
        now = await ground.now()
        written = await put(ground, address, b"2", KEEP, default=tick)
        row = await get(ground, address)
        holds(not written.fresh, "an entry that is there is not fresh", found=written)
        for found in (written.expires, row.expires if row else 0):
            near(ground, found, None if left is None else now + left, f"KEEP keeps the expiry ({name})")
        same(row and row.value, b"2", "KEEP writes the value")
        if not ground.slack:
            same(written.expires, before.expires, "KEEP keeps the expiry to the microsecond")
    now = await ground.now()
    for name, default in (("default", 3 * tick), ("none", None)):
        written = await put(ground, ground.at(name), b"1", KEEP, default=default)
        near(ground, written.expires, None if default is None else now + default, "KEEP of nothing takes the default")


@law("memory.4")
async def a_shortened_lifetime_ends_sooner_and_a_longer_one_later(ground: Memory) -> None:
    tick = ground.tick
    await put(ground, ground.at("shorter"), b"1", 50 * tick)
    await put(ground, ground.at("shorter"), b"2", tick)
    await put(ground, ground.at("longer"), b"1", 2 * tick)
    await put(ground, ground.at("longer"), b"2", 50 * tick)
    await put(ground, ground.at("ever"), b"1", 2 * tick)
    await put(ground, ground.at("ever"), b"2", None)
    await put(ground, ground.at("kept"), b"1", 2 * tick)
    await put(ground, ground.at("kept"), b"2", KEEP, default=50 * tick)
    await ground.pass_time(3)
    names = ("shorter", "longer", "ever", "kept")
    rows = await ground.backend.get_many([ground.at(name) for name in names])
    same([row is not None for row in rows], [False, True, True, False], f"what is left of {', '.join(names)}")


@law("memory.5")
async def created_stays_over_puts_and_starts_anew_after_an_end(ground: Memory) -> None:
    address = ground.at("a")
    first = await put(ground, address, b"1", 10 * ground.tick)
    now = await ground.now()
    holds(first.fresh, "the first put is fresh", found=first)
    near(ground, first.created, now, "created is the time of the first put")
    near(ground, first.updated, now, "updated is the time of the put")
    for change in ("put", "keep", "increment", "touch"):
        await ground.pass_time(1)
        now = await ground.now()
        before = await get(ground, address)
        if change == "put":
            written = await put(ground, address, b"2", 30 * ground.tick)
            same(written.fresh, False, "a second put is not fresh")
            near(ground, written.updated, now, "updated is the time of the last put")
        elif change == "keep":
            written = await put(ground, address, b"7", KEEP)
            same(written.fresh, False, "a put with KEEP is not fresh")
        elif change == "increment":
            await ground.backend.increment_many([Increment(address, 1, ground.mint(), None)])
        else:
            await ground.backend.touch_many([Touch(address, 30 * ground.tick)])
        row = await get(ground, address)
        same(row and row.created, before and before.created, f"created stays over a {change}")
        near(
            ground,
            row.updated if row else 0,
            before.updated if change == "touch" and before else now,
            f"updated, after a {change}",
        )
    await ground.backend.delete_many([Delete(address)])
    await ground.pass_time(1)
    now = await ground.now()
    again = await put(ground, address, b"3")
    holds(again.fresh, "a put after a delete is fresh", found=again)
    row = await get(ground, address)
    for found in (again.created, row.created if row else 0):
        near(ground, found, now, "a put after a delete starts a new life")


@law("memory.9")
async def a_get_with_touch_reads_and_extends(ground: Memory) -> None:
    tick = ground.tick
    address, untouched = ground.at("a"), ground.at("b")
    await put(ground, address, b"1", 2 * tick, person=ground.person())
    await put(ground, untouched, b"1", 2 * tick)
    before = await get(ground, address)
    await ground.pass_time(1)
    now = await ground.now()
    [row] = await ground.backend.get_many([address], 9 * tick)
    holds(isinstance(row, Row), "a get with touch answers the entry", found=row)
    near(ground, row.expires, now + 9 * tick, "a get with touch answers the new expiry")  # type: ignore[union-attr]
    after = await get(ground, address)
    near(ground, after.expires if after else 0, now + 9 * tick, "a get with touch sets the expiry")
    for name in ("value", "version", "person"):
        same(getattr(after, name, None), getattr(before, name), f"a get with touch leaves {name}")
    await ground.pass_time(3)
    rows = await ground.backend.get_many([address, untouched])
    same([row is not None for row in rows], [True, False], "what was touched lives on, what was not does not")
    [row] = await ground.backend.get_many([address], None)
    same(row and row.expires, None, "a touch to never answers no expiry")  # type: ignore[union-attr]
    [row] = await ground.backend.get_many([address], MISSING)
    same(row and row.expires, None, "a touch to never stays")  # type: ignore[union-attr]
    same(await ground.backend.get_many([ground.at("none")], tick), [None], "a get with touch of nothing")
    same(await get(ground, ground.at("none")), None, "a get with touch makes nothing")


@law("memory.9")
async def touches_of_a_batch_are_each_their_own(ground: Memory) -> None:
    tick = ground.tick
    addresses = [ground.at(name) for name in ("a", "b", "c")]
    for address in addresses:
        await put(ground, address, b"1", 2 * tick)
    now = await ground.now()
    lengths = (7 * tick, None, 5 * tick)
    touches = [Touch(ground.at("none"), tick), *(Touch(*one) for one in zip(addresses, lengths, strict=True))]
    same(await ground.backend.touch_many(touches), [False, True, True, True], "touches of a batch answer in order")
    for address, length in zip(addresses, lengths, strict=True):
        row = await get(ground, address)
        near(
            ground,
            row.expires if row else 0,
            None if length is None else now + length,
            "each touch has its own lifetime",
        )
    await ground.backend.get_many([ground.at("none"), *addresses], 9 * tick)
    for address in addresses:
        row = await get(ground, address)
        near(ground, row.expires if row else 0, now + 9 * tick, "a get with touch extends all of a batch")


@law("memory.9")
async def a_touch_sets_the_expiry_alone(ground: Memory) -> None:
    tick = ground.tick
    for number, (first, second) in enumerate(((2, 9), (9, 2), (None, 3), (3, None), (4, 4))):
        address = ground.at(str(number))
        await put(ground, address, b"value", None if first is None else first * tick, person=ground.person())
        await ground.pass_time(0.5)
        before = await get(ground, address)
        now = await ground.now()
        lifetime = None if second is None else second * tick
        same(await ground.backend.touch_many([Touch(address, lifetime)]), [True], "a touch of an entry")
        row = await get(ground, address)
        near(ground, row.expires if row else 0, None if lifetime is None else now + lifetime, "a touch sets the expiry")
        for name in ("value", "version", "person", "created", "updated"):
            same(getattr(row, name, None), getattr(before, name), f"a touch leaves {name}")
    same(await ground.backend.touch_many([Touch(ground.at("none"), tick)]), [False], "a touch of nothing")
    same(await get(ground, ground.at("none")), None, "a touch makes nothing")
