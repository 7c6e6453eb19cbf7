"""What callers' own tests stand on: the fixtures, and a clock that moves when it is told to."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unison_storage import Keyspace, Profile
from unison_storage.testing import START, ManualClock, reference_storage

A_CALLERS_TESTS = """
import pytest

from unison_storage import Storage
from unison_storage.testing import ManualClock


def test_drafts(storage: Storage, storage_clock: ManualClock) -> None:
    with storage.blocking() as blocking:
        notes = blocking.memory.at("session", "p1")
        assert notes.count() == 0
        notes.put("draft", 1, lifetime=60)
        storage_clock.advance(59.999999)
        assert notes.get("draft").value == 1
        storage_clock.advance(0.000001)
        assert notes.get("draft") is None


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_a_storage_of_its_own(storage: Storage, turn: int) -> None:
    with storage.blocking() as blocking:
        assert blocking.memory.at("plain").increment("turns") == 1
        assert blocking.objects.at("plain").put("k", b"x").created


async def use(storage: Storage) -> object:
    async with storage:
        await storage.memory.at("plain").put("k", 1)
        return (await storage.memory.at("plain").get("k")).value


def test_it_is_used_with_await_too(storage: Storage) -> None:
    import asyncio

    assert asyncio.run(use(storage)) == 1
"""


def test_the_fixtures_work_in_the_tests_of_a_caller(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["unison_storage.testing"]\n')
    (tmp_path / "test_theirs.py").write_text(A_CALLERS_TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


@given(moves=st.lists(st.integers(0, 10**12), max_size=10))
@settings(deadline=None, max_examples=50)
def test_the_clock_stands_still_until_it_is_moved_and_never_loses_a_microsecond(moves: list[int]) -> None:
    clock = ManualClock()
    assert clock.now() == clock.now() == int(START) * 1_000_000
    before = clock.monotonic()
    for move in moves:
        clock.advance(move / 1_000_000)
    assert clock.now() == int(START) * 1_000_000 + sum(moves)
    assert clock.monotonic() >= before


def test_sleeping_moves_the_clock_lets_others_run_and_takes_no_time() -> None:
    async def use() -> list[str]:
        clock = ManualClock(0)
        seen: list[str] = []

        async def other() -> None:
            seen.append("other")

        task = asyncio.create_task(other())
        await clock.sleep(10_000)
        seen.append(str(clock.now()))
        await task
        return seen

    assert asyncio.run(use()) == ["other", "10000000000"]


def test_a_reference_storage_is_empty_of_profile_test_and_not_opened() -> None:
    clock = ManualClock(5)
    storage = reference_storage(clock, [Keyspace(name="mine", lifetime=1)])
    assert (storage.profile, storage.was_open, storage.clock) == (Profile.TEST, False, clock)
    assert storage.keyspaces.get("mine").lifetime == 1

    async def use() -> None:
        async with storage:
            stamp = await storage.memory.at("mine").put("k", 1)
            assert stamp.created_at.timestamp() == 5
            assert stamp.expires_at is not None
            assert stamp.expires_at.timestamp() == 6

    asyncio.run(use())


def test_two_reference_storages_share_nothing() -> None:
    async def use() -> None:
        async with reference_storage() as one, reference_storage() as two:
            await one.memory.at("plain").put("k", 1)
            assert await two.memory.at("plain").get("k") is None

    asyncio.run(use())


@pytest.mark.parametrize("seconds", [0, 0.0000004])
def test_less_than_half_a_microsecond_does_not_move_the_clock(seconds: float) -> None:
    clock = ManualClock()
    clock.advance(seconds)
    assert clock.now() == ManualClock().now()
