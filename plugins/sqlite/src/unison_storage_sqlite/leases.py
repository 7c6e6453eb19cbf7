"""The steps of the cache's leases, which are held apart from its values. What a fill writes is in ``cache``.

A lease that was released has no row. Fences come from one counter for all addresses, so they grow at each of them,
whatever has become of its row, and also where the clock was set back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from unison_storage.addresses import Address
from unison_storage.contracts.cache import Acquire, Release
from unison_storage_sqlite import cache_statements

_encode: Final = msgspec.json.Encoder().encode


class Lease(Struct, frozen=True):
    """Who holds a lease, and until when."""

    owner: str
    fence: int
    expires: int


def held(database: sqlite3.Connection, addresses: Iterable[Address], now: int) -> dict[Address, Lease]:
    """Return the leases that are held; whoever decides by them keeps them true for the next item."""
    wanted = _encode(list(dict.fromkeys(addresses))).decode()
    rows = database.execute(cache_statements.LEASES_GET, (wanted,))
    return {address: Lease(*row) for address, *row in rows if row[-1] > now}


def held_by(owner: str, lease: Lease | None) -> bool:
    """Return whether this lease is that owner's."""
    return lease is not None and lease.owner == owner


def end(database: sqlite3.Connection, addresses: Iterable[Address]) -> None:
    """End leases, whoever holds them."""
    database.executemany(cache_statements.LEASE_DELETE, [(address,) for address in addresses])


def acquire(database: sqlite3.Connection, now: int, acquires: Sequence[Acquire]) -> list[int | None]:
    """Take each that nobody else holds."""
    there = held(database, (one.address for one in acquires), now)
    last = fence = database.execute(cache_statements.FENCE_GET).fetchone()[0]
    outcomes: list[int | None] = []
    rows = []
    for one in acquires:
        lease = there.get(one.address)
        if lease is not None and lease.owner != one.owner:
            outcomes.append(None)
            continue
        if lease is None:
            fence = max(fence + 1, now)
        new = there[one.address] = Lease(one.owner, lease.fence if lease else fence, now + one.lifetime)
        rows.append((one.address, new.owner, new.fence, new.expires))
        outcomes.append(new.fence)
    database.executemany(cache_statements.LEASE_PUT, rows)
    if fence != last:
        database.execute(cache_statements.FENCE_PUT, (fence,))
    return outcomes


def renew(database: sqlite3.Connection, now: int, renewals: Sequence[Acquire]) -> list[bool]:
    """Extend each that its owner still holds."""
    there = held(database, (one.address for one in renewals), now)
    outcomes = [held_by(one.owner, there.get(one.address)) for one in renewals]
    rows = [
        (one.address, one.owner, there[one.address].fence, now + one.lifetime)
        for one, still in zip(renewals, outcomes, strict=True)
        if still
    ]
    database.executemany(cache_statements.LEASE_PUT, rows)
    return outcomes


def release(database: sqlite3.Connection, now: int, releases: Sequence[Release]) -> list[bool]:
    """End each that its owner still holds."""
    there = held(database, (one.address for one in releases), now)
    outcomes = []
    gone = []
    for one in releases:
        still = held_by(one.owner, there.get(one.address))
        if still:
            gone.append(one.address)
            del there[one.address]
        outcomes.append(still)
    end(database, gone)
    return outcomes
