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
from unison_storage.reference.cache import ReferenceCache
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.storage import Storage
from unison_storage.values import ANY

CALLS = 10_000
LIMIT = 1 << 20


def measure() -> list[Figure]:
    return _figures(asyncio.run(_measure()))


async def _measure() -> dict[str, list[float]]:
    clock = SystemClock()
    async with Storage(memory=ReferenceMemory(clock), cache=ReferenceCache(clock), profile="test") as storage:
        arms = await _arms(storage, ReferenceMemory(clock))
        await _shared(storage)
        found: dict[str, list[float]] = {name: [] for name in arms}
        for number in range(12):
            for name, arm in arms.items():
                started = perf_counter()
                for _ in range(CALLS):
                    await arm()
                if number:
                    found[name].append((perf_counter() - started) / CALLS * 1e6)
    return found


async def _arms(storage: Storage, backend: ReferenceMemory) -> dict[str, Callable[[], Awaitable[object]]]:
    value = payload()
    raw = msgspec.json.encode(value)
    decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
    address = "demo\x1fa\x1fsome-key"
    put = Put(address, raw, "v", None, None, ANY, None)
    await backend.put_many((put,))
    notes = storage.memory.at("demo", "a")
    await notes.put("some-key", value)

    cached = storage.cache.at("demo", "a")
    await cached.set("some-key", value)

    async def decoding() -> object:
        return decode(raw)

    async def encoding() -> object:
        return encode(value)

    async def checking() -> object:
        return JSON.encode(value, LIMIT)

    async def building() -> object:
        return storage.memory.at("demo", "a")

    async def nothing() -> object:
        return None

    return {
        "backend get": lambda: backend.get_many((address,)),
        "backend put": lambda: backend.put_many((put,)),
        "store get": lambda: notes.get("some-key"),
        "store put": lambda: notes.put("some-key", value),
        "cache hit": lambda: cached.get("some-key"),
        "decode": decoding,
        "encode": encoding,
        "check": checking,
        "handle": building,
        "nothing": nothing,
    }


async def _shared(storage: Storage) -> None:
    """Stop unless a thousand callers at once compute once."""
    calls = 0

    async def load() -> int:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        return 1

    cache = storage.cache.at("demo")
    assert await asyncio.gather(*(cache.get_or_compute("k", load) for _ in range(1_000))) == [1] * 1_000
    assert calls == 1


def _figures(found: dict[str, list[float]]) -> list[Figure]:
    def beside(whole: str, *parts: str) -> float:
        return median(figure - sum(found[part][number] for part in parts) for number, figure in enumerate(found[whole]))

    gets, puts = beside("store get", "backend get", "decode"), beside("store put", "backend put", "check")
    check, encode = beside("check", "nothing"), beside("encode", "nothing")
    hits = beside("cache hit", "decode")
    address = _address_cost()
    # these machines run at half their speed at times: what a plain encoder takes in the same run tells
    pace = f"while a plain encoder takes {encode:.2f} µs for 1 KiB"
    return [
        Figure("store's own cost of a get, beside decoding", "≤ 4 µs", f"{gets:.2f} µs", gets <= 4, pace),
        Figure("store's own cost of a put, beside encoding", "≤ 4 µs", f"{puts:.2f} µs", puts <= 4, pace),
        Figure(
            "encoding and domain check of 1 KiB",
            "≤ 6 µs",
            f"{check:.2f} µs",
            check <= 6,
            f"encoding {encode:.2f} µs; decoding and comparing, which find other types, are most of the rest",
        ),
        Figure("building an address from a held handle", "< 0.5 µs", f"{address:.2f} µs", address < 0.5),
        Figure(
            "cache hit beside decoding, the reference backend included", "≤ 4 µs", f"{hits:.2f} µs", hits <= 4, pace
        ),
        Figure("computations for 1,000 concurrent callers of `get_or_compute`", "1", "1", met=True),
        Figure("making a handle", "–", f"{beside('handle', 'nothing'):.2f} µs", met=True),
    ]


def _address_cost() -> float:
    names = {"below": prefix("demo", ("a", "b")), "check_key": check_key}
    return min(repeat("below + check_key('some-key')", globals=names, number=CALLS, repeat=15)) / CALLS * 1e6


if __name__ == "__main__":
    save("overhead", "Overhead of a store", measure())
