"""Words of other distributions, installed for the test as metadata on the path."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.core.cli.conftest import Invoke, document

Process = subprocess.CompletedProcess[str]

GOOD = """
from typing import Annotated
import typer
from unison_storage.errors import InvalidConfig

def greet(name: Annotated[str, typer.Option(help="Whom.")] = "you") -> None:
    "Greet somebody."
    print("hello", name)

def fail() -> None:
    "Fail."
    raise InvalidConfig("it is not set")

many = typer.Typer(help="Several words.")

@many.command("one")
def one() -> None:
    "The first."
    print(1)

@many.command("two")
def two() -> None:
    "The second."
    print(2)
"""


def install(folder: Path, name: str, source: str, words: dict[str, str]) -> None:
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(source)
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"{word} = {module}{attribute}" for word, attribute in words.items()]
    (info / "entry_points.txt").write_text("[unison_storage.commands]\n" + "\n".join(lines) + "\n")


def run(folder: Path, *words: str) -> Process:
    command = [sys.executable, "-m", "unison_storage.cli", *words]
    env = {"PYTHONPATH": str(folder), "COLUMNS": "100"}
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False, timeout=60)


def test_a_function_is_a_word(tmp_path: Path) -> None:
    install(tmp_path, "greeting", GOOD, {"greet": ":greet", "fail": ":fail", "many": ":many"})
    assert run(tmp_path, "greet", "--name", "Ada").stdout == "hello Ada\n"
    assert run(tmp_path, "many", "two").stdout == "2\n"
    listed = run(tmp_path, "--help").stdout
    assert "Greet somebody." in listed
    assert "Several words." in listed
    failed = run(tmp_path, "fail")
    assert (failed.returncode, failed.stderr.splitlines()[0]) == (1, "InvalidConfig: it is not set")


@pytest.mark.parametrize(
    ("source", "attribute", "why"),
    [
        ("import no_such_module", ":greet", "No module named 'no_such_module'"),
        ("x = 1", ":greet", "has no attribute 'greet'"),
        ("raise RuntimeError('at import')", ":greet", "at import"),
        ("greet = 3", ":greet", "can't be loaded"),
    ],
)
def test_a_broken_word_spoils_itself_alone(tmp_path: Path, source: str, attribute: str, why: str) -> None:
    install(tmp_path, "broken-one", source, {"greet": attribute})
    listed = run(tmp_path, "--help")
    assert listed.returncode == 0
    assert "Unavailable" in listed.stdout
    assert run(tmp_path, "plugins").returncode == 0
    finished = run(tmp_path, "greet", "--some", "option")
    assert finished.returncode == 1
    assert finished.stderr.startswith("PluginLoadError: the word greet is unavailable: broken_one")
    assert "broken-one 1.0" in finished.stderr
    assert why in finished.stderr
    assert "Traceback" not in finished.stderr


def test_two_distributions_with_one_word_are_both_named(tmp_path: Path) -> None:
    install(tmp_path, "first", GOOD, {"greet": ":greet"})
    install(tmp_path, "second", GOOD, {"greet": ":greet"})
    finished = run(tmp_path, "greet")
    assert finished.returncode == 1
    assert "first and second both offer the word greet" in finished.stderr


def test_nobody_takes_a_word_of_core(tmp_path: Path) -> None:
    install(tmp_path, "greedy", GOOD, {"plugins": ":greet"})
    listed = json.loads(run(tmp_path, "plugins", "--json").stdout)
    assert {"word": "plugins", "distribution": "greedy", "version": "1.0", "module": "greedy:greet"} in listed[
        "commands"
    ]


def test_plugins_lists_schemes_and_words(invoke: Invoke) -> None:
    listed = document(invoke("plugins", "--json"))
    assert {one["scheme"] for one in listed["plugins"]} >= {"reference", "sqlite"}
    assert {one["word"] for one in listed["commands"]} >= {"serve", "dev"}
    assert set(listed["plugins"][0]) == {"scheme", "distribution", "version", "module"}
    text = invoke("plugins").stdout
    assert "sqlite:" in text
    assert "unison-storage-gateway" in text
