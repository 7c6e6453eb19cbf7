from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.conformance.broken import harness, verdicts
from unison_storage.errors import InvalidConfig
from unison_storage.reference.memory import ReferenceMemory
from unison_storage_conformance.profiles import PROFILES
from unison_storage_conformance.replay import read_all, read_known, regression_checks, written_down
from unison_storage_conformance.run import Run
from unison_storage_conformance.verdicts import State, Verdict

pytestmark = pytest.mark.once


class KeepsTheFirstPerson(ReferenceMemory):
    """Breaks what only a story of several calls shows: the person of an entry is that of the first put."""

    async def put_many(self, puts: Sequence[Any]) -> Any:
        kept = []
        for put in puts:
            row = self._rows.get(put.address)
            kept.append(put if row is None else replace(put, person=row.person))
        return await super().put_many(kept)


def failure(law: str) -> Verdict:
    found = verdicts(harness(KeepsTheFirstPerson, deadline=5.0), law, profile=PROFILES["quick"])
    return next(one for one in found if one.state is State.FAILED)


def played_again(made: Any, folder: Path) -> list[Verdict]:
    run = Run(harness(made, deadline=5.0), PROFILES["quick"])
    run.open()
    try:
        return [run.check(check) for check in regression_checks(run, read_all(folder))]
    finally:
        run.close()


def test_a_story_is_written_down_shrunk_and_fails_again_until_it_is_mended(tmp_path: Path) -> None:
    verdict = failure("memory.18")
    assert verdict.counterexample is not None
    assert len(verdict.counterexample.steps) <= 4
    (tmp_path / "persons.json").write_text(json.dumps(written_down(verdict)))
    [again] = played_again(KeepsTheFirstPerson, tmp_path)
    assert (again.state, again.check, again.law) == (State.FAILED, "regression_persons", "memory.18")
    [mended] = played_again(ReferenceMemory, tmp_path)
    assert mended.state is State.PASSED


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is no counterexample"),
        ("[]", "is no counterexample"),
        ('{"format": 1}', "is no counterexample"),
        ('{"format": 2}', "has format 2, this version reads 1"),
        (
            '{"format": 1, "law": "plugin.1", "contract": "plugin", "root": "", "steps": []}',
            "is a counterexample of 'plugin', which can't be replayed",
        ),
    ],
)
def test_a_file_that_is_no_counterexample_is_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(InvalidConfig) as failure:
        read_known(path)
    assert str(path) in failure.value.message
    assert told in failure.value.message


def test_a_call_that_no_contract_has_is_not_made(tmp_path: Path) -> None:
    step = {"call": "_rows", "given": [], "named": {}}
    content = {"format": 1, "law": "memory.1", "contract": "memory", "root": "", "steps": [step]}
    (tmp_path / "x.json").write_text(json.dumps(content))
    [verdict] = played_again(ReferenceMemory, tmp_path)
    assert verdict.state is State.FAILED
    assert verdict.reason is not None
    assert "_rows is no call of this contract" in verdict.reason
