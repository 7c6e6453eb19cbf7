from __future__ import annotations

import asyncio
from pathlib import Path

import pluggy
import pytest

from tests.plugins.postgres.surroundings import asked, context, memory, put
from unison_storage import Profile, Storage, hookspecs
from unison_storage.contracts.backend import Durability
from unison_storage.contracts.memory import Row
from unison_storage.targets import Target
from unison_storage_postgres import plugin
from unison_storage_postgres.config import Options

HOOKS = ("memory_backend", "object_index_backend", "migrations")
URL = "postgresql://nobody@127.0.0.1:1/nothing"


def test_it_describes_what_it_serves() -> None:
    [spec] = plugin.backend_specs()
    assert (spec.name, spec.schemes, spec.kinds) == ("postgres", ("postgresql",), ("memory", "object_index", "graph"))
    assert (spec.durability, spec.production_ready, spec.options) == (Durability.DURABLE, True, Options)


def test_its_hooks_are_those_of_the_specification() -> None:
    plugins = pluggy.PluginManager(hookspecs.PROJECT)
    plugins.add_hookspecs(hookspecs)
    plugins.register(plugin)
    plugins.check_pending()
    target = Target.parse(URL)
    made = [getattr(plugins.hook, name)(target=target, context=context()) for name in HOOKS]
    assert [type(one).__name__ for one in made] == ["PostgresMemory", "PostgresObjectIndex", "PostgresMigrations"]


@pytest.mark.parametrize(
    ("url", "broken"),
    [
        ("postgresql://db/app", True),
        ("postgresql://db/app?sslmode=require", True),
        ("postgresql://db/app?sslmode=verify-ca", True),
        ("postgresql://127.0.0.1,db/app", True),
        ("postgresql://db/app?sslmode=verify-full", False),
        ("postgresql://127.0.0.1/app", False),
        ("postgresql://[::1]:5433,localhost/app", False),
        ("postgresql://%2Frun%2Fpostgresql/app", False),
    ],
)
def test_production_sends_nothing_in_clear_text_to_another_machine(url: str, *, broken: bool) -> None:
    found = Storage(memory=url, profile=Profile.PRODUCTION).findings()
    assert [one.rule for one in found] == (["postgres-tls"] if broken else [])


def test_a_storage_is_served_by_its_url_alone(url: str) -> None:
    async def test() -> None:
        async with Storage(url, profile=Profile.DEVELOPMENT) as storage:
            notes = storage.memory.at("session", "person-1", "chat")
            stamp = await notes.put("draft", {"text": "hello"}, lifetime=3_600)
            entry = await notes.get("draft")
            assert entry is not None
            assert (entry.value, entry.version, entry.person) == ({"text": "hello"}, stamp.version, "person-1")
            assert await notes.increment("visits", by=2) == 2
            assert [one.key async for one in notes.entries()] == ["draft", "visits"]

    asyncio.run(test())


def test_objects_have_their_bytes_in_a_folder_and_their_index_here(url: str, tmp_path: Path) -> None:
    async def test() -> None:
        async with Storage(url, object=f"file://{tmp_path}/blobs", profile=Profile.DEVELOPMENT) as storage:
            files = storage.objects.at("transcripts", "person-1")
            info = await files.put("call.wav", b"bytes of a call", content_type="audio/wav")
            assert await files.get("call.wav", start=0, end=5) == b"bytes"
            assert [found.id async for found in files.entries()] == [info.id]
            assert (await storage.erase(person="person-1")).complete
            assert await files.get("call.wav") is None

    asyncio.run(test())
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


def test_what_it_lends_to_those_who_test_it_ages_and_looks_past_it(url: str) -> None:
    async def test() -> None:
        async with memory(url) as backend:
            hooks = plugin.conformance_harness(Target.parse(url))
            assert hooks.age is not None
            assert hooks.raw is not None
            await backend.put_many([put("k\x1fa", b"bytes", lifetime=10_000_000)])
            assert (await hooks.raw("k\x1fa"), await hooks.raw("k\x1fb")) == (b"bytes", None)
            await hooks.age(5)
            assert isinstance((await backend.get_many(["k\x1fa"]))[0], Row)
            await hooks.age(6)
            assert await backend.get_many(["k\x1fa"]) == [None]

    asyncio.run(test())
    assert asked(url, "SELECT count(*) FROM memory_entries") == [(1,)]
