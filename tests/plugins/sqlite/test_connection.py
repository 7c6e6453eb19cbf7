from __future__ import annotations

import asyncio
import random
import sqlite3
import stat
import tempfile
import threading
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.sqlite.surroundings import (
    UNPRIVILEGED,
    HandClock,
    context,
    error_of,
    file_at,
    memory_at,
    migrated,
    output_of,
    python,
)
from unison_storage.contracts.memory import Increment, Put
from unison_storage.errors import Closed, InvalidConfig, NotFound, Tampered, Unavailable
from unison_storage_sqlite.connection import Connection
from unison_storage_sqlite.memory import SqliteMemory
from unison_storage_sqlite.migrations import connected
from unison_storage_sqlite.objects import SqliteObjectIndex

INSERT = "INSERT INTO memory (address, value, version, created, updated) VALUES (?, x'', 'v', 0, 0)"


def insert(database: sqlite3.Connection, now: int, items: Sequence[Any]) -> list[Any]:
    database.executemany(INSERT, [(item,) for item in items])
    return [item if item != "refused" else NotFound("refused") for item in items]


def addresses(database: sqlite3.Connection, now: int, items: Sequence[Any]) -> list[Any]:
    return [[address for (address,) in database.execute("SELECT address FROM memory ORDER BY address")] for _ in items]


def pragma(database: sqlite3.Connection, now: int, items: Sequence[str]) -> list[Any]:
    return [(database.execute(f"PRAGMA {item}").fetchone() or (None,))[0] for item in items]


class Gate:
    """A step that keeps the worker busy until the gate is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()

    def __call__(self, database: sqlite3.Connection, now: int, items: Sequence[Any]) -> list[Any]:
        self.reached.set()
        assert self.open.wait(10)
        return list(items)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def connection_at(path: Path, options: str = "") -> Connection:
    return await Connection.opened(partial(connected, await migrated(path, options)), HandClock())


def test_a_file_is_synced_private_and_in_wal_mode(tmp_path: Path) -> None:
    async def story() -> None:
        connection = await connection_at(tmp_path / "new" / "x.db")
        wanted = {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 5000}
        assert await connection.run(pragma, list(wanted)) == list(wanted.values())
        await connection.run(insert, ["a"], write=True)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()}
        assert modes == {"x.db": 0o600, "x.db-wal": 0o600, "x.db-shm": 0o600}
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
        await connection.close()
        assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.db"]  # checkpointed

    asyncio.run(story())


def test_what_queues_while_the_worker_works_goes_in_one_transaction(tmp_path: Path) -> None:
    async def story() -> None:
        connection = await connection_at(tmp_path / "x.db")
        seen: list[list[str]] = []

        def look(database: sqlite3.Connection, now: int, items: Sequence[str]) -> list[Any]:
            seen.append(list(items))
            return [database.in_transaction for _ in items]

        gate = Gate()
        waiting = connection.run(gate, [None])
        assert await asyncio.to_thread(gate.reached.wait, 10)
        calls = [connection.run(look, [f"w{number}", "x"], write=True) for number in range(3)]
        calls += [connection.run(look, [f"r{number}"]) for number in range(3)]
        gate.open.set()
        assert await asyncio.gather(waiting, *calls) == [[None], *[[True, True]] * 3, *[[False]] * 3]
        assert seen == [["r0", "r1", "r2"], ["w0", "x", "w1", "x", "w2", "x"]]  # reads first, each kind at once
        await connection.close()

    asyncio.run(story())


def test_reads_are_answered_before_the_writes_of_their_hop(tmp_path: Path) -> None:
    async def story() -> None:
        connection = await connection_at(tmp_path / "x.db")
        first, second = Gate(), Gate()
        waiting = connection.run(first, [None])
        assert await asyncio.to_thread(first.reached.wait, 10)
        write = connection.run(second, [None], write=True)
        read = connection.run(addresses, [None])
        first.open.set()
        assert await asyncio.wait_for(read, 10) == [[]]
        assert not write.done()
        second.open.set()
        await asyncio.gather(waiting, write)
        await connection.close()

    asyncio.run(story())


def test_one_bad_item_fails_no_neighbour(tmp_path: Path) -> None:
    async def story() -> None:
        connection = await connection_at(tmp_path / "x.db")
        gate = Gate()
        waiting = connection.run(gate, [None])
        assert await asyncio.to_thread(gate.reached.wait, 10)
        calls = [connection.run(insert, items, write=True) for items in (["a"], ["b", None, "a", "c"], ["d"])]
        gate.open.set()
        *_, one, mixed, other = await asyncio.gather(waiting, *calls)
        assert (one, other) == (["a"], ["d"])
        assert [type(outcome).__name__ for outcome in mixed] == ["str", "AlreadyExists", "AlreadyExists", "str"]
        assert await connection.run(addresses, [None]) == [["a", "b", "c", "d"]]
        await connection.close()

    asyncio.run(story())


def test_a_bug_reaches_its_caller_alone(tmp_path: Path) -> None:
    def bug(database: sqlite3.Connection, now: int, items: Sequence[Any]) -> list[Any]:
        database.execute(INSERT, ("bug",))
        raise KeyError(items[0])

    async def story() -> None:
        connection = await connection_at(tmp_path / "x.db")
        calls = [connection.run(insert, ["a"], write=True), connection.run(bug, ["k"], write=True)]
        found, error = await asyncio.gather(*calls, return_exceptions=True)
        assert (found, type(error)) == (["a"], KeyError)
        assert await connection.run(addresses, [None]) == [["a"]]
        await connection.close()

    asyncio.run(story())


def test_whoever_is_cancelled_in_the_queue_leaves_the_others(tmp_path: Path) -> None:
    async def story() -> None:
        connection = await connection_at(tmp_path / "x.db")

        async def add(address: str) -> list[Any]:
            return await connection.run(insert, [address], write=True)

        gate = Gate()
        waiting = connection.run(gate, [None])
        assert await asyncio.to_thread(gate.reached.wait, 10)
        tasks = [asyncio.ensure_future(add(address)) for address in "abc"]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.sleep(0)
        gate.open.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(outcome).__name__ for outcome in found] == ["list", "CancelledError", "list"]
        await waiting
        assert await connection.run(addresses, [None]) == [["a", "c"]]
        await connection.close()

    asyncio.run(story())


def test_a_commit_that_fails_leaves_no_transaction_open(tmp_path: Path) -> None:
    def orphan(database: sqlite3.Connection, now: int, items: Sequence[Any]) -> list[Any]:
        database.execute("INSERT INTO child VALUES (1)")
        return list(items)

    def tables(database: sqlite3.Connection, now: int, items: Sequence[Any]) -> list[Any]:
        database.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        database.execute("CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
        return list(items)

    async def story() -> None:
        connection = await connection_at(tmp_path / "x.db")
        await connection.run(pragma, ["foreign_keys = ON"])
        await connection.run(tables, [None], write=True)
        gate = Gate()
        waiting = connection.run(gate, [None])
        assert await asyncio.to_thread(gate.reached.wait, 10)
        calls = [connection.run(insert, ["a"], write=True), connection.run(orphan, [1], write=True)]
        gate.open.set()
        _, found, [error] = await asyncio.gather(waiting, *calls)
        assert found == ["a"]
        assert not error.outcome_unknown
        assert await connection.run(insert, ["b"], write=True) == ["b"]
        assert await connection.run(addresses, [None]) == [["a", "b"]]
        await connection.close()

    asyncio.run(story())


def test_a_writer_waits_for_another_one_and_in_the_end_gives_up(tmp_path: Path) -> None:
    async def story() -> None:
        connection = await connection_at(tmp_path / "x.db", "?busy_timeout=0.2")
        with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            calls = [connection.run(insert, [address], write=True) for address in "ab"]
            found: list[Any] = await asyncio.gather(*calls, return_exceptions=True)
            assert [(type(error), error.retryable, error.outcome_unknown) for error in found] == [
                (Unavailable, True, False)
            ] * 2
            assert await connection.run(addresses, [None]) == [[]]  # a reader waits for nobody
            other.execute("ROLLBACK")
        assert await connection.run(insert, ["c"], write=True) == ["c"]
        await connection.close()

        connection = await connection_at(tmp_path / "x.db")
        with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            call = connection.run(insert, ["d"], write=True)
            done, _ = await asyncio.wait([call], timeout=0.1)
            assert not done
            other.execute("COMMIT")
            assert await call == ["d"]
        await connection.close()

    asyncio.run(story())


COUNT = """
import asyncio, sys
from pathlib import Path
from tests.plugins.sqlite.surroundings import memory_at
from unison_storage.contracts.memory import Increment
async def story():
    async with memory_at(Path(sys.argv[1])) as memory:
        for number in range(100):
            calls = [memory.increment_many([Increment("k\\x1fn", 1, f"v{sys.argv[2]}-{number}", None)]) for _ in "ab"]
            await asyncio.gather(*calls)
asyncio.run(story())
"""


def test_two_processes_on_one_file_lose_nothing(tmp_path: Path) -> None:
    for process in [python(COUNT, tmp_path / "x.db", number) for number in range(2)]:
        output_of(process)

    async def story() -> None:
        async with memory_at(tmp_path / "x.db") as memory:
            assert await memory.increment_many([Increment("k\x1fn", 0, "v", None)]) == [400]

    asyncio.run(story())


WRITE = """
import asyncio, sys
from pathlib import Path
from tests.plugins.sqlite.surroundings import memory_at
from unison_storage.contracts.memory import Put
async def story():
    async with memory_at(Path(sys.argv[1])) as memory:
        async def write(caller):
            number = 0
            while True:
                [found] = await memory.put_many([Put(f"k\\x1f{caller}-{number}", b"x" * 3000, "v", None)])
                if isinstance(found, Exception):
                    raise found
                print(f"{caller}-{number}", flush=True)
                number += 1
        await asyncio.gather(*(write(caller) for caller in range(8)))
%s
asyncio.run(story())
"""


@pytest.mark.parametrize("seed", range(4))
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, seed: int) -> None:
    with python(WRITE % "", tmp_path / "x.db") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(random.Random(seed).randrange(1, 400))]
        process.kill()
        lines += process.stdout.readlines()
    written = [line.strip() for line in lines if line.endswith("\n")]
    assert written

    async def story() -> None:
        async with memory_at(tmp_path / "x.db") as memory:
            rows = await memory.get_many([f"k\x1f{name}" for name in written])
            assert [name for name, row in zip(written, rows, strict=True) if row is None] == []

    asyncio.run(story())


FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))"


def test_what_was_acknowledged_survives_a_full_disk(tmp_path: Path) -> None:
    process = python(WRITE % FULL, tmp_path / "x.db")
    out, err = process.communicate(timeout=60)
    assert "Unavailable" in err
    written = out.split()
    assert written

    async def story() -> None:
        async with memory_at(tmp_path / "x.db") as memory:
            assert all(await memory.get_many([f"k\x1f{name}" for name in written]))
            await memory.put_many([Put("k\x1fmore", b"", "v", None)])

    asyncio.run(story())


def test_a_full_file_refuses_what_does_not_fit_and_nothing_else(tmp_path: Path) -> None:
    def limit(database: sqlite3.Connection, now: int, items: Sequence[Any]) -> list[Any]:
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        return [database.execute(f"PRAGMA max_page_count = {pages + 5}").fetchone() for _ in items]

    async def story() -> None:
        async with memory_at(tmp_path / "x.db") as memory:
            await memory._session.run(limit, [None])
            puts = [
                Put("k\x1fa", b"a", "v", None),
                Put("k\x1fbig", b"x" * 100_000, "v", None),
                Put("k\x1fb", b"", "v", None),
            ]
            first, big, last = await memory.put_many(puts)
            assert isinstance(big, Unavailable)
            assert (big.retryable, big.outcome_unknown) == (True, False)
            assert not isinstance(first, Exception)
            assert not isinstance(last, Exception)
            assert await memory.count("k\x1f") == 2

    asyncio.run(story())


def test_damage_is_noticed_and_nothing_of_it_handed_out(tmp_path: Path) -> None:
    async def story() -> None:
        async with memory_at(tmp_path / "x.db") as memory:
            await memory.put_many([Put(f"k\x1f{number}", b"x" * 500, "v", None) for number in range(200)])
        data = (tmp_path / "x.db").read_bytes()
        (tmp_path / "x.db").write_bytes(data[: 16 * 4096] + bytes(b ^ 0xFF for b in data[16 * 4096 :]))
        async with memory_at(tmp_path / "x.db") as memory:
            with pytest.raises(Tampered):
                await memory.get_many([f"k\x1f{number}" for number in range(200)])

    asyncio.run(story())


@pytest.mark.parametrize("content", [b"this is a text file, and a rather long one at that\n" * 100, b"\x00" * 5000])
def test_what_is_no_database_is_refused_by_the_name_of_the_setting(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.db").write_bytes(content)
    error = error_of(SqliteMemory(file_at(tmp_path / "x.db"), context()).open())
    assert isinstance(error, InvalidConfig)
    assert "UNISON_STORAGE_MEMORY_URL" in error.message
    assert (tmp_path / "x.db").read_bytes() == content
    folder = error_of(SqliteMemory(file_at(tmp_path), context()).open())
    assert isinstance(folder, InvalidConfig)


READ_ONLY = """
import asyncio, sys
from pathlib import Path
from tests.plugins.sqlite.surroundings import context, file_at
from unison_storage.contracts.memory import Put
from unison_storage.errors import StorageError
from unison_storage_sqlite.memory import SqliteMemory
from unison_storage_sqlite.migrations import SqliteMigrations, steps
steps()  # whatever is to be imported or read is so before the privileges are gone
%s
async def story():
    file = file_at(Path(sys.argv[1]))
    memory = SqliteMemory(file, context())
    try:
        assert (await SqliteMigrations(file).apply()).current
        await memory.open()
        print((await memory.get_many(["k\\x1fa"]))[0].value.decode())
        [outcome] = await memory.put_many([Put("k\\x1fb", b"", "v", None)])
        if isinstance(outcome, StorageError):
            raise outcome
    except StorageError as error:
        print(type(error).__name__, error.outcome_unknown)
    await memory.close()
asyncio.run(story())
"""


@pytest.mark.parametrize(
    ("mode", "wanted"), [(0o777, ["read", "Unavailable", "False"]), (0o555, ["Unavailable", "False"])]
)
def test_a_file_that_may_not_be_written_can_be_read_where_sqlite_can(mode: int, wanted: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to other users
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "x").mkdir()

        async def story() -> None:
            async with memory_at(folder / "x" / "x.db") as memory:
                await memory.put_many([Put("k\x1fa", b"read", "v", None)])

        asyncio.run(story())
        (folder / "x" / "x.db").chmod(0o444)
        (folder / "x").chmod(mode)
        found = output_of(python(READ_ONLY % UNPRIVILEGED, folder / "x" / "x.db")).split()
        (folder / "x").chmod(0o755)
        assert found == wanted


def test_close_answers_what_is_queued_and_leaves_nothing_open(tmp_path: Path) -> None:
    async def story() -> None:
        await migrated(tmp_path / "x.db")
        threads, files = threading.active_count(), open_files()
        connection = await connection_at(tmp_path / "x.db")
        calls = [connection.run(insert, [str(number)], write=True) for number in range(10)]
        await asyncio.gather(connection.close(), connection.close())
        await connection.close()
        assert [call.result() for call in calls] == [[str(number)] for number in range(10)]
        with pytest.raises(Closed):
            connection.run(addresses, [None])
        assert (threading.active_count(), open_files()) == (threads, files)

    asyncio.run(story())


def test_kinds_of_one_file_share_a_connection_and_the_last_one_closes_it(tmp_path: Path) -> None:
    async def story() -> None:
        file, surroundings = await migrated(tmp_path / "x.db"), context()
        threads = threading.active_count()
        memory, objects = SqliteMemory(file, surroundings), SqliteObjectIndex(file, surroundings)
        await asyncio.gather(memory.open(), objects.open())
        assert threading.active_count() == threads + 1
        await memory.close()
        await memory.close()
        assert await objects.get_many(["k\x1fa"]) == [None]
        await objects.close()
        assert threading.active_count() == threads

    asyncio.run(story())


def test_opening_that_fails_or_is_cancelled_leaves_nothing_open(tmp_path: Path) -> None:
    async def story() -> None:
        threads = threading.active_count()
        gate = Gate()

        def slow() -> sqlite3.Connection:
            database = sqlite3.connect(tmp_path / "x.db")
            gate(database, 0, [])
            return database

        task = asyncio.ensure_future(Connection.opened(slow, HandClock()))
        assert await asyncio.to_thread(gate.reached.wait, 10)
        threads = threading.active_count() - 1  # asyncio.to_thread keeps its own
        task.cancel()
        gate.open.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert threading.active_count() == threads
        with pytest.raises(Unavailable):
            await Connection.opened(partial(sqlite3.connect, tmp_path / "no" / "x.db"), HandClock())
        assert threading.active_count() == threads

    asyncio.run(story())
