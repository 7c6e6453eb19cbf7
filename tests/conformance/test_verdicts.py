from __future__ import annotations

import pytest

from unison_storage_conformance.verdicts import Level, State, Verdict, exit_code, totals


def verdict(state: State) -> Verdict:
    return Verdict("memory.1", "check", "memory", Level.LAWS, state, 0.0)


@pytest.mark.parametrize(
    ("states", "harness_fault", "waiver_fault", "expected"),
    [
        ([State.PASSED, State.REFUSED, State.UNVERIFIED, State.WAIVED], False, False, 0),
        ([State.PASSED, State.FAILED], True, True, 1),
        ([State.PASSED, State.UNVERIFIED], True, True, 3),
        ([State.PASSED], False, True, 4),
        ([], False, False, 5),
        ([State.UNVERIFIED, State.REFUSED, State.WAIVED], False, False, 5),
    ],
)
def test_the_exit_code_says_the_worst(
    states: list[State], *, harness_fault: bool, waiver_fault: bool, expected: int
) -> None:
    found = [verdict(state) for state in states]
    assert exit_code(found, harness_fault=harness_fault, waiver_fault=waiver_fault) == expected


def test_totals_name_every_state() -> None:
    assert totals([verdict(State.PASSED), verdict(State.PASSED), verdict(State.WAIVED)]) == {
        "passed": 2,
        "failed": 0,
        "refused": 0,
        "unverified": 0,
        "waived": 1,
    }
