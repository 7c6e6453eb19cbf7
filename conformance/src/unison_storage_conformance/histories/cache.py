"""Histories of the cache: values, counters, and leases for filling with their fences, at few addresses.

Nothing is expected to vanish: a history takes milliseconds, and few addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from unison_storage.contracts.cache import (
    Acquire,
    CacheBackend,
    Fill,
    Increment,
    Release,
    Set,
    Touch,
    filling,
)
from unison_storage.errors import RequestError
from unison_storage.portable import counter, incremented
from unison_storage_conformance.ground import Ground
from unison_storage_conformance.histories.addressed import address, places
from unison_storage_conformance.law import law
from unison_storage_conformance.linearizability import PENDING, Call
from unison_storage_conformance.programs import Act, Client, Trade, model_of
from unison_storage_conformance.trials import at_once
from unison_storage_conformance.verdicts import Level

HOUR: Final = 3_600_000_000


class Held(NamedTuple):
    """What is at an address: the value, who holds the lease for filling it, and the greatest fence so far."""

    value: bytes | None = None
    owner: str | None = None
    fence: int = 0


def effect(held: Held, operation: str, given: Any) -> tuple[Held, Any]:
    """Return what a call leaves at an address, and what it answers; fences are left to ``model``."""
    return _EFFECTS[operation](held, given)


def _increment(held: Held, given: Increment) -> tuple[Held, Any]:
    try:
        total = incremented(counter(held.value) if held.value is not None else 0, given.by)
    except RequestError as error:
        return held, type(error)
    return held._replace(value=b"%d" % total), total


def _add(held: Held, given: Set) -> tuple[Held, bool]:
    return (held._replace(value=given.value), True) if held.value is None else (held, False)


def _fill(held: Held, given: Fill) -> tuple[Held, bool]:
    if held.owner != given.owner:
        return held, False
    held = held._replace(owner=None)
    return (held._replace(value=given.value), True) if held.value == given.seen else (held, False)


def _release(held: Held, given: Release) -> tuple[Held, bool]:
    return (held._replace(owner=None), True) if held.owner == given.owner else (held, False)


_EFFECTS: Final[Mapping[str, Callable[[Held, Any], tuple[Held, Any]]]] = {
    "get_many": lambda held, _: (held, held.value),
    "set_many": lambda held, given: (held._replace(value=given.value), None),
    "add_many": _add,
    "delete_many": lambda held, _: (held._replace(value=None, owner=None), held.value is not None),
    "touch_many": lambda held, _: (held, held.value is not None),
    "increment_many": _increment,
    "fill_many": _fill,
    "renew_many": lambda held, given: (held, held.owner == given.owner),
    "release_many": _release,
}

_plain: Final = model_of(effect)


def model(held: Held, call: Call) -> Sequence[Held]:
    """Return the states that a call may leave; a new holder's fence is greater than any before it."""
    if call.operation != "acquire_many":
        return tuple(_plain(held, call))
    owner, fence = call.given.owner, call.answer
    if isinstance(fence, type):
        return ()  # no acquire is refused by an error
    if held.owner not in (None, owner):
        return (held,) if fence in (None, PENDING) else ()
    if fence is PENDING:
        return (held._replace(owner=owner),)
    renewed = held.owner == owner
    if fence is None or (fence < held.fence if renewed else fence <= held.fence):
        return ()
    return (held._replace(owner=owner, fence=fence),)


async def _get(client: Client, _: Act, places: Sequence[str]) -> None:
    for place, value in zip(places, await client.batch("get_many", places), strict=True):
        client.seen[place] = value if isinstance(value, bytes) else None


def _doing(operation: str, item: Callable[[Client, Act, str], Any]) -> Any:
    async def deed(client: Client, act: Act, places: Sequence[str]) -> None:
        await client.batch(operation, [item(client, act, place) for place in places])

    return deed


def _value(act: Act) -> bytes:
    return b"%d" % (1000 * act.number)


def _owner(client: Client) -> str:
    """Return who holds leases for a client: two of the three are one owner, as after a call that was made again."""
    return f"owner {client.number % 2}"


CACHE: Final = Trade(
    deeds={
        "get": (3, _get),
        "set": (2, _doing("set_many", lambda _, act, place: Set(place, _value(act), HOUR))),
        "add": (2, _doing("add_many", lambda _, act, place: Set(place, _value(act), HOUR))),
        "delete": (2, _doing("delete_many", lambda _client, _act, place: place)),
        "touch": (1, _doing("touch_many", lambda _client, _act, place: Touch(place, 2 * HOUR))),
        "increment": (2, _doing("increment_many", lambda _, act, place: Increment(place, act.number, HOUR))),
        "acquire": (
            3,
            _doing("acquire_many", lambda client, _, place: Acquire(filling(place), _owner(client), HOUR)),
        ),
        "renew": (
            2,
            _doing("renew_many", lambda client, _, place: Acquire(filling(place), _owner(client), 2 * HOUR)),
        ),
        "release": (2, _doing("release_many", lambda client, _, place: Release(filling(place), _owner(client)))),
        "fill": (
            3,
            _doing(
                "fill_many",
                lambda client, act, place: Fill(place, _value(act), HOUR, _owner(client), client.seen.get(place)),
            ),
        ),
    },
    start=Held(),
    model=model,
    key=lambda call: address(call).rstrip(filling("")),
    first=("set", "acquire"),
    last=("get", "acquire"),
    places=places,
)


@law("cache.18", level=Level.HISTORIES)
async def calls_of_several_clients_at_once(ground: Ground[CacheBackend]) -> None:
    await at_once(ground, CACHE)
