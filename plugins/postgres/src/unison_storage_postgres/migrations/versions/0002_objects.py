"""The object index: what is visible, and every blob that exists or may exist."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Make what the object index needs."""
    op.create_table(
        "objects",
        sa.Column("address", sa.Text(collation="C"), nullable=False),
        sa.Column("first_segment", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("blob", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Text(collation="C"), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text(collation="C"), nullable=False),
        sa.Column("content_type", sa.Text(collation="C"), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger),
        sa.Column("person", sa.Text(collation="C")),
        sa.PrimaryKeyConstraint("address", "first_segment"),
        sa.UniqueConstraint("id", "first_segment", name="objects_id"),
        sa.UniqueConstraint("blob", "first_segment", name="objects_blob"),
    )
    op.create_index("objects_person", "objects", ["person"], postgresql_where=sa.text("person IS NOT NULL"))
    op.create_index("objects_expires", "objects", ["expires"], postgresql_where=sa.text("expires IS NOT NULL"))
    op.create_table(
        "blobs",
        sa.Column("blob", sa.Text(collation="C"), primary_key=True),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("person", sa.Text(collation="C")),
        sa.CheckConstraint("state IN ('pending', 'available', 'unwanted')", name="blobs_state"),
    )
    op.create_index("blobs_person", "blobs", ["person"], postgresql_where=sa.text("person IS NOT NULL"))
    op.create_index(
        "blobs_waiting", "blobs", ["state", "since", "blob"], postgresql_where=sa.text("state <> 'available'")
    )
