"""The site: one backend of a target during a run, opened once, with what all its checks share."""

from __future__ import annotations

import secrets
from typing import Any

from unison_storage.addresses import SEPARATOR
from unison_storage.contracts.backend import Backend
from unison_storage.contracts.cache import CacheBackend
from unison_storage.contracts.context import Context
from unison_storage.contracts.graph import GraphBackend
from unison_storage.contracts.memory import Delete, MemoryBackend
from unison_storage.contracts.objects import Blobs, ObjectIndex
from unison_storage_conformance.ageing import Ageing, control
from unison_storage_conformance.profiles import Profile
from unison_storage_conformance.target import Target

KEYSPACE = "conformance"
"""The keyspace in which everything of the suite lies."""


class Site:
    """One part of a target. ``root`` begins everything that the run writes on it."""

    backend: Any
    ageing: Ageing

    def __init__(self, target: Target, part: str, run: str, profile: Profile, seed: int) -> None:
        self.target = target
        self.part = part
        self.run = run
        self.profile = profile
        self.seed = seed
        self.root = f"{KEYSPACE}{SEPARATOR}{run}{SEPARATOR}"
        self.persons: set[str] = set()
        self.blobs: list[str] = []
        self._spaces: set[str] = set()
        self._ageless: Exception | None = None

    @property
    def deadline(self) -> float:
        """Seconds within which every call has to end."""
        return self.target.harness.deadline

    async def open(self) -> None:
        """Open the backend, and find out how time passes for it."""
        self.backend = self.target.make(self.part)
        await self.backend.open()
        hooks = self.target.hooks()
        self.ageing = await Ageing.of(self.backend, self.target.clock, self.target.harness.age, hooks.age)
        try:  # now, since it makes older whatever is there
            await control(self.ageing, self.backend, self.root)
        except Exception as error:  # noqa: BLE001 - what is broken is told by the checks for which time has to pass
            self._ageless = error

    async def reopen(self) -> None:
        """Close the backend and open another one on the same data."""
        await self.backend.close()
        self.backend = self.make()
        await self.backend.open()

    def make(self, context: Context | None = None) -> Backend:
        """Return another backend on the same target, with connections of its own, not opened yet."""
        return self.target.make(self.part, context or self.target.context())

    async def pass_time(self, ticks: float) -> None:
        """Let time pass. Raises what came of showing, at the beginning, that it does."""
        if self._ageless is not None:
            raise self._ageless
        extra = 0.0 if self.ageing.how == "clock" else self.ageing.slack / 1_000_000
        await self.ageing.pass_(ticks * self.ageing.tick + (extra if ticks >= 1 else 0.0), self.backend)

    def blob(self) -> str:
        """Return a new id for a blob, which is removed at the end."""
        id = secrets.token_hex(16)
        self.blobs.append(id)
        return id

    def space(self, space: str) -> str:
        """Note where something may lie that has to be cleared at the end (graphs have no prefixes), and return it."""
        self._spaces.add(space)
        return space

    async def clear(self, prefix: str) -> None:
        """Remove what lies below a prefix, in memory and cache. What other kinds hold is noted, and goes at the end."""
        if isinstance(self.backend, MemoryBackend | CacheBackend):
            await self.backend.delete_prefix(prefix)

    async def clean(self) -> None:
        """Remove everything that the run has written."""
        backend = self.backend
        await self.clear(self.root)
        if isinstance(backend, GraphBackend):
            for space in self._spaces:
                await backend.clear(space)
            for person in self.persons:
                await backend.erase(person)
        elif isinstance(backend, ObjectIndex):
            await self._clean_index(backend)
        elif isinstance(backend, Blobs):
            for start in range(0, len(self.blobs), backend.limits.batch):
                await backend.delete_many(self.blobs[start : start + backend.limits.batch])

    async def _clean_index(self, index: ObjectIndex) -> None:
        after = ""
        while lines := await index.list(self.root, after, 100):
            await index.delete_many([Delete(line.address) for line in lines])
            if lines[-1].address <= after:
                break  # a broken index that goes round in circles; what it kept is told as left over
            after = lines[-1].address
        for person in self.persons:
            await index.erase(person)
        for start in range(0, len(self.blobs), 100):
            await index.forget(self.blobs[start : start + 100])
