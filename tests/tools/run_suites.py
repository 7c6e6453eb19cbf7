"""Run the tests in each environment that is there, and close with the totals of all runs.

    python -m tests.tools.run_suites .venv .venv-newest -- [arguments for pytest]

The last line reads ``N passed, N failed, N skipped``. It fails if a run failed, ended early, or ran no test.
"""

from __future__ import annotations

import subprocess
import sys
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
    runs = [run(environment, arguments[split + 1 :]) for environment in environments]

    totals = sum((totals for _, _, totals in runs), Totals())
    print()
    for version, exit_code, counted in runs:
        print(f"{version}: {counted} (pytest's exit code {exit_code})")
    if len(runs) == 1:
        print("No newer Python was found: the tests ran on this one only.")
    print(totals)
    all_passed = all(exit_code == 0 and counted.passed for _, exit_code, counted in runs)
    return 0 if runs and all_passed and not totals.failed else 1


def run(environment: Path, pytest_arguments: list[str]) -> tuple[str, int, Totals]:
    """Return the version, pytest's exit code and what it counted."""
    python = str(environment / "bin" / "python")
    version = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"\n== {version} ({environment})", flush=True)
    report = REPORTS / f"{environment.name.lstrip('.')}.xml"
    report.unlink(missing_ok=True)
    command = [python, "-m", "pytest", f"--junit-xml={report}", *pytest_arguments]
    exit_code = subprocess.run(command, check=False).returncode
    return version, exit_code, count(report) if report.exists() else Totals()


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
