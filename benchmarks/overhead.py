"""What a store costs over its backend: the reference backend, where the driver costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from statistics import median
from time import perf_counter
from timeit import repeat

import msgspec
from measuring import Figure, payload, save

from unison_storage.addresses import check_key, prefix
from unison_storage.clock import SystemClock
from unison_storage.contracts.memory import Put
from unison_storage.portable import JSON
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.storage import Storage
from unison_storage.values import ANY

CALLS = 10_000
LIMIT = 1 << 20


def measure() -> list[Figure]:
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    clock = SystemClock()
    backend = ReferenceMemory(clock)
    value = payload()
    raw = msgspec.json.encode(value)
    decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
    async with Storage(memory=ReferenceMemory(clock), profile="test") as storage:
        notes = storage.memory.at("demo", "a")
        await notes.put("some-key", value)
        address = "demo\x1fa\x1fsome-key"
        put = Put(address, raw, "v", None, None, ANY, None)
        await backend.put_many((put,))

        async def backend_get() -> object:
            return await backend.get_many((address,))

        async def backend_put() -> object:
            return await backend.put_many((put,))

        async def store_get() -> object:
            return await notes.get("some-key")

        async def store_put() -> object:
            return await notes.put("some-key", value)

        async def decoding() -> object:
            return decode(raw)

        async def encoding() -> object:
            return encode(value)

        async def encoding_and_checking() -> object:
            return JSON.encode(value, LIMIT)

        async def building() -> object:
            return storage.memory.at("demo", "a")

        async def nothing() -> object:
            return None

        arms: dict[str, Callable[[], Awaitable[object]]] = {
            "backend get": backend_get,
            "backend put": backend_put,
            "store get": store_get,
            "store put": store_put,
            "decode": decoding,
            "encode": encoding,
            "check": encoding_and_checking,
            "handle": building,
            "nothing": nothing,
        }
        found: dict[str, list[float]] = {name: [] for name in arms}
        for number in range(12):
            for name, arm in arms.items():
                started = perf_counter()
                for _ in range(CALLS):
                    await arm()
                if number:
                    found[name].append((perf_counter() - started) / CALLS * 1e6)
    gets = median(a - b - c for a, b, c in zip(found["store get"], found["backend get"], found["decode"], strict=True))
    puts = median(a - b - c for a, b, c in zip(found["store put"], found["backend put"], found["check"], strict=True))
    check = median(a - b for a, b in zip(found["check"], found["nothing"], strict=True))
    address_cost = _address_cost()
    return [
        Figure("store's own cost of a get, beside decoding", "≤ 4 µs", f"{gets:.2f} µs", gets <= 4),
        Figure("store's own cost of a put, beside encoding", "≤ 4 µs", f"{puts:.2f} µs", puts <= 4),
        Figure(
            "encoding and domain check of 1 KiB",
            "≤ 6 µs",
            f"{check:.2f} µs",
            check <= 6,
            f"encoding alone {median(found['encode']):.2f} µs",
        ),
        Figure("building an address from a held handle", "< 0.5 µs", f"{address_cost:.2f} µs", address_cost < 0.5),
        Figure("making a handle", "–", f"{median(found['handle']):.2f} µs", met=True),
    ]


def _address_cost() -> float:
    names = {"below": prefix("demo", ("a", "b")), "check_key": check_key}
    return min(repeat("below + check_key('some-key')", globals=names, number=CALLS, repeat=15)) / CALLS * 1e6


if __name__ == "__main__":
    save("overhead", "Overhead of a store", measure())
