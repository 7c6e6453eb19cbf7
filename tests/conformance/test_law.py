from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.conformance.unproven import UNPROVEN
from unison_storage_conformance.law import CONTRACTS, checks, sentences
from unison_storage_conformance.mutant import mutants
from unison_storage_conformance.verdicts import Level

LAWS = Path("conformance/src/unison_storage_conformance/laws")


def test_every_sentence_has_a_check_and_every_check_a_sentence() -> None:
    tried = {check.law for check in checks()}
    assert sorted(sentences().keys() - tried) == []
    assert sorted(tried - sentences().keys()) == []


def test_laws_are_numbered_from_one_without_gaps() -> None:
    for contract in CONTRACTS:
        numbers = [int(law.partition(".")[2]) for law in sentences() if law.startswith(f"{contract}.")]
        assert numbers == list(range(1, len(numbers) + 1)), contract


def test_every_law_has_a_mutant_or_stands_in_the_list_which_may_only_shrink() -> None:
    proven = {one.law for one in mutants()}
    assert sorted(sentences().keys() - proven - UNPROVEN.keys()) == []
    assert sorted(UNPROVEN.keys() & proven) == []
    assert sorted(UNPROVEN.keys() - sentences().keys()) == []


def test_every_mutant_names_a_law_that_there_is() -> None:
    assert sorted({one.law for one in mutants() if one.law} - sentences().keys()) == []


def test_names_tell_checks_and_mutants_apart() -> None:
    assert [name for name, times in Counter(check.id for check in checks()).items() if times > 1] == []
    assert [name for name, times in Counter(one.name for one in mutants()).items() if times > 1] == []


@pytest.mark.parametrize("contract", ["memory", "blobs", "index", "graph", "cache"])
def test_every_contract_has_a_machine(contract: str) -> None:
    assert [check.level for check in checks() if check.contract == contract].count(Level.MACHINE) == 1


def test_a_law_is_a_sentence() -> None:
    for law, sentence in sentences().items():
        assert re.fullmatch(r"[A-Z`“].*[.]", sentence), law
