"""Stories of memory."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from unison_storage.contracts.memory import Delete, Increment, Put, Touch
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.values import ABSENT, ANY, KEEP, MISSING, PRESENT
from unison_storage_conformance.confusable import PAIRS
from unison_storage_conformance.law import machine
from unison_storage_conformance.stories import Play, Story, few, named_alike

VALUES = (b"", b"1", b"-7", b"007", b"x\x00y", b"%d" % (2**63 - 1), b"{}" * 3000, b"ab")
TICKS = (None, 1, 2, 3, 8)

spots = st.integers(0, 5)
waits = st.sampled_from([0, 0, 0, 0.5, 1, 1, 2])
"""Ticks that pass before a call, so that what has expired is met often."""
lifetimes = st.sampled_from(TICKS)
persons = st.sampled_from([0, 0, 0, 1, 2])
expectations = st.sampled_from(["any", "any", "any", "absent", "present", "current", "current", "old", "never"])


@machine("memory.18")
class MemoryStories(RuleBasedStateMachine):
    """Puts, gets, deletes, touches, increments, prefixes, persons, time and re-opening, in any order."""

    RULES = (
        *("put_many", "get_many", "delete_many", "touch_many", "increment_many", "list", "count", "delete_prefix"),
        *("erase", "owned", "purge_expired", "time passes"),
    )
    REACH = (
        *("put_many: AlreadyExists", "put_many: VersionConflict", "put_many: NotFound", "put_many: InvalidValue"),
        *("increment_many: InvalidValue", "delete_many: VersionConflict", "over an expired entry", "over an entry"),
    )

    def __init__(self, play: Play) -> None:
        super().__init__()
        self.story = Story(play, ReferenceMemory)
        self.ground = self.story.ground
        self.versions: list[str] = []
        self.places: list[str] = []

    @initialize(pair=st.sampled_from(PAIRS))
    def names(self, pair: tuple[str, str]) -> None:
        """Choose few addresses: two that could be taken for one, as keys and as segments, and one beside them."""
        places, self.prefixes = named_alike(self.ground, pair)
        self.places = [*places, self.ground.at("n", "z")]

    def expected(self, place: str, word: str) -> Any:
        row = self.story.reference._rows.get(place)
        current = row.version if row else "none"
        old = next((version for version in reversed(self.versions) if version != current), "none at all")
        return {"any": ANY, "absent": ABSENT, "present": PRESENT, "current": current, "old": old, "never": "never"}[
            word
        ]

    def minted(self) -> str:
        self.versions.append(self.ground.mint())
        return self.versions[-1]

    def met(self, place: str) -> None:
        row = self.story.reference._rows.get(place)
        if row is not None:
            gone = row.expires is not None and row.expires <= self.story.clock.now()
            self.story.reach("over an expired entry" if gone else "over an entry")

    @rule(
        batch=few(
            st.tuples(spots, st.sampled_from(VALUES), lifetimes | st.just("keep"), lifetimes, expectations, persons)
        ),
        wait=waits,
    )
    def put(self, batch: list[Any], wait: float) -> None:
        self.story.wait(wait)
        puts = []
        for spot, value, ticks, default, word, person in batch:
            place = self.places[spot]
            self.met(place)
            lifetime = KEEP if ticks == "keep" else self.story.length(ticks)
            puts.append(
                Put(
                    place,
                    value,
                    self.minted(),
                    lifetime,
                    default=self.story.length(default),
                    expect=self.expected(place, word),
                    person=self.story.person(person),
                )
            )
        self.story.ask("put_many", puts)

    @rule(batch=few(spots), touch=st.just(MISSING) | lifetimes, wait=waits)
    def get(self, batch: list[int], touch: Any, wait: float) -> None:
        self.story.wait(wait)
        places = [self.places[spot] for spot in batch]
        if touch is MISSING:
            self.story.ask("get_many", places)
        else:
            self.story.ask("get_many", places, self.story.length(touch))

    @rule(batch=few(st.tuples(spots, st.sampled_from(["any", "any", "current", "old"]))), wait=waits)
    def delete(self, batch: list[tuple[int, str]], wait: float) -> None:
        self.story.wait(wait)
        places = [(self.places[spot], word) for spot, word in batch]
        self.story.ask("delete_many", [Delete(place, self.expected(place, word)) for place, word in places])

    @rule(batch=few(st.tuples(spots, lifetimes)), wait=waits)
    def touch(self, batch: list[tuple[int, int | None]], wait: float) -> None:
        self.story.wait(wait)
        self.story.ask("touch_many", [Touch(self.places[spot], self.story.length(ticks)) for spot, ticks in batch])

    @rule(
        batch=few(st.tuples(spots, st.sampled_from([1, -1, 0, 2**63 - 1, -(2**63)]), lifetimes, persons)),
        wait=waits,
    )
    def increment(self, batch: list[Any], wait: float) -> None:
        self.story.wait(wait)
        self.story.ask(
            "increment_many",
            [
                Increment(self.places[spot], by, self.minted(), self.story.length(ticks), self.story.person(person))
                for spot, by, ticks, person in batch
            ],
        )

    @rule(prefix=st.integers(0, 3), spot=spots | st.none(), limit=st.integers(1, 4), values=st.booleans())
    def page(self, prefix: int, spot: int | None, limit: int, values: bool) -> None:
        after = "" if spot is None else self.places[spot]
        self.story.ask("list", self.prefixes[prefix], after, limit, values=values)
        self.story.ask("count", self.prefixes[prefix])

    @rule(prefix=st.integers(1, 3))
    def delete_below(self, prefix: int) -> None:
        self.story.ask("delete_prefix", self.prefixes[prefix])

    @rule(person=st.integers(1, 2), purge=st.booleans())
    def erase(self, person: int, purge: bool) -> None:
        if purge:
            self.story.ask("purge_expired", 1_000, alter=lambda _: None)
        self.story.ask("owned", self.ground.person(person))
        self.story.ask("erase", self.ground.person(person))

    @precondition(lambda self: self.story.reopens)
    @rule()
    def reopen(self) -> None:
        self.story.reopen()

    @invariant()
    def everything_is_as_the_reference_has_it(self) -> None:
        if self.places:
            self.story.read_back(("get_many", (self.places,)), ("list", (self.ground.root, "", 100), {"values": True}))
