"""What lies in a database and does not fit the graph model: other programs wrote it, or an older model let it in.

Values are looked at, and never told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from unison_storage.contracts.graph import space_of
from unison_storage.errors import StorageError
from unison_storage.graph_model import GraphModel, check_edge_key, check_id
from unison_storage.stores.everywhere import Everywhere
from unison_storage.values import Edge, Node, NodeRef


class Misfit(Struct, frozen=True):
    """One sort of what does not fit: ``where`` it is, ``what`` is wrong, how many there are, and the first of them."""

    where: str
    what: str
    number: int
    first: NodeRef | None


Told = Callable[[int], None]


async def misfits(graph: Everywhere, told: Told) -> list[Misfit]:
    """Return what does not fit, in order. Reads all of the graph; ``told`` hears how much each part had."""
    found: dict[tuple[str, str], tuple[int, NodeRef | None]] = {
        (one.name or "no label", one.what): (one.number, None) for one in await graph.strays()
    }

    def note(where: str, what: str, first: NodeRef) -> None:
        number, known = found.get((where, what), (0, first))
        found[where, what] = number + 1, known

    async for page in graph.nodes():
        for node in page:
            for where, what in _of_node(graph.model, node):
                note(where, what, node.ref)
        told(len(page))
        async for part in graph.edges_from(page):
            for edge in part:
                for where, what in _of_edge(graph.model, edge):
                    note(where, what, edge.source)
            told(len(part))
    return [Misfit(where, what, number, first) for (where, what), (number, first) in sorted(found.items())]


def _of_node(model: GraphModel, node: Node) -> Iterator[tuple[str, str]]:
    if node.label not in model.labels:
        yield node.label, "the model has no such label"
    if _refuses(check_id, node.id[len(space_of(node.id)) :]):
        yield node.label, "an id that no id looks like"
    yield from _of_properties(model, node.label, node.properties)


def _of_edge(model: GraphModel, edge: Edge) -> Iterator[tuple[str, str]]:
    if edge.type not in model.relationships:
        yield edge.type, "the model has no such relationship type"
    elif _refuses(model.ends, edge.type, edge.source[0], edge.target[0]):
        yield edge.type, f"from {edge.source[0]} to {edge.target[0]}, which the model does not join so"
    if _refuses(check_edge_key, edge.key):
        yield edge.type, "a key that no key looks like"
    yield from _of_properties(model, edge.type, edge.properties)


def _of_properties(model: GraphModel, where: str, properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in properties.items():
        if name not in model.properties:
            yield f"{where}.{name}", "the model has no such property"
        elif _refuses(model.changes, {name: value}):
            yield f"{where}.{name}", f"a value that is no {model.properties[name].grammar}"


def _refuses(check: Callable[..., Any], *given: Any) -> bool:
    try:
        check(*given)
    except StorageError:
        return True
    return False
