"""Arguments of graph calls, checked once: names by the model, ids by their grammar, bounds of walks and positions."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, get_args

from unison_storage.addresses import SEPARATOR, check_person
from unison_storage.contracts import graph as contract
from unison_storage.errors import InvalidCursor, InvalidValue
from unison_storage.graph_model import GraphModel, check_edge_key, check_id, type_name
from unison_storage.values import Direction, Edge, EdgeRef, Neighbor, Node, NodeRef

MAX_DEPTH: Final = 100
MAX_NODES: Final = 10_000
MAX_STARTS: Final = 1_000
MAX_ROWS: Final = 100_000
MAX_SECONDS: Final = 3_600
MAX_BOOKMARKS: Final = 100
_BOOKMARK: Final = re.compile(r"[!-+\--~]{1,512}")
_DIRECTIONS: Final = get_args(Direction)
_POSITION: Final = 5


class Arguments:
    """What calls in one space may be given; everything returned is as the contract wants it."""

    __slots__ = ("model", "space")

    def __init__(self, model: GraphModel, space: contract.Space) -> None:
        self.model = model
        self.space = space

    def ref(self, ref: Any) -> NodeRef:
        """Return label and id; ``InvalidValue``, ``InvalidKey``."""
        if not isinstance(ref, tuple) or len(ref) != 2:
            raise InvalidValue("a node is named by a tuple of label and id")
        return self.model.label(ref[0]), self.space + check_id(ref[1])

    def edge_ref(self, ref: EdgeRef | Edge) -> EdgeRef:
        """Return what identifies an edge; ``InvalidValue``, ``InvalidKey``."""
        if not isinstance(ref, EdgeRef | Edge):
            raise InvalidValue(f"an edge is named by an EdgeRef or an Edge, not {type_name(ref)}")
        source, target = self.ref(ref.source), self.ref(ref.target)
        return EdgeRef(self.model.type(ref.type), source, target, check_edge_key(ref.key))

    def node(self, node: Node) -> Node:
        """Return a node to write; raises as the model does."""
        if not isinstance(node, Node):
            raise InvalidValue(f"a Node is needed, not {type_name(node)}")
        label, id = self.ref((node.label, node.id))
        return Node(label, id, self.model.changes(node.properties), _person(node.person))

    def edge(self, edge: Edge) -> Edge:
        """Return an edge to write; raises as the model does."""
        if not isinstance(edge, Edge):
            raise InvalidValue(f"an Edge is needed, not {type_name(edge)}")
        ref = self.edge_ref(edge)
        self.model.ends(ref.type, ref.source[0], ref.target[0])
        return Edge(*ref, self.model.changes(edge.properties), _person(edge.person))

    def types(self, types: Collection[str] | None) -> tuple[str, ...] | None:
        """Return relationship types in order, each once; ``None`` means all."""
        return None if types is None else _each("types", types, self.model.type)

    def labels(self, labels: Collection[str] | None) -> tuple[str, ...] | None:
        """Return labels in order, each once; ``None`` means all."""
        return None if labels is None else _each("labels", labels, self.model.label)

    def position(self, text: str) -> contract.Position | None:
        """Return where a listing of neighbours goes on; ``InvalidCursor`` for what no listing answered."""
        if not text:
            return None
        parts = text.split(SEPARATOR)
        if len(parts) != _POSITION:
            raise InvalidCursor("the cursor is malformed; start from the beginning")
        type, label, id, key, way = parts
        return type, label, self.space + id, key, way


def position_of(found: Neighbor, asked: contract.Neighbors, space: contract.Space) -> str:
    """Return the position of a neighbour as a cursor holds it: its id stands without the space."""
    edge, node = found.edge, found.node
    outwards = asked.direction != "in" and edge.source == asked.start and edge.target == node.ref
    return SEPARATOR.join((edge.type, node.label, node.id[len(space) :], edge.key, "out" if outwards else "in"))


def direction_of(direction: Direction) -> Direction:
    """Return ``direction``; ``InvalidValue`` unless out, in or both."""
    if direction not in _DIRECTIONS:
        raise InvalidValue("direction is out, in or both")
    return direction


def within(name: str, number: int, most: int) -> int:
    """Return a bound of a walk; ``InvalidValue`` unless an int from 1 to ``most``."""
    if type(number) is not int or not 1 <= number <= most:
        raise InvalidValue(f"{name} is a number from 1 to {most}")
    return number


def query_arguments(text: Any, parameters: Any, timeout: Any, max_rows: Any) -> tuple[str, dict[str, Any]]:
    """Return text and parameters of a query; ``InvalidValue`` for those and for bounds that make no sense."""
    if not isinstance(text, str) or not text.strip():
        raise InvalidValue("a query is a text, and not an empty one")
    if not isinstance(parameters, Mapping | None) or any(type(name) is not str for name in parameters or ()):
        raise InvalidValue("parameters of a query are a mapping from names to values")
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= MAX_SECONDS:
        raise InvalidValue(f"timeout is in seconds, more than 0 and at most {MAX_SECONDS}")
    within("max_rows", max_rows, MAX_ROWS)
    return text, dict(parameters or {})


def checked_bookmarks(bookmarks: Any) -> list[str]:
    """Return bookmarks in order, each once; ``InvalidValue`` unless they are a few short texts."""
    if isinstance(bookmarks, str) or not isinstance(bookmarks, Sequence) or len(bookmarks) > MAX_BOOKMARKS:
        raise InvalidValue(f"bookmarks are a list of at most {MAX_BOOKMARKS} texts, as another process was given them")
    if any(type(one) is not str or _BOOKMARK.fullmatch(one) is None for one in bookmarks):
        raise InvalidValue("a bookmark is 1 to 512 characters of ASCII without blanks and commas")
    return list(dict.fromkeys(bookmarks))


def _each(name: str, given: Any, check: Any) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, Sequence | set | frozenset):
        raise InvalidValue(f"{name} is a list of names, or None for all")
    return tuple(sorted({check(one) for one in given}))


def _person(person: str | None) -> str | None:
    return None if person is None else check_person(person)
