from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pluggy
import pytest

from tests.plugins.sqlite.surroundings import SECOND, HandClock, context, output_of, python
from tests.plugins.sqlite.test_blobs import stream
from unison_storage import Storage, hookspecs
from unison_storage.contracts.backend import Durability
from unison_storage.contracts.cache import Acquire, Set
from unison_storage.contracts.memory import Put, Row
from unison_storage.contracts.objects import Blob, Draft
from unison_storage.errors import InvalidConfig
from unison_storage.targets import Target
from unison_storage_sqlite import plugin
from unison_storage_sqlite.config import File, Folder, Options
from unison_storage_sqlite.migrations import SqliteMigrations

SETTING = "UNISON_STORAGE_MEMORY_URL"


def file_of(url: str) -> File:
    return File.of(Target.parse(url, SETTING))


def test_importing_it_imports_no_driver() -> None:
    script = "import unison_storage_sqlite.plugin, sys; print('sqlite3' in sys.modules or '_sqlite3' in sys.modules)"
    assert output_of(python(script)) == "False\n"


def test_it_describes_what_it_serves() -> None:
    spec, folder = plugin.backend_specs()
    assert (folder.name, folder.schemes, folder.kinds) == ("file", ("file",), ("object",))
    assert (folder.durability, folder.production_ready) == (Durability.DURABLE, True)
    assert (spec.name, spec.schemes) == ("sqlite", ("sqlite",))
    assert spec.kinds == ("memory", "object", "object_index", "graph", "cache")
    assert (spec.durability, spec.production_ready, spec.options) == (Durability.DURABLE, False, Options)
    assert spec.capabilities == frozenset()


def test_its_hooks_are_those_of_the_specification(tmp_path: Path) -> None:
    plugins = pluggy.PluginManager(hookspecs.PROJECT)
    plugins.add_hookspecs(hookspecs)
    plugins.register(plugin)
    plugins.check_pending()
    target = Target.parse(f"sqlite:///{tmp_path}/x.db", SETTING)
    made = [
        getattr(plugins.hook, name)(target=target, context=context())
        for name in (
            *("memory_backend", "blob_backend", "object_index_backend", "graph_backend", "cache_backend"),
            "migrations",
        )
    ]
    names = ["SqliteMemory", "SqliteBlobs", "SqliteObjectIndex", "SqliteGraph", "SqliteCache", "SqliteMigrations"]
    assert [type(one).__name__ for one in made] == names
    assert list(tmp_path.iterdir()) == []  # no I/O before open


def test_a_url_names_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert file_of("sqlite:///data/x.db").path == tmp_path / "data" / "x.db"
    assert file_of("sqlite:////var/x.db").path == Path("/var/x.db")
    assert file_of("sqlite:////var/a%20b%3F%23%25.db").path == Path("/var/a b?#%.db")
    assert file_of("sqlite:///x.db").blobs == tmp_path / "x.db.blobs"
    assert file_of("sqlite:///x.db?blobs=bytes").blobs == tmp_path / "bytes"
    assert file_of("sqlite:///x.db?blobs=/srv/bytes&busy_timeout=0.5").busy_timeout == 0.5
    assert file_of("sqlite:///x.db").cache_entries == 100_000
    assert file_of("sqlite:///x.db?cache_entries=7").cache_entries == 7
    assert file_of("sqlite:///x.db").key == file_of("sqlite:///x.db?blobs=elsewhere&cache_entries=7").key
    assert file_of("sqlite:///x.db").key != file_of("sqlite:///x.db?busy_timeout=1").key


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite://x.db",
        "sqlite://host/x.db",
        "sqlite://user:secret@/x.db",
        "sqlite:///folder/",
        "sqlite:///a%00b.db",
        "sqlite:///x.db?blobs=a%00b",
        "sqlite:///x.db?busy_timeout=-1",
        "sqlite:///x.db?busy_timeout=nan",
        "sqlite:///x.db?busy_timeout=inf",
        "sqlite:///x.db?busy_timeout=",
        "sqlite:///x.db?cache_entries=0",
        "sqlite:///x.db?cache_entries=1.5",
        "sqlite:///x.db?timeout=5",
    ],
)
def test_a_url_that_names_none_is_refused_by_the_name_of_the_setting(url: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        file_of(url)
    assert SETTING in caught.value.message
    assert "secret" not in caught.value.message


def test_a_file_with_an_odd_name_is_that_file(tmp_path: Path) -> None:
    async def story() -> None:
        target = Target.parse(f"sqlite:///{tmp_path}/a%20b%3Fmode=ro%23%25.db", SETTING)
        await SqliteMigrations(File.of(target)).apply()
        memory = plugin.memory_backend(target, context())
        await memory.open()
        await memory.put_many([Put("k\x1fa", b"", "v", None)])
        await memory.close()

    asyncio.run(story())
    assert [path.name for path in tmp_path.iterdir()] == ["a b?mode=ro#%.db"]


def test_the_harness_makes_everything_older_and_looks_past_the_backend(tmp_path: Path) -> None:
    async def story() -> None:
        clock = HandClock()
        target = Target.parse(f"sqlite:///{tmp_path}/x.db", SETTING)
        surroundings = context(clock)
        await SqliteMigrations(File.of(target)).apply()
        memory, blobs, index, cache = (
            plugin.memory_backend(target, surroundings),
            plugin.blob_backend(target, surroundings),
            plugin.object_index_backend(target, surroundings),
            plugin.cache_backend(target, surroundings),
        )
        for backend in (memory, blobs, index, cache):
            await backend.open()
        harness = plugin.conformance_harness(target)
        assert harness.age is not None
        assert harness.raw is not None
        await memory.put_many([Put("k\x1fa", b"12", "v", 9 * SECOND), Put("k\x1fb", b"", "v", 11 * SECOND)])
        await index.begin("0" * 32, None)
        await index.commit(Draft("k\x1fa", "1", "0" * 32, "v", 0, "", "", 9 * SECOND))
        await cache.set_many([Set("k\x1fa", b"", 9 * SECOND), Set("k\x1fb", b"", 11 * SECOND)])
        leases = [Acquire("k\x1fa", "o", 9 * SECOND), Acquire("k\x1fb", "o", 11 * SECOND)]
        fences = await cache.acquire_many(leases)
        await blobs.write("0" * 32, stream([]))
        await harness.age(10)
        then = clock.at - 10 * SECOND
        assert await memory.get_many(["k\x1fa", "k\x1fb"]) == [None, Row(b"", "v", then, then, clock.at + SECOND, None)]
        assert await index.get_many(["k\x1fa"]) == [None]
        assert await cache.get_many(["k\x1fa", "k\x1fb"]) == [None, b""]
        assert await cache.renew_many(leases) == [False, True]
        assert await cache.acquire_many(leases) == [clock.at + 2, fences[1]]
        assert await blobs.list("", 9) == [Blob("0" * 32, 0, then)]
        assert await harness.raw("k\x1fa") == b"12"
        assert await harness.raw("k\x1fc") is None
        assert harness.restart is None
        for backend in (memory, blobs, index, cache):
            await backend.close()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("file://host/folder", "a folder has no host; write file:///folder"),
        ("file:///", "names no folder; write file:///folder; the path is always absolute"),
        ("file:///a%00b", "names no folder"),
        ("file:///folder?blobs=x", "unknown option 'blobs'; there is none"),
    ],
)
def test_a_url_that_names_no_folder_is_refused(url: str, told: str) -> None:
    with pytest.raises(InvalidConfig, match=re.escape(told)) as caught:
        Folder.of(Target.parse(url, SETTING))
    assert caught.value.message.startswith(SETTING)


def test_a_folder_is_for_bytes_alone_in_every_profile(tmp_path: Path) -> None:
    target = Target.parse(f"file://{tmp_path}/blobs", SETTING)
    made = plugin.blob_backend(target, context())
    assert (made.name, made.production_ready, type(made).__name__) == ("file", True, "FolderBlobs")
    assert plugin.migrations(target, context()) is None
    with pytest.raises(InvalidConfig, match="does not serve memory at file: it serves object"):
        asyncio.run(Storage(memory=f"file://{tmp_path}/blobs", profile="test").open())
    assert list(tmp_path.iterdir()) == []
