"""``graph``: a space as a whole, and the model of what it may hold. Single nodes and edges stand in ``graph``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import typer

from unison_storage.cli import records
from unison_storage.cli.graph_records import counted, model_document
from unison_storage.cli.graph_spaces import Space, inside, named
from unison_storage.cli.options import DryRun, Json, Yes
from unison_storage.cli.output import document, note, show, shown
from unison_storage.cli.prefixes import delete_all
from unison_storage.cli.words import word

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table

    from unison_storage.graph_model import GraphModel, GraphProperty
    from unison_storage.stores.graph import Graph

app = typer.Typer()


@word(app, "stats", "unison-storage graph stats --space tenant-1")
def stats(*, space: Space = None, json: Json = False) -> None:
    """Count the nodes of each label and the edges of each type.

    Of one space. It may have to read all of it.
    """
    found = inside(space, lambda graph: graph.stats())
    if json:
        document({"nodes": found.nodes, "edges": found.edges})
        return
    numbers = [_numbers(name, given) for name, given in (("label", found.nodes), ("type", found.edges)) if given]
    if numbers:
        show(_below_each_other(*numbers))
    note(counted(found), "dim")


@word(
    app,
    "clear",
    "unison-storage graph clear --space tenant-1 --dry-run",
    "unison-storage graph clear --space tenant-1 --yes",
)
def clear(*, dry_run: DryRun = False, yes: Yes = False, space: Space = None, json: Json = False) -> None:
    """Remove every node and edge of one space.

    Asks before. Without --space it is the empty one; other spaces stay, those below it too.
    """
    where = f"of {named(space)}"

    async def work(graph: Graph) -> None:
        async def count() -> int:
            return (await graph.stats()).total

        one, many = "node or edge", "nodes and edges"
        await delete_all(count, graph.clear, one, many, where, dry_run=dry_run, yes=yes, as_json=json)

    inside(space, work)


@word(app, "model", "unison-storage graph model", "unison-storage graph model --json | jq -r '.labels[]'")
def model(*, json: Json = False) -> None:
    """Show what the graph may hold: labels, relationship types and properties.

    Of the model that UNISON_STORAGE_GRAPH_MODEL names, else that of UnisonOS. Opens nothing.
    """
    from unison_storage.storage import Storage

    found = Storage.from_env().graph_model()
    if json:
        document(model_document(found))
        return
    show(_tables(found))


def _tables(model: GraphModel) -> Group:
    types = [[one.type, _ends(one.sources), _ends(one.targets)] for one in model.relationships.values()]
    properties = [[one.name, _grammar(one), str(one.declared)] for one in model.properties.values()]
    return _below_each_other(
        records.table("label", rows=[[label] for label in model.labels]),
        records.table("relationship", "from", "to", rows=types),
        records.table("property", "value", "data class", rows=properties),
    )


def _ends(labels: tuple[str, ...] | None) -> str:
    return "any label" if labels is None else ", ".join(labels)


def _grammar(one: GraphProperty) -> str:
    grammar = f"list of {one.grammar}" if one.many else str(one.grammar)
    return f"{grammar}: {', '.join(one.tags)}" if one.tags else grammar


def _numbers(name: str, given: Mapping[str, int]) -> Table:
    what = "nodes>" if name == "label" else "edges>"
    return records.table(name, what, rows=[[shown(key), f"{number:,}"] for key, number in sorted(given.items())])


def _below_each_other(*tables: RenderableType) -> Group:
    from rich.console import Group

    parts = [part for table in tables for part in ("", table)]
    return Group(*parts[1:])
