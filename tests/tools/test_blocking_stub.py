"""The types of the blocking doorway are those of the stores as they are now."""

from __future__ import annotations

import ast

from tests.tools.blocking_stub import CLASSES, CORE, STUB, written


def test_the_stub_is_what_the_stores_say_now() -> None:
    assert STUB.read_text() == written(), "run: python -m tests.tools.blocking_stub"


def test_it_has_every_class_and_nothing_to_await() -> None:
    tree = ast.parse(STUB.read_text())
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    assert classes == {f"Blocking{name}" for _, name in CLASSES}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]


def test_every_public_class_of_the_stores_that_callers_hold_has_a_twin() -> None:
    named = {name for _, name in CLASSES}
    for path in ("stores/memory.py", "stores/objects.py"):
        tree = ast.parse((CORE / path).read_text())
        assert {node.name for node in tree.body if isinstance(node, ast.ClassDef)} <= named
