"""Reference backends that write down when they are opened and closed, and fail where a test wants them to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from unison_storage.clock import Clock
from unison_storage.reference.cache import ReferenceCache
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.reference.objects import ReferenceBlobs, ReferenceObjectIndex


@dataclass
class Log:
    """What happened, in order, and which steps fail: ``("memory", "open")`` and so on."""

    happened: list[tuple[str, str]] = field(default_factory=list)
    failing: dict[tuple[str, str], BaseException] = field(default_factory=dict)

    def step(self, kind: str, what: str) -> None:
        self.happened.append((kind, what))
        if (kind, what) in self.failing:
            raise self.failing[kind, what]

    @property
    def left_open(self) -> list[str]:
        """What was opened and not closed again; an open that failed leaves nothing open."""
        opened = [kind for kind, what in self.happened if what == "open" and (kind, what) not in self.failing]
        for kind, what in self.happened:
            if what == "close" and kind in opened:
                opened.remove(kind)
        return opened


class Watched:
    """The first base of a backend that is watched."""

    kind: str
    log: Log

    async def open(self) -> None:
        await asyncio.sleep(0)
        self.log.step(self.kind, "open")

    async def close(self) -> None:
        await asyncio.sleep(0)
        self.log.step(self.kind, "close")

    async def erase(self, person: str) -> Any:
        self.log.step(self.kind, "erase")
        return await super().erase(person)  # type: ignore[misc]


class WatchedMemory(Watched, ReferenceMemory):
    kind = "memory"


class WatchedBlobs(Watched, ReferenceBlobs):
    kind = "object"


class WatchedIndex(Watched, ReferenceObjectIndex):
    kind = "object_index"


class WatchedGraph(Watched, ReferenceGraph):
    kind = "graph"


class WatchedCache(Watched, ReferenceCache):
    kind = "cache"

    async def delete_prefix(self, prefix: str) -> int:
        self.log.step(self.kind, "erase")
        return await super().delete_prefix(prefix)


def watched(clock: Clock, log: Log) -> dict[str, Any]:
    """Return a backend for each kind, as ``Storage`` takes them."""
    kinds: tuple[Any, ...] = (WatchedMemory, WatchedBlobs, WatchedIndex, WatchedGraph, WatchedCache)
    backends = {kind.kind: kind(clock) for kind in kinds}
    for backend in backends.values():
        backend.log = log
    return backends
