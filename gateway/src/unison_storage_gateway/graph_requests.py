"""What requests of the graph say: a space, a node, nodes and edges in bodies. Answering them is up to the routes."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from unison_storage.graph_model import check_id
from unison_storage.storage import Storage
from unison_storage.stores.graph import Graph
from unison_storage.values import Edge, EdgeRef, Node, NodeRef
from unison_storage_gateway.authorization import Access
from unison_storage_gateway.calls import Call
from unison_storage_gateway.paths import segment
from unison_storage_gateway.problems import BadInput, placed
from unison_storage_gateway.queries import Query

KIND: Final = "graph"
READ: Final = "graph:read"
WRITE: Final = "graph:write"

MAX_BYTES: Final = 1024 * 1024
"""Bytes of a body that holds one node or one question."""


class Named(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What identifies a node."""

    label: str
    id: str

    def ref(self, graph: Graph, *loc: str | int) -> NodeRef:
        """Return label and id, checked here so that an error of them points to ``loc``."""
        with placed(*loc):
            return graph.model.label(self.label), check_id(self.id)


class Content(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a node holds; in an upsert ``null`` removes a property."""

    properties: dict[str, Any] = {}
    person: str | None = None


class GivenNode(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A node in a batch. Where one is only named, nothing but label and id counts."""

    label: str
    id: str
    properties: dict[str, Any] = {}
    person: str | None = None

    def node(self, person: str | None) -> Node:
        """Return the node, owned by ``person`` where it names none itself."""
        return Node(self.label, self.id, self.properties, owner(self.person, person))

    @property
    def ref(self) -> NodeRef:
        """What identifies it."""
        return self.label, self.id


class GivenEdge(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An edge in a batch. Where one is only named, nothing but type, ends and key counts."""

    type: str
    source: Named
    target: Named
    key: str = ""
    properties: dict[str, Any] = {}
    person: str | None = None

    def edge(self, person: str | None) -> Edge:
        """Return the edge, owned by ``person`` where it names none itself."""
        return Edge(*self.ref, self.properties, owner(self.person, person))

    @property
    def ref(self) -> EdgeRef:
        """What identifies it."""
        source, target = (self.source.label, self.source.id), (self.target.label, self.target.id)
        return EdgeRef(self.type, source, target, self.key)


class Asked(NamedTuple):
    """A request that was granted. ``person`` is whom the header names: the owner of what is written, by default."""

    graph: Graph
    query: Query
    person: str | None


def asked(storage: Storage, access: Access, call: Call, permission: str, *parameters: str) -> Asked:
    """Return what a request asks, if it may; ``parameters`` are those that its query may have besides the space."""
    person = access.graph(access.principal(call), call, permission)
    query = call.query(*parameters, repeatable=("space",))
    with placed("query", "space"):
        return Asked(storage.graph.at(*query.texts("space")), query, person)


def node_of(call: Call, graph: Graph) -> NodeRef:
    """Return the label and id that the path spells."""
    label, id = segment(call.path_params["label"]), segment(call.path_params["id"])
    return Named(label, id).ref(graph, "path")


def owner(named: str | None, header: str | None) -> str | None:
    """Return whose a written node or edge is; ``BadInput`` where body and header name two persons."""
    if named is not None and header is not None and named != header:
        raise BadInput("another person is named here than in X-Unison-Person", loc=("body", "person"))
    return header if named is None else named
