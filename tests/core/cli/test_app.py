"""Words, their help, and what a command loads."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

import unison_storage
from tests.architecture.source import ROOT
from tests.core.cli.conftest import Invoke, Start
from unison_storage.cli.app import app

LACKING = """
import sys
sys.modules[{module!r}] = None
from unison_storage.cli import main
main()
"""


def commands(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command of core."""
    command = command or typer.main.get_command(app)
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            yield from commands(inner, (*path, name))
    else:
        yield path


ALL = sorted(commands())


def test_every_word_of_the_specification_is_there() -> None:
    memory = {"get", "put", "delete", "touch", "increment", "exists", "list", "keys", "count", "delete-prefix"}
    objects = {"put", "get", "head", "delete", "list", "count", "copy", "download", "url", "delete-prefix"}
    graph = {
        *("upsert-nodes", "upsert-edges", "get-node", "get-edge", "delete-node", "delete-edge"),
        *("neighbors", "traverse", "shortest-path", "find-nodes", "stats", "clear", "model"),
        *("backup", "restore", "lint"),
    }
    cache = {
        *("get", "set", "add", "delete", "touch", "increment", "count", "delete-prefix"),
        *("acquire", "renew", "release"),
    }
    single = {"check", "doctor", "plugins", "migrate", "copy", "sweep", "reconcile", "erase"}
    assert set(ALL) == {
        *((word,) for word in single),
        *(("memory", word) for word in memory),
        *(("object", word) for word in objects),
        *(("graph", word) for word in graph),
        *(("cache", word) for word in cache),
        ("config", "explain"),
        ("tokens", "new"),
    }


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_help_has_an_example_and_speaks_of_json(invoke: Invoke, words: tuple[str, ...]) -> None:
    result = invoke(*words, "--help")
    assert result.exit_code == 0
    assert "Example" in result.stdout
    assert f"unison-storage {' '.join(words)}" in result.stdout.partition("Example")[2]
    assert "--json" in result.stdout


@pytest.mark.parametrize("words", [word for word in ALL if word[0] in ("memory", "object", "cache")], ids=" ".join)
def test_usage_reads_as_in_the_documentation(invoke: Invoke, words: tuple[str, ...]) -> None:
    usage = next(line for line in invoke(*words, "--help").stdout.splitlines() if "Usage:" in line)
    assert "KEYSPACE [SEGMENT]..." in usage
    assert "{" not in usage


def test_help_lists_all_words_and_those_of_other_distributions(invoke: Invoke) -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    for word in {words[0] for words in ALL} | {"serve", "dev"}:
        assert f" {word} " in result.stdout


@pytest.mark.parametrize("words", [word for word in ALL if word[0] == "graph"], ids=" ".join)
def test_the_usage_of_graph_names_its_words_and_the_space(invoke: Invoke, words: tuple[str, ...]) -> None:
    shown = invoke(*words, "--help").stdout
    assert "{" not in next(line for line in shown.splitlines() if "Usage:" in line)
    assert ("--space" in shown) is (words[1] not in ("model", "backup", "restore", "lint"))


@pytest.mark.parametrize("words", [[], ["memory"], ["object"], ["graph"], ["cache"], ["tokens"], ["config"]])
def test_without_a_word_there_is_help(invoke: Invoke, words: list[str]) -> None:
    result = invoke(*words)
    assert result.exit_code == 2
    assert "Usage" in result.output


def test_the_reference_names_every_command() -> None:
    reference = (ROOT / "docs/cli.md").read_text()
    for words in ALL:
        assert f"| `{' '.join(words)}" in reference, words
        assert f"unison-storage {' '.join(words)}" in reference, words


def test_a_mistyped_word_gets_a_hint(invoke: Invoke) -> None:
    result = invoke("memry")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Did you mean 'memory'?" in result.stderr


def test_version(start: Start) -> None:
    finished = start("--version")
    assert (finished.returncode, finished.stdout.decode()) == (0, f"unison-storage {unison_storage.__version__}\n")


@pytest.mark.parametrize("module", ["typer", "rich"])
def test_without_the_extra_it_says_what_to_install(module: str) -> None:
    code = LACKING.format(module=module)
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 1
    assert finished.stderr == (
        "unison-storage: the command line needs typer and rich: pip install 'unison-storage[cli]'\n"
    )


@pytest.mark.parametrize("words", [["--help"], ["plugins"], ["memory", "put", "--help"], ["graph", "model"]])
def test_no_driver_and_no_web_framework_for_help(words: list[str]) -> None:
    code = (
        "import json, sys\n"
        "from unison_storage.cli import main\n"
        f"sys.argv = ['unison-storage', *{words!r}]\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "print()\nprint(json.dumps(sorted(sys.modules)))"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(finished.stdout.splitlines()[-1]))
    assert loaded & {"sqlite3", "sqlalchemy", "fastapi", "starlette", "uvicorn"} == set()
