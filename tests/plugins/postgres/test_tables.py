from __future__ import annotations

import asyncio

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import UniqueConstraint, create_engine

from tests.plugins.postgres.surroundings import asked, server_at
from unison_storage_postgres.migrations import PostgresMigrations
from unison_storage_postgres.tables import BLOBS, METADATA

OURS = {"unison_storage_migrations", "unison_storage_mark"}


def test_the_tables_are_those_that_the_migrations_make(url: str) -> None:
    asyncio.run(PostgresMigrations(server_at(url)).apply())
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        surroundings = MigrationContext.configure(connection, opts={"compare_type": True})
        found = compare_metadata(surroundings, METADATA)
    engine.dispose()
    assert [one for one in found if not (one[0] == "remove_table" and one[1].name in OURS)] == []


def test_every_unique_key_holds_what_a_table_can_be_distributed_by() -> None:
    distributed = [table for table in METADATA.tables.values() if table is not BLOBS]  # by its id
    assert len(distributed) > 1
    for table in distributed:
        keys = [table.primary_key, *(one for one in table.constraints if isinstance(one, UniqueConstraint))]
        for columns in [*(key.columns for key in keys), *(one.columns for one in table.indexes if one.unique)]:
            assert "first_segment" in columns, table.name


def test_text_compares_as_bytes(url: str) -> None:
    asyncio.run(PostgresMigrations(server_at(url)).apply())
    columns = asked(
        url,
        "SELECT table_name, column_name, collation_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND data_type = 'text'",
    )
    assert {found for table, _, found in columns if table not in OURS} == {"C"}
