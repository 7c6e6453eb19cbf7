"""Run the tests in all environments that are there, side by side, and close with the totals of all runs.

    python -m tests.tools.run_suites .venv .venv-newest -- [arguments for pytest]

Each run is told its share by ``SUITE_SHARE`` (``0/2`` and ``1/2``): what tests the tests and takes long, such as the
mutants of the conformance suite, is played by one of them alone.

The first run is shown as it goes, each other one when all are done. The last line reads ``N passed, N failed,
N skipped``. It fails if a run failed, ended early, or ran no test.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

REPORTS = Path("reports")


@dataclass(frozen=True)
class Totals:
    """What the runs counted; an error in a fixture counts as failed."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def main(arguments: list[str]) -> int:
    """Run the tests in each environment named before ``--``."""
    split = arguments.index("--") if "--" in arguments else len(arguments)
    environments = [Path(name) for name in arguments[:split] if (Path(name) / "bin" / "python").exists()]
    REPORTS.mkdir(exist_ok=True)
    with ThreadPoolExecutor(max(len(environments), 1)) as pool:
        started = [
            pool.submit(run, environment, arguments[split + 1 :], share=f"{place}/{len(environments)}", shown=not place)
            for place, environment in enumerate(environments)
        ]
    runs = [one.result() for one in started]

    for environment, (version, _, _) in list(zip(environments, runs, strict=True))[1:]:
        print(f"\n== {version} ({environment})\n{log_of(environment).read_text('utf-8', 'replace')}", end="")
    totals = sum((totals for _, _, totals in runs), Totals())
    print()
    for version, exit_code, counted in runs:
        print(f"{version}: {counted} (pytest's exit code {exit_code})")
    if len(runs) == 1:
        print("No newer Python was found: the tests ran on this one only.")
    print(totals)
    all_passed = all(exit_code == 0 and counted.passed for _, exit_code, counted in runs)
    return 0 if runs and all_passed and not totals.failed else 1


def run(environment: Path, pytest_arguments: list[str], *, share: str, shown: bool) -> tuple[str, int, Totals]:
    """Return the version, pytest's exit code and what it counted; what is not shown goes to the log."""
    python = str(environment / "bin" / "python")
    version = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    report = REPORTS / f"{name_of(environment)}.xml"
    report.unlink(missing_ok=True)
    surroundings = {**os.environ, "SUITE_SHARE": share}  # noqa: TID251 - what the tests need of this shell is theirs
    command = [python, "-m", "pytest", f"--junit-xml={report}", *pytest_arguments]
    if shown:
        print(f"\n== {version} ({environment})", flush=True)
        exit_code = subprocess.run(command, check=False, env=surroundings).returncode
    else:
        with log_of(environment).open("wb") as log:
            done = subprocess.run(command, check=False, env=surroundings, stdout=log, stderr=subprocess.STDOUT)
        exit_code = done.returncode
    return version, exit_code, count(report) if report.exists() else Totals()


def name_of(environment: Path) -> str:
    """Return what the files of a run are called."""
    return environment.name.lstrip(".")


def log_of(environment: Path) -> Path:
    """Return where the output of a run goes that is not shown as it goes."""
    return REPORTS / f"{name_of(environment)}.log"


def count(report: Path) -> Totals:
    """Add up the suites of a JUnit report."""
    totals = Totals()
    for suite in ET.parse(report).getroot().iter("testsuite"):  # noqa: S314  # pytest wrote it a moment ago
        ran, skipped = int(suite.attrib["tests"]), int(suite.attrib["skipped"])
        failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
        totals += Totals(passed=ran - failed - skipped, failed=failed, skipped=skipped)
    return totals


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
