"""The reference plugin: plain in-process backends. The oracle of the suite, and what callers' unit tests run on."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from unison_storage.contracts.backend import BackendSpec, Durability
from unison_storage.contracts.cache import CacheBackend
from unison_storage.contracts.context import Context
from unison_storage.contracts.graph import GraphBackend
from unison_storage.contracts.memory import MemoryBackend
from unison_storage.contracts.objects import Blobs, ObjectIndex
from unison_storage.hookspecs import hookimpl
from unison_storage.reference.cache import ReferenceCache
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.reference.objects import ReferenceBlobs, ReferenceObjectIndex
from unison_storage.targets import Target


class Options(Struct):
    """The reference takes no options."""


@hookimpl
def backend_specs() -> Sequence[BackendSpec]:
    """Describe the reference backends."""
    return (
        BackendSpec(
            name="reference",
            schemes=("reference",),
            kinds=("memory", "object", "object_index", "graph", "cache"),
            durability=Durability.PROCESS,
            production_ready=False,
            options=Options,
        ),
    )


@hookimpl
def memory_backend(target: Target, context: Context) -> MemoryBackend:
    """Make memory in a dict; every call makes an empty one."""
    target.convert(Options)
    return ReferenceMemory(context.clock)


@hookimpl
def blob_backend(target: Target, context: Context) -> Blobs:
    """Make blobs in a dict; every call makes an empty one."""
    target.convert(Options)
    return ReferenceBlobs(context.clock)


@hookimpl
def object_index_backend(target: Target, context: Context) -> ObjectIndex:
    """Make an object index in a dict; every call makes an empty one."""
    target.convert(Options)
    return ReferenceObjectIndex(context.clock)


@hookimpl
def graph_backend(target: Target, context: Context) -> GraphBackend:
    """Make a graph in dicts; every call makes an empty one."""
    target.convert(Options)
    return ReferenceGraph(context.clock)


@hookimpl
def cache_backend(target: Target, context: Context) -> CacheBackend:
    """Make a cache in dicts; every call makes an empty one."""
    target.convert(Options)
    return ReferenceCache(context.clock, context.telemetry)
