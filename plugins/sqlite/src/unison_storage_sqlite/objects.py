"""The object index in two tables: what is visible, and every blob that exists or may exist. No bytes here.

A blob that becomes visible goes from pending to available, and to unwanted when its object is overwritten, deleted,
erased or found expired; the row of the object and the state of its blob change in one transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from unison_storage.addresses import Address
from unison_storage.addresses import after as end_of
from unison_storage.contracts.backend import Outcome
from unison_storage.contracts.conditions import refused, stranger
from unison_storage.contracts.memory import Delete
from unison_storage.contracts.objects import (
    BlobId,
    BlobIds,
    Committed,
    Draft,
    Flags,
    ObjectIndex,
    ObjectLines,
    ObjectRow,
    ObjectRows,
)
from unison_storage.errors import NotFound
from unison_storage_sqlite import statements
from unison_storage_sqlite.session import FileBackend

_encode = msgspec.json.Encoder().encode


class SqliteObjectIndex(FileBackend, ObjectIndex):
    """The object index in a file."""

    async def begin(self, blob: BlobId, person: str | None) -> None:
        """See the contract. Beginning a pending blob again is allowed: the first time may have had no answer."""
        await self._session.one(_begin, (blob, person), write=True)

    async def commit(self, draft: Draft) -> Committed:
        """See the contract."""
        committed: Committed = await self._session.one(_commit, draft, write=True)
        return committed

    async def get_many(self, addresses: Sequence[Address]) -> ObjectRows:
        """See the contract. Gets of many callers are one statement."""
        return await self._session.run(_get, addresses)

    async def by_id(self, ids: Sequence[str]) -> ObjectRows:
        """See the contract."""
        return await self._session.run(_by_id, ids)

    async def delete_many(self, deletes: Sequence[Delete]) -> Flags:
        """See the contract."""
        return await self._session.run(_delete, deletes, write=True)

    async def unwanted(self, before: int, stale: int, limit: int) -> BlobIds:
        """See the contract. Those that became unwanted first come first; pending ones are given up by it."""
        found: BlobIds = await self._session.one(_unwanted, (before, stale, limit), write=True)
        return found

    async def forget(self, blobs: Sequence[BlobId]) -> int:
        """See the contract."""
        return int(await self._session.one(_forget, blobs, write=True))

    async def known(self, blobs: Sequence[BlobId]) -> BlobIds:
        """See the contract; in the order of ``blobs``."""
        found: BlobIds = await self._session.one(_known, blobs)
        return found

    async def owned(self, person: str) -> int:
        """See the contract."""
        return int(await self._session.one(_owned, person))

    async def erase(self, person: str) -> BlobIds:
        """See the contract. Blobs of the person that were unwanted before are answered too."""
        found: BlobIds = await self._session.one(_erase, person, write=True)
        return found

    async def count(self, prefix: str) -> int:
        """See the contract."""
        return int(await self._session.one(_count, prefix))

    async def list(self, prefix: str, after: Address, limit: int) -> ObjectLines:
        """See the contract."""
        lines: ObjectLines = await self._session.one(_list, (max(prefix, after), end_of(prefix), limit))
        return lines


def _begin(database: sqlite3.Connection, now: int, begun: Sequence[tuple[BlobId, str | None]]) -> list[None]:
    database.executemany(statements.BLOB_BEGIN, [(blob, now, person) for blob, person in begun])
    return [None] * len(begun)


def _commit(database: sqlite3.Connection, now: int, drafts: Sequence[Draft]) -> list[Outcome[Committed]]:
    return [_committed(database, draft, now) for draft in drafts]


def _get(database: sqlite3.Connection, now: int, addresses: Sequence[Address]) -> list[ObjectRow | None]:
    return _visible(database, statements.OBJECTS_GET, addresses, now)


def _by_id(database: sqlite3.Connection, now: int, ids: Sequence[str]) -> list[ObjectRow | None]:
    return _visible(database, statements.OBJECTS_BY_ID, ids, now)


def _delete(database: sqlite3.Connection, now: int, deletes: Sequence[Delete]) -> list[Outcome[bool]]:
    outcomes: list[Outcome[bool]] = []
    for delete in deletes:
        [old] = _visible(database, statements.OBJECTS_GET, [delete.address], now)
        error = refused(delete.expect, old.version if old else None)
        if error is None:
            _drop(database, delete.address, now)
        outcomes.append(old is not None if error is None else error)
    return outcomes


def _unwanted(database: sqlite3.Connection, now: int, questions: Sequence[tuple[int, int, int]]) -> list[BlobIds]:
    database.execute(statements.BLOBS_OF_EXPIRED, (now,))
    database.execute(statements.OBJECTS_DROP_EXPIRED, (now,))
    answers = []
    for question in questions:
        blobs = [blob for blob, _ in database.execute(statements.BLOBS_UNWANTED, question)]
        database.execute(statements.BLOBS_GIVE_UP, (_encode(blobs).decode(),))
        answers.append(blobs)
    return answers


def _forget(database: sqlite3.Connection, now: int, lists: Sequence[Sequence[BlobId]]) -> list[int]:  # noqa: ARG001
    return [database.executemany(statements.BLOB_FORGET, [(blob,) for blob in blobs]).rowcount for blobs in lists]


def _known(database: sqlite3.Connection, now: int, lists: Sequence[Sequence[BlobId]]) -> list[BlobIds]:  # noqa: ARG001
    return [
        [blob for (blob,) in database.execute(statements.BLOBS_KNOWN, (_encode(blobs).decode(),))] for blobs in lists
    ]


def _owned(database: sqlite3.Connection, now: int, persons: Sequence[str]) -> list[int]:  # noqa: ARG001 - see Step
    return [database.execute(statements.BLOBS_COUNT_PERSON, (person,)).fetchone()[0] for person in persons]


def _erase(database: sqlite3.Connection, now: int, persons: Sequence[str]) -> list[BlobIds]:
    answers = []
    for person in persons:
        database.execute(statements.BLOBS_OF_OBJECTS_OF_PERSON, (now, person))
        database.execute(statements.OBJECTS_DROP_OF_PERSON, (person,))
        database.execute(statements.BLOBS_GIVE_UP_OF_PERSON, (person,))
        answers.append([blob for (blob,) in database.execute(statements.BLOBS_OF_PERSON, (person,))])
    return answers


def _count(database: sqlite3.Connection, now: int, prefixes: Sequence[str]) -> list[int]:
    return [
        int(database.execute(statements.OBJECTS_COUNT, (prefix, end_of(prefix), now)).fetchone()[0])
        for prefix in prefixes
    ]


def _list(database: sqlite3.Connection, now: int, pages: Sequence[tuple[str, str, int]]) -> list[ObjectLines]:
    return [
        [ObjectRow(*row) for row in database.execute(statements.OBJECTS_LIST, (start, end, now, limit))]
        for start, end, limit in pages
    ]


def _visible(database: sqlite3.Connection, statement: str, wanted: Sequence[str], now: int) -> list[ObjectRow | None]:
    rows: list[ObjectRow | None] = [None] * len(wanted)
    for place, *columns in database.execute(statement, (_encode(wanted).decode(),)):
        row = ObjectRow(*columns)
        if row.expires is None or row.expires > now:
            rows[place] = row
    return rows


def _committed(database: sqlite3.Connection, draft: Draft, now: int) -> Outcome[Committed]:
    [old] = _visible(database, statements.OBJECTS_GET, [draft.address], now)
    error = refused(draft.expect, old.version if old else None) or stranger(draft.person, old.person if old else None)
    if error is not None:
        return error
    if database.execute(statements.BLOB_PENDING, (draft.blob,)).fetchone() is None:
        return NotFound("the blob is not pending: it was never begun, or has been given up meanwhile")
    _drop(database, draft.address, now)
    row = ObjectRow(
        address=draft.address,
        id=old.id if old else draft.id,
        blob=draft.blob,
        version=draft.version,
        size=draft.size,
        sha256=draft.sha256,
        content_type=draft.content_type,
        created=old.created if old else now,
        updated=now,
        expires=None if draft.lifetime is None else now + draft.lifetime,
        person=draft.person or (old.person if old else None),
    )
    database.execute(statements.OBJECT_MAKE, msgspec.structs.astuple(row))
    database.execute(statements.BLOB_AVAILABLE, (now, row.person, row.blob))
    return Committed(row, fresh=old is None)


def _drop(database: sqlite3.Connection, address: Address, now: int) -> None:
    database.execute(statements.OBJECT_DROP_BLOB, (now, address))
    database.execute(statements.OBJECT_DROP, (address,))
