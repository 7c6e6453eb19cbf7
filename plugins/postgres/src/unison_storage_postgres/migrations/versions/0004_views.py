"""Views for people who look: what an address is made of, times as times, and values as JSON."""

from __future__ import annotations

from alembic.operations import Operations

# another program may have put bytes that are no JSON, and one such row must not break the view
_JSON = """
    CREATE FUNCTION unison_storage_json(value bytea) RETURNS json LANGUAGE plpgsql IMMUTABLE PARALLEL RESTRICTED AS $$
    BEGIN
        RETURN convert_from(value, 'UTF8')::json;
    EXCEPTION WHEN data_exception THEN
        RETURN NULL;
    END
    $$
"""

_TIME = """
    CREATE FUNCTION unison_storage_time(micros bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN timestamptz 'epoch' + micros * interval '1 microsecond'
"""

# whoever reads a view needs the right to read the table
_MEMORY = """
    CREATE VIEW memory_sessions WITH (security_invoker = true) AS
    SELECT parts[1] AS keyspace, parts[2:cardinality(parts) - 1] AS namespace, parts[cardinality(parts)] AS session_id,
        person AS person_id, unison_storage_json(value) AS payload, version,
        (expires - unison_storage_now()) / 1000000 AS ttl, unison_storage_time(created) AS created_at,
        unison_storage_time(updated) AS updated_at, unison_storage_time(expires) AS expires_at
    FROM memory_entries, LATERAL string_to_array(address, chr(31)) AS parts
    WHERE expires IS NULL OR expires > unison_storage_now()
"""

_OBJECTS = """
    CREATE VIEW object_files WITH (security_invoker = true) AS
    SELECT parts[1] AS keyspace, parts[2:cardinality(parts) - 1] AS namespace, parts[cardinality(parts)] AS key,
        id AS object_id, person AS person_id, content_type, size AS size_bytes, sha256, version,
        unison_storage_time(created) AS created_at, unison_storage_time(updated) AS updated_at,
        unison_storage_time(expires) AS expires_at
    FROM objects, LATERAL string_to_array(address, chr(31)) AS parts
    WHERE expires IS NULL OR expires > unison_storage_now()
"""


def upgrade(op: Operations) -> None:
    """Make the views."""
    for statement in (_JSON, _TIME, _MEMORY, _OBJECTS):
        op.execute(statement)
