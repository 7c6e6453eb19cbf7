"""A copy from SQLite to PostgreSQL and back, and one that is killed over and over."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.postgres.surroundings import asked, server_at
from tests.services import postgres
from unison_storage.storage import Storage
from unison_storage.values import Edge, Node
from unison_storage_postgres.migrations import PostgresMigrations

ENTRIES, OBJECTS, NODES = 4_000, 40, 1_000

pytestmark = pytest.mark.once


def copy(*words: str) -> list[str]:
    return [sys.executable, "-m", "unison_storage.cli", "copy", *words, "--json"]


def environment() -> dict[str, str]:
    return {**os.environ, "UNISON_STORAGE_PROFILE": "development"}  # noqa: TID251 - of the process that is started


def done(words: Sequence[str]) -> Any:
    made = subprocess.run(words, env=environment(), capture_output=True, check=False, timeout=120)
    assert made.returncode == 0, made.stderr.decode()
    return json.loads(made.stdout)


async def fill(url: str) -> None:
    async with Storage(url, profile="development") as storage:
        notes = storage.memory.at("notes")
        for start in range(0, ENTRIES, 500):
            page = {f"k{number}": {"n": number, "text": "ü" * 50} for number in range(start, start + 500)}
            await notes.put_many(page, lifetime=3_600)
        for number in range(OBJECTS):
            await storage.objects.at("files").put(f"o{number}", b"%d" % number * 1_000, content_type="text/plain")
        graph = storage.graph.everywhere()
        nodes = [Node("Device", f"d{number}", {"n": number, "half": number / 2}) for number in range(NODES)]
        await graph.upsert_nodes(nodes)
        await graph.upsert_edges([Edge("OWNS", nodes[0].ref, node.ref) for node in nodes])


def held(url: str) -> int:
    """Return how much a database holds."""
    tables = ("memory_entries", "objects", "graph_nodes", "graph_edges")
    return sum(row[0] for table in tables for row in asked(url, f"SELECT count(*) FROM {table}"))  # noqa: S608 - names of ours


def killed_at(number: int, url: str, words: Sequence[str]) -> int:
    """Start a copy, kill it once so much is there, and return how much then is."""
    running = subprocess.Popen(words, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while held(url) < number and running.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.002)
    running.kill()
    running.wait()
    return held(url)


def test_a_copy_that_is_killed_over_and_over_ends_equal_and_comes_back_equal(tmp_path: Path) -> None:
    url = postgres.database("copied")
    source, back, target = f"sqlite:///{tmp_path}/a.db", f"sqlite:///{tmp_path}/b.db", tmp_path / "to.toml"
    target.write_text(f'profile = "development"\ndatabase_url = "{url}"\nobject_url = "file://{tmp_path}/blobs"\n')
    asyncio.run(fill(source))
    asyncio.run(PostgresMigrations(server_at(url)).apply())
    everything = ENTRIES + OBJECTS + 2 * NODES
    seen = [
        killed_at(number, url, copy(source, str(target))) for number in (1, 1_500, 3_500, ENTRIES + 10, 5_000, 5_500)
    ]
    assert seen == sorted(seen)
    assert len({number for number in seen if 0 < number < everything}) >= 3, f"it was not killed amid its work: {seen}"
    whole = done(copy(source, str(target)))
    assert whole["equal"] is True
    assert sum(one["items"] for one in whole["compared"]) == everything
    assert all(one["beyond"] == 0 for one in whole["compared"])
    returned = done(copy(str(target), back))
    assert returned["equal"] is True
    assert [one["digest"] for one in returned["compared"]] == [one["digest"] for one in whole["compared"]]
