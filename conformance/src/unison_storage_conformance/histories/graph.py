"""Histories of the graph: upserts that merge, deletes with and without edges, two nodes and what lies between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from unison_storage.contracts.graph import GraphBackend, Search
from unison_storage.errors import HasEdges, NotFound
from unison_storage.values import Edge, EdgeRef, Node
from unison_storage_conformance.ground import Ground
from unison_storage_conformance.law import law
from unison_storage_conformance.outcomes import same
from unison_storage_conformance.programs import Act, Client, Trade, model_of
from unison_storage_conformance.trials import at_once
from unison_storage_conformance.verdicts import Level

LABEL: Final = "Device"
TYPE: Final = "OWNS"

Properties = frozenset[tuple[str, Any]]


class Held(NamedTuple):
    """What is there: nodes by id and edges by source and target, with their properties."""

    nodes: frozenset[tuple[str, Properties]] = frozenset()
    edges: frozenset[tuple[tuple[str, str], Properties]] = frozenset()


class Gone(NamedTuple):
    """A delete of a node."""

    id: str
    detach: bool


def effect(held: Held, operation: str, given: Any) -> tuple[Held, Any]:  # noqa: PLR0911 - one for each operation
    """Return what a call leaves, and what it answers."""
    nodes, edges = dict(held.nodes), dict(held.edges)
    match operation:
        case "get_nodes":
            return held, nodes.get(given[1])
        case "get_edges":
            return held, edges.get(_ends(given))
        case "upsert_nodes":
            made = given.id not in nodes
            nodes[given.id] = _merged(nodes.get(given.id), given.properties)
            return _held(nodes, edges), made
        case "upsert_edges":
            ends = _ends(given)
            if not nodes.keys() >= set(ends):
                return held, NotFound
            made = ends not in edges
            edges[ends] = _merged(edges.get(ends), given.properties)
            return _held(nodes, edges), made
        case "delete_edges":
            there = edges.pop(_ends(given), None) is not None
            return _held(nodes, edges), there
        case _:
            return _delete(nodes, edges, given)


def _delete(nodes: dict[str, Properties], edges: dict[tuple[str, str], Properties], gone: Gone) -> tuple[Held, Any]:
    joined = {ends for ends in edges if gone.id in ends}
    if joined and not gone.detach:
        return _held(nodes, edges), HasEdges
    there = nodes.pop(gone.id, None) is not None
    return _held(nodes, {ends: one for ends, one in edges.items() if ends not in joined}), there


def _held(nodes: Mapping[str, Properties], edges: Mapping[tuple[str, str], Properties]) -> Held:
    return Held(frozenset(nodes.items()), frozenset(edges.items()))


def _merged(old: Properties | None, new: Mapping[str, Any]) -> Properties:
    return frozenset((name, value) for name, value in {**dict(old or ()), **new}.items() if value is not None)


def _ends(edge: Edge | EdgeRef) -> tuple[str, str]:
    return edge.source[1], edge.target[1]


def _properties(client: Client, act: Act) -> dict[str, Any]:
    """Return a property of the client's own, and one that all of them write."""
    return {f"by{client.number}": act.number, "last": None if act.number % 4 == 0 else act.number}


def _told(found: Node | Edge | None) -> Properties | None:
    return None if found is None else frozenset(found.properties.items())


async def _get_nodes(client: Client, _: Act, places: Sequence[str]) -> None:
    await client.batch("get_nodes", [(LABEL, place) for place in places], _told)


async def _get_edges(client: Client, _: Act, places: Sequence[str]) -> None:
    await client.batch("get_edges", [_edge(client, place).ref for place in places], _told)


async def _upsert_nodes(client: Client, act: Act, places: Sequence[str]) -> None:
    await client.batch("upsert_nodes", [Node(LABEL, place, _properties(client, act)) for place in places])


async def _upsert_edges(client: Client, act: Act, places: Sequence[str]) -> None:
    await client.batch("upsert_edges", [_edge(client, place, _properties(client, act)) for place in places])


async def _delete_edges(client: Client, _: Act, places: Sequence[str]) -> None:
    await client.batch("delete_edges", [_edge(client, place).ref for place in places])


def _deleting(*, detach: bool) -> Any:
    async def delete(client: Client, _: Act, places: Sequence[str]) -> None:
        refs = [(LABEL, place) for place in places]
        await client.batch("delete_nodes", refs, given=[Gone(place, detach) for place in places], detach=detach)

    return delete


def _edge(client: Client, place: str, properties: dict[str, Any] | None = None) -> Edge:
    """Return the edge that begins at a place and leads to the other one."""
    one, two = _places(client.ground)
    other = two if place == one else one
    return Edge(TYPE, (LABEL, place), (LABEL, other), "", properties or {})


def _places(ground: Any) -> Sequence[str]:
    space = ground.below("h")
    return [f"{space}a", f"{space}b"]


async def _each_is_there_once(client: Client) -> None:
    places = _places(client.ground)
    there = [node.id for node in await client.backend.get_nodes([(LABEL, place) for place in places]) if node]
    found = await client.backend.find_nodes(Search(client.ground.below("h"), LABEL, {}, "", 100))
    same([node.id for node in found], there, "each node is there once")
    counted = await client.backend.stats(client.ground.below("h"))
    same(sum(counted.nodes.values()), len(there), "each node counts once")


GRAPH: Final = Trade(
    deeds={
        "get nodes": (3, _get_nodes),
        "get edges": (2, _get_edges),
        "upsert nodes": (5, _upsert_nodes),
        "upsert edges": (4, _upsert_edges),
        "delete edges": (1, _delete_edges),
        "delete nodes": (1, _deleting(detach=False)),
        "detach nodes": (1, _deleting(detach=True)),
    },
    start=Held(),
    model=model_of(effect),
    key=lambda _: None,
    first=("upsert nodes", "upsert edges"),
    last=("get nodes", "get edges"),
    places=_places,
    after=_each_is_there_once,
)


@law("graph.24", level=Level.HISTORIES)
async def calls_of_several_clients_at_once(ground: Ground[GraphBackend]) -> None:
    await at_once(ground, GRAPH)
