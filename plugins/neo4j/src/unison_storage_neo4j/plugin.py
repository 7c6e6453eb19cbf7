"""The hooks of the Neo4j plugin. The driver is imported when a hook is called, and not before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unison_storage.capabilities import Capability
from unison_storage.contracts.backend import BackendSpec, Durability
from unison_storage.guards import GuardRule, tls_rule
from unison_storage.hookspecs import hookimpl
from unison_storage_neo4j.config import Options, Server

if TYPE_CHECKING:
    from unison_storage.contracts.context import Context
    from unison_storage.contracts.graph import GraphBackend
    from unison_storage.contracts.migrations import Migrations
    from unison_storage.targets import Target


@hookimpl
def backend_specs() -> Sequence[BackendSpec]:
    """Describe what Neo4j serves."""
    return (
        BackendSpec(
            name="neo4j",
            schemes=("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc"),
            kinds=("graph",),
            durability=Durability.DURABLE,
            production_ready=True,
            capabilities=frozenset({Capability.QUERY, Capability.BOOKMARKS}),
            options=Options,
        ),
    )


@hookimpl
def graph_backend(target: Target, context: Context) -> GraphBackend:
    """Make the graph on the database of a target."""
    from unison_storage_neo4j.graph import Neo4jGraph

    return Neo4jGraph(Server.of(target), context)


@hookimpl
def guard_rules() -> Sequence[GuardRule]:
    """Return what profiles look at: passwords and data that others can read or change on a network."""
    return (tls_rule("neo4j-tls", _open, "write bolt+s:// or neo4j+s:// in {setting}, and have the server speak TLS"),)


def _open(target: Target) -> bool:
    return target.scheme.partition("+")[0] in ("bolt", "neo4j") and not target.scheme.endswith("+s")


@hookimpl
def migrations(target: Target, context: Context) -> Migrations:
    """Return the migrations of the database of a target."""
    from unison_storage_neo4j.migrations import Neo4jMigrations

    return Neo4jMigrations(Server.of(target), context.profile)
