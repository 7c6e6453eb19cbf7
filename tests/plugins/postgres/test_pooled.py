"""Through PgBouncer in transaction mode all is as it is without it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest

from tests.plugins.postgres.surroundings import memory, put
from tests.services import pgbouncer, postgres
from unison_storage.errors import DeadlineExceeded, InvalidConfig, StorageError
from unison_storage_postgres.statements import Statement

SLEEP = Statement("sleep", "SELECT pg_sleep(5)::text")
SHOWN = Statement("shown", "SELECT current_setting('enable_seqscan'), current_setting('statement_timeout')")


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
            assert (await entries.health()).detail.endswith(", through a pooler of transactions")

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


def test_a_pooler_that_nobody_spoke_of_is_told(url: str) -> None:
    async def refused() -> StorageError:
        with pytest.raises(StorageError) as failure:
            async with memory(url.partition("?")[0]):
                pass
        return failure.value

    error = asyncio.run(refused())
    assert isinstance(error, InvalidConfig)
    assert "add ?pooler=transaction" in error.message
