"""The example's answers equal those of a computation that shares no code with it, embedded and through the gateway."""

from __future__ import annotations

import os
import shutil
import sysconfig
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.examples.runs import answers_of
from tests.integration.server import Server
from tests.services import postgres

pytestmark = pytest.mark.once

EXAMPLE = Path(__file__).parents[2] / "examples" / "standard_library.py"
answers = partial(answers_of, EXAMPLE)


class Expected:
    """What is true of a tree of files, found with nothing but ``os.walk``."""

    def __init__(self, root: Path) -> None:
        self.sizes: dict[str, int] = {}
        for folder, folders, files in os.walk(root):
            folders[:] = [name for name in folders if name not in {"site-packages", "__pycache__"}]
            for name in files:
                if name.endswith(".py"):
                    path = os.path.join(folder, name)  # noqa: PTH118 - as little in common with the example as can be
                    self.sizes[os.path.relpath(path, root)] = os.stat(path).st_size  # noqa: PTH116

    @property
    def largest(self) -> list[list[Any]]:
        ranked = sorted(self.sizes.items(), key=lambda pair: (-pair[1], pair[0]))
        return [list(pair) for pair in ranked[:10]]

    def below(self, package: str) -> list[str]:
        return sorted(path for path in self.sizes if path.startswith(package + os.sep))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the standard library's own source but its tests, so that a test may change a file of it."""
    source = Path(sysconfig.get_path("stdlib"))
    target = tmp_path / "library"
    left_out = ("site-packages", "__pycache__", "*.so", "*.pyc", "*.a", "test", "tests")
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*left_out))
    return target


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    server.start()
    yield server
    server.stop()


def compare(environment: dict[str, str], tree: Path, *arguments: str) -> None:
    arguments = ("--root", str(tree), *arguments)
    expected = Expected(tree)
    assert len(expected.sizes) > 500
    first = answers(environment, *arguments)
    assert first["files"] == len(expected.sizes)
    assert first["new"] == sorted(expected.sizes)
    assert (first["changed"], first["unchanged"], first["gone"]) == ([], [], [])
    assert first["package"] == expected.below("json")
    assert first["largest"] == expected.largest

    changed, gone = tree / "json" / "tool.py", tree / first["largest"][0][0]
    changed.write_text(changed.read_text() + "\n# changed\n" + "#" * 1_000_000)
    gone.unlink()
    (tree / "json" / "extra.py").write_text('"""Added."""\n')
    expected = Expected(tree)
    second = answers(environment, *arguments)
    assert second["new"] == ["json/extra.py"]
    assert second["changed"] == ["json/tool.py"]
    assert second["gone"] == [first["largest"][0][0]]
    assert second["unchanged"] == sorted(set(expected.sizes) - {"json/extra.py", "json/tool.py"})
    assert second["largest"] == expected.largest
    assert second["package"] == expected.below("json")


def test_in_process(tree: Path, tmp_path: Path) -> None:
    environment = Server(tmp_path).environment
    compare(environment, tree)


def test_on_postgres_and_a_folder(tree: Path, tmp_path: Path) -> None:
    environment = {name: value for name, value in Server(tmp_path).environment.items() if "_URL" not in name}
    urls = {
        "UNISON_STORAGE_DATABASE_URL": postgres.database(f"library_{os.getpid()}"),
        "UNISON_STORAGE_OBJECT_URL": f"file://{tmp_path}/blobs",
    }
    compare({**environment, **urls}, tree)


def test_through_the_gateway(tree: Path, tmp_path: Path, server: Server) -> None:
    token = tmp_path / "token"
    token.write_text(server.token)
    environment = {name: value for name, value in server.environment.items() if not name.startswith("UNISON_STORAGE_")}
    compare(environment, tree, "--url", f"http://127.0.0.1:{server.port}", "--token-file", str(token))
