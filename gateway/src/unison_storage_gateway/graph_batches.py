"""``/v1/graph/nodes`` and ``/v1/graph/edges``: many in one request, each with a status of its own, in order.

A body of another shape is refused as a whole; names and values that the store refuses fail their item alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from starlette.responses import Response

from unison_storage.errors import BatchFailed, StorageError
from unison_storage.graph_documents import GivenEdge, GivenNode, edge_document, node_document
from unison_storage.storage import Storage
from unison_storage.stores.border import sorted_out
from unison_storage_gateway import problems, records
from unison_storage_gateway.arguments import arguments
from unison_storage_gateway.authorization import Access
from unison_storage_gateway.batches import MAX_BYTES, Result, check_number
from unison_storage_gateway.calls import Call
from unison_storage_gateway.graph_requests import KIND, READ, WRITE, asked, marking, owned
from unison_storage_gateway.operations import TOLD
from unison_storage_gateway.problems import MISSING, Refused
from unison_storage_gateway.routing import Described

T = TypeVar("T")
Given = TypeVar("Given", GivenNode, GivenEdge)


class _Nodes(msgspec.Struct, forbid_unknown_fields=True):
    nodes: list[GivenNode]


class _Edges(msgspec.Struct, forbid_unknown_fields=True):
    edges: list[GivenEdge]


class GraphBatchRoutes:
    """The batch routes of the graph, on one storage."""

    def __init__(self, storage: Storage, access: Access) -> None:
        self._storage = storage
        self._access = access

    def routes(self) -> Iterator[Described]:
        """Yield the routes."""
        for path, endpoint, operation in (
            ("/v1/graph/nodes", marking(self._storage, self.upsert_nodes), "upsert_nodes"),
            ("/v1/graph/nodes:get", self.get_nodes, "get_nodes"),
            ("/v1/graph/nodes:delete", marking(self._storage, self.delete_nodes), "delete_nodes"),
            ("/v1/graph/edges", marking(self._storage, self.upsert_edges), "upsert_edges"),
            ("/v1/graph/edges:get", self.get_edges, "get_edges"),
            ("/v1/graph/edges:delete", marking(self._storage, self.delete_edges), "delete_edges"),
        ):
            yield Described("POST", path, endpoint, KIND, operation, TOLD[KIND, operation])

    async def upsert_nodes(self, call: Call) -> Response:
        """Make or merge each node: 201 or 200."""
        graph, _, person = await asked(self._storage, self._access, call, WRITE)
        given = await _nodes(call)
        return await _upserted("nodes", given, lambda one: owned(one.node, person), graph.upsert_nodes)

    async def get_nodes(self, call: Call) -> Response:
        """Return each node: 200 with it, or 404."""
        graph, _, _ = await asked(self._storage, self._access, call, READ)
        given = await _nodes(call)
        return _answer(
            "nodes", given, await _outcomes(graph.get_nodes(one.ref for one in given)), _found(node_document)
        )

    async def delete_nodes(self, call: Call) -> Response:
        """Remove each node: 204 also where nothing was there, 409 while it has edges, unless ``detach`` drops them."""
        graph, query, _ = await asked(self._storage, self._access, call, WRITE, "detach")
        detach = query.flag("detach", default=False)
        given = await _nodes(call)
        outcomes = await _outcomes(graph.delete_nodes([one.ref for one in given], detach=detach))
        return _answer("nodes", given, outcomes, _gone)

    async def upsert_edges(self, call: Call) -> Response:
        """Make or merge each edge: 201 or 200; 404 where one of its ends is not there."""
        graph, _, person = await asked(self._storage, self._access, call, WRITE)
        given = await _edges(call)
        return await _upserted("edges", given, lambda one: owned(one.edge, person), graph.upsert_edges)

    async def get_edges(self, call: Call) -> Response:
        """Return each edge: 200 with it, or 404."""
        graph, _, _ = await asked(self._storage, self._access, call, READ)
        given = await _edges(call)
        return _answer(
            "edges", given, await _outcomes(graph.get_edges(one.ref for one in given)), _found(edge_document)
        )

    async def delete_edges(self, call: Call) -> Response:
        """Remove each edge: 204 also where nothing was there."""
        graph, _, _ = await asked(self._storage, self._access, call, WRITE)
        given = await _edges(call)
        return _answer("edges", given, await _outcomes(graph.delete_edges(one.ref for one in given)), _gone)


async def _nodes(call: Call) -> list[GivenNode]:
    given = (await arguments(call, _Nodes, MAX_BYTES)).nodes
    check_number(given)
    return given


async def _edges(call: Call) -> list[GivenEdge]:
    given = (await arguments(call, _Edges, MAX_BYTES)).edges
    check_number(given)
    return given


async def _outcomes(batch: Awaitable[T]) -> T | Mapping[Any, Any]:
    """Return a value for each item, or an error for those that failed."""
    try:
        return await batch
    except BatchFailed as failed:
        return failed.results


async def _upserted(
    name: str, given: Sequence[Given], make: Callable[[Given], T], upsert: Callable[[list[T]], Awaitable[list[bool]]]
) -> Response:
    made, refused = sorted_out(range(len(given)), lambda place: make(given[place]))
    written = await _outcomes(upsert(list(made.values())))
    outcomes = {**refused, **{place: written[number] for number, place in enumerate(made)}}
    return _results(name, [outcomes[place] for place in range(len(given))], lambda new: {"status": 201 if new else 200})


def _answer(name: str, given: Sequence[Given], outcomes: Mapping[Any, Any], shown: Callable[[Any], Result]) -> Response:
    return _results(name, [outcomes[one.ref] for one in given], shown)


def _results(name: str, outcomes: Sequence[Any], shown: Callable[[Any], Result]) -> Response:
    results = [
        problems.in_batch(one, "body", name, place) if isinstance(one, StorageError) else shown(one)
        for place, one in enumerate(outcomes)
    ]
    return records.json({"results": results})


def _found(shown: Callable[[Any], Result]) -> Callable[[Any], Result]:
    return lambda one: problems.in_batch(Refused(MISSING)) if one is None else {"status": 200, **shown(one)}


def _gone(was_there: bool) -> Result:  # noqa: FBT001 - what a delete answers
    del was_there
    return {"status": 204}
