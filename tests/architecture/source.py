"""The Python files of the repository, as the tests of this folder read them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
MEMBERS: Final = [ROOT / "core", *sorted((ROOT / "plugins").glob("*/")), ROOT / "gateway", ROOT / "conformance"]


def modules() -> list[Path]:
    """Return every Python file that is read by people: sources, tests, benchmarks, examples."""
    folders = [*(member / "src" for member in MEMBERS), *(ROOT / name for name in ("tests", "benchmarks", "examples"))]
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def name(path: Path) -> str:
    """Return the path as an editor opens it from the root."""
    return path.relative_to(ROOT).as_posix()


def line_count(path: Path) -> int:
    return len(path.read_text().splitlines())
