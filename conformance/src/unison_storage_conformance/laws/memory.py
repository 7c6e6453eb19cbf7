"""Laws of memory: what is kept at an address, and which addresses are two. Many entries stand in ``memory_many``."""

from __future__ import annotations

from unison_storage.contracts.memory import Delete, MemoryBackend, Put, Row
from unison_storage_conformance.confusable import (
    BYTES,
    LONG_KEYS,
    NAMES,
    PAIRS,
    SPLITS,
    WIDE_KEY,
)
from unison_storage_conformance.ground import Ground
from unison_storage_conformance.law import law
from unison_storage_conformance.laws.memory_rows import get, put
from unison_storage_conformance.outcomes import holds, same, value

Memory = Ground[MemoryBackend]


@law("memory.1")
async def values_come_back_byte_for_byte(ground: Memory) -> None:
    addresses = [ground.at("value", str(number)) for number in range(len(BYTES))]
    for address, data in zip(addresses, BYTES, strict=True):
        await put(ground, address, data)
    for address, data in zip(addresses, BYTES, strict=True):
        row = await get(ground, address)
        holds(row is not None, "an entry that was written is there", expected=data)
        same(row.value, data, "a value comes back as it was written")  # type: ignore[union-attr]
        holds(type(row.value) is bytes, "a value is bytes", found=type(row.value))  # type: ignore[union-attr]
    many = await ground.backend.get_many(addresses)
    same([row.value for row in many], list(BYTES), "values of a batch, in its order")  # type: ignore[union-attr]
    lines = await ground.backend.list(ground.below("value"), "", 1_000, values=True)
    listed = {line.address: line.row.value for line in lines}
    same(listed, dict(zip(addresses, BYTES, strict=True)), "values of a listing")


@law("memory.1")
async def each_value_replaces_each_other(ground: Memory) -> None:
    address = ground.at("a")
    for data in (b"1", b"2", b"", b"0", b"22", b"2", b"x" * 5_000, b"y" * 5_000, b"z", b"z", b"\x00"):
        stamp = ground.mint()
        await put(ground, address, data, version=stamp)
        row = await get(ground, address)
        same((row.value, row.version) if row else None, (data, stamp), "the last put is what is there")


@law("memory.1")
async def a_batch_answers_each_item_in_its_place(ground: Memory) -> None:
    names = [f"{number:03}" for number in range(min(60, ground.limits.batch))]
    order = names[1::2] + names[::2]
    puts = [Put(ground.at(name), name.encode(), ground.mint(), None) for name in order]
    for written in await ground.backend.put_many(puts):
        value(written, "a put of a batch")
    asked = [ground.at(name) for name in [*reversed(names), "missing", names[0], names[0], "missing"]]
    rows = await ground.backend.get_many(asked)
    wanted = [*(name.encode() for name in reversed(names)), None, names[0].encode(), names[0].encode(), None]
    same([row.value if isinstance(row, Row) else row for row in rows], wanted, "answers in the order of the addresses")
    persons = {row.version for row in rows if isinstance(row, Row)}
    holds(len(persons) == len(names), "each entry has its own version", expected=len(names), found=len(persons))


@law("memory.1")
async def what_is_missing_is_none(ground: Memory) -> None:
    same(await ground.backend.get_many([ground.at("a"), ground.at("a", "b")]), [None, None], "a get of nothing")
    await put(ground, ground.at("a", "b"))
    same(await get(ground, ground.at("a")), None, "what lies below is not what is at an address")


@law("memory.1")
async def versions_and_persons_come_back(ground: Memory) -> None:
    for number, version in enumerate(("v", "V", "1", "01", "\u00e9", "e\u0301", "a b", "%", "x" * 200, '"quoted"')):
        person = ground.person(number)
        await put(ground, ground.at(str(number)), version=version, person=person)
        row = await get(ground, ground.at(str(number)))
        same((row.version, row.person) if row else None, (version, person), "version and person come back")


@law("memory.2")
async def confusable_keys_are_two(ground: Memory) -> None:
    for number, (one, other) in enumerate((*PAIRS, *LONG_KEYS, (WIDE_KEY, WIDE_KEY[:-1]))):
        place = str(number)
        for name, there, missing in ((one, b"one", other), (other, b"other", one)):
            await put(ground, ground.at(place, name), there)
            if name is one:
                same(await get(ground, ground.at(place, missing)), None, f"{missing!r} is not {name!r}")
        rows = await ground.backend.get_many([ground.at(place, one), ground.at(place, other)])
        same([row and row.value for row in rows], [b"one", b"other"], f"{one!r} and {other!r} are two")  # type: ignore[union-attr]
        same(await ground.backend.count(ground.below(place)), 2, f"{one!r} and {other!r} are counted as two")
        same(await ground.backend.delete_many([Delete(ground.at(place, one))]), [True], f"{one!r} is deleted")
        row = await get(ground, ground.at(place, other))
        same(row and row.value, b"other", f"a delete of {one!r} leaves {other!r}")


@law("memory.2")
async def confusable_segments_are_two(ground: Memory) -> None:
    for number, (one, other) in enumerate(PAIRS):
        place = str(number)
        await put(ground, ground.at(place, one, "k"), b"one")
        same(await get(ground, ground.at(place, other, "k")), None, f"segment {other!r} is not {one!r}")
        await put(ground, ground.at(place, other, "k"), b"other")
        row = await get(ground, ground.at(place, one, "k"))
        same(row and row.value, b"one", f"segments {one!r} and {other!r} are two")
        for segment in (one, other):
            same(await ground.backend.count(ground.below(place, segment)), 1, f"one entry lies below {segment!r}")
        same(await ground.backend.delete_prefix(ground.below(place, other)), 1, f"below {other!r} is deleted")
        row = await get(ground, ground.at(place, one, "k"))
        same(row and row.value, b"one", f"deleting below {other!r} leaves what is below {one!r}")


@law("memory.2")
async def segments_and_keys_are_joined_with_care(ground: Memory) -> None:
    for number, (one, other) in enumerate(SPLITS):
        place = str(number)
        await put(ground, ground.at(place, *one), b"one")
        same(await get(ground, ground.at(place, *other)), None, f"{other!r} is not {one!r}")
        await put(ground, ground.at(place, *other), b"other")
        row = await get(ground, ground.at(place, *one))
        same(row and row.value, b"one", f"{one!r} and {other!r} are two")


@law("memory.2")
async def names_of_all_sorts_are_apart(ground: Memory) -> None:
    for start in range(0, len(NAMES), 25):
        names = NAMES[start : start + 25]
        puts = [Put(ground.at("n", name), name.encode(), ground.mint(), None) for name in names]
        for written in await ground.backend.put_many(puts):
            value(written, "a put")
    for name in NAMES:
        row = await get(ground, ground.at("n", name))
        same(row and row.value, name.encode(), f"{name!r} holds its own value")
    same(await ground.backend.count(ground.below("n")), len(NAMES), "all names are counted")
