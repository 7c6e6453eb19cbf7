"""Building the stores of a storage on its opened backends. What the stores do stands in ``stores``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unison_storage.clock import Clock
from unison_storage.contracts.backend import Backend
from unison_storage.graph_model import GraphModel
from unison_storage.keyspaces import Keyspaces
from unison_storage.stores.border import Border


def stores(
    border: Border,
    backends: Mapping[str, Backend],
    keyspaces: Keyspaces,
    model: GraphModel,
    max_object: int,
    clock: Clock,
) -> dict[str, Any]:
    """Return the stores that the backends make possible, by kind, with what watches over them."""
    opened: Mapping[str, Any] = backends
    built: dict[str, Any] = {}
    memory, cache = _own(opened, "memory"), _own(opened, "cache")
    if "memory" in opened or memory:
        from unison_storage.stores.memory import MemoryStore

        built["memory"] = MemoryStore(border, keyspaces, opened.get("memory"), memory)
    if "object" in opened and "object_index" in opened:
        from unison_storage.stores.objects import ObjectStore
        from unison_storage.stores.upkeep import Upkeep

        objects = ObjectStore(border, keyspaces, opened["object_index"], opened["object"], max_object)
        built |= {"object": objects, "upkeep": Upkeep(border, objects)}
    if "graph" in opened:
        from unison_storage.stores.graph import Graph
        from unison_storage.stores.graph_counts import GraphCounts

        graph = Graph(border, opened["graph"], model)
        built |= {"graph": graph, "graph counts": GraphCounts(border, graph, opened["graph"].name, clock)}
    if "cache" in opened or cache:
        from unison_storage.stores.cache import CacheStore

        built["cache"] = CacheStore(border, keyspaces, opened.get("cache"), cache, clock)
    return built


def _own(backends: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the backends of keyspaces of their own, by keyspace."""
    return {name.partition(" ")[2]: one for name, one in backends.items() if name.startswith(f"{kind} ")}
