"""Blobs and object index in dicts: as plain as their contracts allow."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from unison_storage.addresses import Address
from unison_storage.clock import Clock
from unison_storage.contracts.backend import Durability, Outcome
from unison_storage.contracts.conditions import refused, stranger
from unison_storage.contracts.memory import Delete
from unison_storage.contracts.objects import (
    Blob,
    BlobId,
    BlobIds,
    Blobs,
    Committed,
    Draft,
    Flags,
    ObjectIndex,
    ObjectLines,
    ObjectRow,
    ObjectRows,
)
from unison_storage.errors import NotFound, ObjectMissing
from unison_storage.values import Health

_CHUNK = 256 * 1024


class ReferenceBlobs(Blobs):
    """Bytes in this process, gone with it."""

    name: ClassVar[str] = "reference"
    durability: ClassVar[Durability] = Durability.PROCESS
    production_ready: ClassVar[bool] = False

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._blobs: dict[BlobId, tuple[bytes, int]] = {}

    async def health(self) -> Health:
        """Return that all is well: there is no server to ask."""
        return Health(ok=True, detail=f"{len(self._blobs)} blobs in this process", seconds=0.0)

    async def now(self) -> int:
        """Return the time of the clock it was given."""
        return self._clock.now()

    async def write(self, id: BlobId, chunks: AsyncIterator[bytes]) -> int:
        """See the contract."""
        data = b"".join([chunk async for chunk in chunks])
        self._blobs[id] = (data, self._clock.now())
        return len(data)

    async def read(self, id: BlobId, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """See the contract."""
        found = self._blobs.get(id)
        if found is None:
            raise ObjectMissing("the bytes of the object are gone")
        data = found[0][start:end]
        for at in range(0, len(data), _CHUNK):
            yield data[at : at + _CHUNK]

    async def delete_many(self, ids: Sequence[BlobId]) -> list[Outcome[bool]]:
        """See the contract."""
        return [self._blobs.pop(id, None) is not None for id in ids]

    async def list(self, after: BlobId, limit: int) -> Sequence[Blob]:
        """See the contract."""
        ids = sorted(id for id in self._blobs if id > after)[:limit]
        return [Blob(id, len(self._blobs[id][0]), self._blobs[id][1]) for id in ids]


class _State(Struct):
    """A blob that is on its way in (``unwanted`` false) or out, and since when."""

    unwanted: bool
    since: int
    person: str | None


class ReferenceObjectIndex(ObjectIndex):
    """The index of this process, gone with it. Blobs of visible objects have a row and no state."""

    name: ClassVar[str] = "reference"
    durability: ClassVar[Durability] = Durability.PROCESS
    production_ready: ClassVar[bool] = False

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows: dict[Address, ObjectRow] = {}
        self._states: dict[BlobId, _State] = {}

    async def health(self) -> Health:
        """Return that all is well: there is no server to ask."""
        return Health(ok=True, detail=f"{len(self._rows)} objects in this process", seconds=0.0)

    async def now(self) -> int:
        """Return the time of the clock it was given."""
        return self._clock.now()

    async def begin(self, blob: BlobId, person: str | None) -> None:
        """See the contract."""
        if not await self.known([blob]):
            self._states[blob] = _State(unwanted=False, since=self._clock.now(), person=person)

    async def commit(self, draft: Draft) -> Committed:
        """See the contract."""
        now = self._clock.now()
        old = self._visible(draft.address, now)
        error = refused(draft.expect, old.version if old else None) or stranger(
            draft.person, old.person if old else None
        )
        if error is not None:
            raise error
        state = self._states.get(draft.blob)
        if state is None or state.unwanted:
            raise NotFound("the blob is not pending: it was never begun, or has been given up meanwhile")
        self._drop(draft.address, now)
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
        self._rows[draft.address] = row
        del self._states[draft.blob]
        return Committed(row, fresh=old is None)

    async def get_many(self, addresses: Sequence[Address]) -> ObjectRows:
        """See the contract."""
        now = self._clock.now()
        return [self._visible(address, now) for address in addresses]

    async def by_id(self, ids: Sequence[str]) -> ObjectRows:
        """See the contract."""
        now = self._clock.now()
        addresses = {row.id: row.address for row in self._rows.values()}
        return [self._visible(addresses[id], now) if id in addresses else None for id in ids]

    async def delete_many(self, deletes: Sequence[Delete]) -> Flags:
        """See the contract."""
        now = self._clock.now()
        return [self._delete(delete, now) for delete in deletes]

    async def unwanted(self, before: int, stale: int, limit: int) -> BlobIds:
        """See the contract."""
        now = self._clock.now()
        for address in [address for address in self._rows if self._visible(address, now) is None]:
            self._drop(address, self._rows[address].expires or now)
        found = [blob for blob, state in self._states.items() if state.since < (before if state.unwanted else stale)]
        for blob in found[:limit]:
            self._states[blob] = replace(self._states[blob], unwanted=True)
        return found[:limit]

    async def forget(self, blobs: Sequence[BlobId]) -> int:
        """See the contract."""
        return sum(self._states.pop(blob, None) is not None for blob in blobs)

    async def known(self, blobs: Sequence[BlobId]) -> BlobIds:
        """See the contract."""
        live = {row.blob for row in self._rows.values()}
        return [blob for blob in blobs if blob in self._states or blob in live]

    async def owned(self, person: str) -> int:
        """See the contract."""
        persons = [row.person for row in self._rows.values()] + [state.person for state in self._states.values()]
        return persons.count(person)

    async def erase(self, person: str) -> BlobIds:
        """See the contract."""
        now = self._clock.now()
        for address in [row.address for row in self._rows.values() if row.person == person]:
            self._drop(address, now)
        owned = [blob for blob, state in self._states.items() if state.person == person]
        for blob in owned:
            self._states[blob] = replace(self._states[blob], unwanted=True)
        return owned

    async def count(self, prefix: str) -> int:
        """See the contract."""
        return len(self._below(prefix))

    async def list(self, prefix: str, after: Address, limit: int) -> ObjectLines:
        """See the contract."""
        return [row for row in self._below(prefix) if row.address > after][:limit]

    def _visible(self, address: Address, now: int) -> ObjectRow | None:
        row = self._rows.get(address)
        return row if row is not None and (row.expires is None or row.expires > now) else None

    def _below(self, prefix: str) -> Sequence[ObjectRow]:
        now = self._clock.now()
        visible = (self._visible(address, now) for address in sorted(self._rows) if address.startswith(prefix))
        return [row for row in visible if row is not None]

    def _delete(self, delete: Delete, now: int) -> Outcome[bool]:
        old = self._visible(delete.address, now)
        error = refused(delete.expect, old.version if old else None)
        if error is not None:
            return error
        self._drop(delete.address, now)
        return old is not None

    def _drop(self, address: Address, now: int) -> None:
        row = self._rows.pop(address, None)
        if row is not None:
            self._states[row.blob] = _State(unwanted=True, since=now, person=row.person)
