"""How nodes and edges stand in rows: places, numbers, properties as JSON. No operation of the graph stands here."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from unison_storage.contracts.graph import Space, space_of
from unison_storage.values import Edge, EdgeRef, Node, NodeRef
from unison_storage_sqlite import graph_statements

Place = tuple[Space, str, str]
"""Where a node stands: space, label and id."""

_encode: Final = msgspec.json.Encoder().encode
decode_numbers: Final = msgspec.json.Decoder(list[int]).decode
decode_texts: Final = msgspec.json.Decoder(list[str]).decode
decode_persons: Final = msgspec.json.Decoder(list[str | None]).decode
decode_properties: Final = msgspec.json.Decoder(dict[str, Any]).decode
decode_all_properties: Final = msgspec.json.Decoder(list[dict[str, Any]]).decode


def encoded(value: Any) -> str:
    """Return JSON, as TEXT."""
    return _encode(value).decode()


def place(ref: NodeRef) -> Place:
    """Return where a node stands."""
    label, id = ref
    return space_of(id), label, id


def numbers(database: sqlite3.Connection, refs: Iterable[NodeRef]) -> dict[NodeRef, int]:
    """Return the numbers of those nodes that are there."""
    wanted = list(dict.fromkeys(refs))
    places = encoded([place(ref) for ref in wanted])
    return {wanted[at]: node for at, node in database.execute(graph_statements.NODES_NUMBERS, (places,))}


def nodes(database: sqlite3.Connection, refs: Sequence[NodeRef]) -> list[Node | None]:
    """Return each node or ``None``."""
    found: list[Node | None] = [None] * len(refs)
    places = encoded([place(ref) for ref in refs])
    for at, properties, person in database.execute(graph_statements.NODES_GET, (places,)):
        label, id = refs[at]
        found[at] = Node(label, id, decode_properties(properties), person)
    return found


def edges(database: sqlite3.Connection, refs: Sequence[EdgeRef]) -> list[tuple[int, Edge] | None]:
    """Return the number and the edge, or ``None``, for each."""
    found: list[tuple[int, Edge] | None] = [None] * len(refs)
    places = encoded([(place(source), place(target), type, key) for type, source, target, key in refs])
    for at, edge, properties, person in database.execute(graph_statements.EDGES_GET, (places,)):
        type, source, target, key = refs[at]
        found[at] = edge, Edge(type, source, target, key, decode_properties(properties), person)
    return found
