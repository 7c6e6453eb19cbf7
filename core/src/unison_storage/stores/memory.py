"""Memory: values with versions and lifetimes at addresses. Bytes and conditions are the backend's business."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Generic, Literal, TypeVar, overload

from unison_storage.addresses import Address, check_key, check_namespace, prefix, split
from unison_storage.contracts.memory import Delete, Increment, Listed, MemoryBackend, Put, Row, Touch, Written
from unison_storage.errors import InvalidValue, StorageError
from unison_storage.keyspaces import Keyspaces
from unison_storage.portable import JSON, Codec, incremented
from unison_storage.stores import listing
from unison_storage.stores.arguments import GivenLifetime, expectation, lifetime_of, version_or_any
from unison_storage.stores.border import Border, Route, gathered, sorted_out
from unison_storage.stores.routes import Routes
from unison_storage.stores.versions import new_version
from unison_storage.values import (
    ANY,
    KEEP,
    MISSING,
    Entry,
    Expectation,
    Keep,
    Missing,
    Page,
    Stamp,
    moment,
    moment_or_none,
)

T = TypeVar("T")

KIND = "memory"


class MemoryStore:
    """What ``storage.memory`` is. Keyspaces with a URL of their own have a backend of their own."""

    def __init__(
        self, border: Border, keyspaces: Keyspaces, backend: MemoryBackend | None, own: Mapping[str, MemoryBackend]
    ) -> None:
        self._routes = Routes(border, KIND, keyspaces, backend, own)

    @overload
    def at(self, keyspace: str, *namespace: str, person: str | None = None) -> Memory[Any]: ...

    @overload
    def at(self, keyspace: str, *namespace: str, person: str | None = None, type: type[T]) -> Memory[T]: ...

    def at(self, keyspace: str, *namespace: str, person: str | None = None, type: Any = None) -> Memory[Any]:
        """Return the handle of a namespace. With ``type`` values are encoded and decoded as it by msgspec.

        In a person-scoped keyspace the first segment is the person. Raises ``UnknownKeyspace``, ``InvalidKey``,
        ``InvalidValue`` for a person other than the first segment, and ``ClassificationViolation`` for a keyspace of a
        data class that memory does not accept.
        """
        route = self._routes.get(keyspace)
        segments = check_namespace(namespace)
        owner = route.keyspace.person(segments, person)
        return Memory(route, segments, owner, JSON if type is None else Codec(type))

    async def erase(self, person: str) -> int:
        """Remove every entry of the person, in all keyspaces; return how many were visible."""
        erased = 0
        failure: StorageError | None = None
        for route, backend in self._routes.everywhere():
            try:
                erased += await route.whole("erase", backend.erase, person)
            except StorageError as error:  # the others hold data of the person too
                failure = failure or error
        if failure is not None:
            raise failure
        return erased

    async def owned(self, person: str) -> int:
        """Return how many entries ``erase`` would remove."""
        everywhere = self._routes.everywhere()
        return sum([await route.whole("owned", backend.owned, person) for route, backend in everywhere])

    async def purge_expired(self, limit: int = 10_000) -> int:
        """Remove entries that have expired, at most ``limit`` on each backend; return how many.

        Nothing expired is ever visible, so this only frees room.
        """
        return sum(
            [
                await route.whole("purge_expired", backend.purge_expired, limit)
                for route, backend in self._routes.everywhere()
            ]
        )


class Memory(Generic[T]):
    """One namespace of memory. Immutable, cheap to make, and safe to keep while the storage is open.

    A put overwrites unless ``expect`` says otherwise. What has expired is not there, for any call. Calls that run
    at the same time have no order among them; each takes effect at one moment.
    """

    __slots__ = ("_backend", "_codec", "_limit", "_prefix", "_route", "namespace", "person")

    def __init__(self, route: Route, namespace: tuple[str, ...], person: str | None, codec: Codec) -> None:
        self._route = route
        self._backend: MemoryBackend = route.backend  # type: ignore[assignment]
        self._codec = codec
        self._prefix = prefix(route.keyspace.name, namespace)
        self._limit = route.backend.limits.value
        self.namespace = namespace
        self.person = person

    @property
    def keyspace(self) -> str:
        """The name of the keyspace."""
        return self._route.keyspace.name

    @property
    def limit(self) -> int:
        """How many bytes a value may have as JSON."""
        return self._limit

    async def get(self, key: str, *, touch: float | Literal[Missing.MISSING] | None = MISSING) -> Entry[T] | None:
        """Return the entry, or ``None``. With ``touch`` its lifetime starts anew with that many seconds, in one step.

        Raises ``InvalidKey``, ``InvalidLifetime``; ``InvalidValue`` if what is stored does not fit the type.
        """
        address = self._prefix + check_key(key)
        if touch is MISSING:
            row = await self._route.one("get", self._backend.get_many, address)
        else:
            row = await self._route.one("get", self._backend.get_many, address, lifetime_of(self._route, touch))
        return None if row is None else self._entry(self.namespace, key, row)

    async def put(self, key: str, value: T, *, lifetime: GivenLifetime = MISSING, expect: Expectation = ANY) -> Stamp:
        """Write the value and return its stamp. ``lifetime`` in seconds; ``KEEP`` keeps the expiry that is there.

        Raises ``InvalidKey``, ``InvalidValue``, ``InvalidLifetime``, ``TooLarge``, and for ``expect``
        ``AlreadyExists``, ``NotFound``, ``VersionConflict``. Nothing is changed then.
        """
        put = self._put(key, value, lifetime, expect)
        written = await self._route.one("put", self._backend.put_many, put)
        return _stamp(put.version, written)

    async def delete(self, key: str, *, expect: Expectation = ANY) -> bool:
        """Remove the entry; return whether it was there. With a version: ``NotFound``, ``VersionConflict``."""
        delete = Delete(self._prefix + check_key(key), version_or_any(expect))
        return bool(await self._route.one("delete", self._backend.delete_many, delete))

    async def touch(self, key: str, *, lifetime: float | None) -> bool:
        """Start the lifetime anew; return whether the entry was there. Value and version stay."""
        touch = Touch(self._prefix + check_key(key), lifetime_of(self._route, lifetime))
        return bool(await self._route.one("touch", self._backend.touch_many, touch))

    async def increment(
        self, key: str, by: int = 1, *, lifetime: float | Literal[Missing.MISSING] | None = MISSING
    ) -> int:
        """Add to a counter and return its new value. One that is absent starts at 0, then gets the lifetime.

        Raises ``InvalidValue`` if what is stored is no integer, or past -2^63 … 2^63-1; it is unchanged then.
        """
        increment = self._increment(key, by, lifetime)
        return int(await self._route.one("increment", self._backend.increment_many, increment))

    async def exists(self, key: str) -> bool:
        """Return whether the entry is there."""
        return await self._route.one("get", self._backend.get_many, self._prefix + check_key(key)) is not None

    async def count(self, *namespace: str) -> int:
        """Return how many entries lie below this handle, deeper namespaces included."""
        return await self._route.whole("count", self._backend.count, self._below(namespace))

    async def delete_prefix(self, *namespace: str) -> int:
        """Remove everything below this handle, deeper namespaces included; return how many entries that were."""
        return await self._route.whole("delete_prefix", self._backend.delete_prefix, self._below(namespace))

    async def page(
        self, *namespace: str, cursor: str | None = None, limit: int = listing.DEFAULT_PAGE, values: bool = True
    ) -> Page[Entry[T]]:
        """Return one page of what lies below, in byte order of the address; ``limit`` from 1 to 1,000.

        ``values=False`` leaves the values out (``None``). Raises ``InvalidCursor``, ``InvalidValue`` (limit).
        """
        below = self._below(namespace)

        async def fetch(after: Address, size: int) -> list[Listed]:
            return await self._route.whole("list", self._backend.list, below, after, size, values=values)

        def item(line: Listed) -> Entry[T]:
            _, segments, key = split(line.address)
            return self._entry(segments, key, line.row, values=values)

        return await listing.page((KIND, below), below, cursor, limit, fetch, _address, item)

    def entries(self, *namespace: str, values: bool = True) -> AsyncIterator[Entry[T]]:
        """Yield the entries below this handle in byte order of the address, page by page."""
        return listing.walk(lambda cursor: self.page(*namespace, cursor=cursor, limit=listing.WALK_PAGE, values=values))

    async def keys(self, *namespace: str) -> AsyncIterator[str]:
        """Yield the key of each entry below this handle; that of a deeper namespace comes without its segments."""
        async for entry in self.entries(*namespace, values=False):
            yield entry.key

    async def get_many(
        self, keys: Iterable[str], *, touch: float | Literal[Missing.MISSING] | None = MISSING
    ) -> dict[str, Entry[T] | None]:
        """Return the entry or ``None`` for each key; ``BatchFailed`` if any failed."""
        more = () if touch is MISSING else (lifetime_of(self._route, touch),)
        made, results = sorted_out(dict.fromkeys(keys), lambda key: self._prefix + check_key(key))
        answers = await self._route.many("get_many", self._backend.get_many, list(made.values()), *more)
        rows = dict(zip(made, answers, strict=True))
        found, unfit = sorted_out(rows, lambda key: self._found(key, rows[key]))
        return gathered({**results, **unfit, **found})

    async def put_many(
        self,
        values: Mapping[str, T],
        *,
        lifetime: GivenLifetime = MISSING,
        expect: Mapping[str, Expectation] | None = None,
    ) -> dict[str, Stamp]:
        """Write each value; each stands or fails by itself. ``BatchFailed`` if any failed."""
        expected = expect or {}
        made, results = sorted_out(values, lambda key: self._put(key, values[key], lifetime, expected.get(key, ANY)))
        written = await self._route.many("put_many", self._backend.put_many, list(made.values()))
        stamps = {
            key: one if isinstance(one, StorageError) else _stamp(put.version, one)
            for (key, put), one in zip(made.items(), written, strict=True)
        }
        return gathered({**results, **stamps})

    async def delete_many(
        self, keys: Iterable[str], *, expect: Mapping[str, Expectation] | None = None
    ) -> dict[str, bool]:
        """Remove each; return which were there. ``BatchFailed`` if any failed."""
        expected = expect or {}
        made, results = sorted_out(
            dict.fromkeys(keys),
            lambda key: Delete(self._prefix + check_key(key), version_or_any(expected.get(key, ANY))),
        )
        flags = await self._route.many("delete_many", self._backend.delete_many, list(made.values()))
        return gathered({**results, **dict(zip(made, flags, strict=True))})

    async def touch_many(self, keys: Iterable[str], *, lifetime: float | None) -> dict[str, bool]:
        """Start the lifetime of each anew; return which were there. ``BatchFailed`` if any failed."""
        length = lifetime_of(self._route, lifetime)
        made, results = sorted_out(dict.fromkeys(keys), lambda key: Touch(self._prefix + check_key(key), length))
        flags = await self._route.many("touch_many", self._backend.touch_many, list(made.values()))
        return gathered({**results, **dict(zip(made, flags, strict=True))})

    async def increment_many(
        self, amounts: Mapping[str, int], *, lifetime: float | Literal[Missing.MISSING] | None = MISSING
    ) -> dict[str, int]:
        """Add to each counter; return the new values. ``BatchFailed`` if any failed."""
        made, results = sorted_out(amounts, lambda key: self._increment(key, amounts[key], lifetime))
        totals = await self._route.many("increment_many", self._backend.increment_many, list(made.values()))
        return gathered({**results, **dict(zip(made, totals, strict=True))})

    def _put(self, key: str, value: T, lifetime: GivenLifetime, expect: Expectation) -> Put:
        route = self._route
        default = route.default
        if lifetime is MISSING:
            length: int | Literal[Keep.KEEP] | None = default
        else:
            length = KEEP if lifetime is KEEP else lifetime_of(route, lifetime)
        return Put(
            self._prefix + check_key(key),
            self._codec.encode(value, self._limit),
            new_version(),
            length,
            default,
            expect if expect is ANY else expectation(expect),
            self.person,
        )

    def _increment(self, key: str, by: int, lifetime: float | Literal[Missing.MISSING] | None) -> Increment:
        if type(by) is not int:
            raise InvalidValue(f"a counter is incremented by an int, not {type(by).__name__}")
        incremented(0, by)
        length = lifetime_of(self._route, lifetime)
        return Increment(self._prefix + check_key(key), by, new_version(), length, self.person)

    def _below(self, namespace: tuple[str, ...]) -> str:
        return prefix(self.keyspace, check_namespace((*self.namespace, *namespace))) if namespace else self._prefix

    def _found(self, key: str, row: Row | StorageError | None) -> Entry[T] | None:
        if isinstance(row, StorageError):
            raise row
        return None if row is None else self._entry(self.namespace, key, row)

    def _entry(self, namespace: tuple[str, ...], key: str, row: Row, *, values: bool = True) -> Entry[T]:
        value: Any = self._codec.decode(row.value) if values else None
        return Entry(
            namespace,
            key,
            value,
            row.version,
            moment(row.created),
            moment(row.updated),
            moment_or_none(row.expires),
            row.person,
        )


def _address(line: Listed) -> Address:
    return line.address


def _stamp(version: str, written: Written) -> Stamp:
    created = moment(written.created)
    updated = created if written.updated == written.created else moment(written.updated)
    return Stamp(version, created, updated, moment_or_none(written.expires), written.fresh)
