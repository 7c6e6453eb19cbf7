"""Walks over HTTP: neighbours, traversals, paths and searches. They only read; all are bounded by the store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import msgspec
from starlette.responses import Response

from unison_storage.graph_documents import GivenEnd, neighbor_document, node_document, path_document, walk_document
from unison_storage.storage import Storage
from unison_storage.stores.graph import Graph
from unison_storage.values import Direction, Neighbor, Page
from unison_storage_gateway import records
from unison_storage_gateway.arguments import arguments
from unison_storage_gateway.authorization import Access
from unison_storage_gateway.batches import check_number
from unison_storage_gateway.calls import Call
from unison_storage_gateway.graph_requests import KIND, MAX_BYTES, READ, asked, checked, node_of
from unison_storage_gateway.operations import TOLD
from unison_storage_gateway.problems import placed
from unison_storage_gateway.queries import DEFAULT_LIMIT, Query
from unison_storage_gateway.routing import Described


class _Traversal(msgspec.Struct, forbid_unknown_fields=True):
    starts: list[GivenEnd]
    direction: Direction = "out"
    types: list[str] | None = None
    max_depth: int = 3
    max_nodes: int = 1_000


class _Route(msgspec.Struct, forbid_unknown_fields=True):
    source: GivenEnd
    target: GivenEnd
    direction: Direction = "out"
    types: list[str] | None = None
    max_depth: int = 6


class _Search(msgspec.Struct, forbid_unknown_fields=True):
    label: str
    where: dict[str, Any] = {}
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None


class GraphWalkRoutes:
    """The routes that ask what is joined to what, on one storage."""

    def __init__(self, storage: Storage, access: Access) -> None:
        self._storage = storage
        self._access = access

    def routes(self) -> Iterator[Described]:
        """Yield the routes."""
        for method, path, endpoint, operation in (
            ("GET", "/v1/graph/nodes/{label}/{id}/neighbors", self.neighbors, "neighbors"),
            ("POST", "/v1/graph:traverse", self.traverse, "traverse"),
            ("POST", "/v1/graph:path", self.path, "path"),
            ("POST", "/v1/graph:find", self.find, "find"),
        ):
            yield Described(method, path, endpoint, KIND, operation, TOLD[KIND, operation])

    async def neighbors(self, call: Call) -> Response:
        """Return one page of the nodes beside one, with the edges that lead there."""
        parameters = ("direction", "types", "labels", "limit", "cursor")
        graph, query, _ = await asked(self._storage, self._access, call, READ, *parameters)
        found: Page[Neighbor] = await graph.neighbors_page(
            node_of(call, graph),
            direction=query.choice("direction", get_args(Direction)),
            types=_names(query, "types", graph),
            labels=_names(query, "labels", graph),
            cursor=query.cursor(),
            limit=query.limit(),
        )
        return records.json(records.page([neighbor_document(one) for one in found.items], found))

    async def traverse(self, call: Call) -> Response:
        """Return the nodes within some edges of the starts, breadth first; ``cut`` says that there are more."""
        graph, _, _ = await asked(self._storage, self._access, call, READ)
        given = await arguments(call, _Traversal, MAX_BYTES)
        check_number(given.starts)
        starts = [checked(one.ref, graph, "body", "starts", place) for place, one in enumerate(given.starts)]
        with placed("body"):
            walk = await graph.traverse(
                *starts,
                direction=given.direction,
                types=given.types,
                max_depth=given.max_depth,
                max_nodes=given.max_nodes,
            )
        return records.json(walk_document(walk))

    async def path(self, call: Call) -> Response:
        """Return a path of the least number of edges, or ``null`` where there is none."""
        graph, _, _ = await asked(self._storage, self._access, call, READ)
        given = await arguments(call, _Route, MAX_BYTES)
        source, target = (
            checked(given.source.ref, graph, "body", "source"),
            checked(given.target.ref, graph, "body", "target"),
        )
        with placed("body"):
            path = await graph.shortest_path(
                source, target, direction=given.direction, types=given.types, max_depth=given.max_depth
            )
        return records.json(path_document(path))

    async def find(self, call: Call) -> Response:
        """Return one page of the nodes of a label whose properties equal ``where``."""
        graph, _, _ = await asked(self._storage, self._access, call, READ)
        given = await arguments(call, _Search, MAX_BYTES)
        with placed("body"):
            found = await graph.find_nodes_page(given.label, given.where, cursor=given.cursor, limit=given.limit)
        return records.json(records.page([node_document(one) for one in found.items], found))


def _names(query: Query, parameter: str, graph: Graph) -> list[str] | None:
    """Return names that the model has, checked here so that an error of them points to the parameter."""
    names = query.names(parameter)
    known = graph.model.type if parameter == "types" else graph.model.label
    with placed("query", parameter):
        return None if names is None else [known(name) for name in names]
