"""What OpenAPI is told of each operation. What the operations do stands with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from unison_storage_gateway.openapi import (
    ADDRESS,
    ANYTHING,
    BELOW,
    BYTES,
    ENTRY,
    IF_MATCH,
    IF_NONE_MATCH,
    INFO,
    INTEGER,
    KNOWN,
    LIFETIME,
    PAGE,
    PERSON,
    STAMP,
    STRING,
    members,
    page,
    parameter,
    told,
)

_FLAG: Final = {"type": "boolean"}
_NAMES: Final = {"type": "array", "items": STRING}
_LIFETIME: Final = parameter("query", "lifetime", "seconds, keep or none", LIFETIME)
_RANGE: Final = parameter("header", "Range", "one range of bytes")
_ID: Final = parameter("path", "address", "the id of the object", required=True)
_READING: Final = (PERSON, KNOWN, IF_MATCH, _RANGE, parameter("header", "If-Range", 'a version, as in "v"'))
_OPERATION: Final = members(
    ("op", "keyspace", "key"),
    op={"enum": ["get", "put", "delete"]},
    keyspace=STRING,
    namespace=_NAMES,
    key=STRING,
    value=ANYTHING,
    lifetime=LIFETIME,
    touch=LIFETIME,
    if_match=STRING,
    if_none_match=STRING,
)
_CONTENT: Final[Mapping[int, tuple[str, Mapping[str, Any] | None]]] = {
    200: ("the bytes", BYTES),
    206: ("the part that Range names", BYTES),
    304: ("the client has this version", None),
    416: ("no byte of the object lies in the range", None),
}
_BYTES: Final = "application/octet-stream"
_WRITING: Final = (400, 401, 403, 404, 412, 413)
_RECURSIVE: Final = parameter("query", "recursive", "true says that this is meant", _FLAG, required=True)
_DELETED: Final = members(("deleted",), deleted=INTEGER)
_REPORT: Final = members(("person", "complete", "kinds"), person=STRING, complete=_FLAG, kinds=members())

TOLD: Final[Mapping[tuple[str, str], Mapping[str, Any]]] = {
    ("memory", "put"): told(
        "Write a value",
        *(ADDRESS, PERSON, _LIFETIME, IF_MATCH, IF_NONE_MATCH),
        body=ANYTHING,
        answers={201: ("made", STAMP), 200: ("replaced", STAMP)},
        refusals=_WRITING,
    ),
    ("memory", "get"): told(
        "Read a value",
        *(ADDRESS, PERSON, KNOWN, parameter("query", "touch", "start the lifetime anew: seconds or none", LIFETIME)),
        answers={200: ("the value", ANYTHING), 304: ("the client has this version", None)},
    ),
    ("memory", "delete"): told(
        "Remove a value",
        *(ADDRESS, PERSON, IF_MATCH),
        answers={204: ("nothing is there", None)},
        refusals=(400, 401, 403, 404, 412),
    ),
    ("memory", "touch"): told(
        "Start a lifetime anew",
        *(ADDRESS, PERSON),
        body=members(("lifetime",), lifetime=LIFETIME),
        answers={204: ("done", None)},
    ),
    ("memory", "increment"): told(
        "Add to a counter",
        *(ADDRESS, PERSON),
        body=members(by=INTEGER, lifetime=LIFETIME),
        answers={200: ("the new value", members(("value",), value=INTEGER))},
    ),
    ("memory", "page"): told(
        "List what lies below",
        *(BELOW, PERSON, *PAGE, parameter("query", "values", "false leaves the values out", _FLAG)),
        answers={200: ("one page", page(ENTRY))},
    ),
    ("memory", "delete_prefix"): told(
        "Remove everything below",
        *(BELOW, PERSON, _RECURSIVE),
        answers={200: ("how many entries that were", _DELETED)},
    ),
    ("memory", "batch"): told(
        "Run many operations",
        PERSON,
        body=members(("operations",), operations={"type": "array", "maxItems": 1000, "items": _OPERATION}),
        answers={
            200: (
                "one result each, in order",
                members(
                    ("results",),
                    results={
                        "type": "array",
                        "items": members(("status",), status=INTEGER, problem=members()),
                    },
                ),
            )
        },
        refusals=(400, 401, 413),
    ),
    ("object", "put"): told(
        "Store bytes",
        *(ADDRESS, PERSON, _LIFETIME, IF_MATCH, IF_NONE_MATCH),
        parameter("header", "Content-Digest", "sha-256=:…: as in RFC 9530; compared before the object is visible"),
        body=BYTES,
        media=_BYTES,
        answers={201: ("made", INFO), 200: ("replaced", INFO)},
        refusals=_WRITING,
    ),
    ("object", "get"): told("Read bytes", ADDRESS, *_READING, answers=_CONTENT, answer_media=_BYTES),
    ("object", "head"): told(
        "Ask about an object",
        *(ADDRESS, PERSON, KNOWN, IF_MATCH),
        answers={200: ("what the headers say", None), 304: ("the client has this version", None)},
    ),
    ("object", "by_id"): told("Read bytes by id", _ID, *_READING, answers=_CONTENT, answer_media=_BYTES),
    ("object", "delete"): told(
        "Remove an object",
        *(ADDRESS, PERSON, IF_MATCH),
        answers={204: ("nothing is there", None)},
        refusals=(400, 401, 403, 404, 412),
    ),
    ("object", "copy"): told(
        "Store an object a second time",
        *(ADDRESS, PERSON, IF_MATCH, IF_NONE_MATCH),
        body=members(("key",), keyspace=STRING, namespace=_NAMES, key=STRING),
        answers={201: ("made", INFO), 200: ("replaced", INFO)},
        refusals=_WRITING,
    ),
    ("object", "page"): told(
        "List what lies below",
        *(BELOW, PERSON, *PAGE),
        answers={200: ("one page", page(INFO))},
    ),
    ("object", "delete_prefix"): told(
        "Remove everything below",
        *(BELOW, PERSON, _RECURSIVE),
        answers={200: ("how many objects that were", _DELETED)},
    ),
    ("person", "erase"): told(
        "Erase a person",
        parameter("path", "address", "the person", required=True),
        answers={200: ("what is gone and what is left", _REPORT)},
    ),
    ("service", "health"): told(
        "Is the process alive", answers={200: ("it is", members(status=STRING))}, open_to_all=True
    ),
    ("service", "ready"): told(
        "Do all backends answer",
        answers={
            200: ("they do", members(ready=_FLAG, failing=_NAMES)),
            503: ("those that are named do not, or the service is stopping", members(ready=_FLAG, failing=_NAMES)),
        },
        open_to_all=True,
    ),
    ("service", "metrics"): told(
        "Metrics as Prometheus text",
        answers={200: ("the metrics", STRING)},
        answer_media="text/plain",
        refusals=(401, 403),
    ),
}
