"""The SQL of the object index. Statements are whole, as those of memory are.

A row of ``blobs`` is locked after the row of its object, and several rows in the order of their keys.
"""

from __future__ import annotations

from typing import Final

from unison_storage_postgres.arrays import bigint, text, texts
from unison_storage_postgres.statements import Statement

BLOB_BEGIN: Final = Statement(
    "blob_begin",
    """
    INSERT INTO blobs (blob, state, since, person) VALUES ($1::text, 'pending', unison_storage_now(), $2::text)
    ON CONFLICT (blob) DO NOTHING
    """,
    (text, text),
    writes=True,
)

# Two commits of an address that is free have no row to wait at.
OBJECT_LOCK: Final = Statement(
    "object_lock", "SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))::text", (text,)
)

OBJECT_LOCKED: Final = Statement(
    "object_locked",
    """
    SELECT address, id, blob, version, size, sha256, content_type, created, updated, expires, person FROM objects
    WHERE address = $1::text AND first_segment = $2::text FOR UPDATE
    """,
    (text, text),
    writes=True,
)

OBJECT_COMMIT: Final = Statement(
    "object_commit",
    """
    WITH taken AS (
        UPDATE blobs SET state = 'available', since = $10::bigint, person = $12::text
        WHERE blob = $4::text AND state = 'pending' RETURNING blob
    ), overwritten AS (
        UPDATE blobs SET state = 'unwanted', since = $10::bigint FROM taken WHERE blobs.blob = $13::text
    )
    INSERT INTO objects AS o
        (address, first_segment, id, blob, version, size, sha256, content_type, created, updated, expires, person)
    SELECT $1::text, $2::text, $3::text, taken.blob, $5::text, $6::bigint, $7::text, $8::text, $9::bigint, $10::bigint,
        $11::bigint, $12::text
    FROM taken
    ON CONFLICT (address, first_segment) DO UPDATE SET
        id = EXCLUDED.id, blob = EXCLUDED.blob, version = EXCLUDED.version, size = EXCLUDED.size,
        sha256 = EXCLUDED.sha256, content_type = EXCLUDED.content_type, created = EXCLUDED.created,
        updated = EXCLUDED.updated, expires = EXCLUDED.expires, person = EXCLUDED.person
    RETURNING 1
    """,
    (text, text, text, text, text, bigint, text, text, bigint, bigint, bigint, text, text),
    writes=True,
)

OBJECTS_GET: Final = Statement(
    "objects_get",
    """
    SELECT o.address, o.id, o.blob, o.version, o.size, o.sha256, o.content_type, o.created, o.updated, o.expires,
        o.person
    FROM unnest($1::text[], $2::text[]) AS wanted (address, first_segment)
    JOIN objects AS o ON o.address = wanted.address AND o.first_segment = wanted.first_segment
    WHERE o.expires IS NULL OR o.expires > (SELECT unison_storage_now())
    """,
    (texts, texts),
)

OBJECTS_BY_ID: Final = Statement(
    "objects_by_id",
    """
    SELECT o.address, o.id, o.blob, o.version, o.size, o.sha256, o.content_type, o.created, o.updated, o.expires,
        o.person
    FROM objects AS o
    WHERE o.id = ANY($1::text[]) AND (o.expires IS NULL OR o.expires > (SELECT unison_storage_now()))
    """,
    (texts,),
)

OBJECTS_DELETE: Final = Statement(
    "objects_delete",
    """
    WITH given AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS given (address, first_segment, expected)
    ), locked AS (
        SELECT o.address, o.first_segment
        FROM objects AS o JOIN given USING (address, first_segment)
        ORDER BY o.address FOR UPDATE OF o
    ), gone AS (
        DELETE FROM objects AS o
        USING given JOIN locked USING (address, first_segment)
        WHERE o.address = given.address AND o.first_segment = given.first_segment
            AND (given.expected IS NULL
                OR (o.version = given.expected AND (o.expires IS NULL OR o.expires > unison_storage_now())))
        RETURNING o.address, o.blob, o.expires IS NULL OR o.expires > unison_storage_now() AS visible
    ), unwanted AS (
        UPDATE blobs SET state = 'unwanted', since = unison_storage_now() FROM gone WHERE blobs.blob = gone.blob
    )
    SELECT address, visible FROM gone
    """,
    (texts, texts, texts),
    writes=True,
)

OBJECTS_DROP_EXPIRED: Final = Statement(
    "objects_drop_expired",
    """
    WITH locked AS (
        SELECT address, first_segment FROM objects
        WHERE expires <= (SELECT unison_storage_now()) ORDER BY address FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM objects AS o USING locked
        WHERE o.address = locked.address AND o.first_segment = locked.first_segment
        RETURNING o.blob, o.expires
    )
    UPDATE blobs SET state = 'unwanted', since = gone.expires FROM gone WHERE blobs.blob = gone.blob
    """,
    writes=True,
)

BLOBS_GIVE_UP: Final = Statement(
    "blobs_give_up",
    """
    WITH locked AS (
        SELECT blob FROM blobs WHERE state = 'pending' AND since < $1::bigint
        ORDER BY since, blob LIMIT $2::bigint FOR UPDATE SKIP LOCKED
    )
    UPDATE blobs SET state = 'unwanted' FROM locked WHERE blobs.blob = locked.blob RETURNING since, blobs.blob
    """,
    (bigint, bigint),
    writes=True,
)

BLOBS_UNWANTED: Final = Statement(
    "blobs_unwanted",
    """
    SELECT since, blob FROM blobs WHERE state = 'unwanted' AND since < $1::bigint
    ORDER BY since, blob LIMIT $2::bigint
    """,
    (bigint, bigint),
)

BLOBS_FORGET: Final = Statement(
    "blobs_forget",
    """
    WITH gone AS (DELETE FROM blobs WHERE blob = ANY($1::text[]) AND state <> 'available' RETURNING 1)
    SELECT count(*) FROM gone
    """,
    (texts,),
    writes=True,
)

BLOBS_KNOWN: Final = Statement("blobs_known", "SELECT blob FROM blobs WHERE blob = ANY($1::text[])", (texts,))

BLOBS_OWNED: Final = Statement("blobs_owned", "SELECT count(*) FROM blobs WHERE person = $1::text", (text,))

OBJECTS_ERASE: Final = Statement(
    "objects_erase",
    """
    WITH locked AS (
        SELECT address, first_segment FROM objects WHERE person = $1::text ORDER BY address FOR UPDATE
    ), gone AS (
        DELETE FROM objects AS o USING locked
        WHERE o.address = locked.address AND o.first_segment = locked.first_segment
        RETURNING o.blob
    )
    UPDATE blobs SET state = 'unwanted', since = unison_storage_now() FROM gone WHERE blobs.blob = gone.blob
    """,
    (text,),
    writes=True,
)

# since stays: no reader can be at a blob that never was visible, so its bytes may go at once
BLOBS_ERASE: Final = Statement(
    "blobs_erase",
    "UPDATE blobs SET state = 'unwanted' WHERE person = $1::text AND state = 'pending'",
    (text,),
    writes=True,
)

BLOBS_OF_PERSON: Final = Statement(
    "blobs_of_person",
    "SELECT blob FROM blobs WHERE person = $1::text AND state = 'unwanted' ORDER BY since, blob",
    (text,),
)

OBJECTS_COUNT: Final = Statement(
    "objects_count",
    """
    SELECT count(*) FROM objects
    WHERE address > $1::text AND address < $2::text
        AND (expires IS NULL OR expires > (SELECT unison_storage_now()))
    """,
    (text, text),
)

OBJECTS_LIST: Final = Statement(
    "objects_list",
    """
    SELECT address, id, blob, version, size, sha256, content_type, created, updated, expires, person FROM objects
    WHERE address > $1::text AND address < $2::text
        AND (expires IS NULL OR expires > (SELECT unison_storage_now()))
    ORDER BY address LIMIT $3::bigint
    """,
    (text, text, bigint),
)
