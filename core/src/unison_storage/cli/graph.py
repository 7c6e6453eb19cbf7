"""``graph``: nodes and edges, one by one or in lists. Walks and whole spaces stand in modules of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from unison_storage.cli import graph_backups, graph_inputs, graph_walks, graph_whole, records
from unison_storage.cli.failures import FAILED, facts, tell_items
from unison_storage.cli.graph_records import named, property_facts
from unison_storage.cli.graph_spaces import Id, Label, Space, inside
from unison_storage.cli.options import File, Json
from unison_storage.cli.output import answer, answer_deleted
from unison_storage.cli.words import word
from unison_storage.errors import BatchFailed, NotFound, StorageError
from unison_storage.graph_documents import edge_document, node_document
from unison_storage.values import Edge, EdgeRef, Node

if TYPE_CHECKING:
    from unison_storage.graph_model import GraphModel
    from unison_storage.stores.graph import Graph

Item = TypeVar("Item")
Made = bool | StorageError

app = typer.Typer(no_args_is_help=True, help="Relate ids: nodes, edges and the ways between them.")

Value = Annotated[str | None, typer.Option(metavar="JSON", help="Take it from here; other users may see it in ps.")]
EdgeWords = Annotated[
    list[str],
    typer.Argument(
        metavar="TYPE SOURCE_LABEL SOURCE_ID TARGET_LABEL TARGET_ID [KEY]",
        help="Its relationship type, the node it leads from, the one it leads to and, where it has one, its key.",
    ),
]


@word(
    app,
    "upsert-nodes",
    """echo '{"label": "Person", "id": "p1"}' | unison-storage graph upsert-nodes""",
    "unison-storage graph upsert-nodes --file nodes.json --space tenant-1",
)
def upsert_nodes(*, value: Value = None, file: File = None, space: Space = None, json: Json = False) -> None:
    """Make nodes, or merge properties into those that are there.

    JSON from stdin: one object or a list, each with label, id and perhaps properties and person.
    A property that is null is removed. Each node stands or fails by itself; exits 1 if any failed.
    """
    given = graph_inputs.nodes(value, file)
    _report(inside(space, lambda graph: _each(graph.upsert_nodes, given)), as_json=json)


@word(
    app,
    "upsert-edges",
    'echo \'{"type": "OWNS", "source": {"label": "Person", "id": "p1"}, '
    '"target": {"label": "Device", "id": "d1"}}\' | unison-storage graph upsert-edges',
    "unison-storage graph upsert-edges --file edges.json",
)
def upsert_edges(*, value: Value = None, file: File = None, space: Space = None, json: Json = False) -> None:
    """Make edges, or merge properties into those that are there.

    JSON from stdin: one object or a list, as below; key, properties and person may be added.
    Both ends have to be there. Each edge stands or fails by itself; exits 1 if any failed.
    """
    given = graph_inputs.edges(value, file)
    _report(inside(space, lambda graph: _each(graph.upsert_edges, given)), as_json=json)


@word(app, "get-node", "unison-storage graph get-node Person p1")
def get_node(label: Label, id: Id, *, space: Space = None, json: Json = False) -> None:
    """Print what is known of a node.

    Exits 1 if it is not there.
    """

    async def work(graph: Graph) -> tuple[Node | None, GraphModel]:
        return await graph.get_node((label, id)), graph.model

    node, model = inside(space, work)
    if node is None:
        raise NotFound("there is no such node", kind="graph", operation="get_node")
    said = [("node", named(node.ref)), ("person", node.person or "none"), *property_facts(node.properties, model)]
    answer(node_document(node), records.facts(said), as_json=json)


@word(app, "get-edge", "unison-storage graph get-edge OWNS Person p1 Device d1")
def get_edge(words: EdgeWords, *, space: Space = None, json: Json = False) -> None:
    """Print what is known of an edge.

    Exits 1 if it is not there.
    """
    ref = _ref(words)

    async def work(graph: Graph) -> tuple[Edge | None, GraphModel]:
        return await graph.get_edge(ref), graph.model

    edge, model = inside(space, work)
    if edge is None:
        raise NotFound("there is no such edge", kind="graph", operation="get_edge")
    said = [("edge", edge.type), ("from", named(edge.source)), ("to", named(edge.target)), ("key", edge.key or "none")]
    said += [("person", edge.person or "none"), *property_facts(edge.properties, model)]
    answer(edge_document(edge), records.facts(said), as_json=json)


@word(app, "delete-node", "unison-storage graph delete-node Device d1 --detach")
def delete_node(
    label: Label,
    id: Id,
    *,
    detach: Annotated[bool, typer.Option("--detach", help="Remove its edges too.")] = False,
    space: Space = None,
    json: Json = False,
) -> None:
    """Remove a node.

    It is no failure if it was not there. Exits 1 if it still has edges.
    """
    gone = inside(space, lambda graph: graph.delete_node((label, id), detach=detach))
    answer_deleted(gone=gone, as_json=json)


@word(app, "delete-edge", "unison-storage graph delete-edge OWNS Person p1 Device d1")
def delete_edge(words: EdgeWords, *, space: Space = None, json: Json = False) -> None:
    """Remove an edge.

    Its ends stay. It is no failure if it was not there.
    """
    ref = _ref(words)
    gone = inside(space, lambda graph: graph.delete_edge(ref))
    answer_deleted(gone=gone, as_json=json)


for part in (graph_walks, graph_whole, graph_backups):
    app.registered_commands += part.app.registered_commands


def _ref(words: Sequence[str]) -> EdgeRef:
    if len(words) not in (5, 6):
        raise typer.BadParameter("an edge is named by five words, or six with its key", param_hint="TYPE ... [KEY]")
    return EdgeRef(words[0], (words[1], words[2]), (words[3], words[4]), *words[5:])


async def _each(upsert: Callable[[Sequence[Item]], Awaitable[list[bool]]], given: Sequence[Item]) -> list[Made]:
    try:
        return list(await upsert(given))
    except BatchFailed as error:
        return [error.results[place] for place in range(len(given))]


def _report(results: Sequence[Made], *, as_json: bool) -> None:
    failed = {place: one for place, one in enumerate(results, 1) if isinstance(one, StorageError)}
    numbers = {"made": results.count(True), "merged": results.count(False), "failed": len(failed)}
    said = ", ".join(f"{what} {number:,}" for what, number in numbers.items() if number or what != "failed")
    answer({**numbers, "results": [_document(one) for one in results]}, said, as_json=as_json)
    if failed:
        tell_items(failed)
        raise typer.Exit(FAILED)


def _document(result: Made) -> dict[str, Any]:
    return {"error": facts(result)} if isinstance(result, StorageError) else {"made": result}
