"""The blocking doorway: the same surface with ``for`` and ``with``, on one thread that is gone afterwards."""

from __future__ import annotations

import asyncio
import gc
import io
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from tests.core.watched import Log, watched
from unison_storage import (
    ABSENT,
    AlreadyExists,
    BatchFailed,
    Closed,
    InvalidConfig,
    InvalidKey,
    InvalidValue,
    LifecycleError,
    NotFound,
    NotOpen,
    Storage,
    Unavailable,
    Unsupported,
    WrongLoop,
)
from unison_storage.blocking import BlockingStorage
from unison_storage.contracts.memory import Increment
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.testing import ManualClock, reference_storage

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds after which something that should have come back counts as hanging."""


class Draft(Struct):
    text: str


def within(act: Callable[[], Any], started: Callable[[threading.Thread], None] | None = None) -> Any:
    """Run ``act`` on a thread of its own and return its result; fail where it hangs."""
    answers: list[Any] = []

    def run() -> None:
        try:
            answers.append((act(), None))
        except BaseException as error:  # noqa: BLE001 - handed to the test
            answers.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    if started is not None:
        started(thread)
    thread.join(PATIENCE)
    assert not thread.is_alive(), "it hangs"
    ((result, error),) = answers
    if error is not None:
        raise error
    return result


def there(found: T | None) -> T:
    """Return what was found; fail where nothing was."""
    assert found is not None
    return found


def loop_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("unison-storage")]


# ---------------------------------------------------------------------------------------------------------- surface


def test_memory_is_used_without_await() -> None:
    with reference_storage().blocking() as storage:
        notes = storage.memory.at("session", "p1", "chat-7")
        stamp = notes.put("draft", {"text": "hello"}, lifetime=3600)
        assert stamp.created
        assert there(notes.get("draft")).value == {"text": "hello"}
        assert (notes.namespace, notes.person, notes.keyspace) == (("p1", "chat-7"), "p1", "session")
        with pytest.raises(AlreadyExists):
            notes.put("draft", 1, expect=ABSENT)
        assert [notes.increment("visits"), notes.increment("visits", by=2)] == [1, 3]
        assert notes.put_many({"a": 1, "b": 2})["a"].created
        assert {key: there(entry).value for key, entry in notes.get_many(["a", "b"]).items()} == {"a": 1, "b": 2}
        with pytest.raises(BatchFailed):
            notes.get_many(["a", ""])
        assert list(notes.keys()) == ["a", "b", "draft", "visits"]
        assert [entry.key for entry in storage.memory.at("session", "p1").entries("chat-7")] == list(notes.keys())
        first = notes.page(limit=3)
        assert [entry.key for entry in notes.page(cursor=first.cursor).items] == ["visits"]
        assert (notes.exists("a"), notes.touch("a", lifetime=5), notes.delete("a"), notes.count()) == (
            True,
            True,
            True,
            3,
        )
        typed = storage.memory.at("plain", type=Draft)
        typed.put("k", Draft("x"))
        assert there(typed.get("k")).value == Draft("x")
        with pytest.raises(InvalidKey):
            notes.get("\x00")
        with pytest.raises(InvalidKey):
            storage.memory.at("session")


def test_objects_are_used_without_await(tmp_path: Path) -> None:
    data = bytes(range(256)) * 4096
    with reference_storage().blocking() as storage:
        files = storage.objects.at("transcripts", "p1")
        info = files.put("call.wav", data, content_type="audio/wav")
        assert (info.size, info.created) == (len(data), True)
        assert there(files.head("call.wav")).id == info.id
        assert there(storage.objects.by_id(info.id)).key == "call.wav"
        assert files.get("call.wav", start=1, end=5) == data[1:5]
        with files.open("call.wav") as body:
            assert body.info.size == body.size == len(data)
            chunks = list(body)
        assert len(chunks) > 1
        assert b"".join(chunks) == data
        with files.open("call.wav") as body:
            assert body.read() == data
        files.download("call.wav", tmp_path / "call.wav")
        assert (tmp_path / "call.wav").read_bytes() == data
        other = storage.objects.at("plain")
        assert files.copy("call.wav", other, "copy.wav").sha256 == info.sha256
        other.put("path", tmp_path / "call.wav")
        other.put("file", io.BytesIO(b"in memory"))
        assert [entry.key for entry in other.entries()] == ["copy.wav", "file", "path"]
        with pytest.raises(NotFound), files.open("nothing"):
            pass
        with pytest.raises(Unsupported):
            files.url("call.wav", lifetime=5)
        assert files.delete("call.wav")
        assert files.get("call.wav") is None


def test_the_storage_itself_is_used_without_await() -> None:
    with reference_storage().blocking() as storage:
        storage.memory.at("session", "p1").put("k", 1)
        assert {name: health.ok for name, health in storage.health().items()}["memory"]
        assert storage.erase("p1").complete
        assert storage.sweep() == {"memory": 0, "object": 0, "cache": 0}
        assert storage.upkeep.reconcile().checked == 0
        assert storage.profile == "test"
        assert storage.keyspaces.get("session").person_scoped
        assert [place.kind for place in storage.places()] == ["memory", "object", "object_index", "graph", "cache"]
        with pytest.raises(InvalidConfig, match="vault"):
            storage.vault.at("connectors")
        assert {"put", "get", "entries", "keyspace"} <= set(dir(storage.memory.at("plain")))


@given(parts=st.lists(st.binary(max_size=300), max_size=6))
@settings(deadline=None, max_examples=20)
def test_what_an_iterator_gives_is_what_is_stored(parts: list[bytes]) -> None:
    with reference_storage().blocking() as storage:
        files = storage.objects.at("plain")
        assert files.put("k", iter(parts)).size == sum(map(len, parts))
        assert files.get("k") == b"".join(parts)


# ----------------------------------------------------------------------------------------------------- running loop


def test_where_a_loop_runs_it_is_refused_at_once() -> None:
    before = loop_threads()

    async def use() -> None:
        with pytest.raises(WrongLoop, match="async with storage"):
            reference_storage().blocking().open()
        with pytest.raises(WrongLoop), reference_storage().blocking():
            pass

    asyncio.run(use())
    assert loop_threads() == before


def test_where_a_loop_runs_calls_of_an_open_one_are_refused_too_and_it_stays_usable() -> None:
    with reference_storage().blocking() as storage:
        notes = storage.memory.at("plain")
        notes.put("k", 1)

        async def use() -> None:
            for call in (lambda: notes.get("k"), lambda: list(notes.keys()), lambda: storage.memory, storage.close):
                with pytest.raises(WrongLoop):
                    call()

        asyncio.run(use())
        assert there(notes.get("k")).value == 1


# --------------------------------------------------------------------------------------------------- life and death


def test_before_opening_and_after_closing_every_use_says_so() -> None:
    blocking = reference_storage().blocking()
    for name in ("memory", "objects", "health", "erase", "profile"):
        with pytest.raises(NotOpen):
            getattr(blocking, name)
    with blocking:
        pass
    for name in ("memory", "objects", "health", "erase", "profile"):
        with pytest.raises(Closed):
            getattr(blocking, name)


def test_what_was_taken_before_closing_is_closed_afterwards() -> None:
    blocking = reference_storage().blocking()
    with blocking as storage:
        store, notes, files = storage.memory, storage.memory.at("plain"), storage.objects.at("plain")
        notes.put("k", 1)
        files.put("k", b"x" * 1_000_000)
        opening = files.open("k")
        body = opening.__enter__()
        keys = notes.keys()
        health = storage.health
    uses: list[Callable[[], Any]] = [
        *(lambda: store.at("plain"), lambda: notes.get("k"), lambda: notes.put("k", 2), lambda: files.get("k")),
        *(body.read, lambda: next(iter(body)), lambda: next(keys), health, lambda: opening.__exit__(None, None, None)),
    ]
    for use in uses:
        with pytest.raises(Closed):
            within(use)


def test_closing_ends_the_thread_and_is_idempotent() -> None:
    blocking = reference_storage().blocking()
    blocking.close()
    for _ in range(2):
        blocking.open()
        assert len(loop_threads()) == 1
        with pytest.raises(InvalidConfig, match="open already"):
            blocking.open()
        blocking.close()
        blocking.close()
        assert loop_threads() == []


@pytest.mark.parametrize("error", [Unavailable("down"), RuntimeError("bug")])
def test_an_open_that_fails_leaves_neither_backend_nor_thread(error: Exception) -> None:
    log = Log(failing={("object_index", "open"): error})
    blocking = Storage(**watched(ManualClock(), log), profile="test").blocking()
    with pytest.raises(type(error)):
        blocking.open()
    assert log.left_open == []
    assert loop_threads() == []
    log.failing.clear()
    with blocking as storage:
        assert storage.health()


def test_a_close_that_fails_still_ends_the_thread() -> None:
    log = Log(failing={("object_index", "close"): Unavailable("stuck")})
    blocking = Storage(**watched(ManualClock(), log), profile="test").blocking().open()
    with pytest.raises(Unavailable):
        blocking.close()
    assert loop_threads() == []
    with pytest.raises(Closed):
        _ = blocking.memory


def test_the_block_closes_when_it_fails() -> None:
    log = Log()
    with pytest.raises(KeyError), Storage(**watched(ManualClock(), log), profile="test").blocking():
        raise KeyError("mine")
    assert log.left_open == []
    assert loop_threads() == []


class Stuck(ReferenceMemory):
    """Never answers an increment, and says when it has been asked."""

    def __init__(self) -> None:
        super().__init__(ManualClock())
        self.asked = threading.Event()

    async def increment_many(self, increments: Sequence[Increment]) -> list[Any]:
        self.asked.set()
        await asyncio.get_running_loop().create_future()
        return []


def test_closing_ends_the_calls_of_other_threads_that_still_wait() -> None:
    memory = Stuck()
    blocking = Storage(memory=memory, profile="test").blocking().open()
    notes = blocking.memory.at("plain")

    def close_meanwhile(_thread: threading.Thread) -> None:
        assert memory.asked.wait(PATIENCE)
        blocking.close()

    with pytest.raises(LifecycleError):
        within(lambda: notes.increment("k"), close_meanwhile)
    assert loop_threads() == []


def test_many_threads_use_one_storage() -> None:
    with reference_storage().blocking() as storage, ThreadPoolExecutor(8) as pool:
        notes = storage.memory.at("plain")
        totals = list(pool.map(lambda _: notes.increment("k"), range(200)))
        assert sorted(totals) == list(range(1, 201))
        assert there(notes.get("k")).value == 200


# ---------------------------------------------------------------------------------------------- the caller's thread


def test_an_iterator_runs_on_the_thread_of_its_caller() -> None:
    seen: list[int] = []

    def source() -> Iterator[bytes]:
        for number in range(5):
            seen.append(threading.get_ident())
            yield bytes([number])
        seen.append(threading.get_ident())

    def use(storage: BlockingStorage) -> int:
        seen.clear()
        storage.objects.at("plain").put("k", source())
        assert set(seen) == {threading.get_ident()}
        return len(seen)

    with reference_storage().blocking() as storage:
        assert use(storage) == 6
        assert within(lambda: use(storage)) == 6
        assert storage.objects.at("plain").get("k") == bytes(range(5))


def test_an_iterator_may_use_the_storage_and_so_may_the_body_of_a_loop() -> None:
    with reference_storage().blocking() as storage:
        notes, files = storage.memory.at("plain"), storage.objects.at("plain")
        notes.put_many({str(number): number for number in range(5)})
        files.put("k", (str(entry.value).encode() for entry in notes.entries()))
        assert files.get("k") == b"01234"
        for entry in notes.entries():
            notes.put(entry.key, entry.value * 2)
        assert [entry.value for entry in notes.entries()] == [0, 2, 4, 6, 8]


class Mine(Exception):
    pass


class Interrupt(BaseException):
    """Like ``KeyboardInterrupt``: no ``Exception``, and raised on the caller's thread."""


def failing(error: BaseException) -> Iterator[bytes]:
    yield b"first"
    raise error


@pytest.mark.parametrize(
    "error", [Mine("m"), Interrupt(), KeyboardInterrupt(), SystemExit(3), GeneratorExit()], ids=repr
)
def test_what_an_iterator_raises_reaches_its_caller_and_nothing_is_stored(error: BaseException) -> None:
    blocking = reference_storage().blocking()

    def use() -> None:
        files = blocking.objects.at("plain")
        try:
            files.put("k", failing(error))
        except type(error) as caught:
            assert caught is error  # noqa: PT017 - pytest.raises would turn a SystemExit of another thread into one of its own
        else:
            pytest.fail("nothing was raised")
        assert files.get("k") is None
        files.put("k", b"afterwards")
        assert files.get("k") == b"afterwards"

    with blocking:
        within(use)
    assert loop_threads() == []


def test_an_interrupted_upload_leaves_no_bytes_behind_once_it_is_closed() -> None:
    clock = ManualClock()
    backends = watched(clock, Log())
    with Storage(**backends, profile="test", clock=clock).blocking() as storage:
        with pytest.raises(Interrupt):
            storage.objects.at("plain").put("k", failing(Interrupt()))
        storage.objects.at("plain").put("other", b"x")
    blobs = asyncio.run(backends["object"].list("", 10))
    assert [blob.size for blob in blobs] == [1]


@pytest.mark.parametrize("wrong", [["a"], [1], [None]])
def test_an_iterator_of_something_else_than_bytes_is_refused(wrong: list[Any]) -> None:
    with reference_storage().blocking() as storage, pytest.raises(InvalidValue):
        storage.objects.at("plain").put("k", iter([b"x", *wrong]))


# ------------------------------------------------------------------------------------------- half-way through a loop


def filled(blocking: BlockingStorage) -> Any:
    notes = blocking.memory.at("plain")
    notes.put_many({f"{number:04}": number for number in range(20)})
    blocking.objects.at("plain").put("k", b"x" * 1_000_000)
    return notes


def test_a_loop_that_is_left_half_way_disturbs_nobody() -> None:
    with reference_storage().blocking() as storage:
        notes = filled(storage)
        body = storage.objects.at("plain").open("k").__enter__()
        walks: list[Any] = [notes.entries(), notes.keys(), iter(body)]
        for walk in walks:
            assert next(walk)
            walk.close()
        abandoned = notes.keys()
        next(abandoned)
        del abandoned
        gc.collect()
        never_started = notes.keys()
        del never_started
        gc.collect()
        assert len(list(notes.keys())) == 20


def test_a_loop_that_outlives_its_storage_ends_with_closed_and_is_let_go_quietly() -> None:
    with reference_storage().blocking() as storage:
        notes = filled(storage)
        first, second = notes.keys(), notes.keys()
        assert next(first) == next(second) == "0000"
    with pytest.raises(Closed):
        within(first.__next__)
    within(second.close)
    gc.collect()
