"""Histories of memory: every expectation, increments, touches and deletes at few addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from unison_storage.contracts.conditions import refused
from unison_storage.contracts.memory import Increment, MemoryBackend, Put, Row, Touch
from unison_storage.errors import RequestError
from unison_storage.portable import counter, incremented
from unison_storage.values import ABSENT, ANY, KEEP, PRESENT, Expectation
from unison_storage_conformance.ground import Ground
from unison_storage_conformance.histories.addressed import address, deleting, places
from unison_storage_conformance.law import law
from unison_storage_conformance.programs import Act, Client, Trade, model_of
from unison_storage_conformance.trials import at_once
from unison_storage_conformance.verdicts import Level

HOUR: Final = 3_600_000_000
"""Lifetimes are so far apart that they can be told from one another, whatever a history takes."""


class Held(NamedTuple):
    """What is at an address: lifetimes in hours, as they were asked for."""

    value: bytes
    version: str
    hours: int | None


class Got(NamedTuple):
    """A get; with ``touch`` it sets the lifetime."""

    address: str
    touch: int | None = None


def effect(held: Held | None, operation: str, given: Any) -> tuple[Held | None, Any]:
    """Return what a call leaves at an address, and what it answers."""
    if operation == "get_many":
        if held is not None and given.touch is not None:
            held = held._replace(hours=given.touch)
        return held, held
    if operation == "touch_many":
        return (held and held._replace(hours=_hours(given.lifetime))), held is not None
    if operation == "increment_many":
        return _increment(held, given)
    error = refused(given.expect, held.version if held else None)
    if error is not None:
        return held, type(error)
    if operation == "delete_many":
        return None, held is not None
    lifetime = given.default if given.lifetime is KEEP else given.lifetime
    hours = held.hours if held is not None and given.lifetime is KEEP else _hours(lifetime)
    return Held(given.value, given.version, hours), (held is None, hours)


def _increment(held: Held | None, given: Increment) -> tuple[Held | None, Any]:
    try:
        total = incremented(counter(held.value) if held else 0, given.by)
    except RequestError as error:
        return held, type(error)
    return Held(b"%d" % total, given.version, held.hours if held else _hours(given.lifetime)), total


def _hours(lifetime: Any) -> int | None:
    return None if lifetime is None else round(lifetime / HOUR)


async def _get(client: Client, _: Act, places: Sequence[str]) -> None:
    await _got(client, [Got(place) for place in places])


async def _get_touched(client: Client, act: Act, places: Sequence[str]) -> None:
    await _got(client, [Got(place, 1 + act.number) for place in places], touch=(1 + act.number) * HOUR)


async def _got(client: Client, gets: Sequence[Got], **touch: int) -> None:
    def told(row: Row | None) -> Held | None:
        return None if row is None else Held(row.value, row.version, _until(client, row.expires))

    rows = await client.batch("get_many", [get.address for get in gets], told, gets, **touch)
    for get, row in zip(gets, rows, strict=True):
        if isinstance(row, Row):
            client.seen[get.address] = row.version


def _putting(expect: Expectation | None = ANY, *, keep: bool = False) -> Any:
    """Return a deed that puts; for ``expect`` see ``Client.expected``."""

    async def put(client: Client, act: Act, places: Sequence[str]) -> None:
        puts = [
            Put(
                place,
                b"%d" % (1000 * act.number),
                client.ground.mint(),
                KEEP if keep else (20 + act.number) * HOUR,
                default=None,
                expect=client.expected(place, expect),
            )
            for place in places
        ]
        answers = await client.batch("put_many", puts, lambda written: (written.fresh, _until(client, written.expires)))
        for put, answer in zip(puts, answers, strict=True):
            if not isinstance(answer, Exception):
                client.seen[put.address] = put.version

    return put


def _until(client: Client, expires: int | None) -> int | None:
    return None if expires is None else round((expires - client.base) / HOUR)


async def _touch(client: Client, act: Act, places: Sequence[str]) -> None:
    await client.batch("touch_many", [Touch(place, (40 + act.number) * HOUR) for place in places])


async def _add(client: Client, act: Act, places: Sequence[str]) -> None:
    await client.batch(
        "increment_many", [Increment(place, act.number, client.ground.mint(), 60 * HOUR) for place in places]
    )


MEMORY: Final = Trade(
    deeds={
        "get": (3, _get),
        "get and touch": (1, _get_touched),
        "put": (2, _putting()),
        "put where nothing is": (2, _putting(ABSENT)),
        "put where something is": (1, _putting(PRESENT)),
        "put over what was seen": (3, _putting(None)),
        "put and keep": (1, _putting(keep=True)),
        "delete": (2, deleting()),
        "delete what was seen": (1, deleting(None)),
        "touch": (1, _touch),
        "increment": (3, _add),
    },
    start=None,
    model=model_of(effect),
    key=address,
    first=("put",),
    last=("get",),
    places=places,
)


@law("memory.19", level=Level.HISTORIES)
async def calls_of_several_clients_at_once(ground: Ground[MemoryBackend]) -> None:
    await at_once(ground, MEMORY)
