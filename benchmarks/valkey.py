"""Cache and memory on Valkey beside redis-py, valkey-glide, py-key-value, cashews and redis-benchmark; 1 KiB values.

Raw arms take and give bytes, the others a dict. redis-py has a pool of eight connections, as each store on top of it;
"by hand" encodes and decodes by msgspec. redis-benchmark asks without pipelines, as many clients as there are callers.
"""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
from measuring import Figure, payload, ratio, save
from postgres import HOUR, ROWS, key, rate

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.services.valkey import Started
from unison_storage import Keyspace, Storage

ROUNDS = 7
CONNECTIONS = 8
CALLERS = (1, 32)
DICT = payload()
BYTES = msgspec.json.encode(DICT)
RAW = Keyspace("raw", lifetime=HOUR, codec="raw", data_class="content")
PLAIN = Keyspace("plain", lifetime=HOUR, data_class="content")

GOALS = {
    ("cache", "get", 32, "redis-py"): 8.0,
    ("cache", "set", 32, "redis-py"): 7.0,
    ("cache", "get", 1, "redis-py"): 1.1,
    ("cache", "set", 1, "redis-py"): 1.1,
    ("cache", "get", 32, "valkey-glide"): 2.0,
    ("cache", "set", 32, "valkey-glide"): 2.0,
    ("cache", "get", 32, "redis-benchmark"): 0.8,
    ("cache", "set", 32, "redis-benchmark"): 0.8,
    ("cache of dicts", "get", 32, "py-key-value"): 7.0,
    ("cache of dicts", "set", 32, "py-key-value"): 7.0,
    ("cache of dicts", "get", 32, "cashews"): 7.0,
    ("cache of dicts", "set", 32, "cashews"): 7.0,
    ("memory", "get", 32, "redis-py by hand"): 8.0,
    ("memory", "set", 32, "redis-py by hand"): 4.0,
    ("memory", "get", 1, "redis-py by hand"): 1.1,
}
LIMITS = {
    ("memory", "get"): "the client's CPU: of 11 µs, decoding the value takes 2, and its times and its record 2",
    ("memory", "set"): "the client's CPU: of 18 µs, encoding the value and checking that it is portable takes 6",
    ("cache of dicts", "set"): "the client's CPU: of 15 µs, checking that a value is portable takes 5; cashews pickles",
}


class Cached:
    """Our cache."""

    def __init__(self, keyspace: Keyspace, value: Any) -> None:
        self.keyspace, self.value = keyspace, value

    async def open(self, stack: AsyncExitStack, server: Started) -> None:
        storage = Storage(cache=server.url, profile="development", keyspaces=[self.keyspace])
        self.at = (await stack.enter_async_context(storage)).cache.at(self.keyspace.name)
        await self.at.set_many({f"k{number}": self.value for number in range(ROWS)})

    async def get(self) -> Any:
        return await self.at.get(key())

    async def set(self) -> Any:
        await self.at.set(key(), self.value, lifetime=HOUR)


class Remembered:
    """Our memory."""

    async def open(self, stack: AsyncExitStack, server: Started) -> None:
        storage = Storage(memory=server.url, profile="development", keyspaces=[PLAIN])
        self.at = (await stack.enter_async_context(storage)).memory.at("plain")
        await self.at.put_many({f"k{number}": DICT for number in range(ROWS)})

    async def get(self) -> Any:
        return (await self.at.get(key())).value

    async def set(self) -> Any:
        return await self.at.put(key(), DICT, lifetime=HOUR)


class RedisPy:
    """redis-py, asyncio."""

    async def open(self, stack: AsyncExitStack, server: Started) -> None:
        import redis.asyncio as driver

        pool = driver.BlockingConnectionPool.from_url(server.url, max_connections=CONNECTIONS, timeout=None)
        self.client = await stack.enter_async_context(driver.Redis.from_pool(pool))
        async with self.client.pipeline(transaction=False) as filling:
            for number in range(ROWS):
                filling.set(f"k{number}", BYTES)
            await filling.execute()

    async def get(self) -> Any:
        return await self.client.get(key())

    async def set(self) -> Any:
        return await self.client.set(key(), BYTES, ex=HOUR)


class ByHand(RedisPy):
    """redis-py, with values encoded and decoded."""

    encode = msgspec.json.Encoder().encode
    decode = msgspec.json.Decoder().decode

    async def get(self) -> Any:
        return self.decode(await self.client.get(key()))

    async def set(self) -> Any:
        return await self.client.set(key(), self.encode(DICT), ex=HOUR)


class Glide:
    """valkey-glide, asyncio."""

    async def open(self, stack: AsyncExitStack, server: Started) -> None:
        from glide import ExpirySet, ExpiryType, GlideClient, GlideClientConfiguration, NodeAddress, ServerCredentials

        where = [NodeAddress("127.0.0.1", server.port)]
        how = GlideClientConfiguration(where, credentials=ServerCredentials(server.password), request_timeout=5_000)
        self.client = await GlideClient.create(how)
        stack.push_async_callback(self.client.close)
        self.expiry = ExpirySet(ExpiryType.SEC, HOUR)

    async def get(self) -> Any:
        return await self.client.get(key())

    async def set(self) -> Any:
        return await self.client.set(key(), BYTES, expiry=self.expiry)


class PyKeyValue:
    """py-key-value's store on redis-py."""

    async def open(self, stack: AsyncExitStack, server: Started) -> None:
        import redis.asyncio as driver
        from key_value.aio.stores.redis import RedisStore

        pool = driver.BlockingConnectionPool.from_url(
            server.url, max_connections=CONNECTIONS, timeout=None, decode_responses=True
        )
        client = await stack.enter_async_context(driver.Redis.from_pool(pool))
        self.store = RedisStore(client=client)
        for start in range(0, ROWS, 500):
            names = [f"k{number}" for number in range(start, start + 500)]
            await self.store.put_many(names, [DICT] * 500, collection="n", ttl=HOUR)

    async def get(self) -> Any:
        return await self.store.get(key(), collection="n")

    async def set(self) -> Any:
        return await self.store.put(key(), DICT, collection="n", ttl=HOUR)


class Cashews:
    """cashews, which pickles."""

    async def open(self, stack: AsyncExitStack, server: Started) -> None:
        from cashews import Cache

        self.cache = Cache()
        self.cache.setup(server.url, max_connections=CONNECTIONS, wait_for_connection_timeout=30)
        await self.cache.init()
        stack.push_async_callback(self.cache.close)
        for number in range(ROWS):
            await self.cache.set(f"cw:k{number}", DICT, expire=HOUR)

    async def get(self) -> Any:
        return await self.cache.get(f"cw:{key()}")

    async def set(self) -> Any:
        return await self.cache.set(f"cw:{key()}", DICT, expire=HOUR)


ARMS = {
    "cache": lambda: Cached(RAW, BYTES),
    "cache of dicts": lambda: Cached(PLAIN, DICT),
    "memory": Remembered,
    "redis-py": RedisPy,
    "redis-py by hand": ByHand,
    "valkey-glide": Glide,
    "py-key-value": PyKeyValue,
    "cashews": Cashews,
}


def redis_benchmark(server: Started, operation: str) -> float:
    """Return what the server's own benchmark gets through in a second."""
    said = subprocess.run(
        [
            *("redis-benchmark", "-h", "127.0.0.1", "-p", f"{server.port}", "-c", "32", "-P", "1", "-q"),
            *("-n", "100000", "-d", f"{len(BYTES)}", "-r", f"{ROWS}", "-t", operation),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    told = re.findall(r"([\d.]+) requests per second", said)
    assert told, said
    return float(told[-1])


async def compared(server: Started) -> list[Figure]:
    figures = []
    beside = shutil.which("redis-benchmark") is not None
    async with AsyncExitStack() as stack:
        arms: dict[str, Any] = {name: made() for name, made in ARMS.items()}
        for arm in arms.values():
            await arm.open(stack, server)
        for callers in CALLERS:
            for operation in ("get", "set"):
                found: dict[str, list[float]] = {}
                for number in range(ROUNDS + 1):
                    for name in random.sample(list(arms), len(arms)):
                        answer, _ = await rate(getattr(arms[name], operation), callers)
                        if number:
                            found.setdefault(name, []).append(answer)
                    if callers == 32 and beside:
                        answer = await asyncio.to_thread(redis_benchmark, server, operation)
                        if number:
                            found.setdefault("redis-benchmark", []).append(answer)
                figures += [
                    _figure(*row, found) for row in GOALS if row[1:3] == (operation, callers) and row[3] in found
                ]
    return figures


def _figure(ours: str, operation: str, callers: int, name: str, found: dict[str, list[float]]) -> Figure:
    times, goal = ratio(found, ours, name), GOALS[ours, operation, callers, name]
    note = f"{median(found[ours]):,.0f}/s against {median(found[name]):,.0f}/s"
    if times < goal:
        limit = LIMITS.get((ours, operation), "the client's CPU")
        note += f"; limited by {limit}"
    verb = "put" if ours == "memory" and operation == "set" else operation
    who = "1 caller" if callers == 1 else f"{callers} callers"
    return Figure(f"{ours}: {verb}, {who}, against {name}", f"≥ {goal:g} ×", f"{times:.2f} ×", times >= goal, note)


def measure() -> list[Figure]:
    server = Started()
    server.start()
    server.ask("ACL", "SETUSER", "default", "nopass")  # redis-benchmark takes a password from its arguments alone
    return asyncio.run(compared(server))


if __name__ == "__main__":
    save("valkey", "Cache and memory on Valkey 9 (1 KiB values)", measure())
