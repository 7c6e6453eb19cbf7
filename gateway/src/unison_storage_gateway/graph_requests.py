"""What requests of the graph say: a space, a node, and whose it is. Answering them is up to the routes."""

from __future__ import annotations

from functools import wraps
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace
from starlette.responses import Response

from unison_storage.capabilities import Capability
from unison_storage.graph_model import check_id
from unison_storage.storage import Storage
from unison_storage.stores.graph import Graph
from unison_storage.values import Edge, Node, NodeRef
from unison_storage_gateway.authorization import Access
from unison_storage_gateway.calls import Call
from unison_storage_gateway.paths import segment
from unison_storage_gateway.problems import BadInput, placed
from unison_storage_gateway.queries import Query
from unison_storage_gateway.routing import Endpoint

Item = TypeVar("Item", Node, Edge)

KIND: Final = "graph"
READ: Final = "graph:read"
WRITE: Final = "graph:write"
BOOKMARKS: Final = "x-unison-bookmarks"
"""The header that names what a read has to see, and that tells of what was written."""

MAX_BYTES: Final = 1024 * 1024
"""Bytes of a body that holds one node or one question."""


class Content(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a node holds; in an upsert ``null`` removes a property."""

    properties: dict[str, Any] = {}
    person: str | None = None


class Asked(NamedTuple):
    """A request that was granted. ``person`` is whom the header names: the owner of what is written, by default."""

    graph: Graph
    query: Query
    person: str | None


async def asked(storage: Storage, access: Access, call: Call, permission: str, *parameters: str) -> Asked:
    """Return what a request asks, if it may; ``parameters`` are those that its query may have besides the space.

    Where the request names bookmarks, what they stand for is seen by whatever it goes on to ask.
    """
    person = access.graph(access.principal(call), call, permission)
    query = call.query(*parameters, repeatable=("space",))
    with placed("query", "space"):
        graph = storage.graph.at(*query.texts("space"))
    if (bookmarks := call.headers.get(BOOKMARKS)) is not None:
        with placed("header", BOOKMARKS):
            await graph.catch_up([one.strip() for one in bookmarks.split(",")])
    return Asked(graph, query, person)


def marking(storage: Storage, endpoint: Endpoint) -> Endpoint:
    """Return a route that writes, and that answers bookmarks of what was written where the graph has any."""

    @wraps(endpoint)
    async def answered(call: Call) -> Response:
        response = await endpoint(call)
        if Capability.BOOKMARKS in storage.graph.capabilities:
            response.headers[BOOKMARKS] = ",".join(await storage.graph.bookmarks())
        return response

    return answered


def node_of(call: Call, graph: Graph) -> NodeRef:
    """Return the label and id that the path spells."""
    label, id = segment(call.path_params["label"]), segment(call.path_params["id"])
    return checked((label, id), graph, "path")


def checked(ref: NodeRef, graph: Graph, *loc: str | int) -> NodeRef:
    """Return label and id, checked here so that an error of them points to ``loc``."""
    with placed(*loc):
        return graph.model.label(ref[0]), check_id(ref[1])


def owned(item: Item, header: str | None) -> Item:
    """Return what is written as whom the header names owns it; ``BadInput`` where the body names another person."""
    if item.person is not None and header is not None and item.person != header:
        raise BadInput("another person is named here than in X-Unison-Person", loc=("body", "person"))
    return item if header is None else replace(item, person=header)
