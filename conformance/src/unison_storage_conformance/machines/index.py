"""Stories of the object index."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from unison_storage.contracts.memory import Delete
from unison_storage.contracts.objects import Draft
from unison_storage.reference.objects import ReferenceObjectIndex
from unison_storage.values import ABSENT, ANY, PRESENT
from unison_storage_conformance.confusable import PAIRS
from unison_storage_conformance.law import machine
from unison_storage_conformance.laws.index_rows import ALL
from unison_storage_conformance.stories import Play, Story, few, named_alike

spots = st.integers(0, 4)
blobs = st.integers(0, 7)
persons = st.sampled_from([0, 0, 1, 1, 2])
lifetimes = st.sampled_from([None, None, 1, 2, 3])
waits = st.sampled_from([0, 0, 0, 0.5, 1, 1, 2])
expectations = st.sampled_from(["any", "any", "any", "absent", "present", "current", "old"])


@machine("index.12")
class IndexStories(RuleBasedStateMachine):
    """Begins, commits, deletes, upkeep, persons, time and re-opening, in any order."""

    RULES = (
        "begin",
        "commit",
        "get_many",
        "by_id",
        "delete_many",
        "list",
        "count",
        "unwanted",
        "forget",
        "known",
        "owned",
    )
    REACH = (
        *("erase", "commit: AlreadyExists", "commit: NotFound", "commit: VersionConflict", "commit: InvalidValue"),
        *("delete_many: VersionConflict", "time passes"),
    )

    def __init__(self, play: Play) -> None:
        super().__init__()
        self.story = Story(play, ReferenceObjectIndex)
        self.ground = self.story.ground
        self.places: list[str] = []
        self.blobs: list[str] = []
        self.mortal: set[str] = set()
        self.ids: list[str] = []
        self.versions = ["none"]

    @initialize(pair=st.sampled_from(PAIRS), there=st.lists(st.tuples(spots, persons, lifetimes), max_size=5))
    def names(self, pair: tuple[str, str], there: list[Any]) -> None:
        """Choose few addresses, two that could be taken for one as keys and as segments, few blobs and some objects."""
        self.places, self.prefixes = named_alike(self.ground, pair)
        self.blobs = self.ground.blobs(8)
        for spot, person, ticks in there:
            self.upload(spot, person, ticks, "any", 0)

    def expected(self, place: str, word: str) -> Any:
        row = self.story.reference._rows.get(place)
        current = row.version if row else "none"
        return {"any": ANY, "absent": ABSENT, "present": PRESENT, "current": current, "old": self.versions[0]}[word]

    @rule(blob=blobs, person=persons, wait=waits)
    def begin(self, blob: int, person: int, wait: float) -> None:
        self.story.wait(wait)
        self.story.ask("begin", self.blobs[blob], self.story.person(person))

    @rule(spot=spots, person=persons, ticks=lifetimes, word=expectations, wait=waits)
    def upload(self, spot: int, person: int, ticks: int | None, word: str, wait: float) -> None:
        """Do what a store does, with a blob of its own."""
        self.blobs = [*self.blobs[1:], self.ground.blob()]
        self.story.ask("begin", self.blobs[-1], self.story.person(person))
        self.commit(spot, -1, person, ticks, word, wait)

    @rule(spot=spots, blob=blobs, person=persons, ticks=lifetimes, word=expectations, wait=waits)
    def commit(self, spot: int, blob: int, person: int, ticks: int | None, word: str, wait: float) -> None:
        self.story.wait(wait)
        place = self.places[spot]
        self.ids.append(self.ground.blob())
        self.versions.append(self.ground.mint())
        lifetime = self.story.length(ticks)
        if lifetime is not None:
            self.mortal.add(self.blobs[blob])
        made = Draft(place, self.ids[-1], self.blobs[blob], self.versions[-1], len(self.ids), "0" * 64, "a/b", lifetime)
        expect = self.expected(place, word)
        self.story.ask("commit", replace(made, person=self.story.person(person), expect=expect))

    @rule(batch=few(spots), wait=waits)
    def get(self, batch: list[int], wait: float) -> None:
        self.story.wait(wait)
        self.story.ask("get_many", [self.places[spot] for spot in batch])
        self.story.ask("by_id", self.ids[-3:])

    @rule(batch=few(st.tuples(spots, st.sampled_from(["any", "any", "current", "old"]))), wait=waits)
    def delete(self, batch: list[tuple[int, str]], wait: float) -> None:
        self.story.wait(wait)
        deletes = [Delete(self.places[spot], self.expected(self.places[spot], word)) for spot, word in batch]
        self.story.ask("delete_many", deletes)

    @rule(prefix=st.integers(0, 3), spot=spots | st.none(), limit=st.integers(1, 3))
    def page(self, prefix: int, spot: int | None, limit: int) -> None:
        self.story.ask("list", self.prefixes[prefix], "" if spot is None else self.places[spot], limit)
        self.story.ask("count", self.prefixes[prefix])

    @precondition(lambda self: not self.ground.slack)
    @rule(ago=st.sampled_from([0, 1, 2]), stale=st.sampled_from([None, None, 1, 3]))
    def upkeep(self, ago: int, stale: int | None) -> None:
        now = self.story.clock.now() + 1
        older = 0 if stale is None else now - stale * self.ground.tick
        self.story.ask("unwanted", now - ago * self.ground.tick, older, ALL, alter=self.lasting if ago else self.mine)

    @rule(batch=few(blobs))
    def forget(self, batch: list[int]) -> None:
        # whether a blob is unwanted as soon as its object has expired, or once somebody asks, is open
        self.story.ask("unwanted", self.story.clock.now() + 1, 0, 1, alter=lambda _: None)
        asked = list(dict.fromkeys(self.blobs[blob] for blob in batch))
        self.story.ask("forget", asked)
        self.story.ask("known", self.blobs, alter=self.mine)

    @rule(person=st.integers(1, 2), erase=st.booleans())
    def own(self, person: int, erase: bool) -> None:
        self.story.ask("owned", self.ground.person(person))
        if erase:
            self.story.ask("erase", self.ground.person(person), alter=self.mine)

    def mine(self, answer: list[str]) -> list[str]:
        return sorted(set(answer) & set(self.blobs))

    def lasting(self, answer: list[str]) -> list[str]:
        """Leave out what may have expired: whether it is unwanted since then or since it was removed is open."""
        return sorted(set(self.mine(answer)) - self.mortal)

    @precondition(lambda self: self.story.reopens)
    @rule()
    def reopen(self) -> None:
        self.story.reopen()

    @invariant()
    def everything_is_as_the_reference_has_it(self) -> None:
        if self.places:
            self.story.read_back(("get_many", (self.places,)), ("list", (self.ground.root, "", 100)))
