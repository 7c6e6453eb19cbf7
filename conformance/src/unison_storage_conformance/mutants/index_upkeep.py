"""The object index, broken on purpose: what may go, and erasures. What is visible stands in ``index``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from unison_storage.contracts.objects import Committed, Draft
from unison_storage.errors import NotFound
from unison_storage.reference.objects import ReferenceObjectIndex
from unison_storage_conformance.mutant import mutant


@mutant("index.8", "blobs of visible objects are unwanted too")
class TakesVisible(ReferenceObjectIndex):
    async def unwanted(self, before: int, stale: int, limit: int) -> Any:
        return (await super().unwanted(before, stale, limit)) + [row.blob for row in self._rows.values()][:limit]


@mutant("index.8", "expired objects keep their blobs")
class KeepsExpired(ReferenceObjectIndex):
    async def unwanted(self, before: int, stale: int, limit: int) -> Any:
        found = [blob for blob, state in self._states.items() if state.since < (before if state.unwanted else stale)]
        for blob in found[:limit]:
            self._states[blob] = replace(self._states[blob], unwanted=True)
        return found[:limit]


@mutant("index.8", "an expired object counts from when it is met")
class CountsFromNow(ReferenceObjectIndex):
    async def unwanted(self, before: int, stale: int, limit: int) -> Any:
        now = self._clock.now()
        for address in [one for one in self._rows if self._visible(one, now) is None]:
            self._drop(address, now)
        return await super().unwanted(before, stale, limit)


@mutant("index.8", "what became unwanted at that time is answered")
class AtTheTime(ReferenceObjectIndex):
    async def unwanted(self, before: int, stale: int, limit: int) -> Any:
        return await super().unwanted(before + 1, stale, limit)


@mutant("index.8", "a stale blob can still be committed")
class StaleCommits(ReferenceObjectIndex):
    async def unwanted(self, before: int, stale: int, limit: int) -> Any:
        pending = {blob: state for blob, state in self._states.items() if not state.unwanted}
        found = await super().unwanted(before, stale, limit)
        self._states.update(pending)
        return found


@mutant("index.8", "more are answered than asked for")
class AnswersMore(ReferenceObjectIndex):
    async def unwanted(self, before: int, stale: int, limit: int) -> Any:
        return await super().unwanted(before, stale, 10**6)


@mutant("index.8", "pending blobs never become stale")
class NeverStale(ReferenceObjectIndex):
    async def unwanted(self, before: int, stale: int, limit: int) -> Any:
        return await super().unwanted(before, 0, limit)


@mutant("index.8", "asking forgets what is answered")
class AskingForgets(ReferenceObjectIndex):
    async def unwanted(self, before: int, stale: int, limit: int) -> Any:
        found = await super().unwanted(before, stale, limit)
        await self.forget(found)
        return found


@mutant("index.9", "a visible object can be forgotten")
class ForgetsVisible(ReferenceObjectIndex):
    async def forget(self, blobs: Sequence[str]) -> int:
        visible = [one for one, row in self._rows.items() if row.blob in blobs]
        for one in visible:
            del self._rows[one]
        return await super().forget(blobs) + len(visible)


@mutant("index.9", "a pending blob is not forgotten")
class KeepsPending(ReferenceObjectIndex):
    async def forget(self, blobs: Sequence[str]) -> int:
        return await super().forget([one for one in blobs if one in self._states and self._states[one].unwanted])


@mutant("index.9", "forgetting answers how many were named")
class ForgetsAll(ReferenceObjectIndex):
    async def forget(self, blobs: Sequence[str]) -> int:
        await super().forget(blobs)
        return len(blobs)


@mutant("index.10", "an erasure leaves pending blobs")
class EraseLeavesPending(ReferenceObjectIndex):
    async def erase(self, person: str) -> Any:
        pending = {blob: state for blob, state in self._states.items() if not state.unwanted}
        found = await super().erase(person)
        self._states.update(pending)
        return [blob for blob in found if blob not in pending]


@mutant("index.10", "an erasure takes persons whose ids begin alike")
class IndexErasesAlike(ReferenceObjectIndex):
    async def erase(self, person: str) -> Any:
        alike = {row.person for row in self._rows.values() if row.person and row.person.startswith(person)} | {person}
        return [blob for one in sorted(alike) for blob in await super(IndexErasesAlike, self).erase(one)]


@mutant("index.10", "an erasure leaves what was unwanted before")
class EraseLeavesUnwanted(ReferenceObjectIndex):
    async def erase(self, person: str) -> Any:
        before = {blob for blob, state in self._states.items() if state.unwanted}
        return [blob for blob in await super().erase(person) if blob not in before]


@mutant("index.10", "owned counts objects alone")
class OwnsObjects(ReferenceObjectIndex):
    async def owned(self, person: str) -> int:
        return sum(row.person == person for row in self._rows.values())


@mutant("index.10", "an erasure forgets the blobs at once")
class EraseForgets(ReferenceObjectIndex):
    async def erase(self, person: str) -> Any:
        found = await super().erase(person)
        await self.forget(found)
        return found


@mutant("index.11", "pending blobs are not known")
class PendingUnknown(ReferenceObjectIndex):
    async def known(self, blobs: Sequence[str]) -> Any:
        return [one for one in await super().known(blobs) if one not in self._states or self._states[one].unwanted]


@mutant("index.11", "unwanted blobs are not known")
class UnwantedUnknown(ReferenceObjectIndex):
    async def known(self, blobs: Sequence[str]) -> Any:
        return [one for one in await super().known(blobs) if one not in self._states or not self._states[one].unwanted]


@mutant("index.11", "blobs of expired objects are not known")
class ExpiredUnknown(ReferenceObjectIndex):
    async def known(self, blobs: Sequence[str]) -> Any:
        now = self._clock.now()
        live = {row.blob for row in self._rows.values() if self._visible(row.address, now) is not None}
        return [one for one in blobs if one in live or one in self._states]


@mutant("index.11", "everything is known")
class KnowsAll(ReferenceObjectIndex):
    async def known(self, blobs: Sequence[str]) -> Any:
        return list(blobs)


@mutant("index.12", "a commit after an erasure is not found")
class ErasureStops(ReferenceObjectIndex):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._erased: set[str] = set()

    async def erase(self, person: str) -> Any:
        found = await super().erase(person)
        if found:
            self._erased.add(person)
        return found

    async def commit(self, draft: Draft) -> Committed:
        if draft.person in self._erased:
            raise NotFound("the blob is not pending")
        return await super().commit(draft)
