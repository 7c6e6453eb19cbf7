"""The object index, broken on purpose: what is visible. What may go stands in ``index_upkeep``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from unison_storage.contracts.objects import Committed, Draft, ObjectRow
from unison_storage.errors import AlreadyExists, StorageError
from unison_storage.reference.objects import ReferenceObjectIndex, _State
from unison_storage.values import ANY
from unison_storage_conformance.mutant import mutant


@mutant("index.1", "a blob is not recorded before it is committed")
class BeginsNothing(ReferenceObjectIndex):
    async def begin(self, blob: str, person: str | None) -> None:
        self.__dict__.setdefault("_begun", set()).add(blob)

    async def commit(self, draft: Draft) -> Committed:
        if draft.blob in self.__dict__.get("_begun", ()) and not await self.known([draft.blob]):
            self._states[draft.blob] = _State(unwanted=False, since=self._clock.now(), person=draft.person)
        return await super().commit(draft)


@mutant("index.1", "who begins again takes the blob over")
class BeginTakesOver(ReferenceObjectIndex):
    async def begin(self, blob: str, person: str | None) -> None:
        if blob in self._states and not self._states[blob].unwanted:
            self._states[blob] = replace(self._states[blob], person=person)
        await super().begin(blob, person)


@mutant("index.1", "beginning again makes an unwanted blob pending")
class BeginRevives(ReferenceObjectIndex):
    async def begin(self, blob: str, person: str | None) -> None:
        self._states.pop(blob, None)
        await super().begin(blob, person)


@mutant("index.1", "beginning again takes a visible object's blob")
class BeginTakesVisible(ReferenceObjectIndex):
    async def begin(self, blob: str, person: str | None) -> None:
        for address in [one for one, row in self._rows.items() if row.blob == blob]:
            del self._rows[address]
        await super().begin(blob, person)


@mutant("index.1", "a blob that was begun is unwanted")
class BeginsUnwanted(ReferenceObjectIndex):
    async def unwanted(self, before: int, stale: int, limit: int) -> Any:
        return await super().unwanted(before, before, limit)


class Rowed(ReferenceObjectIndex):
    """An index that keeps other rows than were committed."""

    def kept(self, row: ObjectRow, draft: Draft) -> ObjectRow:
        return row

    async def commit(self, draft: Draft) -> Committed:
        done = await super().commit(draft)
        row = self._rows[draft.address] = self.kept(done.row, draft)
        return Committed(row, done.fresh)


def keeping(law: str, sentence: str, name: str, kept: Callable[[Any, ObjectRow, Draft], ObjectRow]) -> None:
    """Register an index that keeps other rows than were committed."""
    mutant(law, sentence)(type(name, (Rowed,), {"kept": kept}))


keeping("index.2", "sizes are 32 bits wide", "Sizes32", lambda _, row, draft: replace(row, size=row.size % 2**32))
keeping(
    "index.2",
    "a size of 0 is that of the object before",
    "ZeroSize",
    lambda _, row, draft: replace(row, size=row.size or 1),
)
keeping(
    "index.2",
    "content types lose their parameters",
    "BareTypes",
    lambda _, row, draft: replace(row, content_type=row.content_type.partition(";")[0]),
)
keeping(
    "index.2",
    "digests are in upper case",
    "UpperDigests",
    lambda _, row, draft: replace(row, sha256=row.sha256.upper()),
)
keeping("index.2", "objects live for ever", "LivesForEver", lambda _, row, draft: replace(row, expires=None))
keeping("index.2", "the id is the version", "IdIsVersion", lambda _, row, draft: replace(row, version=row.id))
keeping("index.5", "an overwrite has an id of its own", "NewIds", lambda _, row, draft: replace(row, id=draft.id))
keeping(
    "index.5", "an overwrite is created anew", "CreatedAnew", lambda _, row, draft: replace(row, created=row.updated)
)
keeping(
    "index.5",
    "an overwrite is as old as its object",
    "IndexNeverUpdated",
    lambda _, row, draft: replace(row, updated=row.created),
)


@mutant("index.2", "an object is in no listing until it is overwritten")
class ListedLate(ReferenceObjectIndex):
    def _below(self, prefix: str) -> Sequence[ObjectRow]:
        return [row for row in super()._below(prefix) if row.updated != row.created]


@mutant("index.2", "the blob that is replaced is forgotten")
class ForgetsReplaced(ReferenceObjectIndex):
    def _drop(self, address: str, now: int) -> None:
        self._rows.pop(address, None)


@mutant("index.5", "a commit always says that it is fresh")
class AlwaysFresh(ReferenceObjectIndex):
    async def commit(self, draft: Draft) -> Committed:
        return Committed((await super().commit(draft)).row, fresh=True)


@mutant("index.2", "an id leads to the object that had it first")
class OldById(ReferenceObjectIndex):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._by: dict[str, ObjectRow] = {}

    async def commit(self, draft: Draft) -> Committed:
        done = await super().commit(draft)
        self._by.setdefault(done.row.id, done.row)
        return done

    async def by_id(self, ids: Sequence[str]) -> Any:
        found = await super().by_id(ids)
        return [self._by[row.id] if isinstance(row, ObjectRow) else None for row in found]


@mutant("index.3", "addresses are compared without case")
class IndexFolds(ReferenceObjectIndex):
    def _visible(self, address: str, now: int) -> ObjectRow | None:
        known = {one.lower(): one for one in self._rows}
        return super()._visible(known.get(address.lower(), address), now)


@mutant("index.3", "ABSENT overwrites")
class IndexIgnoresAbsent(ReferenceObjectIndex):
    async def commit(self, draft: Draft) -> Committed:
        return await super().commit(replace(draft, expect=ANY) if not isinstance(draft.expect, str) else draft)


@mutant("index.3", "a version is only compared where there is one")
class IndexIgnoresVersion(ReferenceObjectIndex):
    async def commit(self, draft: Draft) -> Committed:
        return await super().commit(
            replace(draft, expect=ANY) if draft.address in self._rows and isinstance(draft.expect, str) else draft
        )


@mutant("index.3", "an expectation is checked, then the row is written")
class CommitRaces(ReferenceObjectIndex):
    async def commit(self, draft: Draft) -> Committed:
        now = self._clock.now()
        row = self._visible(draft.address, now)
        good = draft.expect is ANY or (row is None) == (draft.expect != "any" and not isinstance(draft.expect, str))
        if isinstance(draft.expect, str):
            good = row is not None and row.version == draft.expect
        await asyncio.sleep(0)
        return await super().commit(replace(draft, expect=ANY) if good else draft)


@mutant("index.3", "an overwrite by another person takes over")
class IndexTakesOver(ReferenceObjectIndex):
    async def commit(self, draft: Draft) -> Committed:
        row = self._rows.get(draft.address)
        if row is not None and draft.person:
            self._rows[draft.address] = replace(row, person=draft.person)
        return await super().commit(draft)


@mutant("index.3", "an overwrite that names nobody frees the object")
class IndexFrees(ReferenceObjectIndex):
    async def commit(self, draft: Draft) -> Committed:
        done = await super().commit(draft)
        row = self._rows[draft.address] = replace(done.row, person=draft.person)
        return Committed(row, done.fresh)


@mutant("index.3", "what has expired is counted")
class IndexCountsExpired(ReferenceObjectIndex):
    async def count(self, prefix: str) -> int:
        return sum(address.startswith(prefix) for address in self._rows)


@mutant("index.3", "what has expired is found by its id")
class ExpiredById(ReferenceObjectIndex):
    async def by_id(self, ids: Sequence[str]) -> Any:
        rows = {row.id: row for row in self._rows.values()}
        return [rows.get(id) for id in ids]


@mutant("index.3", "what has expired is in the way")
class IndexExpiredBlocks(ReferenceObjectIndex):
    async def commit(self, draft: Draft) -> Committed:
        if (
            draft.expect is not ANY
            and not isinstance(draft.expect, str)
            and draft.expect.name == "ABSENT"
            and draft.address in self._rows
        ):
            raise AlreadyExists("something is there already")
        return await super().commit(draft)


@mutant("index.3", "what has expired leaves its person behind")
class ExpiredPersonStays(ReferenceObjectIndex):
    async def commit(self, draft: Draft) -> Committed:
        row = self._rows.get(draft.address)
        if row is not None and draft.person is None and self._visible(draft.address, self._clock.now()) is None:
            draft = replace(draft, person=row.person)
        return await super().commit(draft)


@mutant("index.3", "a listing takes siblings along")
class IndexSiblings(ReferenceObjectIndex):
    def _below(self, prefix: str) -> Sequence[ObjectRow]:
        return super()._below(prefix.rstrip("\x1f"))


@mutant("index.3", "a listing is in the order of writing")
class IndexAsWritten(ReferenceObjectIndex):
    async def list(self, prefix: str, after: str, limit: int) -> Any:
        now = self._clock.now()
        found = [
            row for one, row in self._rows.items() if one.startswith(prefix) and one > after and self._visible(one, now)
        ]
        return found[:limit]


@mutant("index.3", "a page begins with its position")
class IndexBeginsAt(ReferenceObjectIndex):
    async def list(self, prefix: str, after: str, limit: int) -> Any:
        return [row for row in self._below(prefix) if row.address >= after][:limit]


@mutant("index.3", "a delete ignores the version")
class IndexDeleteIgnoresVersion(ReferenceObjectIndex):
    def _delete(self, delete: Any, now: int) -> Any:
        return super()._delete(replace(delete, expect=ANY), now)


@mutant("index.4", "a commit that is refused gives the blob up")
class RefusedGivesUp(ReferenceObjectIndex):
    async def commit(self, draft: Draft) -> Committed:
        try:
            return await super().commit(draft)
        except StorageError:
            if draft.blob in self._states:
                self._states[draft.blob] = replace(self._states[draft.blob], unwanted=True)
            raise


@mutant("index.4", "a commit that is refused forgets the blob")
class RefusedForgets(ReferenceObjectIndex):
    async def commit(self, draft: Draft) -> Committed:
        try:
            return await super().commit(draft)
        except StorageError:
            self._states.pop(draft.blob, None)
            raise


@mutant("index.4", "a commit that is refused frees the blob of the object")
class RefusedFrees(ReferenceObjectIndex):
    async def commit(self, draft: Draft) -> Committed:
        row = self._visible(draft.address, self._clock.now())
        try:
            return await super().commit(draft)
        except AlreadyExists:
            if row is not None:
                self._drop(draft.address, self._clock.now())
            raise


@mutant("index.5", "what comes after a delete has the id before")
class IdOutlives(ReferenceObjectIndex):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._ids: dict[str, str] = {}

    async def commit(self, draft: Draft) -> Committed:
        return await super().commit(replace(draft, id=self._ids.setdefault(draft.address, draft.id)))


@mutant("index.6", "any blob can be committed")
class CommitsAny(ReferenceObjectIndex):
    async def commit(self, draft: Draft) -> Committed:
        if not await self.known([draft.blob]):
            self._states[draft.blob] = _State(unwanted=False, since=0, person=None)
        return await super().commit(draft)


@mutant("index.6", "an unwanted blob can be committed")
class CommitsUnwanted(ReferenceObjectIndex):
    async def commit(self, draft: Draft) -> Committed:
        if draft.blob in self._states:
            self._states[draft.blob] = replace(self._states[draft.blob], unwanted=False)
        return await super().commit(draft)


@mutant("index.6", "a blob that another object has can be committed")
class CommitsShared(ReferenceObjectIndex):
    async def commit(self, draft: Draft) -> Committed:
        if any(row.blob == draft.blob for row in self._rows.values()):
            self._states[draft.blob] = _State(unwanted=False, since=0, person=None)
        return await super().commit(draft)


@mutant("index.7", "a delete forgets the blob")
class DeleteForgets(ReferenceObjectIndex):
    def _delete(self, delete: Any, now: int) -> Any:
        row = self._visible(delete.address, now)
        outcome = super()._delete(delete, now)
        if row is not None:
            self._states.pop(row.blob, None)
        return outcome


@mutant("index.7", "what was deleted is still found by its id")
class DeletedById(ReferenceObjectIndex):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._gone: dict[str, ObjectRow] = {}

    def _delete(self, delete: Any, now: int) -> Any:
        row = self._visible(delete.address, now)
        outcome = super()._delete(delete, now)
        if row is not None and outcome is True:
            self._gone[row.id] = row
        return outcome

    async def by_id(self, ids: Sequence[str]) -> Any:
        return [row or self._gone.get(id) for id, row in zip(ids, await super().by_id(ids), strict=True)]


@mutant("index.7", "a delete always says yes")
class IndexDeleteSaysYes(ReferenceObjectIndex):
    def _delete(self, delete: Any, now: int) -> Any:
        outcome = super()._delete(delete, now)
        return outcome if isinstance(outcome, StorageError) else True
