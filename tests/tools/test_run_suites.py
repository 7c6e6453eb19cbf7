from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.tools.run_suites import REPORTS, Totals, count, main

OUTCOMES = """
import pytest

def test_passes(): pass
def test_fails(): assert 0
def test_skips(): pytest.skip("no reason")

@pytest.fixture
def broken(): raise RuntimeError
def test_with_broken_fixture(broken): pass
"""


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An environment that is this interpreter, in a folder of its own without the settings of this project."""
    (tmp_path / "env").symlink_to(sys.prefix)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:unison_storage\n")
    monkeypatch.chdir(tmp_path)
    return "env"


def test_the_last_line_adds_up_all_runs(environment: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path("test_outcomes.py").write_text(OUTCOMES)

    Path("other").symlink_to(sys.prefix)

    assert main([environment, "other", "absent", "--", "-q"]) == 1
    output = capfd.readouterr().out
    assert output.splitlines()[-1] == "2 passed, 4 failed, 2 skipped"
    assert output.count("1 passed, 1 skipped") == output.count("test_fails - assert 0") == 2
    assert count(REPORTS / "env.xml") == Totals(passed=1, failed=2, skipped=1)


def test_each_run_is_told_its_share(environment: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path("test_share.py").write_text("import os\n\ndef test_share(): print('share', os.environ['SUITE_SHARE'])\n")
    Path("other").symlink_to(sys.prefix)

    assert main([environment, "other", "--", "-q", "-s"]) == 0
    output = capfd.readouterr().out
    assert [f"share {share}" in output for share in ("0/2", "1/2", "0/1")] == [True, True, False]


def test_a_run_that_passes_exits_with_zero(environment: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path("test_outcomes.py").write_text(OUTCOMES)

    assert main([environment, "--", "-q", "-k", "passes"]) == 0
    assert capfd.readouterr().out.splitlines()[-1] == "1 passed, 0 failed, 0 skipped"


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("", id="no test"),
        pytest.param("import pytest\ndef test(): pytest.skip('')", id="skipped only"),
        pytest.param("import os\ndef test(): pass\ndef test_dies(): os._exit(0)", id="ended early"),
    ],
)
def test_a_run_that_passed_nothing_fails(environment: str, source: str) -> None:
    Path("test_outcomes.py").write_text(source)

    assert main([environment, "--", "-q"]) == 1


def test_no_environment_fails() -> None:
    assert main(["absent"]) == 1
