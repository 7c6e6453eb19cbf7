"""Assembly: from the URLs of a storage to its opened backends, layers included. Opening them stands in ``plan``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from unison_storage import guards
from unison_storage.contracts.backend import Backend
from unison_storage.contracts.cache import CacheBackend
from unison_storage.contracts.context import Context
from unison_storage.contracts.graph import GraphBackend
from unison_storage.contracts.memory import MemoryBackend
from unison_storage.contracts.migrations import Migrations
from unison_storage.contracts.objects import Blobs, ObjectIndex
from unison_storage.contracts.replication import Replicated
from unison_storage.errors import InvalidConfig, SchemaOutOfDate
from unison_storage.keyspaces import Keyspace, label_of
from unison_storage.layers.coalesce import coalesce_cache, coalesce_graph, coalesce_index, coalesce_memory
from unison_storage.layers.deadline import deadline
from unison_storage.layers.readonly import readonly
from unison_storage.layers.replica import Pair, reading_from
from unison_storage.layers.retry import Patience, retry
from unison_storage.plugins import Plugin, Plugins
from unison_storage.profiles import Profile
from unison_storage.targets import Target

B = TypeVar("B", bound=Backend)

SETTINGS: Final[Mapping[str, str]] = {
    "memory": "UNISON_STORAGE_MEMORY_URL",
    "vault": "UNISON_STORAGE_VAULT_URL",
    "audit": "UNISON_STORAGE_AUDIT_URL",
    "object": "UNISON_STORAGE_OBJECT_URL",
    "object_index": "UNISON_STORAGE_OBJECT_INDEX_URL",
    "graph": "UNISON_STORAGE_GRAPH_URL",
    "cache": "UNISON_STORAGE_CACHE_URL",
}
DATABASE: Final = "UNISON_STORAGE_DATABASE_URL"
READ: Final[Mapping[str, str]] = {
    "memory": "UNISON_STORAGE_MEMORY_READ_URL",
    "object_index": "UNISON_STORAGE_OBJECT_INDEX_READ_URL",
}
"""Which kinds may be read from a replica, and where that is set."""
STALENESS: Final = "UNISON_STORAGE_READ_STALENESS"
OFFERED: Final = ("memory", "object", "object_index", "graph", "cache")
"""The kinds that this version serves."""

HOOKS: Final = {
    "memory": "memory_backend",
    "object": "blob_backend",
    "object_index": "object_index_backend",
    "graph": "graph_backend",
    "cache": "cache_backend",
}
"""Which hook makes the backend of a kind."""
CONTRACTS: Final[Mapping[str, type[Any]]] = {
    "memory": MemoryBackend,
    "object": Blobs,
    "object_index": ObjectIndex,
    "graph": GraphBackend,
    "cache": CacheBackend,
}
"""Which contract the backend of a kind fulfils."""
_KEYSPACED: Final = ("memory", "cache")
"""Kinds that may keep a keyspace on a backend of its own."""


class Layering(Struct, frozen=True):
    """Which layers stand around every backend; ``None`` and ``False`` leave one out. Times are in seconds."""

    read_only: bool = False
    patience: Patience | None = None
    deadline: float | None = None
    staleness: float | None = None


class Place(Struct, frozen=True):
    """Where one kind is kept: on a plugin's target, or on a ready-made backend. ``replica`` is where it may be read."""

    kind: str
    setting: str
    plugin: Plugin | None = None
    target: Target | None = None
    backend: Backend | None = None
    keyspace: Keyspace | None = None
    replica: Target | None = None

    @property
    def served(self) -> guards.Served:
        """What guard rails judge. Cache and memory of a keyspace that need not be durable may be on anything."""
        wanted = self.kind != "cache" and (self.keyspace is None or self.keyspace.durable)
        if self.backend is not None:
            return guards.Served(
                self.kind,
                self.setting,
                f"{type(self.backend).__name__}()",
                None,
                self.backend.durability,
                self.backend.production_ready,
                durable_wanted=wanted,
            )
        assert self.plugin is not None  # noqa: S101 - a place has one or the other
        assert self.target is not None  # noqa: S101
        spec = self.plugin.spec
        return guards.Served(
            self.kind,
            self.setting,
            self.target.scheme,
            self.target,
            spec.durability,
            spec.production_ready,
            durable_wanted=wanted,
        )

    @property
    def served_at_replica(self) -> guards.Served | None:
        """What guard rails judge of the replica; ``None`` where there is none."""
        if self.replica is None:
            return None
        return replace(self.served, setting=READ[self.kind], scheme=self.replica.scheme, target=self.replica)


def places(
    given: Mapping[str, Any], keyspaces: Sequence[Keyspace], plugins: Plugins, staleness: float | None = None
) -> list[Place]:
    """Return where each kind is kept. ``given`` maps ``database`` and kinds to URLs or ready backends.

    A URL that names a kind its plugin does not offer is ``InvalidConfig``; a kind that nothing serves is left out.
    """
    found: dict[str, Place] = {}
    for kind in OFFERED:
        value = given.get(kind)
        if value is not None:
            found[kind] = _place(kind, SETTINGS[kind], value, plugins)
    for source in ("database", "object"):
        url = given.get(source)
        if not isinstance(url, str):
            continue
        setting = DATABASE if source == "database" else SETTINGS["object"]
        target, plugin = _served_by(url, setting, plugins)
        wanted = OFFERED if source == "database" else ("object_index",)
        for kind in wanted:
            if kind in plugin.spec.kinds and kind not in found:
                found[kind] = Place(kind, setting, plugin, target)
    found |= _read(found, given, plugins, staleness)
    for keyspace in keyspaces:
        if keyspace.url is not None:
            for place in _own_places(keyspace, keyspace.url, plugins):
                found[f"{place.kind} {keyspace.name}"] = place
    return list(found.values())


def _read(
    found: Mapping[str, Place], given: Mapping[str, Any], plugins: Plugins, staleness: float | None
) -> dict[str, Place]:
    """Return the places that may be read elsewhere, too."""
    read: dict[str, Place] = {}
    for kind, setting in READ.items():
        url = given.get(f"{kind}_read")
        if url is None:
            continue
        target, plugin = _served_by(url, setting, plugins)
        place = found.get(kind)
        if place is None or place.plugin is None or place.plugin.spec is not plugin.spec:
            raise InvalidConfig(f"{setting}: a replica is of what serves {kind}, and that is not on {target.scheme}")
        if staleness is None:
            raise InvalidConfig(f"{setting}: say by {STALENESS} how many seconds old an answer may be")
        read[kind] = replace(place, replica=target)
    return read


def _own_places(keyspace: Keyspace, url: str, plugins: Plugins) -> Sequence[Place]:
    setting = f"UNISON_STORAGE_KEYSPACES__{label_of(keyspace.name)}__URL"
    target, plugin = _served_by(url, setting, plugins)
    kinds = [kind for kind in _KEYSPACED if kind in plugin.spec.kinds]
    if not kinds:
        raise InvalidConfig(
            f"{setting}: {plugin.found.distribution} serves neither memory nor cache at {target.scheme}: it serves "
            f"{', '.join(plugin.spec.kinds)}"
        )
    return [Place(kind, setting, plugin, target, keyspace=keyspace) for kind in kinds]


def _served_by(url: str, setting: str, plugins: Plugins) -> tuple[Target, Plugin]:
    target = Target.parse(url, setting)
    plugin = plugins.serving(target.scheme, setting)
    target.convert(plugin.spec.options)
    return target, plugin


def _place(kind: str, setting: str, value: Any, plugins: Plugins) -> Place:
    if isinstance(value, str):
        target, plugin = _served_by(value, setting, plugins)
        if kind not in plugin.spec.kinds:
            raise InvalidConfig(
                f"{setting}: {plugin.found.distribution} does not serve {kind} at {target.scheme}: it serves "
                f"{', '.join(plugin.spec.kinds)}"
            )
        return Place(kind, setting, plugin, target)
    if not isinstance(value, CONTRACTS[kind]):
        raise InvalidConfig(f"{setting}: {type(value).__name__} is neither a URL nor a backend for {kind}")
    return Place(kind, setting, backend=value)


def migrations_of(
    found: Sequence[Place], plugins: Plugins, context: Context, owner: Target | None = None
) -> dict[str, Migrations]:
    """Return the migrations of every database among the places, by masked URL; one for all kinds of one URL.

    ``owner`` replaces the URLs of its own scheme: the role that may change a schema is not the one that serves.
    """
    migrations: dict[str, Migrations] = {}
    seen = []
    for place in found:
        if place.plugin is None or place.target is None:
            continue
        target = owner if owner is not None and owner.scheme == place.target.scheme else place.target
        key = replace(target, setting="")
        if key in seen:
            continue
        seen.append(key)
        made = plugins.subset(place.plugin, "migrations")(target=target, context=context)
        if made is not None:
            name = target.masked
            migrations[name if name not in migrations else f"{name} ({place.setting})"] = made
    return migrations


async def prepare(migrations: Mapping[str, Migrations], profile: Profile) -> None:
    """Bring schemas up to date in development and test; elsewhere ``SchemaOutOfDate`` unless they are."""
    for url, one in migrations.items():
        if not profile.strict:
            await one.apply()
            continue
        state = await one.state()
        if not state.current:
            raise SchemaOutOfDate(
                f"the schema of {url} is {state.have or 'not there'}, this version wants {state.want}: "
                "run unison-storage migrate",
                have=state.have,
                want=state.want,
            )


def backend_of(place: Place, plugins: Plugins, context: Context, layering: Layering) -> Backend:
    """Return the backend of a place, not opened yet, in its layers."""
    backend = place.backend if place.backend is not None else _made(place, place.target, plugins, context)
    layered = _LAYERED[place.kind]
    if place.replica is None:
        return layered(backend, context, layering)
    replica = _made(place, place.replica, plugins, context)
    if not isinstance(backend, Replicated) or not isinstance(replica, Replicated):
        raise InvalidConfig(f"{READ[place.kind]}: {place.replica.scheme} has no replicas that can be read")
    assert layering.staleness is not None  # noqa: S101 - ``places`` has seen to it
    pair = Pair(backend, replica, layering.staleness)
    return reading_from(layered(backend, context, layering), layered(replica, context, layering), pair, context.clock)


def _made(place: Place, target: Target | None, plugins: Plugins, context: Context) -> Backend:
    assert place.plugin is not None  # noqa: S101 - a place has one or the other
    backend: Backend | None = plugins.subset(place.plugin, HOOKS[place.kind])(target=target, context=context)
    if backend is None:
        raise InvalidConfig(f"{place.setting}: {place.plugin.found.distribution} made no backend for {place.kind}")
    return backend


def _blobs(backend: Blobs, _context: Context, layering: Layering) -> Blobs:
    return readonly(backend) if layering.read_only else backend


def _gathering(coalesce: Callable[[Any], Backend]) -> Callable[[Any, Context, Layering], Backend]:
    def layered(backend: Any, context: Context, layering: Layering) -> Backend:
        inner: Backend = backend if layering.deadline is None else deadline(backend, layering.deadline)
        if layering.patience is not None:
            inner = retry(inner, context.clock, layering.patience)
        if backend.batching == "core":
            inner = coalesce(inner)
        return readonly(inner) if layering.read_only else inner

    return layered


_LAYERED: Final[Mapping[str, Callable[[Any, Context, Layering], Backend]]] = {
    "memory": _gathering(coalesce_memory),
    "object": _blobs,
    "object_index": _gathering(coalesce_index),
    "graph": _gathering(coalesce_graph),
    "cache": _gathering(coalesce_cache),
}
