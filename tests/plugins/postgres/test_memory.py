from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace

from tests.plugins.postgres.surroundings import asked, memory, put
from unison_storage.contracts.memory import Delete, Touch, Written
from unison_storage.errors import AlreadyExists, StorageError
from unison_storage.values import ABSENT, PRESENT
from unison_storage_postgres import statements

RACES = 300


async def _winners(url: str) -> list[int]:
    """Let two clients race for an address that is free, often, and return how many have won each time."""
    async with memory(url) as one, memory(url) as other:
        found = []
        for number in range(RACES):
            address = f"races\x1f{number}\x1fkey"
            outcomes = await asyncio.gather(
                one.put_many([put(address, version="a", expect=ABSENT)]),
                other.put_many([put(address, version="b", expect=ABSENT)]),
            )
            found.append(sum(isinstance(outcome, Written) for [outcome] in outcomes))
            assert all(isinstance(outcome, Written | AlreadyExists) for [outcome] in outcomes)
        return found


def test_of_those_who_race_for_an_address_one_wins(url: str) -> None:
    assert set(asyncio.run(_winners(url))) == {1}


async def _comes_second(url: str) -> Any:
    """Return what a put comes to that expects nothing, while another session makes the entry and commits."""
    async with memory(url) as backend, await psycopg.AsyncConnection.connect(url) as other:
        await other.execute(
            "INSERT INTO memory_entries VALUES (%s, '', 'theirs', 1, 1, NULL, NULL, '')", ("k\x1fheld",)
        )
        waiting = asyncio.ensure_future(backend.put_many([put("k\x1fheld", version="ours", expect=ABSENT)]))
        blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
        async with asyncio.timeout(10):
            while asked(url, blocked) == [(0,)]:  # noqa: ASYNC110 - that a session waits is told to nobody
                await asyncio.sleep(0.01)
        await other.commit()
        return (await waiting)[0]


def test_who_comes_second_sees_what_the_first_one_wrote(url: str) -> None:
    assert isinstance(asyncio.run(_comes_second(url)), AlreadyExists)


def test_without_a_look_under_the_lock_both_win(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = statements.MEMORY_PUT_ONE.text
    guarded = "OR (NOT $8::boolean AND ("
    assert guarded in text
    looked = "NOT EXISTS (SELECT FROM memory_entries AS there WHERE there.address = given.address)"
    blind = text.replace(guarded, "OR (true AND (").replace("ORDER BY", f"WHERE NOT $8::boolean OR {looked} ORDER BY")
    monkeypatch.setattr(statements, "MEMORY_PUT_ONE", replace(statements.MEMORY_PUT_ONE, text=blind))
    assert isinstance(asyncio.run(_comes_second(url)), Written)


def test_batches_that_meet_never_deadlock(url: str) -> None:
    addresses = [f"meet\x1f{number % 7}\x1f{number}" for number in range(40)]

    async def test() -> None:
        async with memory(url) as one, memory(url) as other:
            await one.put_many([put(address) for address in addresses[::2]])
            for turn in range(20):
                there = addresses if turn % 2 else addresses[::-1]
                calls: list[Any] = [
                    one.put_many([put(address, version=f"a{turn}") for address in addresses]),
                    other.put_many([put(address, version=f"b{turn}", expect=PRESENT) for address in there]),
                    one.touch_many([Touch(address, None) for address in there]),
                    other.delete_many([Delete(address) for address in there[::3]]),
                ]
                for outcomes in await asyncio.gather(*calls):
                    assert not [one for one in outcomes if isinstance(one, StorageError) and one.retryable]

    before = asked(url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    asyncio.run(test())
    asked(url, "SELECT pg_stat_force_next_flush()")
    assert asked(url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == before


def test_a_batch_that_expects_this_and_that_is_answered_in_its_order(url: str) -> None:
    async def test() -> list[Any]:
        async with memory(url) as backend:
            [made] = await backend.put_many([put("k\x1fa", version="1")])
            assert isinstance(made, Written)
            return await backend.put_many(
                [
                    put("k\x1fb", version="2", expect=PRESENT),
                    put("k\x1fa", version="3", expect="1"),
                    put("k\x1fb", version="4", expect=ABSENT),
                    put("k\x1fa", version="5", expect="1"),
                    put("k\x1fb", version="6"),
                ]
            )

    told = [type(one).__name__ for one in asyncio.run(test())]
    assert told == ["NotFound", "Written", "Written", "VersionConflict", "Written"]


def test_the_first_segment_stands_beside_the_address(url: str) -> None:
    async def test() -> None:
        async with memory(url) as backend:
            await backend.put_many([put("none\x1fkey"), put("one\x1ffirst\x1fkey"), put("two\x1fä\x1fsecond\x1fkey")])

    asyncio.run(test())
    found = asked(url, "SELECT address, first_segment FROM memory_entries ORDER BY address")
    assert [segment for _, segment in found] == ["", "first", "ä"]


def test_one_session_purges_at_a_time_and_passes_over_what_is_locked(url: str) -> None:
    lease = "SELECT pg_advisory_xact_lock(hashtextextended('unison-storage sweep of memory', 0))"
    locked = "SELECT 1 FROM memory_entries WHERE address = 'k\x1f0' FOR UPDATE"

    async def test() -> None:
        async with memory(url) as backend:
            await backend.put_many([put(f"k\x1f{number}", lifetime=1) for number in range(4)])
            with psycopg.connect(url) as other:
                other.execute(lease)
                assert await backend.purge_expired(10) == 0
            with psycopg.connect(url) as other:
                other.execute(locked)
                assert await backend.purge_expired(2) == 2
                assert await backend.purge_expired(10) == 1
            assert await backend.purge_expired(10) == 1

    asyncio.run(test())
