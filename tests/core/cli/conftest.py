from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from unison_storage.cli.app import app

Invoke = Callable[..., Result]
Start = Callable[..., "subprocess.CompletedProcess[bytes]"]

PREFIX = "UNISON_STORAGE_"


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    """The environment of every command: a database file of its own, in the development profile."""
    return {
        f"{PREFIX}PROFILE": "development",
        f"{PREFIX}DATABASE_URL": f"sqlite:///{tmp_path}/data/x.db",
        "COLUMNS": "100",
    }


@pytest.fixture
def invoke(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Run a command in this process; keyword arguments are settings in lower case, without prefix."""

    def run(*words: str, input: bytes | str | None = None, **changed: str) -> Result:
        with monkeypatch.context() as patch:
            for name, value in {**settings, **environment(changed)}.items():
                patch.setenv(name, value)
            return CliRunner().invoke(app, list(words), input=input)

    return run


@pytest.fixture
def start(settings: dict[str, str]) -> Start:
    """Run a command as a process of its own."""

    def run(*words: str, input: bytes = b"", **changed: str) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "unison_storage.cli", *words]
        env = {**settings, **environment(changed)}
        return subprocess.run(command, input=input, capture_output=True, env=env, check=False, timeout=60)

    return run


def environment(changed: dict[str, str]) -> dict[str, str]:
    return {f"{PREFIX}{name.upper()}": value for name, value in changed.items()}


def document(result: Result) -> Any:
    """Return stdout as the one JSON document that it has to be."""
    return json.loads(result.stdout)
