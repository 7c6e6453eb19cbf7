"""The ground of stores: the stores on the backends of a run, for laws tried on handles. No ground of a backend here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from itertools import count
from typing import Any

from unison_storage.layers.passing import layered
from unison_storage.profiles import Profile as Surroundings
from unison_storage.storage import Storage
from unison_storage_conformance.profiles import Profile
from unison_storage_conformance.site import KEYSPACE, Site
from unison_storage_conformance.target import Target


class StoreSite:
    """A storage on the backends of a run, or what the harness gives in its place."""

    def __init__(self, target: Target, sites: Mapping[str, Site], run: str, profile: Profile, seed: int) -> None:
        self.target = target
        self.sites = sites
        self.run = run
        self.profile = profile
        self.seed = seed
        self._stack = AsyncExitStack()
        self.storage: Any = None
        self._blobs: list[str] = []
        kinds = target.kinds() if target.harness.surface is not None else ()
        self.stores = [
            *(["memory"] if "memory" in sites or "memory" in kinds else []),
            *(["objects"] if {"object", "object_index"} <= sites.keys() or "object" in kinds else []),
        ]

    async def open(self) -> None:
        """Open the storage, on backends of its own."""
        surface = self.target.harness.surface
        if surface is not None:
            self.storage = await self._stack.enter_async_context(surface(self.target.clock))
            return
        given: dict[str, Any] = {
            part: self.target.make(part, self.target.context())
            for part in ("memory", "object", "object_index")
            if part in self.sites
        }
        if not self.stores:
            return
        if "object" in given:
            given["object"] = layered(given["object"], {"write": self._noting(given["object"].write)})
        storage = Storage(**given, profile=Surroundings.TEST, clock=self.target.clock)
        self.storage = await self._stack.enter_async_context(storage)

    def ground(self, number: str) -> StoreGround:
        """Return what one check stands at."""
        return StoreGround(self, number)

    async def close(self) -> None:
        """Remove what was written and close the storage."""
        if self.storage is None:
            return
        for store in self.stores:
            await getattr(self.storage, store).at(KEYSPACE, self.run).delete_prefix()
        if self._blobs:
            # what was deleted through the store waits for a sweeper, which would meet what others have too
            await self.storage.objects.drain()
            await self.storage.objects.remove(self._blobs)
        await self._stack.aclose()

    def _noting(self, write: Callable[..., Awaitable[int]]) -> Callable[..., Awaitable[int]]:
        async def noted(id: str, chunks: Any) -> int:
            self._blobs.append(id)
            return await write(id, chunks)

        return noted


class StoreGround:
    """What a check of the stores may do: handles below a namespace that nobody else uses, and time."""

    def __init__(self, site: StoreSite, number: str) -> None:
        self.site = site
        self.storage = site.storage
        self._namespace = (site.run, number)
        self._subs = count(1)

    def memory(self, *namespace: str, person: str | None = None) -> Any:
        """Return a handle of memory below the namespace of this check."""
        return self.storage.memory.at(KEYSPACE, *self._namespace, *namespace, person=person)

    def objects(self, *namespace: str, person: str | None = None) -> Any:
        """Return a handle of objects below the namespace of this check."""
        return self.storage.objects.at(KEYSPACE, *self._namespace, *namespace, person=person)

    def anew(self) -> StoreGround:
        """Return ground beside this one, for one history."""
        return StoreGround(self.site, f"{self._namespace[1]}.{next(self._subs)}")

    async def now(self) -> int:
        """Return the time of the suite's clock, in microseconds."""
        return self.site.target.clock.now()

    @property
    def tick(self) -> float:
        """A lifetime in seconds that is long enough to be sure of."""
        ageing = self._ageing()
        return 60.0 if ageing is None else ageing.tick

    async def pass_time(self, ticks: float) -> None:
        """Let that many ticks pass, on every part; ``NotTried`` where time can't pass."""
        if self._ageing() is None:
            self.site.target.clock.advance(ticks * self.tick)
            return
        site = next(iter(self.site.sites.values()))
        await site.pass_time(ticks)

    def person(self, number: int = 1) -> str:
        """Return a person that nobody else has."""
        return f"conformance.{self.site.run}.{self._namespace[1]}.{number}"

    def _ageing(self) -> Any:
        site = next(iter(self.site.sites.values()), None)
        return None if site is None else site.ageing
