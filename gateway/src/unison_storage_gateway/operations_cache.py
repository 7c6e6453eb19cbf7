"""What OpenAPI is told of the operations of the cache. What they do stands with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from unison_storage_gateway.openapi import (
    ADDRESS,
    ANYTHING,
    FLAG,
    INTEGER,
    JSON,
    OCTETS,
    PERSON,
    STRING,
    members,
    parameter,
    removal,
    told,
)

_AT: Final = (ADDRESS, PERSON)
_SECONDS: Final = {"type": "number", "exclusiveMinimum": 0}
_MEDIA: Final = (*JSON, *OCTETS, "application/msgpack")
_VALUE: Final[Mapping[str, Any]] = {"body": ANYTHING, "media": _MEDIA, "refusals": (400, 401, 403, 404, 413)}
_ADDED: Final = members(("added",), added=FLAG)
_LIFETIME: Final = parameter("query", "lifetime", "seconds", _SECONDS)

TOLD: Final[Mapping[str, Mapping[str, Any]]] = {
    "put": told("Write a value", *_AT, _LIFETIME, answers={204: ("written", None)}, **_VALUE),
    "add": told(
        "Write a value where nothing is",
        *_AT,
        _LIFETIME,
        answers={201: ("written", _ADDED), 200: ("something was there", _ADDED)},
        **_VALUE,
    ),
    "get": told("Read a value", *_AT, answers={200: ("the value", ANYTHING)}, answer_media=_MEDIA),
    "delete": told("Remove a value", *_AT, answers={204: ("nothing is there", None)}),
    "delete_prefix": removal("entries"),
    "touch": told(
        "Start a lifetime anew",
        *_AT,
        body=members(("lifetime",), lifetime=_SECONDS),
        answers={204: ("done", None)},
    ),
    "increment": told(
        "Add to a counter",
        *_AT,
        body=members(by=INTEGER, lifetime=_SECONDS),
        answers={200: ("the new value", members(("value",), value=INTEGER))},
    ),
    "acquire": told(
        "Take a lease",
        *_AT,
        body=members(("lifetime",), lifetime=_SECONDS, owner=STRING),
        answers={200: ("taken", members(("owner", "fence"), owner=STRING, fence=INTEGER))},
        refusals=(400, 401, 403, 404, 409),
    ),
    "renew": told(
        "Start the lifetime of a lease anew",
        *_AT,
        body=members(("owner", "lifetime"), owner=STRING, lifetime=_SECONDS),
        answers={204: ("done", None)},
    ),
    "release": told(
        "Let go of a lease",
        *_AT,
        body=members(("owner",), owner=STRING),
        answers={204: ("done", None)},
    ),
}
