"""The cache in dicts: as plain as its contract allows, with room for so many entries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from msgspec import Struct

from unison_storage.addresses import Address
from unison_storage.clock import Clock
from unison_storage.contracts.backend import Durability, Outcome
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
    is_filling,
)
from unison_storage.errors import StorageError
from unison_storage.portable import counter, incremented
from unison_storage.telemetry import Telemetry
from unison_storage.values import Health

MAX_ENTRIES: Final = 100_000
"""How many entries there is room for; the one that was written first goes first."""


class _Entry(Struct, frozen=True):
    value: bytes
    expires: int


class _Lease(Struct, frozen=True):
    owner: str
    fence: int
    expires: int


class ReferenceCache(CacheBackend):
    """A cache of this process, gone with it."""

    name: ClassVar[str] = "reference"
    durability: ClassVar[Durability] = Durability.PROCESS
    production_ready: ClassVar[bool] = False

    def __init__(self, clock: Clock, telemetry: Telemetry | None = None, max_entries: int = MAX_ENTRIES) -> None:
        self._clock = clock
        self._telemetry = telemetry or Telemetry()
        self._max_entries = max_entries
        self._entries: dict[Address, _Entry] = {}
        self._leases: dict[Address, _Lease] = {}
        self._fence = 0

    async def health(self) -> Health:
        """Return that all is well: there is no server to ask."""
        return Health(ok=True, detail=f"{len(self._entries)} entries in this process", seconds=0.0)

    async def now(self) -> int:
        """Return the time of the clock it was given."""
        return self._clock.now()

    async def get_many(self, addresses: Sequence[Address]) -> list[Outcome[bytes | None]]:
        """See the contract."""
        now = self._clock.now()
        return [self._visible(address, now) for address in addresses]

    async def set_many(self, sets: Sequence[Set]) -> list[Outcome[None]]:
        """See the contract."""
        now = self._clock.now()
        for one in sets:
            self._write(one.address, one.value, now + one.lifetime)
        return [None] * len(sets)

    async def add_many(self, adds: Sequence[Set]) -> Flags:
        """See the contract."""
        now = self._clock.now()
        return [self._add(add, now) for add in adds]

    async def delete_many(self, addresses: Sequence[Address]) -> Flags:
        """See the contract."""
        now = self._clock.now()
        return [self._delete(address, now) for address in addresses]

    async def touch_many(self, touches: Sequence[Touch]) -> Flags:
        """See the contract."""
        now = self._clock.now()
        return [self._touch(touch, now) for touch in touches]

    async def increment_many(self, increments: Sequence[Increment]) -> list[Outcome[int]]:
        """See the contract."""
        now = self._clock.now()
        return [self._increment(increment, now) for increment in increments]

    async def fill_many(self, fills: Sequence[Fill]) -> Flags:
        """See the contract."""
        now = self._clock.now()
        return [self._fill(fill, now) for fill in fills]

    async def acquire_many(self, acquires: Sequence[Acquire]) -> list[Outcome[int | None]]:
        """See the contract."""
        now = self._clock.now()
        return [self._acquire(acquire, now) for acquire in acquires]

    async def renew_many(self, renewals: Sequence[Acquire]) -> Flags:
        """See the contract."""
        now = self._clock.now()
        return [self._renew(renewal, now) for renewal in renewals]

    async def release_many(self, releases: Sequence[Release]) -> Flags:
        """See the contract."""
        now = self._clock.now()
        return [self._release(release.address, release.owner, now) for release in releases]

    async def count(self, prefix: str) -> int:
        """See the contract."""
        return len(self._below(prefix))

    async def delete_prefix(self, prefix: str) -> int:
        """See the contract."""
        visible = len(self._below(prefix))
        for address in [address for address in self._entries if address.startswith(prefix)]:
            del self._entries[address]
        for address in list(self._leases):
            # the prefix itself is where the value of the same name, which does not lie below, is filled
            if is_filling(address) and address.startswith(prefix) and address != prefix:
                del self._leases[address]
        return visible

    async def purge_expired(self, limit: int) -> int:
        """See the contract."""
        now = self._clock.now()
        expired = [address for address, entry in self._entries.items() if entry.expires <= now][:limit]
        ended = [address for address, lease in self._leases.items() if lease.expires <= now][: limit - len(expired)]
        for address in expired:
            del self._entries[address]
        for address in ended:
            del self._leases[address]
        return len(expired) + len(ended)

    def _visible(self, address: Address, now: int) -> bytes | None:
        entry = self._entries.get(address)
        return entry.value if entry is not None and entry.expires > now else None

    def _below(self, prefix: str) -> list[Address]:
        now = self._clock.now()
        return [
            address for address, entry in self._entries.items() if address.startswith(prefix) and entry.expires > now
        ]

    def _write(self, address: Address, value: bytes, expires: int) -> None:
        self._entries.pop(address, None)  # so that it stands last, as written now
        self._entries[address] = _Entry(value, expires)
        if len(self._entries) > self._max_entries:
            del self._entries[next(iter(self._entries))]
            self._telemetry.counters["cache_evictions", "cache", self.name, "all"] += 1

    def _add(self, add: Set, now: int) -> bool:
        if self._visible(add.address, now) is not None:
            return False
        self._write(add.address, add.value, now + add.lifetime)
        return True

    def _delete(self, address: Address, now: int) -> bool:
        was_there = self._visible(address, now) is not None
        self._entries.pop(address, None)
        self._leases.pop(filling(address), None)
        return was_there

    def _touch(self, touch: Touch, now: int) -> bool:
        value = self._visible(touch.address, now)
        if value is None:
            return False
        self._entries[touch.address] = _Entry(value, now + touch.lifetime)
        return True

    def _increment(self, increment: Increment, now: int) -> Outcome[int]:
        old = self._visible(increment.address, now)
        try:
            total = incremented(counter(old) if old is not None else 0, increment.by)
        except StorageError as error:
            return error
        expires = now + increment.lifetime if old is None else self._entries[increment.address].expires
        self._write(increment.address, b"%d" % total, expires)
        return total

    def _fill(self, fill: Fill, now: int) -> bool:
        if not self._release(filling(fill.address), fill.owner, now):
            return False
        if self._visible(fill.address, now) != fill.seen:
            return False
        self._write(fill.address, fill.value, now + fill.lifetime)
        return True

    def _held(self, address: Address, owner: str, now: int) -> bool:
        lease = self._leases.get(address)
        return lease is not None and lease.expires > now and lease.owner == owner

    def _acquire(self, acquire: Acquire, now: int) -> int | None:
        lease = self._leases.get(acquire.address)
        if lease is not None and lease.expires > now:
            if lease.owner != acquire.owner:
                return None
            fence = lease.fence
        else:
            # one counter for all addresses grows past whatever any of them has had
            fence = self._fence = max(self._fence + 1, now)
        self._leases[acquire.address] = _Lease(acquire.owner, fence, now + acquire.lifetime)
        return fence

    def _renew(self, renewal: Acquire, now: int) -> bool:
        if not self._held(renewal.address, renewal.owner, now):
            return False
        self._acquire(renewal, now)
        return True

    def _release(self, address: Address, owner: str, now: int) -> bool:
        if not self._held(address, owner, now):
            return False
        del self._leases[address]
        return True
