"""Memory, broken on purpose: expectations, persons, deletes, batches and races."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from unison_storage.clock import Clock
from unison_storage.contracts.memory import Delete, Put
from unison_storage.errors import AlreadyExists, NotFound, StorageError, VersionConflict
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.values import ABSENT, ANY, KEEP, PRESENT
from unison_storage_conformance.mutant import mutant


@mutant("memory.6", "a put that expects nothing overwrites")
class IgnoresAbsent(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        return super()._put(replace(put, expect=ANY) if put.expect is ABSENT else put, now)


@mutant("memory.6", "a put that expects something makes it where nothing is")
class IgnoresPresent(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        return super()._put(replace(put, expect=ANY) if put.expect is PRESENT else put, now)


@mutant("memory.6", "a put that expects a version only wants something to be there")
class IgnoresVersions(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        return super()._put(replace(put, expect=PRESENT) if isinstance(put.expect, str) else put, now)


@mutant("memory.6", "versions are compared without case")
class FoldsVersions(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        old = self._visible(put.address, now)
        if (
            old is not None
            and isinstance(put.expect, str)
            and put.expect[: len(old.version)].lower() == old.version.lower()
        ):
            put = replace(put, expect=old.version)
        return super()._put(put, now)


@mutant("memory.6", "an empty version is no expectation")
class EmptyExpectsNothing(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        return super()._put(replace(put, expect=ANY) if put.expect == "" else put, now)


@mutant("memory.6", "a conflict with ABSENT is a version conflict")
class OneConflict(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        outcome = super()._put(put, now)
        return VersionConflict("it is not as expected") if isinstance(outcome, AlreadyExists) else outcome


@mutant("memory.6", "a version where nothing is makes a conflict")
class MissingConflicts(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        outcome = super()._put(put, now)
        return VersionConflict("it is not as expected") if isinstance(outcome, NotFound) else outcome


@mutant("memory.6", "a delete that expects a version where nothing is answers no")
class DeleteOfNothing(ReferenceMemory):
    def _delete(self, delete: Delete, now: int) -> Any:
        outcome = super()._delete(delete, now)
        return False if isinstance(outcome, NotFound) else outcome


@mutant("memory.6", "a delete ignores the version")
class DeleteIgnoresVersion(ReferenceMemory):
    def _delete(self, delete: Delete, now: int) -> Any:
        return super()._delete(Delete(delete.address), now)


@mutant("memory.6", "a refused put extends the lifetime")
class RefusedExtends(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        outcome = super()._put(put, now)
        if isinstance(outcome, StorageError) and put.lifetime is not KEEP:
            self._touch(put.address, put.lifetime, now)
        return outcome


@mutant("memory.6", "a refused put changes the version")
class RefusedVersion(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        outcome = super()._put(put, now)
        old = self._visible(put.address, now)
        if isinstance(outcome, StorageError) and old is not None:
            self._rows[put.address] = replace(old, version=put.version)
        return outcome


@mutant("memory.6", "a refused delete removes all the same")
class RefusedDeletes(ReferenceMemory):
    def _delete(self, delete: Delete, now: int) -> Any:
        outcome = super()._delete(delete, now)
        if isinstance(outcome, VersionConflict):
            self._rows.pop(delete.address)
        return outcome


@mutant("memory.6", "an increment keeps the version")
class IncrementKeepsVersion(ReferenceMemory):
    def _increment(self, increment: Any, now: int) -> Any:
        old = self._visible(increment.address, now)
        return super()._increment(increment if old is None else replace(increment, version=old.version), now)


@mutant("memory.6", "a touch makes a new version")
class TouchVersions(ReferenceMemory):
    def _touch(self, address: str, lifetime: int | None, now: int) -> bool:
        there = super()._touch(address, lifetime, now)
        if there:
            self._rows[address] = replace(self._rows[address], version=f"touched{now}")
        return there


@mutant("memory.7", "an expectation is checked, then the value is written")
class ChecksThenWrites(ReferenceMemory):
    async def put_many(self, puts: Sequence[Put]) -> Any:
        outcomes: list[Any] = []
        for put in puts:
            row = self._visible(put.address, self._clock.now())
            found = row.version if row else None
            await asyncio.sleep(0)
            good = (
                put.expect is ANY
                or (put.expect is ABSENT and row is None)
                or put.expect in (found, PRESENT if row else "")
            )
            outcomes += await super().put_many([replace(put, expect=ANY) if good else put])
        return outcomes


@mutant("memory.7", "deletes that expect a version race")
class DeletesRace(ReferenceMemory):
    async def delete_many(self, deletes: Sequence[Delete]) -> Any:
        there = [
            (row := self._visible(one.address, self._clock.now())) is not None and one.expect in (ANY, row.version)
            for one in deletes
        ]
        await asyncio.sleep(0)
        found = await super().delete_many(deletes)
        return [True if was else one for was, one in zip(there, found, strict=True)]


@mutant("memory.8", "a put that names another person takes the entry over")
class TakesOver(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        old = self._visible(put.address, now)
        if old is not None and put.person:
            self._rows[put.address] = replace(old, person=put.person)
        return super()._put(put, now)


@mutant("memory.8", "a put that names no person makes the entry nobody's")
class ForgetsPerson(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        written = super()._put(put, now)
        if not isinstance(written, StorageError):
            self._rows[put.address] = replace(self._rows[put.address], person=put.person)
        return written


@mutant("memory.8", "a put that names another person is taken, and the person stays")
class IgnoresStranger(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        old = self._visible(put.address, now)
        return super()._put(replace(put, person=None) if old is not None and old.person else put, now)


@mutant("memory.8", "the person of an entry without one is never set")
class NeverAdopts(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        old = self._visible(put.address, now)
        return super()._put(replace(put, person=old.person) if old is not None else put, now)


@mutant("memory.8", "persons are compared by their beginning")
class PersonsByPrefix(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        old = self._visible(put.address, now)
        if old is not None and old.person and put.person and old.person.startswith(put.person):
            put = replace(put, person=old.person)
        return super()._put(put, now)


@mutant("memory.8", "a stranger is a version conflict")
class StrangerConflicts(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        old = self._visible(put.address, now)
        outcome = super()._put(put, now)
        if isinstance(outcome, StorageError) and old is not None and put.person not in (None, old.person):
            return VersionConflict("it is another's")
        return outcome


@mutant("memory.8", "the person of what was deleted stays")
class PersonOutlives(ReferenceMemory):
    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._owners: dict[str, str] = {}

    def _put(self, put: Put, now: int) -> Any:
        written = super()._put(put, now)
        if not isinstance(written, StorageError) and put.person:
            row = self._rows[put.address]
            self._rows[put.address] = replace(row, person=self._owners.setdefault(put.address, put.person))
        return written


@mutant("memory.10", "a delete always says yes")
class DeleteSaysYes(ReferenceMemory):
    def _delete(self, delete: Delete, now: int) -> Any:
        outcome = super()._delete(delete, now)
        return outcome if isinstance(outcome, StorageError) else True


@mutant("memory.10", "a delete says whether the value was true")
class DeleteSaysTruth(ReferenceMemory):
    def _delete(self, delete: Delete, now: int) -> Any:
        old = self._visible(delete.address, now)
        outcome = super()._delete(delete, now)
        return outcome if isinstance(outcome, StorageError) else bool(old and old.value)


@mutant("memory.10", "a batch of deletes answers for the first of each address only")
class DeletesOnce(ReferenceMemory):
    async def delete_many(self, deletes: Sequence[Delete]) -> Any:
        seen = dict.fromkeys(one.address for one in deletes)
        there = {address: self._visible(address, self._clock.now()) is not None for address in seen}
        outcomes = await super().delete_many(deletes)
        return [
            there[one.address] if isinstance(out, bool) else out for one, out in zip(deletes, outcomes, strict=True)
        ]


@mutant("memory.10", "a deleted entry is hidden, and still in the way of ABSENT")
class Tombstones(ReferenceMemory):
    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._graves: set[str] = set()

    def _delete(self, delete: Delete, now: int) -> Any:
        outcome = super()._delete(delete, now)
        if outcome is True:
            self._graves.add(delete.address)
        return outcome

    def _put(self, put: Put, now: int) -> Any:
        if put.expect is ABSENT and put.address in self._graves:
            return AlreadyExists("something is there already")
        return super()._put(put, now)


@mutant("memory.17", "of several puts to one address in a batch the first wins")
class FirstWins(ReferenceMemory):
    async def put_many(self, puts: Sequence[Put]) -> Any:
        return list(reversed(await super().put_many(list(reversed(puts)))))


@mutant("memory.17", "all puts of a batch are checked before any is written")
class ChecksAllFirst(ReferenceMemory):
    async def put_many(self, puts: Sequence[Put]) -> Any:
        before = dict(self._rows)
        outcomes: list[Any] = []
        after = dict(before)
        for put in puts:
            self._rows = dict(before)
            outcomes += await super().put_many([put])
            if not isinstance(outcomes[-1], StorageError):
                after[put.address] = self._rows[put.address]
        self._rows = after
        return outcomes


@mutant("memory.17", "increments of one counter in one batch count once")
class CountsOnce(ReferenceMemory):
    async def increment_many(self, increments: Sequence[Any]) -> Any:
        last = {one.address: one for one in increments}
        answers = dict(zip(last, await super().increment_many(list(last.values())), strict=True))
        return [answers[one.address] for one in increments]


@mutant("memory.17", "touches of one address in one batch: the first holds")
class FirstTouchHolds(ReferenceMemory):
    async def touch_many(self, touches: Sequence[Any]) -> Any:
        return list(reversed(await super().touch_many(list(reversed(touches)))))
