"""The graph in two tables. A call is one statement; walks stand in ``walks``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

from unison_storage.contracts.backend import Outcome
from unison_storage.contracts.conditions import fits, has_edges, lacks_end, upserted
from unison_storage.contracts.context import Context
from unison_storage.contracts.graph import (
    Edges,
    Flags,
    GraphBackend,
    Neighbors,
    Nodes,
    Route,
    Search,
    Space,
    Traversal,
)
from unison_storage.errors import RequestError
from unison_storage.values import Edge, EdgeRef, GraphStats, Neighbor, Node, NodeRef, Path, Walk
from unison_storage_postgres import graph_rows, graph_statements, walks
from unison_storage_postgres.config import Server
from unison_storage_postgres.graph_rows import Columns
from unison_storage_postgres.session import ServerBackend
from unison_storage_postgres.statements import Statement
from unison_storage_postgres.turns import Turn, in_turn

_LOOKED_AT: Final = 1_000
"""How many nodes are fetched at once where numbers are sought, which are compared here."""

_ref: Final = attrgetter("ref")


class PostgresGraph(ServerBackend, GraphBackend):
    """The graph on a server."""

    def __init__(self, server: Server, context: Context) -> None:
        super().__init__(server, context)
        self._nodes = Turn(self._upsert_nodes, self._look_at_nodes, _refusal_of_node, about=_ref)
        self._edges = Turn(self._upsert_edges, self._look_at_edges, _refusal_of_edge, about=_ref)

    async def upsert_nodes(self, nodes: Sequence[Node]) -> Flags:
        """See the contract."""
        return await in_turn(self._nodes, nodes)

    async def upsert_edges(self, edges: Sequence[Edge]) -> Flags:
        """See the contract."""
        return await in_turn(self._edges, edges)

    async def get_nodes(self, refs: Sequence[NodeRef]) -> Nodes:
        """See the contract."""
        found = await self._nodes_at(refs)
        return [found.get(at) for at in range(1, len(refs) + 1)]

    async def get_edges(self, refs: Sequence[EdgeRef]) -> Edges:
        """See the contract."""
        found = await self._edges_at(refs)
        return [found.get(at) for at in range(1, len(refs) + 1)]

    async def delete_nodes(self, refs: Sequence[NodeRef], detach: bool) -> Flags:  # noqa: FBT001 - see the contract
        """See the contract. All of it goes in one statement."""
        statement = graph_statements.NODES_DETACH if detach else graph_statements.NODES_DELETE
        return await self._deleted(statement, refs, graph_rows.places)

    async def delete_edges(self, refs: Sequence[EdgeRef]) -> Flags:
        """See the contract. All of it goes in one statement."""
        return await self._deleted(graph_statements.EDGES_DELETE, refs, graph_rows.places_of_edges)

    async def neighbors(self, asked: Sequence[Neighbors]) -> list[Outcome[list[Neighbor]]]:
        """See the contract. Questions that are asked alike are one statement."""
        return await walks.neighbors(self._session.run, asked)

    async def traverse(self, traversal: Traversal) -> Walk:
        """See the contract. All of it is one statement."""
        return await walks.traverse(self._session.run, traversal)

    async def shortest_path(self, route: Route) -> Path | None:
        """See the contract. All of it is one statement."""
        return await walks.shortest_path(self._session.run, route)

    async def find_nodes(self, search: Search) -> Sequence[Node]:
        """See the contract. The server compares texts and truth values; a search for numbers reads nodes in parts."""
        found: list[Node] = []
        after: str | None = search.after
        while after is not None and len(found) < search.limit:
            nodes, after = await self._found(search, after, search.limit - len(found))
            found += nodes
        return found

    async def owned(self, person: str) -> int:
        """See the contract."""
        return await self._number(graph_statements.GRAPH_OWNED, person)

    async def erase(self, person: str) -> int:
        """See the contract. All of it goes in one statement."""
        return await self._number(graph_statements.GRAPH_ERASE, person)

    async def clear(self, space: Space) -> int:
        """See the contract. All of it goes in one statement."""
        return await self._number(graph_statements.GRAPH_CLEAR, graph_rows.first_segment(space), space)

    async def stats(self, space: Space | None) -> GraphStats:
        """See the contract."""
        if space is None:
            rows = await self._session.run(graph_statements.GRAPH_STATS, ())
        else:
            where = (graph_rows.first_segment(space), space)
            rows = await self._session.run(graph_statements.GRAPH_STATS_OF_SPACE, where)
        nodes, edges = ({name: count for of, name, count in rows if of == kind} for kind in ("node", "edge"))
        return GraphStats(nodes, edges)

    async def scan(self, after: NodeRef | None, limit: int) -> Sequence[Node]:
        """See the contract: by space, label and id."""
        _, *place = graph_rows.place(after or ("", ""))
        rows = await self._session.run(graph_statements.NODES_SCAN, (*place, limit))
        return [graph_rows.node((label, space + id), *rest) for space, label, id, *rest in rows]

    async def _upsert_nodes(self, nodes: Sequence[Node]) -> Mapping[NodeRef, bool]:
        columns = (*graph_rows.places(node.ref for node in nodes), *graph_rows.changes(nodes))
        rows = await self._session.run(graph_statements.NODES_UPSERT, columns)
        return {nodes[at - 1].ref: made for at, made in rows}

    async def _nodes_at(self, refs: Sequence[NodeRef]) -> Mapping[int, Node]:
        """Return those that are there, each by its place in the batch, from 1: one asked for twice is made twice."""
        rows = await self._session.run(graph_statements.NODES_GET, graph_rows.places(refs)) if refs else []
        return {at: graph_rows.node(refs[at - 1], *row) for at, *row in rows}

    async def _look_at_nodes(self, refs: Sequence[NodeRef]) -> Mapping[NodeRef, Node]:
        return {refs[at - 1]: node for at, node in (await self._nodes_at(refs)).items()}

    async def _upsert_edges(self, edges: Sequence[Edge]) -> Mapping[EdgeRef, bool]:
        columns = (*graph_rows.places_of_edges(edge.ref for edge in edges), *graph_rows.changes(edges))
        rows = await self._session.run(graph_statements.EDGES_UPSERT, columns)
        return {edges[at - 1].ref: made for at, made in rows}

    async def _edges_at(self, refs: Sequence[EdgeRef]) -> Mapping[int, Edge | None]:
        """Return the edge, or ``None``, for each whose ends are there, as ``_nodes_at`` does."""
        rows = await self._session.run(graph_statements.EDGES_LOOK, graph_rows.places_of_edges(refs)) if refs else []
        return {
            at: None if properties is None else graph_rows.edge(refs[at - 1], properties, person)
            for at, properties, person in rows
        }

    async def _look_at_edges(self, refs: Sequence[EdgeRef]) -> Mapping[EdgeRef, tuple[Edge | None]]:
        return {refs[at - 1]: (edge,) for at, edge in (await self._edges_at(refs)).items()}

    async def _deleted(self, statement: Statement, refs: Sequence[Any], columns: Callable[..., Columns]) -> Flags:
        """Delete each; one that is named twice was there once."""
        wanted = list(dict.fromkeys(refs))
        rows = await self._session.run(statement, columns(wanted)) if refs else []
        there: dict[Any, bool] = {wanted[at - 1]: went for at, went in rows}
        answers: list[Outcome[bool]] = []
        for ref in refs:
            went = there.get(ref)
            answers.append(has_edges() if went is False else bool(went))
            if went:
                del there[ref]
        return answers

    async def _found(self, search: Search, after: str, wanted: int) -> tuple[list[Node], str | None]:
        """Return at most so many nodes, and the id after which to go on, ``None`` at the end."""
        exact = {name: value for name, value in search.where.items() if isinstance(value, (str, bool))}
        size = wanted if len(exact) == len(search.where) else max(wanted, _LOOKED_AT)
        space = search.space
        rows = await self._session.run(
            graph_statements.NODES_FIND,
            (
                graph_rows.first_segment(space),
                space,
                search.label,
                graph_rows.cursor(after, space),
                graph_rows.encoded(exact) if exact else None,
                size,
            ),
        )
        nodes = [graph_rows.node((search.label, space + id), *rest) for id, *rest in rows]
        found = [node for node in nodes if fits(node.properties, search.where)]
        if len(found) > wanted:
            return found[:wanted], found[wanted - 1].id
        return found, nodes[-1].id if len(rows) == size else None


def _refusal_of_node(node: Node, stored: Node | None) -> RequestError | None:
    result = upserted(stored, node)
    return result if isinstance(result, RequestError) else None


def _refusal_of_edge(edge: Edge, seen: tuple[Edge | None] | None) -> RequestError | None:
    if seen is None:
        return lacks_end()
    result = upserted(seen[0], edge)
    return result if isinstance(result, RequestError) else None
