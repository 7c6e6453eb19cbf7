"""The cache, broken on purpose: prefixes, leases, fences and fills."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from unison_storage.contracts.cache import Acquire, Fill, Release, Set, filling, is_filling
from unison_storage.reference.cache import ReferenceCache
from unison_storage_conformance.mutant import mutant


@mutant("cache.8", "a delete always says yes")
class CacheDeleteSaysYes(ReferenceCache):
    def _delete(self, address: str, now: int) -> bool:
        super()._delete(address, now)
        return True


@mutant("cache.8", "a delete says whether the value was true")
class CacheDeleteSaysTruth(ReferenceCache):
    def _delete(self, address: str, now: int) -> bool:
        old = self._visible(address, now)
        super()._delete(address, now)
        return bool(old)


@mutant("cache.8", "a delete takes what lies below along")
class DeletesBelow(ReferenceCache):
    def _delete(self, address: str, now: int) -> bool:
        there = super()._delete(address, now)
        for one in [one for one in self._entries if one.startswith(address + "\x1f")]:
            del self._entries[one]
        return there


@mutant("cache.8", "a delete by prefix takes siblings along")
class CacheDeletesSiblings(ReferenceCache):
    async def delete_prefix(self, prefix: str) -> int:
        return await super().delete_prefix(prefix.rstrip("\x1f"))


@mutant("cache.8", "a prefix is a pattern")
class CachePrefixPattern(ReferenceCache):
    def _below(self, prefix: str) -> list[str]:
        pattern = re.escape(prefix).replace("\\*", ".*").replace("%", ".*").replace("_", ".")
        return [
            one
            for one in self._entries
            if re.match(pattern, one, re.DOTALL) and self._visible(one, self._clock.now()) is not None
        ]

    async def delete_prefix(self, prefix: str) -> int:
        found = self._below(prefix)
        for one in found:
            del self._entries[one]
        return len(found)


@mutant("cache.8", "a delete by prefix leaves what lies deeper")
class CacheDeletesShallow(ReferenceCache):
    def _below(self, prefix: str) -> list[str]:
        return [one for one in super()._below(prefix) if "\x1f" not in one[len(prefix) :]]

    async def delete_prefix(self, prefix: str) -> int:
        found = self._below(prefix)
        for one in found:
            del self._entries[one]
        return len(found)


@mutant("cache.8", "a delete by prefix ends after a thousand")
class CacheDeletesThousand(ReferenceCache):
    async def delete_prefix(self, prefix: str) -> int:
        found = self._below(prefix)[:1_000]
        for one in found:
            del self._entries[one]
        return len(found)


@mutant("cache.1", "a delete by prefix counts what has expired")
class CachePrefixCountsExpired(ReferenceCache):
    async def delete_prefix(self, prefix: str) -> int:
        found = [one for one in self._entries if one.startswith(prefix)]
        await super().delete_prefix(prefix)
        return len(found)


@mutant("cache.8", "a batch of deletes answers only what it removed")
class CacheDeletesOnce(ReferenceCache):
    async def delete_many(self, addresses: Sequence[str]) -> Any:
        there = {one: self._visible(one, self._clock.now()) is not None for one in addresses}
        await super().delete_many(addresses)
        return [there[one] for one in addresses]


@mutant("cache.9", "a lease is given to whoever asks")
class GivesToAll(ReferenceCache):
    def _acquire(self, acquire: Acquire, now: int) -> int | None:
        self._leases.pop(acquire.address, None)
        return super()._acquire(acquire, now)


@mutant("cache.9", "the holder can't acquire again")
class NeverAgain(ReferenceCache):
    def _acquire(self, acquire: Acquire, now: int) -> int | None:
        lease = self._leases.get(acquire.address)
        return None if lease is not None and lease.expires > now else super()._acquire(acquire, now)


@mutant("cache.9", "an acquire of the holder gives a new fence")
class NewFenceEachTime(ReferenceCache):
    def _acquire(self, acquire: Acquire, now: int) -> int | None:
        lease = self._leases.get(acquire.address)
        if lease is not None and lease.owner == acquire.owner:
            self._leases.pop(acquire.address)
        return super()._acquire(acquire, now)


@mutant("cache.9", "owners are compared without case")
class OwnersFold(ReferenceCache):
    def _acquire(self, acquire: Acquire, now: int) -> int | None:
        lease = self._leases.get(acquire.address)
        if lease is not None and lease.owner.lower() == acquire.owner.lower():
            acquire = replace(acquire, owner=lease.owner)
        return super()._acquire(acquire, now)


@mutant("cache.9", "a lease that has expired is still held")
class LeaseForEver(ReferenceCache):
    def _acquire(self, acquire: Acquire, now: int) -> int | None:
        lease = self._leases.get(acquire.address)
        return None if lease is not None and lease.owner != acquire.owner else super()._acquire(acquire, now)


@mutant("cache.9", "an acquire of the holder leaves the lifetime")
class AgainWithoutRenewal(ReferenceCache):
    def _acquire(self, acquire: Acquire, now: int) -> int | None:
        lease = self._leases.get(acquire.address)
        fence = super()._acquire(acquire, now)
        if lease is not None and lease.expires > now and lease.owner == acquire.owner:
            self._leases[acquire.address] = lease
        return fence


@mutant("cache.9", "an acquire looks, then takes")
class AcquireRaces(ReferenceCache):
    async def acquire_many(self, acquires: Sequence[Acquire]) -> Any:
        now = self._clock.now()
        answers: list[Any] = []
        for one in acquires:
            lease = self._leases.get(one.address)
            free = lease is None or lease.expires <= now
            await asyncio.sleep(0)
            if free:
                self._leases.pop(one.address, None)
            answers += await super().acquire_many([one])
        return answers


@mutant("cache.10", "fences start at one")
class FencesFromOne(ReferenceCache):
    def _acquire(self, acquire: Acquire, now: int) -> int | None:
        fence = super()._acquire(acquire, now)
        return None if fence is None else fence - 10**15


@mutant("cache.10", "a fence is the time")
class FenceIsTime(ReferenceCache):
    def _acquire(self, acquire: Acquire, now: int) -> int | None:
        self._fence = 0
        return super()._acquire(acquire, now)


@mutant("cache.10", "a delete by prefix starts fences anew")
class PrefixResetsFences(ReferenceCache):
    async def delete_prefix(self, prefix: str) -> int:
        self._fence = 0
        return await super().delete_prefix(prefix)


@mutant("cache.10", "a release gives the fence back")
class ReleaseGivesBack(ReferenceCache):
    def _release(self, address: str, owner: str, now: int) -> bool:
        held = super()._release(address, owner, now)
        if held:
            self._fence -= 1
        return held


@mutant("cache.11", "anybody may release")
class AnybodyReleases(ReferenceCache):
    async def release_many(self, releases: Sequence[Release]) -> Any:
        return [self._leases.pop(one.address, None) is not None for one in releases]


@mutant("cache.11", "anybody may renew")
class AnybodyRenews(ReferenceCache):
    def _renew(self, renewal: Acquire, now: int) -> bool:
        lease = self._leases.get(renewal.address)
        return super()._renew(replace(renewal, owner=lease.owner) if lease is not None else renewal, now)


@mutant("cache.11", "a renewal of nothing makes a lease")
class RenewMakes(ReferenceCache):
    def _renew(self, renewal: Acquire, now: int) -> bool:
        held = super()._renew(renewal, now)
        if renewal.address not in self._leases:
            self._acquire(renewal, now)
        return held


@mutant("cache.11", "what has expired can be renewed while nobody took it")
class RenewsExpired(ReferenceCache):
    def _renew(self, renewal: Acquire, now: int) -> bool:
        lease = self._leases.get(renewal.address)
        if lease is not None and lease.owner == renewal.owner:
            self._acquire(renewal, now)
            return True
        return False


@mutant("cache.11", "what has expired can be released")
class ReleasesExpired(ReferenceCache):
    def _held(self, address: str, owner: str, now: int) -> bool:
        lease = self._leases.get(address)
        return lease is not None and lease.owner == owner


@mutant("cache.11", "a renewal says yes and renews nothing")
class RenewDoesNothing(ReferenceCache):
    def _renew(self, renewal: Acquire, now: int) -> bool:
        return self._held(renewal.address, renewal.owner, now)


@mutant("cache.11", "a release leaves the lease")
class ReleaseDoesNothing(ReferenceCache):
    async def release_many(self, releases: Sequence[Release]) -> Any:
        return [self._held(one.address, one.owner, self._clock.now()) for one in releases]


@mutant("cache.12", "a fill needs no lease")
class FillsFreely(ReferenceCache):
    def _fill(self, fill: Fill, now: int) -> bool:
        self._leases.pop(filling(fill.address), None)
        if self._visible(fill.address, now) != fill.seen:
            return False
        self._write(fill.address, fill.value, now + fill.lifetime)
        return True


@mutant("cache.12", "a fill does not compare what was seen")
class FillsBlindly(ReferenceCache):
    def _fill(self, fill: Fill, now: int) -> bool:
        return super()._fill(replace(fill, seen=self._visible(fill.address, now)), now)


@mutant("cache.12", "a fill takes an empty value for nothing")
class FillEmptyIsNothing(ReferenceCache):
    def _fill(self, fill: Fill, now: int) -> bool:
        found = self._visible(fill.address, now)
        return super()._fill(replace(fill, seen=found) if not fill.seen and not found else fill, now)


@mutant("cache.12", "a fill keeps the lease")
class FillKeepsLease(ReferenceCache):
    def _fill(self, fill: Fill, now: int) -> bool:
        lease = self._leases.get(filling(fill.address))
        written = super()._fill(fill, now)
        if written and lease is not None:
            self._leases[filling(fill.address)] = lease
        return written


@mutant("cache.12", "a fill that has seen something else keeps the lease")
class RefusedFillKeepsLease(ReferenceCache):
    def _fill(self, fill: Fill, now: int) -> bool:
        lease = self._leases.get(filling(fill.address))
        written = super()._fill(fill, now)
        if not written and lease is not None:
            self._leases[filling(fill.address)] = lease
        return written


@mutant("cache.12", "a fill keeps the lifetime that was there")
class FillKeepsLifetime(ReferenceCache):
    def _fill(self, fill: Fill, now: int) -> bool:
        old = self._entries.get(fill.address)
        written = super()._fill(fill, now)
        if written and old is not None and old.expires > now:
            self._write(fill.address, fill.value, old.expires)
        return written


@mutant("cache.12", "a lease that has expired is good enough for a fill")
class FillsLate(ReferenceCache):
    def _fill(self, fill: Fill, now: int) -> bool:
        lease = self._leases.get(filling(fill.address))
        if lease is not None:
            self._leases[filling(fill.address)] = replace(lease, expires=now + 1)
        return super()._fill(fill, now)


@mutant("cache.13", "a delete leaves the lease for filling")
class DeleteLeavesFilling(ReferenceCache):
    def _delete(self, address: str, now: int) -> bool:
        lease = self._leases.get(filling(address))
        there = super()._delete(address, now)
        if lease is not None:
            self._leases[filling(address)] = lease
        return there


@mutant("cache.13", "a delete of nothing leaves the lease for filling")
class DeleteOfNothingLeavesFilling(ReferenceCache):
    def _delete(self, address: str, now: int) -> bool:
        return False if self._visible(address, now) is None else super()._delete(address, now)


@mutant("cache.13", "a delete by prefix leaves the leases for filling")
class PrefixLeavesFilling(ReferenceCache):
    async def delete_prefix(self, prefix: str) -> int:
        leases = dict(self._leases)
        found = await super().delete_prefix(prefix)
        self._leases = leases
        return found


@mutant("cache.13", "a delete by prefix ends all leases below")
class PrefixEndsLeases(ReferenceCache):
    async def delete_prefix(self, prefix: str) -> int:
        for one in [one for one in self._leases if one.startswith(prefix)]:
            del self._leases[one]
        return await super().delete_prefix(prefix)


@mutant("cache.13", "a delete ends every lease for filling")
class DeleteEndsAllFilling(ReferenceCache):
    def _delete(self, address: str, now: int) -> bool:
        there = super()._delete(address, now)
        self._leases = {one: lease for one, lease in self._leases.items() if not is_filling(one)}
        return there


@mutant("cache.14", "leases lie among the values")
class LeasesAmongValues(ReferenceCache):
    def _acquire(self, acquire: Acquire, now: int) -> int | None:
        fence = super()._acquire(acquire, now)
        if fence is not None:
            self._write(acquire.address, acquire.owner.encode(), now + acquire.lifetime)
        return fence


@mutant("cache.14", "leases are counted")
class CountsLeases(ReferenceCache):
    async def count(self, prefix: str) -> int:
        return await super().count(prefix) + sum(one.startswith(prefix) for one in self._leases)


@mutant("cache.14", "a delete of a value ends the lease of that address")
class DeleteEndsLease(ReferenceCache):
    def _delete(self, address: str, now: int) -> bool:
        self._leases.pop(address, None)
        return super()._delete(address, now)


@mutant("cache.14", "a value is in the way of a lease")
class ValueBlocksLease(ReferenceCache):
    def _acquire(self, acquire: Acquire, now: int) -> int | None:
        return None if self._visible(acquire.address, now) is not None else super()._acquire(acquire, now)


@mutant("cache.15", "empty values are not counted")
class EmptyUncounted(ReferenceCache):
    async def count(self, prefix: str) -> int:
        return sum(bool(self._entries[one].value) for one in self._below(prefix))


@mutant("cache.15", "what lies deeper is not counted")
class DeepUncounted(ReferenceCache):
    async def count(self, prefix: str) -> int:
        return sum("\x1f" not in one[len(prefix) :] for one in self._below(prefix))


@mutant("cache.16", "of two releases of one lease both say yes")
class ReleasesAlike(ReferenceCache):
    async def release_many(self, releases: Sequence[Release]) -> Any:
        held = {(one.address, one.owner): self._held(one.address, one.owner, self._clock.now()) for one in releases}
        await super().release_many(releases)
        return [held[one.address, one.owner] for one in releases]


@mutant("cache.17", "the first add after a delete by prefix is lost")
class LosesAdd(ReferenceCache):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._gone: set[str] = set()

    async def delete_prefix(self, prefix: str) -> int:
        self._gone.update(one for one in self._entries if one.startswith(prefix))
        return await super().delete_prefix(prefix)

    def _add(self, add: Set, now: int) -> bool:
        added = super()._add(add, now)
        if added and add.address in self._gone:
            self._gone.remove(add.address)
            del self._entries[add.address]
        return added
