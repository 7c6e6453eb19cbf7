"""Linearizability: whether calls that overlapped can have taken effect one by one. What a call does is a model's.

The search is Wing and Gong's ("Testing and verifying concurrent objects", 1993) with Lowe's memory of what was tried
("Testing for linearizability", 2017); that keys may be looked at one by one is Herlihy and Wing's locality (1990).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from enum import Enum
from typing import Any, Final, TypeAlias, TypeVar

from msgspec import Struct

S = TypeVar("S", bound=Hashable)

BUDGET: Final = 200_000
"""How many steps are tried before the question counts as open."""

FOREVER: Final = 1 << 62
"""When a call has ended that got no answer: it may take effect at any time, or never."""


class Pending(Enum):
    """What stands for the answer of a call that got none."""

    PENDING = "pending"


PENDING: Final = Pending.PENDING


class Call(Struct, frozen=True):
    """One call of one client. ``called`` and ``answered`` are places in the order of all calls and answers."""

    client: int
    operation: str
    given: Any
    answer: Any
    called: int
    answered: int


Model: TypeAlias = Callable[[S, Call], Iterable[S]]
"""Returns every state that a call may leave, taking effect in this one and answering as it did; none where it can't."""


class Open(Exception):
    """The budget was spent before there was an answer."""


def order(calls: Sequence[Call], start: S, model: Model[S], budget: int = BUDGET) -> tuple[bool, list[Call]]:
    """Return whether the calls are linearizable, with an order that explains them, or the longest one that does not.

    A call that got no answer may be left out. Raises ``Open`` where the budget is spent first.
    """
    calls = sorted(calls, key=lambda call: call.called)
    spans = [(call.called, call.answered) for call in calls]
    needed = sum(1 << place for place, call in enumerate(calls) if call.answered < FOREVER)
    tried: set[tuple[int, S]] = {(0, start)}
    path: list[int] = []
    longest: list[int] = []
    masks = [0]
    turns = [_turns(calls, _next(spans, 0), start, model)]
    while turns:
        if masks[-1] & needed == needed:
            return True, [calls[place] for place in path]
        for place, state in turns[-1]:
            known = (masks[-1] | 1 << place, state)
            if known in tried:
                continue
            if len(tried) >= budget:
                raise Open
            tried.add(known)
            path.append(place)
            masks.append(known[0])
            turns.append(_turns(calls, _next(spans, known[0]), state, model))
            if len(path) > len(longest):
                longest = path.copy()
            break
        else:
            turns.pop()
            masks.pop()
            del path[-1:]
    return False, [calls[place] for place in longest]


def _turns(calls: Sequence[Call], places: Iterable[int], state: S, model: Model[S]) -> Iterator[tuple[int, S]]:
    for place in places:
        for after in model(state, calls[place]):
            yield place, after


def _next(spans: Sequence[tuple[int, int]], done: int) -> list[int]:
    """Return what may take effect next, the likeliest first: what began before any other that is left was answered."""
    earliest = FOREVER
    left = []
    for place in range((~done & (done + 1)).bit_length() - 1, len(spans)):
        if done >> place & 1:
            continue
        called, answered = spans[place]
        if called > earliest:
            break
        earliest = min(earliest, answered)
        left.append((answered, place))
    left.sort()
    return [place for _, place in left]


def apart(calls: Iterable[Call], key: Callable[[Call], Hashable]) -> list[list[Call]]:
    """Return the calls of each key by themselves, in the order in which keys were met."""
    found: dict[Hashable, list[Call]] = {}
    for call in calls:
        found.setdefault(key(call), []).append(call)
    return list(found.values())
