"""Verdicts: what one law came to, and how all of them together are summed up. How they look stands in ``report``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct


class State(StrEnum):
    """What a law came to. Absent is a result, never a skip."""

    PASSED = "passed"
    FAILED = "failed"
    REFUSED = "refused"
    """not declared, and shown to be refused without effect"""
    UNVERIFIED = "unverified"
    """could not be tried; the reason says why"""
    WAIVED = "waived"
    """fails, and ``conformance.toml`` says why that is known"""


class Level(StrEnum):
    """How deep a law looks."""

    PLUGIN = "plugin"
    LAWS = "laws"
    MACHINE = "machine"
    HISTORIES = "histories"
    FAULTS = "faults"
    CRASH = "crash"
    SECRECY = "secrecy"
    RESOURCES = "resources"


class Counterexample(Struct, frozen=True):
    """How a law was broken: the calls that were made, what was expected at the end and what was found.

    ``law`` is the one that was broken, which may be another than the check is for. ``steps`` are calls in the notation
    of ``notation``; ``root`` begins every address in them. ``history`` holds calls that overlapped instead: each with
    its client and with the places of call and answer in the order of all of them; no answer where none came.
    ``program`` and ``seed`` play it again.
    """

    law: str
    message: str
    expected: str | None = None
    found: str | None = None
    steps: tuple[Any, ...] = ()
    root: str = ""
    history: tuple[Any, ...] = ()
    program: tuple[Any, ...] = ()
    seed: str = ""


class Verdict(Struct, frozen=True):
    """What one check of one law came to. ``check`` tells checks of a law apart; ``kind`` is what it was tried on."""

    law: str
    check: str
    kind: str
    level: Level
    state: State
    seconds: float
    contract: str = ""
    sentence: str = ""
    reason: str | None = None
    counterexample: Counterexample | None = None
    reached: dict[str, int] = {}

    @property
    def id(self) -> str:
        """What tells it apart from all others of a run."""
        return f"{self.contract}:{self.law}:{self.check}"


_WORSE: Final = (State.PASSED, State.REFUSED, State.UNVERIFIED, State.WAIVED, State.FAILED)


def worst(states: Sequence[State]) -> State | None:
    """Return the worst of some states; ``None`` where there is none."""
    return max(states, key=_WORSE.index, default=None)


PASSED: Final = 0
FAILED: Final = 1
HARNESS_FAULT: Final = 3
WAIVER_FAULT: Final = 4
TOO_LITTLE: Final = 5


def totals(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """Return how many checks came to each state, in the order of the states."""
    counted = Counter(verdict.state for verdict in verdicts)
    return {str(state): counted[state] for state in State}


def exit_code(verdicts: Sequence[Verdict], *, harness_fault: bool, waiver_fault: bool) -> int:
    """Return 0 passed, 1 a law failed, 3 harness fault, 4 a waiver expired or unneeded, 5 nothing or too little ran."""
    counted = totals(verdicts)
    if counted[State.FAILED]:
        return FAILED
    if harness_fault:
        return HARNESS_FAULT
    if waiver_fault:
        return WAIVER_FAULT
    return PASSED if counted[State.PASSED] else TOO_LITTLE
