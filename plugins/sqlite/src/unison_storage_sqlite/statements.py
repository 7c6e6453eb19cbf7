"""The SQL of memory and objects. Statements are whole: nothing is ever put together from input.

A list of addresses or ids goes in as one JSON array; ``key`` is the place of a row in it. That reads twice as fast as
a statement for each one, from four on, and one alone costs a microsecond more.
"""

from __future__ import annotations

from typing import Final

MEMORY_GET: Final = """
    SELECT wanted.key, m.value, m.version, m.created, m.updated, m.expires, m.person
    FROM json_each(?) AS wanted CROSS JOIN memory AS m ON m.address = wanted.value
"""

MEMORY_HEAD: Final = """
    SELECT wanted.key, x'', m.version, m.created, m.updated, m.expires, m.person
    FROM json_each(?) AS wanted CROSS JOIN memory AS m ON m.address = wanted.value
"""

MEMORY_PUT: Final = """
    INSERT INTO memory (address, value, version, created, updated, expires, person) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (address) DO UPDATE SET
        value = excluded.value, version = excluded.version, created = excluded.created, updated = excluded.updated,
        expires = excluded.expires, person = excluded.person
"""

MEMORY_TOUCH: Final = "UPDATE memory SET expires = ? WHERE address = ?"

MEMORY_DELETE: Final = "DELETE FROM memory WHERE address = ?"

MEMORY_LIST: Final = """
    SELECT address, value, version, created, updated, expires, person FROM memory
    WHERE address > ? AND address < ? AND (expires IS NULL OR expires > ?) ORDER BY address LIMIT ?
"""

MEMORY_KEYS: Final = """
    SELECT address, x'', version, created, updated, expires, person FROM memory
    WHERE address > ? AND address < ? AND (expires IS NULL OR expires > ?) ORDER BY address LIMIT ?
"""

MEMORY_COUNT: Final = """
    SELECT count(*) FROM memory WHERE address > ? AND address < ? AND (expires IS NULL OR expires > ?)
"""

MEMORY_DELETE_PREFIX: Final = "DELETE FROM memory WHERE address > ? AND address < ?"

MEMORY_COUNT_PERSON: Final = "SELECT count(*) FROM memory WHERE person = ? AND (expires IS NULL OR expires > ?)"

MEMORY_ERASE: Final = "DELETE FROM memory WHERE person = ?"

MEMORY_PURGE: Final = """
    DELETE FROM memory
    WHERE rowid IN (SELECT rowid FROM memory WHERE expires <= ? ORDER BY expires LIMIT ?)
"""

BLOB_BEGIN: Final = """
    INSERT INTO blobs (blob, state, since, person) VALUES (?, 'pending', ?, ?)
    ON CONFLICT (blob) DO NOTHING
"""

BLOB_PENDING: Final = "SELECT 1 FROM blobs WHERE blob = ? AND state = 'pending'"

BLOB_AVAILABLE: Final = "UPDATE blobs SET state = 'available', since = ?, person = ? WHERE blob = ?"

BLOB_FORGET: Final = "DELETE FROM blobs WHERE blob = ? AND state <> 'available'"

BLOBS_KNOWN: Final = """
    SELECT wanted.value FROM json_each(?) AS wanted CROSS JOIN blobs AS b ON b.blob = wanted.value ORDER BY wanted.key
"""

BLOBS_UNWANTED: Final = """
    SELECT blob, since FROM blobs WHERE state = 'unwanted' AND since < ?
    UNION ALL SELECT blob, since FROM blobs WHERE state = 'pending' AND since < ?
    ORDER BY since, blob LIMIT ?
"""

BLOBS_GIVE_UP: Final = """
    UPDATE blobs SET state = 'unwanted' WHERE state = 'pending' AND blob IN (SELECT value FROM json_each(?))
"""

BLOBS_OF_EXPIRED: Final = """
    UPDATE blobs SET state = 'unwanted', since = (SELECT expires FROM objects WHERE objects.blob = blobs.blob)
    WHERE blob IN (SELECT blob FROM objects WHERE expires <= ?)
"""

BLOBS_OF_OBJECTS_OF_PERSON: Final = """
    UPDATE blobs SET state = 'unwanted', since = ? WHERE blob IN (SELECT blob FROM objects WHERE person = ?)
"""

# since stays: no reader can be at a blob that never was visible, so its bytes may go at once
BLOBS_GIVE_UP_OF_PERSON: Final = "UPDATE blobs SET state = 'unwanted' WHERE person = ? AND state = 'pending'"

BLOBS_OF_PERSON: Final = "SELECT blob FROM blobs WHERE person = ? AND state = 'unwanted' ORDER BY since, blob"

BLOBS_COUNT_PERSON: Final = "SELECT count(*) FROM blobs WHERE person = ?"

OBJECTS_GET: Final = """
    SELECT wanted.key, o.address, o.id, o.blob, o.version, o.size, o.sha256, o.content_type, o.created, o.updated,
        o.expires, o.person
    FROM json_each(?) AS wanted CROSS JOIN objects AS o ON o.address = wanted.value
"""

OBJECTS_BY_ID: Final = """
    SELECT wanted.key, o.address, o.id, o.blob, o.version, o.size, o.sha256, o.content_type, o.created, o.updated,
        o.expires, o.person
    FROM json_each(?) AS wanted CROSS JOIN objects AS o ON o.id = wanted.value
"""

OBJECT_DROP_BLOB: Final = """
    UPDATE blobs SET state = 'unwanted', since = ? WHERE blob = (SELECT blob FROM objects WHERE address = ?)
"""

OBJECT_DROP: Final = "DELETE FROM objects WHERE address = ?"

OBJECT_MAKE: Final = """
    INSERT INTO objects
        (address, id, blob, version, size, sha256, content_type, created, updated, expires, person)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

OBJECTS_DROP_EXPIRED: Final = "DELETE FROM objects WHERE expires <= ?"

OBJECTS_DROP_OF_PERSON: Final = "DELETE FROM objects WHERE person = ?"

OBJECTS_COUNT: Final = """
    SELECT count(*) FROM objects WHERE address > ? AND address < ? AND (expires IS NULL OR expires > ?)
"""

OBJECTS_LIST: Final = """
    SELECT address, id, blob, version, size, sha256, content_type, created, updated, expires, person FROM objects
    WHERE address > ? AND address < ? AND (expires IS NULL OR expires > ?) ORDER BY address LIMIT ?
"""
