"""Histories: what several clients call at once, judged by a model of each contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from unison_storage_conformance.histories import cache as cache
from unison_storage_conformance.histories import graph as graph
from unison_storage_conformance.histories import index as index
from unison_storage_conformance.histories import memory as memory
from unison_storage_conformance.histories import objects as objects
from unison_storage_conformance.programs import Trade

TRADES: Final[Mapping[str, Trade]] = {
    "memory": memory.MEMORY,
    "index": index.INDEX,
    "graph": graph.GRAPH,
    "cache": cache.CACHE,
}
"""What clients of each contract do."""
