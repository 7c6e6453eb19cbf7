"""Through PgBouncer in transaction mode all is as it is without it."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.plugins.postgres.surroundings import memory, put, server_at
from tests.services import pgbouncer, postgres
from unison_storage.errors import DeadlineExceeded, InvalidConfig, StorageError
from unison_storage_postgres.migrations import PostgresMigrations
from unison_storage_postgres.statements import Statement

SLEEP = Statement("sleep", "SELECT pg_sleep(5)::text")
SHOWN = Statement("shown", "SELECT current_setting('jit'), current_setting('statement_timeout')")


@pytest.fixture(scope="module")
def pooler() -> Iterator[pgbouncer.Started]:
    server = postgres.server()
    if not isinstance(server, postgres.Started):
        pytest.skip("takes a server of these tests' own")
    server.start()
    found = pgbouncer.Started(server)
    found.start()
    yield found
    found.remove()


@pytest.fixture
def url(pooler: pgbouncer.Started) -> str:
    name = f"pooled_{os.getpid()}"
    postgres.database(name)
    return f"{pooler.url(name)}?pooler=transaction"


def test_many_callers_write_and_read(url: str) -> None:
    async def test() -> None:
        async with memory(f"{url}&connections=30") as entries:
            await asyncio.gather(*(entries.put_many([put(f"k\x1f{number}")]) for number in range(200)))
            assert await entries.count("k\x1f") == 200
            health = await entries.health()
            assert health.ok
            assert re.search(r", through PgBouncer \d+\.\d+\.\d+ in mode transaction$", health.detail), health.detail

    asyncio.run(test())


def test_settings_go_with_each_statement_and_stay_with_none(url: str, pooler: pgbouncer.Started) -> None:
    async def test() -> None:
        async with memory(f"{url}&statement_timeout=0.5") as entries:
            assert await entries._session.run(SHOWN, ()) == [("off", "500ms")]
            with pytest.raises(DeadlineExceeded) as raised:
                await entries._session.run(SLEEP, ())
            assert not raised.value.outcome_unknown
        async with memory(url) as entries:
            assert await entries._session.run(SHOWN, ()) == [("off", "5s")]

    asyncio.run(test())


@contextmanager
def another(mode: str, **settings: str) -> Iterator[str]:
    """Give the URL of a database behind a pooler of its own."""
    server = postgres.server()
    assert isinstance(server, postgres.Started)
    name = f"pooled_{os.getpid()}"
    postgres.database(name)
    pooler = pgbouncer.Started(server, mode, **settings)
    pooler.start()
    try:
        yield pooler.url(name)
    finally:
        pooler.remove()


@pytest.mark.parametrize("ignored", ["extra_float_digits", "extra_float_digits,options"])
def test_a_pooler_that_nobody_spoke_of_is_told(pooler: pgbouncer.Started, ignored: str) -> None:
    """Also one that takes the settings of a session and throws them away."""

    async def refused(url: str) -> StorageError:
        with pytest.raises(StorageError) as failure:
            async with memory(url):
                pass
        return failure.value

    with another("transaction", ignore_startup_parameters=ignored) as url:
        error = asyncio.run(refused(url))
    assert isinstance(error, InvalidConfig)
    assert "add ?pooler=transaction" in error.message


def test_a_pooler_of_statements_is_not_healthy(pooler: pgbouncer.Started) -> None:
    async def test(url: str) -> None:
        async with memory(f"{url}?pooler=transaction") as entries:
            health = await entries.health()
            assert not health.ok
            assert health.detail.endswith("in mode statement, which takes no transactions: set pool_mode = transaction")

    with another("statement") as url:
        # a migration is a transaction, so it goes to the server itself
        server = postgres.server()
        asyncio.run(PostgresMigrations(server_at(server.url(f"pooled_{os.getpid()}"))).apply())
        asyncio.run(test(url))


def test_a_pooler_that_lets_nobody_look_is_believed(pooler: pgbouncer.Started) -> None:
    async def test(url: str) -> None:
        async with memory(f"{url}?pooler=transaction") as entries:
            health = await entries.health()
            assert health.ok
            assert health.detail.endswith("through a pooler that does not let this user see its version and mode")

    with another("transaction", admin_users="nobody", stats_users="nobody") as url:
        asyncio.run(test(url))
