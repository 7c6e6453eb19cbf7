"""Memory in a dict: as plain as its contract allows, so that other backends can be judged by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from unison_storage.addresses import Address
from unison_storage.clock import Clock
from unison_storage.contracts.backend import Durability, Outcome
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
from unison_storage.errors import StorageError
from unison_storage.portable import counter, incremented
from unison_storage.values import KEEP, MISSING, Health, Missing


class ReferenceMemory(MemoryBackend):
    """Memory of this process, gone with it."""

    name: ClassVar[str] = "reference"
    durability: ClassVar[Durability] = Durability.PROCESS
    production_ready: ClassVar[bool] = False

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows: dict[Address, Row] = {}

    async def health(self) -> Health:
        """Return that all is well: there is no server to ask."""
        return Health(ok=True, detail=f"{len(self._rows)} entries in this process", seconds=0.0)

    async def now(self) -> int:
        """Return the time of the clock it was given."""
        return self._clock.now()

    async def get_many(
        self, addresses: Sequence[Address], touch: int | Literal[Missing.MISSING] | None = MISSING
    ) -> Rows:
        """See the contract."""
        now = self._clock.now()
        if touch is not MISSING:
            for address in addresses:
                self._touch(address, touch, now)
        return [self._visible(address, now) for address in addresses]

    async def put_many(self, puts: Sequence[Put]) -> list[Outcome[Written]]:
        """See the contract."""
        now = self._clock.now()
        return [self._put(put, now) for put in puts]

    async def delete_many(self, deletes: Sequence[Delete]) -> Flags:
        """See the contract."""
        now = self._clock.now()
        return [self._delete(delete, now) for delete in deletes]

    async def touch_many(self, touches: Sequence[Touch]) -> Flags:
        """See the contract."""
        now = self._clock.now()
        return [self._touch(touch.address, touch.lifetime, now) for touch in touches]

    async def increment_many(self, increments: Sequence[Increment]) -> list[Outcome[int]]:
        """See the contract."""
        now = self._clock.now()
        return [self._increment(increment, now) for increment in increments]

    async def count(self, prefix: str) -> int:
        """See the contract."""
        return len(self._below(prefix, self._clock.now()))

    async def delete_prefix(self, prefix: str) -> int:
        """See the contract."""
        visible = self._below(prefix, self._clock.now())
        for address in [address for address in self._rows if address.startswith(prefix)]:
            del self._rows[address]
        return len(visible)

    async def owned(self, person: str) -> int:
        """See the contract."""
        now = self._clock.now()
        return sum(self._visible(address, now) is not None for address in self._of(person))

    async def erase(self, person: str) -> int:
        """See the contract."""
        visible = await self.owned(person)
        for address in self._of(person):
            del self._rows[address]
        return visible

    async def purge_expired(self, limit: int) -> int:
        """See the contract."""
        now = self._clock.now()
        expired = [address for address in self._rows if self._visible(address, now) is None][:limit]
        for address in expired:
            del self._rows[address]
        return len(expired)

    async def list(self, prefix: str, after: Address, limit: int, *, values: bool) -> Lines:
        """See the contract."""
        below = [address for address in self._below(prefix, self._clock.now()) if address > after]
        return [Listed(address, self._line(address, values=values)) for address in below[:limit]]

    def _visible(self, address: Address, now: int) -> Row | None:
        row = self._rows.get(address)
        return row if row is not None and (row.expires is None or row.expires > now) else None

    def _below(self, prefix: str, now: int) -> Sequence[Address]:
        return sorted(
            address for address in self._rows if address.startswith(prefix) and self._visible(address, now) is not None
        )

    def _of(self, person: str) -> Sequence[Address]:
        return [address for address, row in self._rows.items() if row.person == person]

    def _line(self, address: Address, *, values: bool) -> Row:
        row = self._rows[address]
        return row if values else Row(b"", row.version, row.created, row.updated, row.expires, row.person)

    def _put(self, put: Put, now: int) -> Outcome[Written]:
        old = self._visible(put.address, now)
        error = refused(put.expect, old.version if old else None) or stranger(put.person, old.person if old else None)
        if error is not None:
            return error
        if put.lifetime is KEEP:
            expires = old.expires if old else _expiry(put.default, now)
        else:
            expires = _expiry(put.lifetime, now)
        created = old.created if old else now
        person = put.person or (old.person if old else None)
        self._rows[put.address] = Row(put.value, put.version, created, now, expires, person)
        return Written(created, now, expires, fresh=old is None)

    def _delete(self, delete: Delete, now: int) -> Outcome[bool]:
        old = self._visible(delete.address, now)
        error = refused(delete.expect, old.version if old else None)
        if error is not None:
            return error
        self._rows.pop(delete.address, None)
        return old is not None

    def _touch(self, address: Address, lifetime: int | None, now: int) -> bool:
        old = self._visible(address, now)
        if old is None:
            return False
        self._rows[address] = Row(old.value, old.version, old.created, old.updated, _expiry(lifetime, now), old.person)
        return True

    def _increment(self, increment: Increment, now: int) -> Outcome[int]:
        old = self._visible(increment.address, now)
        try:
            total = incremented(counter(old.value) if old else 0, increment.by)
        except StorageError as error:
            return error
        created, expires, person = (
            (old.created, old.expires, old.person) if old else (now, _expiry(increment.lifetime, now), increment.person)
        )
        self._rows[increment.address] = Row(b"%d" % total, increment.version, created, now, expires, person)
        return total


def _expiry(lifetime: int | None, now: int) -> int | None:
    return None if lifetime is None else now + lifetime
