"""The suite's own test: every broken backend is caught by the law that it names, and no sound one is accused."""

from __future__ import annotations

import gc
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.share import shared
from unison_storage_conformance.mutant import Mutant, caught, mutants, tried
from unison_storage_conformance.mutants.equivalent import EQUIVALENT
from unison_storage_conformance.profiles import PROFILES
from unison_storage_conformance.verdicts import State

BROKEN = [one for one in mutants() if one.law]
BENIGN = [one for one in mutants() if not one.law]
PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
SCORE = re.compile(r"\*(\d+) of (\d+) mutants caught, (\d+) of (\d+) benign variants accused\*")


@pytest.fixture
def rubbish() -> Iterator[None]:
    """Have what a mutant drops collected here, where nobody minds, and not in a test that comes later."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.mark.usefixtures("rubbish")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("mutant", shared(BROKEN), ids=lambda one: f"{one.contract}-{one.name}")
def test_a_mutant_is_caught_by_its_law(mutant: Mutant) -> None:
    found = tried(mutant, PROFILES["ci"], laws=[mutant.law])
    assert caught(mutant, found), [(one.check, one.state, one.reason) for one in found]


@pytest.mark.parametrize("variant", shared(BENIGN), ids=lambda one: f"{one.contract}-{one.name}")
def test_a_benign_variant_is_not_accused(variant: Mutant) -> None:
    found = tried(variant, PROFILES["quick"])
    assert [(one.law, one.check, one.reason) for one in found if one.state is State.FAILED] == []
    assert sum(one.state is State.PASSED for one in found) > 10


def test_the_page_opens_with_the_score_as_it_is() -> None:
    score = SCORE.search(PAGE.read_text("utf-8")[:2_000])
    assert score is not None
    assert [int(number) for number in score.groups()] == [len(BROKEN), len(BROKEN), 0, len(BENIGN)]


def test_the_score_may_only_grow() -> None:
    assert len(BROKEN) >= 743
    assert len(BENIGN) >= 33


def test_what_no_caller_can_tell_is_listed_with_the_reason() -> None:
    for one in EQUIVALENT:
        assert one.sentence
        assert len(one.reason) > 20, one.sentence
