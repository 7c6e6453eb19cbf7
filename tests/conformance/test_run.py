from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.conformance.broken import broken_laws, harness, memory_of, verdicts
from tests.core.distributions import Packages, described
from unison_storage import Node, Profile, Storage
from unison_storage.clock import ManualClock
from unison_storage.errors import GuardViolation, InvalidConfig, StorageError
from unison_storage.reference.memory import ReferenceMemory
from unison_storage_conformance.harness import Harness, harness_of
from unison_storage_conformance.profiles import PROFILES
from unison_storage_conformance.run import Run
from unison_storage_conformance.verdicts import State
from unison_storage_sqlite.config import File
from unison_storage_sqlite.migrations import SqliteMigrations

pytestmark = pytest.mark.once


class Lies(ReferenceMemory):
    """Cuts what it says it can take."""

    async def put_many(self, puts: Sequence[Any]) -> Any:
        return await super().put_many([replace(put, value=put.value[:64]) for put in puts])


class Unhealthy(ReferenceMemory):
    """Can't be cleaned."""

    async def delete_prefix(self, prefix: str) -> int:
        raise StorageError("no deletes today")


def url(path: Path) -> str:
    return f"sqlite:///{path}/x.db"


async def planted(path: Path) -> Any:
    async with Storage(database_url=url(path), profile=Profile.DEVELOPMENT) as storage:
        await storage.memory.at("conformance", "mine").put("k", "there before")
        await storage.cache.at("conformance", "mine").set("k", 7, lifetime=3600)
        await storage.objects.at("notes").put("file", b"bytes")
        await storage.graph.at("mine").upsert_nodes([Node("Device", "d")])
        return await found(storage)


async def found(storage: Storage) -> Any:
    return (
        [entry.value async for entry in storage.memory.at("conformance").entries()],
        await storage.cache.at("conformance", "mine").get("k"),
        [info.key async for info in storage.objects.at("notes").entries()],
        await storage.graph.at("mine").stats(),
    )


def test_a_run_leaves_what_others_have_and_nothing_of_its_own(tmp_path: Path) -> None:
    before = asyncio.run(planted(tmp_path))
    run = Run(harness_of(url(tmp_path)), PROFILES["quick"])
    run.open()
    tried = [run.check(check) for check in run.checks()]
    run.close()
    assert [(one.law, one.check, one.reason) for one in tried if one.state not in (State.PASSED, State.REFUSED)] == []
    assert run.leftovers == []

    async def after() -> Any:
        async with Storage(database_url=url(tmp_path), profile=Profile.DEVELOPMENT) as storage:
            return await found(storage)

    assert asyncio.run(after()) == before
    blobs = [path for path in (tmp_path / "x.db.blobs").rglob("*") if path.is_file()]
    # what a killed writer had begun to write waits among what is coming in until it is stale
    assert len([path for path in blobs if path.parent.name != "incoming"]) == 1


@pytest.mark.parametrize("profile", [Profile.STAGING, Profile.PRODUCTION])
def test_a_target_that_is_marked_is_refused_before_anything_is_written(tmp_path: Path, profile: Profile) -> None:
    run = Run(harness_of(url(tmp_path)), PROFILES["quick"])
    assert run.target.url is not None
    asyncio.run(SqliteMigrations(File.of(run.target.url), profile).apply())
    before = (tmp_path / "x.db").read_bytes()
    with pytest.raises(GuardViolation) as failure:
        run.open()
    run.close()
    assert failure.value.remedy == "name a database that is there for tests"
    assert f"the target is marked as {profile}" in failure.value.message
    assert (tmp_path / "x.db").read_bytes() == before


@pytest.mark.parametrize("name", ["MemoryStories", "a_touch_sets_the_expiry_alone"])
def test_what_ages_by_a_harness_ages_by_what_a_check_says_alone(name: str) -> None:
    clock = ManualClock(1.5e9)

    class Ageing(Harness):
        kinds = ("memory",)

        def backend(self, part: str, context: Any) -> Any:
            return ReferenceMemory(clock) if part == "memory" else None

        async def age(self, seconds: float) -> None:
            clock.advance(seconds)

    run = Run(Ageing(), PROFILES["quick"])
    run.open()
    found = [run.check(check) for check in run.checks() if check.name == name]
    run.close()
    assert [(one.state, one.reason) for one in found] == [(State.PASSED, None)]


def test_a_harness_whose_age_does_not_age_is_noticed() -> None:
    class Idle(Harness):
        kinds = ("memory",)

        def backend(self, part: str, context: Any) -> Any:
            return ReferenceMemory(context.clock.__class__(1.5e9)) if part == "memory" else None

        async def age(self, seconds: float) -> None:
            """Do nothing."""

    run = Run(Idle(), PROFILES["quick"])
    run.open()
    found = [run.check(check) for check in run.checks()]
    run.close()
    assert run.harness_faults
    assert all(fault.startswith("age does not age") for fault in run.harness_faults)
    told = [one for one in found if one.reason and one.reason.startswith("harness fault")]
    assert {one.state for one in told} == {State.UNVERIFIED}
    assert broken_laws(found) == set()


def test_a_backend_that_lies_about_its_limits_is_caught() -> None:
    assert "backend.11" in broken_laws(verdicts(harness(Lies), "backend.11"))


def test_what_could_not_be_removed_is_told() -> None:
    run = Run(harness_of(memory_of(Unhealthy)), PROFILES["quick"])
    run.open()
    run.close()
    assert run.leftovers == ["store: StorageError: no deletes today", "memory: StorageError: no deletes today"]


def test_a_plugin_that_declares_what_it_has_not_is_caught(packages: Packages) -> None:
    packages.plugin("boast", described("spec('boast', kinds=('memory', 'graph'), durability=Durability.PROCESS)"))
    run = Run(harness_of("boast://"), PROFILES["quick"])
    found = [run.check(check) for check in run.checks() if check.law == "plugin.4"]
    with pytest.raises(InvalidConfig, match=r"boast.*: its hook for graph makes no backend"):
        run.open()
    run.close()
    assert [one.state for one in found] == [State.FAILED]
