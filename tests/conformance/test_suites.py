from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

pytestmark = pytest.mark.once

TWO_LINES = """
from unison_storage_conformance import suite

TestMine = suite("sqlite:///x.db", kinds=["memory"])
"""

UNDER_TEN = """
from unison_storage.reference.memory import ReferenceMemory
from unison_storage_conformance import Harness, suite

class Forgetful(ReferenceMemory):
    async def touch_many(self, touches):
        return [False for _ in touches]

class Mine(Harness):
    kinds = ["memory"]
    def backend(self, part, context):
        return Forgetful(context.clock) if part == "memory" else None

TestMine = suite(Mine{more})
"""


def run(folder: Path, source: str, *arguments: str) -> tuple[int, str, dict[str, str]]:
    """Run a test file as its author would; return the exit code, the output, and what each test came to."""
    (folder / "test_mine.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junit-xml=found.xml", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=240)
    report = folder / "found.xml"
    found = {}
    for case in ET.parse(report).getroot().iter("testcase") if report.exists() else ():  # noqa: S314  # our own
        found[case.attrib["name"]] = next((child.tag for child in case), "passed")
    return done.returncode, done.stdout + done.stderr, found


def test_two_lines_make_one_plain_test_for_each_law(tmp_path: Path) -> None:
    code, output, found = run(tmp_path, TWO_LINES)
    assert code == 0, output
    assert found["test_memory_18_MemoryStories"] == "passed"
    assert found["test_memory_backend_05_an_empty_batch_answers_an_empty_list"] == "passed"
    assert len(found) > 50
    assert set(found.values()) == {"passed"}


def test_one_law_can_be_chosen(tmp_path: Path) -> None:
    code, output, found = run(tmp_path, TWO_LINES, "-k", "memory_09")
    assert code == 0, output
    assert found
    assert all(name.startswith("test_memory_09_") for name in found)


def test_a_broken_law_fails_with_its_sentence_and_the_calls(tmp_path: Path) -> None:
    code, output, found = run(tmp_path, UNDER_TEN.format(more=""))
    assert code == 1
    assert found["test_memory_09_a_touch_sets_the_expiry_alone"] == "failure"
    assert "memory.9: A get with ``touch`` reads and sets the expiry in one step" in output
    assert "touch_many([Touch(" in output
    assert "expected  [True]" in output
    assert "site-packages" not in output  # no trace of the suite's own frames
    assert {found[name] for name in found if "_09_" in name} >= {"failure"}


@pytest.mark.parametrize(("more", "state"), [("", "skipped"), (", strict=True", "failure")])
def test_what_can_not_be_tried_is_skipped_with_its_reason_or_fails_where_strict(
    tmp_path: Path, more: str, state: str
) -> None:
    _, output, found = run(tmp_path, UNDER_TEN.format(more=more), "-k", "reopening")
    assert state in found.values()
    assert "unverified: what is kept in a process ends with it" in output or state == "skipped"


def test_waivers_hold_for_tests_too_and_nothing_tried_is_no_pass(tmp_path: Path) -> None:
    (tmp_path / "conformance.toml").write_text(
        '[[waiver]]\nlaw = "memory.9"\nreason = "bug"\nlink = "https://example.org/1"\nexpires = 2999-01-01\n'
    )
    code, output, found = run(tmp_path, UNDER_TEN.format(more=""), "-k", "memory_09 and a_touch_sets or enough")
    assert found["test_memory_09_a_touch_sets_the_expiry_alone"] == "passed", output
    assert found["test_zz_enough_was_tried"] == "failure"
    assert "no law was tried and kept: that is no pass" in output
    assert code == 1
