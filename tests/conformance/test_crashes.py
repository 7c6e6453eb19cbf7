from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from unison_storage.clock import ManualClock
from unison_storage_conformance.crashes.points import Points
from unison_storage_conformance.crashes.process import writer
from unison_storage_conformance.crashes.writer import Job
from unison_storage_conformance.harness import harness_of
from unison_storage_conformance.outcomes import NotTried
from unison_storage_conformance.profiles import Profile
from unison_storage_conformance.references import reference
from unison_storage_conformance.run import Run
from unison_storage_conformance.served.harness import ServedHarness
from unison_storage_conformance.target import Target
from unison_storage_conformance.verdicts import Level

FEW = Profile("few", examples=3, steps=5, histories=20)


def test_a_writer_dies_at_the_point_that_is_named_and_at_no_other(tmp_path: Path) -> None:
    harness = harness_of(f"sqlite:///{tmp_path}/a.db", ["object"])
    target = Target(harness)
    chunks = [b"one", b"two"]

    async def died(point: int) -> tuple[bool, int]:
        async with writer(target, ["object"]) as one:
            await one.tell(Job("write", (f"{point:032x}", chunks), {}, point))
            done = await one.done()
            return done is None, 0 if done is None else done[1]

    async def test() -> None:
        await target.prepare()
        await died(1_000)  # folders are made by the first one
        dead, passed = await died(2_000)
        assert not dead
        assert passed > 4
        assert await died(1) == (True, 0)
        assert await died(passed) == (True, 0)
        assert await died(passed + 1) == (False, passed)

    asyncio.run(test())


def test_points_are_counted_while_they_are_armed(tmp_path: Path) -> None:
    points = Points()
    points.watch()
    try:
        (tmp_path / "before").write_bytes(b"x")
        points.arm(None)
        with open(tmp_path / "a", "wb") as file:  # noqa: PTH123 - a point is a call of the function in C
            file.write(b"x")
        passed = points.disarm()
        (tmp_path / "after").write_bytes(b"x")
    finally:
        points.rest()
    assert passed == 4
    assert points.passed == passed


def test_of_a_driver_that_python_can_not_look_into_the_waits_are_counted() -> None:
    points = Points()
    points.watch()
    try:
        points.arm(None, waits=True)
        asyncio.run(asyncio.sleep(0.001))
        passed = points.disarm()
    finally:
        points.rest()
    assert passed > 1
    assert passed % 2 == 0


def test_what_is_kept_in_a_process_has_no_checks_of_crashes() -> None:
    run = Run(harness_of(lambda part, context: reference(part, context.clock)), FEW)
    assert [check for check in run.checks() if check.level is Level.CRASH] == []


def test_a_harness_that_no_other_process_can_have_is_told_so() -> None:
    class Local(ServedHarness):
        pass

    async def test() -> None:
        async with Local().serve(ManualClock()) as address:
            harness = Local()
            harness.address = address
            with pytest.raises(NotTried, match="top of a module"):
                async with writer(Target(harness), ["memory"]):
                    pass

    asyncio.run(test())
