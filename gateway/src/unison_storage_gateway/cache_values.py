"""Values of the cache as bodies, by the codec of their keyspace. Where they lie is not known here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.responses import Response

from unison_storage.portable import parse_json
from unison_storage.stores.cache import Cache
from unison_storage_gateway import records
from unison_storage_gateway.calls import Call
from unison_storage_gateway.intake import check_plain
from unison_storage_gateway.problems import BadInput

RAW: Final = "application/octet-stream"
MSGPACK: Final = "application/msgpack"
_TAKEN: Final[Mapping[str, str]] = {"json": "application/json", "msgpack": MSGPACK}
"""The media type that a body has to have, by codec; a keyspace of raw bytes takes any."""


async def value_of(call: Call, handle: Cache[Any]) -> Any:
    """Return the value that the body holds; ``BadInput`` for a body of another media type or that is no value."""
    check_plain(call.headers)
    wanted = _TAKEN.get(handle.codec)
    given = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if wanted is not None and given != wanted:
        raise BadInput(f"this keyspace takes bodies of {wanted}", loc=("header", "content-type"))
    raw = await call.intake.whole(handle.limit)
    if handle.codec == "raw":
        return raw
    return parse_json(raw, handle.limit) if handle.codec == "json" else _unpacked(raw)


def answer_of(codec: str, value: Any) -> Response:
    """Return a value as the codec writes it; of raw bytes, what is none (a counter, nothing) is JSON."""
    if codec == "msgpack":
        return Response(msgspec.msgpack.encode(value), media_type=MSGPACK)
    if codec == "raw" and isinstance(value, bytes):
        return Response(value, media_type=RAW)
    return records.json(value)


def _unpacked(raw: bytes) -> Any:
    try:
        return msgspec.msgpack.decode(raw)
    except (ValueError, RecursionError):
        raise BadInput("the body is no MessagePack", loc=("body",)) from None
