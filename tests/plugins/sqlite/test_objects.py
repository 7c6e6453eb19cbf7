from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.plugins.sqlite.surroundings import (
    START,
    HandClock,
    context,
    error_of,
    migrated,
)
from unison_storage.contracts.objects import Committed, Draft, ObjectRow
from unison_storage.errors import NotFound
from unison_storage.values import ABSENT
from unison_storage_sqlite.objects import SqliteObjectIndex


async def opened(path: Path, clock: HandClock) -> SqliteObjectIndex:
    index = SqliteObjectIndex(await migrated(path), context(clock))
    await index.open()
    return index


def draft(address: str, blob: str, **more: Any) -> Draft:
    return Draft(
        address, f"o{blob}", blob, more.pop("version", "v1"), 3, "00", "text/plain", **{"lifetime": None, **more}
    )


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
