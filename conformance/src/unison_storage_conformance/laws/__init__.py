"""Laws: deterministic sweeps over confusable names, edge values, limits and batches, by contract."""

from __future__ import annotations

from unison_storage_conformance.laws import backend as backend
from unison_storage_conformance.laws import blobs as blobs
from unison_storage_conformance.laws import cache as cache
from unison_storage_conformance.laws import cache_batches as cache_batches
from unison_storage_conformance.laws import cache_counters as cache_counters
from unison_storage_conformance.laws import cache_leases as cache_leases
from unison_storage_conformance.laws import cache_lifetimes as cache_lifetimes
from unison_storage_conformance.laws import cache_names as cache_names
from unison_storage_conformance.laws import coalescer as coalescer
from unison_storage_conformance.laws import graph as graph
from unison_storage_conformance.laws import graph_batches as graph_batches
from unison_storage_conformance.laws import graph_deletes as graph_deletes
from unison_storage_conformance.laws import graph_walks as graph_walks
from unison_storage_conformance.laws import index as index
from unison_storage_conformance.laws import index_upkeep as index_upkeep
from unison_storage_conformance.laws import memory as memory
from unison_storage_conformance.laws import memory_batches as memory_batches
from unison_storage_conformance.laws import memory_conditions as memory_conditions
from unison_storage_conformance.laws import memory_counters as memory_counters
from unison_storage_conformance.laws import memory_lifetimes as memory_lifetimes
from unison_storage_conformance.laws import memory_many as memory_many
from unison_storage_conformance.laws import memory_store as memory_store
from unison_storage_conformance.laws import objects as objects
from unison_storage_conformance.laws import plugin as plugin
