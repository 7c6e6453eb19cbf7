from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.plugins.sqlite.surroundings import (
    START,
    HandClock,
    context,
    error_of,
    file_at,
    kinds,
    migrated,
    template,
    unsynced,
)
from unison_storage import addresses
from unison_storage.contracts.memory import Delete
from unison_storage.contracts.objects import Committed, Draft, ObjectRow
from unison_storage.errors import NotFound, StorageError
from unison_storage.reference.objects import ReferenceObjectIndex
from unison_storage.values import ABSENT, ANY, PRESENT
from unison_storage_sqlite.objects import SqliteObjectIndex

PREFIXES = [addresses.prefix("k", namespace) for namespace in ((), ("a",), ("a", "b"), ("ab",), ("%",))]
KEYS = ["a", "A", "%", "_", "\u00e4", "a\u0308", "\ufffd", "\U00010000"]

prefixes = st.sampled_from(PREFIXES)
# most go to few addresses, since what went before has to be met again
places = st.sampled_from(["k\x1fa", "k\x1fa\x1fa"]) | st.builds(str.__add__, prefixes, st.sampled_from(KEYS))
persons = st.sampled_from([None, "p", "P"])
expectations = st.just(ANY) | st.sampled_from([ABSENT, PRESENT, "v1", "v2", "v3"])


async def opened(path: Path, clock: HandClock) -> SqliteObjectIndex:
    index = SqliteObjectIndex(await migrated(path), context(clock))
    await index.open()
    return index


def draft(address: str, blob: str, **more: Any) -> Draft:
    return Draft(
        address, f"o{blob}", blob, more.pop("version", "v1"), 3, "00", "text/plain", **{"lifetime": None, **more}
    )


class AgainstTheReference(RuleBasedStateMachine):
    """Whatever is done, SQLite answers what the reference answers."""

    @initialize()
    def open(self) -> None:
        self.clock = HandClock()
        self.reference = ReferenceObjectIndex(self.clock)
        self.folder = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        (self.folder / "x.db").write_bytes(template())
        self.index = SqliteObjectIndex(file_at(self.folder / "x.db"), context(self.clock))
        self.runner.run(self.index.open())
        self.runner.run(self.index._session.one(unsynced, None))
        self.blobs: list[str] = []

    def teardown(self) -> None:
        self.runner.run(self.index.close())
        self.runner.close()
        shutil.rmtree(self.folder)

    def outcome(self, call: Coroutine[Any, Any, Any]) -> Any:
        try:
            found = self.runner.run(call)
        except StorageError as error:
            return type(error)
        return kinds(found) if isinstance(found, list) else found

    def same(self, ours: Coroutine[Any, Any, Any], theirs: Coroutine[Any, Any, Any]) -> Any:
        found, wanted = self.outcome(ours), self.outcome(theirs)
        assert found == wanted
        return found

    def same_set(self, ours: Coroutine[Any, Any, Any], theirs: Coroutine[Any, Any, Any]) -> None:
        assert sorted(self.outcome(ours)) == sorted(self.outcome(theirs))

    @rule(by=st.integers(0, 3))
    def time_passes(self, by: int) -> None:
        self.clock.at += by

    @rule(person=persons)
    def begin(self, person: str | None) -> None:
        blob = f"{len(self.blobs):032x}"
        self.blobs.append(blob)
        self.same(self.index.begin(blob, person), self.reference.begin(blob, person))

    @precondition(lambda self: self.blobs)
    @rule(
        data=st.data(),
        address=places,
        version=st.sampled_from(["v1", "v2", "v3"]),
        lifetime=st.none() | st.integers(1, 4),
        person=persons,
        expect=expectations,
    )
    def commit(self, data: st.DataObject, address: str, **more: Any) -> None:
        blob = data.draw(st.sampled_from(self.blobs))
        wanted = draft(address, blob, **more)
        self.same(self.index.commit(wanted), self.reference.commit(wanted))

    @rule(batch=st.lists(places, max_size=3))
    def get(self, batch: list[str]) -> None:
        self.same(self.index.get_many(batch), self.reference.get_many(batch))

    @rule(data=st.data())
    def by_id(self, data: st.DataObject) -> None:
        ids = data.draw(st.lists(st.sampled_from([f"o{blob}" for blob in self.blobs] or ["o"]), max_size=3))
        self.same(self.index.by_id(ids), self.reference.by_id(ids))

    @rule(batch=st.lists(st.builds(Delete, places, st.sampled_from([ANY, "v1", "v2"])), max_size=3))
    def delete(self, batch: list[Delete]) -> None:
        self.same(self.index.delete_many(batch), self.reference.delete_many(batch))

    @rule(before=st.integers(-2, 5), stale=st.integers(-2, 5))
    def unwanted(self, before: int, stale: int) -> None:
        times = self.clock.at - before, self.clock.at - stale
        self.same_set(self.index.unwanted(*times, 1000), self.reference.unwanted(*times, 1000))

    @rule(data=st.data())
    def known_and_forget(self, data: st.DataObject) -> None:
        blobs = data.draw(st.lists(st.sampled_from([*self.blobs, "none"]), max_size=4, unique=True))
        self.same(self.index.known(blobs), self.reference.known(blobs))
        self.same(self.index.forget(blobs), self.reference.forget(blobs))

    @rule(person=persons.filter(bool))
    def erase(self, person: str) -> None:
        self.same(self.index.owned(person), self.reference.owned(person))
        self.same_set(self.index.erase(person), self.reference.erase(person))

    @rule(prefix=prefixes, after=st.just("") | places, limit=st.integers(1, 4))
    def list(self, prefix: str, after: str, limit: int) -> None:
        self.same(self.index.list(prefix, after, limit), self.reference.list(prefix, after, limit))
        self.same(self.index.count(prefix), self.reference.count(prefix))

    @invariant()
    def the_same_is_there(self) -> None:
        self.same(self.index.list("k\x1f", "", 1000), self.reference.list("k\x1f", "", 1000))
        self.same(self.index.known(self.blobs), self.reference.known(self.blobs))


AgainstTheReference.TestCase.settings = settings(
    max_examples=150, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestAgainstTheReference = AgainstTheReference.TestCase


def test_each_blob_of_an_overwritten_object_becomes_unwanted_once(tmp_path: Path) -> None:
    async def story() -> None:
        clock = HandClock()
        index = await opened(tmp_path / "x.db", clock)
        for number in range(3):
            await index.begin(str(number), None)
            committed = await index.commit(draft("k\x1fa", str(number), version=f"v{number}"))
            assert committed.fresh is (number == 0)
            assert committed.row.id == "o0"
            clock.at += 1
        assert await index.unwanted(START + 2, 0, 10) == ["0"]
        assert await index.unwanted(START + 9, 0, 10) == ["0", "1"]
        assert await index.unwanted(START + 9, START + 9, 1) == ["0"]
        assert await index.forget(["0", "1", "2"]) == 2
        assert await index.known(["2", "1"]) == ["2"]
        await index.close()

    asyncio.run(story())


def test_an_expired_object_is_invisible_until_it_is_swept(tmp_path: Path) -> None:
    async def story() -> None:
        clock = HandClock()
        index = await opened(tmp_path / "x.db", clock)
        await index.begin("1", None)
        await index.commit(draft("k\x1fa", "1", lifetime=5))
        clock.at += 5
        assert await index.get_many(["k\x1fa"]) == [None]
        assert await index.by_id(["o1"]) == [None]
        assert await index.list("k\x1f", "", 9) == []
        assert await index.count("k\x1f") == 0
        assert await index.forget(["1"]) == 0
        assert await index.unwanted(START + 5, 0, 9) == []
        assert await index.unwanted(START + 6, 0, 9) == ["1"]
        await index.close()

    asyncio.run(story())


def test_of_many_commits_that_expect_nothing_one_wins(tmp_path: Path) -> None:
    async def story() -> None:
        index = await opened(tmp_path / "x.db", HandClock())

        async def store(number: int) -> Committed:
            await index.begin(str(number), None)
            return await index.commit(draft("k\x1fa", str(number), version=f"v{number}", expect=ABSENT))

        found = await asyncio.gather(*map(store, range(30)), return_exceptions=True)
        [winner] = [one for one in found if isinstance(one, Committed)]
        [row] = await index.get_many(["k\x1fa"])
        assert row == winner.row
        assert len(await index.unwanted(0, START + 1, 100)) == 29  # the losers' blobs are pending
        await index.close()

    asyncio.run(story())


def test_a_blob_that_was_begun_stays_whose_and_as_old_as_it_was(tmp_path: Path) -> None:
    async def story() -> None:
        clock = HandClock()
        index = await opened(tmp_path / "x.db", clock)
        await index.begin("1", "p")
        began = clock.at
        clock.at += 5
        await index.begin("1", "q")
        assert (await index.owned("p"), await index.owned("q")) == (1, 0)
        assert await index.unwanted(0, began + 1, 10) == ["1"]
        await index.close()

    asyncio.run(story())


def test_beginning_again_is_harmless_and_a_commit_without_it_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        index = await opened(tmp_path / "x.db", HandClock())
        await index.begin("1", "p")
        await index.begin("1", "p")
        committed = await index.commit(draft("k\x1fa", "1", person="p"))
        await index.begin("1", "p")
        assert await index.unwanted(START + 9, START + 9, 10) == []
        [row] = await index.by_id(["o1"])
        assert row == committed.row
        assert isinstance(row, ObjectRow)
        try:
            await index.commit(draft("k\x1fb", "1"))
        finally:
            await index.close()

    assert isinstance(error_of(story()), NotFound)
