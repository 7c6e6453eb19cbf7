"""What is read of a replica is never older than was declared, and whatever is in doubt is read of the primary."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unison_storage.clock import ManualClock
from unison_storage.contracts.memory import Delete, MemoryBackend, Put, Row
from unison_storage.errors import InvalidConfig, SchemaOutOfDate, StorageError, Unavailable
from unison_storage.layers.replica import Pair, reading_from
from unison_storage.reference.memory import ReferenceMemory

STALENESS = 4.0
ADDRESS = "notes\x1fa"


class Log:
    """What a primary has written; a replica has applied it up to some place."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.versions: list[str] = []
        self.applied = 0


class Side(ReferenceMemory):
    """A server with a log; the replica puts what it applies."""

    def __init__(self, log: Log, *, primary: bool) -> None:
        super().__init__(log.clock)
        self.log = log
        self.primary = primary
        self.reads = 0
        self.broken: StorageError | None = None
        self.opens = 0
        self.closes = 0

    async def open(self) -> None:
        self.opens += 1
        self._check()
        await super().open()

    async def close(self) -> None:
        self.closes += 1
        await super().close()

    async def position(self) -> int:
        self._check()
        return len(self.log.versions) if self.primary else self.log.applied

    async def get_many(self, addresses: Any, *touch: Any) -> Any:
        self.reads += 1
        self._check()
        return await super().get_many(addresses, *touch)

    def _check(self) -> None:
        if self.broken is not None:
            raise self.broken.copy()


class Both:
    """A primary and its replica, and what reads of both."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.log = Log(self.clock)
        self.primary, self.replica = Side(self.log, primary=True), Side(self.log, primary=False)
        pair = Pair(self.primary, self.replica, STALENESS)
        self.reading: MemoryBackend = reading_from(self.primary, self.replica, pair, self.clock)

    async def write(self) -> None:
        self.log.versions.append(str(len(self.log.versions) + 1))
        await self.reading.put_many([Put(ADDRESS, b"", self.log.versions[-1], None)])

    async def apply(self, number: int) -> None:
        for version in self.log.versions[self.log.applied : self.log.applied + number]:
            await self.replica.put_many([Put(ADDRESS, b"", version, None)])
            self.log.applied += 1

    async def read(self) -> int:
        [row] = await self.reading.get_many([ADDRESS])
        await turns()
        return int(row.version) if isinstance(row, Row) else 0

    async def pass_(self, seconds: float) -> None:
        self.clock.advance(seconds)


async def turns() -> None:
    """Let what is done beside go on."""
    for _ in range(5):
        await asyncio.sleep(0)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.just(0)),
        st.tuples(st.just("apply"), st.integers(1, 3)),
        st.tuples(st.just("pass"), st.sampled_from([0.1, 0.9, 1.1, 3.0, 5.0])),
        st.tuples(st.just("read"), st.just(0)),
        st.tuples(st.just("break"), st.booleans()),
    ),
    max_size=60,
)


@given(steps)
def test_an_answer_is_never_older_than_declared(steps: list[tuple[str, Any]]) -> None:
    async def test() -> None:
        both = Both()
        await both.reading.open()
        written: list[float] = []  # when each version was acknowledged
        for what, how in steps:
            if what == "write":
                await both.write()
                written.append(both.clock.monotonic())
            elif what == "apply":
                await both.apply(how)
            elif what == "pass":
                await both.pass_(how)
            elif what == "break":
                both.replica.broken = Unavailable("away") if how else None
            else:
                seen = await both.read()
                oldest = both.clock.monotonic() - STALENESS
                assert seen >= sum(at < oldest for at in written)
                assert seen <= len(written)
        await both.reading.close()

    run(test())


def test_a_replica_that_keeps_up_is_read_and_the_primary_is_not() -> None:
    async def test() -> None:
        both = Both()
        await both.reading.open()
        for _ in range(10):
            await both.write()
            await both.apply(1)
            await both.read()
            await both.pass_(1.0)
        assert (both.primary.reads, both.replica.reads) == (0, 10)
        health = await both.reading.health()
        assert "; reads of a replica, " in health.detail
        await both.reading.close()

    run(test())


def test_a_replica_that_does_not_keep_up_is_left_until_it_does() -> None:
    async def test() -> None:
        both = Both()
        await both.reading.open()
        for _ in range(10):
            await both.write()
            await both.pass_(1.0)
            await both.read()
        assert both.primary.reads >= 5
        assert (await both.reading.health()).detail.endswith("; no reads of the replica: too old")
        await both.apply(10)
        await both.pass_(1.0)
        await both.read()  # asks
        before = both.primary.reads
        await both.pass_(0.5)
        assert await both.read() == 10
        assert both.primary.reads == before
        await both.reading.close()

    run(test())


def test_writes_and_reads_that_write_go_to_the_primary() -> None:
    async def test() -> None:
        both = Both()
        await both.reading.open()
        await both.write()
        await both.apply(1)
        [row] = await both.reading.get_many([ADDRESS], 1_000_000)
        assert isinstance(row, Row)
        assert row.expires is not None
        assert (both.primary.reads, both.replica.reads) == (1, 0)
        assert await both.reading.count("") == 1
        assert len(await both.reading.list("", "", 10, values=True)) == 1
        assert await both.reading.delete_many([Delete(ADDRESS)]) == [True]
        await both.reading.close()

    run(test())


def test_what_the_replica_refuses_is_answered_by_the_primary_and_it_is_left_alone() -> None:
    async def test() -> None:
        both = Both()
        await both.reading.open()
        await both.write()
        both.replica.broken = Unavailable("away")
        assert await both.read() == 1
        assert await both.read() == 1
        assert (both.primary.reads, both.replica.reads) == (2, 1)
        both.replica.broken = None
        await both.apply(1)
        await both.pass_(2.0)
        await both.read()
        assert await both.read() == 1
        assert both.replica.reads == 2
        await both.reading.close()

    run(test())


@pytest.mark.parametrize("error", [Unavailable("away"), SchemaOutOfDate("behind")])
def test_a_replica_that_is_away_keeps_nobody_from_starting_and_comes_in_later(error: StorageError) -> None:
    async def test() -> None:
        both = Both()
        both.replica.broken = error
        await both.reading.open()
        await both.write()
        assert await both.read() == 1
        both.replica.broken = None
        await both.apply(1)
        await both.pass_(2.0)
        await both.read()
        assert await both.read() == 1
        assert both.replica.reads == 1
        await both.reading.close()

    run(test())


def test_a_wrong_setting_of_the_replica_is_told_and_leaves_nothing_open() -> None:
    async def test() -> None:
        both = Both()
        both.replica.broken = InvalidConfig("the server refuses the user")
        with pytest.raises(InvalidConfig, match="refuses the user"):
            await both.reading.open()
        assert (both.primary.opens, both.primary.closes, both.replica.closes) == (1, 1, 1)

    run(test())
