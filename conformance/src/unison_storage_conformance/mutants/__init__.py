"""Mutants: backends that are broken on purpose, each caught by the law it names, by contract."""

from __future__ import annotations

from unison_storage_conformance.mutants import backend as backend
from unison_storage_conformance.mutants import benign as benign
from unison_storage_conformance.mutants import blobs as blobs
from unison_storage_conformance.mutants import cache as cache
from unison_storage_conformance.mutants import cache_leases as cache_leases
from unison_storage_conformance.mutants import coalescer as coalescer
from unison_storage_conformance.mutants import crashes as crashes
from unison_storage_conformance.mutants import faults as faults
from unison_storage_conformance.mutants import graph as graph
from unison_storage_conformance.mutants import graph_deletes as graph_deletes
from unison_storage_conformance.mutants import graph_paths as graph_paths
from unison_storage_conformance.mutants import graph_walks as graph_walks
from unison_storage_conformance.mutants import histories as histories
from unison_storage_conformance.mutants import index as index
from unison_storage_conformance.mutants import index_upkeep as index_upkeep
from unison_storage_conformance.mutants import memory as memory
from unison_storage_conformance.mutants import memory_conditions as memory_conditions
from unison_storage_conformance.mutants import memory_counters as memory_counters
from unison_storage_conformance.mutants import memory_many as memory_many
from unison_storage_conformance.mutants import objects as objects
from unison_storage_conformance.mutants import resources as resources
from unison_storage_conformance.mutants import secrecy as secrecy
