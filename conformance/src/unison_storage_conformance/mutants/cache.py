"""The cache, broken on purpose: values, addresses, lifetimes, counters. Leases stand beside it."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from unison_storage.contracts.cache import Increment, Set, Touch
from unison_storage.errors import NotFound, StorageError
from unison_storage.reference.cache import ReferenceCache, _Entry
from unison_storage_conformance.mutant import mutant


class _Addressed(ReferenceCache):
    """A cache that mistakes addresses."""

    @staticmethod
    def mistaken(address: str) -> str:
        return address

    async def get_many(self, addresses: Sequence[str]) -> Any:
        return await super().get_many([self.mistaken(one) for one in addresses])

    async def set_many(self, sets: Sequence[Set]) -> Any:
        return await super().set_many([replace(one, address=self.mistaken(one.address)) for one in sets])

    async def add_many(self, adds: Sequence[Set]) -> Any:
        return await super().add_many([replace(one, address=self.mistaken(one.address)) for one in adds])

    async def increment_many(self, increments: Sequence[Increment]) -> Any:
        return await super().increment_many([replace(one, address=self.mistaken(one.address)) for one in increments])

    async def delete_many(self, addresses: Sequence[str]) -> Any:
        return await super().delete_many([self.mistaken(one) for one in addresses])


def mistaking(sentence: str, name: str, mistaken: Callable[[str], str]) -> None:
    """Register a cache that takes addresses for others."""
    mutant("cache.2", sentence)(type(name, (_Addressed,), {"mistaken": staticmethod(mistaken)}))


def _key(change: Callable[[str], str]) -> Callable[[str], str]:
    def changed(address: str) -> str:
        head, separator, key = address.rpartition("\x1f")
        return head + separator + change(key)

    return changed


mistaking("keys are folded to lower case", "CacheFoldsCase", _key(str.lower))
mistaking("keys are normalised to NFC", "CacheNormalises", _key(lambda key: unicodedata.normalize("NFC", key)))
mistaking("blanks in keys become underscores", "CacheUnderscores", _key(lambda key: key.replace(" ", "_")))
mistaking("keys are cut at 250 bytes", "CacheCutsAt250", _key(lambda key: key.encode()[:250].decode(errors="ignore")))
mistaking("keys are hashed to 8 bits", "CacheHashes", _key(lambda key: str(sum(key.encode()) % 256)))
mistaking("segments are joined by a colon", "CacheJoinsByColon", lambda address: address.replace("\x1f", ":"))
mistaking("what stands in braces alone counts", "CacheHashTags", _key(lambda key: key.strip("{}")))
mistaking(
    "the namespace is ignored",
    "CacheIgnoresNamespace",
    lambda address: "\x1f".join((*address.split("\x1f")[:2], address.split("\x1f")[-1])),
)


@mutant("cache.1", "an empty value is a miss")
class CacheEmptyMisses(ReferenceCache):
    def _visible(self, address: str, now: int) -> bytes | None:
        return super()._visible(address, now) or None


@mutant("cache.1", "nothing is ever kept")
class KeepsNothing(ReferenceCache):
    def _write(self, address: str, value: bytes, expires: int) -> None:
        return None


@mutant("cache.1", "values are text")
class CacheKeepsText(ReferenceCache):
    def _write(self, address: str, value: bytes, expires: int) -> None:
        super()._write(address, value.decode("utf-8", "replace").encode(), expires)


@mutant("cache.1", "numbers come back as they are printed")
class CacheKeepsNumbers(ReferenceCache):
    def _write(self, address: str, value: bytes, expires: int) -> None:
        super()._write(address, b"%d" % int(value) if value.isdigit() else value, expires)


@mutant("cache.1", "what has expired is served until it is purged")
class ServesExpired(ReferenceCache):
    async def get_many(self, addresses: Sequence[str]) -> Any:
        return [self._entries[one].value if one in self._entries else None for one in addresses]


@mutant("cache.1", "what has expired is served by a batch")
class BatchServesExpired(ReferenceCache):
    async def get_many(self, addresses: Sequence[str]) -> Any:
        if len(addresses) > 1:
            return [self._entries[one].value if one in self._entries else None for one in addresses]
        return await super().get_many(addresses)


@mutant("cache.1", "a miss is remembered")
class RemembersMiss(ReferenceCache):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._missed: set[str] = set()

    async def get_many(self, addresses: Sequence[str]) -> Any:
        found = await super().get_many(addresses)
        self._missed |= {one for one, value in zip(addresses, found, strict=True) if value is None}
        return [None if one in self._missed else value for one, value in zip(addresses, found, strict=True)]


@mutant("cache.1", "a near copy is not cleared by a delete")
class NearCopy(ReferenceCache):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._near: dict[str, bytes] = {}

    async def set_many(self, sets: Sequence[Set]) -> Any:
        self._near.update({one.address: one.value for one in sets})
        return await super().set_many(sets)

    async def get_many(self, addresses: Sequence[str]) -> Any:
        return [
            self._near.get(one, value) for one, value in zip(addresses, await super().get_many(addresses), strict=True)
        ]


@mutant("cache.1", "answers of a batch come in the order of the addresses")
class CacheSortsAnswers(ReferenceCache):
    async def get_many(self, addresses: Sequence[str]) -> Any:
        return await super().get_many(sorted(addresses))


@mutant("cache.1", "an entry lives a microsecond too long")
class CacheLivesTooLong(ReferenceCache):
    def _visible(self, address: str, now: int) -> bytes | None:
        return super()._visible(address, now - 1)


@mutant("cache.1", "lifetimes are rounded down to milliseconds")
class CacheRoundsDown(ReferenceCache):
    async def set_many(self, sets: Sequence[Set]) -> Any:
        return await super().set_many([replace(one, lifetime=one.lifetime // 1_000 * 1_000) for one in sets])


@mutant("cache.1", "a counter has no lifetime")
class CounterWithoutEnd(ReferenceCache):
    def _increment(self, increment: Increment, now: int) -> Any:
        return super()._increment(replace(increment, lifetime=10**15), now)


@mutant("cache.1", "an add has no lifetime")
class AddWithoutEnd(ReferenceCache):
    def _add(self, add: Set, now: int) -> bool:
        return super()._add(replace(add, lifetime=10**15), now)


@mutant("cache.1", "what has expired is counted")
class CacheCountsExpired(ReferenceCache):
    async def count(self, prefix: str) -> int:
        return sum(address.startswith(prefix) for address in self._entries)


@mutant("cache.1", "a delete says that what has expired was there")
class CacheDeletesExpired(ReferenceCache):
    def _delete(self, address: str, now: int) -> bool:
        there = address in self._entries
        super()._delete(address, now)
        return there


@mutant("cache.3", "a set over an entry keeps its lifetime")
class SetKeepsLifetime(ReferenceCache):
    async def set_many(self, sets: Sequence[Set]) -> Any:
        now = self._clock.now()
        for one in sets:
            there = self._visible(one.address, now) is not None
            self._write(one.address, one.value, self._entries[one.address].expires if there else now + one.lifetime)
        return [None] * len(sets)


@mutant("cache.3", "a set only ever makes a lifetime longer")
class SetLengthens(ReferenceCache):
    def _write(self, address: str, value: bytes, expires: int) -> None:
        old = self._entries.get(address)
        super()._write(
            address,
            value,
            max(expires, old.expires) if old and self._visible(address, self._clock.now()) is not None else expires,
        )


@mutant("cache.3", "a set of the value that is there does nothing")
class SetSkipsEqual(ReferenceCache):
    async def set_many(self, sets: Sequence[Set]) -> Any:
        now = self._clock.now()
        await super().set_many([one for one in sets if self._visible(one.address, now) != one.value])
        return [None] * len(sets)


@mutant("cache.3", "a lifetime of more than 30 days is a date long past")
class LongIsPast(ReferenceCache):
    async def set_many(self, sets: Sequence[Set]) -> Any:
        month = 30 * 86_400 * 10**6
        return await super().set_many([replace(one, lifetime=-1) if one.lifetime > month else one for one in sets])


@mutant("cache.3", "lifetimes wrap at 32 bits of milliseconds")
class LifetimeWraps(ReferenceCache):
    async def set_many(self, sets: Sequence[Set]) -> Any:
        return await super().set_many([replace(one, lifetime=one.lifetime % (2**31 * 1_000)) for one in sets])


@mutant("cache.4", "an add overwrites")
class AddOverwrites(ReferenceCache):
    def _add(self, add: Set, now: int) -> bool:
        fresh = self._visible(add.address, now) is None
        self._write(add.address, add.value, now + add.lifetime)
        return fresh


@mutant("cache.4", "an add writes over an empty value")
class AddOverEmpty(ReferenceCache):
    def _add(self, add: Set, now: int) -> bool:
        if self._visible(add.address, now) == b"":
            self._entries.pop(add.address)
        return super()._add(add, now)


@mutant("cache.4", "an add that is refused starts the lifetime anew")
class AddTouches(ReferenceCache):
    def _add(self, add: Set, now: int) -> bool:
        added = super()._add(add, now)
        if not added:
            self._touch(Touch(add.address, add.lifetime), now)
        return added


@mutant("cache.4", "what has expired is in the way of an add")
class ExpiredBlocksAdd(ReferenceCache):
    def _add(self, add: Set, now: int) -> bool:
        return False if add.address in self._entries else super()._add(add, now)


@mutant("cache.4", "an add looks, then writes")
class AddLooksThenWrites(ReferenceCache):
    async def add_many(self, adds: Sequence[Set]) -> Any:
        now = self._clock.now()
        free = [self._visible(one.address, now) is None for one in adds]
        await asyncio.sleep(0)
        for one, writes in zip(adds, free, strict=True):
            if writes:
                self._write(one.address, one.value, now + one.lifetime)
        return free


@mutant("cache.5", "a touch only ever makes a lifetime longer")
class TouchOnlyLengthens(ReferenceCache):
    def _touch(self, touch: Touch, now: int) -> bool:
        old = self._entries.get(touch.address)
        there = super()._touch(touch, now)
        if there and old is not None:
            entry = self._entries[touch.address]
            self._entries[touch.address] = _Entry(entry.value, max(entry.expires, old.expires))
        return there


@mutant("cache.5", "a touch adds to what is left")
class TouchAddsOn(ReferenceCache):
    def _touch(self, touch: Touch, now: int) -> bool:
        old = self._entries.get(touch.address)
        return super()._touch(
            touch, max(now, old.expires) if old and self._visible(touch.address, now) is not None else now
        )


@mutant("cache.5", "a touch empties the value")
class TouchEmpties(ReferenceCache):
    def _touch(self, touch: Touch, now: int) -> bool:
        there = super()._touch(touch, now)
        if there:
            self._entries[touch.address] = _Entry(b"", now + touch.lifetime)
        return there


@mutant("cache.5", "a touch of nothing makes an entry")
class TouchMakesEntry(ReferenceCache):
    def _touch(self, touch: Touch, now: int) -> bool:
        there = super()._touch(touch, now)
        if not there:
            self._write(touch.address, b"", now + touch.lifetime)
        return there


@mutant("cache.5", "a get is a touch")
class GetTouches(ReferenceCache):
    async def get_many(self, addresses: Sequence[str]) -> Any:
        found = await super().get_many(addresses)
        for one, value in zip(addresses, found, strict=True):
            if value is not None:
                entry = self._entries[one]
                self._entries[one] = _Entry(entry.value, max(entry.expires, self._clock.now() + 120_000_000))
        return found


@mutant("cache.5", "a touch always says yes")
class TouchSaysYes(ReferenceCache):
    def _touch(self, touch: Touch, now: int) -> bool:
        super()._touch(touch, now)
        return True


@mutant("cache.6", "a hit starts the lifetime of a counter anew")
class HitRenews(ReferenceCache):
    def _increment(self, increment: Increment, now: int) -> Any:
        total = super()._increment(increment, now)
        if isinstance(total, int):
            self._touch(Touch(increment.address, increment.lifetime), now)
        return total


@mutant("cache.6", "a hit may make the life of a counter shorter")
class HitShortens(ReferenceCache):
    def _increment(self, increment: Increment, now: int) -> Any:
        total = super()._increment(increment, now)
        if isinstance(total, int):
            entry = self._entries[increment.address]
            self._entries[increment.address] = _Entry(entry.value, min(entry.expires, now + increment.lifetime))
        return total


@mutant("cache.6", "an increment reads, then writes")
class IncrementRaces(ReferenceCache):
    async def increment_many(self, increments: Sequence[Increment]) -> Any:
        answers: list[Any] = []
        for one in increments:
            old = self._visible(one.address, self._clock.now())
            await asyncio.sleep(0)
            if old is not None and old.isdigit():
                total = int(old) + one.by
                self._write(one.address, b"%d" % total, self._entries[one.address].expires)
                answers.append(total)
            else:
                answers += await super().increment_many([one])
        return answers


@mutant("cache.6", "a counter at zero starts anew")
class ZeroStartsAnew(ReferenceCache):
    def _increment(self, increment: Increment, now: int) -> Any:
        if self._visible(increment.address, now) == b"0":
            self._entries.pop(increment.address)
        return super()._increment(increment, now)


@mutant("cache.6", "counters are floats")
class CacheCountsInFloats(ReferenceCache):
    def _increment(self, increment: Increment, now: int) -> Any:
        total = super()._increment(increment, now)
        return int(float(total)) if isinstance(total, int) else total


@mutant("cache.6", "a new counter starts at one")
class CacheStartsAtOne(ReferenceCache):
    def _increment(self, increment: Increment, now: int) -> Any:
        if self._visible(increment.address, now) is None:
            increment = replace(increment, by=increment.by + 1)
        return super()._increment(increment, now)


@mutant("cache.7", "an increment takes what int() takes")
class CacheTakesWhatIntTakes(ReferenceCache):
    def _increment(self, increment: Increment, now: int) -> Any:
        old = self._visible(increment.address, now)
        try:
            number = int(old or b"0")
        except ValueError:
            return super()._increment(increment, now)
        if old is not None and -(2**63) <= number < 2**63:
            self._entries[increment.address] = _Entry(b"%d" % number, self._entries[increment.address].expires)
        return super()._increment(increment, now)


@mutant("cache.7", "text is replaced by the amount")
class TextIsReplaced(ReferenceCache):
    def _increment(self, increment: Increment, now: int) -> Any:
        outcome = super()._increment(increment, now)
        old = self._visible(increment.address, now)
        if isinstance(outcome, StorageError) and old is not None and old.isalpha():
            self._write(increment.address, b"%d" % increment.by, now + increment.lifetime)
            return increment.by
        return outcome


@mutant("cache.7", "a counter past 64 bits wraps")
class CacheWraps(ReferenceCache):
    def _increment(self, increment: Increment, now: int) -> Any:
        old = self._visible(increment.address, now)
        outcome = super()._increment(increment, now)
        if isinstance(outcome, StorageError) and old is not None and old.lstrip(b"-").isdigit() and len(old) < 21:
            return (int(old) + increment.by + 2**63) % 2**64 - 2**63
        return outcome


@mutant("cache.7", "a counter below zero stays at zero")
class NeverNegative(ReferenceCache):
    def _increment(self, increment: Increment, now: int) -> Any:
        outcome = super()._increment(increment, now)
        if isinstance(outcome, StorageError) and increment.by < -(2**62):
            return 0
        return outcome


@mutant("cache.7", "a refused increment starts the lifetime anew")
class RefusedTouches(ReferenceCache):
    def _increment(self, increment: Increment, now: int) -> Any:
        outcome = super()._increment(increment, now)
        if isinstance(outcome, StorageError):
            self._touch(Touch(increment.address, increment.lifetime), now)
        return outcome


@mutant("cache.7", "an increment of text is not found")
class CacheWrongRefusal(ReferenceCache):
    def _increment(self, increment: Increment, now: int) -> Any:
        outcome = super()._increment(increment, now)
        return NotFound("there is no counter") if isinstance(outcome, StorageError) else outcome


@mutant("cache.16", "of several sets of one address the first wins")
class FirstSetWins(ReferenceCache):
    async def set_many(self, sets: Sequence[Set]) -> Any:
        return await super().set_many(list(reversed(sets)))


@mutant("cache.16", "adds of a batch are all checked before any is written")
class AddsCheckedFirst(ReferenceCache):
    async def add_many(self, adds: Sequence[Set]) -> Any:
        now = self._clock.now()
        free = [self._visible(one.address, now) is None for one in adds]
        for one, writes in zip(adds, free, strict=True):
            if writes:
                self._write(one.address, one.value, now + one.lifetime)
        return free


@mutant("cache.16", "increments of one counter in one batch count once")
class CacheCountsOnce(ReferenceCache):
    async def increment_many(self, increments: Sequence[Increment]) -> Any:
        last = {one.address: one for one in increments}
        answers = dict(zip(last, await super().increment_many(list(last.values())), strict=True))
        return [answers[one.address] for one in increments]
