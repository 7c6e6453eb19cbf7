"""The tables, as they are after all migrations. A test compares them with what the migrations make.

Times are microseconds since the epoch by the server's clock. Text compares as bytes (collation ``C``), whatever the
database's own collation is. ``first_segment`` is the first segment of the namespace, empty where there is none: every
unique key holds it, so that a table can be partitioned or distributed by it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSON

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

OBJECTS = Table(
    "objects",
    METADATA,
    _text("address"),
    _text("first_segment"),
    _text("id"),
    _text("blob"),
    _text("version"),
    Column("size", BigInteger, nullable=False),
    _text("sha256"),
    _text("content_type"),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("expires", BigInteger),
    _text("person", nullable=True),
    PrimaryKeyConstraint("address", "first_segment"),
    UniqueConstraint("id", "first_segment", name="objects_id"),
    UniqueConstraint("blob", "first_segment", name="objects_blob"),
)
Index("objects_person", OBJECTS.c.person, postgresql_where=OBJECTS.c.person.is_not(None))
Index("objects_expires", OBJECTS.c.expires, postgresql_where=OBJECTS.c.expires.is_not(None))

# Every blob that exists or may exist. It is begun before anybody knows its address, so it is distributed by its id.
BLOBS = Table(
    "blobs",
    METADATA,
    Column("blob", Text(collation="C"), primary_key=True),
    _text("state"),
    Column("since", BigInteger, nullable=False),
    _text("person", nullable=True),
    CheckConstraint("state IN ('pending', 'available', 'unwanted')", name="blobs_state"),
)
Index("blobs_person", BLOBS.c.person, postgresql_where=BLOBS.c.person.is_not(None))
Index("blobs_waiting", BLOBS.c.state, BLOBS.c.since, BLOBS.c.blob, postgresql_where=BLOBS.c.state != "available")

# Nodes are numbered, so that edges are small. Properties are JSON as it was written: jsonb would turn 1.0 into 1.
NODES = Table(
    "graph_nodes",
    METADATA,
    Column("node", BigInteger, Identity(always=True), nullable=False),
    _text("first_segment"),
    _text("space"),
    _text("label"),
    _text("id"),
    Column("properties", JSON, nullable=False),
    _text("person", nullable=True),
    PrimaryKeyConstraint("node", "first_segment"),
    UniqueConstraint("space", "label", "id", "first_segment", name="graph_nodes_place"),
)
Index("graph_nodes_person", NODES.c.person, postgresql_where=NODES.c.person.is_not(None))
Index("graph_nodes_person_itself", NODES.c.id, postgresql_where=NODES.c.label == "Person")

# Both ends lie in one space. The database itself sees to it that they are there, however many write at once.
EDGES = Table(
    "graph_edges",
    METADATA,
    Column("source", BigInteger, nullable=False),
    _text("type"),
    Column("target", BigInteger, nullable=False),
    _text("key"),
    _text("first_segment"),
    Column("properties", JSON, nullable=False),
    _text("person", nullable=True),
    PrimaryKeyConstraint("source", "type", "target", "key", "first_segment"),
    ForeignKeyConstraint(
        ["source", "first_segment"], ["graph_nodes.node", "graph_nodes.first_segment"], name="graph_edges_from"
    ),
    ForeignKeyConstraint(
        ["target", "first_segment"], ["graph_nodes.node", "graph_nodes.first_segment"], name="graph_edges_into"
    ),
)
Index("graph_edges_target", EDGES.c.target, EDGES.c.type, EDGES.c.source)
Index("graph_edges_person", EDGES.c.person, postgresql_where=EDGES.c.person.is_not(None))
