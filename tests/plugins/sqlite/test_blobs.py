from __future__ import annotations

import asyncio
import os
import random
import shutil
import stat
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.sqlite.surroundings import START, HandClock, context, error_of, file_at, output_of, python
from unison_storage.capabilities import Capability
from unison_storage.contracts.objects import Blob, Blobs
from unison_storage.errors import Closed, InvalidConfig, InvalidKey, NotOpen, ObjectMissing, StorageError, Unavailable
from unison_storage_sqlite.blobs import SqliteBlobs

ID = "0123456789abcdef0123456789abcdef"
MEGABYTE = 1024 * 1024
IDS = [f"{number:032x}" for number in (0, 1, 256, 2**112, 2**113, 2**120, 2**127)]


async def stream(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def content(blobs: Blobs, id: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in blobs.read(id, start, end)])


@asynccontextmanager
async def blobs_at(path: Path, clock: HandClock | None = None) -> AsyncIterator[SqliteBlobs]:
    blobs = SqliteBlobs(file_at(path), context(clock))
    await blobs.open()
    try:
        yield blobs
    finally:
        await blobs.close()


def files_below(path: Path) -> list[str]:
    return sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())


def test_a_blob_is_private_and_lies_below_the_digits_of_its_id(tmp_path: Path) -> None:
    async def story() -> None:
        async with blobs_at(tmp_path / "x.db") as blobs:
            assert await blobs.write(ID, stream([b"abc"])) == 3
            assert await blobs.list("", 10) == [Blob(ID, 3, START)]
            assert (await blobs.health()).ok

    asyncio.run(story())
    folder = tmp_path / "x.db.blobs"
    assert files_below(folder) == [f"01/23/{ID}"]
    assert stat.S_IMODE((folder / "01" / "23" / ID).stat().st_mode) == 0o600
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "01", folder / "01" / "23")} == {0o700}


class Unplugged(Exception):
    """What the source of an upload fails with."""


@pytest.mark.parametrize("before", [0, 1, 3 * MEGABYTE])
def test_an_upload_that_is_cut_leaves_nothing(tmp_path: Path, before: int) -> None:
    async def cut() -> AsyncIterator[bytes]:
        for start in range(0, before, 100_000):
            yield bytes(min(100_000, before - start))
        raise Unplugged

    async def story() -> None:
        async with blobs_at(tmp_path / "x.db") as blobs:
            with pytest.raises(Unplugged):
                await blobs.write(ID, cut())
            assert await blobs.list("", 10) == []
            assert files_below(tmp_path) == []

    asyncio.run(story())


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8, 13, 21, 34])
def test_an_upload_that_is_cancelled_leaves_nothing(tmp_path: Path, turns: int) -> None:
    async def slow() -> AsyncIterator[bytes]:
        for _ in range(8):
            await asyncio.sleep(0)
            yield bytes(300_000)

    async def story() -> None:
        async with blobs_at(tmp_path / "x.db") as blobs:
            task = asyncio.ensure_future(blobs.write(ID, slow()))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                assert files_below(tmp_path) == []
                with pytest.raises(ObjectMissing):
                    await content(blobs, ID)
            else:
                assert len(await content(blobs, ID)) == 8 * 300_000

    asyncio.run(story())


def test_an_upload_at_close_leaves_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        gate = asyncio.Event()

        async def waiting() -> AsyncIterator[bytes]:
            yield bytes(MEGABYTE)
            gate.set()
            await asyncio.Event().wait()

        async with blobs_at(tmp_path / "x.db") as blobs:
            task = asyncio.ensure_future(blobs.write(ID, waiting()))
            await gate.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert files_below(tmp_path) == []

    asyncio.run(story())


KILLED = """
import asyncio, os, sys
from pathlib import Path
from tests.plugins.sqlite.test_blobs import ID, blobs_at
async def source():
    yield bytes(3_000_000)
    print("writing", flush=True)
    await asyncio.Event().wait()
async def story():
    async with blobs_at(Path(sys.argv[1])) as blobs:
        await blobs.write(ID, source())
asyncio.run(story())
"""


def test_an_upload_of_a_killed_process_is_never_seen_and_removed_after_a_day(tmp_path: Path) -> None:
    process = python(KILLED, tmp_path / "x.db")
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    process.kill()
    process.communicate()
    [left] = (tmp_path / "x.db.blobs" / "incoming").iterdir()

    async def story() -> None:
        async with blobs_at(tmp_path / "x.db") as blobs:
            assert await blobs.list("", 10) == []
            assert left.stat().st_size > 0  # it may still be written by another process
        os.utime(left, times=(time.time() - 90_000,) * 2)
        async with blobs_at(tmp_path / "x.db"):
            assert files_below(tmp_path) == []

    asyncio.run(story())


FULL = """
import asyncio, resource, sys
from pathlib import Path
from tests.plugins.sqlite.test_blobs import ID, blobs_at, stream
from unison_storage.errors import Unavailable
async def story():
    async with blobs_at(Path(sys.argv[1])) as blobs:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        try:
            await blobs.write(ID, stream([bytes(400_000)] * 5))
        except Unavailable as error:
            print(error.retryable, error.outcome_unknown)
asyncio.run(story())
"""


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    assert output_of(python(FULL, tmp_path / "x.db")) == "True False\n"
    assert files_below(tmp_path) == []


def test_memory_stays_flat_whatever_the_size(tmp_path: Path) -> None:
    async def source() -> AsyncIterator[bytes]:
        for number in range(256):
            yield bytes([number]) * 131_072

    async def story() -> None:
        async with blobs_at(tmp_path / "x.db") as blobs:
            tracemalloc.start()
            assert await blobs.write(ID, source()) == 32 * MEGABYTE
            size = 0
            async for chunk in blobs.read(ID):
                size += len(chunk)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert size == 32 * MEGABYTE
            assert peak < 4 * MEGABYTE

    asyncio.run(story())


def test_a_reader_that_stops_leaves_no_file_open(tmp_path: Path) -> None:
    async def story() -> None:
        async with blobs_at(tmp_path / "x.db") as blobs:
            await blobs.write(ID, stream([bytes(2 * MEGABYTE)]))
            before = open_files()
            reading: Any = blobs.read(ID)
            await anext(reading)
            assert open_files() == before + 1
            await reading.aclose()
            assert open_files() == before

    asyncio.run(story())


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("id", ["", "../../../../etc/passwd", ID.upper(), ID[:-1], f"{ID}\n", f"{ID[:-1]}\u0663"])
def test_what_is_no_id_reaches_no_path(tmp_path: Path, id: str) -> None:
    async def story(call: str) -> None:
        async with blobs_at(tmp_path / "x.db") as blobs:
            if call == "write":
                await blobs.write(id, stream([b"x"]))
            elif call == "read":
                await content(blobs, id)
            else:
                [kept, refused] = await blobs.delete_many([ID, id])
                assert kept is False
                assert isinstance(refused, StorageError)
                raise refused

    for call in ("write", "read", "delete"):
        assert isinstance(error_of(story(call)), InvalidKey)
    assert files_below(tmp_path) == []


def test_pages_in_order_of_ids_cover_all_and_show_nothing_else(tmp_path: Path) -> None:
    async def story() -> None:
        async with blobs_at(tmp_path / "x.db") as blobs:
            ids = [f"{random.Random(number).getrandbits(120):030x}0{number % 10}" for number in range(60)]
            ids += [f"0000{number:028x}" for number in range(10)]
            await asyncio.gather(*(blobs.write(id, stream([b"x"])) for id in ids))
            (tmp_path / "x.db.blobs" / "00" / "00" / "notes.txt").write_text("not ours")
            found: list[str] = []
            while page := await blobs.list(found[-1] if found else "", 7):
                found += [blob.id for blob in page]
            assert found == sorted(ids)

    asyncio.run(story())


def test_what_it_does_not_declare_it_refuses(tmp_path: Path) -> None:
    async def story() -> None:
        async with blobs_at(tmp_path / "x.db") as blobs:
            for capability, call in ((Capability.COPY, blobs.copy(ID, ID)), (Capability.PRESIGN, blobs.presign(ID, 1))):
                assert capability not in blobs.capabilities
                with pytest.raises(StorageError) as caught:
                    await call
                assert getattr(caught.value, "capability", None) == capability

    asyncio.run(story())


def test_it_answers_between_open_and_close_alone_and_leaves_no_thread(tmp_path: Path) -> None:
    async def story() -> None:
        threads = threading.active_count()
        blobs = SqliteBlobs(file_at(tmp_path / "x.db"), context())
        with pytest.raises(NotOpen):
            await blobs.list("", 1)
        await blobs.open()
        await asyncio.gather(*(blobs.write(id, stream([b"x"])) for id in IDS))
        await blobs.close()
        await blobs.close()
        with pytest.raises(Closed):
            await blobs.list("", 1)
        assert not (await blobs.health()).ok
        assert threading.active_count() == threads

    asyncio.run(story())


def test_a_folder_that_is_a_file_is_refused_by_the_name_of_the_setting(tmp_path: Path) -> None:
    (tmp_path / "x.db.blobs").write_text("")
    error = error_of(SqliteBlobs(file_at(tmp_path / "x.db"), context()).open())
    assert isinstance(error, InvalidConfig)
    assert "UNISON_STORAGE_MEMORY_URL" in error.message


def test_a_folder_that_went_away_is_unavailable(tmp_path: Path) -> None:
    async def story() -> None:
        async with blobs_at(tmp_path / "x.db") as blobs:
            shutil.rmtree(tmp_path / "x.db.blobs")
            assert not (await blobs.health()).ok
            with pytest.raises(Unavailable):
                await blobs.write(ID, stream([b"x"]))

    asyncio.run(story())
