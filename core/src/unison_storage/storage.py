"""The storage: the object that owns the stores and their lifetime. What opens them stands in ``plan``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from unison_storage.addresses import check_person
from unison_storage.clock import Clock, SystemClock
from unison_storage.errors import InvalidConfig, StorageError
from unison_storage.keyspaces import Keyspace, Keyspaces
from unison_storage.profiles import Profile, profile_named
from unison_storage.telemetry import Telemetry
from unison_storage.values import ErasedKind, ErasureReport, Health

if TYPE_CHECKING:
    from unison_storage.assembly import Place
    from unison_storage.blocking import BlockingStorage
    from unison_storage.contracts.backend import Backend
    from unison_storage.contracts.cache import CacheBackend
    from unison_storage.contracts.graph import GraphBackend
    from unison_storage.contracts.memory import MemoryBackend
    from unison_storage.contracts.migrations import Migrations
    from unison_storage.contracts.objects import Blobs, ObjectIndex
    from unison_storage.graph_model import GraphModel
    from unison_storage.guards import Finding
    from unison_storage.plan import Plan
    from unison_storage.stores.cache import CacheStore
    from unison_storage.stores.graph import Graph
    from unison_storage.stores.memory import MemoryStore
    from unison_storage.stores.objects import ObjectStore
    from unison_storage.stores.upkeep import Upkeep

HEALTH_DEADLINE = 5.0
"""Seconds after which a backend that says nothing of its health counts as failing."""

ERASED = ("memory", "object", "graph", "cache")
"""The kinds that hold data of persons, in the order of erasing: what leads to the data goes after it."""

MAX_ATTEMPTS = 10
MAX_OBJECT = 5 * 1024**3
"""Bytes of one object, unless ``max_object`` says otherwise."""


class Storage:
    """Owns the stores. ``async with storage:`` opens and closes it; making one does no I/O.

    URLs or ready backends may be given for each kind; ``database_url`` serves each kind that its plugin offers and
    nothing else names. ``memory_read`` and ``object_index_read`` are URLs of replicas, whose answers may be
    ``read_staleness`` seconds old. The profile is ``production`` unless another is asked for. ``graph_model`` is a
    ``GraphModel`` or where one is (``module:name``); without it the graph has the model of UnisonOS.
    """

    _border: Any = None
    _opening = False

    def __init__(
        self,
        database_url: str | None = None,
        *,
        memory: str | MemoryBackend | None = None,
        object: str | Blobs | None = None,
        object_index: str | ObjectIndex | None = None,
        graph: str | GraphBackend | None = None,
        cache: str | CacheBackend | None = None,
        graph_model: str | GraphModel | None = None,
        keyspaces: Sequence[Keyspace] = (),
        profile: str = Profile.PRODUCTION,
        plugins: Sequence[str] | None = None,
        read_only: bool = False,
        memory_read: str | None = None,
        object_index_read: str | None = None,
        read_staleness: float | None = None,
        attempts: int = 1,
        deadline: float | None = None,
        max_object: int = MAX_OBJECT,
        migration_url: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.profile = profile_named(profile)
        self.keyspaces = Keyspaces(keyspaces, self.profile)
        self.telemetry = Telemetry()
        self.clock: Clock = clock or SystemClock()
        _check_numbers(attempts, deadline, max_object)
        self._described: dict[str, Any] = {
            "given": {
                "database": database_url,
                "memory": memory,
                "object": object,
                "object_index": object_index,
                "memory_read": memory_read,
                "object_index_read": object_index_read,
                "graph": graph,
                "cache": cache,
            },
            "keyspaces": tuple(keyspaces),
            "allowed": plugins,
            "read_only": read_only,
            "staleness": read_staleness,
            "attempts": attempts,
            "deadline": deadline,
            "migration_url": migration_url,
        }
        self._max_object, self._graph_model = max_object, graph_model
        self._backends: dict[str, Backend] = {}
        self._stores: dict[str, Any] = {}

    @classmethod
    def from_env(cls, **changes: Any) -> Self:
        """Return the storage that the environment and the file named by ``UNISON_STORAGE_CONFIG`` describe.

        ``changes`` replace single settings, by the names of the constructor. Raises ``InvalidConfig``.
        """
        from unison_storage.config import load

        loaded = load(declared=changes.pop("keyspaces", ()))
        return cls(**{**loaded.arguments(), **changes})

    @property
    def memory(self) -> MemoryStore:
        """Values with lifetimes. Raises ``NotOpen``, ``Closed``; ``InvalidConfig`` if nothing serves it."""
        return self._store("memory")  # type: ignore[no-any-return]

    @property
    def objects(self) -> ObjectStore:
        """Bytes of any size. Raises ``NotOpen``, ``Closed``; ``InvalidConfig`` if nothing serves it."""
        return self._store("object")  # type: ignore[no-any-return]

    @property
    def upkeep(self) -> Upkeep:
        """Sweeping and repairing objects. Raises as ``objects``."""
        return self._store("upkeep")  # type: ignore[no-any-return]

    @property
    def vault(self) -> Any:
        """Secrets: ``InvalidConfig``, since this version does not serve the vault."""
        return self._store("vault")

    @property
    def audit(self) -> Any:
        """The audit log: ``InvalidConfig``, since this version does not serve it."""
        return self._store("audit")

    @property
    def graph(self) -> Graph:
        """Relations between ids. Raises ``NotOpen``, ``Closed``; ``InvalidConfig`` if nothing serves it."""
        return self._store("graph")  # type: ignore[no-any-return]

    @property
    def cache(self) -> CacheStore:
        """Short-lived values. Raises ``NotOpen``, ``Closed``; ``InvalidConfig`` if nothing serves it."""
        return self._store("cache")  # type: ignore[no-any-return]

    @property
    def was_open(self) -> bool:
        """Whether it has been opened at least once."""
        return self._border is not None

    async def open(self) -> Self:
        """Check the guard rails, migrate in development and test, open the backends. Opening twice is an error.

        Raises configuration errors, ``SchemaOutOfDate`` and availability errors; nothing stays open then.
        """
        if self._opening or (self._border is not None and self._border.loop is not None):
            raise InvalidConfig("this storage is open already")
        self._opening = True
        try:
            return await self._open()
        finally:
            self._opening = False

    async def _open(self) -> Self:
        from unison_storage.stores.border import Border

        border = Border(self.telemetry)
        model = self.graph_model()
        self._backends = await self.plan().open()
        self._build(border, model)
        border.open()
        self._border = border
        return self

    async def close(self) -> None:
        """Close everything, last opened first; idempotent. Calls that are under way may fail."""
        if self._border is None or self._border.loop is None:
            return
        from unison_storage.plan import close_all

        self._border.check()
        for kind in ("object", "cache"):
            if kind in self._stores:
                await self._stores[kind].drain()
        self._border.close()
        await close_all(self._backends.values())

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def blocking(self) -> BlockingStorage:
        """Return the same surface without ``await``, for callers that have no event loop."""
        from unison_storage.blocking import BlockingStorage

        return BlockingStorage(self)

    async def health(self) -> dict[str, Health]:
        """Return how each backend answers now, by kind, all asked at once; never raises for a backend."""
        self._check()
        answers = await asyncio.gather(*(_health(backend) for backend in self._backends.values()))
        return dict(zip(self._backends, answers, strict=True))

    async def erase(self, person: str, *, dry_run: bool = False) -> ErasureReport:
        """Remove all data of a person from every kind, and report. Kinds that fail do not stop the others.

        A dry run only counts what there is.
        """
        check_person(person)
        self._check()
        stores = {kind: self._stores[kind] for kind in ERASED if kind in self._stores}
        kinds = {kind: await _erased(store.owned if dry_run else store.erase, person) for kind, store in stores.items()}
        return ErasureReport(person, kinds, dry_run)

    async def sweep(self, *, limit: int = 10_000) -> dict[str, int]:
        """Remove what has expired or is unwanted, at most ``limit`` on each backend; return how much, by kind."""
        self._check()
        swept: dict[str, int] = {}
        if "memory" in self._stores:
            swept["memory"] = await self.memory.purge_expired(limit)
        if "object" in self._stores:
            swept["object"] = await self.upkeep.sweep(limit=limit)
        if "cache" in self._stores:
            swept["cache"] = await self.cache.purge_expired(limit)
        return swept

    async def measure(self) -> None:
        """Count what is too dear to count at each change, for the gauges; what is younger than a minute stays."""
        self._check()
        if "graph" in self._stores:
            await self._stores["graph counts"].refresh()

    def graph_model(self) -> GraphModel:
        """Return what the graph may hold, importing it where it is named; ``InvalidConfig``."""
        if self._graph_model is None:
            from unison_storage.unison_model import UNISON_MODEL

            return UNISON_MODEL
        from unison_storage.graph_model import GraphModel, model_named

        if isinstance(self._graph_model, str):
            return model_named(self._graph_model)
        if not isinstance(self._graph_model, GraphModel):
            raise InvalidConfig("graph_model is a GraphModel, or where one is as module:name")
        return self._graph_model

    def findings(self) -> Sequence[Finding]:
        """Return every guard rail that this set-up breaks, without opening anything."""
        return self.plan().findings()

    def places(self) -> Sequence[Place]:
        """Return where each kind is kept, without opening anything."""
        return self.plan().places

    def migrations(self) -> Mapping[str, Migrations]:
        """Return the migrations of every database of this set-up by masked URL, without opening anything.

        ``migration_url`` replaces the URLs of its own scheme here, and nowhere else.
        """
        return self.plan().migrations()

    def plan(self) -> Plan:
        """Return what this set-up comes to, without opening anything: for tools that need the backends themselves."""
        # pluggy and the layers are loaded when something is to be opened, not with this module
        from unison_storage.plan import Plan

        return Plan(profile=self.profile, clock=self.clock, telemetry=self.telemetry, **self._described)

    def _build(self, border: Any, model: GraphModel) -> None:
        from unison_storage.building import stores

        self._stores = stores(border, self._backends, self.keyspaces, model, self._max_object, self.clock)

    def _store(self, kind: str) -> Any:
        self._check()
        store = self._stores.get(kind)
        if store is not None:
            return store
        from unison_storage.assembly import DATABASE, OFFERED, SETTINGS

        name = "object" if kind == "upkeep" else kind
        if name not in OFFERED:
            raise InvalidConfig(f"this version serves no {name}: {SETTINGS[name]} comes with a later one", kind=name)
        missing = name
        if name == "object" and "object" in self._backends:
            missing = "object_index"
        raise InvalidConfig(f"nothing serves {name}: set {SETTINGS[missing]} or {DATABASE}", kind=name)

    def _check(self) -> None:
        if self._border is None:
            from unison_storage.errors import NotOpen

            raise NotOpen("this storage is not open; use `async with storage:` or `await storage.open()`")
        self._border.check()


def _check_numbers(attempts: int, deadline: float | None, max_object: int) -> None:
    if type(attempts) is not int or not 1 <= attempts <= MAX_ATTEMPTS:
        raise InvalidConfig(f"attempts is a number from 1 to {MAX_ATTEMPTS}")
    if deadline is not None and (type(deadline) not in (int, float) or not deadline > 0):
        raise InvalidConfig("deadline is a number of seconds, more than 0, or None")
    if type(max_object) is not int or max_object < 1:
        raise InvalidConfig("max_object is a number of bytes, 1 or more")


async def _health(backend: Backend) -> Health:
    try:
        async with asyncio.timeout(HEALTH_DEADLINE):
            return await backend.health()
    except TimeoutError:
        return Health(ok=False, detail=f"no answer within {HEALTH_DEADLINE:g} s", seconds=HEALTH_DEADLINE)


async def _erased(erase: Callable[[str], Any], person: str) -> ErasedKind:
    try:
        done = await erase(person)
    except StorageError as error:
        return ErasedKind(0, error=f"{type(error).__name__}: {error.message}")
    return ErasedKind(*done) if isinstance(done, tuple) else ErasedKind(done)
