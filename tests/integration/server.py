"""A real gateway in a process of its own, for tests that kill it."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.services.ports import free_port

DEADLINE = 60.0


class Server:
    """``unison-storage serve`` on one SQLite file. Started and stopped as often as a test likes."""

    def __init__(self, folder: Path) -> None:
        self.token = secrets.token_urlsafe(32)
        self.port = free_port()
        self._folder = folder
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("UNISON_STORAGE_")}  # noqa: TID251 - a process that is started gets its environment from here
        return {
            **inherited,
            "UNISON_STORAGE_PROFILE": "development",
            "UNISON_STORAGE_DATABASE_URL": f"sqlite:///{self._folder}/storage.db",
            "UNISON_STORAGE_HTTP_PORT": str(self.port),
            "UNISON_STORAGE_HTTP_TOKEN": self.token,
        }

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}",
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=DEADLINE,
            trust_env=False,
        )

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "unison_storage.cli", "serve"],
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until = time.monotonic() + DEADLINE
        while time.monotonic() < until:
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/readyz", trust_env=False).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"the server did not start: {self._log.read_text()[-2000:]}")

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(DEADLINE)

    def stop(self) -> int:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(DEADLINE)
