"""The contract of the cache: values that may vanish, each with a lifetime. Nothing here looks into a value.

A lease is held at an address of its own, apart from the values. Whoever fills the cache for an address holds the lease
at ``filling(address)`` meanwhile; a delete ends that lease, so that what was computed before it is not written after.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from msgspec import Struct

from unison_storage.addresses import SEPARATOR, Address
from unison_storage.contracts.backend import Backend, Outcome


class Set(Struct, frozen=True):
    """Write ``value``, which lives ``lifetime`` microseconds from now."""

    address: Address
    value: bytes
    lifetime: int


class Touch(Struct, frozen=True):
    """Let what is there live ``lifetime`` microseconds from now."""

    address: Address
    lifetime: int


class Increment(Struct, frozen=True):
    """Add ``by`` to a counter, which starts at 0 with ``lifetime`` where nothing is."""

    address: Address
    by: int
    lifetime: int


class Fill(Struct, frozen=True):
    """Write ``value`` if ``owner`` still holds the lease ``filling(address)`` and the value there is ``seen``.

    ``seen`` is what the owner found before it computed; ``None`` where nothing was.
    """

    address: Address
    value: bytes
    lifetime: int
    owner: str
    seen: bytes | None


class Acquire(Struct, frozen=True):
    """Hold the lease at ``address`` as ``owner`` for ``lifetime`` microseconds from now."""

    address: Address
    owner: str
    lifetime: int


class Release(Struct, frozen=True):
    """Let go of the lease at ``address``, if ``owner`` holds it."""

    address: Address
    owner: str


Flags = list[Outcome[bool]]


def filling(address: Address) -> Address:
    """Return where the lease for filling an address is held: below it, under an empty key, which no caller can name."""
    return address + SEPARATOR


def is_filling(address: Address) -> bool:
    """Return whether a lease is one for filling, and so ends with a delete of what lies below a prefix."""
    return address.endswith(SEPARATOR)


class CacheBackend(Backend):
    """Laws of the cache. Any entry may vanish at any time: a miss is never wrong, a stale hit always is.

    cache.1   A get answers what the last acknowledged write left, byte for byte, or ``None``; never what was
              overwritten, deleted or has expired, and never what is at another address.
    cache.2   Addresses are compared as bytes: no folding, no normalising, no cutting.
    cache.3   A set replaces value and lifetime. There is no entry without a lifetime.
    cache.4   An add writes only where nothing visible is, and answers whether it did; of concurrent ones at most one
              does, unless the entry vanishes between.
    cache.5   A touch sets the lifetime anew and leaves the value; it answers whether something visible was there.
    cache.6   Concurrent increments all count; the lifetime is set on create only, a hit never moves it.
    cache.7   An increment of anything but ASCII digits, or past -2^63 … 2^63-1 → ``InvalidValue``, unchanged.
    cache.8   A delete answers whether something visible was there; ``delete_prefix`` removes everything below a
              prefix that was there when it began, and answers how many that were.
    cache.9   A lease is held by one owner at a time. An acquire answers its fence, or ``None`` while another owner
              holds it; one by the holder itself is a renewal, and answers the same fence.
    cache.10  Each new holder's fence is greater than all before it at that address, and at least the microseconds that
              the backend's clock shows: max(previous + 1, microseconds), where previous may be that of any address.
    cache.11  A renewal and a release answer whether ``owner`` still held the lease, and change nothing otherwise. A
              lease that has expired is held by nobody.
    cache.12  A fill writes only while ``owner`` holds ``filling(address)`` and the value there is ``seen``; it answers
              whether it did, and the lease is released where it was held.
    cache.13  A delete, and a delete by prefix, end the leases for filling what they name, in the same step.
    cache.14  Leases and values are apart: what is at an address as a value is not met as a lease, nor counted.
    cache.15  ``count`` sees exactly what ``delete_prefix`` would answer at that moment.
    cache.16  Several writes to one address in one batch take effect in order.
    cache.17  Whatever is called in whatever order, with time passing and re-opening between the calls, is answered as
              the reference answers it, as long as nothing has vanished.
    cache.18  Calls of several clients at once are answered as if each item took effect at one moment between call and
              answer, as long as nothing has vanished.
    """

    @abstractmethod
    async def get_many(self, addresses: Sequence[Address]) -> list[Outcome[bytes | None]]:
        """Return the value or ``None`` for each address."""

    @abstractmethod
    async def set_many(self, sets: Sequence[Set]) -> list[Outcome[None]]:
        """Write each."""

    @abstractmethod
    async def add_many(self, adds: Sequence[Set]) -> Flags:
        """Write each where nothing is, and answer whether it was written."""

    @abstractmethod
    async def delete_many(self, addresses: Sequence[Address]) -> Flags:
        """Remove each, end the lease for filling it, and answer whether something visible was there."""

    @abstractmethod
    async def touch_many(self, touches: Sequence[Touch]) -> Flags:
        """Set the lifetime of each anew and answer whether something visible was there."""

    @abstractmethod
    async def increment_many(self, increments: Sequence[Increment]) -> list[Outcome[int]]:
        """Add to each counter and return its new value; errors: ``InvalidValue``."""

    @abstractmethod
    async def fill_many(self, fills: Sequence[Fill]) -> Flags:
        """Write each under its conditions (cache.12) and answer whether it was written."""

    @abstractmethod
    async def acquire_many(self, acquires: Sequence[Acquire]) -> list[Outcome[int | None]]:
        """Take each lease and return its fence, or ``None`` where another owner holds it."""

    @abstractmethod
    async def renew_many(self, renewals: Sequence[Acquire]) -> Flags:
        """Let each lease that its owner still holds last ``lifetime`` from now; answer whether it was held."""

    @abstractmethod
    async def release_many(self, releases: Sequence[Release]) -> Flags:
        """Let go of each lease; answer whether its owner still held it."""

    @abstractmethod
    async def count(self, prefix: str) -> int:
        """Return how many visible entries lie below ``prefix``. May look at everything the server holds."""

    @abstractmethod
    async def delete_prefix(self, prefix: str) -> int:
        """Remove all below ``prefix`` and return how many were visible. May cost as much as ``count``; not atomic."""

    async def purge_expired(self, limit: int) -> int:
        """Free the room of at most ``limit`` expired entries and leases; return of how many. Servers do it alone."""
        return 0
