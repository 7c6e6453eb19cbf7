"""The hooks of the Neo4j plugin. The driver is imported when a hook is called, and not before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unison_storage.contracts.backend import BackendSpec, Durability
from unison_storage.guards import GuardRule, Served
from unison_storage.hookspecs import hookimpl
from unison_storage.profiles import Profile
from unison_storage.targets import Target
from unison_storage_neo4j.config import Options, Server

if TYPE_CHECKING:
    from unison_storage.contracts.context import Context
    from unison_storage.contracts.graph import GraphBackend
    from unison_storage.contracts.migrations import Migrations


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
    return (
        GuardRule(
            id="neo4j-tls",
            sentence="{scheme}: sends the password and all data to another machine, and can't know which one that is",
            remedy="write bolt+s:// or neo4j+s:// in {setting}, and have the server speak TLS",
            broken=_open_to_others,
            severity={Profile.PRODUCTION: "refuse", Profile.STAGING: "warn"},
        ),
    )


def _open_to_others(served: Served) -> bool:
    if served.scheme.partition("+")[0] not in ("bolt", "neo4j") or served.scheme.endswith("+s"):
        return False
    return served.target is not None and not served.target.here


@hookimpl
def migrations(target: Target, context: Context) -> Migrations:
    """Return the migrations of the database of a target."""
    from unison_storage_neo4j.migrations import Neo4jMigrations

    return Neo4jMigrations(Server.of(target), context.profile)
