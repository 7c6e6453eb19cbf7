"""The types of the blocking doorway, made from the stores themselves: ``blocking.pyi``. Writes it when run.

The doorway has no code of its own for any method, so its types can't be written beside them; a type checker and an
editor still have to know that ``notes.get(…)`` is an entry there and needs no ``await``.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

CORE = Path(__file__).parents[2] / "core" / "src" / "unison_storage"
STUB = CORE / "blocking.pyi"

CLASSES = (
    ("stores/body.py", "Body"),
    ("stores/memory.py", "MemoryStore"),
    ("stores/memory.py", "Memory"),
    ("stores/objects.py", "ObjectStore"),
    ("stores/objects.py", "Objects"),
    ("stores/upkeep.py", "Upkeep"),
    ("stores/graph.py", "Graph"),
    ("stores/everywhere.py", "Everywhere"),
    ("stores/leases.py", "Lease"),
    ("stores/cache.py", "CacheStore"),
    ("stores/cache.py", "Cache"),
    ("storage.py", "Storage"),
)
INTERNAL = {"blocking", "from_env", "drain", "remove", "give_up", "arguments"}
RENAMED = {
    **{name: f"Blocking{name}" for _, name in CLASSES},
    "Opening": "AbstractContextManager[BlockingBody]",
    "AsyncIterator": "Iterator",
    "Source": "BlockingSource",
}
HEAD = '''"""The types of the blocking doorway, made by `python -m tests.tools.blocking_stub`; do not edit."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeAlias, TypeVar, overload

from unison_storage.assembly import Place
from unison_storage.capabilities import Capability
from unison_storage.contracts.graph import Stray
from unison_storage.contracts.migrations import Migrations
from unison_storage.errors import StorageError
from unison_storage.graph_model import GraphModel
from unison_storage.guards import Finding
from unison_storage.keyspaces import Keyspaces
from unison_storage.plan import Plan
from unison_storage.profiles import Profile
from unison_storage.storage import Storage
from unison_storage.stores.arguments import GivenLifetime
from unison_storage.stores.cache import GivenSeconds
from unison_storage.stores.cached import Cached, P, R
from unison_storage.stores.filling import Loader
from unison_storage.stores.leases import Grant
from unison_storage.stores.sources import Source
from unison_storage.stores.upkeep import Repair
from unison_storage.telemetry import Telemetry
from unison_storage.values import (
    Direction, Edge, EdgeRef, Entry, ErasureReport, Expectation, GraphStats, Health, Missing, Neighbor, Node,
    NodeRef, ObjectInfo, Page, Path, Scalar, Stamp, Walk
)

T = TypeVar("T")
D = TypeVar("D")

BlockingSource: TypeAlias = "Source | Iterator[bytes] | BlockingBody"

'''
TAIL = '''
def refuse_running_loop() -> None:
    """Raise ``WrongLoop`` if this thread runs an event loop, which a blocking call would stop."""
'''


class _Blocking(ast.NodeTransformer):
    """Leaves of a signature what a caller of the doorway sees."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.parse(RENAMED.get(node.id, node.id), mode="eval").body

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        # what is awaited elsewhere is there at once
        awaited = isinstance(node.value, ast.Name) and node.value.id == "Awaitable"
        return node.slice if awaited else node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return node


def written() -> str:
    """Return the stub as it should stand in core, formatted."""
    trees = {path: ast.parse((CORE / path).read_text()) for path, _ in CLASSES}
    parts = [_class(_find(trees[path], name)) for path, name in CLASSES]
    text = HEAD + "\n\n".join(parts) + TAIL
    ruff = Path(sys.executable).parent / "ruff"
    command = [str(ruff), "format", "--stdin-filename", str(STUB), "-"]
    formatted: str = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
    return formatted


def _find(tree: ast.Module, name: str) -> ast.ClassDef:
    return next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)


def _class(node: ast.ClassDef) -> str:
    bases = "(Generic[T])" if node.bases else ""
    lines = [f"class Blocking{node.name}{bases}:", _indented(f'"""{ast.get_docstring(node)}\n"""')]
    if node.name == "Storage":
        lines += [_indented(text) for text in ("profile: Profile", "keyspaces: Keyspaces", "telemetry: Telemetry")]
        lines.append(_indented("def __init__(self, storage: Storage) -> None: ..."))
    if any(_is_method(member) and member.name == "__aenter__" for member in node.body):
        lines += [_indented("def __enter__(self) -> Self: ..."), _indented(_EXIT)]
    for attribute in _attributes(node):
        lines.append(_indented(attribute))
    methods = [_method(member) for member in node.body if _is_method(member) and _shown(member)]
    overloaded = {text.partition("def ")[2].partition("(")[0] for text in methods if text.startswith("@overload")}
    for text in methods:
        name = text.partition("def ")[2].partition("(")[0]
        if text.startswith("@overload") or name not in overloaded:
            lines.append(_indented(text))
    return "\n".join(lines) + "\n"


_EXIT = (
    "def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, "
    "trace: TracebackType | None) -> None: ..."
)


def _attributes(node: ast.ClassDef) -> Iterator[str]:
    """Yield the public attributes that the constructor takes over from annotated parameters."""
    for member in node.body:
        if not (isinstance(member, ast.FunctionDef) and member.name == "__init__"):
            continue
        types = {arg.arg: arg.annotation for arg in member.args.args if arg.annotation is not None}
        for statement in ast.walk(member):
            if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Name):
                target = statement.targets[0]
                name = statement.value.id
                if isinstance(target, ast.Attribute) and target.attr == name and name in types and name in _PUBLIC:
                    yield f"{name}: {ast.unparse(types[name])}"


_PUBLIC = {"namespace", "person", "info", "start", "end", "max_size", "model", "space"}


def _is_method(member: ast.stmt) -> TypeGuard[ast.FunctionDef | ast.AsyncFunctionDef]:
    return isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef)


def _shown(member: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return (not member.name.startswith("_") or member.name == "__aiter__") and member.name not in INTERNAL


def _method(member: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    plain = ast.FunctionDef(
        name={"__aiter__": "__iter__"}.get(member.name, member.name),
        args=member.args,
        body=_body(member),
        decorator_list=[node for node in member.decorator_list if ast.unparse(node) in {"property", "overload"}],
        returns=member.returns,
        lineno=0,
    )
    plain.args = _Blocking().visit(plain.args)
    plain.returns = _Blocking().visit(plain.returns) if plain.returns is not None else None
    plain.args.kw_defaults = [_default(node) for node in plain.args.kw_defaults]
    plain.args.defaults = [_default(node) or node for node in plain.args.defaults]
    return ast.unparse(ast.fix_missing_locations(plain))


def _default(node: ast.expr | None) -> ast.expr | None:
    """Return a default as a stub shows it: only what needs no import."""
    return node if node is None or isinstance(node, ast.Constant) else ast.Constant(...)


def _body(member: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
    docstring = ast.get_docstring(member)
    if docstring is None:
        return [ast.Expr(ast.Constant(...))]
    closing = "\n" if "\n" in docstring else ""
    return [ast.Expr(ast.Constant(docstring + closing))]


def _indented(text: str) -> str:
    return "\n".join("    " + line if line else "" for line in text.splitlines())


if __name__ == "__main__":
    STUB.write_text(written())
