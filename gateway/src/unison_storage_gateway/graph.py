"""``/v1/graph``: single nodes, and a space as a whole. Batches and walks are elsewhere, queries nowhere.

Names of labels, types and properties are those of the graph model, which the store compares them with.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import asdict
from starlette.responses import Response

from unison_storage.graph_documents import node_document
from unison_storage.storage import Storage
from unison_storage.values import Node
from unison_storage_gateway import records
from unison_storage_gateway.arguments import arguments
from unison_storage_gateway.authorization import Access
from unison_storage_gateway.calls import Call
from unison_storage_gateway.graph_requests import KIND, MAX_BYTES, READ, WRITE, Content, asked, marking, node_of, owned
from unison_storage_gateway.operations import TOLD
from unison_storage_gateway.problems import MISSING, Refused, placed
from unison_storage_gateway.routing import Described


class GraphRoutes:
    """The routes of nodes and spaces, on one storage."""

    def __init__(self, storage: Storage, access: Access) -> None:
        self._storage = storage
        self._access = access

    def routes(self) -> Iterator[Described]:
        """Yield the routes."""
        for method, path, endpoint, operation in (
            ("PUT", "/v1/graph/nodes/{label}/{id}", marking(self._storage, self.put), "put"),
            ("GET", "/v1/graph/nodes/{label}/{id}", self.get, "get"),
            ("DELETE", "/v1/graph/nodes/{label}/{id}", marking(self._storage, self.delete), "delete"),
            ("GET", "/v1/graph:stats", self.stats, "stats"),
            ("DELETE", "/v1/graph/", marking(self._storage, self.clear), "clear"),
        ):
            yield Described(method, path, endpoint, KIND, operation, TOLD[KIND, operation])

    async def put(self, call: Call) -> Response:
        """Make the node, or merge properties into the one that is there; ``null`` removes a property."""
        graph, _, person = await asked(self._storage, self._access, call, WRITE)
        label, id = node_of(call, graph)
        given = await arguments(call, Content, MAX_BYTES)
        node = Node(label, id, given.properties, given.person)
        with placed("body"):
            created = await graph.upsert_node(owned(node, person))
        return records.json({"created": created}, 201 if created else 200)

    async def get(self, call: Call) -> Response:
        """Return the node."""
        graph, _, _ = await asked(self._storage, self._access, call, READ)
        found = await graph.get_node(node_of(call, graph))
        if found is None:
            raise Refused(MISSING)
        return records.json(node_document(found))

    async def delete(self, call: Call) -> Response:
        """Remove the node; 204 also where nothing was there, 409 while it has edges, unless ``detach`` drops them."""
        graph, query, _ = await asked(self._storage, self._access, call, WRITE, "detach")
        detach = query.flag("detach", default=False)
        await graph.delete_node(node_of(call, graph), detach=detach)
        return Response(status_code=204)

    async def stats(self, call: Call) -> Response:
        """Return how many nodes of each label and edges of each type the space has. May read all of it."""
        graph, _, _ = await asked(self._storage, self._access, call, READ)
        return records.json(asdict(await graph.stats()))

    async def clear(self, call: Call) -> Response:
        """Remove every node and edge of the space; ``recursive=true`` says that this is meant."""
        graph, query, _ = await asked(self._storage, self._access, call, WRITE, "recursive")
        query.check_recursive()
        return records.json({"deleted": await graph.clear()})
