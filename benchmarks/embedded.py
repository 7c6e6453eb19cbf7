"""Embedded memory on SQLite against aiosqlite: the same table, the same durability, dicts in and dicts out."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

import aiosqlite
import msgspec
from measuring import Figure, payload, ratio, save

from unison_storage.storage import Storage

ROWS = 10_000
SECONDS = 0.4
ROUNDS = 7
DDL = (
    "CREATE TABLE kv (address TEXT PRIMARY KEY, value BLOB NOT NULL, version TEXT NOT NULL, created INTEGER NOT NULL, "
    "updated INTEGER NOT NULL, expires INTEGER, person TEXT)"
)
GET = (
    "SELECT value, version, created, updated, expires, person FROM kv "
    "WHERE address = ? AND (expires IS NULL OR expires > ?)"
)
PUT = (
    "INSERT INTO kv VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (address) DO UPDATE SET value = excluded.value, "
    "version = excluded.version, updated = excluded.updated, expires = excluded.expires"
)

Operation = Callable[[], Awaitable[Any]]


def key() -> str:
    return f"k{random.randrange(ROWS)}"


async def rate(operation: Operation, callers: int) -> float:
    """Return operations a second of so many callers, each waiting for its answer before it calls again."""
    done = 0
    until = time.perf_counter() + SECONDS

    async def caller() -> None:
        nonlocal done
        while time.perf_counter() < until:
            await operation()
            done += 1

    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return done / (time.perf_counter() - started)


async def peer(path: Path, value: Any) -> tuple[aiosqlite.Connection, Operation, Operation]:
    """Return aiosqlite as its documentation uses it: one connection, a statement at a time, autocommit."""
    connection = await aiosqlite.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
        await connection.execute(f"PRAGMA {pragma}")
    await connection.execute(DDL)
    encode, decode = msgspec.json.Encoder().encode, msgspec.json.Decoder().decode
    raw = encode(value)
    await connection.execute("BEGIN")
    await connection.executemany(PUT, [(f"k{n}", raw, "v", 0, 0, None, None) for n in range(ROWS)])
    await connection.execute("COMMIT")

    async def get() -> Any:
        async with connection.execute(GET, (key(), time.time_ns() // 1000)) as cursor:
            row = await cursor.fetchone()
        assert row is not None
        return decode(row[0])

    async def put() -> None:
        now = time.time_ns() // 1000
        async with connection.execute(PUT, (key(), encode(value), "v", now, now, None, None)):
            pass

    return connection, get, put


async def _measure() -> list[Figure]:
    value = payload()
    with tempfile.TemporaryDirectory() as folder:
        connection, peer_get, peer_put = await peer(Path(folder) / "peer.db", value)
        async with Storage(f"sqlite:///{folder}/ours.db", profile="development") as storage:
            notes = storage.memory.at("demo")
            for start in range(0, ROWS, 1000):
                await notes.put_many({f"k{n}": value for n in range(start, start + 1000)})

            async def get() -> Any:
                entry = await notes.get(key())
                assert entry is not None
                return entry.value

            async def put() -> None:
                await notes.put(key(), value)

            figures = []
            for callers in (1, 32):
                arms = {"get": get, "put": put, "peer get": peer_get, "peer put": peer_put}
                found: dict[str, list[float]] = {name: [] for name in arms}
                for number in range(ROUNDS + 1):
                    for name in random.sample(list(arms), len(arms)):
                        answer = await rate(arms[name], callers)
                        if number:
                            found[name].append(answer)
                figures += _figures(found, callers)
        await connection.close()
    return figures


def _figures(found: dict[str, list[float]], callers: int) -> list[Figure]:
    goals = {1: {"get": 0.95, "put": 0.95}, 32: {"get": 5.0, "put": 2.0}}[callers]
    plural = "s" if callers > 1 else ""
    figures = []
    for name, goal in goals.items():
        times = ratio(found, name, f"peer {name}")
        wanted = "no slower (≥ 0.95 ×)" if callers == 1 else f"≥ {goal:g} ×"
        note = f"{median(found[name]):,.0f}/s against {median(found[f'peer {name}']):,.0f}/s"
        figures.append(
            Figure(
                f"{name}, {callers} caller{plural}, against aiosqlite", wanted, f"{times:.2f} ×", times >= goal, note
            )
        )
    return figures


def measure() -> list[Figure]:
    return asyncio.run(_measure())


if __name__ == "__main__":
    save("embedded", "Embedded memory on SQLite (1 KiB values, WAL, synchronous=FULL)", measure())
