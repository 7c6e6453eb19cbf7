"""Each law of plugins is broken by a distribution that a test installs, and by that law's own assertion."""

from __future__ import annotations

import pytest

from tests.core.distributions import Packages, described
from unison_storage_conformance.harness import harness_of
from unison_storage_conformance.profiles import PROFILES
from unison_storage_conformance.run import Run
from unison_storage_conformance.verdicts import State, Verdict

SPEC = described("spec('mine', durability=Durability.PROCESS)")
NAMED = """
class Named(ReferenceMemory):
    name = "mine"
    production_ready = True


@hookimpl
def memory_backend(target, context):
    return Named(context.clock)


"""
OPENS = """
import tempfile


class Opens(ReferenceMemory):
    name = "mine"
    production_ready = True

    def __init__(self, clock):
        super().__init__(clock)
        tempfile.mkdtemp()


@hookimpl
def memory_backend(target, context):
    return Opens(context.clock)


"""
LOOSE = """
class Loose(Struct):
    def __post_init__(self): pass


class AnyOptions(Struct):
    schema: str = ""
    no_such_option: str = ""


def backend_spec():
    return BackendSpec(
        name="mine", schemes=("mine",), kinds=("memory",), durability=Durability.PROCESS,
        production_ready=True, options=AnyOptions,
    )


"""
MIGRATES = """
from unison_storage.contracts.migrations import SchemaState


class Counts:
    applied = 0

    async def state(self):
        return SchemaState(str(Counts.applied), str(Counts.applied), ())

    async def apply(self):
        Counts.applied += 1
        return await self.state()


@hookimpl
def migrations(target, context):
    return Counts()


"""
BROKEN = {
    "plugin.2": "import sqlite3\n" + NAMED + SPEC,
    "plugin.3": NAMED + described("spec('mine', kinds=('memory', 'music'), durability=Durability.PROCESS)"),
    "plugin.4": SPEC,
    "plugin.5": LOOSE + NAMED + described("backend_spec()"),
    "plugin.6": OPENS + SPEC,
    "plugin.7": MIGRATES + NAMED + SPEC,
}


def verdicts(law: str) -> list[Verdict]:
    run = Run(harness_of("mine://", ["memory"]), PROFILES["quick"])
    try:
        run.open()
        return [run.check(check) for check in run.checks() if check.law == law]
    finally:
        run.close()


@pytest.mark.parametrize("law", BROKEN)
def test_a_plugin_that_breaks_a_law_is_caught_by_it(packages: Packages, law: str) -> None:
    packages.plugin("mine", BROKEN[law])
    found = verdicts(law)
    assert {one.state for one in found} == {State.FAILED}
    assert {one.counterexample.law for one in found if one.counterexample} == {law}


def test_a_plugin_that_keeps_them_is_not_accused(packages: Packages) -> None:
    packages.plugin("mine", NAMED + SPEC)
    for law in ("plugin.1", *BROKEN):
        assert {one.state for one in verdicts(law)} <= {State.PASSED, State.UNVERIFIED}, law
