"""The list of revoked tokens and the rate limiter: right while all is well, and closed when it is not.

On in-process backends, and unchanged with Redis as cache and PostgreSQL below, where what Redis holds is lost and its
server is stopped.
"""

from __future__ import annotations

import asyncio
import os
import runpy
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.services import postgres, valkey
from unison_storage import Storage
from unison_storage.testing import ManualClock, reference_storage

pytestmark = pytest.mark.once

EXAMPLES = Path(__file__).parents[2] / "examples"
Limiter: Any = runpy.run_path(str(EXAMPLES / "rate_limiter.py"))["Limiter"]
Revocations: Any = runpy.run_path(str(EXAMPLES / "token_revocations.py"))["Revocations"]
KEY = b"key of the tests"


@pytest.fixture(scope="module")
def server() -> Iterator[valkey.Started]:
    """A server of these tests' own, which may be stopped and emptied."""
    found = valkey.Started()
    found.start()
    yield found
    found.remove()


@pytest.fixture
def url(server: valkey.Started) -> str:
    server.start()
    server.ask("FLUSHALL")
    return f"{server.url}?timeout=0.5"


@asynccontextmanager
async def below(url: str) -> AsyncIterator[Storage]:
    """Give a storage with Redis as cache and PostgreSQL below, open."""
    database = postgres.database(f"examples_{os.getpid()}")
    async with Storage(database, cache=url, profile="development") as storage:
        yield storage


async def lost(storage: Storage, how: Callable[[], Any], allows: Callable[[], Awaitable[bool]]) -> None:
    assert await allows()
    await asyncio.to_thread(how)
    assert not await allows()
    assert storage is not None


def test_a_revoked_token_is_refused_and_no_token_is_kept(url: str, server: valkey.Started) -> None:
    async def test() -> None:
        async with below(url) as storage:
            tokens = Revocations(storage, KEY)
            assert not await tokens.allows("token-2"), "nobody has said that the list is whole"
            await tokens.begin()
            assert await tokens.allows("token-1")
            await tokens.revoke("token-1", lifetime=3_600)
            assert not await tokens.allows("token-1"), "what was looked up before is not believed"
            assert await tokens.allows("token-2")
            names = [key async for key in storage.memory.at("auth:tokens", "revoked").keys()]
            assert len(names) == 2
            assert not any("token" in name for name in names)
            assert not any(b"token-1" in key for key in server.ask("KEYS", "*"))

    asyncio.run(test())


def test_no_token_is_good_once_the_list_is_lost_or_can_not_be_asked(url: str, server: valkey.Started) -> None:
    async def test() -> None:
        async with Storage(memory=url, cache=url, profile="development") as storage:
            tokens = Revocations(storage, KEY)
            await tokens.begin()
            await lost(storage, lambda: server.ask("FLUSHALL"), lambda: tokens.allows("token-1"))
            await tokens.begin()
            await lost(storage, server.kill, lambda: tokens.allows("token-1"))
            server.start()
            assert not await tokens.allows("token-1"), "the server is back without the list"
            await tokens.begin()
            assert await tokens.allows("token-1")

    asyncio.run(test())


def test_a_client_is_let_through_so_many_times_in_a_window(url: str) -> None:
    async def test() -> None:
        async with below(url) as storage:
            limiter = Limiter(storage, calls=3, window=60)
            await limiter.begin()
            assert [await limiter.allows("ann") for _ in range(5)] == [True] * 3 + [False] * 2
            assert await limiter.allows("bob")

    asyncio.run(test())


def test_a_window_ends_and_hits_do_not_move_it() -> None:
    async def test() -> None:
        clock = ManualClock()
        async with reference_storage(clock) as storage:
            limiter = Limiter(storage, calls=1, window=60)
            await limiter.begin()
            assert await limiter.allows("ann")
            for _ in range(5):
                clock.advance(10)
                assert not await limiter.allows("ann")
            clock.advance(10)
            assert await limiter.allows("ann")

    asyncio.run(test())


def test_nobody_is_let_through_once_counts_are_lost_or_can_not_be_had(url: str, server: valkey.Started) -> None:
    async def test() -> None:
        async with below(url) as storage:
            limiter = Limiter(storage, calls=100, window=0.2)
            await limiter.begin()
            await lost(storage, lambda: server.ask("FLUSHALL"), lambda: limiter.allows("ann"))
            assert not await limiter.allows("ann"), "whoever had used up the window would begin anew"
            until = asyncio.get_running_loop().time() + 10
            while not await limiter.allows("ann"):
                assert asyncio.get_running_loop().time() < until, "a window later it lets through again"
                await asyncio.sleep(0.02)
            await lost(storage, server.kill, lambda: limiter.allows("ann"))

    asyncio.run(test())


@pytest.mark.parametrize(
    ("example", "told"),
    [
        ("token_revocations.py", "{'token-1': False, 'token-2': True}"),
        ("rate_limiter.py", "[True, True, True, False, False]"),
    ],
)
def test_it_runs_unchanged_with_redis_as_cache_and_postgres_below(url: str, example: str, told: str) -> None:
    environment = {
        "PATH": os.defpath,
        "UNISON_STORAGE_PROFILE": "development",
        "UNISON_STORAGE_DATABASE_URL": postgres.database(f"examples_{os.getpid()}"),
        "UNISON_STORAGE_CACHE_URL": url,
    }
    run = subprocess.run(
        [sys.executable, str(EXAMPLES / example)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (run.stdout.strip(), run.returncode) == (told, 0), run.stderr


def test_they_are_short() -> None:
    for name in ("token_revocations.py", "rate_limiter.py"):
        lines = (EXAMPLES / name).read_text("utf-8").splitlines()
        assert len([line for line in lines if line.strip()]) < 60, name
