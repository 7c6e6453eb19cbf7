"""Importing the package does nothing, and brings each public name from where it is defined."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest

import unison_storage

HEAVY = [
    "aiosqlite",
    "cryptography",
    "fastapi",
    "obstore",
    "pluggy",
    "pydantic",
    "rich",
    "sqlite3",
    "starlette",
    "typer",
]


def in_a_fresh_interpreter(code: str, **environment: str) -> Any:
    """Return what the code leaves in ``answer``."""
    program = f"import json, sys\n{code}\nprint(json.dumps(answer))"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "code", ["import unison_storage", "from unison_storage import Storage", "from unison_storage.errors import *"]
)
def test_importing_loads_no_driver_and_no_framework(code: str) -> None:
    loaded = in_a_fresh_interpreter(f"{code}\nanswer = sorted(sys.modules)")
    assert "unison_storage" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_importing_reads_no_settings_and_makes_none_of_its_own_modules_but_itself() -> None:
    code = "import unison_storage\nanswer = [name for name in sys.modules if name.startswith('unison_storage')]"
    assert in_a_fresh_interpreter(code, UNISON_STORAGE_NONSENSE="1", UNISON_STORAGE_CONFIG="/none") == [
        "unison_storage"
    ]


def test_making_a_storage_reads_no_settings() -> None:
    code = "from unison_storage import Storage\nanswer = str(Storage(profile='test').profile)"
    assert in_a_fresh_interpreter(code, UNISON_STORAGE_NONSENSE="1", UNISON_STORAGE_CONFIG="/none") == "test"


@pytest.mark.parametrize("module", sorted(unison_storage._WHERE))
def test_each_name_is_what_its_module_defines(module: str) -> None:
    for name in unison_storage._WHERE[module]:
        assert getattr(unison_storage, name) is getattr(import_module(module), name)
        assert getattr(getattr(unison_storage, name), "__module__", module) == module


def test_a_star_import_brings_every_public_name() -> None:
    code = "from unison_storage import *\nanswer = [name for name in globals() if not name.startswith('__')]"
    public = [name for name in unison_storage.__all__ if not name.startswith("__")]
    assert set(public) <= set(in_a_fresh_interpreter(code))


def test_a_name_is_looked_up_once() -> None:
    code = "import unison_storage\nunison_storage.Keyspace\nanswer = 'Keyspace' in vars(unison_storage)"
    assert in_a_fresh_interpreter(code) is True


def test_what_is_no_name_is_an_attribute_error_and_an_import_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Vault2'"):
        _ = unison_storage.Vault2
    with pytest.raises(ImportError):
        exec("from unison_storage import Vault2")  # noqa: S102 - the statement is what is tested
