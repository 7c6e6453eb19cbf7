"""The hooks of the SQLite plugin. Whatever imports sqlite3 is imported when a hook is called, and not before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unison_storage.contracts.backend import BackendSpec, Durability
from unison_storage.hookspecs import HarnessHooks, hookimpl
from unison_storage_sqlite.config import File, Folder, FolderOptions, Options

if TYPE_CHECKING:
    from unison_storage.contracts.cache import CacheBackend
    from unison_storage.contracts.context import Context
    from unison_storage.contracts.graph import GraphBackend
    from unison_storage.contracts.memory import MemoryBackend
    from unison_storage.contracts.migrations import Migrations
    from unison_storage.contracts.objects import Blobs, ObjectIndex
    from unison_storage.targets import Target


@hookimpl
def backend_specs() -> Sequence[BackendSpec]:
    """Describe what SQLite serves, which core's guard rails refuse in production, and a folder, which they don't."""
    return (
        BackendSpec(
            name="sqlite",
            schemes=("sqlite",),
            kinds=("memory", "object", "object_index", "graph", "cache"),
            durability=Durability.DURABLE,
            production_ready=False,
            options=Options,
        ),
        BackendSpec(
            name="file",
            schemes=("file",),
            kinds=("object",),
            durability=Durability.DURABLE,
            production_ready=True,
            options=FolderOptions,
        ),
    )


@hookimpl
def memory_backend(target: Target, context: Context) -> MemoryBackend:
    """Make memory on the file of a target."""
    from unison_storage_sqlite.memory import SqliteMemory

    return SqliteMemory(File.of(target), context)


@hookimpl
def blob_backend(target: Target, context: Context) -> Blobs:
    """Make blobs in the folder beside the file of a target, or in the folder that it names."""
    from unison_storage_sqlite.blobs import FolderBlobs, SqliteBlobs

    return FolderBlobs(Folder.of(target), context) if target.scheme == "file" else SqliteBlobs(File.of(target), context)


@hookimpl
def object_index_backend(target: Target, context: Context) -> ObjectIndex:
    """Make the object index on the file of a target."""
    from unison_storage_sqlite.objects import SqliteObjectIndex

    return SqliteObjectIndex(File.of(target), context)


@hookimpl
def graph_backend(target: Target, context: Context) -> GraphBackend:
    """Make the graph on the file of a target."""
    from unison_storage_sqlite.graph import SqliteGraph

    return SqliteGraph(File.of(target), context)


@hookimpl
def cache_backend(target: Target, context: Context) -> CacheBackend:
    """Make the cache on the file of a target."""
    from unison_storage_sqlite.cache import SqliteCache

    return SqliteCache(File.of(target), context)


@hookimpl
def migrations(target: Target, context: Context) -> Migrations | None:
    """Return the migrations of the file of a target; a folder has none."""
    from unison_storage_sqlite.migrations import SqliteMigrations

    return None if target.scheme == "file" else SqliteMigrations(File.of(target), context.profile)


@hookimpl
def conformance_harness(target: Target) -> HarnessHooks:
    """Lend the suite what it needs to age a file and to look into it."""
    from unison_storage_sqlite.harness import folder_hooks, hooks

    return folder_hooks(Folder.of(target)) if target.scheme == "file" else hooks(File.of(target))
