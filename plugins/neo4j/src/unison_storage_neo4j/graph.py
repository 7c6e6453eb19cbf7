"""The graph: nodes and relationships of a database. Walks stand in ``walks``, the statements in ``cypher``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from neo4j import AsyncSession

from unison_storage.addresses import SEPARATOR
from unison_storage.contracts.backend import Outcome
from unison_storage.contracts.conditions import has_edges, lacks_end, stranger
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
    Stray,
    Traversal,
)
from unison_storage.errors import RequestError, SchemaOutOfDate
from unison_storage.values import Edge, EdgeRef, GraphStats, Neighbor, Node, NodeRef, Path, Walk
from unison_storage_neo4j import graph_rows, queries, walks
from unison_storage_neo4j.config import Server
from unison_storage_neo4j.session import ServerBackend, settled
from unison_storage_neo4j.statements import between, labelled, upserting, whole

T = TypeVar("T")
_TEXTS: Final = 1_000
"""How many texts of queries are remembered."""


class Neo4jGraph(ServerBackend, GraphBackend):
    """The graph on a server."""

    def __init__(self, server: Server, context: Context) -> None:
        super().__init__(server, context)
        self._examined: set[str] = set()

    async def upsert_nodes(self, nodes: Sequence[Node]) -> Flags:
        """See the contract. Nodes of one label are one statement, and those that belong to somebody another."""
        answers: Flags = [False] * len(nodes)
        kinds = [(node.label, node.person is None) for node in nodes]
        for places in _turns([(node.label, node.id) for node in nodes], kinds):
            first = nodes[places[0]]
            if first.label not in self._unique:
                await self._make_unique(first.label)
            rows = [graph_rows.of_node(at, nodes[at]) for at in places]
            name = "nodes_upsert" if first.person is None else "nodes_claim"
            statement = labelled(name, first.label, writes=True)
            made, refused = await self._run(statement, {"rows": rows, "none": graph_rows.MARKS})
            for at in made:
                answers[at] = True
            for at in refused:
                answers[at] = _strange()
        return answers

    async def upsert_edges(self, edges: Sequence[Edge]) -> Flags:
        """See the contract. Edges between the same two labels are one statement, as nodes of one label are."""
        answers: list[Outcome[bool] | None] = [None] * len(edges)
        keys = [(edge.source, edge.target, edge.type, edge.key) for edge in edges]
        for places in _turns(keys, [(*_ends(edge), edge.person is None) for edge in edges]):
            first = edges[places[0]]
            rows = [graph_rows.of_edge(at, edges[at]) for at in places]
            name = "edges_upsert" if first.person is None else "edges_claim"
            statement = upserting(name, *_ends(first))
            there, made, refused = await self._run(statement, {"rows": rows, "none": graph_rows.MARKS})
            for at in there:
                answers[at] = False
            for at in made:
                answers[at] = True
            for at in refused:
                answers[at] = _strange()
        return [lacks_end() if answer is None else answer for answer in answers]

    async def _make_unique(self, label: str) -> None:
        """Make ids of a label unique where the profile migrates by itself; ``SchemaOutOfDate`` elsewhere."""
        if self._strict and self._share.held is not None:
            raise SchemaOutOfDate(
                f"ids of {label} are not unique in this database: migrate makes constraints for the labels of the "
                f"UnisonOS model alone; CREATE CONSTRAINT FOR (n:{label}) REQUIRE n.id IS UNIQUE",
                have=None,
                want=label,
            )
        await self._run(labelled("unique", label, writes=True), {})
        self._unique.add(label)

    async def get_nodes(self, refs: Sequence[NodeRef]) -> Nodes:
        """See the contract."""
        answers: Nodes = [None] * len(refs)
        for label, places in _alike(refs, lambda ref: ref[0]):
            rows = [{"at": at, "id": refs[at][1]} for at in places]
            for at, properties in await self._run(labelled("nodes_get", label), {"rows": rows}):
                if properties:  # one that was removed while it was read has none
                    answers[at] = graph_rows.node(label, properties)
        return answers

    async def get_edges(self, refs: Sequence[EdgeRef]) -> Edges:
        """See the contract."""
        answers: Edges = [None] * len(refs)
        for (source, target), places in _alike(refs, _ends):
            rows = [_place(at, refs[at]) for at in places]
            for at, properties in await self._run(between("edges_get", source, target), {"rows": rows}):
                if properties:
                    answers[at] = graph_rows.edge(refs[at], properties)
        return answers

    async def delete_nodes(self, refs: Sequence[NodeRef], detach: bool) -> Flags:  # noqa: FBT001 - see the contract
        """See the contract."""
        name = "nodes_detach" if detach else "nodes_delete"
        wanted = list(dict.fromkeys(refs))
        went: dict[NodeRef, Outcome[bool]] = {}
        for label, places in _alike(wanted, lambda ref: ref[0]):
            rows = [{"at": at, "id": wanted[at][1]} for at in places]
            for at, busy in await self._run(labelled(name, label, writes=True), {"rows": rows}):
                went[wanted[at]] = has_edges() if busy else True
        return _each_once(refs, went)

    async def delete_edges(self, refs: Sequence[EdgeRef]) -> Flags:
        """See the contract."""
        wanted = list(dict.fromkeys(refs))
        went: dict[EdgeRef, Outcome[bool]] = {}
        for (source, target), places in _alike(wanted, _ends):
            rows = [_place(at, wanted[at]) for at in places]
            for at, _ in await self._run(between("edges_delete", source, target, writes=True), {"rows": rows}):
                went[wanted[at]] = True
        return _each_once(refs, went)

    async def neighbors(self, asked: Sequence[Neighbors]) -> list[Outcome[list[Neighbor]]]:
        """See the contract."""
        return await walks.neighbors(self._run, asked)

    async def traverse(self, traversal: Traversal) -> Walk:
        """See the contract."""
        return await walks.traverse(self._run, traversal)

    async def shortest_path(self, route: Route) -> Path | None:
        """See the contract."""
        return await walks.shortest_path(self._run, route)

    async def find_nodes(self, search: Search) -> Sequence[Node]:
        """See the contract."""
        parameters = {
            "after": max(search.after, search.space),
            "end": f"{search.space[:-1]} " if search.space else "\uffff",
            "space": search.space,
            "separator": SEPARATOR,
            "where": dict(search.where),
            "limit": search.limit,
        }
        found = await settled(self._run, labelled("nodes_find", search.label), parameters)
        return [graph_rows.node(search.label, properties) for properties in found if properties]

    async def owned(self, person: str) -> int:
        """See the contract."""
        return int(await self._run(whole("owned"), {"person": person, "tail": SEPARATOR + person}))

    async def erase(self, person: str) -> int:
        """See the contract. All of it goes in one statement."""
        return int(await self._run(whole("erase", writes=True), {"person": person, "tail": SEPARATOR + person}))

    async def clear(self, space: Space) -> int:
        """See the contract. All of it goes in one statement."""
        return int(await self._run(whole("clear", writes=True), {"space": space, "separator": SEPARATOR}))

    async def stats(self, space: Space | None) -> GraphStats:
        """See the contract."""
        nodes, edges = await self._run(whole("stats"), {"space": space, "separator": SEPARATOR})
        return GraphStats(dict(nodes), dict(edges))

    async def scan(self, after: NodeRef | None, limit: int) -> Sequence[Node]:
        """See the contract: by label and id, label by label, each of which is in the order of its index."""
        label, id = after or ("", "")
        found: list[Node] = []
        for one in await self._run(whole("labels"), {"from": label}):
            parameters = {"after": id if one == label else "", "limit": limit - len(found)}
            rows = await settled(self._run, labelled("nodes_scan", one), parameters)
            found += [graph_rows.node(one, properties) for properties in rows if properties]
            if len(found) == limit:
                break
        return found

    async def strays(self) -> Sequence[Stray]:
        """See the contract: what other programs have written. Looks at every node."""
        rows = await self._run(whole("strays"), {"unique": sorted(self._unique)})
        return [Stray(what, name, number) for what, name, number in rows]

    async def query(
        self,
        text: str,
        parameters: Mapping[str, Any],
        *,
        read_only: bool,
        timeout: float,  # noqa: ASYNC109 - the server ends the query, not this coroutine
        max_rows: int,
    ) -> Sequence[Mapping[str, Any]]:
        """See the contract: Cypher, in a transaction of its own. What it does is looked at once for each text."""

        async def use(session: AsyncSession) -> list[dict[str, Any]]:
            if text not in self._examined:
                await queries.examine(session, text, parameters)
                self._examined.add(text)
            return await queries.rows_of(session, text, parameters, timeout=timeout, max_rows=max_rows)

        if len(self._examined) >= _TEXTS:
            self._examined.clear()
        sessions = await self._sessions()
        return await sessions.with_session(use, seconds=timeout, writes=not read_only)

    async def bookmarks(self) -> Sequence[str]:
        """See the contract."""
        return await (await self._sessions()).bookmarks()

    async def catch_up(self, bookmarks: Sequence[str]) -> None:
        """See the contract."""
        await (await self._sessions()).catch_up(bookmarks)


def _place(at: int, ref: EdgeRef) -> dict[str, Any]:
    return {"at": at, "type": ref.type, "source": ref.source[1], "target": ref.target[1], "key": ref.key}


def _ends(edge: Edge | EdgeRef) -> tuple[str, str]:
    return edge.source[0], edge.target[0]


def _strange() -> RequestError:
    error = stranger("one", "another")
    assert error is not None  # noqa: S101 - two persons are never one
    return error


def _alike(items: Sequence[T], kind: Callable[[T], Any]) -> Iterator[tuple[Any, list[int]]]:
    """Yield what one statement can be asked: places of items of one kind."""
    found: dict[Any, list[int]] = {}
    for at, item in enumerate(items):
        found.setdefault(kind(item), []).append(at)
    yield from found.items()


def _turns(keys: Sequence[Any], kinds: Sequence[Any]) -> Iterator[list[int]]:
    """Yield places of items that one statement takes: of one kind, each key once, later ones of a key later.

    They are in the order of their keys, so that statements of several callers never wait for each other in a circle.
    """
    turns: list[dict[Any, list[int]]] = []
    seen: dict[Any, int] = {}
    for at, (key, kind) in enumerate(zip(keys, kinds, strict=True)):
        turn = seen[key] = seen.get(key, -1) + 1
        if turn == len(turns):
            turns.append({})
        turns[turn].setdefault(kind, []).append(at)
    for turn_of in turns:
        for places in turn_of.values():
            yield sorted(places, key=keys.__getitem__)


def _each_once(refs: Sequence[T], went: dict[T, Outcome[bool]]) -> Flags:
    """Return the answers of deletes: one that is named twice was there once."""
    return [went.pop(ref, False) if went.get(ref) is True else went.get(ref, False) for ref in refs]
