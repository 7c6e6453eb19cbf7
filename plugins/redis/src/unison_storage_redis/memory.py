"""Memory: each entry a string with a head, found by an index in byte order. What they look like stands in ``entries``.

The index and the sets of persons name every entry that there is, and some that are gone: what they name is looked at
before it counts. Entries expire on the server by themselves, and what still names them is taken out by ``purge``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, Literal

from unison_storage.addresses import Address
from unison_storage.contracts.backend import Outcome
from unison_storage.contracts.context import Context
from unison_storage.contracts.memory import (
    Delete,
    Flags,
    Increment,
    Lines,
    Listed,
    MemoryBackend,
    Put,
    Row,
    Rows,
    Touch,
    Written,
)
from unison_storage.errors import AvailabilityError, InvalidConfig, StorageError
from unison_storage.values import KEEP, MISSING, Missing
from unison_storage_redis import scripts
from unison_storage_redis.config import Server
from unison_storage_redis.entries import PEEK, whole
from unison_storage_redis.keys import MemoryKeys
from unison_storage_redis.replies import (
    Answers,
    between,
    deleted,
    expected,
    lifetime_of,
    row,
    total,
    without_value,
    written,
)
from unison_storage_redis.session import ServerBackend, raised, steps
from unison_storage_redis.telling import information

_STEP: Final = 500
"""How many entries are looked at in one round trip."""

Addresses = list[Address]
Found = list[Row | None]


class RedisMemory(ServerBackend, MemoryBackend):
    """Memory on one server, or on the primary of a Sentinel; the server's clock decides about expiry."""

    def __init__(self, server: Server, context: Context) -> None:
        super().__init__(server, context)
        self._keys = MemoryKeys(server.options.prefix)

    async def open(self) -> None:
        """Take part in the connections; ``InvalidConfig`` where the server may evict what memory holds."""
        await super().open()
        try:
            await self._check()
        except BaseException:
            await self.close()
            raise

    async def get_many(
        self, addresses: Sequence[Address], touch: int | Literal[Missing.MISSING] | None = MISSING
    ) -> Rows:
        """See the contract."""
        if touch is not MISSING:
            return [row(answer) for answer in await self._touched([Touch(address, touch) for address in addresses])]
        if len(addresses) == 1:
            key = self._keys.entry(addresses[0])
            return [row(await self._link.one(key, ("GET", key), writes=False))]
        keys = list(map(self._keys.entry, addresses))
        return [row(answer) for answer in await self._link.many(keys, [("GET", key) for key in keys], writes=False)]

    async def put_many(self, puts: Sequence[Put]) -> list[Outcome[Written]]:
        """See the contract."""
        if len(puts) == 1:
            words = self._put(puts[0])
            answer = await self._link.one(words[1], words, writes=True, script=scripts.MEMORY_PUT)
            return [written(puts[0], answer)]
        answers = await self._run(scripts.MEMORY_PUT, map(self._put, puts))
        return [written(put, answer) for put, answer in zip(puts, answers, strict=True)]

    async def delete_many(self, deletes: Sequence[Delete]) -> Flags:
        """See the contract."""
        found = await self._deleted([(delete.address, expected(delete.expect)) for delete in deletes])
        return [deleted(delete, answer) for delete, answer in zip(deletes, found, strict=True)]

    async def touch_many(self, touches: Sequence[Touch]) -> Flags:
        """See the contract."""
        answers = await self._touched(touches)
        return [answer if isinstance(answer, StorageError) else answer is not None for answer in answers]

    async def increment_many(self, increments: Sequence[Increment]) -> list[Outcome[int]]:
        """See the contract."""
        answers = await self._run(scripts.MEMORY_INCREMENT, map(self._increment, increments))
        return [total(answer, one.by) for answer, one in zip(answers, increments, strict=True)]

    async def count(self, prefix: str) -> int:
        """See the contract."""
        try:
            while await self.purge_expired(_STEP) == _STEP:
                pass
        except StorageError as error:
            error.outcome_unknown = False  # what names nothing is taken out, which nobody can see
            raise
        low, high = between(prefix)
        return int(
            raised(await self._link.one(self._keys.index, ("ZLEXCOUNT", self._keys.index, low, high), writes=False))
        )

    async def delete_prefix(self, prefix: str) -> int:
        """See the contract. Entries go one by one."""
        removed, after = 0, ""
        with steps() as taken:
            while addresses := await self._named(prefix, after, _STEP):
                answers = await self._deleted([(address, "*") for address in addresses])
                taken.begun = True
                removed += sum(raised(answer) is not None for answer in answers)
                after = addresses[-1]
        return removed

    async def owned(self, person: str) -> int:
        """See the contract."""
        owned = 0
        for addresses in await self._of(person):
            owned += sum(row is not None and row.person == person for row in await self._peeked(addresses))
        return owned

    async def erase(self, person: str) -> int:
        """See the contract. Entries go one by one."""
        removed = 0
        with steps() as taken:
            for addresses in await self._of(person):
                answers = await self._deleted([(address, f"@{person}") for address in addresses])
                taken.begun = True
                removed += sum(isinstance(raised(answer), bytes) for answer in answers)
                await self._forget([(address, person) for address in addresses])
        return removed

    async def purge_expired(self, limit: int) -> int:
        """See the contract. The server removes entries by itself; this takes out what still names them."""
        words = (1, self._keys.expiry, limit)
        answer = await self._link.one(self._keys.expiry, words, writes=False, script=scripts.MEMORY_DUE)
        marks = [tuple(mark.decode().split("\0")) for mark in raised(answer)]
        await self._forget([(address, person) for address, person in marks if person])
        calls = [
            (3, self._keys.entry(address), self._keys.index, self._keys.expiry, address, f"{address}\0{person}")
            for address, person in marks
        ]
        return sum(map(raised, await self._run(scripts.MEMORY_PURGE, calls)))

    async def list(self, prefix: str, after: Address, limit: int, *, values: bool) -> Lines:
        """See the contract."""
        lines: Lines = []
        while len(lines) < limit:
            wanted = limit - len(lines)
            addresses = await self._named(prefix, after, wanted)
            rows = await (self._got(addresses) if values else self._peeked(addresses))
            lines += [Listed(address, row) for address, row in zip(addresses, rows, strict=True) if row is not None]
            if len(addresses) < wanted:
                break
            after = addresses[-1]
        return lines

    async def _check(self) -> None:
        [node] = await self._link.nodes()
        policy = (await information(node, "memory")).get("maxmemory_policy")
        if policy != "noeviction":
            raise InvalidConfig(
                f"{self._server.setting}: the server may evict what memory holds (maxmemory-policy {policy}): set it "
                "to noeviction, or keep memory on another server than the cache"
            )

    async def _run(self, script: scripts.Script, calls: Iterable[tuple[Any, ...]]) -> Answers:
        """Run a script once for each call; the first key is the entry's."""
        commands = list(calls)
        return await self._link.many([words[1] for words in commands], commands, writes=True, script=script)

    async def _got(self, addresses: Sequence[Address]) -> Found:
        return [raised(row) for row in await self.get_many(addresses)]

    async def _peeked(self, addresses: Sequence[Address]) -> Found:
        """Return entries without their values."""
        keys = list(map(self._keys.entry, addresses))
        heads = await self._link.many(keys, [("GETRANGE", key, 0, PEEK) for key in keys], writes=False)
        found = [head if whole(raised(head)) else None for head in heads]
        cut = [key for key, head in zip(keys, found, strict=True) if head is None]
        rest = iter(await self._link.many(cut, [("GET", key) for key in cut], writes=False))
        rows = [raised(row(next(rest) if head is None else head or None)) for head in found]
        return [one and without_value(one) for one in rows]

    async def _named(self, prefix: str, after: Address, limit: int) -> Addresses:
        """Return addresses that the index names, in their order."""
        low, high = between(prefix)
        if after > prefix:
            low = f"({after}"
        words = ("ZRANGEBYLEX", self._keys.index, low, high, "LIMIT", 0, limit)
        return [member.decode() for member in raised(await self._link.one(self._keys.index, words, writes=False))]

    async def _of(self, person: str) -> Sequence[Addresses]:
        """Return the addresses that may be a person's, in steps."""
        words = ("SMEMBERS", self._keys.person(person))
        members = raised(await self._link.one(words[1], words, writes=False))
        addresses = [member.decode() for member in members]
        return [addresses[start : start + _STEP] for start in range(0, len(addresses), _STEP)]

    async def _touched(self, touches: Sequence[Touch]) -> Answers:
        return await self._run(
            scripts.MEMORY_TOUCH,
            (
                (2, self._keys.entry(touch.address), self._keys.expiry, touch.address, lifetime_of(touch.lifetime))
                for touch in touches
            ),
        )

    async def _deleted(self, wanted: Sequence[tuple[Address, str]]) -> Answers:
        """Remove entries where what is expected holds; return what the script answers for each."""
        answers = await self._run(
            scripts.MEMORY_DELETE,
            (
                (3, self._keys.entry(address), self._keys.index, self._keys.expiry, address, expected)
                for address, expected in wanted
            ),
        )
        rows = [
            (address, row(answer))
            for (address, _), answer in zip(wanted, answers, strict=True)
            if type(answer) is bytes
        ]
        await self._forget([(address, row.person) for address, row in rows if isinstance(row, Row) and row.person])
        return answers

    async def _forget(self, owned: Sequence[tuple[Address, str]]) -> None:
        """Take addresses out of the sets of persons, where nothing of the person is there.

        Those sets may name what is gone, so where the server can't be asked nothing is wrong.
        """
        calls = [
            (2, self._keys.entry(address), self._keys.person(person), address, person) for address, person in owned
        ]
        with suppress(AvailabilityError):
            await self._run(scripts.MEMORY_FORGET, calls)

    def _put(self, put: Put) -> tuple[Any, ...]:
        keys = self._keys
        lifetime = f"k{lifetime_of(put.default)}" if put.lifetime is KEEP else lifetime_of(put.lifetime)
        given = (put.address, put.value, put.version, lifetime, expected(put.expect), put.person or "")
        if put.person is None:
            return (3, keys.entry(put.address), keys.index, keys.expiry, *given)
        return (4, keys.entry(put.address), keys.index, keys.expiry, keys.person(put.person), *given)

    def _increment(self, one: Increment) -> tuple[Any, ...]:
        keys = self._keys
        given = (one.address, one.by, one.version, lifetime_of(one.lifetime), one.person or "")
        if one.person is None:
            return (4, keys.entry(one.address), keys.index, keys.expiry, keys.scratch, *given)
        return (5, keys.entry(one.address), keys.index, keys.expiry, keys.scratch, keys.person(one.person), *given)
