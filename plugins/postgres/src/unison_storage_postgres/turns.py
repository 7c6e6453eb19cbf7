"""A batch in turns: items that one statement takes, statement after statement, and why an item was passed over.

No SQL stands here. A statement decides and writes in one step, under the lock of each row. What it passed over is
looked at afterwards; if it would be let through by then, since somebody else has changed it in between, it is sent
again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

from msgspec import Struct

from unison_storage.addresses import Address
from unison_storage.contracts.backend import Outcome
from unison_storage.errors import RequestError, StorageError, TransactionConflict, Unavailable


class Addressed(Protocol):
    """Whatever is about one address."""

    @property
    def address(self) -> Address:
        """The address."""


Item = TypeVar("Item", bound=Addressed)
Seen = TypeVar("Seen")

_ATTEMPTS: Final = 20
"""How often an item is sent that was passed over and would have been let through a moment later."""


class Turn(Struct, Generic[Item, Seen], frozen=True):
    """How items of one sort are sent.

    ``send`` answers for the items that one statement has let through, by address. ``look`` returns what is visible at
    addresses, and ``refusal`` why an item can't be let through as it is, ``None`` where it can. Items of different
    ``manner`` need statements of their own.
    """

    send: Callable[[Sequence[Item]], Awaitable[Mapping[Address, Any]]]
    look: Callable[[Sequence[Address]], Awaitable[Mapping[Address, Seen]]]
    refusal: Callable[[Item, Seen | None], RequestError | None]
    manner: Callable[[Item], Hashable] | None = None


async def in_turn(turn: Turn[Item, Seen], items: Sequence[Item]) -> list[Outcome[Any]]:
    """Return what each item came to, in order. Several of one address take effect one after the other.

    An error that leaves all as it was is raised; otherwise the items that it hit get it, and the rest is not tried,
    since it would wait as long again.
    """
    answers: list[Outcome[Any]] = [None] * len(items)
    failed = False
    for number, places in enumerate(_parts(items, turn.manner)):
        part = [items[place] for place in places]
        if failed:
            found: Mapping[Address, Outcome[Any]] = {
                item.address: Unavailable("an earlier item failed, so this one was not tried") for item in part
            }
        else:
            found, failed = await _settled(turn, part, first=not number)
        for place in places:
            answers[place] = found[items[place].address]
    return answers


async def _settled(
    turn: Turn[Item, Seen], items: Sequence[Item], *, first: bool
) -> tuple[Mapping[Address, Outcome[Any]], bool]:
    """Return what items of one statement came to, and whether one of them failed for a reason that others meet too."""
    done: dict[Address, Outcome[Any]] = {}
    waiting = items
    try:
        for _ in range(_ATTEMPTS):
            done.update(await turn.send(waiting))
            waiting = _left(waiting, done)
            if waiting:
                seen = await turn.look([item.address for item in waiting])
                refusals = {item.address: turn.refusal(item, seen.get(item.address)) for item in waiting}
                done.update((address, error) for address, error in refusals.items() if error is not None)
                waiting = _left(waiting, done)
            if not waiting:
                return done, False
    except StorageError as error:
        if first and not done:
            raise
        done.update((item.address, error.copy()) for item in waiting)
        return done, True
    overtaken = TransactionConflict("the entry was changed by others each time that it was to be written")
    return {**done, **{item.address: overtaken.copy() for item in waiting}}, False


def _left(items: Sequence[Item], done: Mapping[Address, Any]) -> Sequence[Item]:
    return [item for item in items if item.address not in done]


def _parts(items: Sequence[Item], manner: Callable[[Item], Hashable] | None) -> Iterable[Sequence[int]]:
    """Return the places of items that one statement takes: of one manner, each address once, in order by address."""
    if len(items) == 1:
        return ((0,),)
    parts: dict[Hashable, list[int]] = {}
    rounds: dict[Address, int] = {}
    for place, item in enumerate(items):
        number = rounds[item.address] = rounds.get(item.address, -1) + 1
        parts.setdefault((number, manner and manner(item)), []).append(place)
    # what comes later at one address has a higher number
    return [parts[key] for key in sorted(parts, key=lambda key: key[0])]  # type: ignore[index]  # keys are pairs
