"""A server that takes no writes: what it says, and that what was there before is still there."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.postgres.surroundings import asked, for_service, memory, put
from tests.services import postgres
from unison_storage.contracts.memory import Row, Written
from unison_storage.errors import AccessDenied, StorageError, Unavailable
from unison_storage_postgres.memory import PostgresMemory

MIB = 1 << 20
MAY_MOUNT = sys.platform == "linux" and os.geteuid() == 0 and isinstance(postgres.server(), postgres.Started)


async def tried(backend: PostgresMemory, address: str, value: bytes = b"value") -> StorageError | Written:
    """Return what a put comes to, whether it is raised or answered."""
    try:
        [done] = await backend.put_many([put(address, value)])
    except StorageError as error:
        return error
    return done


async def until_refused(backend: PostgresMemory, kept: dict[str, bytes]) -> tuple[str, bytes, StorageError]:
    """Put until one is refused, and return that one; ``kept`` takes what was acknowledged before."""
    for number in range(100):
        address, value = f"k\x1f{number:03}", secrets.token_bytes(MIB // 2)
        done = await tried(backend, address, value)
        if isinstance(done, StorageError):
            return address, value, done
        kept[address] = value
    raise AssertionError("all were taken")


def test_a_database_that_is_read_only_answers_reads_and_says_why_it_takes_no_writes(url: str) -> None:
    async def test() -> None:
        async with memory(url) as backend:
            assert isinstance(await tried(backend, "k\x1fa"), Written)
        asked(url, f"ALTER DATABASE {url.rpartition('/')[2]} SET default_transaction_read_only = on")
        async with memory(for_service(url), service=False) as backend:
            refused = await tried(backend, "k\x1fb")
            assert isinstance(refused, Unavailable)
            assert "read-only" in refused.message
            assert not refused.outcome_unknown
            assert [row is not None for row in await backend.get_many(["k\x1fa", "k\x1fb"])] == [True, False]

    asyncio.run(test())


def test_a_role_that_may_only_read_reads_and_is_told_so_when_it_writes(url: str) -> None:
    password = secrets.token_hex(8)
    role = f"reader_{os.getpid()}"
    head, _, place = url.partition("@")

    async def test() -> None:
        async with memory(url) as backend:
            assert isinstance(await tried(backend, "k\x1fa"), Written)
        asked(url, f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
        asked(url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        async with memory(f"{head.partition('//')[0]}//{role}:{password}@{place}", service=False) as backend:
            refused = await tried(backend, "k\x1fb")
            assert isinstance(refused, AccessDenied)
            assert not refused.outcome_unknown
            assert [row is not None for row in await backend.get_many(["k\x1fa", "k\x1fb"])] == [True, False]

    try:
        asyncio.run(test())
    finally:
        asked(url, f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Give a disk of 24 MiB that the server may write to."""
    if not MAY_MOUNT:
        pytest.skip("mounting a small disk takes root on Linux, and a server of these tests' own")
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and folder.is_relative_to("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o011)  # the server passes through
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0777", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_takes_nothing_loses_nothing_and_goes_on_when_there_is_room(url: str, small: Path) -> None:
    name = url.rpartition("/")[2]
    admin = postgres.server().url("postgres")
    folder = small / "tables"
    folder.mkdir()
    os.chown(folder, 65_534, 65_534)
    asked(admin, f"CREATE TABLESPACE small LOCATION '{folder}'")
    asked(admin, f"ALTER DATABASE {name} SET TABLESPACE small")

    async def test() -> None:
        async with memory(url) as backend:
            kept: dict[str, bytes] = {}
            address, value, refused = await until_refused(backend, kept)
            assert isinstance(refused, Unavailable), refused
            assert "disk is full" in refused.message
            assert not refused.outcome_unknown
            rows = await backend.get_many([*kept, address])
            assert [row.value if isinstance(row, Row) else row for row in rows] == [*kept.values(), None]
            subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)  # noqa: ASYNC221 - see above
            assert isinstance(await tried(backend, address, value), Written)

    try:
        asyncio.run(test())
    finally:
        asked(admin, f"DROP DATABASE {name} WITH (FORCE)")
        asked(admin, "DROP TABLESPACE small")
