from __future__ import annotations

import pytest

from tests.conformance.broken import (
    AnswersTooLittle,
    Blocks,
    Hangs,
    Leaks,
    RaisesForeign,
    broken_laws,
    harness,
    verdicts,
)
from unison_storage.contracts.backend import Backend
from unison_storage.reference.memory import ReferenceMemory
from unison_storage_conformance import loop, run
from unison_storage_conformance.profiles import PROFILES
from unison_storage_conformance.verdicts import State

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("backend", "law"),
    [(Hangs, "backend.10"), (RaisesForeign, "backend.6"), (AnswersTooLittle, "backend.4")],
    ids=lambda one: getattr(one, "__name__", one),
)
def test_what_a_call_owes_is_told_by_a_law_of_its_own(backend: type[Backend], law: str) -> None:
    assert broken_laws(verdicts(harness(backend), "memory.1")) == {law}


def test_a_task_that_is_left_behind_breaks_a_law() -> None:
    assert "backend.2" in broken_laws(verdicts(harness(Leaks), "backend.2"))


def test_a_backend_that_stops_the_loop_ends_the_run_and_not_the_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "PATIENCE", 1)
    monkeypatch.setattr(loop, "GRACE", 0.3)
    found = verdicts(harness(Blocks), "memory.1", "memory.2")
    assert broken_laws(found) == {"backend.10"}
    [first, *rest] = [one for one in found if one.state is not State.PASSED]
    assert first.reason is not None
    assert "the event loop stood still" in first.reason
    assert {one.state for one in rest} == {State.UNVERIFIED}


def test_a_sound_backend_is_not_accused() -> None:
    assert broken_laws(verdicts(harness(ReferenceMemory, deadline=5.0), profile=PROFILES["quick"])) == set()
