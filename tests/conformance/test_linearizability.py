from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, permutations
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from unison_storage_conformance.linearizability import FOREVER, PENDING, Call, Open, apart, order


def register(state: int, call: Call) -> Sequence[int]:
    """A register that holds 0 at first: ``w`` writes a number, ``r`` reads, ``i`` adds one and answers the sum."""
    if call.operation == "w":
        return (call.given,)
    if call.operation == "i":
        return (state + 1,) if call.answer in (PENDING, state + 1) else ()
    return (state,) if call.answer in (PENDING, state) else ()


def explained(calls: Sequence[Call]) -> bool:
    return order(calls, 0, register)[0]


def by_brute_force(calls: Sequence[Call]) -> bool:
    """Try every order of every choice of the calls that got no answer: the definition, as it stands in the papers."""
    pending = [call for call in calls if call.answered == FOREVER]
    ended = [call for call in calls if call.answered < FOREVER]
    return any(
        fits(sequence)
        for chosen in range(2 ** len(pending))
        for sequence in permutations([*ended, *(one for at, one in enumerate(pending) if chosen >> at & 1)])
    )


def fits(sequence: Sequence[Call]) -> bool:
    states = {0}
    for place, call in enumerate(sequence):
        if any(later.answered < call.called for later in sequence[place + 1 :]):
            return False
        states = {after for state in states for after in register(state, call)}
    return bool(states)


def intervals(number: int) -> Iterator[list[tuple[int, int]]]:
    """Yield every way in which that many calls may overlap."""

    def placed(left: tuple[int, ...], open_: tuple[int, ...], at: int, found: dict[int, tuple[int, int]]) -> Any:
        if not left and not open_:
            yield [found[one] for one in range(number)]
            return
        if left:
            yield from placed(left[1:], (*open_, left[0]), at + 1, {**found, left[0]: (at, -1)})
        for one in open_:
            still = tuple(other for other in open_ if other != one)
            yield from placed(left, still, at + 1, {**found, one: (found[one][0], at)})

    yield from placed(tuple(range(number)), (), 0, {})


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_it_says_what_brute_force_says_of_every_short_history(number: int) -> None:
    choices = [("w", 1, None), ("r", None, 0), ("r", None, 1), ("i", None, 1), ("i", None, 2)]
    seen = {True: 0, False: 0}
    for spans in intervals(number):
        for picked in product(choices, number):
            calls = [Call(client, *picked[client], *span) for client, span in enumerate(spans)]  # type: ignore[call-arg]
            wanted = by_brute_force(calls)
            assert explained(calls) == wanted, calls
            seen[wanted] += 1
    assert all(seen.values())


def product(choices: Sequence[Any], number: int) -> Iterator[tuple[Any, ...]]:
    if not number:
        yield ()
        return
    for one in choices:
        for rest in product(choices, number - 1):
            yield (one, *rest)


@given(st.data())
def test_it_says_what_brute_force_says_where_calls_got_no_answer(data: st.DataObject) -> None:
    spans = data.draw(st.sampled_from(list(intervals(4))))
    calls = []
    for client, span in enumerate(spans):
        operation = data.draw(st.sampled_from("wri"))
        answer = None if operation == "w" else data.draw(st.integers(0, 3))
        call = Call(client, operation, data.draw(st.integers(1, 2)), answer, *span)
        calls.append(replace(call, answer=PENDING, answered=FOREVER) if data.draw(st.booleans()) else call)
    assert explained(calls) == by_brute_force(calls)


def recorded(random: Random, clients: int, each: int) -> list[Call]:
    """Return a history of a register that does one thing at a time, with calls and answers around that at random."""
    stamps, numbers = count(), count(1)
    left = dict.fromkeys(range(clients), each)
    now: dict[int, dict[str, Any]] = {}
    state, calls = 0, []
    while any(left.values()) or now:
        client = random.choice([one for one in range(clients) if left[one] or one in now])
        if client not in now:
            left[client] -= 1
            operation = random.choice("wri")
            given_ = next(numbers) * 100 if operation == "w" else None
            now[client] = {"operation": operation, "given": given_, "called": next(stamps)}
        elif "answer" not in now[client]:
            one = now[client]
            state = one["given"] if one["operation"] == "w" else state + (one["operation"] == "i")
            one["answer"] = None if one["operation"] == "w" else state
        else:
            one = now.pop(client)
            calls.append(Call(client, one["operation"], one["given"], one["answer"], one["called"], next(stamps)))
    return calls


@given(st.integers(0, 2**32), st.integers(1, 8), st.integers(1, 10))
def test_what_happened_one_by_one_is_explained_and_nothing_else(seed: int, clients: int, each: int) -> None:
    random = Random(seed)
    calls = recorded(random, clients, each)
    explanation, sequence = order(calls, 0, register)
    assert explanation
    assert len(sequence) == len(calls)
    assert fits(sequence)
    read = [place for place, call in enumerate(calls) if call.operation != "w"]
    if read:
        place = random.choice(read)
        calls[place] = replace(calls[place], answer=calls[place].answer + 50 + random.randrange(40))
        assert not explained(calls)


@pytest.mark.parametrize(
    ("calls", "good"),
    [
        ([Call(0, "i", None, 1, 0, 3), Call(1, "i", None, 2, 1, 2)], True),
        ([Call(0, "i", None, 1, 0, 3), Call(1, "i", None, 1, 1, 2)], False),  # a lost update
        ([Call(0, "w", 1, None, 0, 1), Call(1, "r", None, 0, 2, 3)], False),  # a stale read
        (
            [Call(0, "w", 1, None, 0, 4), Call(1, "r", None, 1, 1, 2), Call(2, "r", None, 0, 3, 5)],
            False,
        ),  # time goes back
        ([Call(0, "w", 1, PENDING, 0, FOREVER), Call(1, "r", None, 1, 1, 2)], True),  # lost, yet done
        ([Call(0, "w", 1, PENDING, 0, FOREVER), Call(1, "r", None, 0, 1, 2)], True),  # lost, or not done yet
        (
            [
                Call(0, "w", 1, PENDING, 0, FOREVER),
                Call(1, "r", None, 1, 1, 2),
                Call(1, "r", None, 0, 3, 4),
            ],
            False,  # done, then undone
        ),
        ([], True),
    ],
)
def test_known_histories(calls: list[Call], good: bool) -> None:  # noqa: FBT001 - a column of the table
    assert explained(calls) == good


def test_a_history_that_nothing_explains_comes_with_the_longest_part_that_is_fine() -> None:
    calls = [Call(0, "w", 1, None, 0, 1), Call(0, "r", None, 1, 2, 3), Call(0, "r", None, 7, 4, 5)]
    assert order(calls, 0, register) == (False, calls[:2])


def test_a_question_that_takes_too_long_stays_open() -> None:
    calls = [Call(client, "w", client, None, 0, 100) for client in range(12)]
    with pytest.raises(Open):
        order([*calls, Call(99, "r", None, 1_000, 101, 102)], 0, register, budget=1_000)


def test_keys_are_looked_at_one_by_one() -> None:
    calls = [Call(0, "w", key, None, place, place + 1) for place, key in enumerate("abab")]
    assert apart(calls, lambda call: call.given) == [[calls[0], calls[2]], [calls[1], calls[3]]]
