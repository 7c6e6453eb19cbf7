"""The cache: values that may vanish, and computing them once. Leases and flights stand in modules of their own."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, Generic, Literal, TypeVar, overload

from unison_storage.addresses import check_key, check_namespace, check_person, prefix
from unison_storage.clock import Clock
from unison_storage.contracts.cache import Acquire, CacheBackend, Increment, Release, Set, Touch
from unison_storage.errors import AvailabilityError, InvalidValue, LeaseHeld, StorageError
from unison_storage.keyspaces import Keyspaces
from unison_storage.portable import incremented
from unison_storage.stores.border import Border, Route, gathered, sorted_out
from unison_storage.stores.cached import Cached, P, R, by_handle
from unison_storage.stores.envelopes import Envelopes, refresh_time
from unison_storage.stores.filling import Filling, Loader, Terms, cache_lifetime
from unison_storage.stores.flights import Flights
from unison_storage.stores.leases import Grant, Lease
from unison_storage.stores.routes import Routes
from unison_storage.stores.versions import new_id
from unison_storage.values import MISSING, Missing

T = TypeVar("T")
D = TypeVar("D")

KIND: Final = "cache"
LEASE: Final = 30.0
"""Seconds that others wait for whoever computes a value, before they compute it themselves."""

_OWNER: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")

GivenSeconds = float | Literal[Missing.MISSING]


class CacheStore:
    """What ``storage.cache`` is. Keyspaces with a URL of their own have a backend of their own."""

    def __init__(
        self,
        border: Border,
        keyspaces: Keyspaces,
        backend: CacheBackend | None,
        own: Mapping[str, CacheBackend],
        clock: Clock,
    ) -> None:
        self._routes = Routes(border, KIND, keyspaces, backend, own, lambda keyspace: keyspace.for_cache())
        self.clock = clock
        self.flights: Flights[Any] = Flights()

    @overload
    def at(self, keyspace: str, *namespace: str) -> Cache[Any]: ...

    @overload
    def at(self, keyspace: str, *namespace: str, type: type[T]) -> Cache[T]: ...

    def at(self, keyspace: str, *namespace: str, type: Any = None) -> Cache[Any]:
        """Return the handle of a namespace. With ``type`` values are encoded and decoded as it by msgspec.

        In a person-scoped keyspace the first segment is the person. Raises ``UnknownKeyspace``, ``InvalidKey``,
        ``ClassificationViolation`` for a keyspace of a data class that the cache does not accept, and
        ``InvalidConfig`` for a type where the keyspace's codec takes none.
        """
        route = self._routes.get(keyspace)
        segments = check_namespace(namespace)
        route.keyspace.person(segments, None)
        return Cache(self, route, segments, Envelopes(route.keyspace.codec, Any if type is None else type))

    async def erase(self, person: str) -> int:
        """Remove every entry of the person, in all person-scoped keyspaces; return how many there were."""
        erased = 0
        failure: StorageError | None = None
        for route, below in self._of(person):
            backend: CacheBackend = route.backend  # type: ignore[assignment]
            try:
                erased += await route.whole("delete_prefix", backend.delete_prefix, below)
            except StorageError as error:  # the others hold data of the person too
                failure = failure or error
            finally:
                self.flights.forget_below(below)
        if failure is not None:
            raise failure
        return erased

    async def owned(self, person: str) -> int:
        """Return how many entries ``erase`` would remove."""
        owned = 0
        for route, below in self._of(person):
            backend: CacheBackend = route.backend  # type: ignore[assignment]
            owned += await route.whole("count", backend.count, below)
        return owned

    async def purge_expired(self, limit: int = 10_000) -> int:
        """Free the room of entries that have expired, at most ``limit`` on each backend; return of how many."""
        everywhere = self._routes.everywhere()
        return sum([await route.whole("purge_expired", backend.purge_expired, limit) for route, backend in everywhere])

    async def drain(self) -> None:
        """Cancel what is being computed, and wait for its end."""
        await self.flights.drain()

    def _of(self, person: str) -> list[tuple[Route, str]]:
        check_person(person)
        scoped = [route for route in self._routes.declared() if route.keyspace.person_scoped]
        return [(route, prefix(route.keyspace.name, (person,))) for route in scoped]


class Cache(Generic[T]):
    """One namespace of the cache. Immutable, cheap to make, and safe to keep while the storage is open.

    Any entry may vanish at any time; what was overwritten or deleted, or has expired, never comes back. While the
    backend does not answer, a keyspace that is declared ``on_failure="degrade"`` reads as if nothing were there and
    lets writes of values go, which is counted; everything else raises, as all calls of other keyspaces do.
    """

    __slots__ = (
        *("_backend", "_counters", "_envelopes", "_hits", "_limit", "_misses", "_prefix", "_route", "_store"),
        "namespace",
    )

    def __init__(self, store: CacheStore, route: Route, namespace: tuple[str, ...], envelopes: Envelopes) -> None:
        self._store = store
        self._route = route
        self._backend: CacheBackend = route.backend  # type: ignore[assignment]
        self._envelopes = envelopes
        self._prefix = prefix(route.keyspace.name, namespace)
        self._limit = route.backend.limits.value
        self._counters = route.border.telemetry.counters
        self._hits, self._misses = route.counter("cache_hits"), route.counter("cache_misses")
        self.namespace = namespace

    @property
    def keyspace(self) -> str:
        """The name of the keyspace."""
        return self._route.keyspace.name

    @property
    def codec(self) -> str:
        """How values of the keyspace are encoded: ``json``, ``msgpack`` or ``raw``."""
        return self._route.keyspace.codec

    @property
    def limit(self) -> int:
        """How many bytes a value may have, encoded."""
        return self._limit

    async def get(self, key: str, default: D | None = None) -> T | D | None:
        """Return the value, or ``default``; with ``MISSING`` a stored ``None`` is told from nothing."""
        raw = await self._read(self._prefix + check_key(key))
        return default if raw is None else self._envelopes.value(raw)

    async def set(self, key: str, value: T, *, lifetime: GivenSeconds = MISSING) -> None:
        """Write the value. ``lifetime`` in seconds; the keyspace's default where it is left out."""
        one = self._set(key, value, lifetime)
        try:
            await self._route.one("set", self._backend.set_many, one)
        except AvailabilityError as error:
            self._route.degraded(error)

    async def add(self, key: str, value: T, *, lifetime: GivenSeconds = MISSING) -> bool:
        """Write the value if nothing is there; return whether it was written. Of concurrent calls one wins."""
        return bool(await self._route.one("add", self._backend.add_many, self._set(key, value, lifetime)))

    async def delete(self, key: str) -> bool:
        """Remove the entry; return whether it was there. What is being computed for it is not kept."""
        address = self._prefix + check_key(key)
        try:
            return bool(await self._route.one("delete", self._backend.delete_many, address))
        finally:  # who asks from now on must not get what was computed before
            self._store.flights.forget(address)

    async def touch(self, key: str, *, lifetime: float) -> bool:
        """Start the lifetime anew; return whether the entry was there."""
        touch = Touch(self._prefix + check_key(key), self._lifetime(lifetime))
        return bool(await self._route.one("touch", self._backend.touch_many, touch))

    async def increment(self, key: str, by: int = 1, *, lifetime: GivenSeconds = MISSING) -> int:
        """Add to a counter and return its new value. One that is absent starts at 0, and gets the lifetime then.

        Raises ``InvalidValue`` if what is stored is no counter, or past -2^63 … 2^63-1; it is unchanged then.
        """
        increment = self._increment(key, by, lifetime)
        return int(await self._route.one("increment", self._backend.increment_many, increment))

    async def get_many(self, keys: Iterable[str], default: D | None = None) -> dict[str, T | D | None]:
        """Return the value or ``default`` for each key; ``BatchFailed`` if any failed."""
        made, results = sorted_out(dict.fromkeys(keys), lambda key: self._prefix + check_key(key))
        found = await self._route.many("get_many", self._backend.get_many, list(made.values()))
        rows = dict(zip(made, found, strict=True))
        values, unfit = sorted_out(rows, lambda key: self._found(rows[key], default))
        return gathered({**results, **unfit, **values})

    async def set_many(self, values: Mapping[str, T], *, lifetime: GivenSeconds = MISSING) -> None:
        """Write each value; each stands or fails by itself. ``BatchFailed`` if any failed."""
        made, results = sorted_out(values, lambda key: self._set(key, values[key], lifetime))
        written = await self._route.many("set_many", self._backend.set_many, list(made.values()))
        gathered({**results, **dict(zip(made, map(self._let_go, written), strict=True))})

    async def add_many(self, values: Mapping[str, T], *, lifetime: GivenSeconds = MISSING) -> dict[str, bool]:
        """Write each value where nothing is; return which were written. ``BatchFailed`` if any failed."""
        made, results = sorted_out(values, lambda key: self._set(key, values[key], lifetime))
        flags = await self._route.many("add_many", self._backend.add_many, list(made.values()))
        return gathered({**results, **dict(zip(made, flags, strict=True))})

    async def delete_many(self, keys: Iterable[str]) -> dict[str, bool]:
        """Remove each; return which were there. ``BatchFailed`` if any failed."""
        made, results = sorted_out(dict.fromkeys(keys), lambda key: self._prefix + check_key(key))
        try:
            flags = await self._route.many("delete_many", self._backend.delete_many, list(made.values()))
        finally:
            for address in made.values():
                self._store.flights.forget(address)
        return gathered({**results, **dict(zip(made, flags, strict=True))})

    async def touch_many(self, keys: Iterable[str], *, lifetime: float) -> dict[str, bool]:
        """Start the lifetime of each anew; return which were there. ``BatchFailed`` if any failed."""
        length = self._lifetime(lifetime)
        made, results = sorted_out(dict.fromkeys(keys), lambda key: Touch(self._prefix + check_key(key), length))
        flags = await self._route.many("touch_many", self._backend.touch_many, list(made.values()))
        return gathered({**results, **dict(zip(made, flags, strict=True))})

    async def increment_many(self, amounts: Mapping[str, int], *, lifetime: GivenSeconds = MISSING) -> dict[str, int]:
        """Add to each counter; return the new values. ``BatchFailed`` if any failed."""
        made, results = sorted_out(amounts, lambda key: self._increment(key, amounts[key], lifetime))
        totals = await self._route.many("increment_many", self._backend.increment_many, list(made.values()))
        return gathered({**results, **dict(zip(made, totals, strict=True))})

    async def count(self, *namespace: str) -> int:
        """Return how many entries lie below this handle. A server may have to look at everything it holds."""
        return await self._route.whole("count", self._backend.count, self._below(namespace))

    async def delete_prefix(self, *namespace: str) -> int:
        """Remove everything below this handle; return how many entries that were. Costs as ``count``; not atomic."""
        below = self._below(namespace)
        try:
            return await self._route.whole("delete_prefix", self._backend.delete_prefix, below)
        finally:
            self._store.flights.forget_below(below)

    async def get_or_compute(
        self,
        key: str,
        loader: Loader,
        *,
        lifetime: GivenSeconds = MISSING,
        early: float | None = None,
        negative: float | Literal[Missing.MISSING] | None = MISSING,
        lease: float = LEASE,
    ) -> T:
        """Return the value, or what ``loader`` returns (it may be a coroutine function), which is kept then.

        Callers that miss it at the same time wait for one of them; other processes wait for it for at most ``lease``
        seconds. ``early`` seconds before its end a value is computed anew behind the caller's back, who gets the one
        that is there. ``negative`` is the lifetime of a ``None``; with ``negative=None`` a ``None`` is not kept. What
        is computed across a delete is returned to those who asked before it, and not kept.

        Raises what ``loader`` raises, at all who wait for it; ``InvalidValue`` if it waits for its own key.
        """
        if not callable(loader):
            raise InvalidValue(f"a loader is a function without arguments, not {type(loader).__name__}")
        terms = Terms.of(self._route.keyspace, lifetime, early, negative, lease)
        address = self._prefix + check_key(key)
        raw = await self._read(address)
        if raw is not None and refresh_time(raw) is None:
            return self._envelopes.value(raw)  # type: ignore[no-any-return]
        filling = Filling(self._route, address, loader, terms, self._envelopes, self._store.clock)
        return await filling.value(raw, self._store.flights)  # type: ignore[no-any-return]

    @by_handle
    def cached(
        self,
        *,
        lifetime: GivenSeconds = MISSING,
        early: float | None = None,
        negative: float | Literal[Missing.MISSING] | None = MISSING,
        lease: float = LEASE,
    ) -> Callable[[Callable[P, Awaitable[R]]], Cached[P, Awaitable[R]]]:
        """Return a decorator that keeps what a function returns, by its arguments; options as ``get_or_compute``."""
        options = {"lifetime": lifetime, "early": early, "negative": negative, "lease": lease}
        return lambda function: Cached(self, function, options)

    def lease(self, name: str, *, lifetime: float, wait: float = 0) -> Lease:
        """Return a lease for ``async with``: ``LeaseHeld`` if another has it and goes on so for ``wait`` seconds.

        Names of leases and keys of values are apart. Advisory: compare ``lease.fence`` where it matters.
        """
        if type(wait) not in (int, float) or not 0 <= wait < float("inf"):
            raise InvalidValue("wait is a number of seconds, 0 or more")
        return Lease(self, self._store.clock, name, lifetime, wait)

    async def acquire(self, name: str, *, lifetime: float, owner: str | None = None) -> Grant:
        """Take a lease without ``async with``; ``LeaseHeld`` while another owner has it.

        Taking it again as its ``owner`` starts its lifetime anew, and leaves the fence.
        """
        holder = new_id() if owner is None else _owner(owner)
        acquire = Acquire(self._prefix + check_key(name), holder, self._lifetime(lifetime))
        fence = await self._route.one("acquire", self._backend.acquire_many, acquire)
        if fence is None:
            raise LeaseHeld("another owner holds the lease").at(KIND, "acquire", self._backend.name)
        return Grant(holder, fence)

    async def renew(self, name: str, owner: str, *, lifetime: float) -> bool:
        """Start the lifetime of a lease anew; return whether ``owner`` still held it."""
        renewal = Acquire(self._prefix + check_key(name), _owner(owner), self._lifetime(lifetime))
        return bool(await self._route.one("renew", self._backend.renew_many, renewal))

    async def release(self, name: str, owner: str) -> bool:
        """Let go of a lease; return whether ``owner`` still held it."""
        release = Release(self._prefix + check_key(name), _owner(owner))
        return bool(await self._route.one("release", self._backend.release_many, release))

    async def _read(self, address: str) -> bytes | None:
        raw: bytes | None = None
        try:
            raw = await self._route.one("get", self._backend.get_many, address)
        except AvailabilityError as error:
            self._route.degraded(error)
        self._counters[self._misses if raw is None else self._hits] += 1
        return raw

    def _found(self, row: bytes | StorageError | None, default: Any) -> Any:
        if isinstance(row, AvailabilityError):
            self._route.degraded(row)
            row = None
        if isinstance(row, StorageError):
            raise row
        self._counters[self._misses if row is None else self._hits] += 1
        return default if row is None else self._envelopes.value(row)

    def _let_go(self, written: StorageError | None) -> StorageError | None:
        if isinstance(written, AvailabilityError) and self._route.keyspace.on_failure == "degrade":
            self._route.degraded(written)
            return None
        return written

    def _set(self, key: str, value: T, lifetime: GivenSeconds) -> Set:
        return Set(self._prefix + check_key(key), self._envelopes.stored(value, self._limit), self._lifetime(lifetime))

    def _increment(self, key: str, by: int, lifetime: GivenSeconds) -> Increment:
        if type(by) is not int:
            raise InvalidValue(f"a counter is incremented by an int, not {type(by).__name__}")
        incremented(0, by)
        return Increment(self._prefix + check_key(key), by, self._lifetime(lifetime))

    def _lifetime(self, lifetime: Any) -> int:
        return cache_lifetime(self._route.keyspace, lifetime)

    def _below(self, namespace: tuple[str, ...]) -> str:
        return prefix(self.keyspace, check_namespace((*self.namespace, *namespace))) if namespace else self._prefix


def _owner(owner: str) -> str:
    if type(owner) is not str or _OWNER.fullmatch(owner) is None:
        raise InvalidValue("an owner is a token of at most 64 letters, digits and . _ -")
    return owner
