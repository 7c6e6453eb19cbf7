"""Memory in one table. A call is one statement; where an item is refused, its row is read for the reason."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Literal

from unison_storage.addresses import Address, first_segment
from unison_storage.addresses import after as end_of
from unison_storage.contracts.backend import Outcome
from unison_storage.contracts.conditions import refused, stranger
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
from unison_storage.errors import RequestError
from unison_storage.portable import counter, incremented
from unison_storage.values import ANY, KEEP, MISSING, Expect, Missing
from unison_storage_postgres import statements
from unison_storage_postgres.config import Server
from unison_storage_postgres.rows import deleted, refusal_of_delete, segments, version
from unison_storage_postgres.session import ServerBackend
from unison_storage_postgres.turns import Turn, in_turn


class PostgresMemory(ServerBackend, MemoryBackend):
    """Memory on a server, whose clock decides about expiry."""

    def __init__(self, server: Server, context: Context) -> None:
        super().__init__(server, context)
        self._puts = Turn(self._put, self._visible, _refusal_of_put, _manner)
        self._deletes = Turn(self._delete, self._visible, refusal_of_delete)
        self._touches = Turn(self._touch, self._visible, _refusal_of_touch)
        self._increments = Turn(self._increment, self._visible, _refusal_of_increment)

    async def get_many(
        self, addresses: Sequence[Address], touch: int | Literal[Missing.MISSING] | None = MISSING
    ) -> Rows:
        """See the contract."""
        if touch is MISSING:
            found = await self._visible(addresses)
        else:
            found = await self._touched([Touch(address, touch) for address in dict.fromkeys(addresses)])
        return [found.get(address) for address in addresses]

    async def put_many(self, puts: Sequence[Put]) -> list[Outcome[Written]]:
        """See the contract. Puts that expect alike are one statement."""
        return await in_turn(self._puts, puts)

    async def delete_many(self, deletes: Sequence[Delete]) -> Flags:
        """See the contract."""
        return await in_turn(self._deletes, deletes)

    async def touch_many(self, touches: Sequence[Touch]) -> Flags:
        """See the contract."""
        return await in_turn(self._touches, touches)

    async def increment_many(self, increments: Sequence[Increment]) -> list[Outcome[int]]:
        """See the contract."""
        return await in_turn(self._increments, increments)

    async def count(self, prefix: str) -> int:
        """See the contract."""
        return await self._number(statements.MEMORY_COUNT, prefix, end_of(prefix))

    async def delete_prefix(self, prefix: str) -> int:
        """See the contract. All of it goes in one statement."""
        return await self._number(statements.MEMORY_DELETE_PREFIX, prefix, end_of(prefix))

    async def owned(self, person: str) -> int:
        """See the contract."""
        return await self._number(statements.MEMORY_OWNED, person)

    async def erase(self, person: str) -> int:
        """See the contract. All of it goes in one statement."""
        return await self._number(statements.MEMORY_ERASE, person)

    async def purge_expired(self, limit: int) -> int:
        """See the contract. Those that expired hours ago go first; what others have locked is passed over."""
        return await self._number(statements.MEMORY_PURGE, limit)

    async def list(self, prefix: str, after: Address, limit: int, *, values: bool) -> Lines:
        """See the contract."""
        statement = statements.MEMORY_LIST if values else statements.MEMORY_KEYS
        rows = await self._session.run(statement, (max(prefix, after), end_of(prefix), limit))
        return [Listed(address, Row(*row)) for address, *row in rows]

    async def _visible(self, addresses: Sequence[Address]) -> dict[Address, Row]:
        if len(addresses) == 1:
            rows = await self._session.run(statements.MEMORY_GET_ONE, (addresses[0], first_segment(addresses[0])))
        elif addresses:
            rows = await self._session.run(statements.MEMORY_GET, (addresses, segments(addresses)))
        else:
            return {}
        return {row[0]: Row(*row[1:]) for row in rows}

    async def _touched(self, touches: Sequence[Touch]) -> dict[Address, Row]:
        if not touches:
            return {}
        addresses = [touch.address for touch in touches]
        lifetimes = [touch.lifetime for touch in touches]
        rows = await self._session.run(statements.MEMORY_TOUCH, (addresses, segments(addresses), lifetimes))
        return {row[0]: Row(*row[1:]) for row in rows}

    async def _put(self, puts: Sequence[Put]) -> dict[Address, Written]:
        first, columns = puts[0], _columns(puts)
        keep, absent = first.lifetime is KEEP, first.expect is Expect.ABSENT
        if first.expect is not ANY and not absent:
            expected = [version(put.expect) for put in puts]
            rows = await self._session.run(statements.MEMORY_REPLACE, (*columns, keep, expected))
        elif len(puts) == 1:
            one = (column[0] for column in columns)
            rows = await self._session.run(statements.MEMORY_PUT_ONE, (*one, keep, absent))
        else:
            rows = await self._session.run(statements.MEMORY_PUT, (*columns, keep, absent))
        return {
            address: Written(created, updated, expires, created == updated)
            for address, created, updated, expires in rows
        }

    async def _touch(self, touches: Sequence[Touch]) -> dict[Address, bool]:
        found = await self._touched(touches)
        return {touch.address: touch.address in found for touch in touches}

    async def _delete(self, deletes: Sequence[Delete]) -> dict[Address, bool]:
        return await deleted(self._session.run, statements.MEMORY_DELETE, deletes)

    async def _increment(self, increments: Sequence[Increment]) -> dict[Address, int]:
        addresses = [increment.address for increment in increments]
        rows = await self._session.run(
            statements.MEMORY_INCREMENT,
            (
                addresses,
                segments(addresses),
                [increment.by for increment in increments],
                [increment.version for increment in increments],
                [increment.lifetime for increment in increments],
                [increment.person for increment in increments],
            ),
        )
        return {address: int(value) for address, value in rows}


def _refusal_of_put(put: Put, row: Row | None) -> RequestError | None:
    return refused(put.expect, row.version if row else None) or stranger(put.person, row.person if row else None)


def _refusal_of_touch(_touch: Touch, _row: Row | None) -> RequestError | None:
    return None  # a touch of nothing is answered at once


def _refusal_of_increment(increment: Increment, row: Row | None) -> RequestError | None:
    try:
        incremented(counter(row.value) if row else 0, increment.by)
    except RequestError as error:
        return error
    return None


def _columns(puts: Sequence[Put]) -> tuple[list[Any], ...]:
    addresses = [put.address for put in puts]
    return (
        addresses,
        segments(addresses),
        [put.value for put in puts],
        [put.version for put in puts],
        [put.default if put.lifetime is KEEP else put.lifetime for put in puts],
        [put.person for put in puts],
    )


def _manner(put: Put) -> Hashable:
    blind = put.expect is ANY or put.expect is Expect.ABSENT
    return put.lifetime is KEEP, put.expect if blind else None
