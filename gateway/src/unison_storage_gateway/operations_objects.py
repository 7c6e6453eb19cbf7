"""What OpenAPI is told of the operations of objects. What they do stands with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from unison_storage_gateway.openapi import (
    ADDRESS,
    BELOW,
    BYTES,
    IF_MATCH,
    IF_NONE_MATCH,
    INFO,
    KNOWN,
    LIFETIMES,
    NAMES,
    OCTETS,
    PAGE,
    PERSON,
    STRING,
    WRITING,
    members,
    page,
    parameter,
    removal,
    told,
)

_RANGE: Final = parameter("header", "Range", "one range of bytes")
_ID: Final = parameter("path", "address", "the id of the object", required=True)
_READING: Final = (PERSON, KNOWN, IF_MATCH, _RANGE, parameter("header", "If-Range", 'a version, as in "v"'))
_CONTENT: Final[Mapping[int, tuple[str, Mapping[str, Any] | None]]] = {
    200: ("the bytes", BYTES),
    206: ("the part that Range names", BYTES),
    304: ("the client has this version", None),
    416: ("no byte of the object lies in the range", None),
}

TOLD: Final[Mapping[str, Mapping[str, Any]]] = {
    "put": told(
        "Store bytes",
        *(ADDRESS, PERSON, LIFETIMES, IF_MATCH, IF_NONE_MATCH),
        parameter("header", "Content-Digest", "sha-256=:…: as in RFC 9530; compared before the object is visible"),
        body=BYTES,
        media=OCTETS,
        answers={201: ("made", INFO), 200: ("replaced", INFO)},
        refusals=WRITING,
    ),
    "get": told("Read bytes", ADDRESS, *_READING, answers=_CONTENT, answer_media=OCTETS),
    "head": told(
        "Ask about an object",
        *(ADDRESS, PERSON, KNOWN, IF_MATCH),
        answers={200: ("what the headers say", None), 304: ("the client has this version", None)},
    ),
    "by_id": told("Read bytes by id", _ID, *_READING, answers=_CONTENT, answer_media=OCTETS),
    "delete": told(
        "Remove an object",
        *(ADDRESS, PERSON, IF_MATCH),
        answers={204: ("nothing is there", None)},
        refusals=(400, 401, 403, 404, 412),
    ),
    "copy": told(
        "Store an object a second time",
        *(ADDRESS, PERSON, IF_MATCH, IF_NONE_MATCH),
        body=members(("key",), keyspace=STRING, namespace=NAMES, key=STRING),
        answers={201: ("made", INFO), 200: ("replaced", INFO)},
        refusals=WRITING,
    ),
    "page": told(
        "List what lies below",
        *(BELOW, PERSON, *PAGE),
        answers={200: ("one page", page(INFO))},
    ),
    "delete_prefix": removal("objects"),
}
