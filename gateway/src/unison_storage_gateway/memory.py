"""``/v1/memory``: JSON values with versions and lifetimes. Batches and decisions about access are made elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from starlette.responses import Response

from unison_storage.errors import InvalidLifetime, NotFound
from unison_storage.portable import parse_json
from unison_storage.storage import Storage
from unison_storage.stores.memory import Memory
from unison_storage.values import KEEP, MISSING
from unison_storage_gateway import conditions, problems, records
from unison_storage_gateway.arguments import arguments, bounded
from unison_storage_gateway.authorization import Access
from unison_storage_gateway.calls import Call
from unison_storage_gateway.operations import TOLD
from unison_storage_gateway.problems import MISSING as ABSENT
from unison_storage_gateway.problems import Refused
from unison_storage_gateway.routing import Described

KIND: Final = "memory"
READ: Final = "memory:read"
WRITE: Final = "memory:write"


class _Touch(msgspec.Struct, forbid_unknown_fields=True):
    lifetime: float | str | None


class _Increment(msgspec.Struct, forbid_unknown_fields=True):
    by: int = 1
    lifetime: float | str | msgspec.UnsetType | None = msgspec.UNSET


class MemoryRoutes:
    """The routes of memory, on one storage."""

    def __init__(self, storage: Storage, access: Access) -> None:
        self._storage = storage
        self._access = access

    def routes(self) -> Iterator[Described]:
        """Yield the routes; the more special come first."""
        for method, path, endpoint, operation in (
            ("POST", "/v1/memory/{address:path}:touch", self.touch, "touch"),
            ("POST", "/v1/memory/{address:path}:increment", self.increment, "increment"),
            ("GET", "/v1/memory/{address:path}/", self.page, "page"),
            ("DELETE", "/v1/memory/{address:path}/", self.delete_below, "delete_prefix"),
            ("PUT", "/v1/memory/{address:path}", self.put, "put"),
            ("GET", "/v1/memory/{address:path}", self.get, "get"),
            ("DELETE", "/v1/memory/{address:path}", self.delete, "delete"),
        ):
            yield Described(method, path, endpoint, KIND, operation, TOLD[KIND, operation])

    async def put(self, call: Call) -> Response:
        """Write the JSON value of the body; 201 where nothing was there, 200 where something was."""
        handle, key = self._entry(call, WRITE)
        length = call.query("lifetime").lifetime("lifetime")
        expect = conditions.expected(call.headers)
        limit = handle.limit
        value = parse_json(await call.intake.whole(limit), limit)
        try:
            stamp = await handle.put(key, value, lifetime=length, expect=expect)
        except NotFound as error:
            raise Refused(problems.of(error, 412)) from None
        headers = {"ETag": conditions.etag(stamp.version)}
        if stamp.expires_at is not None:
            headers["Expires-At"] = records.rfc3339(stamp.expires_at)
        return records.json(records.stamp(stamp), 201 if stamp.created else 200, headers)

    async def get(self, call: Call) -> Response:
        """Return the value. With ``touch`` its lifetime starts anew in the same step, which takes both permissions."""
        handle, key = self._entry(call, READ)
        touch = call.query("touch").lifetime("touch")
        if touch is KEEP:
            raise InvalidLifetime("keep has no meaning here; give seconds or none")
        if touch is not MISSING:
            self._entry(call, WRITE)
        entry = await handle.get(key, touch=touch)
        if entry is None:
            raise Refused(ABSENT)
        headers = {"ETag": conditions.etag(entry.version)}
        if entry.expires_at is not None:
            headers["Expires-At"] = records.rfc3339(entry.expires_at)
        if conditions.not_modified(call.headers, entry.version):
            return Response(status_code=304, headers=headers)
        return records.json(entry.value, headers=headers)

    async def delete(self, call: Call) -> Response:
        """Remove the entry; 204 also where nothing was there, unless ``If-Match`` wants something to be there."""
        handle, key = self._entry(call, WRITE)
        call.query()
        await conditions.remove(handle, key, conditions.expected(call.headers))
        return Response(status_code=204)

    async def touch(self, call: Call) -> Response:
        """Start the lifetime anew; value and version stay."""
        handle, key = self._entry(call, WRITE)
        call.query()
        length = bounded((await arguments(call, _Touch)).lifetime)
        if not await handle.touch(key, lifetime=None if length is MISSING else length):
            raise Refused(ABSENT)
        return Response(status_code=204)

    async def increment(self, call: Call) -> Response:
        """Add to a counter and return its new value; one that is absent starts at 0."""
        handle, key = self._entry(call, WRITE)
        call.query()
        given = await arguments(call, _Increment)
        total = await handle.increment(key, given.by, lifetime=bounded(given.lifetime))
        return records.json({"value": total})

    async def page(self, call: Call) -> Response:
        """Return one page of what lies below a namespace, in byte order of the address."""
        handle = self._below(call, READ)
        query = call.query("limit", "cursor", "values")
        values = query.flag("values", default=True)
        found = await handle.page(cursor=query.cursor(), limit=query.limit(), values=values)
        return records.json(records.page([records.entry(one, value=values) for one in found.items], found))

    async def delete_below(self, call: Call) -> Response:
        """Remove everything below a namespace; ``recursive=true`` says that this is meant."""
        handle = self._below(call, WRITE)
        call.query("recursive").check_recursive()
        return records.json({"deleted": await handle.delete_prefix()})

    def _entry(self, call: Call, permission: str) -> tuple[Memory[Any], str]:
        at, grant = self._access.entry(call, permission)
        return self._storage.memory.at(at.keyspace, *at.namespace, person=grant.person), at.key

    def _below(self, call: Call, permission: str) -> Memory[Any]:
        segments, grant = self._access.below(call, permission)
        return self._storage.memory.at(*segments, person=grant.person)
