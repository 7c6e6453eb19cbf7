from __future__ import annotations

import pytest

from unison_storage_conformance.harness import KINDS
from unison_storage_conformance.profiles import Profile
from unison_storage_conformance.run import Run
from unison_storage_conformance.served.harness import ServedHarness
from unison_storage_conformance.verdicts import Level, State

FEW = Profile("few", examples=3, steps=5, histories=20)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("level", "fewest"), [(Level.FAULTS, 12), (Level.CRASH, 2), (Level.RESOURCES, 8), (Level.SECRECY, 5)]
)
def test_a_client_that_does_it_right_is_accused_of_nothing(kind: str, level: Level, fewest: int) -> None:
    harness = ServedHarness()
    harness.kinds = (kind,)
    run = Run(harness, FEW)
    run.open()
    found = [run.check(check) for check in run.checks() if check.level is level]
    run.close()
    assert [(one.check, one.state, one.reason) for one in found if one.state is not State.PASSED] == []
    assert len(found) >= fewest
    assert run.harness_faults == []
    assert run.leftovers == []
