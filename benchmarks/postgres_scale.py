"""Memory on PostgreSQL with ten million entries against ten thousand, and what a process holds after ten million calls.

Takes about a quarter of an hour, 20 GiB of disk, and most of that time to fill the table.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

import psutil
import psycopg
from measuring import Figure, payload, ratio, save
from postgres import CONNECTIONS, HOUR, Ours, rate

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.services.postgres import Started
from unison_storage.storage import Storage

SMALL, LARGE = 10_000, 10_000_000
ROUNDS = 7
MILLION = 1_000_000
CALLERS = 32
COUNTS = (1, 32)
LIMIT = "the server has 128 MiB of buffers for 14 GiB; with 8 GiB another run came to 1.4 × (1 caller) and 2.5 × (32)"
FILL = """
    INSERT INTO memory_entries (address, first_segment, version, created, updated, expires, value)
    SELECT 'demo' || chr(31) || 'segment' || chr(31) || 'k' || number, 'segment', version, created, updated,
        created + 86400000000, value
    FROM memory_entries, generate_series(1, %s - 1) AS number
    WHERE address = 'demo' || chr(31) || 'segment' || chr(31) || 'k0'
"""


class Filled(Ours):
    """This storage over so many entries, all of them alike."""

    def __init__(self, entries: int) -> None:
        super().__init__(payload())
        self.entries = entries

    async def open(self, stack: AsyncExitStack, url: str) -> None:
        options = f"connections={CONNECTIONS}&statement_timeout=60"
        self.storage = await stack.enter_async_context(Storage(f"{url}?{options}", profile="development"))
        self.notes = self.storage.memory.at("demo", "segment")
        await self.notes.put("k0", self.value, lifetime=24 * HOUR)
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute(FILL, (self.entries,))
            await connection.execute("VACUUM ANALYZE memory_entries")

    async def get(self) -> None:
        assert await self.notes.get(f"k{random.randrange(self.entries)}") is not None

    async def put(self) -> None:
        await self.notes.put(f"k{random.randrange(self.entries)}", self.value, lifetime=HOUR)


async def compared(url: Callable[[str], str]) -> list[Figure]:
    figures = []
    async with AsyncExitStack() as stack:
        arms = {"small": Filled(SMALL), "large": Filled(LARGE)}
        for name, arm in arms.items():
            with psycopg.connect(url("postgres"), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            await arm.open(stack, url(name))
        for callers in COUNTS:
            found: dict[str, list[float]] = {name: [] for name in arms}
            for number in range(ROUNDS + 1):
                for name in random.sample(list(arms), len(arms)):
                    answer, _ = await rate(arms[name].get, callers)
                    if number:
                        found[name].append(answer)
            times = ratio(found, "small", "large")
            note = f"{median(found['large']):,.0f}/s against {median(found['small']):,.0f}/s"
            if times > 1.3:
                note += f"; {LIMIT}"
            what = f"get, {callers} caller{'s' if callers > 1 else ''}: {LARGE:,} entries, times {SMALL:,}"
            figures.append(Figure(what, "≤ 1.3 ×", f"{times:.2f} ×", times <= 1.3, note))
        figures.append(await grown(arms["small"]))
    return figures


async def grown(arm: Filled) -> Figure:
    """Return by how much the process grew from its first to its tenth million of calls, gets and puts by halves."""
    process = psutil.Process()
    sizes = []
    for _ in range(10):
        left = MILLION

        async def caller() -> None:
            nonlocal left
            while left > 0:
                left -= 2
                await arm.get()
                await arm.put()

        await asyncio.gather(*(caller() for _ in range(CALLERS)))
        sizes.append(process.memory_info().rss / 2**20)
    growth = sizes[-1] - sizes[0]
    note = f"{sizes[0]:.1f} MiB after the first, {sizes[-1]:.1f} MiB after the tenth, {CALLERS} callers"
    return Figure(
        "growth from the first to the tenth million calls", "≤ 16 MiB", f"{growth:.1f} MiB", growth <= 16, note
    )


def measure() -> list[Figure]:
    server = Started(max_wal_size="8GB", checkpoint_timeout="30min")
    server.start()
    return asyncio.run(compared(server.url))


if __name__ == "__main__":
    save("postgres_scale", "Memory on PostgreSQL 18 at length", measure())
