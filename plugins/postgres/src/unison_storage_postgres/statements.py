"""The SQL of memory. Statements are whole: nothing is ever put together from input.

Each takes arrays, one for each column, so that a batch is one statement; a get or a put by itself, which is most of
what there is, has a statement of its own that costs the server a quarter less.
``unison_storage_now()`` is the server's clock in microseconds; of a row it is read once the row is locked, so that
times of one address don't go backwards. Rows are locked in the order of their addresses, so that batches can't
deadlock.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from unison_storage_postgres.arrays import Encoder, bigint, bigints, boolean, bytea, byteas, text, texts


class Statement(Struct, frozen=True):
    """One statement: the name that it is prepared under, its text, what its parameters are, and whether it writes."""

    name: str
    text: str
    takes: tuple[Encoder, ...] = ()
    writes: bool = False


NOW: Final = Statement("now", "SELECT unison_storage_now()")

VERSION: Final = Statement("version", "SELECT current_setting('server_version')")

POSITION: Final = Statement(
    "position",
    "SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END"
    " - '0/0')::bigint",
)
"""https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-RECOVERY-INFO-TABLE"""

ROLE: Final = Statement(
    "role",
    """
    SELECT rolsuper, EXISTS (
        SELECT FROM pg_class
        WHERE oid = to_regclass('memory_entries') AND pg_has_role(current_user, relowner, 'USAGE')
    )
    FROM pg_roles WHERE rolname = current_user
    """,
)
"""Whether the role is a superuser, and whether it has what the owner of the tables may do."""

MEMORY_GET: Final = Statement(
    "memory_get",
    """
    SELECT m.address, m.value, m.version, m.created, m.updated, m.expires, m.person
    FROM unnest($1::text[], $2::text[]) AS wanted (address, first_segment)
    JOIN memory_entries AS m ON m.address = wanted.address AND m.first_segment = wanted.first_segment
    WHERE m.expires IS NULL OR m.expires > (SELECT unison_storage_now())
    """,
    (texts, texts),
)

# Expects nothing ($8 false) or nothing there ($8 true): looked at under the lock of the row, since a session that
# comes second has not seen the row of the first one. What is updated is later than what is created, which tells the
# two apart.
_PUT: Final = """
    INSERT INTO memory_entries AS m (address, first_segment, value, version, created, updated, expires, person)
    SELECT given.address, given.first_segment, given.value, given.version, at.now, at.now, at.now + given.lifetime,
        given.person
    FROM {given} AS given (address, first_segment, value, version, lifetime, person),
        (SELECT unison_storage_now()) AS at (now)
    ORDER BY given.address COLLATE "C"
    ON CONFLICT (address, first_segment) DO UPDATE SET
        value = EXCLUDED.value,
        version = EXCLUDED.version,
        (created, updated, expires, person) = (
            SELECT
                CASE WHEN life.goes_on THEN m.created ELSE at.now END,
                CASE WHEN life.goes_on THEN greatest(at.now, m.updated, m.created + 1) ELSE at.now END,
                CASE WHEN life.goes_on AND $7::boolean THEN m.expires
                    ELSE at.now + (EXCLUDED.expires - EXCLUDED.updated) END,
                coalesce(EXCLUDED.person, CASE WHEN life.goes_on THEN m.person END)
            FROM (SELECT unison_storage_now()) AS at (now),
                LATERAL (SELECT m.expires IS NULL OR m.expires > at.now) AS life (goes_on)
        )
    WHERE m.expires <= unison_storage_now()
        OR (NOT $8::boolean AND (EXCLUDED.person IS NULL OR m.person IS NULL OR m.person = EXCLUDED.person))
    RETURNING address, created, updated, expires
    """

MEMORY_PUT: Final = Statement(
    "memory_put",
    _PUT.replace("{given}", "unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::bigint[], $6::text[])"),
    (texts, texts, byteas, texts, bigints, texts, boolean, boolean),
    writes=True,
)

MEMORY_PUT_ONE: Final = Statement(
    "memory_put_one",
    _PUT.replace("{given}", "(VALUES ($1::text, $2::text, $3::bytea, $4::text, $5::bigint, $6::text))"),
    (text, text, bytea, text, bigint, text, boolean, boolean),
    writes=True,
)

# Expects something: any version where none is given.
MEMORY_REPLACE: Final = Statement(
    "memory_replace",
    """
    WITH given AS (
        SELECT *
        FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::bigint[], $6::text[], $8::text[])
            AS given (address, first_segment, value, version, lifetime, person, expected)
    ), locked AS (
        SELECT m.address, m.first_segment
        FROM memory_entries AS m JOIN given USING (address, first_segment)
        ORDER BY m.address FOR UPDATE OF m
    )
    UPDATE memory_entries AS m SET
        value = given.value,
        version = given.version,
        (updated, expires) = (
            SELECT greatest(at.now, m.updated, m.created + 1),
                CASE WHEN $7::boolean THEN m.expires ELSE at.now + given.lifetime END
            FROM (SELECT unison_storage_now()) AS at (now)
        ),
        person = coalesce(given.person, m.person)
    FROM given JOIN locked USING (address, first_segment)
    WHERE m.address = given.address AND m.first_segment = given.first_segment
        AND (m.expires IS NULL OR m.expires > unison_storage_now())
        AND (given.expected IS NULL OR m.version = given.expected)
        AND (given.person IS NULL OR m.person IS NULL OR m.person = given.person)
    RETURNING m.address, m.created, m.updated, m.expires
    """,
    (texts, texts, byteas, texts, bigints, texts, boolean, texts),
    writes=True,
)

MEMORY_TOUCH: Final = Statement(
    "memory_touch",
    """
    WITH given AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]) AS given (address, first_segment, lifetime)
    ), locked AS (
        SELECT m.address, m.first_segment
        FROM memory_entries AS m JOIN given USING (address, first_segment)
        ORDER BY m.address FOR UPDATE OF m
    )
    UPDATE memory_entries AS m SET expires = unison_storage_now() + given.lifetime
    FROM given JOIN locked USING (address, first_segment)
    WHERE m.address = given.address AND m.first_segment = given.first_segment
        AND (m.expires IS NULL OR m.expires > unison_storage_now())
    RETURNING m.address, m.value, m.version, m.created, m.updated, m.expires, m.person
    """,
    (texts, texts, bigints),
    writes=True,
)

MEMORY_DELETE: Final = Statement(
    "memory_delete",
    """
    WITH given AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS given (address, first_segment, expected)
    ), locked AS (
        SELECT m.address, m.first_segment
        FROM memory_entries AS m JOIN given USING (address, first_segment)
        ORDER BY m.address FOR UPDATE OF m
    )
    DELETE FROM memory_entries AS m
    USING given JOIN locked USING (address, first_segment)
    WHERE m.address = given.address AND m.first_segment = given.first_segment
        AND (given.expected IS NULL
            OR (m.version = given.expected AND (m.expires IS NULL OR m.expires > unison_storage_now())))
    RETURNING m.address, m.expires IS NULL OR m.expires > unison_storage_now()
    """,
    (texts, texts, texts),
    writes=True,
)

# A counter is what core's ``counter`` takes. The digits of what is added are in the row that was to be inserted.
MEMORY_INCREMENT: Final = Statement(
    "memory_increment",
    """
    INSERT INTO memory_entries AS m (address, first_segment, value, version, created, updated, expires, person)
    SELECT given.address, given.first_segment, convert_to(given.by::text, 'UTF8'), given.version, at.now, at.now,
        at.now + given.lifetime, given.person
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::text[])
            AS given (address, first_segment, by, version, lifetime, person),
        (SELECT unison_storage_now()) AS at (now)
    ORDER BY given.address COLLATE "C"
    ON CONFLICT (address, first_segment) DO UPDATE SET
        version = EXCLUDED.version,
        (value, created, updated, expires, person) = (
            SELECT
                CASE WHEN life.goes_on
                    THEN convert_to((encode(m.value, 'escape')::numeric
                        + encode(EXCLUDED.value, 'escape')::numeric)::text, 'UTF8')
                    ELSE EXCLUDED.value END,
                CASE WHEN life.goes_on THEN m.created ELSE at.now END,
                CASE WHEN life.goes_on THEN greatest(at.now, m.updated, m.created + 1) ELSE at.now END,
                CASE WHEN life.goes_on THEN m.expires ELSE at.now + (EXCLUDED.expires - EXCLUDED.updated) END,
                CASE WHEN life.goes_on THEN m.person ELSE EXCLUDED.person END
            FROM (SELECT unison_storage_now()) AS at (now),
                LATERAL (SELECT m.expires IS NULL OR m.expires > at.now) AS life (goes_on)
        )
    WHERE m.expires <= unison_storage_now()
        OR CASE WHEN encode(m.value, 'escape') ~ '^(0|-?[1-9][0-9]{0,18})$'
            THEN encode(m.value, 'escape')::numeric BETWEEN -9223372036854775808 AND 9223372036854775807
                AND encode(m.value, 'escape')::numeric + encode(EXCLUDED.value, 'escape')::numeric
                    BETWEEN -9223372036854775808 AND 9223372036854775807
            ELSE false END
    RETURNING address, value
    """,
    (texts, texts, bigints, texts, bigints, texts),
    writes=True,
)

MEMORY_GET_ONE: Final = Statement(
    "memory_get_one",
    """
    SELECT address, value, version, created, updated, expires, person FROM memory_entries
    WHERE address = $1::text AND first_segment = $2::text AND (expires IS NULL OR expires > unison_storage_now())
    """,
    (text, text),
)

MEMORY_LIST: Final = Statement(
    "memory_list",
    """
    SELECT address, value, version, created, updated, expires, person FROM memory_entries
    WHERE address > $1::text AND address < $2::text AND (expires IS NULL OR expires > (SELECT unison_storage_now()))
    ORDER BY address LIMIT $3::bigint
    """,
    (text, text, bigint),
)

MEMORY_KEYS: Final = Statement(
    "memory_keys",
    """
    SELECT address, ''::bytea, version, created, updated, expires, person FROM memory_entries
    WHERE address > $1::text AND address < $2::text AND (expires IS NULL OR expires > (SELECT unison_storage_now()))
    ORDER BY address LIMIT $3::bigint
    """,
    (text, text, bigint),
)

MEMORY_COUNT: Final = Statement(
    "memory_count",
    """
    SELECT count(*) FROM memory_entries
    WHERE address > $1::text AND address < $2::text AND (expires IS NULL OR expires > (SELECT unison_storage_now()))
    """,
    (text, text),
)

MEMORY_OWNED: Final = Statement(
    "memory_owned",
    """
    SELECT count(*) FROM memory_entries
    WHERE person = $1::text AND (expires IS NULL OR expires > (SELECT unison_storage_now()))
    """,
    (text,),
)

MEMORY_DELETE_PREFIX: Final = Statement(
    "memory_delete_prefix",
    """
    WITH locked AS (
        SELECT address, first_segment FROM memory_entries
        WHERE address > $1::text AND address < $2::text ORDER BY address FOR UPDATE
    ), gone AS (
        DELETE FROM memory_entries AS m USING locked
        WHERE m.address = locked.address AND m.first_segment = locked.first_segment
        RETURNING m.expires
    )
    SELECT count(*) FROM gone WHERE expires IS NULL OR expires > (SELECT unison_storage_now())
    """,
    (text, text),
    writes=True,
)

MEMORY_ERASE: Final = Statement(
    "memory_erase",
    """
    WITH locked AS (
        SELECT address, first_segment FROM memory_entries WHERE person = $1::text ORDER BY address FOR UPDATE
    ), gone AS (
        DELETE FROM memory_entries AS m USING locked
        WHERE m.address = locked.address AND m.first_segment = locked.first_segment
        RETURNING m.expires
    )
    SELECT count(*) FROM gone WHERE expires IS NULL OR expires > (SELECT unison_storage_now())
    """,
    (text,),
    writes=True,
)

# One session purges at a time: another one finds the lease taken, which ends with the statement or its connection, and
# removes nothing. What a writer has locked is passed over.
MEMORY_PURGE: Final = Statement(
    "memory_purge",
    """
    WITH locked AS (
        SELECT address, first_segment FROM memory_entries
        WHERE (SELECT pg_try_advisory_xact_lock(hashtextextended('unison-storage sweep of memory', 0)))
            AND expires_hour <= (SELECT (unison_storage_now() / 3600000000)::integer)
            AND expires <= (SELECT unison_storage_now())
        ORDER BY expires_hour LIMIT $1::bigint FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM memory_entries AS m USING locked
        WHERE m.address = locked.address AND m.first_segment = locked.first_segment
        RETURNING 1
    )
    SELECT count(*) FROM gone
    """,
    (bigint,),
    writes=True,
)
