"""Memory, broken on purpose: values, addresses, lifetimes. Conditions, counters and listings stand beside it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from unison_storage.clock import Clock
from unison_storage.contracts.memory import Put, Row, Touch, Written
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.values import KEEP, MISSING
from unison_storage_conformance.mutant import mutant


class _Addressed(ReferenceMemory):
    """A memory that mistakes addresses."""

    @staticmethod
    def mistaken(address: str) -> str:
        return address

    async def get_many(self, addresses: Sequence[str], touch: Any = MISSING) -> Any:
        return await super().get_many([self.mistaken(one) for one in addresses], touch)

    async def put_many(self, puts: Sequence[Put]) -> Any:
        return await super().put_many([replace(one, address=self.mistaken(one.address)) for one in puts])

    async def delete_many(self, deletes: Sequence[Any]) -> Any:
        return await super().delete_many([replace(one, address=self.mistaken(one.address)) for one in deletes])


def mistaking(law: str, sentence: str, name: str, mistaken: Callable[[str], str]) -> None:
    """Register a memory that takes addresses for others."""
    made = type(name, (_Addressed,), {"mistaken": staticmethod(mistaken)})
    mutant(law, sentence)(made)


def _key(change: Callable[[str], str]) -> Callable[[str], str]:
    def changed(address: str) -> str:
        head, separator, key = address.rpartition("\x1f")
        return head + separator + change(key)

    return changed


mistaking("memory.2", "keys are folded to lower case", "FoldsCase", _key(str.lower))
mistaking("memory.2", "keys are case-folded", "CaseFolds", _key(str.casefold))
mistaking("memory.2", "keys are normalised to NFC", "Normalises", _key(lambda key: unicodedata.normalize("NFC", key)))
mistaking("memory.2", "keys are normalised to NFKC", "Compat", _key(lambda key: unicodedata.normalize("NFKC", key)))
mistaking("memory.2", "blanks at the end of keys are stripped", "Strips", _key(str.rstrip))
mistaking("memory.2", "blanks at the beginning of keys are stripped", "StripsFront", _key(str.lstrip))
mistaking("memory.2", "keys are cut at 255 characters", "CutsAt255", _key(lambda key: key[:255]))
mistaking("memory.2", "keys are cut at 64 characters", "CutsAt64", _key(lambda key: key[:64]))
mistaking(
    "memory.2", "keys are cut at 767 bytes", "CutsAt767", _key(lambda key: key.encode()[:767].decode(errors="ignore"))
)
mistaking("memory.2", "percent-encoding is decoded in keys", "Decodes", _key(lambda key: key.replace("%2F", "/")))
mistaking(
    "memory.2", "what is not ASCII is dropped", "AsciiOnly", _key(lambda key: key.encode("ascii", "ignore").decode())
)
mistaking(
    "memory.2",
    "keys are numbers where they look like some",
    "Numbers",
    _key(lambda key: str(int(key)) if key.isdecimal() else key),
)
mistaking(
    "memory.2",
    "runs of blanks are one blank",
    "Squeezes",
    _key(lambda key: " ".join(key.split(" ")) if "  " not in key else " ".join(key.split())),
)
mistaking("memory.2", "segments are joined by a colon", "JoinsByColon", lambda address: address.replace("\x1f", ":"))
mistaking("memory.2", "segments are joined by nothing", "JoinsByNothing", lambda address: address.replace("\x1f", ""))
mistaking(
    "memory.2",
    "all but the keyspace and the key is ignored",
    "IgnoresNamespace",
    lambda address: "\x1f".join((address.split("\x1f")[0], address.split("\x1f")[-1])),
)
mistaking("memory.2", "only the last 40 characters count", "LastForty", lambda address: address[-40:])
mistaking("memory.2", "backslashes are taken for escapes", "Unescapes", _key(lambda key: key.replace("\\", "")))
mistaking(
    "memory.2",
    "soft hyphens and zero-width characters are dropped",
    "DropsInvisible",
    _key(lambda key: "".join(c for c in key if unicodedata.category(c) != "Cf")),
)


class _Valued(ReferenceMemory):
    """A memory that keeps values otherwise than they are."""

    @staticmethod
    def kept(value: bytes) -> bytes:
        return value

    def _put(self, put: Put, now: int) -> Any:
        return super()._put(replace(put, value=self.kept(put.value)), now)


def keeping(sentence: str, name: str, kept: Callable[[bytes], bytes]) -> None:
    """Register a memory that keeps values otherwise than they are."""
    mutant("memory.1", sentence)(type(name, (_Valued,), {"kept": staticmethod(kept)}))


keeping("values are cut at the first NUL", "CutsAtNul", lambda value: value.partition(b"\x00")[0])
keeping("blanks around values are stripped", "StripsValues", bytes.strip)
keeping("values are kept as UTF-8 text", "KeepsText", lambda value: value.decode("utf-8", "replace").encode())
keeping("values are cut at 65,535 bytes", "CutsValues", lambda value: value[:65_535])
keeping("line ends are made one", "OneLineEnd", lambda value: value.replace(b"\r\n", b"\n"))
keeping("quotes are doubled", "DoublesQuotes", lambda value: value.replace(b"'", b"''"))
keeping(
    "zeros at the front of numbers go", "DropsZeros", lambda value: b"%d" % int(value) if value.isdigit() else value
)
keeping("an empty value is kept as null", "EmptyIsNull", lambda value: value or b"null")
keeping("NUL bytes at the end go", "StripsNul", lambda value: value.rstrip(b"\x00"))


@mutant("memory.1", "an empty value is read as nothing")
class EmptyIsMissing(ReferenceMemory):
    def _visible(self, address: str, now: int) -> Row | None:
        row = super()._visible(address, now)
        return row if row is not None and row.value else None


@mutant("memory.1", "a batch of gets answers in the order of the addresses' bytes")
class SortsAnswers(ReferenceMemory):
    async def get_many(self, addresses: Sequence[str], touch: Any = MISSING) -> Any:
        return await super().get_many(sorted(addresses), touch)


@mutant("memory.1", "an address that is asked for twice in a batch is answered once")
class AnswersOnce(ReferenceMemory):
    async def get_many(self, addresses: Sequence[str], touch: Any = MISSING) -> Any:
        seen: set[str] = set()
        rows = await super().get_many(addresses, touch)
        return [None if one in seen or seen.add(one) else row for one, row in zip(addresses, rows, strict=True)]  # type: ignore[func-returns-value]


@mutant("memory.1", "a get answers from a cache that a put does not clear")
class ReadsItsCache(ReferenceMemory):
    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._seen: dict[str, Row] = {}

    def _visible(self, address: str, now: int) -> Row | None:
        row = super()._visible(address, now)
        return None if row is None else self._seen.setdefault(address, row)


@mutant("memory.1", "a put of the value that is there keeps the old version")
class SkipsEqual(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        old = self._visible(put.address, now)
        written = super()._put(put, now)
        if old is not None and old.value == put.value and put.address in self._rows:
            self._rows[put.address] = old
        return written


@mutant("memory.1", "versions are cut at 64 characters")
class CutsVersions(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        return super()._put(replace(put, version=put.version[:64]), now)


@mutant("memory.3", "what has expired is counted")
class CountsExpired(ReferenceMemory):
    async def count(self, prefix: str) -> int:
        return sum(address.startswith(prefix) for address in self._rows)


@mutant("memory.3", "what has expired is owned")
class OwnsExpired(ReferenceMemory):
    async def owned(self, person: str) -> int:
        return len(self._of(person))


@mutant("memory.3", "what has expired stands in listings")
class ListsExpired(ReferenceMemory):
    def _below(self, prefix: str, now: int) -> Sequence[str]:
        return sorted(address for address in self._rows if address.startswith(prefix))


@mutant("memory.3", "what has expired is there for a batch of several gets")
class GetsExpired(ReferenceMemory):
    async def get_many(self, addresses: Sequence[str], touch: Any = MISSING) -> Any:
        if len(addresses) > 1 and touch is MISSING:
            return [self._rows.get(address) for address in addresses]
        return await super().get_many(addresses, touch)


@mutant("memory.3", "a touch brings back what has expired")
class TouchRevives(ReferenceMemory):
    def _touch(self, address: str, lifetime: int | None, now: int) -> bool:
        if address in self._rows:
            self._rows[address] = replace(self._rows[address], expires=None)
        return super()._touch(address, lifetime, now)


@mutant("memory.3", "a delete says that what has expired was there")
class DeletesExpired(ReferenceMemory):
    def _delete(self, delete: Any, now: int) -> Any:
        there = delete.address in self._rows
        found = super()._delete(delete, now)
        return found if not isinstance(found, bool) else there


@mutant("memory.3", "what has expired is in the way of a put that expects nothing")
class ExpiredBlocks(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        if put.expect != "any" and put.address in self._rows:
            self._rows[put.address] = replace(self._rows[put.address], expires=None)
        return super()._put(put, now)


@mutant("memory.3", "a counter that has expired goes on")
class CountsOn(ReferenceMemory):
    def _increment(self, increment: Any, now: int) -> Any:
        row = self._rows.get(increment.address)
        if row is not None and self._visible(increment.address, now) is None:
            self._rows[increment.address] = replace(row, expires=None)
        return super()._increment(increment, now)


@mutant("memory.3", "KEEP keeps an expiry that has passed")
class KeepsPast(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        old = self._rows.get(put.address)
        written = super()._put(put, now)
        if put.lifetime is KEEP and old is not None and put.address in self._rows and old.expires:
            self._rows[put.address] = replace(self._rows[put.address], expires=old.expires)
        return written


@mutant("memory.3", "an entry lives a microsecond too long")
class LivesTooLong(ReferenceMemory):
    def _visible(self, address: str, now: int) -> Row | None:
        return super()._visible(address, now - 1)


@mutant("memory.3", "an entry is gone a microsecond early")
class DiesEarly(ReferenceMemory):
    def _visible(self, address: str, now: int) -> Row | None:
        return super()._visible(address, now + 1)


@mutant("memory.3", "lifetimes are rounded down to seconds")
class RoundsDown(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        length = put.lifetime
        return super()._put(
            replace(put, lifetime=length if not isinstance(length, int) else length // 10**6 * 10**6), now
        )


@mutant("memory.4", "an overwrite keeps the old lifetime")
class KeepsLifetime(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        old = self._visible(put.address, now)
        written = super()._put(put, now)
        if old is not None and put.address in self._rows:
            self._rows[put.address] = replace(self._rows[put.address], expires=old.expires)
        return written


@mutant("memory.4", "an overwrite without a lifetime keeps the old one")
class NoneKeeps(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        return super()._put(replace(put, lifetime=KEEP) if put.lifetime is None else put, now)


@mutant("memory.4", "an overwrite only ever lengthens a lifetime")
class Lengthens(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        old = self._visible(put.address, now)
        written = super()._put(put, now)
        row = self._rows.get(put.address)
        if old is not None and old.expires and row is not None and row.expires and put.lifetime is not KEEP:
            self._rows[put.address] = replace(row, expires=max(old.expires, row.expires))
        return written


@mutant("memory.4", "KEEP starts the lifetime anew with the default")
class KeepRestarts(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        return super()._put(replace(put, lifetime=put.default) if put.lifetime is KEEP else put, now)


@mutant("memory.4", "KEEP where nothing is lives for ever")
class KeepForgetsDefault(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        return super()._put(replace(put, default=None), now)


@mutant("memory.4", "a put answers the lifetime in place of the expiry")
class AnswersLifetime(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        written = super()._put(put, now)
        if isinstance(written, Written) and written.expires:
            return replace(written, expires=written.expires - now)
        return written


@mutant("memory.5", "a put sets the time of creation anew")
class RecreatesAlways(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        written = super()._put(put, now)
        if put.address in self._rows and not hasattr(written, "retryable"):
            self._rows[put.address] = replace(self._rows[put.address], created=now)
        return written


@mutant("memory.5", "an entry that was deleted keeps its time of creation")
class RemembersDeleted(ReferenceMemory):
    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._born: dict[str, int] = {}

    def _put(self, put: Put, now: int) -> Any:
        written = super()._put(put, now)
        if not hasattr(written, "retryable"):
            row = self._rows[put.address]
            self._rows[put.address] = replace(row, created=self._born.setdefault(put.address, row.created))
        return written


@mutant("memory.5", "the time of change is that of creation")
class NeverUpdated(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        written = super()._put(put, now)
        if not hasattr(written, "retryable"):
            row = self._rows[put.address]
            self._rows[put.address] = replace(row, updated=row.created)
        return written


@mutant("memory.9", "a get with touch answers the old expiry")
class TouchAnswersOld(ReferenceMemory):
    async def get_many(self, addresses: Sequence[str], touch: Any = MISSING) -> Any:
        rows = await super().get_many(addresses)
        if touch is not MISSING:
            await super().get_many(addresses, touch)
        return rows


@mutant("memory.9", "a get with touch to never touches nothing")
class TouchSkipsNever(ReferenceMemory):
    async def get_many(self, addresses: Sequence[str], touch: Any = MISSING) -> Any:
        return await super().get_many(addresses, touch or MISSING)


@mutant("memory.9", "a get with touch extends the first of a batch alone")
class TouchesFirst(ReferenceMemory):
    async def get_many(self, addresses: Sequence[str], touch: Any = MISSING) -> Any:
        first = await super().get_many(addresses[:1], touch)
        return first + await super().get_many(addresses[1:])


@mutant("memory.9", "a touch changes the time of change")
class TouchUpdates(ReferenceMemory):
    def _touch(self, address: str, lifetime: int | None, now: int) -> bool:
        there = super()._touch(address, lifetime, now)
        if there:
            self._rows[address] = replace(self._rows[address], updated=now)
        return there


@mutant("memory.9", "a touch drops the person")
class TouchDropsPerson(ReferenceMemory):
    def _touch(self, address: str, lifetime: int | None, now: int) -> bool:
        there = super()._touch(address, lifetime, now)
        if there:
            self._rows[address] = replace(self._rows[address], person=None)
        return there


@mutant("memory.9", "a touch only ever lengthens")
class TouchLengthens(ReferenceMemory):
    def _touch(self, address: str, lifetime: int | None, now: int) -> bool:
        old = self._visible(address, now)
        there = super()._touch(address, lifetime, now)
        row = self._rows.get(address)
        if old is not None and row is not None and old.expires and row.expires:
            self._rows[address] = replace(row, expires=max(old.expires, row.expires))
        return there


@mutant("memory.9", "a touch counts from the old expiry")
class TouchAdds(ReferenceMemory):
    def _touch(self, address: str, lifetime: int | None, now: int) -> bool:
        old = self._visible(address, now)
        return super()._touch(address, lifetime, old.expires if old is not None and old.expires and lifetime else now)


@mutant("memory.9", "a touch of nothing makes an empty entry")
class TouchMakes(ReferenceMemory):
    def _touch(self, address: str, lifetime: int | None, now: int) -> bool:
        there = super()._touch(address, lifetime, now)
        if not there:
            self._rows[address] = Row(b"", "none", now, now, None, None)
        return there


@mutant("memory.9", "touches of a batch all get the last lifetime")
class TouchesAlike(ReferenceMemory):
    async def touch_many(self, touches: Sequence[Touch]) -> Any:
        return await super().touch_many([replace(one, lifetime=touches[-1].lifetime) for one in touches])
