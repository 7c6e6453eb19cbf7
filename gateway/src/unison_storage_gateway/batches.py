"""``POST /v1/memory:batch``: many operations in one request, each with a status of its own, in order.

Operations run at the same time: those of one key in one batch have no order among them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sized
from typing import Any, Final, Literal

import msgspec
from starlette.responses import Response

from unison_storage.errors import NotFound, StorageError, TooLarge
from unison_storage.portable import parse_json
from unison_storage.storage import Storage
from unison_storage.stores.memory import Memory
from unison_storage.values import MISSING, Expectation
from unison_storage_gateway import conditions, problems, records
from unison_storage_gateway.arguments import arguments, bounded
from unison_storage_gateway.authorization import Access
from unison_storage_gateway.calls import Call
from unison_storage_gateway.memory import KIND, READ, WRITE
from unison_storage_gateway.operations import TOLD
from unison_storage_gateway.principals import Principal
from unison_storage_gateway.problems import MISSING as ABSENT
from unison_storage_gateway.problems import BadInput, Refused
from unison_storage_gateway.queries import lifetime
from unison_storage_gateway.routing import Described

MAX_OPERATIONS: Final = 1_000
MAX_BYTES: Final = 16 * 1024 * 1024

Result = dict[str, Any]


class Operation(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One operation. Its conditions are those of the single request, under the names of the headers."""

    op: Literal["get", "put", "delete"]
    keyspace: str
    key: str
    namespace: tuple[str, ...] = ()
    value: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    lifetime: float | str | msgspec.UnsetType | None = msgspec.UNSET
    touch: float | str | msgspec.UnsetType | None = msgspec.UNSET
    if_match: str | None = None
    if_none_match: str | None = None

    def expected(self) -> Expectation:
        """Return what the operation expects to find."""
        given = {"if-match": self.if_match, "if-none-match": self.if_none_match}
        return conditions.expected({name: value for name, value in given.items() if value is not None})


class _Batch(msgspec.Struct, forbid_unknown_fields=True):
    operations: list[Operation]


class BatchRoutes:
    """The batch route of memory, on one storage."""

    def __init__(self, storage: Storage, access: Access) -> None:
        self._storage = storage
        self._access = access

    def routes(self) -> Iterator[Described]:
        """Yield the route."""
        yield Described("POST", "/v1/memory:batch", self.batch, KIND, "batch", TOLD[KIND, "batch"])

    async def batch(self, call: Call) -> Response:
        """Run the operations and return a status for each, in order: a value, or a problem."""
        principal = self._access.principal(call)
        call.query()
        given = (await arguments(call, _Batch, MAX_BYTES)).operations
        check_number(given)
        results = await asyncio.gather(*[self._one(call, principal, place, one) for place, one in enumerate(given)])
        call.keyspace = None
        return records.json({"results": results})

    async def _one(self, call: Call, principal: Principal, place: int, one: Operation) -> Result:
        try:
            return await self._run(call, principal, one)
        except (StorageError, Refused) as error:
            return problems.in_batch(error, "body", "operations", place)

    async def _run(self, call: Call, principal: Principal, one: Operation) -> Result:
        grants = [
            self._access.item(principal, call, permission, one.keyspace, one.namespace)
            for permission in _permissions(one)
        ]
        handle: Memory[Any] = self._storage.memory.at(one.keyspace, *one.namespace, person=grants[0].person)
        if one.op == "get":
            return await _get(handle, one)
        if one.op == "delete":
            await conditions.remove(handle, one.key, one.expected())
            return {"status": 204}
        return await _put(handle, one)


def check_number(items: Sized) -> None:
    """Raise ``TooLarge`` for more items than one request may hold."""
    if len(items) > MAX_OPERATIONS:
        raise TooLarge(f"a request has at most {MAX_OPERATIONS} items", limit=MAX_OPERATIONS)


def _permissions(one: Operation) -> tuple[str, ...]:
    if one.op != "get":
        return (WRITE,)
    return (READ,) if one.touch is msgspec.UNSET else (READ, WRITE)


async def _get(handle: Memory[Any], one: Operation) -> Result:
    entry = await handle.get(one.key, touch=bounded(one.touch))
    if entry is None:
        raise Refused(ABSENT)
    return {"status": 200, **records.entry(entry)}


async def _put(handle: Memory[Any], one: Operation) -> Result:
    if one.value is msgspec.UNSET:
        raise BadInput("a put has a value", loc=("body", "value"))
    value = parse_json(bytes(one.value), handle.limit)
    length = MISSING if one.lifetime is msgspec.UNSET else lifetime(one.lifetime)
    try:
        stamp = await handle.put(one.key, value, lifetime=length, expect=one.expected())
    except NotFound as error:
        raise Refused(problems.of(error, 412)) from None
    return {"status": 201 if stamp.created else 200, **records.stamp(stamp)}
