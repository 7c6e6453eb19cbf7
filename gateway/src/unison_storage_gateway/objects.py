"""``/v1/objects``: bytes of any size, streamed both ways. How they are sent stands in ``content``."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Final

import msgspec
from starlette.responses import Response

from unison_storage.errors import AccessDenied, InvalidLifetime, NotFound
from unison_storage.storage import Storage
from unison_storage.stores.objects import DEFAULT_TYPE, Objects
from unison_storage.values import KEEP
from unison_storage_gateway import conditions, problems, records
from unison_storage_gateway.arguments import arguments
from unison_storage_gateway.authorization import Access
from unison_storage_gateway.calls import Call
from unison_storage_gateway.content import Content
from unison_storage_gateway.intake import check_plain
from unison_storage_gateway.operations import TOLD
from unison_storage_gateway.paths import Address, segment
from unison_storage_gateway.problems import MISSING as ABSENT
from unison_storage_gateway.problems import BadInput, Refused
from unison_storage_gateway.routing import Described

KIND: Final = "object"
READ: Final = "object:read"
WRITE: Final = "object:write"

_SHA256: Final = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]*):\s*(?:;[^,]*)?(?=,|$)")


class _Target(msgspec.Struct, forbid_unknown_fields=True):
    """Where a copy goes; keyspace and namespace of the source where they are left out."""

    key: str
    keyspace: str | None = None
    namespace: tuple[str, ...] | None = None


class ObjectRoutes:
    """The routes of objects, on one storage."""

    def __init__(self, storage: Storage, access: Access) -> None:
        self._storage = storage
        self._access = access

    def routes(self) -> Iterator[Described]:
        """Yield the routes; the more special come first."""
        for method, path, endpoint, operation in (
            ("GET", "/v1/objects:by-id/{address}", self.by_id, "by_id"),
            ("POST", "/v1/objects/{address:path}:copy", self.copy, "copy"),
            ("GET", "/v1/objects/{address:path}/", self.page, "page"),
            ("DELETE", "/v1/objects/{address:path}/", self.delete_below, "delete_prefix"),
            ("PUT", "/v1/objects/{address:path}", self.put, "put"),
            ("HEAD", "/v1/objects/{address:path}", self.get, "head"),
            ("GET", "/v1/objects/{address:path}", self.get, "get"),
            ("DELETE", "/v1/objects/{address:path}", self.delete, "delete"),
        ):
            yield Described(method, path, endpoint, KIND, operation, TOLD[KIND, operation])

    async def put(self, call: Call) -> Response:
        """Store the bytes of the body as they come; 201 where nothing was there, 200 where something was."""
        handle, at = self._entry(call, WRITE)
        length = call.query("lifetime").lifetime("lifetime")
        if length is KEEP:
            raise InvalidLifetime("an overwritten object starts anew; give seconds or none")
        check_plain(call.headers)
        call.intake.bound(self._storage.objects.max_size)
        try:
            info = await handle.put(
                at.key,
                call.intake.chunks(),
                content_type=call.headers.get("content-type", DEFAULT_TYPE),
                lifetime=length,
                expect=conditions.expected(call.headers),
                sha256=digest(call.headers.get("content-digest")),
            )
        except NotFound as error:
            raise Refused(problems.of(error, 412)) from None
        headers = {"ETag": conditions.etag(info.version)}
        if info.expires_at is not None:
            headers["Expires-At"] = records.rfc3339(info.expires_at)
        return records.json(records.info(info, created=True), 201 if info.created else 200, headers)

    async def get(self, call: Call) -> Response:
        """Return the bytes, or the part of them that ``Range`` names."""
        handle, at = self._entry(call, READ)
        call.query()
        return Content(lambda start, end: handle.open(at.key, start=start, end=end))

    async def by_id(self, call: Call) -> Response:
        """Return the bytes of the object with that id, wherever it lies."""
        principal = self._access.principal(call)
        call.query()
        found = await self._storage.objects.by_id(segment(call.path))
        if found is None:
            self._access.nowhere(principal, READ)
            raise Refused(ABSENT)
        try:
            self._access.item(principal, call, READ, found.keyspace, found.namespace)
        except AccessDenied:
            # an id says nothing of where it lies, so what may not be read can't be told from what is not there
            self._access.nowhere(principal, READ)
            raise Refused(ABSENT) from None
        handle = self._storage.objects.at(found.keyspace, *found.namespace)
        return Content(lambda start, end: handle.open(found.key, start=start, end=end), found.id)

    async def delete(self, call: Call) -> Response:
        """Remove the object; 204 also where nothing was there, unless ``If-Match`` wants something to be there."""
        handle, at = self._entry(call, WRITE)
        call.query()
        await conditions.remove(handle, at.key, conditions.expected(call.headers))
        return Response(status_code=204)

    async def copy(self, call: Call) -> Response:
        """Store the object a second time, at the address that the body names."""
        source, at = self._entry(call, READ)
        call.query()
        given = await arguments(call, _Target)
        keyspace = at.keyspace if given.keyspace is None else given.keyspace
        namespace = at.namespace if given.namespace is None else given.namespace
        grant = self._access.item(self._access.principal(call), call, WRITE, keyspace, namespace)
        target = self._storage.objects.at(keyspace, *namespace, person=grant.person)
        # the header is about the target: NotFound of an expectation and of the source are told apart by looking first
        if await source.head(at.key) is None:
            raise Refused(ABSENT)
        try:
            info = await source.copy(at.key, target, given.key, expect=conditions.expected(call.headers))
        except NotFound as error:
            raise Refused(problems.of(error, 412)) from None
        headers = {"ETag": conditions.etag(info.version)}
        return records.json(records.info(info, created=True), 201 if info.created else 200, headers)

    async def page(self, call: Call) -> Response:
        """Return one page of what lies below a namespace, in byte order of the address."""
        handle = self._below(call, READ)
        query = call.query("limit", "cursor")
        found = await handle.page(cursor=query.cursor(), limit=query.limit())
        return records.json(records.page([records.info(one) for one in found.items], found))

    async def delete_below(self, call: Call) -> Response:
        """Remove everything below a namespace; ``recursive=true`` says that this is meant."""
        handle = self._below(call, WRITE)
        call.query("recursive").check_recursive()
        return records.json({"deleted": await handle.delete_prefix()})

    def _below(self, call: Call, permission: str) -> Objects:
        segments, grant = self._access.below(call, permission)
        return self._storage.objects.at(*segments, person=grant.person)

    def _entry(self, call: Call, permission: str) -> tuple[Objects, Address]:
        at, grant = self._access.entry(call, permission)
        return self._storage.objects.at(at.keyspace, *at.namespace, person=grant.person), at


def digest(header: str | None) -> bytes | None:
    """Return the SHA-256 of a ``Content-Digest`` header; ``BadInput`` if it names none that can be compared."""
    if header is None:
        return None
    found = _SHA256.search(header)
    if found is None:
        raise BadInput("Content-Digest holds sha-256=:…:", loc=("header", "content-digest"))
    try:
        raw = b64decode(found[1], validate=True)
    except binascii.Error:
        raw = b""
    if len(raw) != 32:
        raise BadInput("sha-256 of Content-Digest is 32 bytes as base64", loc=("header", "content-digest"))
    return raw
