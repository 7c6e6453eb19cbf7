"""The cache in two tables: entries here, leases in ``leases``. Every step reads what is there, decides, and writes.

What has expired stays until it is purged, evicted or written over; ``_visible`` hides it from every decision.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from unison_storage.addresses import Address
from unison_storage.addresses import after as end_of
from unison_storage.contracts.backend import Outcome
from unison_storage.contracts.cache import (
    Acquire,
    CacheBackend,
    Fill,
    Flags,
    Increment,
    Release,
    Set,
    Touch,
    filling,
)
from unison_storage.contracts.context import Context
from unison_storage.errors import RequestError, StorageError
from unison_storage.portable import counter, incremented
from unison_storage_sqlite import cache_statements, leases
from unison_storage_sqlite.config import File
from unison_storage_sqlite.connection import Step
from unison_storage_sqlite.session import FileBackend

_encode: Final = msgspec.json.Encoder().encode

_Entry = tuple[bytes, int]
"""Value and expiry."""


class SqliteCache(FileBackend, CacheBackend):
    """The cache in a file, with room for so many entries as its URL says.

    They are counted once in a tenth of that many writes, so that counting costs next to nothing; meanwhile there may
    be a tenth more. Where there are too many, those that expire first go, until a tenth is free.
    """

    def __init__(self, file: File, context: Context) -> None:
        super().__init__(file, context)
        self._telemetry = context.telemetry
        self._room = file.cache_entries
        self._uncounted = self._room  # the first write counts what the file holds

    async def get_many(self, addresses: Sequence[Address]) -> list[Outcome[bytes | None]]:
        """See the contract. Gets of many callers are one statement."""
        return await self._session.run(_get, addresses)

    async def set_many(self, sets: Sequence[Set]) -> list[Outcome[None]]:
        """See the contract."""
        return await self._grow(_set, sets)

    async def add_many(self, adds: Sequence[Set]) -> Flags:
        """See the contract."""
        return await self._grow(_add, adds)

    async def delete_many(self, addresses: Sequence[Address]) -> Flags:
        """See the contract."""
        return await self._session.run(_delete, addresses, write=True)

    async def touch_many(self, touches: Sequence[Touch]) -> Flags:
        """See the contract."""
        return await self._session.run(_touch, touches, write=True)

    async def increment_many(self, increments: Sequence[Increment]) -> list[Outcome[int]]:
        """See the contract."""
        return await self._grow(_increment, increments)

    async def fill_many(self, fills: Sequence[Fill]) -> Flags:
        """See the contract."""
        return await self._grow(_fill, fills)

    async def acquire_many(self, acquires: Sequence[Acquire]) -> list[Outcome[int | None]]:
        """See the contract."""
        return await self._session.run(leases.acquire, acquires, write=True)

    async def renew_many(self, renewals: Sequence[Acquire]) -> Flags:
        """See the contract."""
        return await self._session.run(leases.renew, renewals, write=True)

    async def release_many(self, releases: Sequence[Release]) -> Flags:
        """See the contract."""
        return await self._session.run(leases.release, releases, write=True)

    async def count(self, prefix: str) -> int:
        """See the contract."""
        return int(await self._session.one(_count, prefix))

    async def delete_prefix(self, prefix: str) -> int:
        """See the contract. All of it goes in one transaction."""
        return int(await self._session.one(_delete_prefix, prefix, write=True))

    async def purge_expired(self, limit: int) -> int:
        """See the contract. Entries go before leases, and those that expired first go first."""
        return int(await self._session.one(_purge, limit, write=True))

    async def _grow(self, step: Step, items: Sequence[Any]) -> list[Any]:
        """Write, then make room if it is time to count."""
        outcomes = await self._session.run(step, items, write=True)
        self._uncounted += len(items)
        if items and self._uncounted >= self._room // 10:
            self._uncounted = 0
            with suppress(StorageError):  # the write was done; the next ones make room again
                evicted = await self._session.one(_evict, self._room, write=True)
                self._telemetry.counters["cache_evictions", "cache", self.name, "all"] += evicted
        return outcomes


def _get(database: sqlite3.Connection, now: int, addresses: Sequence[Address]) -> list[bytes | None]:
    there = _visible(database, cache_statements.ENTRIES_GET, addresses, now)
    return [entry and entry[0] for entry in map(there.get, addresses)]


def _set(database: sqlite3.Connection, now: int, sets: Sequence[Set]) -> list[None]:
    _write(database, {one.address: (one.value, now + one.lifetime) for one in sets})
    return [None] * len(sets)


def _add(database: sqlite3.Connection, now: int, adds: Sequence[Set]) -> list[bool]:
    there = _visible(database, cache_statements.ENTRIES_HEAD, [add.address for add in adds], now)
    new: dict[Address, _Entry] = {}
    outcomes = []
    for add in adds:
        free = add.address not in there and add.address not in new
        if free:
            new[add.address] = (add.value, now + add.lifetime)
        outcomes.append(free)
    _write(database, new)
    return outcomes


def _delete(database: sqlite3.Connection, now: int, addresses: Sequence[Address]) -> list[bool]:
    there = _visible(database, cache_statements.ENTRIES_HEAD, addresses, now)
    outcomes = [there.pop(address, None) is not None for address in addresses]
    database.executemany(cache_statements.ENTRY_DELETE, [(address,) for address in addresses])
    leases.end(database, map(filling, addresses))
    return outcomes


def _touch(database: sqlite3.Connection, now: int, touches: Sequence[Touch]) -> list[bool]:
    there = _visible(database, cache_statements.ENTRIES_HEAD, [touch.address for touch in touches], now)
    database.executemany(
        cache_statements.ENTRY_TOUCH,
        [(now + touch.lifetime, touch.address) for touch in touches if touch.address in there],
    )
    return [touch.address in there for touch in touches]


def _increment(database: sqlite3.Connection, now: int, increments: Sequence[Increment]) -> list[Outcome[int]]:
    there = _visible(database, cache_statements.ENTRIES_GET, [one.address for one in increments], now)
    new: dict[Address, _Entry] = {}
    outcomes: list[Outcome[int]] = []
    for one in increments:
        value, expires = there.get(one.address, (b"0", now + one.lifetime))
        try:
            total = incremented(counter(value), one.by)
        except RequestError as error:
            outcomes.append(error)
            continue
        there[one.address] = new[one.address] = (b"%d" % total, expires)
        outcomes.append(total)
    _write(database, new)
    return outcomes


def _fill(database: sqlite3.Connection, now: int, fills: Sequence[Fill]) -> list[bool]:
    there = _visible(database, cache_statements.ENTRIES_GET, [fill.address for fill in fills], now)
    held = leases.held(database, [filling(fill.address) for fill in fills], now)
    ended: list[Address] = []
    new: dict[Address, _Entry] = {}
    outcomes = []
    for fill in fills:
        lease = filling(fill.address)
        if not leases.held_by(fill.owner, held.get(lease)):
            outcomes.append(False)
            continue
        del held[lease]
        ended.append(lease)
        old = there.get(fill.address)
        as_seen = (old and old[0]) == fill.seen
        if as_seen:
            there[fill.address] = new[fill.address] = (fill.value, now + fill.lifetime)
        outcomes.append(as_seen)
    leases.end(database, ended)
    _write(database, new)
    return outcomes


def _count(database: sqlite3.Connection, now: int, prefixes: Sequence[str]) -> list[int]:
    return [
        int(database.execute(cache_statements.ENTRIES_COUNT, (prefix, end_of(prefix), now)).fetchone()[0])
        for prefix in prefixes
    ]


def _delete_prefix(database: sqlite3.Connection, now: int, prefixes: Sequence[str]) -> list[int]:
    visible: list[int] = []
    for prefix in prefixes:
        visible += _count(database, now, [prefix])
        database.execute(cache_statements.ENTRIES_DELETE_PREFIX, (prefix, end_of(prefix)))
        database.execute(cache_statements.LEASES_DELETE_PREFIX, (prefix, end_of(prefix)))
    return visible


def _purge(database: sqlite3.Connection, now: int, limits: Sequence[int]) -> list[int]:
    outcomes = []
    for limit in limits:
        entries = database.execute(cache_statements.ENTRIES_PURGE, (now, limit)).rowcount
        outcomes.append(entries + database.execute(cache_statements.LEASES_PURGE, (now, limit - entries)).rowcount)
    return outcomes


def _evict(database: sqlite3.Connection, now: int, rooms: Sequence[int]) -> list[int]:
    """Remove what is too much and a tenth more, expired entries first; answer how many had not expired."""
    outcomes = []
    for room in rooms:
        evicted = 0
        there = database.execute(cache_statements.ENTRIES_ALL).fetchone()[0]
        if there > room:
            surplus = there - room + room // 10
            expired = database.execute(cache_statements.ENTRIES_PURGE, (now, surplus)).rowcount
            evicted = database.execute(cache_statements.ENTRIES_EVICT, (surplus - expired,)).rowcount
        outcomes.append(evicted)
    return outcomes


def _visible(
    database: sqlite3.Connection, statement: str, addresses: Sequence[Address], now: int
) -> dict[Address, _Entry]:
    """Return what is visible; whoever decides by it keeps it true for the next item."""
    rows = database.execute(statement, (_encode(addresses).decode(),))
    return {addresses[place]: (value, expires) for place, value, expires in rows if expires > now}


def _write(database: sqlite3.Connection, new: dict[Address, _Entry]) -> None:
    database.executemany(cache_statements.ENTRY_PUT, [(address, *entry) for address, entry in new.items()])
