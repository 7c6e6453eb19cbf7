"""A cache that does not answer while it is told not to, in a storage with keyspaces of every sort."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from unison_storage import Keyspace, Storage, StorageError
from unison_storage.classification import DataClass
from unison_storage.contracts.cache import CacheBackend
from unison_storage.contracts.operations import READS, WRITES
from unison_storage.reference.cache import ReferenceCache
from unison_storage.testing import ManualClock

CANARY = "canary-91ab"
DAY = 86_400.0
KEYSPACES = [
    Keyspace("plain"),
    Keyspace("short", lifetime=10, floor=1, ceiling=100),
    Keyspace("week", lifetime=7 * DAY),
    Keyspace("packed", codec="msgpack"),
    Keyspace("bytes", codec="raw"),
    Keyspace("own", person_scoped=True),
    Keyspace("soft", on_failure="degrade"),
    Keyspace("secret", data_class=DataClass.SECRET),
]


class Moody(ReferenceCache):
    """Does not answer while it is told not to."""

    error: StorageError | None = None


def moody(name: str) -> Any:
    async def answer(self: Moody, *arguments: Any) -> Any:
        if self.error is not None:
            raise self.error
        return await getattr(ReferenceCache, name)(self, *arguments)

    return answer


for _name in READS[CacheBackend] | WRITES[CacheBackend]:
    setattr(Moody, _name, moody(_name))


@asynccontextmanager
async def opened(**more: Any) -> AsyncIterator[tuple[Storage, Moody, ManualClock]]:
    clock = ManualClock()
    backend = Moody(clock)
    async with Storage(cache=backend, keyspaces=KEYSPACES, profile="test", clock=clock, **more) as storage:
        yield storage, backend, clock


def counters(storage: Storage) -> dict[tuple[str, str], int]:
    return {(name, keyspace): number for (name, _, _, keyspace), number in storage.telemetry.counters.items()}
