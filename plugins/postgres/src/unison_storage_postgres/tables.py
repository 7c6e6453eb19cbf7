"""The tables, as they are after all migrations. A test compares them with what the migrations make.

Times are microseconds since the epoch by the server's clock. Text compares as bytes (collation ``C``), whatever the
database's own collation is. ``first_segment`` is the first segment of the namespace, empty where there is none: every
unique key holds it, so that a table can be partitioned or distributed by it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Computed,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

METADATA = MetaData()


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Text(collation="C"), nullable=nullable)


MEMORY = Table(
    "memory_entries",
    METADATA,
    _text("address"),
    _text("first_segment"),
    _text("version"),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("expires", BigInteger),
    _text("person", nullable=True),
    Column("value", LargeBinary, nullable=False),
    # what is indexed for purging, since an update that changes nothing indexed costs half as much
    Column("expires_hour", Integer, Computed("(expires / 3600000000)::integer", persisted=True)),
    # the address first, for listings in its order; it is unique by itself already
    PrimaryKeyConstraint("address", "first_segment"),
    postgresql_with={"fillfactor": 85},  # leaves room in a page for the next version of a row
)
Index("memory_entries_person", MEMORY.c.person, postgresql_where=MEMORY.c.person.is_not(None))
Index("memory_entries_expires", MEMORY.c.expires_hour, postgresql_where=MEMORY.c.expires_hour.is_not(None))
