"""Which operations read and which write, contract by contract: what layers need to know of all kinds alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from unison_storage.contracts.backend import Backend
from unison_storage.contracts.memory import MemoryBackend
from unison_storage.contracts.objects import Blobs, ObjectIndex
from unison_storage.values import MISSING

READS: Final[Mapping[type[Any], frozenset[str]]] = {
    MemoryBackend: frozenset(("get_many", "count", "list")),
    Blobs: frozenset(("read", "presign", "list")),
    ObjectIndex: frozenset(("get_many", "by_id", "known", "count", "list")),
}

WRITES: Final[Mapping[type[Any], frozenset[str]]] = {
    MemoryBackend: frozenset(
        ("put_many", "delete_many", "touch_many", "increment_many", "delete_prefix", "erase", "purge_expired")
    ),
    Blobs: frozenset(("write", "delete_many", "copy")),
    ObjectIndex: frozenset(("begin", "commit", "delete_many", "unwanted", "forget", "erase")),
}

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
