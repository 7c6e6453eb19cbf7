"""The suite in an author's test file: a class with one test for each law. What a law tries stands in ``laws``.

    TestMyBackend = suite("myscheme://localhost:1234/db", kinds=["memory"])

The tests are plain functions: no plugin for asyncio is needed, and none can skip them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from unison_storage_conformance.harness import harness_of
from unison_storage_conformance.law import Check, sentences
from unison_storage_conformance.profiles import profile_named
from unison_storage_conformance.replay import read_all, regression_checks
from unison_storage_conformance.run import Run
from unison_storage_conformance.telling import told_example
from unison_storage_conformance.verdicts import State, Verdict
from unison_storage_conformance.waivers import FILE, Waiver, read_waivers, today, waived


def suite(
    given: Any,
    kinds: Sequence[str] | None = None,
    *,
    profile: str = "quick",
    seed: int = 0,
    strict: bool = False,
    waivers: Path | str | None = None,
    regressions: Path | str | None = None,
) -> type:
    """Return a test class with one test for each law, for a URL, a factory ``(part, context) → backend`` or a harness.

    ``waivers`` is a file of known failures (``conformance.toml`` where the tests are started), ``regressions`` a folder
    of counterexamples that were mended. What can't be tried is skipped with its reason, and fails where ``strict``.
    What there is to try is found out when tests are collected; the target is opened when the first of them runs.
    """
    planned = Run(harness_of(given, kinds), profile_named(profile), seed)
    checks = [*planned.checks(), *regression_checks(planned, read_all(Path(regressions)) if regressions else [])]
    path = Path(waivers) if waivers else FILE
    known = read_waivers(path) if waivers or path.exists() else []
    trial = _Trial(planned, checks, known, strict=strict)
    tests: dict[str, Any] = {_name(check): _test(trial, check) for check in checks}
    tests["test_zz_enough_was_tried"] = lambda _self: trial.check_enough()
    tests["setup_class"] = classmethod(lambda _cls: planned.open())
    tests["teardown_class"] = classmethod(lambda _cls: planned.close())
    return type("Suite", (), tests)


class _Trial:
    """What the tests of one class share."""

    def __init__(self, run: Run, checks: Sequence[Check], waivers: Sequence[Waiver], *, strict: bool) -> None:
        self.run = run
        self.checks = checks
        self.waivers = waivers
        self.strict = strict
        self.verdicts: list[Verdict] = []

    def check(self, check: Check) -> None:
        """Try one check, and fail or skip the test where it did not come to passed, refused or waived."""
        verdict = self.run.check(check)
        self.verdicts.append(verdict)
        [verdict], _ = waived([verdict], self.waivers, today())
        if verdict.state is State.FAILED:
            pytest.fail("\n".join(_told(verdict)), pytrace=False)
        if verdict.state is State.UNVERIFIED:
            if self.strict or self.run.harness_faults:
                pytest.fail(f"unverified: {verdict.reason}", pytrace=False)
            pytest.skip(f"unverified: {verdict.reason}")

    def check_enough(self) -> None:
        """Fail where nothing was tried, or a waiver has expired or is not needed."""
        if not any(verdict.state is State.PASSED for verdict in self.verdicts):
            pytest.fail("no law was tried and kept: that is no pass", pytrace=False)
        _, faults = waived(self.verdicts, self.waivers, today())
        if faults and len(self.verdicts) == len(self.checks):
            pytest.fail("\n".join(faults), pytrace=False)


def _test(trial: _Trial, check: Check) -> Callable[[Any], None]:
    def test(_self: Any) -> None:
        trial.check(check)

    test.__doc__ = sentences().get(check.law)
    return test


def _name(check: Check) -> str:
    contract, _, number = check.law.partition(".")
    own = "" if contract == check.contract else f"{check.contract}_"
    return f"test_{own}{contract}_{int(number):02}_{check.name}"


def _told(verdict: Verdict) -> Iterator[str]:
    example = verdict.counterexample
    yield f"{verdict.law}: {verdict.sentence}"
    yield verdict.reason or ""
    if example is not None:
        if example.law != verdict.law:
            yield f"this breaks {example.law}: {sentences().get(example.law, '')}"
        yield from told_example(example)
