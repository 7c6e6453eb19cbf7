"""Records as they travel: entries, objects, nodes and edges as JSON, times as RFC 3339. Values are not looked into."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from starlette.responses import Response

from unison_storage.values import Entry, ErasureReport, ObjectInfo, Page, Stamp

_encode: Final = msgspec.json.Encoder().encode


def rfc3339(at: datetime) -> str:
    """Return a UTC time with microseconds and ``Z``."""
    return at.isoformat(timespec="microseconds")[:-6] + "Z"


def rfc3339_or_none(at: datetime | None) -> str | None:
    """Return ``None`` for ``None``, else as ``rfc3339``."""
    return None if at is None else rfc3339(at)


def json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return content as a JSON response."""
    return Response(_encode(content), status, headers, "application/json")


def entry(one: Entry[Any], *, value: bool = True) -> dict[str, Any]:
    """Return an entry of memory as it is listed; ``value=False`` leaves its value out."""
    members = {
        "namespace": one.namespace,
        "key": one.key,
        "value": one.value,
        "version": one.version,
        "created_at": rfc3339(one.created_at),
        "updated_at": rfc3339(one.updated_at),
        "expires_at": rfc3339_or_none(one.expires_at),
        "person": one.person,
    }
    if not value:
        del members["value"]
    return members


def stamp(one: Stamp) -> dict[str, Any]:
    """Return what a put of memory leaves behind."""
    return {
        "version": one.version,
        "created_at": rfc3339(one.created_at),
        "updated_at": rfc3339(one.updated_at),
        "expires_at": rfc3339_or_none(one.expires_at),
        "created": one.created,
    }


def info(one: ObjectInfo, *, created: bool = False) -> dict[str, Any]:
    """Return what is known of an object; ``created=True`` adds whether a put has made it."""
    members = {
        "keyspace": one.keyspace,
        "namespace": one.namespace,
        "key": one.key,
        "id": one.id,
        "size": one.size,
        "sha256": one.sha256,
        "content_type": one.content_type,
        "version": one.version,
        "created_at": rfc3339(one.created_at),
        "updated_at": rfc3339(one.updated_at),
        "expires_at": rfc3339_or_none(one.expires_at),
        "person": one.person,
    }
    if created:
        members["created"] = one.created
    return members


def page(items: list[dict[str, Any]], found: Page[Any]) -> dict[str, Any]:
    """Return one page of a listing."""
    return {"items": items, "cursor": found.cursor}


def report(one: ErasureReport) -> dict[str, Any]:
    """Return what an erasure did. The texts of errors stay here: they may name hosts."""
    kinds = {
        kind: {"erased": done.erased, "pending": done.pending, "failed": done.error is not None}
        for kind, done in one.kinds.items()
    }
    return {"person": one.person, "dry_run": one.dry_run, "complete": one.complete, "kinds": kinds}
