"""Laws of memory as a caller of the store meets them. What a backend owes stands in the other modules of memory."""

from __future__ import annotations

import asyncio
from typing import Any

from unison_storage.errors import AlreadyExists, BatchFailed, InvalidValue, NotFound, StorageError, VersionConflict
from unison_storage.values import ABSENT, KEEP, PRESENT
from unison_storage_conformance.confusable import PAIRS, SPLITS
from unison_storage_conformance.law import law
from unison_storage_conformance.laws.objects import refused
from unison_storage_conformance.outcomes import broken, holds, same
from unison_storage_conformance.store_ground import StoreGround

VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        1.0,
        0.5,
        1e300,
        2**63 - 1,
        -(2**63),
        2**53 + 1,
        "",
        "a",
        "null",
        "1",
        "\u00e9",
        "e\u0301",
    ),
    *(
        "\U0001f600",
        "'; --",
        '"\\',
        "\n\r\t",
        [],
        [[]],
        {},
        {"": None},
        {"a": [1, {"b": None}]},
        {"1": 1, "01": 2},
        [1, 1.0, True, "1"],
    ),
    *(["x"] * 1_000, {str(number): number for number in range(200)}, "x" * 50_000),
)


@law("memory.1", face="store")
async def json_values_come_back_equal_and_of_their_type(ground: StoreGround) -> None:
    notes = ground.memory("v")
    for number, one in enumerate(VALUES):
        stamp = await notes.put(str(number), one)
        entry = await notes.get(str(number))
        same(
            (entry.value, entry.version, entry.key),
            (one, stamp.version, str(number)),
            "a value comes back as it was put",
        )
    found = {entry.key: entry.value async for entry in notes.entries()}
    same(found, {str(number): one for number, one in enumerate(VALUES)}, "and in a listing")
    same((await notes.get("none"), await notes.exists("none"), await notes.exists("0")), (None, False, True), "absence")


@law("memory.2", face="store")
async def confusable_names_are_two(ground: StoreGround) -> None:
    for number, (one, other) in enumerate(PAIRS):
        notes = ground.memory("k", str(number))
        await notes.put(one, "one")
        same(await notes.get(other), None, f"{other!r} is not {one!r}")
        await notes.put(other, "other")
        same((await notes.get(one)).value, "one", f"{one!r} and {other!r} are two")
    for number, (split, joined) in enumerate(SPLITS):
        await ground.memory("s", str(number), *split[:-1]).put(split[-1], 1)
        same(await ground.memory("s", str(number), *joined[:-1]).get(joined[-1]), None, f"{joined!r} is not {split!r}")


@law("memory.3", face="store")
async def what_has_expired_is_not_there(ground: StoreGround) -> None:
    notes = ground.memory("e")
    await notes.put("short", 1, lifetime=ground.tick)
    await notes.put("long", 1, lifetime=30 * ground.tick)
    await notes.put("ever", 1, lifetime=None)
    await ground.pass_time(1)
    same([key async for key in notes.keys()], ["ever", "long"], "nothing expired in a listing")
    same(
        (await notes.get("short"), await notes.exists("short"), await notes.touch("short", lifetime=5)),
        (None, False, False),
        "nor for a get",
    )
    same((await notes.count(), await notes.delete("short")), (2, False), "nor for a count or a delete")
    same((await notes.put("short", 2, expect=ABSENT)).created, True, "and in nobody's way")


@law("memory.4", face="store")
async def puts_and_touches_set_the_lifetime(ground: StoreGround) -> None:
    notes, tick = ground.memory("l"), ground.tick
    await notes.put("a", 1, lifetime=2 * tick)
    await notes.put("a", 2, lifetime=9 * tick)
    await notes.put("b", 1, lifetime=2 * tick)
    await notes.put("b", 2, lifetime=KEEP)
    await notes.put("c", 1, lifetime=2 * tick)
    same(await notes.touch("c", lifetime=9 * tick), True, "a touch of what is there")
    await notes.put("d", 1, lifetime=2 * tick)
    await notes.get("d", touch=9 * tick)
    await notes.put("f", 1, lifetime=2 * tick)
    await notes.put("f", 1, lifetime=None)
    await ground.pass_time(3)
    same([key async for key in notes.keys()], ["a", "c", "d", "f"], "what lives on: all but what kept its expiry")


@law("memory.6", face="store")
async def expectations_hold_or_refuse(ground: StoreGround) -> None:
    notes = ground.memory("x")
    first = await notes.put("k", 1, expect=ABSENT)
    second = await notes.put("k", 2, expect=first.version)
    same((first.created, second.created), (True, False), "whether a put has made the entry")
    for expect, error in ((ABSENT, AlreadyExists), (first.version, VersionConflict), ("never", VersionConflict)):
        await refused(notes.put("k", 3, expect=expect), error, f"a put that expects {expect}")
        same((await notes.get("k")).value, 2, "a put that is refused changes nothing")
    for expect in (PRESENT, first.version):
        await refused(notes.put("none", 3, expect=expect), NotFound, "a put that expects what is not there")
    await refused(notes.delete("k", expect=first.version), VersionConflict, "a delete of another version")
    same((await notes.put("k", 4, expect=PRESENT)).created, False, "a put whose expectation holds")
    same(
        (await notes.delete("k"), await notes.delete("k")),
        (True, False),
        "a delete answers whether something was there",
    )


@law("memory.7", face="store")
async def of_many_puts_through_the_store_one_wins(ground: StoreGround) -> None:
    notes = ground.memory("r")
    answers = await asyncio.gather(
        *(notes.put("k", number, expect=ABSENT) for number in range(8)), return_exceptions=True
    )
    won = [number for number, answer in enumerate(answers) if not isinstance(answer, Exception)]
    same(len(won), 1, "of puts at once that expect nothing one wins")
    same((await notes.get("k")).value, won[0], "what has won is there")
    lost = [answer for answer in answers if isinstance(answer, Exception)]
    holds(all(isinstance(one, AlreadyExists) for one in lost), "the others are told", found=lost[:1])


@law("memory.8", face="store")
async def persons_are_kept_and_erased(ground: StoreGround) -> None:
    one, other = ground.person(1), ground.person(2)
    own, others = ground.memory("p", person=one), ground.memory("p", person=other)
    await own.put("a", 1)
    await own.put("b", 1)
    await others.put("c", 1)
    await refused(others.put("a", 2), InvalidValue, "a put that names another person")
    await ground.memory("p").put("a", 3)
    entry = await own.get("a")
    same((entry.value, entry.person), (3, one), "a put that names nobody keeps the person")
    same(await ground.storage.memory.owned(one), 2, "how much is a person's")
    same(await ground.storage.memory.erase(one), 2, "an erasure answers how much went")
    same([key async for key in ground.memory("p").keys()], ["c"], "what is left")


@law("memory.11", face="store")
async def counters_add_up(ground: StoreGround) -> None:
    notes = ground.memory("n")
    same(
        [await notes.increment("k"), await notes.increment("k", 41), await notes.increment("k", -50)],
        [1, 42, -8],
        "sums",
    )
    same((await notes.get("k")).value, -8, "a counter is a number")
    totals = await asyncio.gather(*(notes.increment("at once") for _ in range(12)))
    same(sorted(totals), list(range(1, 13)), "increments at once all count")
    for number, no in enumerate(("text", 1.5, None, [1], True)):
        await notes.put(f"no{number}", no)
        await refused(notes.increment(f"no{number}"), InvalidValue, f"an increment of {no!r}")
        same((await notes.get(f"no{number}")).value, no, "what is refused changes nothing")


@law("memory.13", face="store")
async def pages_come_in_byte_order(ground: StoreGround) -> None:
    notes = ground.memory("l")
    keys = ["10", "9", "A", "a", "\u00e9", "\ufffd", "\U00010000"]
    await notes.put_many(dict.fromkeys(reversed(keys), 1))
    await ground.memory("l", "deep").put("k", 2)
    await ground.memory("la").put("k", 2)
    for limit in (1, 3, 8, 100):
        found: list[tuple[str, str]] = []
        cursor = None
        while not found or cursor is not None:
            page = await notes.page(limit=limit, cursor=cursor)
            found += [(entry.namespace[-1], entry.key) for entry in page.items]
            cursor = page.cursor
            holds(0 < len(page.items) <= limit, "a page holds as many as were asked for, or is the last", found=page)
            holds(len(found) <= 8, "pages go on after the last", expected="8 entries in all", found=found)
        wanted = [("l", "10"), ("l", "9"), ("l", "A"), ("l", "a"), ("deep", "k"), *(("l", key) for key in keys[4:])]
        same(sorted(found), sorted(wanted), f"pages of {limit}")
        same([key for name, key in found if name == "l"], keys, "in byte order")
    same(
        (await notes.count(), await notes.delete_prefix(), await notes.count()),
        (8, 8, 0),
        "counts and deletes see the same",
    )
    same(await ground.memory("la").count(), 1, "what lies beside stays")


@law("memory.17", face="store")
async def a_batch_fails_item_by_item(ground: StoreGround) -> None:
    notes = ground.memory("b")
    await notes.put("there", 1)
    try:
        await notes.put_many({"a": 1, "there": 2, "b": 3}, expect={"there": ABSENT})
    except BatchFailed as failed:
        kinds = {
            key: type(one).__name__ if isinstance(one, StorageError) else "written"
            for key, one in failed.results.items()
        }
        same(kinds, {"a": "written", "there": "AlreadyExists", "b": "written"}, "what each item came to")
    else:
        broken("a batch with a bad item", expected="BatchFailed", found="an answer")
    found = await notes.get_many(["b", "none", "a", "there"])
    values = {key: entry and entry.value for key, entry in found.items()}
    same(values, {"b": 3, "none": None, "a": 1, "there": 1}, "neighbours of a bad item are written")
    same(await notes.delete_many(["a", "none"]), {"a": True, "none": False}, "deletes of a batch")
