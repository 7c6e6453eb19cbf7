"""What OpenAPI is told of the operations of the graph. What they do stands with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from unison_storage.stores.graph_arguments import MAX_DEPTH, MAX_NODES
from unison_storage_gateway.openapi import (
    DELETED,
    FLAG,
    INTEGER,
    NAMES,
    PAGE,
    PERSON,
    RECURSIVE,
    RESULTS,
    STRING,
    Schema,
    members,
    page,
    parameter,
    told,
)

_SPACE: Final = (
    parameter(
        "query", "space", "a segment of the space; repeated for each segment, in order", {**NAMES, "maxItems": 16}
    ),
    parameter(
        "header",
        "X-Unison-Bookmarks",
        "what has to be seen: the header of the same name of the answer to a write, or several with commas between",
    ),
)
_AT: Final = (
    parameter("path", "label", "the label of the node", required=True),
    parameter("path", "id", "the id of the node, percent-encoded", required=True),
    *_SPACE,
)
_DETACH: Final = parameter("query", "detach", "true drops the edges of the node too", FLAG)
_DIRECTION: Final = {"enum": ["out", "in", "both"]}
_DEPTH: Final = {"type": "integer", "minimum": 1, "maximum": MAX_DEPTH}
_SCALAR: Final = {"type": ["string", "number", "boolean"]}
_VALUE: Final = {"oneOf": [_SCALAR, {"type": "array", "items": _SCALAR}, {"type": "null"}]}
_HELD: Final[Mapping[str, Schema]] = {
    "properties": {"type": "object", "additionalProperties": _VALUE},
    "person": {"type": ["string", "null"]},
}
_REF: Final = members(("label", "id"), label=STRING, id=STRING)
_NODE: Final = members(("label", "id"), label=STRING, id=STRING, **_HELD)
_EDGE: Final = members(("type", "source", "target"), type=STRING, source=_REF, target=_REF, key=STRING, **_HELD)
_REACHED: Final = members(("label", "id", "depth"), label=STRING, id=STRING, depth=INTEGER, **_HELD)
_PATH: Final = members(
    ("nodes", "edges", "length"),
    nodes={"type": "array", "items": _NODE},
    edges={"type": "array", "items": _EDGE},
    length=INTEGER,
)
_NODES: Final = members(("nodes",), nodes={"type": "array", "maxItems": 1000, "items": _NODE})
_EDGES: Final = members(("edges",), edges={"type": "array", "maxItems": 1000, "items": _EDGE})
_EACH: Final = {200: ("one result each, in order", RESULTS)}
_WHOLE: Final = (400, 401, 403, 413)
_STATS: Final = {"type": "object", "additionalProperties": INTEGER}
_MADE: Final = members(("created",), created=FLAG)

TOLD: Final[Mapping[str, Mapping[str, Any]]] = {
    "put": told(
        "Make or merge a node",
        *(*_AT, PERSON),
        body=members((), **_HELD),
        answers={201: ("made", _MADE), 200: ("merged", _MADE)},
        refusals=(400, 401, 403, 413, 422),
    ),
    "get": told("Read a node", *_AT, answers={200: ("the node", _NODE)}),
    "delete": told(
        "Remove a node",
        *(*_AT, _DETACH),
        answers={204: ("nothing is there", None)},
        refusals=(400, 401, 403, 409),
    ),
    "stats": told(
        "Count nodes and edges",
        *_SPACE,
        answers={200: ("how many of each label and type", members(("nodes", "edges"), nodes=_STATS, edges=_STATS))},
        refusals=(400, 401, 403),
    ),
    "clear": told(
        "Remove everything of a space",
        *_SPACE,
        RECURSIVE,
        answers={200: ("how many nodes and edges that were", DELETED)},
        refusals=(400, 401, 403),
    ),
    "upsert_nodes": told("Make or merge nodes", *_SPACE, PERSON, body=_NODES, answers=_EACH, refusals=_WHOLE),
    "get_nodes": told("Read nodes", *_SPACE, body=_NODES, answers=_EACH, refusals=_WHOLE),
    "delete_nodes": told("Remove nodes", *_SPACE, _DETACH, body=_NODES, answers=_EACH, refusals=_WHOLE),
    "upsert_edges": told("Make or merge edges", *_SPACE, PERSON, body=_EDGES, answers=_EACH, refusals=_WHOLE),
    "get_edges": told("Read edges", *_SPACE, body=_EDGES, answers=_EACH, refusals=_WHOLE),
    "delete_edges": told("Remove edges", *_SPACE, body=_EDGES, answers=_EACH, refusals=_WHOLE),
    "neighbors": told(
        "List what is beside a node",
        *(*_AT, *PAGE),
        parameter("query", "direction", "which way the edges lead; out unless it is given", _DIRECTION),
        parameter("query", "types", "relationship types with commas between them; all unless they are given"),
        parameter("query", "labels", "labels with commas between them; all unless they are given"),
        answers={200: ("one page", page(members(("node", "edge"), node=_NODE, edge=_EDGE)))},
        refusals=(400, 401, 403),
    ),
    "traverse": told(
        "Walk from nodes",
        *_SPACE,
        body=members(
            ("starts",),
            starts={"type": "array", "items": _REF, "minItems": 1, "maxItems": 1000},
            direction=_DIRECTION,
            types=NAMES,
            max_depth=_DEPTH,
            max_nodes={"type": "integer", "minimum": 1, "maximum": MAX_NODES},
        ),
        answers={
            200: ("what was reached", members(("nodes", "cut"), nodes={"type": "array", "items": _REACHED}, cut=FLAG))
        },
        refusals=_WHOLE,
    ),
    "path": told(
        "Find a shortest path",
        *_SPACE,
        body=members(
            ("source", "target"),
            source=_REF,
            target=_REF,
            direction=_DIRECTION,
            types=NAMES,
            max_depth=_DEPTH,
        ),
        answers={200: ("the path, or null", members(("path",), path={"oneOf": [_PATH, {"type": "null"}]}))},
        refusals=_WHOLE,
    ),
    "find": told(
        "Find nodes by properties",
        *_SPACE,
        body=members(
            ("label",),
            label=STRING,
            where={"type": "object", "additionalProperties": _SCALAR},
            limit={"type": "integer", "minimum": 1, "maximum": 1000},
            cursor={"type": ["string", "null"]},
        ),
        answers={200: ("one page", page(_NODE))},
        refusals=(400, 401, 403, 413, 422),
    ),
}
