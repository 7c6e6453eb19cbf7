"""What production and staging refuse, in every spelling, before anything is opened or written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.core.watched import Log, watched
from unison_storage import GuardViolation, Keyspace, Node, Profile, Storage
from unison_storage.clock import SystemClock
from unison_storage.contracts.backend import Durability
from unison_storage.contracts.context import Context
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.targets import Target
from unison_storage.telemetry import Telemetry
from unison_storage.testing import ManualClock

SPELLINGS = {
    "sqlite": "sqlite:///x.db",
    "upper case": "SQLITE:///x.db",
    "mixed case": "SqLite:///x.db",
    "driver": "sqlite+aiosqlite:///x.db",
    "driver in upper case": "SQLite+X:///x.db",
    "absolute": "sqlite:////{folder}/x.db",
    "options": "sqlite:///x.db?busy_timeout=1",
    "percent": "sqlite:///x%2Edb",
    "reference": "reference://",
    "reference in upper case": "REFERENCE://",
    "reference with a driver": "reference+x://",
}


class Durable(ReferenceMemory):
    durability = Durability.DURABLE
    production_ready = True


def durable() -> Any:
    return Durable(ManualClock())


PLACES: dict[str, tuple[str, Callable[[str], dict[str, Any]]]] = {
    "database": ("UNISON_STORAGE_DATABASE_URL", lambda url: {"database_url": url}),
    "memory": ("UNISON_STORAGE_MEMORY_URL", lambda url: {"memory": url}),
    "object": ("UNISON_STORAGE_OBJECT_URL", lambda url: {"memory": durable(), "object": url}),
    "object index": ("UNISON_STORAGE_OBJECT_INDEX_URL", lambda url: {"object_index": url}),
    "keyspace": (
        "UNISON_STORAGE_KEYSPACES__",
        lambda url: {"memory": durable(), "keyspaces": [Keyspace(name="mine", url=url)]},
    ),
}


@pytest.mark.parametrize("profile", [Profile.PRODUCTION, Profile.STAGING])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_production_refuses_files_and_processes_in_every_spelling(
    spelling: str, place: str, profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    setting, given = PLACES[place]
    storage = Storage(**given(SPELLINGS[spelling].format(folder=tmp_path)), profile=profile)
    with pytest.raises(GuardViolation) as caught:
        asyncio.run(storage.open())
    assert setting in str(caught.value)
    assert setting in caught.value.remedy
    assert caught.value.rule in {"production-ready", "durable"}
    assert f"profile {profile}" in str(caught.value)
    assert {finding.severity for finding in storage.findings()} == {"refuse"}
    assert not storage.was_open
    assert list(tmp_path.iterdir()) == []


def test_production_is_the_default() -> None:
    assert Storage().profile is Profile.PRODUCTION
    with pytest.raises(GuardViolation):
        asyncio.run(Storage("reference://").open())


@pytest.mark.parametrize("kind", ["memory", "object", "object_index"])
def test_a_ready_backend_that_loses_its_data_is_refused_in_production(kind: str) -> None:
    log = Log()
    storage = Storage(**{kind: watched(ManualClock(), log)[kind]})
    with pytest.raises(GuardViolation) as caught:
        asyncio.run(storage.open())
    assert (caught.value.rule, caught.value.kind) == ("durable", kind)
    assert log.happened == []


def test_a_ready_backend_on_sqlite_is_refused_in_production_too(tmp_path: Path) -> None:
    plugin = Storage(f"sqlite:///{tmp_path}/x.db", profile="test").places()[0].plugin
    assert plugin is not None
    target = Target.parse(f"sqlite:///{tmp_path}/x.db")
    memory = plugin.hooks.memory_backend(target, Context(Profile.PRODUCTION, SystemClock(), Telemetry()))
    with pytest.raises(GuardViolation):
        asyncio.run(Storage(memory=memory).open())


def test_a_ready_backend_that_is_durable_is_let_through() -> None:
    async def use() -> None:
        async with Storage(memory=durable()) as storage:
            await storage.memory.at("session", "p1").put("k", 1)

    asyncio.run(use())


@pytest.mark.parametrize("url", ["reference://", "REFERENCE://"])
def test_a_keyspace_that_need_not_be_durable_may_be_in_process_in_production(url: str) -> None:
    async def use() -> None:
        keyspaces = [Keyspace(name="mine", url=url, durable=False)]
        async with Storage(memory=durable(), keyspaces=keyspaces) as storage:
            await storage.memory.at("mine").put("k", 1)

    asyncio.run(use())


@pytest.mark.parametrize("profile", [Profile.TEST, Profile.DEVELOPMENT])
@pytest.mark.parametrize("url", ["reference://", "sqlite:///x.db", "SQLITE:///x.db"])
def test_elsewhere_both_serve_every_kind(
    url: str, profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def use() -> None:
        async with Storage(url, profile=profile) as storage:
            await storage.memory.at("anything").put("k", 1)
            await storage.objects.at("anything").put("k", b"x")
            assert await storage.objects.at("anything").get("k") == b"x"
            assert await storage.graph.upsert_node(Node("Person", "p1"))
            await storage.cache.at("anything").set("k", 1)
            assert await storage.cache.at("anything").get("k") == 1
            assert {name: health.ok for name, health in (await storage.health()).items()} == {
                "memory": True,
                "object": True,
                "object_index": True,
                "graph": True,
                "cache": True,
            }

    asyncio.run(use())
