"""Stories of blobs."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from unison_storage.errors import StorageError
from unison_storage.reference.objects import ReferenceBlobs
from unison_storage_conformance.law import machine
from unison_storage_conformance.laws.blobs import content, stream
from unison_storage_conformance.stories import Play, Story, few

spots = st.integers(0, 5)
sizes = st.lists(st.sampled_from([0, 1, 7, 1_000, 300_000]), max_size=4)
edges = st.sampled_from([0, 1, 7, 8, 999, 262_144, 10**7])


@machine("blobs.8")
class BlobStories(RuleBasedStateMachine):
    """Writes, reads, deletes, listings and re-opening, in any order. An id is written once."""

    RULES = ("write", "read", "delete_many", "list")
    REACH = ("read: ObjectMissing",)

    def __init__(self, play: Play) -> None:
        super().__init__()
        self.story = Story(play, ReferenceBlobs)
        self.ground = self.story.ground
        self.ids: list[str] = []
        self.fresh: list[str] = []

    @initialize()
    def names(self) -> None:
        self.ids = self.ground.blobs(6)
        self.fresh = list(self.ids)

    def compare(self, operation: str, found: Any, wanted: Any) -> None:
        # when a blob was written is the backend's to tell, by a clock of its own
        self.story.compare(operation, found, wanted, 0, 60_000_000)

    @rule(spot=spots, lengths=sizes)
    def write(self, spot: int, lengths: list[int]) -> None:
        id = self.ids[spot]
        if id not in self.fresh:
            return
        self.fresh.remove(id)
        chunks = [bytes([spot + place + 1]) * length for place, length in enumerate(lengths)]

        async def both() -> tuple[int, int]:
            backend: Any = self.ground.backend
            return await backend.write(id, stream(chunks)), await self.story.reference.write(id, stream(chunks))

        self.compare("write", *self.story.run(both()))
        self.story.reach("write")

    @rule(spot=spots, start=edges, end=st.none() | edges)
    def read(self, spot: int, start: int, end: int | None) -> None:
        last = None if end is None else max(start, end)

        async def both() -> tuple[Any, Any]:
            backend: Any = self.ground.backend
            return await content(backend, self.ids[spot], start, last), await content(
                self.story.reference, self.ids[spot], start, last
            )

        found, wanted = self.story.run(both())
        self.compare("read", found, wanted)
        self.story.reach("read")
        if isinstance(wanted, StorageError):
            self.story.reach(f"read: {type(wanted).__name__}")

    @rule(batch=few(spots))
    def delete(self, batch: list[int]) -> None:
        self.story.ask("delete_many", [self.ids[spot] for spot in batch])

    @rule(spot=spots, limit=st.integers(1, 6))
    def list(self, spot: int, limit: int) -> None:
        self.listed(self.ids[spot], limit)

    def listed(self, after: str, limit: int) -> None:
        async def both() -> tuple[Any, Any]:
            backend: Any = self.ground.backend
            found = [one for one in await backend.list(after, limit) if one.id in self.ids]
            return found, await self.story.reference.list(after, limit)

        self.compare("list", *self.story.run(both()))
        self.story.reach("list")

    @precondition(lambda self: self.story.reopens)
    @rule()
    def reopen(self) -> None:
        self.story.reopen()

    @invariant()
    def everything_is_as_the_reference_has_it(self) -> None:
        if self.ids:
            self.listed(self.ids[0][:24], 6)
