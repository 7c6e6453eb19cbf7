"""What routes say of themselves in OpenAPI: parameters, bodies and answers of paths that FastAPI can't look into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from unison_storage.values import Entry, ObjectInfo, Stamp
from unison_storage_gateway import problems

Schema = Mapping[str, Any]

STRING: Final[Schema] = {"type": "string"}
INTEGER: Final[Schema] = {"type": "integer"}
ANYTHING: Final[Schema] = {}
BYTES: Final[Schema] = {"type": "string", "format": "binary"}
LIFETIME: Final[Schema] = {"oneOf": [{"type": "number", "exclusiveMinimum": 0}, {"enum": ["keep", "none"]}]}
FLAG: Final[Schema] = {"type": "boolean"}
NAMES: Final[Schema] = {"type": "array", "items": STRING}
JSON: Final = ("application/json",)
OCTETS: Final = ("application/octet-stream",)
BEARER: Final = "bearer"
SECURITY: Final[Schema] = {BEARER: {"type": "http", "scheme": "bearer"}}

_MEANING: Final = {
    "400": "bad input",
    "401": "no or unknown token",
    "403": "known without permission",
    "404": "nothing is there, or another person's",
    "409": "something else has to end first, or to be removed",
    "412": "a precondition failed",
    "413": "too large",
    "422": "a value that its field does not accept",
}


def schema(type_: Any) -> dict[str, Any]:
    """Return the JSON schema of a record, without references."""
    whole = msgspec.json.schema(type_)
    found: dict[str, Any] = whole["$defs"][whole["$ref"].rpartition("/")[2]]
    return found


ENTRY: Final = schema(Entry[Any])
STAMP: Final = schema(Stamp)
INFO: Final = schema(ObjectInfo)
PROBLEM: Final = schema(problems.Problem)


def members(required: Sequence[str] = (), **properties: Schema) -> Schema:
    """Return the schema of a JSON object."""
    return {"type": "object", "properties": properties, "required": list(required)}


def page(item: Schema) -> Schema:
    """Return the schema of one page of a listing."""
    return members(("items", "cursor"), items={"type": "array", "items": item}, cursor={"type": ["string", "null"]})


def parameter(place: str, name: str, text: str, type_: Schema = STRING, *, required: bool = False) -> Schema:
    """Return one parameter of ``query``, ``header`` or ``path``."""
    return {"in": place, "name": name, "description": text, "schema": dict(type_), "required": required}


ADDRESS: Final = parameter(
    "path", "address", "keyspace, namespace segments and key, each percent-encoded, joined by /", required=True
)
BELOW: Final = parameter(
    "path", "address", "keyspace and namespace segments, each percent-encoded, joined by /", required=True
)
PERSON: Final = parameter("header", "X-Unison-Person", "whose data, for a token that may act for anybody")
IF_MATCH: Final = parameter("header", "If-Match", 'the version that must be there, as in "v", or *')
IF_NONE_MATCH: Final = parameter("header", "If-None-Match", "* where nothing may be there")
KNOWN: Final = parameter("header", "If-None-Match", "versions that the client has: 304 if one of them is there")
LIFETIMES: Final = parameter("query", "lifetime", "seconds, keep or none", LIFETIME)
RECURSIVE: Final = parameter("query", "recursive", "true says that this is meant", FLAG, required=True)
DELETED: Final = members(("deleted",), deleted=INTEGER)
RESULTS: Final = members(
    ("results",), results={"type": "array", "items": members(("status",), status=INTEGER, problem=members())}
)
WRITING: Final = (400, 401, 403, 404, 412, 413)
PAGE: Final = (
    parameter("query", "limit", "how many at most", {"type": "integer", "minimum": 1, "maximum": 1000}),
    parameter("query", "cursor", "where to go on, from the page before"),
)


def told(
    summary: str,
    *parameters: Schema,
    answers: Mapping[int, tuple[str, Schema | None]],
    body: Schema | None = None,
    media: Sequence[str] = JSON,
    answer_media: Sequence[str] = JSON,
    refusals: Sequence[int] = (400, 401, 403, 404),
    open_to_all: bool = False,
) -> dict[str, Any]:
    """Return what FastAPI is told of one operation. ``answers`` maps statuses to a meaning and a schema."""
    codes = [*answers]
    responses: dict[int | str, dict[str, Any]] = {
        code: {"description": text} | ({"content": _content(answer_media, of)} if of is not None else {})
        for code, (text, of) in answers.items()
    }
    for code in () if open_to_all else refusals:
        responses[code] = {
            "description": _MEANING[str(code)],
            "content": {problems.MEDIA_TYPE: {"schema": PROBLEM}},
        }
    extra: dict[str, Any] = {"parameters": [dict(one) for one in parameters]}
    if body is not None:
        extra["requestBody"] = {"required": True, "content": _content(media, body)}
    if not open_to_all:
        extra["security"] = [{BEARER: []}]
    return {
        "summary": summary,
        "status_code": codes[0],
        "response_description": answers[codes[0]][0],
        "responses": responses,
        "openapi_extra": extra,
    }


def removal(things: str) -> dict[str, Any]:
    """Return what FastAPI is told of removing everything below a namespace."""
    answers = {200: (f"how many {things} that were", DELETED)}
    return told("Remove everything below", BELOW, PERSON, RECURSIVE, answers=answers)


def _content(media: Sequence[str], of: Schema) -> dict[str, Any]:
    return {one: {"schema": dict(of)} for one in media}
