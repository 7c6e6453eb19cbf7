"""The list of modules in ``docs/architecture.md``: each with the first line of its header. Writes it when run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
BEGIN = "<!-- rooms: written by `python -m tests.tools.rooms`, compared by a test -->\n"
END = "<!-- end of rooms -->"
CORE = (
    *("errors", "clock", "classification", "capabilities", "profiles", "addresses", "cursors", "values", "portable"),
    *("keyspaces", "targets", "graph_documents", "cache_codecs", "graph_model", "unison_model", "config", "telemetry"),
    *(
        "contracts",
        "guards",
        "hookspecs",
        "stores",
        "layers",
        "reference",
        "plugins",
        "assembly",
        "plan",
        "building",
        "storage",
    ),
    *("graph_backup", "graph_lint", "copying", "blocking", "sweeper", "testing", "cli"),
)
"""Core's modules from the bottom to the top; what is missing here is listed last, which the test refuses."""


def packages() -> dict[str, Path]:
    """Return every package of the workspace by its title."""
    members = [ROOT / "core", *sorted((ROOT / "plugins").iterdir()), ROOT / "gateway", ROOT / "conformance"]
    found = (path for member in members for path in sorted((member / "src").iterdir()) if path.is_dir())
    return {path.name: path for path in found if (path / "__init__.py").exists()}


def rooms(package: Path) -> Iterator[str]:
    """Yield a line for each module of a package and of the folders in it."""
    names = {path.stem if path.suffix else path.name for path in package.iterdir() if _counts(path)}
    for name in (*(known for known in CORE if known in names), *sorted(names - set(CORE))):
        path = package / f"{name}.py"
        if path.exists():
            yield _line(name, path)
        else:
            yield _line(f"{name}/", package / name / "__init__.py")
            for inner in sorted((package / name).glob("*.py")):
                if _counts(inner):
                    yield _line(f"{name}/{inner.stem}", inner)


def written() -> str:
    """Return the list as it should stand on the page."""
    parts = []
    for title, package in packages().items():
        header = _header(package / "__init__.py")
        parts.append(f"### `{title}`\n\n{header}.\n\n| module | what is there |\n|---|---|\n" + "".join(rooms(package)))
    return "\n" + "\n".join(parts) + "\n"


def on_page() -> str:
    """Return the list as it stands on the page."""
    return PAGE.read_text().partition(BEGIN)[2].partition(END)[0]


def _counts(path: Path) -> bool:
    if path.is_dir():
        return (path / "__init__.py").exists()
    return path.suffix == ".py" and path.stem not in {"__init__", "__main__"}


def _line(name: str, path: Path) -> str:
    return f"| `{name}` | {_header(path)} |\n"


def _header(path: Path) -> str:
    header = ast.get_docstring(ast.parse(path.read_text())) or ""
    return header.partition("\n")[0].replace("``", "`").rstrip(".")


if __name__ == "__main__":
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(before + BEGIN + written() + END + rest.partition(END)[2])
