"""The hooks that a plugin may implement, and nothing else. They are factories: called at open, never per operation.

A plugin is a module named by an entry point of group ``unison_storage``; the entry's name is a URL scheme. It
implements hooks as plain functions marked with ``hookimpl``.

Laws of a plugin:

    plugin.1  It can be imported; its hooks fit the hookspecs by name and by arguments.
    plugin.2  Importing it, and describing its backends, imports no driver and no web framework, and does no I/O.
    plugin.3  It describes the scheme of each of its entry points, for this API version, with kinds that there are.
    plugin.4  A hook makes a backend of the right contract for each kind that is described; name, durability,
              readiness for production and capabilities are as described.
    plugin.5  An option that it does not know, or that has a wrong value, is ``InvalidConfig``, told before any I/O.
    plugin.6  Making a backend does no I/O; only ``open`` does.
    plugin.7  ``migrations`` answers the state of the schema without changing it; applying twice is applying once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import pluggy
from msgspec import Struct

from unison_storage.contracts.backend import BackendSpec
from unison_storage.contracts.cache import CacheBackend
from unison_storage.contracts.context import Context
from unison_storage.contracts.graph import GraphBackend
from unison_storage.contracts.memory import MemoryBackend
from unison_storage.contracts.migrations import Migrations
from unison_storage.contracts.objects import Blobs, ObjectIndex
from unison_storage.guards import GuardRule
from unison_storage.targets import Target

PROJECT = "unison_storage"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class HarnessHooks(Struct, frozen=True):
    """What a plugin lends to those who test its backends; each is optional.

    ``age(seconds)`` makes everything stored older by that much. ``raw(address)`` returns the stored bytes past the
    backend. ``restart()`` stops the server at once and starts it again.
    """

    age: Callable[[float], Awaitable[None]] | None = None
    raw: Callable[[str], Awaitable[bytes | None]] | None = None
    restart: Callable[[], Awaitable[None]] | None = None


@hookspec
def backend_specs() -> Sequence[BackendSpec]:
    """Describe the backends of this plugin, without importing a driver."""
    return ()


@hookspec(firstresult=True)
def memory_backend(target: Target, context: Context) -> MemoryBackend | None:
    """Make the memory backend for a target; no I/O before its ``open``."""


@hookspec(firstresult=True)
def blob_backend(target: Target, context: Context) -> Blobs | None:
    """Make the backend that keeps the bytes of objects; no I/O before its ``open``."""


@hookspec(firstresult=True)
def object_index_backend(target: Target, context: Context) -> ObjectIndex | None:
    """Make the backend that knows which object is where; no I/O before its ``open``."""


@hookspec(firstresult=True)
def graph_backend(target: Target, context: Context) -> GraphBackend | None:
    """Make the graph backend for a target; no I/O before its ``open``."""


@hookspec(firstresult=True)
def cache_backend(target: Target, context: Context) -> CacheBackend | None:
    """Make the cache backend for a target; no I/O before its ``open``."""


@hookspec(firstresult=True)
def migrations(target: Target, context: Context) -> Migrations | None:
    """Return the migrations of the target's schema, or ``None`` where there is no schema."""


@hookspec
def guard_rules() -> Sequence[GuardRule]:
    """Return rules of this plugin that profiles check before anything is opened."""
    return ()


@hookspec(firstresult=True)
def conformance_harness(target: Target) -> HarnessHooks | None:
    """Lend the conformance suite what it needs beyond the URL."""
