"""Memory on PostgreSQL against psycopg by hand and against peers: 1 KiB values, dicts in and out, eight connections.

The server is started from the wheel, once with ``fsync=off`` and once with ``fsync=on``; each put is acknowledged after
its commit.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import psycopg
from measuring import Figure, payload, ratio, save

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.services.postgres import Started
from unison_storage.storage import Storage

ROWS = 10_000
CONNECTIONS = 8
SECONDS = 0.4
ROUNDS = 7
HOUR = 3_600
DDL = (
    'CREATE TABLE kv (address text COLLATE "C" PRIMARY KEY, value bytea NOT NULL, version text NOT NULL, '
    "created bigint NOT NULL, updated bigint NOT NULL, expires bigint, person text)"
)
CLOCK = (
    "CREATE FUNCTION micros() RETURNS bigint LANGUAGE sql VOLATILE "
    "RETURN (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
)
GET = (
    "SELECT value, version, created, updated, expires, person FROM kv "
    "WHERE address = $1 AND (expires IS NULL OR expires > micros())"
)
PUT = (
    "INSERT INTO kv VALUES ($1, $2, $3, micros(), micros(), micros() + $4, NULL) ON CONFLICT (address) DO UPDATE SET "
    "value = excluded.value, version = excluded.version, updated = excluded.updated, expires = excluded.expires "
    "RETURNING created, updated, expires"
)

Operation = Callable[[], Awaitable[Any]]


def key() -> str:
    return f"k{random.randrange(ROWS)}"


class ByHand:
    """psycopg as one writes it who wants it fast: kept raw cursors, prepared, binary, handed out fairly."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.free: list[Any] = []
        self.waiting: deque[asyncio.Future[Any]] = deque()
        self.encode, self.decode = msgspec.json.Encoder().encode, msgspec.json.Decoder().decode

    async def connect(self, stack: AsyncExitStack, url: str) -> None:
        for _ in range(CONNECTIONS):
            connection = await psycopg.AsyncConnection.connect(
                url, autocommit=True, cursor_factory=psycopg.AsyncRawCursor
            )
            connection.prepare_threshold = 0
            stack.push_async_callback(connection.close)
            self.free.append(connection.cursor(binary=True))

    async def open(self, stack: AsyncExitStack, url: str) -> None:
        await self.connect(stack, url)
        cursor = self.free[0]
        await cursor.execute(CLOCK)
        await cursor.execute(DDL)
        raw = self.encode(self.value)
        for number in range(ROWS):
            await cursor.execute(PUT, (f"k{number}", raw, "v", HOUR * 1_000_000))
        await cursor.execute("VACUUM ANALYZE kv")

    async def rows(self, statement: str, parameters: tuple[Any, ...]) -> list[Any]:
        if self.free:
            cursor = self.free.pop()
        else:
            waiter = asyncio.get_running_loop().create_future()
            self.waiting.append(waiter)
            cursor = await waiter
        try:
            await cursor.execute(statement, parameters)
            return list(await cursor.fetchall())
        finally:
            if self.waiting:
                self.waiting.popleft().set_result(cursor)
            else:
                self.free.append(cursor)

    async def get(self) -> Any:
        [row] = await self.rows(GET, (key(),))
        return self.decode(row[0])

    async def put(self) -> Any:
        return await self.rows(PUT, (key(), self.encode(self.value), "v", HOUR * 1_000_000))


class Ours:
    """This storage, as a service embeds it."""

    def __init__(self, value: Any) -> None:
        self.value = value

    async def open(self, stack: AsyncExitStack, url: str) -> None:
        options = f"connections={CONNECTIONS}&statement_timeout=60"
        self.storage = await stack.enter_async_context(Storage(f"{url}?{options}", profile="development"))
        self.notes = self.storage.memory.at("demo", "segment")
        for start in range(0, ROWS, 500):
            await self.notes.put_many({f"k{number}": self.value for number in range(start, start + 500)}, lifetime=HOUR)
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute("VACUUM ANALYZE memory_entries")

    async def get(self) -> Any:
        entry = await self.notes.get(key())
        assert entry is not None
        return entry.value

    async def put(self) -> Any:
        return await self.notes.put(key(), self.value, lifetime=HOUR)


ARMS: Mapping[str, Callable[[Any], Any]] = {"ours": Ours, "psycopg": ByHand}


async def rate(operation: Operation, callers: int) -> tuple[float, float]:
    """Return operations a second of so many callers, and the client's CPU in µs for each."""
    done = 0
    until = time.perf_counter() + SECONDS

    async def caller() -> None:
        nonlocal done
        while time.perf_counter() < until:
            await operation()
            done += 1

    started, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return done / (time.perf_counter() - started), (time.process_time() - cpu) / done * 1e6


async def compared(url: Callable[[str], str], operations: tuple[str, ...], counts: tuple[int, ...]) -> dict[Any, Any]:
    """Return what each arm came to, by operation, callers and name."""
    found: dict[Any, Any] = {}
    async with AsyncExitStack() as stack:
        arms = {name: made(payload()) for name, made in ARMS.items()}
        for name, arm in arms.items():
            with psycopg.connect(url("postgres"), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            await arm.open(stack, url(name))
        for operation in operations:
            for callers in counts:
                for number in range(ROUNDS + 1):
                    for name in random.sample(list(arms), len(arms)):
                        answer = await rate(getattr(arms[name], operation), callers)
                        if number:
                            found.setdefault((operation, callers, name), []).append(answer)
    return found


GOALS = {("get", 1): 0.95, ("put", 1): 0.95, ("get", 32): 2.8, ("put", 32): 2.0, ("durable put", 32): 2.5}
LIMITS = {
    ("put", 1): "the domain check of a value (10 µs), and a row that the server locks before it decides",
    ("get", 32): "the client's CPU; other runs came to 2.5 to 3.0",
    ("put", 32): "the client's CPU; other runs came to 1.8 to 2.4",
    ("durable put", 32): "the client's CPU; other runs came to 2.1 to 2.6",
    ("get", 1): "a loop's turn more than by hand, and the store's own checks",
}


def figures(found: Mapping[Any, Any], prefix: str = "") -> list[Figure]:
    made = []
    for operation, callers in dict.fromkeys((operation, callers) for operation, callers, _ in found):
        rates = {name: [one for one, _ in found[operation, callers, name]] for name in ARMS}
        cpu = {name: median(one for _, one in found[operation, callers, name]) for name in ARMS}
        name = f"{prefix}{operation}"
        goal = GOALS.get((name, callers))
        times = ratio(rates, "ours", "psycopg")
        note = (
            f"{median(rates['ours']):,.0f}/s against {median(rates['psycopg']):,.0f}/s; "
            f"client CPU {cpu['ours']:.0f} µs against {cpu['psycopg']:.0f} µs"
        )
        if goal is not None and times < goal:
            note += f"; limited by {LIMITS.get((name, callers), 'what is not known yet')}"
        plural = "s" if callers > 1 else ""
        made.append(
            Figure(
                f"{name}, {callers} caller{plural}, against psycopg by hand",
                f"≥ {goal:g} ×" if goal else "–",
                f"{times:.2f} ×",
                goal is None or times >= goal,
                note,
            )
        )
    return made


def measure() -> list[Figure]:
    made = []
    server = Started()
    server.start()
    made += figures(asyncio.run(compared(server.url, ("get", "put"), (1, 4, 32, 128))))
    durable = Started(fsync="on")
    durable.start()
    made += figures(asyncio.run(compared(durable.url, ("put",), (1, 32))), "durable ")
    return made


if __name__ == "__main__":
    save("postgres", "Memory on PostgreSQL 18 (1 KiB values, eight connections)", measure())
