"""``/v1/cache``: values that may vanish, counters and leases. What bodies look like stands in ``cache_values``.

No listing, since the cache has none, and no entity tags, since what it holds has no versions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec
from starlette.responses import Response

from unison_storage.addresses import check_key
from unison_storage.errors import InvalidLifetime, InvalidValue
from unison_storage.storage import Storage
from unison_storage.stores.cache import Cache
from unison_storage.values import MISSING, Missing
from unison_storage_gateway import records
from unison_storage_gateway.arguments import arguments
from unison_storage_gateway.authorization import PERSON_HEADER, Access, Grant
from unison_storage_gateway.cache_values import answer_of, value_of
from unison_storage_gateway.calls import Call
from unison_storage_gateway.operations import TOLD
from unison_storage_gateway.problems import MISSING as ABSENT
from unison_storage_gateway.problems import BadInput, Refused, placed
from unison_storage_gateway.routing import Described

KIND: Final = "cache"
READ: Final = "cache:read"
WRITE: Final = "cache:write"


class _Touch(msgspec.Struct, forbid_unknown_fields=True):
    lifetime: float


class _Increment(msgspec.Struct, forbid_unknown_fields=True):
    by: int = 1
    lifetime: float | msgspec.UnsetType = msgspec.UNSET


class _Acquire(msgspec.Struct, forbid_unknown_fields=True):
    lifetime: float
    owner: str | None = None


class _Renew(msgspec.Struct, forbid_unknown_fields=True):
    owner: str
    lifetime: float


class _Release(msgspec.Struct, forbid_unknown_fields=True):
    owner: str


class CacheRoutes:
    """The routes of the cache, on one storage."""

    def __init__(self, storage: Storage, access: Access) -> None:
        self._storage = storage
        self._access = access

    def routes(self) -> Iterator[Described]:
        """Yield the routes; the more special come first."""
        for method, path, endpoint, operation in (
            ("POST", "/v1/cache/{address:path}:add", self.add, "add"),
            ("POST", "/v1/cache/{address:path}:touch", self.touch, "touch"),
            ("POST", "/v1/cache/{address:path}:increment", self.increment, "increment"),
            ("POST", "/v1/cache/{address:path}:acquire", self.acquire, "acquire"),
            ("POST", "/v1/cache/{address:path}:renew", self.renew, "renew"),
            ("POST", "/v1/cache/{address:path}:release", self.release, "release"),
            ("DELETE", "/v1/cache/{address:path}/", self.delete_below, "delete_prefix"),
            ("PUT", "/v1/cache/{address:path}", self.put, "put"),
            ("GET", "/v1/cache/{address:path}", self.get, "get"),
            ("DELETE", "/v1/cache/{address:path}", self.delete, "delete"),
        ):
            yield Described(method, path, endpoint, KIND, operation, TOLD[KIND, operation])

    async def put(self, call: Call) -> Response:
        """Write the value of the body, as the codec of the keyspace reads it."""
        handle, key = self._entry(call, WRITE)
        length = _lifetime(call)
        await handle.set(key, await value_of(call, handle), lifetime=length)
        return Response(status_code=204)

    async def add(self, call: Call) -> Response:
        """Write the value of the body where nothing is; 201 if it was written, 200 if something was there."""
        handle, key = self._entry(call, WRITE)
        length = _lifetime(call)
        added = await handle.add(key, await value_of(call, handle), lifetime=length)
        return records.json({"added": added}, 201 if added else 200)

    async def get(self, call: Call) -> Response:
        """Return the value, as the codec of the keyspace writes it."""
        handle, key = self._entry(call, READ)
        call.query()
        value = await handle.get(key, default=MISSING)
        if value is MISSING:
            raise Refused(ABSENT)
        return answer_of(handle.codec, value)

    async def delete(self, call: Call) -> Response:
        """Remove the entry; 204 also where nothing was there."""
        handle, key = self._entry(call, WRITE)
        call.query()
        await handle.delete(key)
        return Response(status_code=204)

    async def delete_below(self, call: Call) -> Response:
        """Remove everything below a namespace; ``recursive=true`` says that this is meant."""
        segments, grant = self._access.below(call, WRITE)
        handle = self._handle(segments[0], segments[1:], grant)
        call.query("recursive").check_recursive()
        return records.json({"deleted": await handle.delete_prefix()})

    async def touch(self, call: Call) -> Response:
        """Start the lifetime anew."""
        handle, key = self._entry(call, WRITE)
        call.query()
        given = await arguments(call, _Touch)
        with placed("body"):
            return _done(await handle.touch(key, lifetime=given.lifetime))

    async def increment(self, call: Call) -> Response:
        """Add to a counter and return its new value; one that is absent starts at 0, and gets the lifetime then."""
        handle, key = self._entry(call, WRITE)
        call.query()
        given = await arguments(call, _Increment)
        length = MISSING if given.lifetime is msgspec.UNSET else given.lifetime
        with placed("body"):
            return records.json({"value": await handle.increment(key, given.by, lifetime=length)})

    async def acquire(self, call: Call) -> Response:
        """Take a lease, or start the lifetime of one anew that the owner holds; 409 while another owner holds it."""
        handle, name = self._entry(call, WRITE)
        call.query()
        given = await arguments(call, _Acquire)
        with placed("body"):
            lease = await handle.acquire(name, lifetime=given.lifetime, owner=given.owner)
        return records.json(msgspec.structs.asdict(lease))

    async def renew(self, call: Call) -> Response:
        """Start the lifetime of a lease anew; 404 where its owner does not hold it any more."""
        handle, name = self._entry(call, WRITE)
        call.query()
        given = await arguments(call, _Renew)
        with placed("body"):
            return _done(await handle.renew(name, given.owner, lifetime=given.lifetime))

    async def release(self, call: Call) -> Response:
        """Let go of a lease; 404 where its owner does not hold it any more."""
        handle, name = self._entry(call, WRITE)
        call.query()
        given = await arguments(call, _Release)
        with placed("body"):
            return _done(await handle.release(name, given.owner))

    def _entry(self, call: Call, permission: str) -> tuple[Cache[Any], str]:
        at, grant = self._access.entry(call, permission)
        return self._handle(at.keyspace, at.namespace, grant), check_key(at.key)

    def _handle(self, keyspace: str, namespace: tuple[str, ...], grant: Grant) -> Cache[Any]:
        try:
            # a handle of the cache takes no person, so whom the header names is compared here
            grant.keyspace.person(namespace, grant.person)
        except InvalidValue as error:
            raise BadInput(error.message, loc=("header", PERSON_HEADER)) from None
        return self._storage.cache.at(keyspace, *namespace)


def _lifetime(call: Call) -> float | Literal[Missing.MISSING]:
    given = call.query("lifetime").lifetime("lifetime")
    if given is MISSING or isinstance(given, float | int):
        return given
    raise InvalidLifetime("a lifetime in the cache is a number of seconds: nothing is kept for ever, and none kept on")


def _done(was_there: bool) -> Response:  # noqa: FBT001 - what a store answers
    if not was_there:
        raise Refused(ABSENT)
    return Response(status_code=204)
