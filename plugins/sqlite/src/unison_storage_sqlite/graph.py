"""The graph in two tables. Here each operation is handed to its steps; those are in ``graph_writes`` and ``walks``."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from unison_storage.contracts.backend import Outcome
from unison_storage.contracts.conditions import fits
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
    space_of,
)
from unison_storage.values import Edge, EdgeRef, GraphStats, Neighbor, Node, NodeRef, Path, Walk
from unison_storage_sqlite import errors, graph_rows, graph_statements, graph_writes, walks
from unison_storage_sqlite.session import FileBackend

_LOOKED_AT: Final = 1_000
"""How many nodes a search for properties looks at before others have their turn."""


class SqliteGraph(FileBackend, GraphBackend):
    """The graph in a file."""

    async def upsert_nodes(self, nodes: Sequence[Node]) -> Flags:
        """See the contract."""
        return await self._session.run(graph_writes.upsert_nodes, nodes, write=True)

    async def upsert_edges(self, edges: Sequence[Edge]) -> Flags:
        """See the contract."""
        return await self._session.run(graph_writes.upsert_edges, edges, write=True)

    async def get_nodes(self, refs: Sequence[NodeRef]) -> Nodes:
        """See the contract. Gets of many callers are one statement."""
        return await self._session.run(_get_nodes, refs)

    async def get_edges(self, refs: Sequence[EdgeRef]) -> Edges:
        """See the contract. Gets of many callers are one statement."""
        return await self._session.run(_get_edges, refs)

    async def delete_nodes(self, refs: Sequence[NodeRef], detach: bool) -> Flags:  # noqa: FBT001 - see the contract
        """See the contract."""
        return await self._session.run(graph_writes.delete_nodes, [(ref, detach) for ref in refs], write=True)

    async def delete_edges(self, refs: Sequence[EdgeRef]) -> Flags:
        """See the contract."""
        return await self._session.run(graph_writes.delete_edges, refs, write=True)

    async def neighbors(self, asked: Sequence[Neighbors]) -> list[Outcome[list[Neighbor]]]:
        """See the contract."""
        return await self._session.run(walks.neighbors, asked)

    async def traverse(self, traversal: Traversal) -> Walk:
        """See the contract."""
        levels = await self._session.one(walks.traverse, traversal)
        try:
            return walks.walk(levels)
        except msgspec.DecodeError as error:
            raise errors.translated(error) from None

    async def shortest_path(self, route: Route) -> Path | None:
        """See the contract."""
        path: Path | None = await self._session.one(walks.shortest_path, route)
        return path

    async def find_nodes(self, search: Search) -> Sequence[Node]:
        """See the contract. A search for properties reads nodes in parts, and sees each part as it is then."""
        found: list[Node] = []
        after: str | None = search.after
        while after is not None and len(found) < search.limit:
            nodes, after = await self._session.one(_find, (search, after, search.limit - len(found)))
            found += nodes
        return found

    async def owned(self, person: str) -> int:
        """See the contract."""
        return int(await self._session.one(_owned, person))

    async def erase(self, person: str) -> int:
        """See the contract. All of it goes in one transaction."""
        return int(await self._session.one(graph_writes.erase, person, write=True))

    async def clear(self, space: Space) -> int:
        """See the contract. All of it goes in one transaction."""
        return int(await self._session.one(graph_writes.clear, space, write=True))

    async def stats(self, space: Space | None) -> GraphStats:
        """See the contract."""
        stats: GraphStats = await self._session.one(_stats, space)
        return stats

    async def scan(self, after: NodeRef | None, limit: int) -> Sequence[Node]:
        """See the contract: by space, label and id."""
        found: list[Node] = await self._session.one(_scan, (after, limit))
        return found


def _get_nodes(database: sqlite3.Connection, now: int, refs: Sequence[NodeRef]) -> list[Node | None]:  # noqa: ARG001 - see Step
    return graph_rows.nodes(database, refs)


def _get_edges(database: sqlite3.Connection, now: int, refs: Sequence[EdgeRef]) -> list[Edge | None]:  # noqa: ARG001 - see Step
    return [found and found[1] for found in graph_rows.edges(database, refs)]


def _find(
    database: sqlite3.Connection,
    now: int,  # noqa: ARG001 - see Step
    searches: Sequence[tuple[Search, str, int]],
) -> list[tuple[list[Node], str | None]]:
    """Answer at most so many nodes, and the id after which to go on, ``None`` at the end."""
    answers = []
    for search, after, wanted in searches:
        size = max(wanted, _LOOKED_AT) if search.where else wanted
        rows = database.execute(graph_statements.NODES_FIND, (search.space, search.label, after, size)).fetchall()
        held = ((id, graph_rows.decode_properties(properties), person) for id, properties, person in rows)
        found = [Node(search.label, *row) for row in held if fits(row[1], search.where)]
        answers.append((found[:wanted], rows[-1][0] if len(rows) == size else None))
    return answers


def _scan(
    database: sqlite3.Connection,
    now: int,  # noqa: ARG001 - see Step
    asked: Sequence[tuple[NodeRef | None, int]],
) -> list[list[Node]]:
    answers = []
    for after, limit in asked:
        place = ("", "", "") if after is None else (space_of(after[1]), *after)
        rows = database.execute(graph_statements.NODES_SCAN, (*place, limit))
        answers.append(
            [Node(label, id, graph_rows.decode_properties(held), person) for label, id, held, person in rows]
        )
    return answers


def _owned(database: sqlite3.Connection, now: int, persons: Sequence[str]) -> list[int]:  # noqa: ARG001 - see Step
    return [database.execute(graph_statements.COUNT_OF_PERSON, (person,)).fetchone()[0] for person in persons]


def _stats(database: sqlite3.Connection, now: int, spaces: Sequence[Space | None]) -> list[GraphStats]:  # noqa: ARG001 - see Step
    answers = []
    for space in spaces:
        if space is None:
            rows = database.execute(graph_statements.STATS).fetchall()
        else:
            rows = database.execute(graph_statements.STATS_OF_SPACE, (space,)).fetchall()
        nodes, edges = ({name: count for of, name, count in rows if of == kind} for kind in ("node", "edge"))
        answers.append(GraphStats(nodes, edges))
    return answers
