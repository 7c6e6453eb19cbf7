"""Filling: one value on its way from a loader into the cache, once across processes, and never after a delete.

Whoever computes holds the lease for filling the address; a delete ends that lease, and the backend then refuses what
was computed before (R. Nishtala et al., Scaling Memcache at Facebook, 2013). Callers of one process are gathered in
``flights``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from inspect import isawaitable
from typing import Any, Final, Self

from msgspec import Struct

from unison_storage.addresses import Address
from unison_storage.clock import Clock
from unison_storage.contracts.cache import Acquire, CacheBackend, Fill, Release, filling
from unison_storage.errors import AccessDenied, AvailabilityError, InvalidLifetime, StorageError
from unison_storage.keyspaces import Keyspace, micros_of
from unison_storage.stores.border import Route
from unison_storage.stores.envelopes import Envelopes, refresh_time
from unison_storage.stores.flights import Flights
from unison_storage.stores.leases import FIRST_WAIT, LONGEST_WAIT, jittered
from unison_storage.stores.versions import new_id
from unison_storage.values import MISSING

Loader = Callable[[], Any]

OF_CALLER: Final = "unison_storage_of_caller"
"""Marks a loader that runs in its caller's thread, and so only while that caller waits."""

_REFRESHING: Final = "\x1f"
"""Behind an address: the place of a flight that nobody has to wait for."""


class Filled(Struct, frozen=True):
    """What came of it: the value as it is stored, and whether it is as fresh as the cache itself.

    It is not where something was written or deleted meanwhile: then it serves those who had asked before.
    """

    stored: bytes
    fresh: bool


class Terms(Struct, frozen=True):
    """How long a value lives, in microseconds. ``none`` is that of ``None``, which is not kept where it is 0.

    ``early`` before its end a value is computed anew; ``lease`` is how long others wait for this one.
    """

    lifetime: int
    none: int
    early: int | None
    lease: int

    @classmethod
    def of(cls, keyspace: Keyspace, lifetime: Any, early: Any, negative: Any, lease: Any) -> Self:
        """Return the terms that a caller gives in seconds; ``InvalidLifetime`` outside the bounds of the keyspace."""
        length = cache_lifetime(keyspace, lifetime)
        none = length if negative is MISSING else 0 if negative is None else cache_lifetime(keyspace, negative)
        soon = None if early is None else micros_of(early)
        if soon is not None and soon >= length:
            raise InvalidLifetime("early is less than the lifetime: seconds before its end")
        return cls(length, none, soon, micros_of(lease))


def cache_lifetime(keyspace: Keyspace, lifetime: Any) -> int:
    """Return microseconds, the keyspace's default where omitted; ``InvalidLifetime`` outside its bounds."""
    length = keyspace.default if lifetime is MISSING else keyspace.bounded(lifetime)
    assert length is not None  # noqa: S101 - a keyspace of the cache has a default and a ceiling
    return length


class Filling:
    """One address and the loader for it."""

    __slots__ = ("_address", "_backend", "_clock", "_envelopes", "_loader", "_owner", "_route", "_terms")

    def __init__(
        self, route: Route, address: Address, loader: Loader, terms: Terms, envelopes: Envelopes, clock: Clock
    ) -> None:
        self._route = route
        self._backend: CacheBackend = route.backend  # type: ignore[assignment]
        self._address = address
        self._loader = loader
        self._terms = terms
        self._envelopes = envelopes
        self._clock = clock
        self._owner = new_id()

    async def value(self, raw: bytes | None, flights: Flights[Any]) -> Any:
        """Return what was found, or what the loader returns where nothing was; concurrent callers share one flight."""
        asked = 0
        while raw is None:
            filled, started = await flights.join(self._address, self.anew)
            asked += 1
            if filled.fresh or started or asked > 1:
                return self._envelopes.value(filled.stored)
            raw = await self._read()  # who joined may have asked after the delete, so it asks once more
        await self._refresh(raw, flights)
        return self._envelopes.value(raw)

    async def anew(self) -> Filled:
        """Compute what is missing, or wait for whoever computes it in another process."""
        try:
            found = await self._claimed()
        except AccessDenied:  # a read-only storage computes what it can't keep
            return Filled((await self._computed())[0], fresh=True)
        except AvailabilityError as error:
            self._route.degraded(error)
            return Filled((await self._computed())[0], fresh=True)
        return Filled(found, fresh=True) if found is not None else await self._filled(None)

    async def again(self, seen: bytes) -> None:
        """Compute anew what is still there, unless somebody does. Nobody waits for it, so failures are counted only."""
        try:
            if await self._acquired():
                await self._filled(seen)
        except Exception:  # noqa: BLE001 - whatever the loader raises: the value that is there goes on being served
            self._route.count("cache_refresh_failures")

    async def _refresh(self, raw: bytes, flights: Flights[Any]) -> None:
        due = refresh_time(raw)
        place = self._address + _REFRESHING
        if due is None or due > self._clock.now() or flights.is_flying(place):
            return
        flight = flights.start(place, lambda: self.again(raw))
        if getattr(self._loader, OF_CALLER, False):
            await flight.task

    async def _read(self) -> bytes | None:
        try:
            return await self._found()
        except AvailabilityError as error:
            self._route.degraded(error)
            return None

    async def _claimed(self) -> bytes | None:
        """Return the value that somebody else has filled in, or ``None`` once this one holds the lease."""
        pause = FIRST_WAIT
        while not await self._acquired():
            await self._clock.sleep(jittered(pause))
            pause = min(pause * 2, LONGEST_WAIT)
            found = await self._found()
            if found is not None:
                return found
        found = await self._found()  # its last holder may have filled it in
        if found is not None:
            await self._release()
        return found

    async def _filled(self, seen: bytes | None) -> Filled:
        try:
            stored, lifetime = await self._computed()
        except BaseException:
            # also where it was cancelled: others must not wait for what does not come
            await asyncio.shield(self._release())
            raise
        if not lifetime:
            await self._release()
            return Filled(stored, fresh=True)
        fill = Fill(self._address, stored, lifetime, self._owner, seen)
        try:
            return Filled(stored, fresh=await self._route.one("fill", self._backend.fill_many, fill))
        except AvailabilityError as error:
            self._route.degraded(error)
            return Filled(stored, fresh=True)

    async def _computed(self) -> tuple[bytes, int]:
        terms = self._terms
        value = self._loader()
        if isawaitable(value):
            value = await value
        lifetime = terms.none if value is None else terms.lifetime
        soon = terms.early is not None and terms.early < lifetime
        refresh_at = self._clock.now() + lifetime - terms.early if soon and terms.early is not None else None
        return self._envelopes.stored(value, self._backend.limits.value, refresh_at), lifetime

    async def _found(self) -> bytes | None:
        found: bytes | None = await self._route.one("get", self._backend.get_many, self._address)
        return found

    async def _acquired(self) -> bool:
        acquire = Acquire(filling(self._address), self._owner, self._terms.lease)
        return await self._route.one("acquire", self._backend.acquire_many, acquire) is not None

    async def _release(self) -> None:
        with suppress(StorageError):  # it ends by itself
            release = Release(filling(self._address), self._owner)
            await self._route.one("release", self._backend.release_many, release)
