"""Stories: how a state machine of Hypothesis asks the backend and the reference the same, and compares every answer.

Which calls a story is made of stands in ``machines``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import get_state_machine_test
from hypothesis.strategies import SearchStrategy, lists

from unison_storage.clock import ManualClock
from unison_storage.contracts.backend import Backend
from unison_storage.errors import StorageError
from unison_storage_conformance.ageing import MICRO
from unison_storage_conformance.ground import Ground
from unison_storage_conformance.law import Check
from unison_storage_conformance.outcomes import LawBroken, alike, broken
from unison_storage_conformance.profiles import Profile
from unison_storage_conformance.target import survives
from unison_storage_conformance.watch import Step

T = TypeVar("T")

SUPPRESSED: Final = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)

ROUNDS: Final = 4
"""How often stories are played anew where something was missed."""

ENOUGH: Final = 100
"""Stories that have to come to everything in a machine's ``REACH``; fewer have to come to its ``RULES`` alone."""


class Play:
    """All stories of one machine in one run. ``reached`` counts what happened in them."""

    def __init__(
        self, check: Check, ground: Ground[Any], profile: Profile, seed: int, run: Callable[[Any], Any]
    ) -> None:
        self.check = check
        self.ground = ground
        self.profile = profile
        self.seed = seed
        self.run = run
        self.reached: Counter[str] = Counter()
        self.shortest: Ground[Any] | None = None
        self.error: LawBroken | None = None

    def failed(self, ground: Ground[Any], error: LawBroken) -> None:
        """Keep the shortest story that broke a law: a failure counts, even if it does not come again."""
        if self.shortest is None or len(ground.steps) <= len(self.shortest.steps):
            self.shortest, self.error = ground, error


class Story:
    """One example: the backend and an empty reference on the same ground, asked the same."""

    def __init__(self, play: Play, reference: Callable[[ManualClock], Backend]) -> None:
        self.play = play
        self.ground = play.ground.anew()
        self.reopens = survives(self.ground.site.backend)
        self.clock = ManualClock(self.run(self.ground.now()) / MICRO)
        self.reference: Any = reference(self.clock)
        self._behind = 0

    def run(self, work: Any) -> Any:
        """Run a coroutine on the loop of the run."""
        return self.play.run(work)

    def ask(self, operation: str, *given: Any, alter: Callable[[Any], Any] | None = None, **named: Any) -> Any:
        """Ask both and return what the reference answers; the law is broken where the backend answers otherwise.

        ``alter`` takes away from an answer what may differ.
        """
        found, wanted, ahead = self.run(self._both(operation, given, named))
        if alter is not None and not isinstance(found, StorageError):
            found, wanted = alter(found), alter(wanted)
        self.compare(operation, found, wanted, ahead, self.ground.slack)
        self.reach(operation)
        for one in wanted if isinstance(wanted, list) else [wanted]:
            if isinstance(one, StorageError):
                self.reach(f"{operation}: {type(one).__name__}")
        return wanted

    def compare(self, operation: str, found: Any, wanted: Any, ahead: int, slack: int) -> None:
        """Say that the law is broken unless both have answered the same; times as in ``alike``."""
        if not alike(found, wanted, ahead, slack):
            self.fail(LawBroken(f"{operation} answers otherwise than the reference", expected=wanted, found=found))

    def read_back(self, *calls: Any) -> None:
        """Compare what is there after a step; these calls are not part of the story."""
        for operation, given, *named in calls:
            kept = len(self.ground.steps)
            found, wanted, ahead = self.run(self._both(operation, given, named[0] if named else {}))
            self.compare(f"after that, {operation}", found, wanted, ahead, self.ground.slack)
            while len(self.ground.steps) > kept:
                self.ground.steps.pop()

    async def _both(self, operation: str, given: Sequence[Any], named: dict[str, Any]) -> tuple[Any, Any, int]:
        backend: Any = self.ground.backend
        if self.ground.slack:
            self.clock.advance((await backend.now() + self._behind - self.clock.now()) / MICRO)
        try:
            found = await getattr(backend, operation)(*given, **named)
        except StorageError as error:
            found = error
        except LawBroken as error:
            self.play.failed(self.ground, error)
            raise
        try:
            wanted = await getattr(self.reference, operation)(*given, **named)
        except StorageError as error:
            wanted = error
        return found, wanted, -self._behind

    def wait(self, ticks: float) -> None:
        """Let time pass for both; 0 ticks are none."""
        if not ticks:
            return
        self.reach("time passes")

        async def passing() -> None:
            before = await self.ground.backend.now()
            started = self.clock.now()
            await self.ground.pass_time(ticks)
            passed = round(ticks * self.ground.tick) + (self.ground.slack if ticks >= 1 else 0)
            self.clock.advance((started + passed - self.clock.now()) / MICRO)
            self._behind += passed - (await self.ground.backend.now() - before)

        self.run(passing())
        self.ground.steps.append(Step("pass_time", (ticks,), {}, None))

    def reopen(self) -> None:
        """Close the backend and open it anew; the reference goes on as it is."""
        self.reach("reopen")
        self.run(self.ground.reopen())
        self.ground.steps.append(Step("reopen", (), {}, None))

    def person(self, number: int) -> str | None:
        """Return a person by number; 0 is nobody."""
        return self.ground.person(number) if number else None

    def length(self, ticks: int | None) -> int | None:
        """Return so many ticks in microseconds; ``None`` is for ever."""
        return None if ticks is None else ticks * self.ground.tick

    def reach(self, what: str) -> None:
        """Count that something happened."""
        self.play.reached[what] += 1

    def fail(self, error: LawBroken) -> None:
        """Say that the law is broken by this story."""
        self.play.failed(self.ground, error)
        raise error


def named_alike(ground: Ground[Any], pair: tuple[str, str]) -> tuple[list[str], list[str]]:
    """Return few addresses, two that could be taken for one as keys and as segments and one beside; and prefixes."""
    below = ground.below("n")
    places = [ground.at("n", name) for name in pair] + [ground.at("n", name, "k") for name in pair] + [ground.at("k")]
    return places, [ground.root, below, *(ground.below("n", name) for name in pair)]


def few(items: SearchStrategy[T]) -> SearchStrategy[list[T]]:
    """Return a strategy for a batch: few items, since most of what goes wrong in a batch does so between two."""
    return lists(items, min_size=1, max_size=4)


def play(all_of_it: Play) -> None:
    """Play the stories of a machine; ``LawBroken`` with the shortest one where an answer was wrong.

    Stories are drawn, so that a few of them may miss something; then as many others are played, a few times over.
    """
    machine: Any = all_of_it.check.call
    wanted = machine.RULES if all_of_it.profile.examples < ENOUGH else (*machine.RULES, *machine.REACH)
    missed: list[str] = []
    for round_ in range(ROUNDS):
        _play(all_of_it, machine, all_of_it.seed + round_ * 1_000_003)
        missed = [what for what in wanted if not all_of_it.reached[what]]
        if not missed:
            return
    broken(f"the machine never came to: {', '.join(missed)}")


def _play(all_of_it: Play, machine: Any, number: int) -> None:
    fixed = all_of_it.profile.fixed and not number
    made: Any = lambda: machine(all_of_it)  # noqa: E731 - hypothesis takes whatever makes a machine
    test = get_state_machine_test(made, settings=_settings(all_of_it.profile, fixed=fixed))
    if number:
        test = seed(number)(test)
    try:
        test()
    except (LawBroken, Flaky, BaseExceptionGroup):
        if all_of_it.error is None:
            raise
        raise all_of_it.error from None


def _settings(profile: Profile, *, fixed: bool) -> settings:
    return settings(
        max_examples=profile.examples,
        stateful_step_count=profile.steps,
        deadline=None,
        database=None,
        derandomize=fixed,
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=SUPPRESSED,
        phases=(Phase.generate, Phase.shrink) if profile.shrink else (Phase.generate,),
    )
