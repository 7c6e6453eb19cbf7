from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.broken import TINY, harness
from unison_storage.reference.memory import ReferenceMemory
from unison_storage_conformance.machines.memory import MemoryStories
from unison_storage_conformance.profiles import PROFILES, Profile
from unison_storage_conformance.run import Run
from unison_storage_conformance.verdicts import Level, State, Verdict

pytestmark = pytest.mark.once


def story_of(profile: Profile, seed: int = 0) -> Verdict:
    run = Run(harness(ReferenceMemory, deadline=5.0), profile, seed)
    run.open()
    try:
        [verdict] = [run.check(check) for check in run.checks() if check.level is Level.MACHINE]
    finally:
        run.close()
    return verdict


def test_a_machine_that_never_came_to_a_rule_has_failed() -> None:
    verdict = story_of(TINY)
    assert verdict.state is State.FAILED
    assert verdict.reason is not None
    assert verdict.reason.startswith("the machine never came to: ")


def test_a_machine_that_never_came_to_a_case_has_failed_in_a_long_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryStories, "REACH", ("put_many: NoSuchError",))
    assert story_of(PROFILES["quick"]).state is State.PASSED
    long = story_of(Profile("long", examples=100, steps=10, histories=20))
    assert (long.state, long.reason) == (State.FAILED, "the machine never came to: put_many: NoSuchError")


def test_what_it_came_to_is_counted_and_the_same_stories_are_played_in_every_run() -> None:
    first, second, other = (story_of(PROFILES["quick"], seed) for seed in (0, 0, 7))
    assert first.state is State.PASSED
    assert first.reached["put_many"] > 20
    assert first.reached == second.reached
    assert first.reached != other.reached


def test_a_seed_plays_the_same_stories_again() -> None:
    found: Any = [story_of(PROFILES["quick"], 7).reached for _ in range(2)]
    assert found[0] == found[1]
