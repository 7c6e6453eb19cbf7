"""Mutants: deliberately broken backends that prove the suite, and benign variants that it must not accuse.

    @mutant("memory.4", "an overwrite keeps the old lifetime")
    class KeepsLifetime(ReferenceMemory): ...

What each breaks stands in ``mutants``; the variants that break nothing stand in ``mutants.benign``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from unison_storage.contracts.backend import Backend
from unison_storage.contracts.context import Context
from unison_storage_conformance.harness import Harness
from unison_storage_conformance.law import KIND_OF, PART_OF
from unison_storage_conformance.profiles import Profile
from unison_storage_conformance.references import reference
from unison_storage_conformance.run import Run
from unison_storage_conformance.served.harness import ServedHarness
from unison_storage_conformance.verdicts import State, Verdict

F = TypeVar("F", bound=Callable[..., Any])


class Mutant(Struct, frozen=True):
    """One variant of a reference backend. ``law`` is the one that has to catch it; empty for a benign one."""

    law: str
    sentence: str
    contract: str
    make: Callable[..., Backend]
    served: bool = False
    """Whether ``make`` is a client of a server, and takes its address instead of a clock."""

    @property
    def name(self) -> str:
        """The name of its class or function."""
        return self.make.__name__


_mutants: list[Mutant] = []


def mutant(law: str, sentence: str, *, on: str | None = None, served: bool = False) -> Callable[[F], F]:
    """Register a broken backend: a class or a function that takes a clock. ``on`` names the contract it fulfils.

    One that is ``served`` takes the address of a server instead.
    """

    def register(made: F) -> F:
        _mutants.append(Mutant(law, sentence, on or law.partition(".")[0], made, served))
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


class MutantHarness(Harness):
    """A harness for one variant in the process; the other half of objects is the reference."""

    def __init__(self, variant: Mutant) -> None:
        self.variant = variant
        self.part = PART_OF[variant.contract]

    def backend(self, part: str, context: Context) -> Backend | None:
        """See ``Harness``."""
        if part == self.part:
            return self.variant.make(context.clock)
        return reference(part, context.clock)


def harness_of(variant: Mutant) -> Harness:
    """Return a harness for one variant, in the process or before its server."""
    served = ServedHarness({PART_OF[variant.contract]: variant.make})
    made: Harness = served if variant.served else MutantHarness(variant)
    made.kinds = (KIND_OF[variant.contract],)
    # short for what hangs, yet longer than a served client waits by itself; where nothing hangs, a machine that stands
    # still for a moment must accuse nobody, yet one check ends before pytest loses its patience with the whole run
    made.deadline = (2.0 if variant.served else 1.0) if variant.law == "backend.10" else 10.0
    return made


def tried(variant: Mutant, profile: Profile, seed: int = 0, laws: Sequence[str] = ()) -> list[Verdict]:
    """Return what the suite says of a variant: of these laws, or of all that concern its contract."""
    run = Run(harness_of(variant), replace(profile, shrink=False), seed)
    run.open()
    try:
        return [
            run.check(check)
            for check in run.checks()
            if (not laws or check.law in laws)
            and (check.contract in (variant.contract, "objects") or check.face == "store")
        ]
    finally:
        run.close()


def caught(variant: Mutant, verdicts: Sequence[Verdict]) -> bool:
    """Return whether a mutant was caught by the law that has to catch it, by that law's own assertion."""
    return any(
        verdict.state is State.FAILED
        and verdict.counterexample is not None
        and verdict.counterexample.law == variant.law
        and bool(verdict.sentence)
        for verdict in verdicts
    )
