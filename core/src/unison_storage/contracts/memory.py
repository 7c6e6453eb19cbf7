"""The contract of memory: versioned values with lifetimes. Values are bytes; nothing here looks into them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from unison_storage.addresses import Address
from unison_storage.contracts.backend import Backend, Outcome
from unison_storage.values import ANY, Expectation, Keep, Missing


class Row(Struct, frozen=True):
    """What is stored at an address. Times are microseconds since the epoch, by the clock that expires."""

    value: bytes
    version: str
    created: int
    updated: int
    expires: int | None
    person: str | None


class Put(Struct, frozen=True):
    """Write ``value`` under the new ``version``, which the store has minted.

    ``lifetime`` is microseconds from now, ``None`` for ever, or ``KEEP``: the old expiry, and ``default`` where
    nothing is. ``person`` ``None`` keeps the stored one.
    """

    address: Address
    value: bytes
    version: str
    lifetime: int | Literal[Keep.KEEP] | None
    default: int | None = None
    expect: Expectation = ANY
    person: str | None = None


class Written(Struct, frozen=True):
    """What a put leaves behind; ``fresh`` where nothing visible was there before."""

    created: int
    updated: int
    expires: int | None
    fresh: bool


class Delete(Struct, frozen=True):
    """Remove what is at ``address`` if ``expect`` (``ANY`` or a version) holds."""

    address: Address
    expect: Expectation = ANY


class Touch(Struct, frozen=True):
    """Set the expiry to ``lifetime`` microseconds from now, or to never."""

    address: Address
    lifetime: int | None


class Increment(Struct, frozen=True):
    """Add ``by`` to a counter, which starts at 0 with ``lifetime`` where nothing is; ``version`` is the new one."""

    address: Address
    by: int
    version: str
    lifetime: int | None
    person: str | None = None


class Listed(Struct, frozen=True):
    """One line of a listing; ``row.value`` is empty where values were not asked for."""

    address: Address
    row: Row


Rows = list[Outcome[Row | None]]
Lines = list[Listed]
Flags = list[Outcome[bool]]


class MemoryBackend(Backend):
    """Laws of memory.

    memory.1   A get answers what the last acknowledged put wrote, byte for byte, or ``None``.
    memory.2   Addresses are compared as bytes: no folding, no normalising, no cutting.
    memory.3   Nothing expired is ever visible: not in get, list, count, expectations, touch or increment.
    memory.4   A put replaces value, version and expiry; ``KEEP`` keeps the expiry.
    memory.5   ``created`` stays over puts of one life; an entry that was deleted or expired starts a new one.
    memory.6   ``ABSENT`` where something is → ``AlreadyExists``; ``PRESENT`` or a version where nothing is →
               ``NotFound``; another version → ``VersionConflict``. Nothing is changed then.
    memory.7   Of concurrent puts with one expectation at most one succeeds.
    memory.8   A put that names another person than the stored one → ``InvalidValue``; one that names none keeps it.
    memory.9   A get with ``touch`` reads and sets the expiry in one step; a touch changes neither value nor version.
    memory.10  A delete answers whether something visible was there.
    memory.11  Concurrent increments all count; lifetime and person are set on create only, the version always.
    memory.12  An increment of anything but ASCII digits, or past -2^63 … 2^63-1 → ``InvalidValue``, unchanged.
    memory.13  A listing is in byte order of the address, strictly after ``after``, below ``prefix`` alone; below
               the empty prefix lies everything.
    memory.14  ``count`` and ``delete_prefix`` see exactly what a complete listing sees.
    memory.15  ``erase`` removes every entry of the person and no other, and answers how many were visible; ``owned``
               counts those.
    memory.16  ``purge_expired`` removes at most ``limit`` expired entries, nothing else, and answers how many.
    memory.17  Several writes to one address in one batch take effect in order.
    memory.18  Whatever is called in whatever order, with time passing and re-opening between the calls, is answered as
               the reference answers it.
    memory.19  Calls of several clients at once are answered as if each item took effect at one moment between call and
               answer.
    """

    @abstractmethod
    async def get_many(
        self, addresses: Sequence[Address], touch: int | Literal[Missing.MISSING] | None = Missing.MISSING
    ) -> Rows:
        """Return the row or ``None`` for each address; with ``touch`` set the expiry, and answer the new one."""

    @abstractmethod
    async def put_many(self, puts: Sequence[Put]) -> list[Outcome[Written]]:
        """Write each; errors: ``AlreadyExists``, ``NotFound``, ``VersionConflict``, ``InvalidValue`` (person)."""

    @abstractmethod
    async def delete_many(self, deletes: Sequence[Delete]) -> Flags:
        """Remove each; errors: ``NotFound``, ``VersionConflict``, both only where a version was expected."""

    @abstractmethod
    async def touch_many(self, touches: Sequence[Touch]) -> Flags:
        """Set the expiry of each and answer whether something visible was there."""

    @abstractmethod
    async def increment_many(self, increments: Sequence[Increment]) -> list[Outcome[int]]:
        """Add to each counter and return its new value; errors: ``InvalidValue``."""

    @abstractmethod
    async def count(self, prefix: str) -> int:
        """Return how many visible entries lie below ``prefix``."""

    @abstractmethod
    async def delete_prefix(self, prefix: str) -> int:
        """Remove all below ``prefix`` and return how many were visible."""

    @abstractmethod
    async def owned(self, person: str) -> int:
        """Return how many visible entries of the person there are."""

    @abstractmethod
    async def erase(self, person: str) -> int:
        """Remove all entries of the person and return how many were visible."""

    @abstractmethod
    async def purge_expired(self, limit: int) -> int:
        """Remove at most ``limit`` expired entries and return how many."""

    @abstractmethod
    async def list(self, prefix: str, after: Address, limit: int, *, values: bool) -> Lines:
        """Return at most ``limit`` entries below ``prefix`` after ``after`` (``""``: from the start)."""
