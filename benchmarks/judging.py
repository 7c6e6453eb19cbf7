"""How long the checker of histories takes for 8 clients of 10 calls each on one key, sound histories and altered ones.

There is no other checker for Python to stand beside it. Every history is another one, drawn from a fixed seed.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from statistics import median, quantiles

from measuring import Figure, rounds, save

from unison_storage_conformance.linearizability import Call, order

CLIENTS, EACH, HISTORIES = 8, 10, 40


def _counter(state: int, call: Call) -> Sequence[int]:
    if call.operation == "add":
        return (state + 1,) if call.answer == state + 1 else ()
    return (state,) if call.answer == state else ()


def _drawn(draw: random.Random) -> list[Call]:
    """Return what clients of a counter call, each call taking effect at a drawn moment between its ends."""
    moments: list[tuple[float, int, str, float, float]] = []
    for client in range(CLIENTS):
        at = 0.0
        for _ in range(EACH):
            called = at + draw.random()
            at = called + draw.random() * 3
            moments.append((draw.uniform(called, at), client, draw.choice(("add", "get")), called, at))
    state, calls = 0, []
    for _, client, operation, called, answered in sorted(moments):
        state += operation == "add"
        calls.append((client, operation, state, called, answered))
    places = sorted(at for call in calls for at in call[3:])
    return [
        Call(client, operation, None, answer, places.index(called), places.index(answered))
        for client, operation, answer, called, answered in calls
    ]


def _altered(calls: list[Call], draw: random.Random) -> list[Call]:
    """Return the history with one answer out by one: most of them nothing explains."""
    place = draw.randrange(len(calls))
    one = calls[place]
    changed = Call(one.client, one.operation, None, one.answer + 1, one.called, one.answered)
    return [*calls[:place], changed, *calls[place + 1 :]]


def _histories(seed: int) -> Iterator[tuple[list[Call], list[Call]]]:
    draw = random.Random(seed)
    for _ in range(HISTORIES):
        calls = _drawn(draw)
        yield calls, _altered(calls, draw)


def _milliseconds(calls: list[Call]) -> tuple[float, bool]:
    started = time.perf_counter()
    explained, _ = order(calls, 0, _counter)
    return (time.perf_counter() - started) * 1_000, explained


def measure() -> list[Figure]:
    histories = list(_histories(0))
    each: dict[str, list[float]] = {"sound": [], "altered": []}

    def arm(name: str) -> float:
        taken = [_milliseconds(pair[name == "altered"]) for pair in histories]
        assert name == "altered" or all(explained for _, explained in taken)
        each[name] += [milliseconds for milliseconds, _ in taken]
        return median(milliseconds for milliseconds, _ in taken)

    found = rounds({name: lambda name=name: arm(name) for name in each})
    return [
        Figure(
            f"judging a history of {CLIENTS} clients, {EACH} calls each, on one key: {name}",
            "< 5 ms",
            f"{median(found[name]):.2f} ms",
            median(found[name]) < 5,
            f"of {HISTORIES}, 19 in 20 take at most {quantiles(each[name], n=20)[-1]:.2f} ms",
        )
        for name in each
    ]


if __name__ == "__main__":
    save("judging", "Judging histories", measure())
