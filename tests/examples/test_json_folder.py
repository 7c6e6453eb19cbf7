"""The small backend of ``docs/write-a-plugin.md``: installed from its own folder, it passes the suite and is small."""

from __future__ import annotations

import ast
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

EXAMPLE = Path(__file__).parents[2] / "examples" / "json-folder"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the example is installed beside what is installed here."""
    folder = tmp_path_factory.mktemp("installed")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder), str(EXAMPLE)]
    subprocess.run(command, check=True, timeout=120)
    return {"PYTHONPATH": str(folder)}


def test_its_own_tests_pass(environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE / "test_json_folder.py")]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stdout
    assert " failed" not in done.stdout.splitlines()[-1]
    assert int(done.stdout.splitlines()[-1].split()[0]) > 60


def test_it_is_found_by_its_scheme(environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "unison_storage.cli", "memory", "put", "notes", "a", "--value", '"hello"']
    set_up = {
        **environment,
        "UNISON_STORAGE_PROFILE": "development",
        "UNISON_STORAGE_DATABASE_URL": f"jsonfolder:///{tmp_path}/data",
    }
    subprocess.run(command, env=set_up, check=True, timeout=60, stdout=subprocess.DEVNULL)
    [file] = (tmp_path / "data").glob("*.json")
    assert '"address":"notes\\u001fa"' in file.read_text()


def test_the_backend_is_under_120_lines_of_code() -> None:
    assert 100 < code_lines(EXAMPLE / "storage_json_folder" / "memory.py") < 120


def code_lines(path: Path) -> int:
    """Return how many lines hold code: no blank lines, no comments, no docstrings."""
    source = path.read_text()
    documented: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node
        ):
            text = node.body[0]
            documented |= set(range(text.lineno, (text.end_lineno or 0) + 1))
    nothing = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    lines: set[int] = set()
    for token in tokenize.generate_tokens(iter(source.splitlines(keepends=True)).__next__):
        if token.type not in nothing:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - documented)
