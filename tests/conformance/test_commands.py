from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from tests.conformance.test_page import document, verdict
from tests.core.distributions import Packages, described
from unison_storage.cli.app import app
from unison_storage_conformance.law import sentences
from unison_storage_conformance.verdicts import State

pytestmark = pytest.mark.once

Invoke = Callable[..., Result]

FORGETFUL = """
class Forgetful(ReferenceMemory):
    async def touch_many(self, touches):
        await super().touch_many(touches)
        return [False for _ in touches]


@hookimpl
def memory_backend(target, context):
    return Forgetful(context.clock)


"""


FRAIL = """
class Frail(ReferenceMemory):
    async def health(self):
        raise RuntimeError("who asks?")


@hookimpl
def memory_backend(target, context):
    return Frail(context.clock)


"""


AWAY = """
from unison_storage.errors import Unavailable


class Away(ReferenceMemory):
    async def open(self):
        raise Unavailable("nothing listens there")


@hookimpl
def memory_backend(target, context):
    return Away(context.clock)


"""


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Run a command in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words: CliRunner().invoke(app, ["conformance", *words])


@pytest.fixture
def forgetful(packages: Packages) -> str:
    """The URL of a backend whose touch forgets what it did."""
    packages.plugin("forgetful", FORGETFUL + described("spec('forgetful', durability=Durability.PROCESS)"))
    return "forgetful://"


@pytest.fixture
def frail(packages: Packages) -> str:
    """The URL of a backend that keeps all but one law."""
    packages.plugin("frail", FRAIL + described("spec('frail', durability=Durability.PROCESS)"))
    return "frail://"


def documented(result: Result) -> Any:
    return json.loads(result.stdout)


def test_a_run_prints_the_matrix_and_passes(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("run", "sqlite:///x.db", "--kind", "memory", "--html", "page.html")
    assert result.exit_code == 0, result.output
    assert "<h1>Conformance of sqlite " in Path("page.html").read_text()
    lines = result.stdout.splitlines()
    assert lines[0].startswith("sqlite:///x.db  sqlite ")
    assert any(line.startswith("memory") and "●●●" in line for line in lines)
    assert "profile quick, seed 0" in lines[-1]
    assert "✗" not in "".join(line for line in lines if "each mark is a law" not in line)
    assert not (tmp_path / "conformance-failures").exists()


def test_the_document_is_the_one_that_the_design_shows(invoke: Invoke) -> None:
    result = invoke("run", "sqlite:///x.db", "--kind", "memory", "--json")
    report = documented(result)
    assert (result.exit_code, report["format"], report["profile"], report["seed"]) == (0, 1, "quick", 0)
    assert report["target"].keys() == {"url", "backend", "version", "server"}
    assert report["totals"]["passed"] == len([law for law in report["laws"] if law["state"] == "passed"]) > 50
    for law in report["laws"]:
        assert law.keys() >= {"law", "kind", "level", "state", "seconds", "reason", "counterexample"}
        assert law["sentence"] == sentences()[law["law"]]


def test_a_failure_is_shown_and_played_again_now_and_in_later_runs(invoke: Invoke, forgetful: str) -> None:
    result = invoke("run", forgetful)
    assert result.exit_code == 1
    assert "✗ memory memory.9 " in result.stdout
    assert sentences()["memory.9"][:60] in result.stdout
    assert "touch_many([Touch(address='…" in result.stdout
    file = next(path for path in Path("conformance-failures").iterdir() if path.name.startswith("memory-memory.18"))
    assert f"unison-storage conformance replay {file} URL" in result.stdout
    again = invoke("replay", str(file), forgetful)
    assert again.exit_code == 1
    mended = invoke("replay", str(file), "sqlite:///x.db")
    assert (mended.exit_code, mended.stdout.splitlines()[-1][:8]) == (0, "1 passed")
    known = list(file.parent.iterdir())
    kept = ("--regressions", str(file.parent), "--json")
    report = documented(invoke("run", "sqlite:///x.db", "--kind", "memory", *kept))
    assert [law["state"] for law in report["laws"] if law["check"].startswith("regression_")] == ["passed"] * len(known)


def test_two_reports_are_shown_side_by_side_and_drawn(invoke: Invoke) -> None:
    kept, broken = verdict("memory.9", State.PASSED), verdict("memory.9", State.FAILED, reason="it forgot")
    Path("a.json").write_bytes(msgspec.json.encode(document("one", kept, verdict("cache.1", State.PASSED))))
    Path("b.json").write_bytes(msgspec.json.encode(document("two", broken)))
    same = invoke("compare", "a.json", "a.json")
    assert (same.exit_code, same.stdout.splitlines()[-1]) == (0, "both say the same of every check")
    result = invoke("compare", "a.json", "b.json", "--html", "both.html")
    assert result.exit_code == 1
    assert "only A has tried cache" in result.stdout
    [line] = [line for line in result.stdout.splitlines() if line.startswith("worse ")]
    assert line.split() == ["worse", "memory.9", "a_check", "(memory)", "passed", "failed", "it", "forgot"]
    assert "<h1>Conformance of one 1.0 and two 1.0</h1>" in Path("both.html").read_text()
    [listed] = documented(invoke("compare", "a.json", "b.json", "--json"))["differences"]
    assert (listed["worse"], listed["first"]["state"], listed["second"]["state"]) == (True, "passed", "failed")
    better = invoke("compare", "b.json", "a.json")
    assert (better.exit_code, better.stdout.splitlines()[-1]) == (0, "1 differ, 0 worse in B")
    refused = invoke("compare", "a.json", "b.json", "--html", "none/both.html")
    assert (refused.exit_code, "can't be written" in refused.stderr) == (2, True)


def test_a_known_failure_is_waived_and_an_unneeded_waiver_fails(invoke: Invoke, frail: str) -> None:
    failed = [law["law"] for law in documented(invoke("run", frail, "--json"))["laws"] if law["state"] == "failed"]
    assert "backend.3" in failed
    waiver = '[[waiver]]\nlaw = "{}"\nreason = "bug"\nlink = "https://example.org/1"\nexpires = 2999-01-01\n'
    Path("conformance.toml").write_text("".join(waiver.format(law) for law in sorted(set(failed))))
    known = invoke("run", frail)
    assert known.exit_code == 0, known.output
    assert "bug, until 2999-01-01: https://example.org/1" in known.stdout
    Path("other.toml").write_text(waiver.format("memory.1"))
    unneeded = invoke("run", "sqlite:///x.db", "--kind", "memory", "--waivers", "other.toml")
    assert unneeded.exit_code == 4
    assert "the waiver of memory.1 is not needed" in unneeded.stderr


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("run", "nosuch://x"), 2, "nosuch"),
        (("run", "sqlite:///x.db", "--kind", "graphs"), 2, "'graphs' is no kind"),
        (("run", "sqlite:///x.db", "--profile", "slow"), 2, "quick, ci, nightly"),
        (("run", "sqlite:///x.db?no_such=1"), 2, "no_such"),
        (("run", "sqlite:///x.db", "--waivers", "none.toml"), 1, "none.toml can't be read"),
        (("replay", "none.json", "sqlite:///x.db"), 1, "none.json can't be read"),
        (("compare", "none.json", "none.json"), 2, "none.json can't be read"),
        (("run",), 2, "Missing argument 'URL'"),
    ],
)
def test_wrong_usage_is_told(invoke: Invoke, words: tuple[str, ...], code: int, told: str) -> None:
    result = invoke(*words)
    assert told in result.stderr
    assert result.exit_code == code
    assert "Traceback" not in result.output


def test_a_target_that_does_not_answer_is_too_little(invoke: Invoke, packages: Packages) -> None:
    packages.plugin("away", AWAY + described("spec('away')"))
    result = invoke("run", "away://")
    assert result.exit_code == 5, result.output
    assert "away:// does not answer: nothing listens there" in result.stderr


def test_a_marked_target_is_refused_with_the_way_out(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNISON_STORAGE_PROFILE", "staging")
    monkeypatch.setenv("UNISON_STORAGE_DATABASE_URL", "sqlite:///x.db")
    assert CliRunner().invoke(app, ["migrate"]).exit_code == 0
    result = invoke("run", "sqlite:///x.db")
    assert result.exit_code == 1
    assert "the target is marked as staging" in result.stderr
    assert "name a database that is there for tests" in result.stderr
