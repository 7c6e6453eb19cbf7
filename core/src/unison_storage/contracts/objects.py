"""The two contracts of objects: blobs (bytes under an id) and the index (what is where). The store composes them.

A blob is begun in the index, written, then committed; a blob whose object was deleted, overwritten or erased stays
in the index as unwanted until its bytes are gone. So every blob that may exist has a row, and no reader of the index
meets a blob that is half written or already removed.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence

from msgspec import Struct

from unison_storage.addresses import Address
from unison_storage.capabilities import Capability
from unison_storage.contracts.backend import Backend, Outcome
from unison_storage.contracts.memory import Delete
from unison_storage.errors import Unsupported
from unison_storage.values import ANY, Expectation

BlobId = str


class Blob(Struct, frozen=True):
    """One line of a listing of blobs: its id, its size in bytes, and when it was last written."""

    id: BlobId
    size: int
    written: int


class Blobs(Backend):
    """Laws of blobs. An id is 32 lower-case hex digits, made by the store and never used twice.

    blobs.1  ``write`` answers the size that is stored; afterwards a read answers exactly those bytes.
    blobs.2  A write that fails, is cancelled or dies leaves nothing that ``read`` or ``list`` would show.
    blobs.3  ``read(id, start, end)`` is half-open and clipped to the size; an empty range yields nothing.
    blobs.4  A read of a missing blob raises ``ObjectMissing`` before its first chunk.
    blobs.5  ``delete_many`` removes what is there and passes over what is missing.
    blobs.6  ``list`` answers ids in order, strictly after ``after``; complete blobs alone.
    blobs.7  Reading and writing need memory for a few chunks, whatever the size.
    blobs.8  Whatever is called in whatever order, with re-opening between the calls, is answered as the reference
             answers it.
    blobs.9  Capability ``copy``: a copy has the bytes of its source, answers their size, and outlives it; one of a
             missing blob raises ``ObjectMissing``.
    blobs.10 Capability ``presign``: the URL names no secret of ours, and each blob has its own.
    """

    @abstractmethod
    async def write(self, id: BlobId, chunks: AsyncIterator[bytes]) -> int:
        """Store the chunks under a new id, durable on return; return the stored size in bytes."""

    @abstractmethod
    def read(self, id: BlobId, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes from ``start`` up to ``end`` in chunks; raises ``ObjectMissing``."""

    @abstractmethod
    async def delete_many(self, ids: Sequence[BlobId]) -> list[Outcome[bool]]:
        """Remove each and answer whether it was there."""

    async def copy(self, source: BlobId, id: BlobId) -> int:
        """Capability ``copy``: store the bytes of ``source`` under a new id without moving them through here."""
        raise Unsupported("this backend does not copy blobs by itself", capability=Capability.COPY)

    async def presign(self, id: BlobId, lifetime: int) -> str:
        """Capability ``presign``: return a URL that reads the blob for ``lifetime`` microseconds."""
        raise Unsupported("this backend has no URLs for its blobs", capability=Capability.PRESIGN)

    @abstractmethod
    async def list(self, after: BlobId, limit: int) -> Sequence[Blob]:
        """Return at most ``limit`` blobs after ``after`` (``""``: from the start), in order of their ids."""


class Draft(Struct, frozen=True):
    """What a committed object will be. ``version``, ``id`` and ``blob`` are new; an overwrite keeps the old ``id``.

    ``lifetime`` is microseconds from the commit, or ``None`` for ever. ``sha256`` is of the stored bytes, in hex.
    """

    address: Address
    id: str
    blob: BlobId
    version: str
    size: int
    sha256: str
    content_type: str
    lifetime: int | None
    person: str | None = None
    expect: Expectation = ANY


class ObjectRow(Struct, frozen=True):
    """What the index knows of an object. Times are microseconds since the epoch, by the clock that expires."""

    address: Address
    id: str
    blob: BlobId
    version: str
    size: int
    sha256: str
    content_type: str
    created: int
    updated: int
    expires: int | None
    person: str | None


class Committed(Struct, frozen=True):
    """The row as it stands after a commit; ``fresh`` where nothing visible was there before."""

    row: ObjectRow
    fresh: bool


ObjectRows = list[Outcome[ObjectRow | None]]
Flags = list[Outcome[bool]]
BlobIds = list[BlobId]
ObjectLines = list[ObjectRow]


class ObjectIndex(Backend):
    """Laws of the object index.

    index.1   ``begin`` records a blob as pending, durable before its bytes are written; one that has a row already
              is left as it is.
    index.2   ``commit`` makes the object visible in one step; the blob it replaces is unwanted from then on.
    index.3   Expectations, persons, expiry, order and listing are as in memory.3, .5, .6, .7, .8 and .13.
    index.4   A commit that is refused leaves everything as it was: the blob stays pending.
    index.5   An overwrite keeps ``id`` and ``created``; an object that was deleted or expired starts anew.
    index.6   A commit of a blob that is not pending raises ``NotFound``.
    index.7   ``delete_many`` makes the blob unwanted and the object invisible in one step.
    index.8   ``unwanted(before)`` answers blobs that became unwanted before that time, those of expired objects,
              and pending ones begun before ``stale``; never the blob of a visible object.
    index.9   ``forget`` removes rows of unwanted and pending blobs, and never one that a visible object needs.
    index.10  ``erase`` makes every object of the person invisible, and answers their blobs, pending ones included;
              ``owned`` counts those before.
    index.11  ``known`` answers which of some blobs have a row of any state.
    index.12  Whatever is called in whatever order, with time passing and re-opening between the calls, is answered as
              the reference answers it; in what order blobs are answered is open.
    index.13  Calls of several clients at once are answered as if each item took effect at one moment between call and
              answer, and every blob that was begun keeps a row until it is forgotten.
    """

    @abstractmethod
    async def begin(self, blob: BlobId, person: str | None) -> None:
        """Record that bytes are about to be written under ``blob``."""

    @abstractmethod
    async def commit(self, draft: Draft) -> Committed:
        """Make the object visible; ``AlreadyExists``, ``NotFound``, ``VersionConflict``, ``InvalidValue`` (person)."""

    @abstractmethod
    async def get_many(self, addresses: Sequence[Address]) -> ObjectRows:
        """Return the visible row or ``None`` for each address."""

    @abstractmethod
    async def by_id(self, ids: Sequence[str]) -> ObjectRows:
        """Return the visible row or ``None`` for each object id."""

    @abstractmethod
    async def delete_many(self, deletes: Sequence[Delete]) -> Flags:
        """Remove each object and answer whether it was visible; the blobs become unwanted."""

    @abstractmethod
    async def unwanted(self, before: int, stale: int, limit: int) -> BlobIds:
        """Return at most ``limit`` blobs whose bytes may go (index.8); times are microseconds since the epoch."""

    @abstractmethod
    async def forget(self, blobs: Sequence[BlobId]) -> int:
        """Remove the rows of blobs whose bytes are gone, and return how many."""

    @abstractmethod
    async def known(self, blobs: Sequence[BlobId]) -> BlobIds:
        """Return those of ``blobs`` that have a row."""

    @abstractmethod
    async def owned(self, person: str) -> int:
        """Return how many blobs ``erase`` would answer."""

    @abstractmethod
    async def erase(self, person: str) -> BlobIds:
        """Make all objects of the person invisible and return the blobs whose bytes have to go."""

    @abstractmethod
    async def count(self, prefix: str) -> int:
        """Return how many visible objects lie below ``prefix``."""

    @abstractmethod
    async def list(self, prefix: str, after: Address, limit: int) -> ObjectLines:
        """Return at most ``limit`` visible objects below ``prefix`` after ``after`` (``""``: from the start)."""
