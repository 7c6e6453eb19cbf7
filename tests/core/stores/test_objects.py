from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from unison_storage import ABSENT, PRESENT
from unison_storage.contracts.memory import Delete
from unison_storage.contracts.objects import Committed, Draft, Flags
from unison_storage.errors import (
    AlreadyExists,
    InvalidLifetime,
    InvalidValue,
    NotFound,
    ObjectMissing,
    Tampered,
    TooLarge,
    Truncated,
    Unavailable,
    Unsupported,
    VersionConflict,
)
from unison_storage.reference.objects import ReferenceBlobs, ReferenceObjectIndex
from unison_storage.storage import Storage
from unison_storage.testing import ManualClock


class Bench:
    """A storage whose backends the test can reach."""

    def __init__(self, *, max_object: int = 1 << 30) -> None:
        self.clock = ManualClock()
        self.blobs: Any = ReferenceBlobs(self.clock)
        self.index: Any = ReferenceObjectIndex(self.clock)
        self.max_object = max_object

    def storage(self) -> Storage:
        return Storage(
            object=self.blobs,
            object_index=self.index,
            profile="test",
            clock=self.clock,
            max_object=self.max_object,
        )

    @property
    def kept(self) -> int:
        return len(self.blobs._blobs)


async def parts(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=3000), st.integers(0, 4000), st.none() | st.integers(0, 4000))
def test_ranges_are_half_open_and_clipped(data: bytes, start: int, end: int | None) -> None:
    async def run() -> None:
        async with Bench().storage() as storage:
            files = storage.objects.at("files")
            info = await files.put("k", data)
            assert (info.size, info.sha256, info.created) == (len(data), sha256(data).hexdigest(), True)
            if end is not None and end < start:
                with pytest.raises(InvalidValue):
                    await files.get("k", start=start, end=end)
                return
            assert await files.get("k", start=start, end=end) == data[start:end]
            async with files.open("k", start=start, end=end) as body:
                assert body.size == len(data[start:end])
                assert b"".join([chunk async for chunk in body]) == data[start:end]

    asyncio.run(run())


def test_every_source_stores_the_same_bytes(tmp_path: Path) -> None:
    data = bytes(range(256)) * 4096
    path = tmp_path / "source"
    path.write_bytes(data)

    async def run() -> None:
        async with Bench().storage() as storage:
            files = storage.objects.at("files")
            with path.open("rb") as file:
                sources: list[Any] = [
                    data,
                    bytearray(data),
                    memoryview(data),
                    path,
                    file,
                    io.BytesIO(data),
                    parts(data[:10], b"", data[10:]),
                ]
                digests = {(await files.put(f"k{n}", source)).sha256 for n, source in enumerate(sources)}
            assert digests == {sha256(data).hexdigest()}
            target = tmp_path / "target"
            await files.download("k3", target)
            assert target.read_bytes() == data
            assert sorted(entry.name for entry in tmp_path.iterdir()) == ["source", "target"]

    asyncio.run(run())


@pytest.mark.parametrize("source", ["text", 5, None, ["a"], io.StringIO("x")], ids=lambda one: type(one).__name__)
def test_what_is_no_bytes_is_refused_and_leaves_nothing(source: Any) -> None:
    async def run() -> None:
        bench = Bench()
        async with bench.storage() as storage:
            with pytest.raises(InvalidValue):
                await storage.objects.at("files").put("k", source)
            assert await storage.objects.at("files").head("k") is None
        assert bench.kept == 0

    asyncio.run(run())


def test_an_upload_that_fails_half_way_leaves_nothing() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    async def run() -> None:
        bench = Bench()
        async with bench.storage() as storage:
            files = storage.objects.at("files")
            old = await files.put("k", b"old")
            with pytest.raises(ConnectionResetError):
                await files.put("k", broken())
            assert await files.head("k") == replace(old, created=False)
            assert await files.get("k") == b"old"
        assert bench.kept == 1
        assert bench.index._states == {}

    asyncio.run(run())


def test_an_upload_that_is_cancelled_leaves_nothing_after_close() -> None:
    async def run() -> None:
        bench = Bench()
        started = asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield b"half"
            started.set()
            await asyncio.Event().wait()

        async with bench.storage() as storage:
            task = asyncio.create_task(storage.objects.at("files").put("k", slow()))
            await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert bench.kept == 0
        assert bench.index._states == {}

    asyncio.run(run())


def test_an_object_over_the_limit_is_stopped_while_it_comes() -> None:
    pulled = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal pulled
        while True:
            pulled += 1
            yield b"x" * 1000

    async def run() -> None:
        bench = Bench(max_object=10_000)
        async with bench.storage() as storage:
            files = storage.objects.at("files")
            with pytest.raises(TooLarge) as raised:
                await files.put("k", endless())
            assert raised.value.limit == 10_000
            assert (await files.put("k", b"x" * 10_000)).size == 10_000
        assert pulled == 11
        assert bench.kept == 1

    asyncio.run(run())


def test_a_digest_that_does_not_match_refuses_the_bytes() -> None:
    async def run() -> None:
        bench = Bench()
        async with bench.storage() as storage:
            files = storage.objects.at("files")
            with pytest.raises(InvalidValue, match="digest"):
                await files.put("k", b"data", sha256=sha256(b"other").digest())
            assert await files.head("k") is None
            await files.put("k", b"data", sha256=sha256(b"data").digest())
        assert bench.kept == 1

    asyncio.run(run())


def test_expectations_decide_before_and_after_the_bytes_are_sent() -> None:
    async def run() -> None:
        bench = Bench()
        async with bench.storage() as storage:
            files = storage.objects.at("files")
            with pytest.raises(NotFound):
                await files.put("k", b"1", expect=PRESENT)
            first = await files.put("k", b"1", expect=ABSENT)
            with pytest.raises(AlreadyExists):
                await files.put("k", b"2", expect=ABSENT)
            with pytest.raises(VersionConflict):
                await files.put("k", b"2", expect="another")

            async def meanwhile() -> AsyncIterator[bytes]:
                await files.put("k", b"faster")
                yield b"2"

            with pytest.raises(VersionConflict):
                await files.put("k", meanwhile(), expect=first.version)
            assert await files.get("k") == b"faster"
            second = await files.put("k", b"3", expect=PRESENT)
            assert (second.id, second.created) == (first.id, False)
            with pytest.raises(VersionConflict):
                await files.delete("k", expect=first.version)
            assert await files.delete("k", expect=second.version)
            assert not await files.delete("k")
        assert bench.kept == 3, "bytes stay until the sweeper's grace is over"

    asyncio.run(run())


def test_bytes_stay_when_the_commit_may_have_taken_effect() -> None:
    class Lossy(ReferenceObjectIndex):
        async def commit(self, draft: Draft) -> Committed:
            await super().commit(draft)
            raise Unavailable("the reply was lost", outcome_unknown=True)

    async def run() -> None:
        bench = Bench()
        bench.index = Lossy(bench.clock)
        async with bench.storage() as storage:
            files = storage.objects.at("files")
            with pytest.raises(Unavailable) as raised:
                await files.put("k", b"data")
            assert raised.value.outcome_unknown
            assert await files.get("k") == b"data"

    asyncio.run(run())


def test_a_commit_that_is_refused_gives_the_bytes_up() -> None:
    class Full(ReferenceObjectIndex):
        async def commit(self, draft: Draft) -> Committed:
            raise Unavailable("full")

    async def run() -> None:
        bench = Bench()
        bench.index = Full(bench.clock)
        async with bench.storage() as storage:
            with pytest.raises(Unavailable):
                await storage.objects.at("files").put("k", b"data")
        assert bench.kept == 0

    asyncio.run(run())


def test_a_backend_that_stores_too_little_is_caught() -> None:
    class Short(ReferenceBlobs):
        async def write(self, id: str, chunks: AsyncIterator[bytes]) -> int:
            return await super().write(id, chunks) - 1

    async def run() -> None:
        bench = Bench()
        bench.blobs = Short(bench.clock)
        async with bench.storage() as storage:
            with pytest.raises(Truncated):
                await storage.objects.at("files").put("k", b"data")
            assert await storage.objects.at("files").head("k") is None

    asyncio.run(run())


def test_bytes_that_changed_or_went_are_never_handed_out_as_whole() -> None:
    async def run() -> None:
        bench = Bench()
        async with bench.storage() as storage:
            files = storage.objects.at("files")
            await files.put("k", b"data")
            (id,) = bench.blobs._blobs
            for stored, error in ((b"dat_", Tampered), (b"dat", Truncated), (b"datas", Tampered)):
                bench.blobs._blobs[id] = (stored, 0)
                if stored == b"datas":
                    assert await files.get("k", start=0, end=2) == b"da"
                    continue
                with pytest.raises(error):
                    await files.get("k")
            del bench.blobs._blobs[id]
            with pytest.raises(ObjectMissing):
                await files.get("k")

    asyncio.run(run())


def test_a_copy_stands_by_itself_and_a_missing_source_is_told() -> None:
    async def run() -> None:
        async with Bench().storage() as storage:
            files, others = storage.objects.at("files"), storage.objects.at("transcripts", "person-1")
            await files.put("k", b"data", content_type="text/plain")
            copy = await files.copy("k", others, "c")
            assert (copy.person, copy.content_type, copy.size) == ("person-1", "text/plain", 4)
            await files.delete("k")
            assert await others.get("c") == b"data"
            with pytest.raises(NotFound):
                await files.copy("k", others, "d")
            with pytest.raises(AlreadyExists):
                await others.copy("c", others, "c", expect=ABSENT)

    asyncio.run(run())


def test_a_lifetime_ends_an_object() -> None:
    async def run() -> None:
        bench = Bench()
        async with bench.storage() as storage:
            files = storage.objects.at("files")
            info = await files.put("k", b"data", lifetime=10)
            assert info.expires_at is not None
            bench.clock.advance(9.999)
            assert await files.exists("k")
            bench.clock.advance(0.001)
            assert await files.get("k") is None
            assert await files.count() == 0
            with pytest.raises(InvalidLifetime):
                await files.put("k", b"data", lifetime=0)
            bench.clock.advance(3601)
            assert (await storage.sweep())["object"] == 1
        assert bench.kept == 0

    asyncio.run(run())


@pytest.mark.parametrize("content_type", ["", "text", "text/plain\r\nx: y", "tëxt/plain", "a/" + "b" * 300, None])
def test_a_content_type_that_could_break_a_header_is_refused(content_type: Any) -> None:
    async def run() -> None:
        async with Bench().storage() as storage:
            with pytest.raises(InvalidValue):
                await storage.objects.at("files").put("k", b"", content_type=content_type)

    asyncio.run(run())


def test_urls_are_refused_where_the_backend_has_none() -> None:
    async def run() -> None:
        async with Bench().storage() as storage:
            files = storage.objects.at("files")
            await files.put("k", b"data")
            with pytest.raises(Unsupported) as raised:
                await files.url("k", lifetime=60)
            assert raised.value.capability == "presign"

    asyncio.run(run())


def test_an_object_is_found_by_its_id_and_only_by_a_real_one() -> None:
    async def run() -> None:
        async with Bench().storage() as storage:
            info = await storage.objects.at("files", "a").put("k", b"data")
            found = await storage.objects.by_id(info.id)
            assert found is not None
            assert (found.keyspace, found.namespace, found.key) == ("files", ("a",), "k")
            for other in ("", "x", "../etc", "0" * 32, info.id.upper() + "\x00"):
                assert await storage.objects.by_id(other) is None

    asyncio.run(run())


def test_many_are_looked_up_and_removed_at_once() -> None:
    async def run() -> None:
        async with Bench().storage() as storage:
            files = storage.objects.at("files")
            for key in "abc":
                await files.put(key, key.encode())
            found = await files.head_many(["a", "x", "c"])
            assert {key: info and info.size for key, info in found.items()} == {"a": 1, "x": None, "c": 1}
            assert await files.delete_many(["a", "x"]) == {"a": True, "x": False}
            assert [key async for key in files.keys()] == ["b", "c"]
            assert await files.delete_prefix() == 2

    asyncio.run(run())


def test_a_delete_that_keeps_failing_does_not_loop_for_ever() -> None:
    class Stuck(ReferenceObjectIndex):
        async def delete_many(self, deletes: Sequence[Delete]) -> Flags:
            return [Unavailable("stuck") for _ in deletes]

    async def run() -> None:
        bench = Bench()
        bench.index = Stuck(bench.clock)
        async with bench.storage() as storage:
            files = storage.objects.at("files")
            await files.put("k", b"data")
            with pytest.raises(Unavailable):
                await files.delete_prefix()

    asyncio.run(run())


def test_erasing_a_person_stops_their_uploads_and_removes_their_bytes() -> None:
    async def run() -> None:
        bench = Bench()
        async with bench.storage() as storage:
            mine, theirs = storage.objects.at("transcripts", "p1"), storage.objects.at("transcripts", "p2")
            await mine.put("a", b"1")
            await mine.put("a", b"2")
            await theirs.put("a", b"3")

            async def erased_meanwhile() -> AsyncIterator[bytes]:
                yield b"half"
                report = await storage.erase("p1")
                assert report.complete
                yield b"rest"

            with pytest.raises(NotFound):
                await mine.put("b", erased_meanwhile())
            assert await mine.count() == 0
            assert await theirs.get("a") == b"3"
        assert bench.kept == 1

    asyncio.run(run())


def test_a_report_tells_what_could_not_be_removed() -> None:
    class Refusing(ReferenceBlobs):
        async def delete_many(self, ids: Sequence[str]) -> list[Any]:
            return [Unavailable("down") for _ in ids]

    async def run() -> None:
        bench = Bench()
        bench.blobs = Refusing(bench.clock)
        async with bench.storage() as storage:
            await storage.objects.at("transcripts", "p1").put("a", b"1")
            report = await storage.erase("p1")
            assert not report.complete
            assert (report.kinds["object"].erased, report.kinds["object"].pending) == (0, 1)

    asyncio.run(run())
