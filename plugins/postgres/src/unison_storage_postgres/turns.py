"""A batch in turns: items that one statement takes, statement after statement, and why an item was passed over.

No SQL stands here. A statement decides and writes in one step, under the lock of each row. What it passed over is
looked at afterwards; if it would be let through by then, since somebody else has changed it in between, it is sent
again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct

from unison_storage.contracts.backend import Outcome
from unison_storage.errors import RequestError, StorageError, TransactionConflict, Unavailable

Item = TypeVar("Item")
Seen = TypeVar("Seen")

_ATTEMPTS: Final = 20
"""How often an item is sent that was passed over and would have been let through a moment later."""


class Turn(Struct, Generic[Item, Seen], frozen=True):
    """How items of one sort are sent.

    ``about`` says what an item is about: its address, or a node. ``send`` answers for the items that one statement has
    let through, by what they are about. ``look`` returns what is visible of that, and ``refusal`` why an item can't be
    let through as it is, ``None`` where it can. Items of different ``manner`` need statements of their own.
    """

    send: Callable[[Sequence[Item]], Awaitable[Mapping[Any, Any]]]
    look: Callable[[Sequence[Any]], Awaitable[Mapping[Any, Seen]]]
    refusal: Callable[[Item, Seen | None], RequestError | None]
    manner: Callable[[Item], Hashable] | None = None
    about: Callable[[Item], Hashable] = attrgetter("address")


async def in_turn(turn: Turn[Item, Seen], items: Sequence[Item]) -> list[Outcome[Any]]:
    """Return what each item came to, in order. Several about the same take effect one after the other.

    An error that leaves all as it was is raised; otherwise the items that it hit get it, and the rest is not tried,
    since it would wait as long again.
    """
    answers: list[Outcome[Any]] = [None] * len(items)
    failed = False
    for number, places in enumerate(_parts(turn, items)):
        part = [items[place] for place in places]
        if failed:
            found: Mapping[Hashable, Outcome[Any]] = {
                turn.about(item): Unavailable("an earlier item failed, so this one was not tried") for item in part
            }
        else:
            found, failed = await _settled(turn, part, first=not number)
        for place in places:
            answers[place] = found[turn.about(items[place])]
    return answers


async def _settled(
    turn: Turn[Item, Seen], items: Sequence[Item], *, first: bool
) -> tuple[Mapping[Hashable, Outcome[Any]], bool]:
    """Return what items of one statement came to, and whether one of them failed for a reason that others meet too."""
    done: dict[Hashable, Outcome[Any]] = {}
    waiting = {turn.about(item): item for item in items}
    try:
        for _ in range(_ATTEMPTS):
            done.update(await turn.send(list(waiting.values())))
            waiting = _left(waiting, done)
            if waiting:
                seen = await turn.look(list(waiting))
                refusals = {about: turn.refusal(item, seen.get(about)) for about, item in waiting.items()}
                done.update((about, error) for about, error in refusals.items() if error is not None)
                waiting = _left(waiting, done)
            if not waiting:
                return done, False
    except StorageError as error:
        if first and not done:
            raise
        done.update((about, error.copy()) for about in waiting)
        return done, True
    overtaken = TransactionConflict("the entry was changed by others each time that it was to be written")
    return {**done, **{about: overtaken.copy() for about in waiting}}, False


def _left(waiting: Mapping[Hashable, Item], done: Mapping[Hashable, Any]) -> dict[Hashable, Item]:
    return {about: item for about, item in waiting.items() if about not in done}


def _parts(turn: Turn[Item, Seen], items: Sequence[Item]) -> Iterable[Sequence[int]]:
    """Return the places of items that one statement takes: of one manner, no two about the same."""
    if len(items) == 1:
        return ((0,),)
    parts: dict[Hashable, list[int]] = {}
    rounds: dict[Hashable, int] = {}
    for place, item in enumerate(items):
        about = turn.about(item)
        number = rounds[about] = rounds.get(about, -1) + 1
        parts.setdefault((number, turn.manner and turn.manner(item)), []).append(place)
    # what comes later about the same has a higher number
    return [parts[key] for key in sorted(parts, key=lambda key: key[0])]  # type: ignore[index]  # keys are pairs
