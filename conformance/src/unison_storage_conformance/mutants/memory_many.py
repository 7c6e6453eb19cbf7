"""Memory, broken on purpose: listings, counts, prefixes, persons and purging."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from unison_storage.contracts.memory import Listed, Row
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.values import KEEP
from unison_storage_conformance.mutant import mutant


class _Prefixed(ReferenceMemory):
    """A memory that finds other addresses below a prefix."""

    @staticmethod
    def lies(address: str, prefix: str) -> bool:
        return address.startswith(prefix)

    def _below(self, prefix: str, now: int) -> Sequence[str]:
        return sorted(one for one in self._rows if self.lies(one, prefix) and self._visible(one, now) is not None)


def finding(law: str, sentence: str, name: str, lies: Callable[[str, str], bool]) -> None:
    """Register a memory that finds other addresses below a prefix."""
    mutant(law, sentence)(type(name, (_Prefixed,), {"lies": staticmethod(lies)}))


finding(
    "memory.13",
    "a prefix matches siblings that begin alike",
    "Siblings",
    lambda address, prefix: address.startswith(prefix.rstrip("\x1f")),
)
finding(
    "memory.13",
    "a prefix is a pattern of LIKE",
    "Like",
    lambda address, prefix: (
        re.match(re.escape(prefix).replace("%", ".*").replace("_", "."), address, re.DOTALL) is not None
    ),
)
finding(
    "memory.13",
    "a prefix is a pattern of GLOB",
    "Glob",
    lambda address, prefix: fnmatch.fnmatchcase(address, prefix.replace("[", "[[]") + "*"),
)
finding(
    "memory.13",
    "a prefix is compared without case",
    "PrefixFolds",
    lambda address, prefix: address.lower().startswith(prefix.lower()),
)
finding(
    "memory.13",
    "deeper namespaces are left out",
    "Shallow",
    lambda address, prefix: address.startswith(prefix) and "\x1f" not in address[len(prefix) :],
)
finding(
    "memory.13",
    "a prefix is looked for anywhere",
    "Anywhere",
    lambda address, prefix: prefix.split("\x1f", 3)[-1] in address,
)


@mutant("memory.13", "a listing is ordered without case")
class OrdersWithoutCase(ReferenceMemory):
    def _below(self, prefix: str, now: int) -> Sequence[str]:
        return sorted(super()._below(prefix, now), key=lambda one: (one.lower(), one))


@mutant("memory.13", "a listing is in the order of UTF-16")
class OrdersByUtf16(ReferenceMemory):
    async def list(self, prefix: str, after: str, limit: int, *, values: bool) -> Any:
        lines = await super().list(prefix, "", 10**6, values=values)
        lines.sort(key=lambda line: line.address.encode("utf-16-be"))
        return [one for one in lines if one.address.encode("utf-16-be") > after.encode("utf-16-be")][:limit]


@mutant("memory.13", "a listing is in the order of writing")
class OrdersByTime(ReferenceMemory):
    async def list(self, prefix: str, after: str, limit: int, *, values: bool) -> Any:
        found = [one for one in self._rows if one.startswith(prefix) and self._visible(one, self._clock.now())]
        start = found.index(after) + 1 if after in found else 0
        return [Listed(one, self._line(one, values=values)) for one in found[start : start + limit]]


@mutant("memory.13", "a page begins with its position")
class BeginsAt(ReferenceMemory):
    async def list(self, prefix: str, after: str, limit: int, *, values: bool) -> Any:
        lines = await super().list(prefix, after, limit, values=values)
        again = [Listed(after, self._line(after, values=values))] if after in self._rows else []
        return [*again, *lines][:limit]


@mutant("memory.13", "a position where nothing is starts from the beginning")
class StartsOver(ReferenceMemory):
    async def list(self, prefix: str, after: str, limit: int, *, values: bool) -> Any:
        return await super().list(prefix, after if after in self._rows else "", limit, values=values)


@mutant("memory.13", "a page goes on by number")
class PagesByNumber(ReferenceMemory):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._places: dict[str, int] = {}

    async def list(self, prefix: str, after: str, limit: int, *, values: bool) -> Any:
        below = self._below(prefix, self._clock.now())
        start = self._places.get(after, sum(one <= after for one in below)) if after else 0
        page = below[start : start + limit]
        self._places.update({one: start + at + 1 for at, one in enumerate(page)})
        return [Listed(one, self._line(one, values=values)) for one in page]


@mutant("memory.13", "a listing holds at most 1,000")
class EndsAtThousand(ReferenceMemory):
    def _below(self, prefix: str, now: int) -> Sequence[str]:
        return super()._below(prefix, now)[:1_000]


@mutant("memory.13", "a page is one short at its end")
class OneShort(ReferenceMemory):
    async def list(self, prefix: str, after: str, limit: int, *, values: bool) -> Any:
        return await super().list(prefix, after, max(limit - 1, 1), values=values)


@mutant("memory.13", "a page is one too long")
class OneLong(ReferenceMemory):
    async def list(self, prefix: str, after: str, limit: int, *, values: bool) -> Any:
        return await super().list(prefix, after, limit + 1, values=values)


@mutant("memory.13", "entries that have expired shorten a page")
class ExpiredShortens(ReferenceMemory):
    async def list(self, prefix: str, after: str, limit: int, *, values: bool) -> Any:
        found = sorted(one for one in self._rows if one.startswith(prefix) and one > after)[:limit]
        return [Listed(one, self._line(one, values=values)) for one in found if self._visible(one, self._clock.now())]


@mutant("memory.13", "a line without values has them all the same")
class AlwaysValues(ReferenceMemory):
    def _line(self, address: str, *, values: bool) -> Row:
        return super()._line(address, values=True)


@mutant("memory.13", "a line has no person")
class LineWithoutPerson(ReferenceMemory):
    def _line(self, address: str, *, values: bool) -> Row:
        row = super()._line(address, values=values)
        return Row(row.value, row.version, row.created, row.updated, row.expires, None)


@mutant("memory.13", "a line without values has no expiry")
class LineWithoutExpiry(ReferenceMemory):
    def _line(self, address: str, *, values: bool) -> Row:
        row = super()._line(address, values=values)
        return row if values else Row(row.value, row.version, row.created, row.updated, None, row.person)


@mutant("memory.13", "created and updated of a line are swapped")
class SwapsTimes(ReferenceMemory):
    def _line(self, address: str, *, values: bool) -> Row:
        row = super()._line(address, values=values)
        return Row(row.value, row.version, row.updated, row.created, row.expires, row.person)


@mutant("memory.13", "below the empty prefix lies nothing")
class EmptyPrefixIsNothing(ReferenceMemory):
    def _below(self, prefix: str, now: int) -> Sequence[str]:
        return super()._below(prefix, now) if prefix else []


@mutant("memory.14", "a count leaves deeper namespaces out")
class CountsShallow(ReferenceMemory):
    async def count(self, prefix: str) -> int:
        return sum("\x1f" not in one[len(prefix) :] for one in self._below(prefix, self._clock.now()))


@mutant("memory.14", "a delete by prefix takes siblings along")
class DeletesSiblings(ReferenceMemory):
    async def delete_prefix(self, prefix: str) -> int:
        return await super().delete_prefix(prefix.rstrip("\x1f"))


@mutant("memory.14", "a delete by prefix leaves what lies deeper")
class DeletesShallow(ReferenceMemory):
    async def delete_prefix(self, prefix: str) -> int:
        found = [one for one in self._below(prefix, self._clock.now()) if "\x1f" not in one[len(prefix) :]]
        for one in found:
            del self._rows[one]
        return len(found)


@mutant("memory.14", "a delete by prefix counts what has expired")
class DeleteCountsExpired(ReferenceMemory):
    async def delete_prefix(self, prefix: str) -> int:
        found = [one for one in self._rows if one.startswith(prefix)]
        for one in found:
            del self._rows[one]
        return len(found)


@mutant("memory.14", "a delete by prefix answers nothing")
class DeleteAnswersZero(ReferenceMemory):
    async def delete_prefix(self, prefix: str) -> int:
        await super().delete_prefix(prefix)
        return 0


@mutant("memory.14", "a delete by prefix takes a thousand at most")
class DeletesThousand(ReferenceMemory):
    async def delete_prefix(self, prefix: str) -> int:
        found = self._below(prefix, self._clock.now())[:5]
        for one in found:
            del self._rows[one]
        return len(found)


@mutant("memory.15", "an erasure takes persons whose ids begin alike")
class ErasesAlike(ReferenceMemory):
    def _of(self, person: str) -> Sequence[str]:
        return [one for one, row in self._rows.items() if row.person and row.person.startswith(person)]


@mutant("memory.15", "an erasure compares persons without case")
class ErasesWithoutCase(ReferenceMemory):
    def _of(self, person: str) -> Sequence[str]:
        return [one for one, row in self._rows.items() if row.person and row.person.lower() == person.lower()]


@mutant("memory.15", "the person is a pattern")
class ErasesByPattern(ReferenceMemory):
    def _of(self, person: str) -> Sequence[str]:
        pattern = re.escape(person).replace("%", ".*").replace("_", ".")
        return [one for one, row in self._rows.items() if row.person and re.fullmatch(pattern, row.person)]


@mutant("memory.15", "an erasure knows the person of the first put alone")
class ErasesByFirst(ReferenceMemory):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._first: dict[str, str | None] = {}

    def _put(self, put: Any, now: int) -> Any:
        written = super()._put(put, now)
        if put.address in self._rows:
            self._first.setdefault(put.address, self._rows[put.address].person)
        return written

    def _of(self, person: str) -> Sequence[str]:
        return [one for one in self._rows if self._first.get(one) == person]


@mutant("memory.15", "an erasure counts what has expired")
class EraseCountsExpired(ReferenceMemory):
    async def erase(self, person: str) -> int:
        found = self._of(person)
        for one in found:
            del self._rows[one]
        return len(found)


@mutant("memory.15", "an erasure takes what names the person in its address")
class ErasesByAddress(ReferenceMemory):
    def _of(self, person: str) -> Sequence[str]:
        return [one for one, row in self._rows.items() if row.person == person or person in one.split("\x1f")]


@mutant("memory.15", "an erasure answers one")
class EraseAnswersOne(ReferenceMemory):
    async def erase(self, person: str) -> int:
        return min(await super().erase(person), 1)


@mutant("memory.18", "KEEP after a delete by prefix takes the expiry of what was deleted")
class KeepsDeleted(ReferenceMemory):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._gone: dict[str, int | None] = {}

    async def delete_prefix(self, prefix: str) -> int:
        self._gone.update({one: row.expires for one, row in self._rows.items() if one.startswith(prefix)})
        return await super().delete_prefix(prefix)

    def _put(self, put: Any, now: int) -> Any:
        fresh = self._visible(put.address, now) is None
        written = super()._put(put, now)
        if fresh and put.lifetime is KEEP and put.address in self._gone and put.address in self._rows:
            expires = self._gone.pop(put.address)
            self._rows[put.address] = replace(self._rows[put.address], expires=expires)
        return written


@mutant("memory.16", "a purge takes all that has expired")
class PurgesAll(ReferenceMemory):
    async def purge_expired(self, limit: int) -> int:
        return await super().purge_expired(10**6)


@mutant("memory.16", "a purge takes what will expire")
class PurgesAhead(ReferenceMemory):
    async def purge_expired(self, limit: int) -> int:
        ahead = [one for one, row in self._rows.items() if row.expires is not None][:limit]
        for one in ahead:
            del self._rows[one]
        return len(ahead)


@mutant("memory.16", "a purge says that it purged as many as it might")
class PurgeAnswersLimit(ReferenceMemory):
    async def purge_expired(self, limit: int) -> int:
        await super().purge_expired(limit)
        return limit


@mutant("memory.16", "a purge answers whether it purged")
class PurgeAnswersOne(ReferenceMemory):
    async def purge_expired(self, limit: int) -> int:
        return min(await super().purge_expired(limit), 1)


@mutant("memory.16", "a purge removes by addresses it noted, also what was written anew")
class PurgesNoted(ReferenceMemory):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._noted: dict[str, int] = {}

    def _put(self, put: Any, now: int) -> Any:
        written = super()._put(put, now)
        row = self._rows.get(put.address)
        if row is not None and row.expires is not None:
            self._noted.setdefault(put.address, row.expires)
        return written

    async def purge_expired(self, limit: int) -> int:
        now = self._clock.now()
        due = [one for one, expires in self._noted.items() if expires <= now][:limit]
        for one in due:
            del self._noted[one]
        return sum(self._rows.pop(one, None) is not None for one in due)
