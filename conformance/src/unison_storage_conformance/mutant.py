"""Mutants: deliberately broken backends that prove the suite, and benign variants that it must not accuse.

    @mutant("memory.4", "an overwrite keeps the old lifetime")
    class KeepsLifetime(ReferenceMemory): ...

What each breaks stands in ``mutants``; the variants that break nothing stand in ``mutants.benign``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

from unison_storage.contracts.backend import Backend
from unison_storage.contracts.context import Context
from unison_storage_conformance.harness import Harness
from unison_storage_conformance.law import KIND_OF, PART_OF, Check
from unison_storage_conformance.profiles import Profile
from unison_storage_conformance.references import reference
from unison_storage_conformance.run import Run
from unison_storage_conformance.served.harness import ServedHarness
from unison_storage_conformance.served.server import Server
from unison_storage_conformance.verdicts import Level, State, Verdict

F = TypeVar("F", bound=Callable[..., Any])


class Mutant(Struct, frozen=True):
    """One variant of a reference backend. ``law`` is the one that has to catch it; empty for a benign one."""

    law: str
    sentence: str
    contract: str
    make: Callable[..., Any]
    server: type[Server] | None = None
    """What ``make`` is a client of: it takes an address and a password instead of a clock."""
    level: Level | None = None
    """The level that has to catch it, where only one can be expected to."""

    @property
    def name(self) -> str:
        """The name of its class or function."""
        return self.make.__name__

    def __reduce__(self) -> tuple[Any, ...]:
        # a class that was made by a function can't be found by its name in another process
        return _named, (self.contract, self.name)


_mutants: list[Mutant] = []


def mutant(
    law: str,
    sentence: str,
    *,
    on: str | None = None,
    server: type[Server] | None = None,
    level: Level | None = None,
) -> Callable[[F], F]:
    """Register a broken backend: a class or a function that takes a clock. ``on`` names the contract it fulfils.

    One that is the client of a ``server`` takes its address and a password instead, and one of the coalescer is a lane.
    ``level`` is the one that has to catch it. An attribute ``telemetry`` is set to that of the context.
    """

    def register(made: F) -> F:
        _mutants.append(Mutant(law, sentence, on or law.partition(".")[0], made, server, level))
        return made

    return register


def benign(contract: str, sentence: str) -> Callable[[F], F]:
    """Register a variant that breaks nothing, and that nobody may accuse."""

    def register(made: F) -> F:
        _mutants.append(Mutant("", sentence, contract, made))
        return made

    return register


def mutants() -> Sequence[Mutant]:
    """Return every mutant and every benign variant, in the order of registration."""
    import_module("unison_storage_conformance.mutants")
    return _mutants


def _named(contract: str, name: str) -> Mutant:
    return next(one for one in mutants() if (one.contract, one.name) == (contract, name))


class MutantHarness(Harness):
    """A harness for one variant in the process; the other half of objects is the reference."""

    def __init__(self, variant: Mutant) -> None:
        self.variant = variant
        self.part = PART_OF.get(variant.contract)
        if self.part is None:
            self.lanes = cast("type[Any]", variant.make)

    def backend(self, part: str, context: Context) -> Backend | None:
        """See ``Harness``."""
        if part == self.part:
            made: Backend = self.variant.make(context.clock)
            if hasattr(made, "telemetry"):
                cast("Any", made).telemetry = context.telemetry
            return made
        return reference(part, context.clock)

    def __getstate__(self) -> Any:
        raise TypeError("what a variant keeps is in this process")


class ServedMutantHarness(ServedHarness):
    """A harness for one client of a server; those of the other parts do it right."""

    def __init__(self, variant: Mutant) -> None:
        super().__init__()
        self.variant = variant
        self.servers = variant.server or Server

    def backend(self, part: str, context: Context) -> Any:
        """See ``Harness``."""
        if part == PART_OF[self.variant.contract]:
            return self.variant.make(self.address, self.passwords[0])
        return super().backend(part, context)


def harness_of(variant: Mutant) -> Harness:
    """Return a harness for one variant, in the process or before its server."""
    made: Harness = ServedMutantHarness(variant) if variant.server else MutantHarness(variant)
    made.kinds = (KIND_OF[variant.contract],)
    # short for what hangs, yet longer than a served client waits by itself; where nothing hangs, a machine that stands
    # still for a moment must accuse nobody, yet one check ends before pytest loses its patience with the whole run
    hangs = variant.law == "backend.10" or variant.contract == "coalescer"
    made.deadline = (2.0 if variant.server else 1.0) if hangs else 10.0
    return made


def tried(variant: Mutant, profile: Profile, seed: int = 0, laws: Sequence[str] = ()) -> list[Verdict]:
    """Return what the suite says of a variant: by all laws of its contract, or by these until it is caught."""
    run = Run(harness_of(variant), replace(profile, shrink=False), seed)
    run.open()
    found: list[Verdict] = []
    try:
        for check in run.checks():
            if _concerns(variant, check, laws):
                found.append(run.check(check))
                if laws and caught(variant, found[-1:]):
                    break
    finally:
        run.close()
    return found


def _concerns(variant: Mutant, check: Check, laws: Sequence[str]) -> bool:
    if laws and (check.law not in laws or variant.level not in (None, check.level)):
        return False
    return check.contract in (variant.contract, "objects") or check.face == "store"


def caught(variant: Mutant, verdicts: Sequence[Verdict]) -> bool:
    """Return whether a mutant was caught by the law that has to catch it, by that law's own assertion."""
    return any(
        verdict.state is State.FAILED
        and variant.level in (None, verdict.level)
        and verdict.counterexample is not None
        and verdict.counterexample.law == variant.law
        and bool(verdict.sentence)
        for verdict in verdicts
    )
