"""The storage: making one does nothing, opening one opens everything or nothing, closing one leaves nothing."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from tests.core.watched import Log, watched
from unison_storage import (
    Closed,
    InvalidConfig,
    Keyspace,
    LifecycleError,
    NotOpen,
    Storage,
    StorageError,
    Unavailable,
    UnknownKeyspace,
    UnknownScheme,
    WrongLoop,
)
from unison_storage.contracts.backend import Durability
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.testing import ManualClock, reference_storage

KINDS = ["memory", "object", "object_index", "graph", "cache"]
PROPERTIES = ["memory", "objects", "upkeep", "vault", "audit", "graph", "cache"]
CALLS: dict[str, Callable[[Storage], Any]] = {
    **{name: attrgetter(name) for name in PROPERTIES},
    "health": lambda storage: storage.health(),
    "erase": lambda storage: storage.erase("p1"),
    "sweep": lambda storage: storage.sweep(),
    "measure": lambda storage: storage.measure(),
}


def storage_on(log: Log, **more: Any) -> Storage:
    clock = ManualClock()
    return Storage(**watched(clock, log), profile="test", clock=clock, **more)


async def reached(call: Callable[[Storage], Any], storage: Storage) -> Any:
    result = call(storage)
    return await result if asyncio.iscoroutine(result) else result


# ------------------------------------------------------------------------------------------------------- making one


@pytest.mark.parametrize(
    "url", ["nosuch://h", "sqlite:////no/such/folder/x.db", "postgresql://u:canary@h/d", "not a url", ""]
)
def test_making_a_storage_does_nothing_and_shows_nothing(url: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    storage = Storage(url, memory=url, object=url, object_index=url, keyspaces=[Keyspace(name="a", url=url)])
    assert storage.was_open is False
    assert "canary" not in repr(storage)
    assert list(tmp_path.iterdir()) == []


def test_places_and_findings_are_told_without_opening_anything(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    log = Log()
    storage = storage_on(log)
    assert [(place.kind, place.backend is not None) for place in storage.places()] == [(kind, True) for kind in KINDS]
    assert list(storage.findings()) == []
    assert storage.migrations() == {}
    strict = Storage("sqlite:///x.db", profile="production")
    assert {finding.kind for finding in strict.findings()} == set(KINDS)
    assert list(strict.migrations()) == ["sqlite:///x.db"]
    assert log.happened == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("profile", ["", "PRODUCTION", "prod", None, 1, b"test"])
def test_a_profile_that_there_is_not_is_refused_at_once(profile: Any) -> None:
    with pytest.raises(InvalidConfig, match="production, staging, test, development"):
        Storage(profile=profile)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("attempts", value) for value in (0, -1, 11, 1.5, "3", True)),
        *(("deadline", value) for value in (0, -1.0, float("nan"), "5", True)),
        *(("max_object", value) for value in (0, -1, 1.5, "5")),
    ],
)
def test_what_settings_refuse_the_constructor_refuses_too(name: str, value: Any) -> None:
    given: dict[str, Any] = {name: value}
    with pytest.raises(InvalidConfig, match=name):
        Storage("reference://", profile="test", **given)


@pytest.mark.parametrize("call", CALLS)
def test_before_opening_every_call_says_so(call: str) -> None:
    storage = reference_storage()
    with pytest.raises(NotOpen, match="async with storage"):
        asyncio.run(reached(CALLS[call], storage))


@pytest.mark.parametrize("name", PROPERTIES)
def test_outside_of_any_loop_a_store_is_refused_with_an_error_of_the_tree(name: str) -> None:
    storage = reference_storage()
    with pytest.raises(NotOpen):
        getattr(storage, name)
    with asyncio.Runner() as runner:
        runner.run(storage.open())
        with pytest.raises(WrongLoop):
            getattr(storage, name)
        runner.run(storage.close())
    with pytest.raises(Closed):
        getattr(storage, name)


@pytest.mark.parametrize("call", CALLS)
def test_after_closing_every_call_says_so(call: str) -> None:
    async def use() -> None:
        storage = reference_storage()
        async with storage:
            pass
        with pytest.raises(Closed):
            await reached(CALLS[call], storage)

    asyncio.run(use())


@pytest.mark.parametrize("call", CALLS)
def test_on_another_loop_every_call_says_so_and_the_storage_stays_open(call: str) -> None:
    storage = reference_storage()
    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(storage.open())
        with pytest.raises(WrongLoop, match="one storage for each loop"):
            second.run(reached(CALLS[call], storage))
        with pytest.raises(WrongLoop):
            second.run(storage.close())
        assert set(first.run(storage.health())) == set(KINDS)
        first.run(storage.close())


def test_a_handle_belongs_to_the_loop_and_the_life_of_its_storage() -> None:
    storage = reference_storage()
    uses: list[Callable[[Any], Awaitable[Any]]] = [
        lambda notes: notes.get("k"),
        lambda notes: notes.put("k", 1),
        lambda notes: notes.count(),
        lambda notes: notes.get_many(["k"]),
        lambda notes: notes.page(),
    ]

    def refuse(runner: asyncio.Runner, error: type[LifecycleError], notes: Any) -> None:
        async def run(use: Callable[[Any], Awaitable[Any]]) -> None:
            await use(notes)

        for use in uses:
            with pytest.raises(error):
                runner.run(run(use))

    async def handle() -> Any:
        await storage.open()
        return storage.memory.at("session", "p1")

    with asyncio.Runner() as first, asyncio.Runner() as second:
        notes = first.run(handle())
        refuse(second, WrongLoop, notes)
        first.run(storage.close())
        refuse(first, Closed, notes)


# ---------------------------------------------------------------------------------------------- opening and closing


def test_everything_is_opened_in_order_and_closed_in_reverse() -> None:
    log = Log()

    async def use() -> None:
        async with storage_on(log) as storage:
            assert storage.was_open
            assert log.left_open == KINDS

    asyncio.run(use())
    assert log.happened == [(kind, "open") for kind in KINDS] + [(kind, "close") for kind in reversed(KINDS)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "error", [Unavailable("down"), InvalidConfig("no"), RuntimeError("bug"), asyncio.CancelledError()]
)
def test_an_open_that_fails_leaves_nothing_open_and_may_be_tried_again(kind: str, error: BaseException) -> None:
    log = Log(failing={(kind, "open"): error})

    async def use() -> None:
        storage = storage_on(log)
        with pytest.raises(type(error)):
            await storage.open()
        assert log.left_open == []
        assert not storage.was_open
        with pytest.raises(NotOpen):
            await storage.health()
        log.failing.clear()
        log.happened.clear()
        async with storage:
            assert log.left_open == KINDS

    asyncio.run(use())


@pytest.mark.parametrize("kind", KINDS)
def test_a_backend_that_fails_to_close_does_not_keep_the_others_open(kind: str) -> None:
    log = Log(failing={(kind, "close"): Unavailable("stuck")})

    async def use() -> None:
        storage = storage_on(log)
        await storage.open()
        with pytest.raises(Unavailable):
            await storage.close()
        assert log.left_open == []
        await storage.close()

    asyncio.run(use())
    assert [what for what in log.happened if what[1] == "close"] == [(kind, "close") for kind in reversed(KINDS)]


def test_after_a_failed_open_a_backend_that_fails_to_close_does_not_keep_the_others_open() -> None:
    log = Log(failing={("object_index", "open"): InvalidConfig("no"), ("object", "close"): Unavailable("stuck")})

    async def use() -> None:
        with pytest.raises(StorageError):
            await storage_on(log).open()

    asyncio.run(use())
    assert log.left_open == []


def test_opening_twice_is_an_error_and_changes_nothing() -> None:
    log = Log()

    async def use() -> None:
        async with storage_on(log) as storage:
            with pytest.raises(InvalidConfig, match="open already"):
                await storage.open()
            await storage.memory.at("session", "p1").put("k", 1)

    asyncio.run(use())
    assert log.happened.count(("memory", "open")) == 1


def test_of_two_that_open_at_once_one_succeeds_and_every_backend_is_opened_once() -> None:
    log = Log()

    async def use() -> list[Any]:
        storage = storage_on(log)
        answers = await asyncio.gather(storage.open(), storage.open(), return_exceptions=True)
        await storage.memory.at("session", "p1").put("k", 1)
        await storage.close()
        return list(answers)

    answers = asyncio.run(use())
    assert sorted(type(answer).__name__ for answer in answers) == ["InvalidConfig", "Storage"]
    assert [kind for kind, what in log.happened if what == "open"] == KINDS


def test_closing_is_idempotent_and_harmless_before_opening() -> None:
    log = Log()

    async def use() -> None:
        storage = storage_on(log)
        await storage.close()
        await storage.open()
        await storage.close()
        await storage.close()

    asyncio.run(use())
    assert [what for _, what in log.happened].count("close") == len(KINDS)


def test_the_storage_is_closed_when_its_block_fails() -> None:
    log = Log()

    async def use() -> None:
        async with storage_on(log):
            raise KeyError("mine")

    with pytest.raises(KeyError):
        asyncio.run(use())
    assert log.left_open == []


def test_a_storage_may_be_opened_again_even_on_another_loop() -> None:
    storage = reference_storage()

    async def put(value: int) -> Any:
        async with storage:
            notes = storage.memory.at("plain")
            before = await notes.get("k")
            await notes.put("k", value)
            return before and before.value

    assert [asyncio.run(put(value)) for value in (1, 2, 3)] == [None, 1, 2]


def test_nothing_stays_behind_after_closing() -> None:
    async def use() -> set[Any]:
        async with storage_on(Log()) as storage:
            notes = storage.memory.at("session", "p1")
            await asyncio.gather(*[notes.put(str(number), number) for number in range(50)])
            await storage.objects.at("plain").put("k", b"x" * 10)
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(use()) == set()
    gc.collect()


# --------------------------------------------------------------------------------------------- what nothing serves


@pytest.mark.parametrize(
    ("given", "touched", "setting"),
    [
        ([], "memory", "UNISON_STORAGE_MEMORY_URL"),
        ([], "objects", "UNISON_STORAGE_OBJECT_URL"),
        ([], "upkeep", "UNISON_STORAGE_OBJECT_URL"),
        (["memory"], "objects", "UNISON_STORAGE_OBJECT_URL"),
        (["object"], "objects", "UNISON_STORAGE_OBJECT_INDEX_URL"),
        (["object"], "upkeep", "UNISON_STORAGE_OBJECT_INDEX_URL"),
        (["object_index"], "objects", "UNISON_STORAGE_OBJECT_URL"),
        (["object", "object_index"], "memory", "UNISON_STORAGE_MEMORY_URL"),
        (["memory", "cache"], "graph", "UNISON_STORAGE_GRAPH_URL"),
        (["memory", "graph"], "cache", "UNISON_STORAGE_CACHE_URL"),
    ],
)
def test_a_kind_that_nothing_serves_is_told_with_its_setting_when_it_is_touched(
    given: list[str], touched: str, setting: str
) -> None:
    async def use() -> None:
        backends = watched(ManualClock(), Log())
        async with Storage(**{kind: backends[kind] for kind in given}, profile="test") as storage:
            with pytest.raises(InvalidConfig, match=f"set {setting} or UNISON_STORAGE_DATABASE_URL"):
                getattr(storage, touched)
            assert set(await storage.health()) == set(given)
            await storage.erase("p1")
            await storage.sweep()

    asyncio.run(use())


@pytest.mark.parametrize("kind", ["vault", "audit"])
def test_a_kind_that_this_version_does_not_serve_is_told(kind: str) -> None:
    async def use() -> None:
        async with reference_storage() as storage:
            with pytest.raises(InvalidConfig, match=kind) as caught:
                getattr(storage, kind)
            assert caught.value.kind == kind

    asyncio.run(use())


def test_a_url_that_no_plugin_serves_fails_at_open_with_setting_and_install_command() -> None:
    with pytest.raises(UnknownScheme, match=r"UNISON_STORAGE_DATABASE_URL: .*pip install unison-storage-objects"):
        asyncio.run(Storage("s3://u:canary@h", profile="test").open())


@pytest.mark.parametrize("url", ["reference://?x=canary", "reference://h?busy=canary"])
def test_an_unknown_option_fails_at_open_and_leaves_nothing_open(url: str) -> None:
    log = Log()
    backends = watched(ManualClock(), log)

    async def use() -> None:
        storage = Storage(memory=backends["memory"], object=url, profile="test")
        with pytest.raises(InvalidConfig, match="UNISON_STORAGE_OBJECT_URL: unknown option") as caught:
            await storage.open()
        assert "canary" not in str(caught.value)

    asyncio.run(use())
    assert log.left_open == []


@pytest.mark.parametrize("profile", ["production", "staging"])
def test_an_undeclared_keyspace_is_refused_where_it_matters(profile: str) -> None:
    class Durable(ReferenceMemory):
        durability = Durability.DURABLE
        production_ready = True

    async def use() -> None:
        clock = ManualClock()
        async with Storage(memory=Durable(clock), profile=profile, keyspaces=[Keyspace(name="mine")]) as storage:
            with pytest.raises(UnknownKeyspace, match="near names: mine"):
                storage.memory.at("mines")
            await storage.memory.at("mine").put("k", 1)
            await storage.memory.at("session", "p1").put("k", 1)

    asyncio.run(use())
