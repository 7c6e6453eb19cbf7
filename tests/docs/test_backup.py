"""The scripts of the backup page: what they put back answers as what was there."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.services import postgres
from unison_storage import Edge, Node, Profile, Storage

pytestmark = pytest.mark.once

SCRIPTS = Path(__file__).parents[2] / "docs" / "backup"


def run(script: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(SCRIPTS / script), *map(str, arguments)],
        env={"PATH": os.environ["PATH"], "PYTHON": sys.executable, **environment},  # noqa: TID251 - programs are found there
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


async def fill(storage: Storage) -> None:
    for number in range(50):
        await storage.memory.at("session", "p1").put(f"k{number}", {"n": number}, lifetime=3_600)
    await storage.graph.upsert_nodes([Node("Person", "p1"), Node("Device", "d1", {"confidence": 0.5}, "p1")])
    await storage.graph.upsert_edge(Edge("OWNS", ("Person", "p1"), ("Device", "d1")))
    await storage.objects.at("documents", "p1").put("report", b"bytes of a report" * 1_000)


async def told(storage: Storage) -> list[Any]:
    """Return what a storage holds."""
    entries = [one async for one in storage.memory.at("session", "p1").entries()]
    objects = storage.objects.at("documents", "p1")
    beside = [one async for one in storage.graph.neighbors(("Person", "p1"))]
    return [entries, beside, await storage.graph.total(), await objects.get("report"), await objects.head("report")]


def kept(settings: Mapping[str, Any], *, filled: bool) -> list[Any]:
    async def work() -> list[Any]:
        async with Storage(**settings, profile=Profile.DEVELOPMENT) as storage:
            if filled:
                await fill(storage)
            return await told(storage)

    return asyncio.run(work())


def test_a_sqlite_file_and_its_blobs_go_and_come_back(tmp_path: Path) -> None:
    before = kept({"database_url": f"sqlite:///{tmp_path}/a.db"}, filled=True)
    assert run("sqlite.sh", "dump", tmp_path / "a.db", tmp_path / "backup").returncode == 0
    back = run("sqlite.sh", "restore", tmp_path / "backup", tmp_path / "new" / "b.db")
    assert back.returncode == 0, back.stderr
    assert kept({"database_url": f"sqlite:///{tmp_path}/new/b.db"}, filled=False) == before
    again = run("sqlite.sh", "restore", tmp_path / "backup", tmp_path / "new" / "b.db")
    assert (again.returncode, "is there already" in again.stderr) == (1, True)
    assert run("sqlite.sh", "dump", tmp_path / "a.db").returncode == 2


def test_a_database_of_postgresql_goes_and_comes_back(tmp_path: Path) -> None:
    programs = f"{postgres.debian()}:{os.environ['PATH']}"  # noqa: TID251 - programs are found there
    server = postgres.Started(postgres.debian())
    blobs = f"file://{tmp_path}/blobs"
    before = kept({"database_url": postgres.made(server, "app"), "object": blobs}, filled=True)
    address = urlsplit(server.url("app"))
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"*:*:*:*:{address.password}\n")
    passwords.chmod(0o600)
    environment = {
        "PATH": programs,
        "PGHOST": "127.0.0.1",
        "PGPORT": str(address.port),
        "PGUSER": "postgres",
        "PGPASSFILE": str(passwords),
    }
    dumped = run("postgres.sh", "dump", tmp_path / "app.dump", **environment, PGDATABASE="app")
    assert dumped.returncode == 0, dumped.stderr
    assert (tmp_path / "app.dump").stat().st_mode & 0o777 == 0o600
    url = postgres.made(server, "new")
    back = run("postgres.sh", "restore", tmp_path / "app.dump", **environment, PGDATABASE="new")
    assert back.returncode == 0, back.stderr
    assert kept({"database_url": url, "object": blobs}, filled=False) == before
    assert run("postgres.sh", "restore", tmp_path / "app.dump", **environment, PGDATABASE="new").returncode != 0
    assert run("postgres.sh", **environment, PGDATABASE="new").returncode == 2
