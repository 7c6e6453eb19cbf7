"""``graph``: what lies around a node and between two, and nodes by their properties. Nothing is written here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unison_storage.cli import graph_inputs, records
from unison_storage.cli.failures import NO
from unison_storage.cli.graph_records import arrow, brief, chain, named
from unison_storage.cli.graph_spaces import Id, Label, Space, inside
from unison_storage.cli.listings import Listing, listed
from unison_storage.cli.options import Cursor, Everything, Json, Limit
from unison_storage.cli.output import document, line, note, show, shown
from unison_storage.cli.words import word
from unison_storage.graph_documents import neighbor_document, node_document, path_document, walk_document
from unison_storage.stores.graph_arguments import MAX_DEPTH, MAX_NODES
from unison_storage.values import Direction, Neighbor, Node, NodeRef, Walk

if TYPE_CHECKING:
    from unison_storage.stores.graph import Graph

app = typer.Typer()

Towards = Annotated[Direction, typer.Option("--direction", help="Which way along the edges.")]
Types = Annotated[
    list[str] | None, typer.Option("--type", metavar="TYPE", help="Only along such edges; may be repeated.")
]
Depth = Annotated[int, typer.Option(min=1, max=MAX_DEPTH, help="How many edges away at most.")]


@word(
    app,
    "neighbors",
    "unison-storage graph neighbors Person p1",
    "unison-storage graph neighbors Device d1 --direction both --type OWNS --label Person --all",
)
def neighbors(
    label: Label,
    id: Id,
    *,
    direction: Towards = "out",
    types: Types = None,
    labels: Annotated[
        list[str] | None, typer.Option("--label", metavar="LABEL", help="Only such nodes; may be repeated.")
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    everything: Everything = False,
    space: Space = None,
    json: Json = False,
) -> None:
    """List the nodes beside one, with the edges that lead there.

    In order of the edge's type, then label and id.
    """
    start = label, id

    def row(found: Neighbor) -> list[str]:
        node, edge = found.node, found.edge
        return [arrow(edge, start, node.ref), named(node.ref), brief(edge.properties), brief(node.properties)]

    columns = ("edge", "node", "of the edge", "of the node")
    listing = Listing(columns, row, neighbor_document, "neighbor", "neighbors")

    def page(graph: Graph, cursor: str | None, limit: int) -> Awaitable[Any]:
        return graph.neighbors_page(
            start, direction=direction, types=types or None, labels=labels or None, cursor=cursor, limit=limit
        )

    _list(space, page, listing, cursor, limit, everything=everything, as_json=json)


@word(
    app,
    "traverse",
    "unison-storage graph traverse Person p1 --max-depth 2",
    "unison-storage graph traverse Person p1 Person p2 --direction both --type OWNS --type MEMBER_OF",
)
def traverse(
    words: Annotated[list[str], typer.Argument(metavar="LABEL ID [LABEL ID]...", help="The nodes to begin at.")],
    *,
    direction: Towards = "out",
    types: Types = None,
    max_depth: Depth = 3,
    max_nodes: Annotated[int, typer.Option(min=1, max=MAX_NODES, help="How many nodes at most.")] = 1_000,
    space: Space = None,
    json: Json = False,
) -> None:
    """List the nodes that can be reached from some.

    By depth, then label and id; each comes once, and those that it begins at are left out.
    """
    starts = _refs(words)

    async def work(graph: Graph) -> Walk:
        return await graph.traverse(
            *starts, direction=direction, types=types or None, max_depth=max_depth, max_nodes=max_nodes
        )

    walk = inside(space, work)
    if json:
        document(walk_document(walk))
        return
    if walk.nodes:
        rows = [[str(one.depth), named((one.label, one.id)), brief(one.properties)] for one in walk.nodes]
        show(records.table("depth>", "node", "properties", rows=rows))
    tail = f"; cut: --max-nodes {max_nodes} left some out" if walk.cut else ""
    note(f"{records.count(len(walk.nodes), 'node')}{tail}", "yellow" if walk.cut else "dim")


@word(
    app,
    "shortest-path",
    "unison-storage graph shortest-path Person p1 Skill s9",
    "unison-storage graph shortest-path Person p1 Session x7 --direction both --max-depth 10",
)
def shortest_path(
    label: Label,
    id: Id,
    target_label: Annotated[str, typer.Argument(metavar="LABEL", help="The label of the node to arrive at.")],
    target_id: Annotated[str, typer.Argument(metavar="ID", help="Its id.")],
    *,
    direction: Towards = "out",
    types: Types = None,
    max_depth: Depth = 6,
    space: Space = None,
    json: Json = False,
) -> None:
    """Show one of the shortest ways from a node to another.

    Exits 0 if there is one and 3 if there is none; 1 means that it could not be found out.
    """
    path = inside(
        space,
        lambda graph: graph.shortest_path(
            (label, id), (target_label, target_id), direction=direction, types=types or None, max_depth=max_depth
        ),
    )
    if json:
        document(path_document(path))
    elif path is not None:
        line(chain(path))
        note(records.count(path.length, "edge"), "dim")
    if path is None:
        note(f"there is no way of {records.count(max_depth, 'edge')} or less", "dim")
        raise typer.Exit(NO)


@word(
    app,
    "find-nodes",
    "unison-storage graph find-nodes Session --where 'status=\"active\"'",
    "unison-storage graph find-nodes Device --all --json | jq -r '.items[].id'",
)
def find_nodes(
    label: Label,
    *,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=JSON", help="What a property has to equal; may be repeated."),
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    everything: Everything = False,
    space: Space = None,
    json: Json = False,
) -> None:
    """List the nodes of a label.

    In byte order of their ids.
    """
    wanted = graph_inputs.where(where)

    def row(node: Node) -> list[str]:
        return [shown(node.id), shown(node.person or ""), brief(node.properties)]

    listing = Listing(("id", "person", "properties"), row, node_document, "node", "nodes")

    def page(graph: Graph, cursor: str | None, limit: int) -> Awaitable[Any]:
        return graph.find_nodes_page(label, wanted, cursor=cursor, limit=limit)

    _list(space, page, listing, cursor, limit, everything=everything, as_json=json)


def _list(
    space: list[str] | None,
    page: Callable[[Graph, str | None, int], Awaitable[Any]],
    listing: Listing,
    cursor: str | None,
    limit: int,
    *,
    everything: bool,
    as_json: bool,
) -> None:
    async def work(graph: Graph) -> None:
        await listed(partial(page, graph), listing, cursor, limit, everything=everything, as_json=as_json)

    inside(space, work)


def _refs(words: Sequence[str]) -> list[NodeRef]:
    if len(words) % 2:
        raise typer.BadParameter("a node is a label and an id, and one word is left over", param_hint="LABEL ID")
    return list(zip(words[::2], words[1::2], strict=True))
