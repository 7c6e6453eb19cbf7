"""A real PgBouncer for tests, on loopback, before a server of these tests. What is tried through it stands there."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from tests.services import postgres
from tests.services.ports import free_port

_NOBODY = 65_534
_CONF = """
[databases]
* = host=127.0.0.1 port={server}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users
admin_users = postgres
stats_users = unison_storage_test_service
pool_mode = {mode}
default_pool_size = 20
max_client_conn = 500
logfile = {folder}/log
pidfile = {folder}/pid
"""


def program() -> str:
    """Return the path of the system's PgBouncer. It has to be there in CI; elsewhere what needs it is skipped."""
    found = shutil.which("pgbouncer")
    if found is None:
        assert not os.environ.get("CI"), "pgbouncer is not installed: run make services"  # noqa: TID251 - see postgres
        pytest.skip("pgbouncer is not installed: make services does it")
    return found


class Started:
    """A pooler of this run's own. It is stopped when this process ends."""

    def __init__(self, server: postgres.Started, mode: str = "transaction", **settings: str) -> None:
        self._server = server
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="unison-storage-pgbouncer-"))
        (self._folder / "conf").write_text(
            _CONF.format(server=server.port, port=self.port, folder=self._folder, mode=mode)
            + "".join(f"{name} = {value}\n" for name, value in settings.items())
        )
        users = "".join(f'"{name}" "{server.password}"\n' for name in ("postgres", "unison_storage_test_service"))
        (self._folder / "users").write_text(users)
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.remove)

    def url(self, database: str) -> str:
        """Return the URL of a database behind it."""
        return f"postgresql://postgres:{self._server.password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers; the server runs."""
        if self._process is not None:
            return
        user = _NOBODY if os.getuid() == 0 else None
        if user is not None:
            for path in (self._folder, *self._folder.iterdir()):
                os.chown(path, user, user)
        self._process = subprocess.Popen(
            [program(), "-q", str(self._folder / "conf")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            start_new_session=True,
        )
        until = time.monotonic() + postgres.DEADLINE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PgBouncer did not start:\n{(self._folder / 'log').read_text()}")
            time.sleep(0.02)

    def remove(self) -> None:
        """Stop it and forget what it had."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(postgres.DEADLINE)
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True
