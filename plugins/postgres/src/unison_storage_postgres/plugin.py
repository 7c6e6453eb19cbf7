"""The hooks of the PostgreSQL plugin. The driver is imported when a hook is called, and not before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unison_storage.contracts.backend import BackendSpec, Durability
from unison_storage.guards import GuardRule, tls_rule
from unison_storage.hookspecs import HarnessHooks, hookimpl
from unison_storage_postgres.config import Options, Server

if TYPE_CHECKING:
    from unison_storage.contracts.context import Context
    from unison_storage.contracts.graph import GraphBackend
    from unison_storage.contracts.memory import MemoryBackend
    from unison_storage.contracts.migrations import Migrations
    from unison_storage.contracts.objects import ObjectIndex
    from unison_storage.targets import Target


@hookimpl
def backend_specs() -> Sequence[BackendSpec]:
    """Describe what PostgreSQL serves."""
    return (
        BackendSpec(
            name="postgres",
            schemes=("postgresql",),
            kinds=("memory", "object_index", "graph"),
            durability=Durability.DURABLE,
            production_ready=True,
            options=Options,
        ),
    )


@hookimpl
def memory_backend(target: Target, context: Context) -> MemoryBackend:
    """Make memory on the database of a target."""
    from unison_storage_postgres.memory import PostgresMemory

    return PostgresMemory(Server.of(target), context)


@hookimpl
def object_index_backend(target: Target, context: Context) -> ObjectIndex:
    """Make the object index on the database of a target."""
    from unison_storage_postgres.objects import PostgresObjectIndex

    return PostgresObjectIndex(Server.of(target), context)


@hookimpl
def graph_backend(target: Target, context: Context) -> GraphBackend:
    """Make the graph on the database of a target."""
    from unison_storage_postgres.graph import PostgresGraph

    return PostgresGraph(Server.of(target), context)


@hookimpl
def migrations(target: Target, context: Context) -> Migrations:
    """Return the migrations of the database of a target."""
    from unison_storage_postgres.migrations import PostgresMigrations

    return PostgresMigrations(Server.of(target), context.profile)


@hookimpl
def guard_rules() -> Sequence[GuardRule]:
    """Return what profiles look at: passwords and data that others can read or change on a network."""
    return (
        tls_rule(
            "postgres-tls", _open, "add ?sslmode=verify-full to {setting}, and sslrootcert for an authority of your own"
        ),
    )


def _open(target: Target) -> bool:
    return target.scheme == "postgresql" and target.options.get("sslmode") != "verify-full"


@hookimpl
def conformance_harness(target: Target) -> HarnessHooks:
    """Lend the suite what it needs to age a database and to look into it."""
    from unison_storage_postgres.harness import hooks

    return hooks(Server.of(target))
