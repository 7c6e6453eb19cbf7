"""What OpenAPI is told of the operations of memory. What they do stands with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from unison_storage_gateway.openapi import (
    ADDRESS,
    ANYTHING,
    BELOW,
    ENTRY,
    FLAG,
    IF_MATCH,
    IF_NONE_MATCH,
    INTEGER,
    KNOWN,
    LIFETIME,
    LIFETIMES,
    NAMES,
    PAGE,
    PERSON,
    RESULTS,
    STAMP,
    STRING,
    WRITING,
    members,
    page,
    parameter,
    removal,
    told,
)

_OPERATION: Final = members(
    ("op", "keyspace", "key"),
    op={"enum": ["get", "put", "delete"]},
    keyspace=STRING,
    namespace=NAMES,
    key=STRING,
    value=ANYTHING,
    lifetime=LIFETIME,
    touch=LIFETIME,
    if_match=STRING,
    if_none_match=STRING,
)

TOLD: Final[Mapping[str, Mapping[str, Any]]] = {
    "put": told(
        "Write a value",
        *(ADDRESS, PERSON, LIFETIMES, IF_MATCH, IF_NONE_MATCH),
        body=ANYTHING,
        answers={201: ("made", STAMP), 200: ("replaced", STAMP)},
        refusals=WRITING,
    ),
    "get": told(
        "Read a value",
        *(ADDRESS, PERSON, KNOWN, parameter("query", "touch", "start the lifetime anew: seconds or none", LIFETIME)),
        answers={200: ("the value", ANYTHING), 304: ("the client has this version", None)},
    ),
    "delete": told(
        "Remove a value",
        *(ADDRESS, PERSON, IF_MATCH),
        answers={204: ("nothing is there", None)},
        refusals=(400, 401, 403, 404, 412),
    ),
    "touch": told(
        "Start a lifetime anew",
        *(ADDRESS, PERSON),
        body=members(("lifetime",), lifetime=LIFETIME),
        answers={204: ("done", None)},
    ),
    "increment": told(
        "Add to a counter",
        *(ADDRESS, PERSON),
        body=members(by=INTEGER, lifetime=LIFETIME),
        answers={200: ("the new value", members(("value",), value=INTEGER))},
    ),
    "page": told(
        "List what lies below",
        *(BELOW, PERSON, *PAGE, parameter("query", "values", "false leaves the values out", FLAG)),
        answers={200: ("one page", page(ENTRY))},
    ),
    "delete_prefix": removal("entries"),
    "batch": told(
        "Run many operations",
        PERSON,
        body=members(("operations",), operations={"type": "array", "maxItems": 1000, "items": _OPERATION}),
        answers={200: ("one result each, in order", RESULTS)},
        refusals=(400, 401, 413),
    ),
}
