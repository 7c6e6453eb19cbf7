from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.plugins.postgres.surroundings import asked, memory, server_at
from tests.plugins.postgres.writing import Writing
from tests.services import postgres
from unison_storage.errors import (
    AlreadyExists,
    AvailabilityError,
    Closed,
    DeadlineExceeded,
    NotFound,
    PoolExhausted,
    TransactionConflict,
)
from unison_storage_postgres.migrations import PostgresMigrations
from unison_storage_postgres.pool import Pool, Run
from unison_storage_postgres.statements import Statement

KILLS = 20
OWN = isinstance(postgres.server(), postgres.Started)
"""Whether the server is these tests' own: one that somebody else has started is not killed."""
SLEEP = Statement("sleep", "SELECT pg_sleep($1::bigint)", (lambda seconds: seconds.to_bytes(8),))
SELECT = Statement("select", "SELECT 1::bigint")


@asynccontextmanager
async def pool(url: str, options: str = "") -> AsyncIterator[Pool]:
    await PostgresMigrations(server_at(url)).apply()
    opened = await Pool.opened(server_at(f"{url}?{options}"))
    try:
        yield opened
    finally:
        await opened.close()


@pytest.mark.parametrize("places", [1, 3])
def test_as_many_connections_are_made_as_there_may_be_and_no_more(url: str, places: int) -> None:
    def there() -> int:
        [(count,)] = asked(url, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'unison-storage'")
        return int(count)

    async def test() -> None:
        async with asyncio.timeout(60):
            await PostgresMigrations(server_at(url)).apply()
            while there():  # noqa: ASYNC110 - a connection that was closed may be listed for a moment
                await asyncio.sleep(0.01)
            opened = await Pool.opened(server_at(f"{url}?connections={places}"))
            try:
                made = 0
                while made < places:  # all callers may have been served before the last connection is there
                    await asyncio.gather(*(opened.run(SELECT, ()) for _ in range(50)))
                    made = there()
                assert made == places
            finally:
                await opened.close()

    asyncio.run(test())


def test_who_waits_too_long_for_a_connection_is_told_how_many_there_are(url: str) -> None:
    async def test() -> None:
        async with pool(url, "connections=1&wait=0.1") as opened:
            busy = asyncio.ensure_future(opened.run(SLEEP, (1,)))
            await asyncio.sleep(0)
            with pytest.raises(PoolExhausted, match=r"all 1 connections were busy for 0.1 s: .*\?connections="):
                await opened.run(SELECT, ())
            await busy
            assert await opened.run(SELECT, ()) == [(1,)]

    asyncio.run(test())


def test_a_statement_that_takes_too_long_is_cancelled_and_its_connection_goes_on(url: str) -> None:
    async def test() -> None:
        async with pool(url, "connections=1&statement_timeout=0.2") as opened:
            with pytest.raises(DeadlineExceeded, match="cancelled") as failure:
                await opened.run(SLEEP, (60,))
            assert not failure.value.outcome_unknown
            assert await opened.run(SELECT, ()) == [(1,)]

    asyncio.run(test())


def test_a_caller_who_gives_up_keeps_nobody_from_a_connection(url: str) -> None:
    async def test() -> None:
        async with pool(url, "connections=1") as opened:
            for _ in range(5):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.02):
                        await opened.run(SLEEP, (60,))
                assert await opened.run(SELECT, ()) == [(1,)]

    asyncio.run(test())


@pytest.mark.parametrize(("state", "sent"), [("40001", 5), ("40P01", 5), ("40003", 1)])
def test_what_was_rolled_back_is_sent_again_and_what_may_have_been_done_is_not(url: str, state: str, sent: int) -> None:
    asked(url, "CREATE SEQUENCE sent")
    body = f"BEGIN PERFORM nextval('sent'); RAISE EXCEPTION USING ERRCODE = '{state}'; END"
    asked(url, f"CREATE FUNCTION fail() RETURNS int LANGUAGE plpgsql AS $$ {body} $$")

    async def test() -> None:
        async with pool(url) as opened:
            with pytest.raises(TransactionConflict) as failure:
                await opened.run(Statement("fail", "SELECT fail()", writes=True), ())
            assert failure.value.outcome_unknown == (sent == 1)

    asyncio.run(test())
    assert asked(url, "SELECT last_value FROM sent") == [(sent,)]


def test_a_transaction_is_whole_or_nothing(url: str) -> None:
    write = Statement("write", "INSERT INTO blobs VALUES ('one', 'pending', 1, NULL)", writes=True)

    async def refused(run: Run) -> None:
        await run(write, ())
        raise NotFound("what is refused after a write")

    async def broken(run: Run) -> None:
        await run(write, ())
        await run(write, ())

    async def kept(run: Run) -> list[Any]:
        await run(write, ())
        return await run(SELECT, ())

    async def test() -> None:
        async with pool(url, "connections=1") as opened:
            for work, error in ((refused, NotFound), (broken, AlreadyExists)):
                with pytest.raises(error) as failure:
                    await opened.transact(work)
                assert not failure.value.outcome_unknown
                assert asked(url, "SELECT count(*) FROM blobs") == [(0,)]
            assert await opened.transact(kept) == [(1,)]
            assert asked(url, "SELECT count(*) FROM blobs") == [(1,)]

    asyncio.run(test())


def test_a_transaction_whose_connection_is_lost_is_undone_and_says_so(url: str) -> None:
    write = Statement("write", "INSERT INTO blobs VALUES ('one', 'pending', 1, NULL)", writes=True)
    leave = Statement("leave", "SELECT pg_terminate_backend(pg_backend_pid())", writes=True)

    async def lost(run: Run) -> None:
        await run(write, ())
        await run(leave, ())

    async def test() -> None:
        async with pool(url, "connections=1") as opened:
            with pytest.raises(AvailabilityError) as failure:
                await opened.transact(lost)
            assert not failure.value.outcome_unknown
            assert await opened.run(SELECT, ()) == [(1,)]

    asyncio.run(test())
    assert asked(url, "SELECT count(*) FROM blobs") == [(0,)]


def test_who_waits_when_it_is_closed_is_told_so(url: str) -> None:
    async def test() -> None:
        async with pool(url, "connections=1") as opened:
            calls = [asyncio.ensure_future(opened.run(SLEEP, (60,))) for _ in range(3)]
            await asyncio.sleep(0.05)
            await opened.close()
            assert [type(one) for one in await asyncio.gather(*calls, return_exceptions=True)] == [Closed] * 3
            with pytest.raises(Closed):
                await opened.run(SELECT, ())

    asyncio.run(test())


def test_no_statement_is_compiled_however_dear_it_looks() -> None:
    """Debian's server can; what has no index looks dear to it, and would take a third of a second."""
    url = postgres.made(postgres.Started(postgres.debian()), "compiled")
    dear = "EXPLAIN SELECT count(*) FROM pg_class, pg_attribute, pg_type"
    assert ("JIT:",) in asked(url, dear)

    async def test() -> None:
        async with pool(url) as opened:
            assert ("JIT:",) not in await opened.run(Statement("dear", dear), ())

    asyncio.run(test())


def kill_connections(url: str) -> None:
    asked(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'unison-storage'")


def kill_server(_url: str) -> None:
    postgres.restart()


KINDS = [kill_connections, pytest.param(kill_server, marks=pytest.mark.once)]


@pytest.mark.parametrize("kill", KINDS if OWN else KINDS[:1])
def test_nothing_that_was_acknowledged_is_lost_under_load(url: str, kill: Callable[[str], None]) -> None:
    async def test() -> None:
        async with memory(url) as backend:
            writing = Writing(backend, callers=16)
            for _ in range(KILLS):
                before = dict(writing.acknowledged)
                async with asyncio.timeout(20):
                    while writing.acknowledged == before:  # noqa: ASYNC110 - what is written is looked at until it is something
                        await asyncio.sleep(0.01)
                await asyncio.to_thread(kill, url)
            await writing.end()
        assert writing.failed, "nobody noticed a kill"
        async with memory(url) as reader:
            assert await writing.lost(reader) == []
        assert len(writing.acknowledged) > 16

    asyncio.run(test())
