"""Laws of memory: expectations, persons, deletes, and writes to one address. Counters stand in ``memory_counters``."""

from __future__ import annotations

import asyncio
from typing import Any

from unison_storage.contracts.memory import Delete, Increment, MemoryBackend, Put, Touch
from unison_storage.errors import AlreadyExists, InvalidValue, NotFound, StorageError, VersionConflict
from unison_storage.values import ABSENT, ANY, KEEP, PRESENT
from unison_storage_conformance.ground import Ground, near
from unison_storage_conformance.law import law
from unison_storage_conformance.laws.memory_rows import get, put, unchanged
from unison_storage_conformance.outcomes import holds, refuses, same

Memory = Ground[MemoryBackend]


@law("memory.6")
async def expectations_hold_or_refuse_and_leave_all_as_it_was(ground: Memory) -> None:
    there, nothing = ground.at("there"), ground.at("nothing")
    old, current = ground.mint(), ground.mint()
    await put(ground, there, b"1", 30 * ground.tick, version=old)
    await put(ground, there, b"2", 30 * ground.tick, version=current, person=ground.person())
    before = await get(ground, there)
    cases: list[tuple[str, Any, Any]] = [
        (there, ABSENT, AlreadyExists),
        (there, old, VersionConflict),
        (there, current.upper() + "x", VersionConflict),
        (there, "", VersionConflict),
        (nothing, PRESENT, NotFound),
        (nothing, current, NotFound),
    ]
    for address, expect, error in cases:
        for lifetime in (None, ground.tick, KEEP):
            [outcome] = await ground.backend.put_many([Put(address, b"3", ground.mint(), lifetime, expect=expect)])
            refuses(outcome, error, f"a put that expects {expect}")
        await unchanged(
            ground, address, before if address == there else None, f"a put that expects {expect} is refused"
        )
    for expect, error in ((old, VersionConflict), (current + " ", VersionConflict)):
        [refusal] = await ground.backend.delete_many([Delete(there, expect)])
        refuses(refusal, error, f"a delete that expects {expect!r}")
        await unchanged(ground, there, before, "a delete is refused")
    [refusal] = await ground.backend.delete_many([Delete(nothing, current)])
    refuses(refusal, NotFound, "a delete of a version where nothing is")
    await put(ground, there, b"4", expect=PRESENT)
    row = await get(ground, there)
    await put(ground, there, b"5", expect=row.version if row else "")
    await put(ground, nothing, b"6", expect=ABSENT)
    rows = await ground.backend.get_many([there, nothing])
    same([row and row.value for row in rows], [b"5", b"6"], "puts whose expectation holds")  # type: ignore[union-attr]
    same(await ground.backend.delete_many([Delete(nothing, rows[1].version)]), [True], "a delete of the version there")  # type: ignore[union-attr]
    same(await get(ground, nothing), None, "it is gone")
    [outcome] = await ground.backend.put_many([Put(nothing, b"7", ground.mint(), None, expect=PRESENT)])
    refuses(outcome, NotFound, "PRESENT after a delete")


@law("memory.6")
async def an_increment_changes_the_version_and_a_touch_does_not(ground: Memory) -> None:
    address = ground.at("n")
    first, second = ground.mint(), ground.mint()
    await put(ground, address, b"1", 5 * ground.tick, version=first)
    await ground.backend.touch_many([Touch(address, 9 * ground.tick)])
    await ground.backend.get_many([address], 9 * ground.tick)
    await put(ground, address, b"1", expect=first, version=first)
    await ground.backend.increment_many([Increment(address, 1, second, None)])
    [outcome] = await ground.backend.put_many([Put(address, b"x", ground.mint(), None, expect=first)])
    refuses(outcome, VersionConflict, "the version before an increment")
    await put(ground, address, b"x", expect=second)


@law("memory.7")
async def of_many_puts_at_once_one_wins(ground: Memory) -> None:
    for round_ in range(4):
        address = ground.at(str(round_))
        expect: Any = ABSENT
        for stage in ("nothing", "a version", "another version"):
            puts = [Put(address, b"%d" % number, ground.mint(), None, expect=expect) for number in range(8)]
            answers = await asyncio.gather(*(ground.backend.put_many([one]) for one in puts))
            won = [one for one, [answer] in zip(puts, answers, strict=True) if not isinstance(answer, StorageError)]
            same(len(won), 1, f"of puts at once that expect {stage}, one wins")
            for [answer] in answers:
                if isinstance(answer, StorageError):
                    refuses(answer, (AlreadyExists, VersionConflict), "a put that has lost")
            row = await get(ground, address)
            same((row.value, row.version) if row else None, (won[0].value, won[0].version), "what has won is there")
            expect = won[0].version
        deletes = await asyncio.gather(*(ground.backend.delete_many([Delete(address, expect)]) for _ in range(8)))
        same(sum(answer == [True] for answer in deletes), 1, "of deletes at once that expect a version, one wins")


@law("memory.8")
async def persons_are_kept_and_never_exchanged(ground: Memory) -> None:
    address, own, other = ground.at("a"), ground.person(1), ground.person(2)
    await put(ground, address, b"1")
    row = await get(ground, address)
    same(row and row.person, None, "a put that names none leaves none")
    await put(ground, address, b"2", person=own)
    await put(ground, address, b"3")
    row = await get(ground, address)
    same(row and row.person, own, "a put that names none keeps the person")
    before = await get(ground, address)
    for expect in (ANY, PRESENT, before.version if before else ""):
        [outcome] = await ground.backend.put_many(
            [Put(address, b"4", ground.mint(), None, expect=expect, person=other)]
        )
        refuses(outcome, InvalidValue, "a put that names another person")
        await unchanged(ground, address, before, "a put that names another person is refused")
    await put(ground, address, b"5", KEEP, person=own)
    [outcome] = await ground.backend.put_many([Put(address, b"6", ground.mint(), None, person=own[:-1])])
    refuses(outcome, InvalidValue, "a put that names a person whose id is a part of the stored one")
    await ground.backend.delete_many([Delete(address)])
    await put(ground, address, b"7", person=other)
    row = await get(ground, address)
    same(row and row.person, other, "what is written after a delete belongs to whom it names")


@law("memory.10")
async def a_delete_says_whether_something_was_there(ground: Memory) -> None:
    for data in (b"1", b"", b"0", b"null"):
        address = ground.at("a")
        await put(ground, address, data, ground.tick)
        same(await ground.backend.delete_many([Delete(address)]), [True], f"a delete of {data!r}")
        same(await get(ground, address), None, "a get after a delete")
        same(await ground.backend.count(ground.root), 0, "a count after a delete")
        same(await ground.backend.delete_many([Delete(address)]), [False], "a second delete")
        written = await put(ground, address, b"2", expect=ABSENT)
        holds(written.fresh, "nothing of what was deleted is in the way", found=written)
        same(await ground.backend.delete_many([Delete(address)]), [True], "a delete of what came after")
    await put(ground, ground.at("b"), b"1")
    answers = await ground.backend.delete_many([Delete(ground.at(name)) for name in ("x", "b", "x", "b")])
    same(answers, [False, True, False, False], "a delete of a batch answers each in its place")


@law("memory.17")
async def writes_to_one_address_in_a_batch_take_effect_in_order(ground: Memory) -> None:
    a, b, mint = ground.at("a"), ground.at("b"), ground.mint
    one, two = mint(), mint()
    outcomes = await ground.backend.put_many(
        [
            Put(a, b"1", one, None, expect=ABSENT),
            Put(b, b"1", mint(), None),
            Put(a, b"2", two, None, expect=one),
            Put(a, b"3", mint(), None, expect=one),
            Put(a, b"4", mint(), None, expect=ABSENT),
            Put(b, b"2", mint(), None),
        ]
    )
    same([getattr(one, "fresh", None) for one in outcomes], [True, True, False, None, None, False], "fresh, in order")
    refuses(outcomes[3], VersionConflict, "the third put of one address")
    refuses(outcomes[4], AlreadyExists, "the fourth put of one address")
    rows = await ground.backend.get_many([a, b])
    same([row and row.value for row in rows], [b"2", b"2"], "the last put that holds is what is there")  # type: ignore[union-attr]
    by = [Increment(ground.at("n"), number, mint(), None) for number in (1, 10, 100)]
    same(await ground.backend.increment_many(by), [1, 11, 111], "increments of one address in one batch")
    same(
        await ground.backend.touch_many([Touch(a, None), Touch(a, ground.tick)]), [True, True], "touches of one address"
    )
    row = await get(ground, a)
    near(ground, row.expires if row else None, await ground.now() + ground.tick, "the last touch holds")
