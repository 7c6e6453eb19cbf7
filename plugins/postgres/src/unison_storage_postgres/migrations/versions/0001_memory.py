"""Memory, the server's clock in microseconds, and the mark of the profile."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Make what memory needs."""
    op.execute(
        """
        CREATE FUNCTION unison_storage_now() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE
        RETURN (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
        """
    )
    op.create_table(
        "unison_storage_mark",
        sa.Column("one", sa.Boolean, sa.CheckConstraint("one"), primary_key=True),
        sa.Column("profile", sa.Text, nullable=False),
    )
    op.create_table(
        "memory_entries",
        sa.Column("address", sa.Text(collation="C"), nullable=False),
        sa.Column("first_segment", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Text(collation="C"), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger),
        sa.Column("person", sa.Text(collation="C")),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("expires_hour", sa.Integer, sa.Computed("(expires / 3600000000)::integer", persisted=True)),
        sa.PrimaryKeyConstraint("address", "first_segment"),
        postgresql_with={"fillfactor": 85},
    )
    op.create_index(
        "memory_entries_person", "memory_entries", ["person"], postgresql_where=sa.text("person IS NOT NULL")
    )
    op.create_index(
        "memory_entries_expires",
        "memory_entries",
        ["expires_hour"],
        postgresql_where=sa.text("expires_hour IS NOT NULL"),
    )
