"""How nodes and edges stand in rows: places as columns, properties as JSON. No operation of the graph stands here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from unison_storage.addresses import SEPARATOR
from unison_storage.contracts.graph import Space, space_of
from unison_storage.values import Edge, EdgeRef, Node, NodeRef

Columns = tuple[list[Any], ...]

_encode: Final = msgspec.json.Encoder().encode
decode_properties: Final = msgspec.json.Decoder(dict[str, Any]).decode

_LAST: Final = "\U0010ffff"
"""No id is greater."""


def first_segment(space: Space) -> str:
    """Return the first segment of a space, empty where there is none."""
    return space.partition(SEPARATOR)[0]


def encoded(properties: Mapping[str, Any]) -> str:
    """Return properties as JSON."""
    return _encode(properties).decode()


def place(ref: NodeRef) -> tuple[str, Space, str, str]:
    """Return where a node stands: first segment, space, label, and the id without its space."""
    label, id = ref
    space = space_of(id)
    return first_segment(space), space, label, id[len(space) :]


def beside(ref: NodeRef, other: NodeRef) -> tuple[str, str]:
    """Return the label and the id of a node in the space of another one; an id that none has, if it is elsewhere."""
    label, id = ref
    space = space_of(other[1])
    return label, id[len(space) :] if space_of(id) == space else SEPARATOR


def cursor(after: str, space: Space) -> str:
    """Return the id within a space that a listing goes on after, given a stored id, which may lie elsewhere."""
    if after.startswith(space):
        return after[len(space) :]
    return "" if after < space else _LAST


def places(refs: Iterable[NodeRef]) -> Columns:
    """Return the columns of places."""
    return _columns([place(ref) for ref in refs], 4)


def places_of_edges(refs: Iterable[EdgeRef]) -> Columns:
    """Return the columns of first segment and space, of label and id of both ends, and of type and key."""
    return _columns([(*place(source), *beside(target, source), type, key) for type, source, target, key in refs], 8)


def changes(items: Sequence[Node] | Sequence[Edge]) -> Columns:
    """Return the columns of properties where nothing is there, of those to be merged, and of persons."""
    return _columns([(_made(item.properties), encoded(item.properties), item.person) for item in items], 3)


def node(ref: NodeRef, properties: str, person: str | None) -> Node:
    """Return the node of a row."""
    return Node(*ref, decode_properties(properties), person)


def edge(ref: EdgeRef, properties: str, person: str | None) -> Edge:
    """Return the edge of a row."""
    return Edge(*ref, decode_properties(properties), person)


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> Columns:
    return tuple([row[column] for row in rows] for column in range(width))


def _made(properties: Mapping[str, Any]) -> str:
    return encoded({name: value for name, value in properties.items() if value is not None})
