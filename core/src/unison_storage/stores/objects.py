"""Objects: bytes of any size at addresses, composed of blobs and an index. Repairing both stands in ``upkeep``."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Final, Literal

from unison_storage.addresses import Address, check_key, check_namespace, prefix
from unison_storage.capabilities import Capability
from unison_storage.contracts.conditions import refused
from unison_storage.contracts.memory import Delete
from unison_storage.contracts.objects import Blobs, Committed, Draft, ObjectIndex, ObjectRow
from unison_storage.errors import InvalidValue, NotFound, StorageError, Truncated, Unsupported
from unison_storage.keyspaces import Keyspaces, micros_of
from unison_storage.stores import listing
from unison_storage.stores.arguments import expectation, lifetime_of, version_or_any
from unison_storage.stores.body import Body, Opening
from unison_storage.stores.border import EVERYWHERE, Border, Route, gathered, sorted_out
from unison_storage.stores.routes import Routes
from unison_storage.stores.sources import Source, chunks
from unison_storage.stores.uploads import DraftOf, Measured, check_type, info_of
from unison_storage.stores.versions import new_id, new_version
from unison_storage.values import ANY, MISSING, Expectation, Missing, ObjectInfo, Page

KIND: Final = "object"
DEFAULT_TYPE: Final = "application/octet-stream"
_ID: Final = re.compile(r"[0-9a-f]{32}")


class ObjectStore:
    """What ``storage.objects`` is.

    Laws of objects, as blobs and index come to together:

    objects.1  A get answers what the last put wrote, byte for byte, whatever its size and the chunks it came in.
    objects.2  A range is half-open and clipped to the size.
    objects.3  Size, SHA-256, type, person and times that are told of an object are those of its last put.
    objects.4  Expectations, persons and lifetimes hold as in memory. A put that is refused leaves all as it was.
    objects.5  An overwrite keeps id and time of creation; what comes after a delete or an expiry starts anew.
    objects.6  A put whose bytes do not match their digest, or whose source fails, leaves all as it was.
    objects.7  A delete answers whether something was there. Counts, listings and deletes below a prefix see the same.
    objects.8  A copy is an object of its own, with the bytes and the type of its source.
    objects.9  Calls of several callers at once are answered as if each took effect at one moment between call and
               answer: a get reads one content whole, whatever is put or deleted meanwhile.
    objects.10 A put or delete whose caller dies is done or undone: the old content or the new one, whole. No bytes are
               left of which the index does not know.
    """

    def __init__(self, border: Border, keyspaces: Keyspaces, index: ObjectIndex, blobs: Blobs, max_size: int) -> None:
        self.index = index
        self.blobs = blobs
        self.max_size = max_size
        self._border = border
        self._routes = Routes(border, KIND, keyspaces, index, {})
        self._cleaning: set[asyncio.Task[None]] = set()

    def at(self, keyspace: str, *namespace: str, person: str | None = None) -> Objects:
        """Return the handle of a namespace. In a person-scoped keyspace the first segment is the person.

        Raises ``UnknownKeyspace``, ``InvalidKey``, ``InvalidValue`` for a person other than the first segment, and
        ``ClassificationViolation`` for a keyspace of a data class that objects do not accept.
        """
        route = self._routes.get(keyspace)
        segments = check_namespace(namespace)
        return Objects(self, route, segments, route.keyspace.person(segments, person))

    async def by_id(self, id: str) -> ObjectInfo | None:
        """Return the object with that id wherever it lies, or ``None``."""
        if type(id) is not str or _ID.fullmatch(id) is None:
            return None
        row = await self._everywhere().one("by_id", self.index.by_id, id)
        return None if row is None else info_of(row)

    async def erase(self, person: str) -> tuple[int, int]:
        """Make all objects of the person invisible and remove their bytes; return how many blobs went, and stay."""
        route = self._everywhere()
        unwanted = await route.whole("erase", self.index.erase, person)
        gone = await self.remove(unwanted)
        return gone, len(unwanted) - gone

    async def owned(self, person: str) -> int:
        """Return of how many blobs ``erase`` would remove the bytes."""
        return await self._everywhere().whole("owned", self.index.owned, person)

    async def remove(self, ids: list[str]) -> int:
        """Remove the bytes of unwanted blobs, then their rows; return how many went."""
        route = self._everywhere()
        gone = 0
        size = min(self.blobs.limits.batch, self.index.limits.batch)
        for start in range(0, len(ids), size):
            part = ids[start : start + size]
            answers = await route.whole("remove", self.blobs.delete_many, part)
            done = [id for id, answer in zip(part, answers, strict=True) if not isinstance(answer, StorageError)]
            await route.whole("forget", self.index.forget, done)
            gone += len(done)
        return gone

    async def drain(self) -> None:
        """Return when nothing is left of uploads that failed."""
        while self._cleaning:
            await asyncio.wait(self._cleaning)

    def give_up(self, blob: str) -> asyncio.Task[None]:
        """Remove what a failed upload has left; what can't be removed now stays pending for the sweeper."""

        async def clean() -> None:
            try:
                await self.remove([blob])
            except StorageError as error:
                self._border.telemetry.counters["upload_leftovers", KIND, self.blobs.name, "all"] += 1
                self._everywhere().meter("remove").failed(error)

        task = asyncio.get_running_loop().create_task(clean())
        self._cleaning.add(task)
        task.add_done_callback(self._cleaning.discard)
        return task

    def _everywhere(self) -> Route:
        return Route(self._border, KIND, self.index, EVERYWHERE, declared=True)


class Objects:
    """One namespace of objects. Immutable, cheap to make, and safe to keep while the storage is open.

    A reader sees an object whole or not at all: a new content becomes visible in one step after all its bytes are
    stored, and who reads the old one meanwhile reads it to the end.
    """

    __slots__ = ("_prefix", "_route", "_store", "namespace", "person")

    def __init__(self, store: ObjectStore, route: Route, namespace: tuple[str, ...], person: str | None) -> None:
        self._store = store
        self._route = route
        self._prefix = prefix(route.keyspace.name, namespace)
        self.namespace = namespace
        self.person = person

    @property
    def keyspace(self) -> str:
        """The name of the keyspace."""
        return self._route.keyspace.name

    async def put(
        self,
        key: str,
        source: Source,
        *,
        content_type: str = DEFAULT_TYPE,
        lifetime: float | Literal[Missing.MISSING] | None = MISSING,
        expect: Expectation = ANY,
        sha256: bytes | None = None,
    ) -> ObjectInfo:
        """Store the bytes and return what is known of them. ``sha256`` is what the caller expects them to be.

        Raises ``InvalidKey``, ``InvalidValue`` (source, content type, digest), ``InvalidLifetime``, ``TooLarge``, and
        for ``expect`` ``AlreadyExists``, ``NotFound``, ``VersionConflict``. What was there is unchanged then.
        """
        stream = chunks(source)
        expected = expectation(expect)
        length = lifetime_of(self._route, lifetime)
        address = self._prefix + check_key(key)
        check_type(content_type)
        if expected is not ANY:
            # told before the bytes are sent; what decides is the commit
            row = await self._row(address)
            error = refused(expected, None if row is None else row.version)
            if error is not None:
                raise error.at(KIND, "put", self._store.index.name)

        def draft(blob: str, size: int, digest: str) -> Draft:
            version = new_version()
            return Draft(address, new_id(), blob, version, size, digest, content_type, length, self.person, expected)

        committed = await self._upload(stream, sha256, draft)
        return info_of(committed.row, created=committed.fresh)

    async def head(self, key: str) -> ObjectInfo | None:
        """Return what is known of the object, or ``None``."""
        row = await self._row(self._prefix + check_key(key))
        return None if row is None else info_of(row)

    async def exists(self, key: str) -> bool:
        """Return whether the object is there."""
        return await self._row(self._prefix + check_key(key)) is not None

    async def get(self, key: str, *, start: int = 0, end: int | None = None) -> bytes | None:
        """Return the bytes from ``start`` up to ``end``, clipped to the size; ``None`` if there is no object.

        Raises ``InvalidValue`` for a negative or reversed range; ``ObjectMissing``, ``Tampered``, ``Truncated``.
        """
        body = await self._body(key, start, end)
        return None if body is None else await body.read()

    def open(self, key: str, *, start: int = 0, end: int | None = None) -> Opening:
        """Return a context manager that gives the body, for reading in chunks; entering raises ``NotFound``."""
        return Opening(lambda: self._body(key, start, end))

    async def download(self, key: str, path: os.PathLike[str]) -> ObjectInfo:
        """Write the object to a file, which appears when it is complete; return what is known of the object.

        Raises ``NotFound``; ``OSError`` where the file can't be written.
        """
        part = f"{os.fspath(path)}.{new_id()}.part"
        async with self.open(key) as body:
            file = await asyncio.to_thread(open, part, "xb")
            try:
                with file:
                    async for chunk in body:
                        await asyncio.to_thread(file.write, chunk)
                await asyncio.to_thread(os.replace, part, path)
            except BaseException:
                await asyncio.to_thread(os.unlink, part)
                raise
            return body.info

    async def copy(self, key: str, to: Objects, to_key: str, *, expect: Expectation = ANY) -> ObjectInfo:
        """Store the object a second time; return what is known of the copy. Raises as ``put``, and ``NotFound``."""
        async with self.open(key) as body:
            return await to.put(to_key, body, content_type=body.info.content_type, expect=expect)

    async def url(self, key: str, *, lifetime: float) -> str:
        """Return a URL that reads the bytes for so many seconds; ``NotFound``, ``Unsupported``."""
        blobs = self._store.blobs
        length = micros_of(lifetime)
        if Capability.PRESIGN not in blobs.capabilities:
            raise Unsupported(
                f"{blobs.name} has no URLs for its objects; read them through the storage",
                capability=Capability.PRESIGN,
                kind=KIND,
                operation="url",
            )
        row = await self._row(self._prefix + check_key(key))
        if row is None:
            raise NotFound("there is no such object", kind=KIND, operation="url")
        return await self._route.whole("url", blobs.presign, row.blob, length)

    async def delete(self, key: str, *, expect: Expectation = ANY) -> bool:
        """Remove the object; return whether it was there. With a version: ``NotFound``, ``VersionConflict``.

        It is invisible at once; its bytes go when no reader can be at them any more.
        """
        delete = Delete(self._prefix + check_key(key), version_or_any(expect))
        return bool(await self._route.one("delete", self._store.index.delete_many, delete))

    async def count(self, *namespace: str) -> int:
        """Return how many objects lie below this handle, deeper namespaces included."""
        return await self._route.whole("count", self._store.index.count, self._below(namespace))

    async def delete_prefix(self, *namespace: str) -> int:
        """Remove every object below this handle, page by page; return how many that were."""
        below = self._below(namespace)
        index = self._store.index
        removed = 0
        while rows := await self._route.whole("list", index.list, below, "", index.limits.batch):
            flags = await self._route.many("delete_prefix", index.delete_many, [Delete(row.address) for row in rows])
            removed += sum(flag is True for flag in flags)
            errors = [flag for flag in flags if isinstance(flag, StorageError)]
            if errors:
                raise errors[0]
        return removed

    async def page(
        self, *namespace: str, cursor: str | None = None, limit: int = listing.DEFAULT_PAGE
    ) -> Page[ObjectInfo]:
        """Return one page of what lies below, in byte order of the address; ``limit`` from 1 to 1,000.

        Raises ``InvalidCursor``, ``InvalidValue`` (limit).
        """
        below = self._below(namespace)

        async def fetch(after: Address, size: int) -> list[ObjectRow]:
            return await self._route.whole("list", self._store.index.list, below, after, size)

        return await listing.page((KIND, below), below, cursor, limit, fetch, _address, info_of)

    def entries(self, *namespace: str) -> AsyncIterator[ObjectInfo]:
        """Yield the objects below this handle in byte order of the address, page by page."""
        return listing.walk(lambda cursor: self.page(*namespace, cursor=cursor, limit=listing.WALK_PAGE))

    async def keys(self, *namespace: str) -> AsyncIterator[str]:
        """Yield the key of each object below this handle; that of a deeper namespace comes without its segments."""
        async for entry in self.entries(*namespace):
            yield entry.key

    async def head_many(self, keys: Iterable[str]) -> dict[str, ObjectInfo | None]:
        """Return what is known of each object, or ``None``; ``BatchFailed`` if any failed."""
        made, results = sorted_out(dict.fromkeys(keys), lambda key: self._prefix + check_key(key))
        rows = await self._route.many("head_many", self._store.index.get_many, list(made.values()))
        found = {key: info_of(row) if isinstance(row, ObjectRow) else row for key, row in zip(made, rows, strict=True)}
        return gathered({**results, **found})

    async def delete_many(
        self, keys: Iterable[str], *, expect: Mapping[str, Expectation] | None = None
    ) -> dict[str, bool]:
        """Remove each; return which were there. ``BatchFailed`` if any failed."""
        expected = expect or {}
        made, results = sorted_out(
            dict.fromkeys(keys),
            lambda key: Delete(self._prefix + check_key(key), version_or_any(expected.get(key, ANY))),
        )
        flags = await self._route.many("delete_many", self._store.index.delete_many, list(made.values()))
        return gathered({**results, **dict(zip(made, flags, strict=True))})

    async def _row(self, address: Address) -> ObjectRow | None:
        row: ObjectRow | None = await self._route.one("head", self._store.index.get_many, address)
        return row

    async def _body(self, key: str, start: int, end: int | None) -> Body | None:
        for name, value in (("start", start), ("end", 0 if end is None else end)):
            if type(value) is not int or value < 0:
                raise InvalidValue(f"{name} is a number of bytes from the beginning, 0 or more")
        if end is not None and end < start:
            raise InvalidValue("end lies before start")
        row = await self._row(self._prefix + check_key(key))
        if row is None:
            return None
        first = min(start, row.size)
        last = row.size if end is None else min(end, row.size)
        return Body(self._route, self._store.blobs, row, info_of(row), first, last)

    async def _upload(self, stream: AsyncIterator[bytes], expected: bytes | None, draft: DraftOf) -> Committed:
        store = self._store
        blob = new_id()
        await self._route.whole("begin", store.index.begin, blob, self.person)
        measured = Measured(stream, store.max_size)
        try:
            stored = await self._route.whole("write", store.blobs.write, blob, measured.chunks())
            if stored != measured.size:
                raise Truncated("the backend stored another number of bytes than it was given", kind=KIND)
            if expected is not None and measured.digest.digest() != expected:
                raise InvalidValue("the bytes do not match the digest that came with them", kind=KIND)
        except Exception:
            await store.give_up(blob)
            raise
        except BaseException:
            store.give_up(blob)
            raise
        try:
            return await self._route.whole(
                "put", store.index.commit, draft(blob, measured.size, measured.digest.hexdigest())
            )
        except StorageError as error:
            # where the commit may have taken effect the blob may be needed: the index knows, and the sweeper asks it
            if not error.outcome_unknown:
                await store.give_up(blob)
            raise

    def _below(self, namespace: tuple[str, ...]) -> str:
        return prefix(self.keyspace, check_namespace((*self.namespace, *namespace))) if namespace else self._prefix


def _address(row: ObjectRow) -> Address:
    return row.address
