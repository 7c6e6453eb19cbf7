"""What the tests of the SQLite plugin share: a clock to move, files, and processes of their own."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, closing
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from unison_storage.contracts.backend import Backend
from unison_storage.contracts.context import Context
from unison_storage.errors import StorageError
from unison_storage.profiles import Profile
from unison_storage.targets import Target
from unison_storage.telemetry import Telemetry
from unison_storage_conformance.harness import Harness
from unison_storage_sqlite.blobs import FolderBlobs
from unison_storage_sqlite.config import File, Folder
from unison_storage_sqlite.harness import folder_hooks
from unison_storage_sqlite.memory import SqliteMemory
from unison_storage_sqlite.migrations import SqliteMigrations

T = TypeVar("T")

START = 1_767_225_600_000_000
SECOND = 1_000_000


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return self.at / SECOND

    async def sleep(self, seconds: float) -> None:
        self.at += round(seconds * SECOND)
        await asyncio.sleep(0)


def context(clock: HandClock | None = None) -> Context:
    return Context(Profile.TEST, clock or HandClock(), Telemetry())


def file_at(path: Path, options: str = "") -> File:
    return File.of(Target.parse(f"sqlite:///{path}{options}", "UNISON_STORAGE_MEMORY_URL"))


async def migrated(path: Path, options: str = "") -> File:
    file = file_at(path, options)
    await SqliteMigrations(file).apply()
    return file


@cache
def template() -> bytes:
    """Return a file that is migrated and empty: what every example of a state machine starts from."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(migrated(Path(folder) / "x.db"))
        return (Path(folder) / "x.db").read_bytes()


def unsynced(database: sqlite3.Connection, now: int, items: Sequence[None]) -> list[Any]:
    """A step that makes writes quick, for state machines: they ask for answers, not for durability."""
    return [database.execute("PRAGMA synchronous = OFF").fetchone() for _ in items]


def traced(database: sqlite3.Connection, now: int, hearers: Sequence[Any]) -> list[None]:
    """A step that lets each statement of the connection be heard before it runs; ``None`` ends that."""
    for hearer in hearers:
        database.set_trace_callback(hearer)
    return [None] * len(hearers)


@asynccontextmanager
async def memory_at(path: Path, options: str = "", clock: HandClock | None = None) -> AsyncIterator[SqliteMemory]:
    memory = SqliteMemory(await migrated(path, options), context(clock))
    await memory.open()
    try:
        yield memory
    finally:
        await memory.close()


def scans(path: Path, statements: ModuleType) -> dict[str, list[str]]:
    """Return what the statements of a module read from end to end, by their names: tables, common tables and aliases.

    Lists that came in as JSON and subqueries without a name are left out.
    """
    found: dict[str, list[str]] = {}
    with closing(sqlite3.connect(path)) as database:
        for name, statement in vars(statements).items():
            if name.isupper() and not name.startswith("_"):
                named = re.findall(r":([a-z_]+)", statement)
                unnamed = len(set(re.findall(r"\?\d", statement))) or statement.count("?")
                arguments = dict.fromkeys(named) if named else [None] * unnamed
                plan = database.execute(f"EXPLAIN QUERY PLAN {statement}", arguments).fetchall()
                steps = [step for *_, step in plan if step.startswith("SCAN") and "VIRTUAL TABLE" not in step]
                read = {step.split()[1] for step in steps if "(" not in step and "CONSTANT ROW" not in step}
                if read:
                    found[name] = sorted(read)
    return found


def error_of(call: Coroutine[Any, Any, object]) -> StorageError:
    """Run a coroutine that has to fail, and return its error."""
    try:
        asyncio.run(call)
    except StorageError as error:
        return error
    raise AssertionError("nothing was raised")


def kinds(outcomes: list[Any]) -> list[Any]:
    """Return outcomes with errors replaced by their classes, so that they compare."""
    return [type(outcome) if isinstance(outcome, StorageError) else outcome for outcome in outcomes]


UNPRIVILEGED = """
import os
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
"""
"""Lines of a script after which permissions bind it, also where the tests run as root."""


def python(script: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a Python process with the import path of this one."""
    paths = f"import sys; sys.path[:0] = {[path for path in sys.path if path]!r}\n"
    return subprocess.Popen(
        [sys.executable, "-B", "-c", paths + script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
    )


def output_of(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


class InFolder(Harness):
    """A folder of blobs, without what a plugin has beside its backends: a folder has no migrations."""

    kinds = ("object",)

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def backend(self, part: str, context: Context) -> Backend | None:
        """See ``Harness``."""
        return FolderBlobs(Folder(Path(self._folder), "the folder"), context) if part == "object" else None

    async def age(self, seconds: float) -> None:
        """Make all blobs older."""
        hooks = folder_hooks(Folder(Path(self._folder), "the folder"))
        assert hooks.age is not None
        await hooks.age(seconds)
