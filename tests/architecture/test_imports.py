"""Importing a package does nothing: no driver, no web framework, no environment, no I/O."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

DRIVERS = {"aiosqlite", "alembic", "psycopg", "sqlite3", "_sqlite3", "sqlalchemy"}
WEB = {"fastapi", "starlette", "uvicorn", "httptools"}
PACKAGES = [
    "unison_storage",
    "unison_storage_conformance",
    "unison_storage_gateway",
    "unison_storage_postgres",
    "unison_storage_sqlite",
]

# Prints the names of all modules that the code has loaded.
LOADED = """
import json, sys
{code}
print(json.dumps(sorted(sys.modules)))
"""

# Runs the command and reports its exit code and what it has loaded on the last line, after its own output.
COMMAND = """
import json, sys
from unison_storage.cli import main
sys.argv = ["unison-storage", *{arguments!r}]
try:
    code = main()
except SystemExit as stop:
    code = stop.code
print()
print(json.dumps([code or 0, sorted(sys.modules)]))
"""

# Imports every module of a package, and reports what our own files ask of the environment and of the system meanwhile.
QUIET = """
import importlib, json, os, pkgutil, sys

package, folder = {package!r}, os.sep + {package!r} + os.sep
standard = (os.path.dirname(os.__file__), "<frozen")
acts = []

def ours():
    # Who asks may stand behind functions of the standard library; what other modules do when imported is theirs.
    frame = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        if folder in file:
            return True
        if file.startswith("<frozen importlib") or "site-packages" in file or not file.startswith(standard):
            return False
        frame = frame.f_back
    return False

class Watched(dict):
    def __getitem__(self, key):
        if ours(): acts.append("environment: " + str(key))
        return super().__getitem__(key)
    def get(self, key, default=None):
        if ours(): acts.append("environment: " + str(key))
        return super().get(key, default)
    def __contains__(self, key):
        if ours(): acts.append("environment: " + str(key))
        return super().__contains__(key)
    def __iter__(self):
        if ours(): acts.append("environment: all")
        return super().__iter__()
    def items(self):
        if ours(): acts.append("environment: all")
        return super().items()
    def copy(self):
        if ours(): acts.append("environment: all")
        return super().copy()

def audit(event, arguments):
    if event in {{"socket.connect", "socket.bind", "sqlite3.connect", "subprocess.Popen", "os.mkdir", "os.listdir"}}:
        if ours(): acts.append(event)
    elif event == "open" and not str(arguments[0]).endswith((".py", ".pyc", ".so")) and ours():
        acts.append("open: " + str(arguments[0]))

root = importlib.import_module(package)
names = [found.name for found in pkgutil.walk_packages(root.__path__, package + ".") if "__main__" not in found.name]
for name in [package, *names]:
    sys.modules.pop(name, None)
os.environ = Watched(os.environ)
sys.addaudithook(audit)
for name in [package, *names]:
    importlib.import_module(name)
print(json.dumps([names, acts]))
"""


def python(code: str) -> Any:
    """Run code in a fresh interpreter and return what its last line says."""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout.splitlines()[-1])


def loaded(code: str) -> set[str]:
    return set(python(LOADED.format(code=code)))


def test_the_first_import_is_light() -> None:
    heavy = {"pydantic", "pluggy", "typer", "rich", "cryptography", "asyncpg", "unison_storage_sqlite"}
    names = loaded("import unison_storage; unison_storage.Storage")
    assert "unison_storage.storage" in names
    assert names & (heavy | DRIVERS | WEB) == set()


@pytest.mark.parametrize(
    "module",
    [
        "unison_storage_sqlite",
        "unison_storage_sqlite.plugin",
        "unison_storage_postgres",
        "unison_storage_postgres.plugin",
    ],
)
def test_a_plugin_is_found_without_its_driver(module: str) -> None:
    assert loaded(f"import {module}") & (DRIVERS | WEB) == set()


@pytest.mark.parametrize("module", ["unison_storage_gateway", "unison_storage_gateway.commands"])
def test_the_words_of_the_gateway_are_known_without_the_web_framework(module: str) -> None:
    assert loaded(f"import {module}") & (DRIVERS | WEB) == set()


@pytest.mark.parametrize("arguments", [["--help"], ["plugins"]])
def test_a_command_loads_only_what_it_needs(arguments: list[str]) -> None:
    code, names = python(COMMAND.format(arguments=arguments))
    assert code == 0
    assert set(names) & (DRIVERS | WEB) == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_asks_nothing_of_the_environment_and_the_system(package: str) -> None:
    names, acts = python(QUIET.format(package=package))
    assert names
    assert acts == []


@pytest.mark.parametrize(
    "statement",
    [
        "import os\nVALUE = os.environ.get('UNISON_STORAGE_PROFILE')",
        "import os\nVALUE = os.getenv('HOME')",
        "import os\nVALUE = {**os.environ}",
        "VALUE = open('/dev/null')",
        "import sqlite3\nVALUE = sqlite3.connect(':memory:')",
    ],
)
def test_a_package_that_acts_when_imported_is_found(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    package = tmp_path / "acts_when_imported"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "module.py").write_text(statement + "\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    _, acts = python(QUIET.format(package=package.name))
    assert acts
