"""The object index in two tables: what is visible, and every blob that exists or may exist. No bytes here.

A blob that becomes visible goes from pending to available, and to unwanted when its object is overwritten, deleted,
erased or found expired; the row of the object and the state of its blob change in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from msgspec.structs import astuple

from unison_storage.addresses import Address, first_segment
from unison_storage.addresses import after as end_of
from unison_storage.contracts.conditions import refused, stranger
from unison_storage.contracts.context import Context
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
from unison_storage_postgres import object_statements as statements
from unison_storage_postgres.config import Server
from unison_storage_postgres.pool import Run
from unison_storage_postgres.rows import deleted, refusal_of_delete, segments
from unison_storage_postgres.session import ServerBackend
from unison_storage_postgres.statements import NOW
from unison_storage_postgres.turns import Turn, in_turn


class PostgresObjectIndex(ServerBackend, ObjectIndex):
    """The object index on a server, whose clock decides about expiry."""

    def __init__(self, server: Server, context: Context) -> None:
        super().__init__(server, context)
        self._deletes = Turn(self._delete, self._visible, refusal_of_delete)

    async def begin(self, blob: BlobId, person: str | None) -> None:
        """See the contract. Beginning a pending blob again is allowed: the first time may have had no answer."""
        await self._session.run(statements.BLOB_BEGIN, (blob, person))

    async def commit(self, draft: Draft) -> Committed:
        """See the contract. A transaction, under a lock of the address."""
        return await self._session.transact(partial(_commit, draft))

    async def get_many(self, addresses: Sequence[Address]) -> ObjectRows:
        """See the contract."""
        found = await self._visible(addresses)
        return [found.get(address) for address in addresses]

    async def by_id(self, ids: Sequence[str]) -> ObjectRows:
        """See the contract."""
        rows = await self._session.run(statements.OBJECTS_BY_ID, (ids,)) if ids else []
        found = {row[1]: ObjectRow(*row) for row in rows}
        return [found.get(id) for id in ids]

    async def delete_many(self, deletes: Sequence[Delete]) -> Flags:
        """See the contract."""
        return await in_turn(self._deletes, deletes)

    async def unwanted(self, before: int, stale: int, limit: int) -> BlobIds:
        """See the contract. Those that became unwanted first come first; pending ones are given up by it."""
        return await self._session.transact(partial(_unwanted, before, stale, limit))

    async def forget(self, blobs: Sequence[BlobId]) -> int:
        """See the contract."""
        return await self._number(statements.BLOBS_FORGET, blobs) if blobs else 0

    async def known(self, blobs: Sequence[BlobId]) -> BlobIds:
        """See the contract; in the order of ``blobs``."""
        rows = await self._session.run(statements.BLOBS_KNOWN, (blobs,)) if blobs else []
        there = {blob for (blob,) in rows}
        return [blob for blob in blobs if blob in there]

    async def owned(self, person: str) -> int:
        """See the contract."""
        return await self._number(statements.BLOBS_OWNED, person)

    async def erase(self, person: str) -> BlobIds:
        """See the contract. Blobs of the person that were unwanted before are answered too."""
        return await self._session.transact(partial(_erase, person))

    async def count(self, prefix: str) -> int:
        """See the contract."""
        return await self._number(statements.OBJECTS_COUNT, prefix, end_of(prefix))

    async def list(self, prefix: str, after: Address, limit: int) -> ObjectLines:
        """See the contract."""
        rows = await self._session.run(statements.OBJECTS_LIST, (max(prefix, after), end_of(prefix), limit))
        return [ObjectRow(*row) for row in rows]

    async def _visible(self, addresses: Sequence[Address]) -> dict[Address, ObjectRow]:
        if not addresses:
            return {}
        rows = await self._session.run(statements.OBJECTS_GET, (addresses, segments(addresses)))
        return {row[0]: ObjectRow(*row) for row in rows}

    async def _delete(self, deletes: Sequence[Delete]) -> dict[Address, bool]:
        return await deleted(self._session.run, statements.OBJECTS_DELETE, deletes)


async def _commit(draft: Draft, run: Run) -> Committed:
    segment = first_segment(draft.address)
    await run(statements.OBJECT_LOCK, (draft.address,))
    rows = await run(statements.OBJECT_LOCKED, (draft.address, segment))
    [(now,)] = await run(NOW, ())
    stored = ObjectRow(*rows[0]) if rows else None
    old = stored if stored and (stored.expires is None or stored.expires > now) else None
    error = refused(draft.expect, old.version if old else None) or stranger(draft.person, old.person if old else None)
    if error is not None:
        raise error
    row = ObjectRow(
        address=draft.address,
        id=old.id if old else draft.id,
        blob=draft.blob,
        version=draft.version,
        size=draft.size,
        sha256=draft.sha256,
        content_type=draft.content_type,
        created=old.created if old else now,
        updated=max(now, old.updated) if old else now,
        expires=None if draft.lifetime is None else now + draft.lifetime,
        person=draft.person or (old.person if old else None),
    )
    address, *rest = astuple(row)
    overwritten = stored.blob if stored else None
    if not await run(statements.OBJECT_COMMIT, (address, segment, *rest, overwritten)):
        raise NotFound("the blob is not pending: it was never begun, or has been given up meanwhile")
    return Committed(row, fresh=old is None)


async def _unwanted(before: int, stale: int, limit: int, run: Run) -> BlobIds:
    await run(statements.OBJECTS_DROP_EXPIRED, ())
    unwanted = await run(statements.BLOBS_UNWANTED, (before, limit))
    given_up = await run(statements.BLOBS_GIVE_UP, (stale, limit))
    return [blob for _, blob in sorted([*unwanted, *given_up])[:limit]]


async def _erase(person: str, run: Run) -> BlobIds:
    await run(statements.OBJECTS_ERASE, (person,))
    await run(statements.BLOBS_ERASE, (person,))
    return [blob for (blob,) in await run(statements.BLOBS_OF_PERSON, (person,))]
