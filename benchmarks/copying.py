"""A million entries and ten thousand objects from SQLite to PostgreSQL, copied and compared, beside a plain COPY.

Takes about five minutes and 5 GiB of disk. Each copy runs once, in a process of its own, whose size is watched.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import psycopg
from measuring import Figure, payload, save

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.services import postgres
from unison_storage.copying import side, walk
from unison_storage.storage import Storage

ENTRIES, OBJECTS = 1_000_000, 10_000
SIZE = 64 * 1024
"""Bytes of an object."""
BATCH = 500
TABLE = "CREATE TABLE by_hand (LIKE memory_entries INCLUDING DEFAULTS INCLUDING INDEXES)"


async def fill(url: str) -> None:
    value, data = payload(), os.urandom(SIZE)
    async with Storage(url, profile="development") as storage:
        notes, files = storage.memory.at("demo", "segment"), storage.objects.at("files")
        for start in range(0, ENTRIES, BATCH):
            keys = range(start, start + BATCH)
            await notes.put_many({f"k{number:07}": value for number in keys}, lifetime=24 * 3_600)
        for number in range(OBJECTS):
            await files.put(f"o{number:05}", number.to_bytes(4) + data, content_type="application/octet-stream")


class Watched:
    """The size of this process, looked at all the time."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self.first = self.most = self._process.memory_info().rss
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while True:
            self.most = max(self.most, self._process.memory_info().rss)
            time.sleep(0.02)


async def copied(source: str, target: str) -> dict[str, float]:
    """Copy, compare, and return how long each took, by how much this process grew, and whether both are equal."""
    told: dict[str, float] = {}
    sides = side.described(source, "FROM", read=True), side.described(target, "TO", read=False)
    async with side.opened(sides[0], "FROM", read=True) as here, side.opened(sides[1], "TO", read=False) as there:
        watched = Watched()
        for kind in await walk.kinds(here, there, reads=False):
            started = time.perf_counter()
            await walk.copied(kind, lambda _moved: None)
            told[f"copy {kind.kind}"] = time.perf_counter() - started
        equal = True
        for kind in await walk.kinds(here, there, reads=True):
            started = time.perf_counter()
            tally = await walk.compared(kind, lambda _moved: None)
            told[f"compare {kind.kind}"] = time.perf_counter() - started
            equal = equal and tally.equal and tally.items == {"memory": ENTRIES, "objects": OBJECTS}[kind.kind]
    return {**told, "grew": (watched.most - watched.first) / 2**20, "equal": equal}


def by_hand(file: Path, url: str) -> float:
    """Return the seconds that rows take from file to table by COPY, with nothing looked at."""
    with sqlite3.connect(file) as source, psycopg.connect(url, autocommit=True) as target:
        target.execute(TABLE)
        started = time.perf_counter()
        rows = source.execute(
            "SELECT CAST(address AS TEXT), 'segment', version, created, updated, expires, person, value FROM memory"
        )
        columns = "address, first_segment, version, created, updated, expires, person, value"
        with target.cursor().copy(f"COPY by_hand ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        target.commit()
        return time.perf_counter() - started


def measure() -> list[Figure]:
    server = postgres.Started(max_wal_size="8GB")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, target, url = folder / "from.db", folder / "to.toml", postgres.made(server, "to")
        target.write_text(f'profile = "development"\ndatabase_url = "{url}"\nobject_url = "file://{folder}/blobs"\n')
        asyncio.run(fill(f"sqlite:///{source}"))
        made = subprocess.run(
            [sys.executable, __file__, f"sqlite:///{source}", str(target)], capture_output=True, text=True, check=True
        )
        told = json.loads(made.stdout)
        plain = by_hand(source, url)
    per_second = ENTRIES / told["copy memory"]
    mebibytes = OBJECTS * SIZE / told["copy objects"] / 2**20
    read_back = OBJECTS / told["compare objects"]
    ratio = plain / told["copy memory"]
    return [
        Figure(
            f"copying {ENTRIES:,} entries of 1 KiB, times the rate of COPY by hand, which looks at nothing",
            "≥ 0.2 ×",
            f"{ratio:.2f} ×",
            ratio >= 0.2,
            f"{per_second:,.0f}/s against {ENTRIES / plain:,.0f}/s; compared afterwards at "
            f"{ENTRIES / told['compare memory']:,.0f}/s",
        ),
        Figure(
            f"{ENTRIES:,} entries and {OBJECTS:,} objects of 64 KiB: what comparing says of the copy",
            "equal",
            "equal" if told["equal"] else "different",
            bool(told["equal"]),
            f"objects at {OBJECTS / told['copy objects']:,.0f}/s ({mebibytes:,.0f} MiB/s), read at {read_back:,.0f}/s",
        ),
        Figure(
            "growth of the process meanwhile, from when both sides are open",
            "≤ 64 MiB",
            f"{told['grew']:.0f} MiB",
            told["grew"] <= 64,
            "the most that was seen, every 20 ms",
        ),
    ]


if __name__ == "__main__":
    if sys.argv[1:]:
        os.environ["UNISON_STORAGE_PROFILE"] = "development"
        print(json.dumps(asyncio.run(copied(sys.argv[1], sys.argv[2]))))
    else:
        save("copying", "Copying from SQLite to PostgreSQL", measure())
