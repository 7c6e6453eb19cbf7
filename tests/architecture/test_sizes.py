"""Sizes and words that a person can still take in; ruff has no rule for these."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import pytest

from tests.architecture.source import MEMBERS, ROOT, line_count, modules, name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODULE_WARNS = 300
MODULE = 500
FUNCTION = 50
# the first pattern that fits a module's path decides
LIMITS = {
    "core/src/*/contracts/*.py": 300,
    "core/src/*/layers/*.py": 200,
    "plugins/*/src/*/plugin.py": 120,
    "plugins/*/src/*/errors.py": 120,
    "*": MODULE,
}

# such a name says nothing about what is inside, so anything ends up there
BANNED_NAMES = re.compile(r"(utils?|helpers?|managers?|common|base|misc)")
# comments tell why the code is as it is, not how it came to be
NARRATING = re.compile(r"\b(previously|no longer|legacy|phase \d)\b", re.IGNORECASE)
UNFINISHED = re.compile(r"\b(TODO|FIXME)\b")


def limit(path: str) -> int:
    return next(lines for pattern, lines in LIMITS.items() if fnmatchcase(path, pattern))


def long_functions(source: str) -> Iterator[tuple[str, int]]:
    """Yield name and lines of each function that is too long; its docstring does not count."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node) is not None
            docstring = node.body[0]
            words = (docstring.end_lineno or 0) - docstring.lineno + 1 if documented else 0
            lines = (node.end_lineno or 0) - node.lineno + 1 - words
            if lines > FUNCTION:
                yield node.name, lines


def prose(source: str) -> Iterator[str]:
    """Yield the comments and docstrings of a module."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def banned_words(source: str) -> list[str]:
    text = "\n".join(prose(source))
    return [found.group() for pattern in (NARRATING, UNFINISHED) for found in pattern.finditer(text)]


@pytest.fixture(scope="module")
def paths() -> list[Path]:
    found = modules()
    assert ROOT / "core/src/unison_storage/__init__.py" in found
    return found


def test_no_module_is_too_long(paths: list[Path]) -> None:
    too_long = [f"{name(path)}: {line_count(path)}" for path in paths if line_count(path) > limit(name(path))]
    assert too_long == []


def test_no_function_is_too_long(paths: list[Path]) -> None:
    too_long = [
        f"{name(path)}: {function} has {lines} lines"
        for path in paths
        for function, lines in long_functions(path.read_text())
    ]
    assert too_long == []


def test_file_names_say_what_is_inside(paths: list[Path]) -> None:
    words = {name(path): [word.strip("_") for word in path.relative_to(ROOT).with_suffix("").parts] for path in paths}
    assert [path for path in words if any(BANNED_NAMES.fullmatch(word) for word in words[path])] == []


def test_comments_do_not_narrate(paths: list[Path]) -> None:
    found = {name(path): words for path in paths if (words := banned_words(path.read_text()))}
    assert found == {}


def test_documents_are_finished() -> None:
    folders = [ROOT, *MEMBERS]
    documents = [*(path for folder in folders for path in folder.glob("*.md")), *(ROOT / "docs").rglob("*.md")]
    assert ROOT / "CHANGELOG.md" in documents
    assert [name(path) for path in documents if UNFINISHED.search(path.read_text())] == []


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        ("core/src/unison_storage/contracts/memory.py", 300),
        ("core/src/unison_storage/layers/retry.py", 200),
        ("core/src/unison_storage/errors.py", 500),
        ("plugins/sqlite/src/unison_storage_sqlite/errors.py", 120),
        ("plugins/sqlite/src/unison_storage_sqlite/plugin.py", 120),
        ("plugins/sqlite/src/unison_storage_sqlite/memory.py", 500),
        ("tests/core/test_errors.py", 500),
    ],
)
def test_each_module_has_the_limit_of_its_place(path: str, lines: int) -> None:
    assert limit(path) == lines


def test_a_long_function_is_found_and_its_docstring_does_not_count() -> None:
    docstring = '    """' + "word\n" * 60 + '    """\n'
    body = "    x = 1\n"
    assert list(long_functions("def short():\n" + docstring + body * 49)) == []
    assert list(long_functions("async def long():\n" + docstring + body * 50)) == [("long", 51)]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('"""Previously a dict."""', ["Previously"]),
        ("x = 1  # the legacy format, see phase 1", ["legacy", "phase 1"]),
        ('class A:\n    """A key\n    that is no longer used."""', ["no longer"]),
        ("def f():\n    pass  # TODO", ["TODO"]),
        ('TEXT = "legacy, TODO"', []),
        ("# two phases, todo list", []),
    ],
)
def test_banned_words_are_found_in_comments_and_docstrings_only(source: str, words: list[str]) -> None:
    assert banned_words(source) == words
