"""unison-storage: one gateway to memory, objects and more, on the backends that plugins bring.

Every public name is resolved on first use, so that importing the package costs little and does nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unison_storage.blocking import BlockingStorage as BlockingStorage
    from unison_storage.capabilities import Capability as Capability
    from unison_storage.capabilities import Limits as Limits
    from unison_storage.classification import DataClass as DataClass
    from unison_storage.errors import *  # noqa: F403 - the whole tree is public
    from unison_storage.graph_model import Grammar as Grammar
    from unison_storage.graph_model import GraphModel as GraphModel
    from unison_storage.graph_model import GraphProperty as GraphProperty
    from unison_storage.graph_model import Relationship as Relationship
    from unison_storage.keyspaces import Keyspace as Keyspace
    from unison_storage.profiles import Profile as Profile
    from unison_storage.storage import Storage as Storage
    from unison_storage.stores.cache import Cache as Cache
    from unison_storage.stores.cached import Cached as Cached
    from unison_storage.stores.graph import Graph as Graph
    from unison_storage.stores.leases import Grant as Grant
    from unison_storage.stores.leases import Lease as Lease
    from unison_storage.stores.memory import Memory as Memory
    from unison_storage.stores.objects import Objects as Objects
    from unison_storage.values import ABSENT as ABSENT
    from unison_storage.values import ANY as ANY
    from unison_storage.values import KEEP as KEEP
    from unison_storage.values import MISSING as MISSING
    from unison_storage.values import PRESENT as PRESENT
    from unison_storage.values import Edge as Edge
    from unison_storage.values import EdgeRef as EdgeRef
    from unison_storage.values import Entry as Entry
    from unison_storage.values import ErasedKind as ErasedKind
    from unison_storage.values import ErasureReport as ErasureReport
    from unison_storage.values import Expect as Expect
    from unison_storage.values import GraphStats as GraphStats
    from unison_storage.values import Health as Health
    from unison_storage.values import Keep as Keep
    from unison_storage.values import Missing as Missing
    from unison_storage.values import Neighbor as Neighbor
    from unison_storage.values import Node as Node
    from unison_storage.values import ObjectInfo as ObjectInfo
    from unison_storage.values import Page as Page
    from unison_storage.values import Path as Path
    from unison_storage.values import Reached as Reached
    from unison_storage.values import Stamp as Stamp
    from unison_storage.values import Walk as Walk

__version__ = "0.1.0"

_WHERE = {
    "unison_storage.storage": ("Storage",),
    "unison_storage.blocking": ("BlockingStorage",),
    "unison_storage.keyspaces": ("Keyspace",),
    "unison_storage.profiles": ("Profile",),
    "unison_storage.classification": ("DataClass",),
    "unison_storage.capabilities": ("Capability", "Limits"),
    "unison_storage.graph_model": ("Grammar", "GraphModel", "GraphProperty", "Relationship"),
    "unison_storage.stores.cache": ("Cache",),
    "unison_storage.stores.cached": ("Cached",),
    "unison_storage.stores.graph": ("Graph",),
    "unison_storage.stores.leases": ("Grant", "Lease"),
    "unison_storage.stores.memory": ("Memory",),
    "unison_storage.stores.objects": ("Objects",),
    "unison_storage.values": (
        *("ABSENT", "ANY", "KEEP", "MISSING", "PRESENT"),
        *("Edge", "EdgeRef", "Entry", "ErasedKind", "ErasureReport", "Expect", "GraphStats", "Health", "Keep"),
        *("Missing", "Neighbor", "Node", "ObjectInfo", "Page", "Path", "Reached", "Stamp", "Walk"),
    ),
    "unison_storage.errors": (
        *("StorageError", "ConfigurationError", "LifecycleError", "RequestError", "IntegrityError"),
        *("AvailabilityError", "UnknownScheme", "AmbiguousPlugin", "PluginLoadError", "InvalidConfig"),
        *("UnknownKeyspace", "GuardViolation", "NotOpen", "Closed", "WrongLoop", "SchemaOutOfDate"),
        *("MigrationLocked", "NotFound", "AlreadyExists", "VersionConflict", "IdempotencyConflict", "HasEdges"),
        *("LeaseHeld", "InvalidKey", "InvalidValue", "InvalidLifetime", "InvalidCursor", "TooLarge", "Unsupported"),
        *("AccessDenied", "RetentionConflict", "ClassificationViolation", "Gone", "VersionDeleted"),
        *("VersionDestroyed", "KeyShredded", "BatchFailed", "Tampered", "WrongContext", "Truncated"),
        *("UnsupportedFormat", "RolledBack", "ObjectMissing", "Unavailable", "DeadlineExceeded", "Throttled"),
        *("PoolExhausted", "TransactionConflict", "AuditUnavailable", "KeyProviderUnavailable"),
    ),
}
_NAMES = {name: module for module, names in _WHERE.items() for name in names}

__all__ = ["__version__", *_NAMES]  # noqa: PLE0604 - built from the table, which a test compares with the modules


def __getattr__(name: str) -> Any:
    module = _NAMES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
