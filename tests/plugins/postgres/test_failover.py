"""A server that takes over from another one, and what is lost where it was not waited for."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress

import psycopg
import pytest

from tests.plugins.postgres.failover import DEADLINE, Pair, rounds
from tests.plugins.postgres.surroundings import memory, put, server_at
from unison_storage.contracts.memory import Row, Written
from unison_storage.errors import StorageError, Unavailable

pytestmark = pytest.mark.once


def test_nothing_that_was_acknowledged_is_lost_with_a_server_whose_standby_is_waited_for() -> None:
    async def test() -> None:
        seen = [one async for one in rounds(Pair(), 2)]
        assert len(seen) == 2
        for one in seen:
            assert one.lost == 0, one
            assert 0 <= one.unknown < one.failed, one

    asyncio.run(test())


def test_what_was_acknowledged_may_be_lost_where_the_standby_is_not_waited_for() -> None:
    pair = Pair()
    pair.join(synchronous=False)

    async def test() -> None:
        async with memory(pair.url) as backend:
            with psycopg.connect(pair.primary.url("postgres")) as connection:
                row = connection.execute("SELECT pid FROM pg_stat_replication").fetchone()
            assert row is not None
            os.kill(row[0], signal.SIGSTOP)  # the wire to the standby is slow from now on
            [told] = await backend.put_many([put("a\x1fx")])
            assert isinstance(told, Written)
            await asyncio.to_thread(pair.fail_over)
            found: object = Unavailable
            async with asyncio.timeout(DEADLINE):
                while found is Unavailable:
                    await asyncio.sleep(0.05)
                    with suppress(Unavailable):
                        [found] = await backend.get_many(["a\x1fx"])
            assert found is None, "the standby had it; what is tried here did not come about"

    asyncio.run(test())


def test_of_several_hosts_the_one_that_takes_writes_is_taken_and_looked_for_anew_once_it_does_not() -> None:
    pair = Pair()
    pair.join(synchronous=True)

    async def test() -> None:
        async with memory(pair.url) as backend:
            assert server_at(pair.url).parameters["target_session_attrs"] == "read-write"
            await backend.put_many([put("a\x1fx")])
            # a server that takes no writes any more, while its connections stay
            pair.primary.configure("default_transaction_read_only", "on")
            with psycopg.connect(pair.standby.url("postgres"), autocommit=True) as connection:
                connection.execute("SELECT pg_promote()")
            refused: list[StorageError] = []
            told: object = None
            async with asyncio.timeout(DEADLINE):
                while told is None:
                    try:
                        [told] = await backend.put_many([put("a\x1fy")])
                    except Unavailable as error:
                        refused.append(error)
                        await asyncio.sleep(0.05)
            assert isinstance(told, Written)
            assert refused
            assert not any(error.outcome_unknown for error in refused)
            [found] = await backend.get_many(["a\x1fx"])
            assert isinstance(found, Row)

    asyncio.run(test())
