"""Histories of the object index: commits and deletes with every expectation, and that no blob is ever lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from unison_storage.contracts.conditions import refused
from unison_storage.contracts.objects import Committed, Draft, ObjectIndex, ObjectRow
from unison_storage.values import ABSENT, ANY, PRESENT, Expectation
from unison_storage_conformance.ground import Ground
from unison_storage_conformance.histories.addressed import address, deleting, places
from unison_storage_conformance.law import law
from unison_storage_conformance.outcomes import same
from unison_storage_conformance.programs import Act, Client, Trade, model_of
from unison_storage_conformance.trials import at_once
from unison_storage_conformance.verdicts import Level


class Held(NamedTuple):
    """What is at an address: which object, which content, and under which version."""

    id: str
    blob: str
    version: str
    size: int


def effect(held: Held | None, operation: str, given: Any) -> tuple[Held | None, Any]:
    """Return what a call leaves at an address, and what it answers."""
    if operation == "get_many":
        return held, held
    error = refused(given.expect, held.version if held else None)
    if error is not None:
        return held, type(error)
    if operation == "delete_many":
        return None, held is not None
    after = Held(held.id if held else given.id, given.blob, given.version, given.size)
    return after, (after, held is None)


def _held(row: ObjectRow) -> Held:
    return Held(row.id, row.blob, row.version, row.size)


async def _get(client: Client, _: Act, places: Sequence[str]) -> None:
    rows = await client.batch("get_many", places, lambda row: row and _held(row))
    for place, row in zip(places, rows, strict=True):
        if isinstance(row, ObjectRow):
            client.seen[place] = row.version


def _committing(expect: Expectation | None) -> Any:
    """Return a deed that commits; for ``expect`` see ``Client.expected``."""

    async def commit(client: Client, act: Act, places: Sequence[str]) -> None:
        for place in places:
            blob = client.ground.blob()
            await client.backend.begin(blob, None)
            draft = Draft(place, f"o{blob}", blob, client.ground.mint(), act.number, "00", "text/plain", None)
            draft = replace(draft, expect=client.expected(place, expect))
            done = await client.single(
                "commit", draft, client.backend.commit(draft), lambda made: (_held(made.row), made.fresh)
            )
            if isinstance(done, Committed):
                client.seen[place] = done.row.version

    return commit


async def _none_is_lost(client: Client) -> None:
    made = sorted(client.ground.made)
    same(sorted(await client.backend.known(made)), made, "every blob that was begun is known until it is forgotten")


INDEX: Final = Trade(
    deeds={
        "get": (3, _get),
        "commit": (3, _committing(ANY)),
        "commit where nothing is": (2, _committing(ABSENT)),
        "commit where something is": (1, _committing(PRESENT)),
        "commit over what was seen": (2, _committing(None)),
        "delete": (2, deleting(ANY)),
        "delete what was seen": (1, deleting(None)),
    },
    start=None,
    model=model_of(effect),
    key=address,
    first=("commit",),
    last=("get",),
    places=places,
    after=_none_is_lost,
)


@law("index.13", level=Level.HISTORIES)
async def calls_of_several_clients_at_once(ground: Ground[ObjectIndex]) -> None:
    await at_once(ground, INDEX)
