from __future__ import annotations

import asyncio

from tests.core.stores.test_objects import Bench
from unison_storage.stores.upkeep import GRACE, STALE


def test_the_bytes_of_a_deleted_object_go_after_the_grace_and_not_before() -> None:
    async def run() -> None:
        bench = Bench()
        async with bench.storage() as storage:
            files = storage.objects.at("files")
            await files.put("a", b"1")
            async with files.open("a") as body:
                await files.put("a", b"2")
                await files.delete("a")
                bench.clock.advance(GRACE - 1)
                assert await storage.upkeep.sweep() == 0
                assert await body.read() == b"1", "who reads the old content reads it to the end"
            bench.clock.advance(2)
            assert await storage.upkeep.sweep() == 2
            assert await storage.upkeep.sweep() == 0
        assert bench.kept == 0
        assert bench.index._states == {}

    asyncio.run(run())


def test_an_upload_that_died_is_given_up_after_a_day_and_can_not_come_back() -> None:
    async def run() -> None:
        bench = Bench()
        async with bench.storage() as storage:
            await bench.index.begin("a" * 32, None)
            bench.clock.advance(STALE + 1)
            assert await storage.upkeep.sweep() == 1
            assert bench.index._states == {}

    asyncio.run(run())


def test_reconcile_removes_what_nobody_knows_and_names_what_is_gone() -> None:
    async def run() -> None:
        bench = Bench()
        async with bench.storage() as storage:
            files = storage.objects.at("files")
            kept = await files.put("kept", b"1")
            gone = await files.put("gone", b"2")
            short = await files.put("short", b"333")
            blobs = {row.address.rpartition("\x1f")[2]: row.blob for row in bench.index._rows.values()}
            del bench.blobs._blobs[blobs["gone"]]
            bench.blobs._blobs[blobs["short"]] = (b"33", bench.clock.now())
            bench.blobs._blobs["f" * 32] = (b"orphan", bench.clock.now())
            young = await storage.upkeep.reconcile()
            assert young.orphans == (), "a blob that is being written now has no row yet in every listing"
            bench.clock.advance(STALE + 1)
            dry = await storage.upkeep.reconcile(dry_run=True)
            assert (dry.orphans, dry.removed) == (("f" * 32,), 0)
            found = await storage.upkeep.reconcile()
            assert (found.checked, found.missing, found.damaged, found.removed) == (3, (gone.id,), (short.id,), 1)
            assert "f" * 32 not in bench.blobs._blobs
            assert await files.get("kept") == b"1"
            assert kept.id not in found.missing

    asyncio.run(run())


def test_scrub_reads_everything_and_names_what_changed() -> None:
    async def run() -> None:
        bench = Bench()
        async with bench.storage() as storage:
            files = storage.objects.at("files")
            await files.put("fine", b"1")
            changed = await files.put("changed", b"2")
            gone = await files.put("gone", b"3")
            blobs = {row.address.rpartition("\x1f")[2]: row.blob for row in bench.index._rows.values()}
            bench.blobs._blobs[blobs["changed"]] = (b"x", 0)
            del bench.blobs._blobs[blobs["gone"]]
            found = await storage.upkeep.scrub()
            assert (found.checked, found.damaged, found.missing) == (3, (changed.id,), (gone.id,))

    asyncio.run(run())
