"""What memory, cache and index have alike in histories: two addresses, and deletes of what was expected there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unison_storage.contracts.memory import Delete
from unison_storage.values import ANY
from unison_storage_conformance.linearizability import Call
from unison_storage_conformance.programs import Act, Client, Deed


def places(ground: Any) -> Sequence[str]:
    """Return two addresses of a history."""
    return [ground.at("h", "a"), ground.at("h", "b")]


def address(call: Call) -> str:
    """Return the address that a call is about."""
    found: str = call.given if isinstance(call.given, str) else call.given.address
    return found


def deleting(expect: Any = ANY) -> Deed:
    """Return a deed that deletes; for ``expect`` see ``Client.expected``."""

    async def delete(client: Client, _: Act, places: Sequence[str]) -> None:
        await client.batch("delete_many", [Delete(place, client.expected(place, expect)) for place in places])

    return delete
