"""The SQL of the cache. Statements are whole: nothing is ever put together from input."""

from __future__ import annotations

from typing import Final

ENTRIES_GET: Final = """
    SELECT wanted.key, e.value, e.expires
    FROM json_each(?) AS wanted CROSS JOIN cache_entries AS e ON e.address = wanted.value
"""

ENTRIES_HEAD: Final = """
    SELECT wanted.key, x'', e.expires
    FROM json_each(?) AS wanted CROSS JOIN cache_entries AS e ON e.address = wanted.value
"""

ENTRY_PUT: Final = """
    INSERT INTO cache_entries (address, value, expires) VALUES (?, ?, ?)
    ON CONFLICT (address) DO UPDATE SET value = excluded.value, expires = excluded.expires
"""

ENTRY_TOUCH: Final = "UPDATE cache_entries SET expires = ? WHERE address = ?"

ENTRY_DELETE: Final = "DELETE FROM cache_entries WHERE address = ?"

ENTRIES_COUNT: Final = "SELECT count(*) FROM cache_entries WHERE address > ? AND address < ? AND expires > ?"

ENTRIES_DELETE_PREFIX: Final = "DELETE FROM cache_entries WHERE address > ? AND address < ?"

ENTRIES_PURGE: Final = """
    DELETE FROM cache_entries
    WHERE rowid IN (SELECT rowid FROM cache_entries WHERE expires <= ? ORDER BY expires LIMIT ?)
"""

ENTRIES_ALL: Final = "SELECT count(*) FROM cache_entries"

ENTRIES_EVICT: Final = """
    DELETE FROM cache_entries WHERE rowid IN (SELECT rowid FROM cache_entries ORDER BY expires LIMIT ?)
"""

LEASES_GET: Final = """
    SELECT l.address, l.owner, l.fence, l.expires
    FROM json_each(?) AS wanted CROSS JOIN cache_leases AS l ON l.address = wanted.value
"""

LEASE_PUT: Final = """
    INSERT INTO cache_leases (address, owner, fence, expires) VALUES (?, ?, ?, ?)
    ON CONFLICT (address) DO UPDATE SET owner = excluded.owner, fence = excluded.fence, expires = excluded.expires
"""

LEASE_DELETE: Final = "DELETE FROM cache_leases WHERE address = ?"

# from the prefix on, as one that lies below it by its address; those for filling end with U+001F
LEASES_DELETE_PREFIX: Final = """
    DELETE FROM cache_leases WHERE address > ? AND address < ? AND substr(address, -1) = char(31)
"""

LEASES_PURGE: Final = """
    DELETE FROM cache_leases
    WHERE address IN (SELECT address FROM cache_leases WHERE expires <= ? ORDER BY expires LIMIT ?)
"""

FENCE_GET: Final = "SELECT last FROM cache_fence"

FENCE_PUT: Final = "UPDATE cache_fence SET last = ?"
