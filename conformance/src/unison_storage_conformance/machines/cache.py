"""Stories of the cache."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from unison_storage.contracts.cache import Acquire, Fill, Increment, Release, Set, Touch, filling
from unison_storage.reference.cache import ReferenceCache
from unison_storage_conformance.confusable import PAIRS
from unison_storage_conformance.law import machine
from unison_storage_conformance.outcomes import LawBroken
from unison_storage_conformance.stories import Play, Story, few, named_alike

VALUES = (b"", b"0", b"1", b"-7", b"007", b"x\x00y", b"%d" % (2**63 - 1), b"{}" * 3000)

spots = st.integers(0, 5)
values = st.sampled_from(VALUES)
lifetimes = st.sampled_from([1, 2, 3, 8])
owners = st.sampled_from(["o", "O"])
waits = st.sampled_from([0, 0, 0, 0.5, 1, 1, 2])
"""Ticks that pass before a call, so that what has expired is met often."""
leases = st.tuples(spots, st.booleans(), owners, lifetimes)
"""Where a lease is held, whether it is the one for filling, by whom and for how many ticks."""


@machine("cache.17")
class CacheStories(RuleBasedStateMachine):
    """Sets, adds, counters, leases, fills, prefixes, time and re-opening, in any order."""

    RULES = (
        *("get_many", "set_many", "add_many", "delete_many", "touch_many", "increment_many", "fill_many"),
        *("acquire_many", "renew_many", "release_many", "count", "delete_prefix", "time passes"),
    )
    REACH = (
        *("increment_many: InvalidValue", "purge_expired", "add_many: yes", "add_many: no", "fill_many: yes"),
        *("fill_many: no", "acquire_many: yes", "acquire_many: no", "renew_many: yes", "release_many: yes"),
    )

    def __init__(self, play: Play) -> None:
        super().__init__()
        self.story = Story(play, ReferenceCache)
        self.ground = self.story.ground
        self.places: list[str] = []
        self.fences: dict[str, int] = {}

    @initialize(pair=st.sampled_from(PAIRS))
    def names(self, pair: tuple[str, str]) -> None:
        """Choose few addresses: two that could be taken for one, as keys and as segments, and one beside them."""
        places, self.prefixes = named_alike(self.ground, pair)
        self.places = [*places, self.ground.at("n", "z")]

    def length(self, ticks: int) -> int:
        return ticks * self.ground.tick

    def sets(self, batch: list[Any]) -> list[Set]:
        return [Set(self.places[spot], value, self.length(ticks)) for spot, value, ticks in batch]

    def flagged(self, operation: str, items: list[Any]) -> None:
        for flag in self.story.ask(operation, items):
            self.story.reach(f"{operation}: {'yes' if flag else 'no'}")

    @rule(batch=few(spots), wait=waits)
    def get(self, batch: list[int], wait: float) -> None:
        self.story.wait(wait)
        self.story.ask("get_many", [self.places[spot] for spot in batch])

    @rule(batch=few(st.tuples(spots, values, lifetimes)), wait=waits)
    def set(self, batch: list[Any], wait: float) -> None:
        self.story.wait(wait)
        self.story.ask("set_many", self.sets(batch))

    @rule(batch=few(st.tuples(spots, values, lifetimes)), wait=waits)
    def add(self, batch: list[Any], wait: float) -> None:
        self.story.wait(wait)
        self.flagged("add_many", self.sets(batch))

    @rule(batch=few(spots), wait=waits)
    def delete(self, batch: list[int], wait: float) -> None:
        self.story.wait(wait)
        self.story.ask("delete_many", [self.places[spot] for spot in batch])

    @rule(batch=few(st.tuples(spots, lifetimes)), wait=waits)
    def touch(self, batch: list[tuple[int, int]], wait: float) -> None:
        self.story.wait(wait)
        self.story.ask("touch_many", [Touch(self.places[spot], self.length(ticks)) for spot, ticks in batch])

    @rule(batch=few(st.tuples(spots, st.sampled_from([1, -1, 0, 2**63 - 1, -(2**63)]), lifetimes)), wait=waits)
    def increment(self, batch: list[Any], wait: float) -> None:
        self.story.wait(wait)
        items = [Increment(self.places[spot], by, self.length(ticks)) for spot, by, ticks in batch]
        self.story.ask("increment_many", items)

    def acquires(self, batch: list[Any]) -> list[Acquire]:
        return [
            Acquire(filling(self.places[spot]) if fills else self.places[spot], owner, self.length(ticks))
            for spot, fills, owner, ticks in batch
        ]

    @rule(batch=few(leases), wait=waits)
    def acquire(self, batch: list[Any], wait: float) -> None:
        self.story.wait(wait)
        asked, fences = self.acquires(batch), []

        def held(answer: list[Any]) -> list[bool]:
            fences.append(answer)
            return _held(answer)

        held_by_reference = self.story.ask("acquire_many", asked, alter=held)
        # fences may count on from those of any address, so they are compared among themselves alone
        for one, fence, wanted in zip(asked, fences[0], held_by_reference, strict=True):
            self.story.reach(f"acquire_many: {'yes' if wanted else 'no'}")
            if fence is not None and fence < self.fences.get(one.address, 0):
                self.story.fail(LawBroken("a fence is less than one before it", expected=self.fences, found=fence))
            self.fences[one.address] = fence or self.fences.get(one.address, 0)

    @rule(batch=few(leases), wait=waits)
    def renew(self, batch: list[Any], wait: float) -> None:
        self.story.wait(wait)
        self.flagged("renew_many", self.acquires(batch))

    @rule(batch=few(leases), wait=waits)
    def release(self, batch: list[Any], wait: float) -> None:
        self.story.wait(wait)
        self.flagged("release_many", [Release(one.address, one.owner) for one in self.acquires(batch)])

    @rule(spot=spots, value=values, owner=owners, between=st.sampled_from(["", "", "delete", "prefix", "set", "wait"]))
    def fill(self, spot: int, value: bytes, owner: str, between: str) -> None:
        """Do what a store does to fill the cache, and what may happen before it writes."""
        place = self.places[spot]
        [seen] = self.story.ask("get_many", [place])
        self.story.ask("acquire_many", [Acquire(filling(place), owner, self.length(2))], alter=_held)
        if between == "delete":
            self.story.ask("delete_many", [place])
        elif between == "prefix":
            self.story.ask("delete_prefix", self.ground.below("n"))
        elif between == "set":
            self.story.ask("set_many", [Set(place, b"between", self.length(3))])
        elif between == "wait":
            self.story.wait(1)
        self.flagged("fill_many", [Fill(place, value, self.length(3), owner, seen)])

    @rule(prefix=st.integers(0, 3), purge=st.booleans())
    def count(self, prefix: int, purge: bool) -> None:
        if purge:
            self.story.ask("purge_expired", 1_000, alter=lambda _: None)
        self.story.ask("count", self.prefixes[prefix])

    @rule(prefix=st.integers(1, 3))
    def delete_below(self, prefix: int) -> None:
        self.story.ask("delete_prefix", self.prefixes[prefix])

    @precondition(lambda self: self.story.reopens)
    @rule()
    def reopen(self) -> None:
        self.story.reopen()

    @invariant()
    def everything_is_as_the_reference_has_it(self) -> None:
        if self.places:
            self.story.read_back(("get_many", (self.places,)), ("count", (self.ground.root,)))


def _held(answer: list[Any]) -> list[bool]:
    return [fence is not None for fence in answer]
