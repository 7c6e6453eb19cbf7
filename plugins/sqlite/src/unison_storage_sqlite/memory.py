"""Memory in one table. Every step reads what is there for all its items, decides, and writes for all that may.

A row that has expired stays until it is purged or written over; ``_visible`` hides it from every decision.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Literal

import msgspec

from unison_storage.addresses import Address
from unison_storage.addresses import after as end_of
from unison_storage.contracts.backend import Outcome
from unison_storage.contracts.conditions import refused, stranger
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
from unison_storage.errors import RequestError
from unison_storage.portable import counter, incremented
from unison_storage.values import KEEP, MISSING, Missing
from unison_storage_sqlite import statements
from unison_storage_sqlite.session import FileBackend

_encode = msgspec.json.Encoder().encode


class SqliteMemory(FileBackend, MemoryBackend):
    """Memory in a file. Times come from the storage's clock: all processes on a file are on one machine."""

    async def get_many(
        self, addresses: Sequence[Address], touch: int | Literal[Missing.MISSING] | None = MISSING
    ) -> Rows:
        """See the contract. Plain gets of many callers are one statement."""
        if touch is MISSING:
            return await self._session.run(_get, addresses)
        return await self._session.run(_get_touching, [Touch(address, touch) for address in addresses], write=True)

    async def put_many(self, puts: Sequence[Put]) -> list[Outcome[Written]]:
        """See the contract."""
        return await self._session.run(_put, puts, write=True)

    async def delete_many(self, deletes: Sequence[Delete]) -> Flags:
        """See the contract."""
        return await self._session.run(_delete, deletes, write=True)

    async def touch_many(self, touches: Sequence[Touch]) -> Flags:
        """See the contract."""
        return await self._session.run(_touch, touches, write=True)

    async def increment_many(self, increments: Sequence[Increment]) -> list[Outcome[int]]:
        """See the contract."""
        return await self._session.run(_increment, increments, write=True)

    async def count(self, prefix: str) -> int:
        """See the contract."""
        return int(await self._session.one(_count, prefix))

    async def delete_prefix(self, prefix: str) -> int:
        """See the contract. All of it goes in one transaction."""
        return int(await self._session.one(_delete_prefix, prefix, write=True))

    async def owned(self, person: str) -> int:
        """See the contract."""
        return int(await self._session.one(_owned, person))

    async def erase(self, person: str) -> int:
        """See the contract. All of it goes in one transaction."""
        return int(await self._session.one(_erase, person, write=True))

    async def purge_expired(self, limit: int) -> int:
        """See the contract. Those that expired first go first."""
        return int(await self._session.one(_purge, limit, write=True))

    async def list(self, prefix: str, after: Address, limit: int, *, values: bool) -> Lines:
        """See the contract."""
        statement = statements.MEMORY_LIST if values else statements.MEMORY_KEYS
        lines: Lines = await self._session.one(_list, (statement, max(prefix, after), end_of(prefix), limit))
        return lines


def _get(database: sqlite3.Connection, now: int, addresses: Sequence[Address]) -> list[Row | None]:
    return _visible(database, statements.MEMORY_GET, addresses, now)


def _get_touching(database: sqlite3.Connection, now: int, touches: Sequence[Touch]) -> list[Row | None]:
    rows = _visible(database, statements.MEMORY_GET, [touch.address for touch in touches], now)
    database.executemany(
        statements.MEMORY_TOUCH,
        [
            (_expiry(touch.lifetime, now), touch.address)
            for touch, row in zip(touches, rows, strict=True)
            if row is not None
        ],
    )
    return [
        row and Row(row.value, row.version, row.created, row.updated, _expiry(touch.lifetime, now), row.person)
        for touch, row in zip(touches, rows, strict=True)
    ]


def _touch(database: sqlite3.Connection, now: int, touches: Sequence[Touch]) -> list[bool]:
    there = _heads(database, [touch.address for touch in touches], now)
    database.executemany(
        statements.MEMORY_TOUCH,
        [(_expiry(touch.lifetime, now), touch.address) for touch in touches if there[touch.address] is not None],
    )
    return [there[touch.address] is not None for touch in touches]


def _put(database: sqlite3.Connection, now: int, puts: Sequence[Put]) -> list[Outcome[Written]]:
    there = _heads(database, [put.address for put in puts], now)
    outcomes: list[Outcome[Written]] = []
    rows = []
    for put in puts:
        old = there[put.address]
        error = refused(put.expect, old.version if old else None) or stranger(put.person, old.person if old else None)
        if error is not None:
            outcomes.append(error)
            continue
        created = old.created if old else now
        person = put.person or (old.person if old else None)
        if put.lifetime is KEEP:
            expires = old.expires if old else _expiry(put.default, now)
        else:
            expires = _expiry(put.lifetime, now)
        there[put.address] = Row(b"", put.version, created, now, expires, person)
        rows.append((put.address, put.value, put.version, created, now, expires, person))
        outcomes.append(Written(created, now, expires, old is None))
    database.executemany(statements.MEMORY_PUT, rows)
    return outcomes


def _delete(database: sqlite3.Connection, now: int, deletes: Sequence[Delete]) -> list[Outcome[bool]]:
    there = _heads(database, [delete.address for delete in deletes], now)
    outcomes: list[Outcome[bool]] = []
    gone = []
    for delete in deletes:
        old = there[delete.address]
        error = refused(delete.expect, old.version if old else None)
        if error is None:
            there[delete.address] = None
            gone.append((delete.address,))
        outcomes.append(old is not None if error is None else error)
    database.executemany(statements.MEMORY_DELETE, gone)
    return outcomes


def _increment(database: sqlite3.Connection, now: int, increments: Sequence[Increment]) -> list[Outcome[int]]:
    addresses = [increment.address for increment in increments]
    there = dict(zip(addresses, _visible(database, statements.MEMORY_GET, addresses, now), strict=True))
    outcomes: list[Outcome[int]] = []
    rows = []
    for increment in increments:
        old = there[increment.address]
        try:
            total = incremented(counter(old.value) if old else 0, increment.by)
        except RequestError as error:
            outcomes.append(error)
            continue
        expires = old.expires if old else _expiry(increment.lifetime, now)
        person = old.person if old else increment.person
        new = Row(b"%d" % total, increment.version, old.created if old else now, now, expires, person)
        there[increment.address] = new
        rows.append((increment.address, *msgspec.structs.astuple(new)))
        outcomes.append(total)
    database.executemany(statements.MEMORY_PUT, rows)
    return outcomes


def _count(database: sqlite3.Connection, now: int, prefixes: Sequence[str]) -> list[int]:
    return [_number(database, statements.MEMORY_COUNT, prefix, end_of(prefix), now) for prefix in prefixes]


def _delete_prefix(database: sqlite3.Connection, now: int, prefixes: Sequence[str]) -> list[int]:
    visible: list[int] = []
    for prefix in prefixes:
        visible += _count(database, now, [prefix])
        database.execute(statements.MEMORY_DELETE_PREFIX, (prefix, end_of(prefix)))
    return visible


def _owned(database: sqlite3.Connection, now: int, persons: Sequence[str]) -> list[int]:
    return [_number(database, statements.MEMORY_COUNT_PERSON, person, now) for person in persons]


def _erase(database: sqlite3.Connection, now: int, persons: Sequence[str]) -> list[int]:
    visible: list[int] = []
    for person in persons:
        visible += _owned(database, now, [person])
        database.execute(statements.MEMORY_ERASE, (person,))
    return visible


def _purge(database: sqlite3.Connection, now: int, limits: Sequence[int]) -> list[int]:
    return [database.execute(statements.MEMORY_PURGE, (now, limit)).rowcount for limit in limits]


def _list(database: sqlite3.Connection, now: int, pages: Sequence[tuple[str, str, str, int]]) -> list[Lines]:
    return [
        [Listed(address, Row(*row)) for address, *row in database.execute(statement, (start, end, now, limit))]
        for statement, start, end, limit in pages
    ]


def _visible(database: sqlite3.Connection, statement: str, addresses: Sequence[Address], now: int) -> list[Row | None]:
    rows: list[Row | None] = [None] * len(addresses)
    wanted = _encode(addresses).decode()
    for place, value, version, created, updated, expires, person in database.execute(statement, (wanted,)):
        if expires is None or expires > now:
            rows[place] = Row(value, version, created, updated, expires, person)
    return rows


def _heads(database: sqlite3.Connection, addresses: Sequence[Address], now: int) -> dict[Address, Row | None]:
    """Return what is visible, without values, to decide by; whoever decides keeps it true for the next item."""
    return dict(zip(addresses, _visible(database, statements.MEMORY_HEAD, addresses, now), strict=True))


def _number(database: sqlite3.Connection, statement: str, *arguments: object) -> int:
    return int(database.execute(statement, arguments).fetchone()[0])


def _expiry(lifetime: int | None, now: int) -> int | None:
    return None if lifetime is None else now + lifetime
