"""Laws of all backends, as memory has to keep them: batches, errors, clients and limits."""

from __future__ import annotations

from typing import Any

from unison_storage.contracts.memory import Delete, Increment, MemoryBackend, Put
from unison_storage.errors import AlreadyExists, InvalidValue, StorageError, VersionConflict
from unison_storage.values import ABSENT, PRESENT
from unison_storage_conformance.confusable import (
    BYTES,
)
from unison_storage_conformance.ground import Ground
from unison_storage_conformance.law import law
from unison_storage_conformance.laws.memory_rows import get, put
from unison_storage_conformance.outcomes import alike, holds, refuses, same, told, value

Memory = Ground[MemoryBackend]


@law("backend.4", on=("memory",))
async def one_bad_item_fails_no_other(ground: Memory) -> None:
    await put(ground, ground.at("text"), b"text")
    await put(ground, ground.at("owned"), b"1", person=ground.person(1))
    for place in range(3):
        names = [f"{place}{number}" for number in range(3)]
        puts = [Put(ground.at(name), name.encode(), ground.mint(), None) for name in names]
        puts.insert(place, Put(ground.at("text"), b"", ground.mint(), None, expect=ABSENT))
        puts.append(Put(ground.at("owned"), b"", ground.mint(), None, person=ground.person(2)))
        outcomes = await ground.backend.put_many(puts)
        refuses(outcomes.pop(place), AlreadyExists, "the bad item")
        refuses(outcomes.pop(), InvalidValue, "the other bad item")
        for outcome in outcomes:
            value(outcome, "a neighbour of a bad item")
        rows = await ground.backend.get_many([ground.at(name) for name in names])
        same([row and row.value for row in rows], [name.encode() for name in names], "neighbours are written")  # type: ignore[union-attr]
        increments = [Increment(ground.at("c", name), 1, ground.mint(), None) for name in names]
        increments.insert(place, Increment(ground.at("text"), 1, ground.mint(), None))
        sums = await ground.backend.increment_many(increments)
        refuses(sums.pop(place), InvalidValue, "an increment of text")
        same(sums, [1, 1, 1], "increments beside a bad one")
        deletes = [Delete(ground.at(name)) for name in names]
        deletes.insert(place, Delete(ground.at("text"), "another"))
        gone = await ground.backend.delete_many(deletes)
        refuses(gone.pop(place), VersionConflict, "a delete of another version")
        same(gone, [True, True, True], "deletes beside a bad one")
    row = await get(ground, ground.at("text"))
    same(row and row.value, b"text", "the bad items changed nothing")


@law("backend.7", on=("memory",))
async def a_refusal_says_that_nothing_has_happened(ground: Memory) -> None:
    address = ground.at("a")
    await put(ground, address, b"text", person=ground.person(1))
    before = await get(ground, address)
    outcomes: list[Any] = [
        *await ground.backend.put_many([Put(address, b"", ground.mint(), None, expect=ABSENT)]),
        *await ground.backend.put_many([Put(address, b"", ground.mint(), None, expect="other")]),
        *await ground.backend.put_many([Put(address, b"", ground.mint(), None, person=ground.person(2))]),
        *await ground.backend.put_many([Put(ground.at("b"), b"", ground.mint(), None, expect=PRESENT)]),
        *await ground.backend.increment_many([Increment(address, 1, ground.mint(), None)]),
        *await ground.backend.delete_many([Delete(address, "other")]),
    ]
    for outcome in outcomes:
        refuses(outcome, StorageError, "what is not as expected")
        same((outcome.outcome_unknown, outcome.retryable), (False, False), "a refusal is sure, and for good")
    same(await get(ground, address), before, "what was refused changed nothing")


@law("backend.6", on=("memory",))
async def errors_hold_no_value(ground: Memory) -> None:
    canary = b"canary-7f3a91c5"
    address = ground.at("a")
    await put(ground, address, canary)
    outcomes: list[Any] = [
        *await ground.backend.put_many([Put(address, canary, ground.mint(), None, expect=ABSENT)]),
        *await ground.backend.put_many([Put(address, canary, ground.mint(), None, expect="other")]),
        *await ground.backend.put_many([Put(ground.at("none"), canary, ground.mint(), None, expect=PRESENT)]),
        *await ground.backend.increment_many([Increment(address, 1, ground.mint(), None)]),
    ]
    for outcome in outcomes:
        holds(canary.decode() not in told(outcome), "an error holds a value", found=type(outcome).__name__)


@law("backend.9", on=("memory",))
async def another_client_sees_what_was_acknowledged(ground: Memory) -> None:
    other = await ground.another()
    address = ground.at("a")
    await put(ground, address, b"1", 9 * ground.tick)
    mine = await get(ground, address)
    same(await other.get_many([address]), [mine], "another client reads what was written")
    same(await other.count(ground.root), 1, "another client counts what was written")
    version = ground.mint()
    await other.put_many([Put(address, b"2", version, None, expect=mine.version if mine else "")])
    row = await get(ground, address)
    same((row.value, row.version) if row else None, (b"2", version), "what another client has written is there")
    await other.delete_many([Delete(address)])
    same(await get(ground, address), None, "what another client has deleted is gone")


@law("backend.9", on=("memory",))
async def what_was_acknowledged_is_there_after_reopening(ground: Memory) -> None:
    addresses = [ground.at(f"{number}") for number in range(len(BYTES))]
    for address, data in zip(addresses, BYTES, strict=True):
        await put(ground, address, data, 9 * ground.tick, person=ground.person())
    before = await ground.backend.get_many(addresses)
    await ground.reopen()
    after = await ground.backend.get_many(addresses)
    holds(alike(after, before, slack=ground.slack), "everything is as it was", expected=before, found=after)


@law("backend.11", on=("memory",))
async def the_largest_value_and_the_fullest_batch_are_taken_whole(ground: Memory) -> None:
    limits = ground.limits
    for size in (limits.value - 1, limits.value):
        data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
        await put(ground, ground.at("large"), data)
        row = await get(ground, ground.at("large"))
        holds(
            row is not None and row.value == data,
            "a value as large as the limit is kept whole",
            expected=f"{size} bytes",
            found=row and f"{len(row.value)} bytes",
        )
    names = [f"{number:06}" for number in range(limits.batch)]
    for written in await ground.backend.put_many(
        [Put(ground.at("b", name), name.encode(), ground.mint(), None) for name in names]
    ):
        value(written, "a put of a full batch")
    rows = await ground.backend.get_many([ground.at("b", name) for name in names])
    same([row and row.value for row in rows], [name.encode() for name in names], "a full batch is kept whole")  # type: ignore[union-attr]
    gone = await ground.backend.delete_many([Delete(ground.at("b", name)) for name in names])
    same(gone, [True] * len(names), "a full batch is deleted")
