"""The references that backends are judged by, by contract and by part. What they do stands in core."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from unison_storage.clock import Clock
from unison_storage.contracts.backend import Backend
from unison_storage.reference.cache import ReferenceCache
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.reference.objects import ReferenceBlobs, ReferenceObjectIndex
from unison_storage_conformance.law import CONTRACT_OF

REFERENCES: Final[Mapping[str, Callable[[Clock], Backend]]] = {
    "memory": ReferenceMemory,
    "blobs": ReferenceBlobs,
    "index": ReferenceObjectIndex,
    "graph": ReferenceGraph,
    "cache": ReferenceCache,
}


def reference(part: str, clock: Clock) -> Backend:
    """Return an empty reference for a part of a target."""
    return REFERENCES[CONTRACT_OF[part]](clock)
