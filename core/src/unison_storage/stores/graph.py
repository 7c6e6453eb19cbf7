"""The graph: relations between ids, in spaces. How nodes are found and walked is the backend's business.

What names and values are allowed stands in the graph model; arguments are checked in ``graph_arguments``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from unison_storage.addresses import check_person
from unison_storage.capabilities import Capability
from unison_storage.contracts import graph as contract
from unison_storage.contracts.graph import GraphBackend
from unison_storage.errors import InvalidValue, StorageError
from unison_storage.graph_model import GraphModel
from unison_storage.stores import listing
from unison_storage.stores.border import EVERYWHERE, Border, Route, gathered, sorted_out
from unison_storage.stores.everywhere import Everywhere
from unison_storage.stores.graph_arguments import (
    MAX_DEPTH,
    MAX_NODES,
    MAX_STARTS,
    Arguments,
    checked_bookmarks,
    direction_of,
    position_of,
    query_arguments,
    within,
)
from unison_storage.stores.spaces import Outwards, space_of
from unison_storage.values import (
    Direction,
    Edge,
    EdgeRef,
    GraphStats,
    Neighbor,
    Node,
    NodeRef,
    Page,
    Path,
    Scalar,
    Walk,
)

T = TypeVar("T")

KIND: Final = "graph"
QUERY_SECONDS: Final = 30.0
QUERY_ROWS: Final = 10_000


class Graph:
    """One space of the graph; ``storage.graph`` is the empty one. Immutable and cheap to make.

    Labels, relationship types and properties are those of the graph model. An upsert merges properties into what is
    there, and ``None`` removes one. Whatever begins at a node that is not there answers nothing. Raises everywhere
    ``InvalidValue`` for names that the model lacks, ``InvalidKey`` for what is no id, ``ClassificationViolation`` for a
    value that is none of its property's.
    """

    __slots__ = ("_arguments", "_backend", "_border", "_outwards", "_route", "model", "space")

    def __init__(self, border: Border, backend: GraphBackend, model: GraphModel, space: tuple[str, ...] = ()) -> None:
        self._border = border
        self._backend = backend
        self._route = Route(border, KIND, backend, EVERYWHERE, declared=True)
        self._arguments = Arguments(model, space_of(space))
        self._outwards = Outwards(self._arguments.space)
        self.model = model
        self.space = space

    def at(self, *space: str) -> Graph:
        """Return the handle of a space, named by its segments. Nothing of one space is met in another."""
        return Graph(self._border, self._backend, self.model, space)

    def everywhere(self) -> Everywhere:
        """Return the handle of all spaces at once, for backups and checks; no model is asked there."""
        return Everywhere(self._border, KIND, self._backend, self.model)

    async def upsert_node(self, node: Node) -> bool:
        """Make or merge a node; return whether it was made. A person other than the stored one: ``InvalidValue``."""
        return bool(await self._route.one("upsert_nodes", self._backend.upsert_nodes, self._arguments.node(node)))

    async def upsert_nodes(self, nodes: Iterable[Node]) -> list[bool]:
        """Make or merge each, in order; return which were made.

        Each stands or fails by itself: ``BatchFailed`` if any failed, whose results are by position in ``nodes``.
        """
        return await self._upserted("upsert_nodes", self._backend.upsert_nodes, nodes, self._arguments.node)

    async def upsert_edge(self, edge: Edge) -> bool:
        """Make or merge an edge; return whether it was made. ``NotFound`` where one of its ends is not there."""
        return bool(await self._route.one("upsert_edges", self._backend.upsert_edges, self._arguments.edge(edge)))

    async def upsert_edges(self, edges: Iterable[Edge]) -> list[bool]:
        """Make or merge each, in order; return which were made. ``BatchFailed`` as for ``upsert_nodes``."""
        return await self._upserted("upsert_edges", self._backend.upsert_edges, edges, self._arguments.edge)

    async def get_node(self, ref: NodeRef) -> Node | None:
        """Return the node of a label and id, or ``None``."""
        found = await self._route.one("get_nodes", self._backend.get_nodes, self._arguments.ref(ref))
        return None if found is None else self._outwards.node(found)

    async def get_nodes(self, refs: Iterable[NodeRef]) -> dict[NodeRef, Node | None]:
        """Return the node or ``None`` for each label and id; ``BatchFailed`` if any failed."""
        made, results = sorted_out(_unique(refs), self._arguments.ref)
        found = await self._route.many("get_nodes", self._backend.get_nodes, list(made.values()))
        return gathered({**results, **_by_key(made, found, self._outwards.node)})

    async def get_edge(self, ref: EdgeRef | Edge) -> Edge | None:
        """Return the edge, or ``None``; of an ``Edge`` only what identifies it counts."""
        found = await self._route.one("get_edges", self._backend.get_edges, self._arguments.edge_ref(ref))
        return None if found is None else self._outwards.edge(found)

    async def get_edges(self, refs: Iterable[EdgeRef | Edge]) -> dict[EdgeRef, Edge | None]:
        """Return the edge or ``None`` for each; ``BatchFailed`` if any failed."""
        made, results = sorted_out(_refs(refs), self._arguments.edge_ref)
        found = await self._route.many("get_edges", self._backend.get_edges, list(made.values()))
        return gathered({**results, **_by_key(made, found, self._outwards.edge)})

    async def delete_node(self, ref: NodeRef, *, detach: bool = False) -> bool:
        """Remove a node; return whether it was there. ``HasEdges`` while it has some, unless ``detach`` drops them."""
        return bool(await self._route.one("delete_nodes", self._backend.delete_nodes, self._arguments.ref(ref), detach))

    async def delete_nodes(self, refs: Iterable[NodeRef], *, detach: bool = False) -> dict[NodeRef, bool]:
        """Remove each; return which were there. ``BatchFailed`` if any failed."""
        made, results = sorted_out(_unique(refs), self._arguments.ref)
        flags = await self._route.many("delete_nodes", self._backend.delete_nodes, list(made.values()), detach)
        return gathered({**results, **dict(zip(made, flags, strict=True))})

    async def delete_edge(self, ref: EdgeRef | Edge) -> bool:
        """Remove an edge; return whether it was there."""
        return bool(await self._route.one("delete_edges", self._backend.delete_edges, self._arguments.edge_ref(ref)))

    async def delete_edges(self, refs: Iterable[EdgeRef | Edge]) -> dict[EdgeRef, bool]:
        """Remove each; return which were there. ``BatchFailed`` if any failed."""
        made, results = sorted_out(_refs(refs), self._arguments.edge_ref)
        flags = await self._route.many("delete_edges", self._backend.delete_edges, list(made.values()))
        return gathered({**results, **dict(zip(made, flags, strict=True))})

    async def neighbors_page(
        self,
        ref: NodeRef,
        *,
        direction: Direction = "out",
        types: Collection[str] | None = None,
        labels: Collection[str] | None = None,
        cursor: str | None = None,
        limit: int = listing.DEFAULT_PAGE,
    ) -> Page[Neighbor]:
        """Return one page of the nodes beside one, with the edges that lead there; ``limit`` from 1 to 1,000.

        In order of the edge's type, the node's label and id, and the edge's key. A loop comes once.
        """
        arguments = self._arguments
        start, kinds, wanted = arguments.ref(ref), arguments.types(types), arguments.labels(labels)
        way = direction_of(direction)

        def asked(after: str, size: int) -> contract.Neighbors:
            return contract.Neighbors(start, way, kinds, wanted, arguments.position(after), size)

        async def fetch(after: str, size: int) -> Sequence[Neighbor]:
            found: Sequence[Neighbor] = await self._route.one("neighbors", self._backend.neighbors, asked(after, size))
            return found

        def place(found: Neighbor) -> str:
            return position_of(found, asked("", 1), arguments.space)

        named = (KIND, "neighbors", arguments.space, *ref, way, _shown(kinds), _shown(wanted))
        return await listing.page(named, "", cursor, limit, fetch, place, self._outwards.neighbor)

    def neighbors(
        self,
        ref: NodeRef,
        *,
        direction: Direction = "out",
        types: Collection[str] | None = None,
        labels: Collection[str] | None = None,
    ) -> AsyncIterator[Neighbor]:
        """Yield the nodes beside one, with the edges that lead there, page by page, in the order of a page."""
        return listing.walk(
            lambda cursor: self.neighbors_page(
                ref, direction=direction, types=types, labels=labels, cursor=cursor, limit=listing.WALK_PAGE
            )
        )

    async def traverse(
        self,
        *starts: NodeRef,
        direction: Direction = "out",
        types: Collection[str] | None = None,
        max_depth: int = 3,
        max_nodes: int = 1_000,
    ) -> Walk:
        """Return the nodes within ``max_depth`` edges of the starts, breadth first, each once, starts left out.

        In order of depth, label and id; ``walk.cut`` says that ``max_nodes`` (at most 10,000) left something out.
        """
        if not 1 <= len(starts) <= MAX_STARTS:
            raise InvalidValue(f"a traversal begins at 1 to {MAX_STARTS} nodes")
        asked = contract.Traversal(
            tuple(dict.fromkeys(self._arguments.ref(start) for start in starts)),
            direction_of(direction),
            self._arguments.types(types),
            within("max_depth", max_depth, MAX_DEPTH),
            within("max_nodes", max_nodes, MAX_NODES),
        )
        return self._outwards.walk(await self._route.whole("traverse", self._backend.traverse, asked))

    async def shortest_path(
        self,
        source: NodeRef,
        target: NodeRef,
        *,
        direction: Direction = "out",
        types: Collection[str] | None = None,
        max_depth: int = 6,
    ) -> Path | None:
        """Return a path of the least number of edges, any of several, or ``None`` where none has ``max_depth`` or less.

        From a node that is there to itself it has no edges.
        """
        asked = contract.Route(
            self._arguments.ref(source),
            self._arguments.ref(target),
            direction_of(direction),
            self._arguments.types(types),
            within("max_depth", max_depth, MAX_DEPTH),
        )
        path = await self._route.whole("shortest_path", self._backend.shortest_path, asked)
        return None if path is None else self._outwards.path(path)

    async def find_nodes_page(
        self,
        label: str,
        where: Mapping[str, Scalar] | None = None,
        *,
        cursor: str | None = None,
        limit: int = listing.DEFAULT_PAGE,
    ) -> Page[Node]:
        """Return one page of the nodes of a label whose properties equal ``where``, in byte order of the id."""
        arguments = self._arguments
        arguments.model.label(label)
        wanted = arguments.model.where({} if where is None else where)

        async def fetch(after: str, size: int) -> Sequence[Node]:
            search = contract.Search(arguments.space, label, wanted, arguments.space + after, size)
            return await self._route.whole("find_nodes", self._backend.find_nodes, search)

        def place(node: Node) -> str:
            return self._outwards.id(node.id)

        named = (KIND, "find_nodes", arguments.space, label, repr(sorted(wanted.items())))
        return await listing.page(named, "", cursor, limit, fetch, place, self._outwards.node)

    def find_nodes(self, label: str, where: Mapping[str, Scalar] | None = None) -> AsyncIterator[Node]:
        """Yield the nodes of a label whose properties equal ``where``, in byte order of the id, page by page."""
        return listing.walk(lambda cursor: self.find_nodes_page(label, where, cursor=cursor, limit=listing.WALK_PAGE))

    async def stats(self) -> GraphStats:
        """Return how many nodes of each label and edges of each type this space has. May read all of it."""
        return await self._route.whole("stats", self._backend.stats, self._arguments.space)

    async def clear(self) -> int:
        """Remove every node and edge of this space, and of no other; return how many that were."""
        return await self._route.whole("clear", self._backend.clear, self._arguments.space)

    async def erase(self, person: str) -> int:
        """Remove the person's nodes with their edges, the person's edges and the node ``Person`` of that id.

        In all spaces; returns how many nodes and edges went.
        """
        return await self._route.whole("erase", self._backend.erase, check_person(person))

    async def owned(self, person: str) -> int:
        """Return how many nodes and edges ``erase`` would remove."""
        return await self._route.whole("owned", self._backend.owned, check_person(person))

    async def total(self) -> GraphStats:
        """Return what all spaces have together."""
        return await self._route.whole("stats", self._backend.stats, None)

    async def query(
        self,
        text: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        read_only: bool = True,
        timeout: float = QUERY_SECONDS,  # noqa: ASYNC109 - the server ends the query, not this coroutine
        max_rows: int = QUERY_ROWS,
    ) -> Sequence[Mapping[str, Any]]:
        """Run a query of trusted code in the backend's own language; it sees all spaces and no model checks it.

        Returns its rows by name. Values go into ``parameters``, never into ``text``; ``timeout`` is in seconds.
        ``Unsupported`` where the backend has no such language, ``TooLarge`` for more rows than ``max_rows``,
        ``DeadlineExceeded``, ``AccessDenied`` for what would write though it is ``read_only``, or would administer the
        server: then nothing is changed.
        """
        given = query_arguments(text, parameters, timeout, max_rows)
        named = {"read_only": read_only, "timeout": timeout, "max_rows": max_rows}
        return await self._route.whole("query", self._backend.query, *given, **named)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the backend offers beyond the contract."""
        return self._backend.capabilities

    async def bookmarks(self) -> Sequence[str]:
        """Return what names all that this process has written, for ``catch_up`` of another one.

        ``Unsupported`` where the backend has no bookmarks; a single server that answers all needs none.
        """
        return await self._route.whole("bookmarks", self._backend.bookmarks)

    async def catch_up(self, bookmarks: Sequence[str]) -> None:
        """Wait until every read of this process sees what the bookmarks name.

        ``Unsupported``, ``InvalidValue`` for what is no bookmark, ``DeadlineExceeded`` where the server falls behind.
        """
        await self._route.whole("catch_up", self._backend.catch_up, checked_bookmarks(bookmarks))

    async def _upserted(self, operation: str, method: Any, items: Iterable[T], check: Any) -> list[bool]:
        given = list(items)
        made, refused = sorted_out(range(len(given)), lambda place: check(given[place]))
        flags = await self._route.many(operation, method, list(made.values()))
        results: dict[int, bool | StorageError] = {**refused, **dict(zip(made, flags, strict=True))}
        return list(gathered({place: results[place] for place in range(len(given))}).values())


def _refs(refs: Iterable[EdgeRef | Edge]) -> dict[EdgeRef, None]:
    return _unique(ref.ref if isinstance(ref, Edge) else ref for ref in refs)


def _unique(refs: Iterable[T]) -> dict[T, None]:
    try:
        return dict.fromkeys(refs)
    except TypeError:
        raise InvalidValue("a node is named by a tuple of label and id, an edge by an EdgeRef or an Edge") from None


def _by_key(keys: Iterable[Any], found: Iterable[Any], out: Any) -> dict[Any, Any]:
    """Return what was found by key; waiters of a shared read get copies of their own."""
    return {
        key: one if one is None or isinstance(one, StorageError) else out(one)
        for key, one in zip(keys, found, strict=True)
    }


def _shown(names: tuple[str, ...] | None) -> str:
    return "*" if names is None else ",".join(names)
