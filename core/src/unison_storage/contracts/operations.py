"""Which operations read and which write, contract by contract: what layers need to know of all kinds alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from unison_storage.contracts.backend import Backend
from unison_storage.contracts.cache import CacheBackend
from unison_storage.contracts.graph import GraphBackend
from unison_storage.contracts.memory import MemoryBackend
from unison_storage.contracts.objects import Blobs, ObjectIndex
from unison_storage.values import MISSING

READS: Final[Mapping[type[Any], frozenset[str]]] = {
    MemoryBackend: frozenset(("get_many", "count", "list", "owned")),
    Blobs: frozenset(("read", "presign", "list")),
    ObjectIndex: frozenset(("get_many", "by_id", "known", "count", "list", "owned")),
    GraphBackend: frozenset(
        (
            *("get_nodes", "get_edges", "neighbors", "traverse", "shortest_path", "find_nodes"),
            *("owned", "stats", "scan", "strays", "bookmarks", "catch_up"),
        )
    ),
    CacheBackend: frozenset(("get_many", "count")),
}

WRITES: Final[Mapping[type[Any], frozenset[str]]] = {
    MemoryBackend: frozenset(
        ("put_many", "delete_many", "touch_many", "increment_many", "delete_prefix", "erase", "purge_expired")
    ),
    Blobs: frozenset(("write", "delete_many", "copy")),
    ObjectIndex: frozenset(("begin", "commit", "delete_many", "unwanted", "forget", "erase")),
    # a query may do anything, whatever it says of itself
    GraphBackend: frozenset(
        ("upsert_nodes", "upsert_edges", "delete_nodes", "delete_edges", "erase", "clear", "query")
    ),
    CacheBackend: frozenset(
        (
            *("set_many", "add_many", "delete_many", "touch_many", "increment_many", "fill_many"),
            *("acquire_many", "renew_many", "release_many", "delete_prefix", "purge_expired"),
        )
    ),
}

BATCHES: Final = frozenset(
    (
        *("get_many", "put_many", "set_many", "add_many", "delete_many", "touch_many", "increment_many", "fill_many"),
        *("acquire_many", "renew_many", "release_many", "by_id"),
        *("upsert_nodes", "upsert_edges", "get_nodes", "get_edges", "delete_nodes", "delete_edges", "neighbors"),
    )
)
"""Operations that answer item by item, in order."""

LIFECYCLE: Final = ("open", "close", "health", "now")


def contract_of(backend: Backend) -> type[Backend]:
    """Return the contract that a backend fulfils."""
    for contract in READS:
        if isinstance(backend, contract):
            return contract
    raise TypeError(f"{type(backend).__name__} fulfils no contract")


def touches(arguments: tuple[Any, ...], named: Mapping[str, Any]) -> bool:
    """Return whether the arguments of a ``get_many`` make it a write, since it sets an expiry too."""
    return named.get("touch", arguments[1] if len(arguments) > 1 else MISSING) is not MISSING
