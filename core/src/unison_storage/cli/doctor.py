"""``doctor``: the diagnosis as a tree or a document. What is checked stands in ``diagnosis``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec
import typer

from unison_storage.cli.checks import Check, State
from unison_storage.cli.diagnosis import GROUPS, diagnose
from unison_storage.cli.options import Json
from unison_storage.cli.output import document, note, show, shown, waiting
from unison_storage.cli.records import count
from unison_storage.cli.words import word

if TYPE_CHECKING:
    from rich.text import Text
    from rich.tree import Tree

app = typer.Typer()

_LOOKS: Final[dict[State, tuple[str, str]]] = {
    "failed": ("✗", "red"),
    "not reached": ("·", "dim"),
    "warning": ("!", "yellow"),
    "ok": ("✓", "green"),
}
"""The mark and colour of each state, worst first."""


@word(app, "doctor", "unison-storage doctor", "unison-storage doctor --json | jq .ok")
def doctor(*, json: Json = False) -> None:
    """Find out what is wrong, and say how to mend it.

    Looks at settings, plugins, guard rails, schemas, backends and tokens. Writes nothing.
    Exits 0 if nothing failed, 1 if something did; a warning is no failure.
    """
    with waiting("looking"):
        checks = asyncio.run(diagnose())
    failed = _number(checks, "failed")
    if json:
        document({"ok": not failed, "checks": [msgspec.structs.asdict(check) for check in checks]})
    else:
        show(_tree(checks))
        note(_verdict(checks), _LOOKS["failed" if failed else "warning" if _number(checks, "warning") else "ok"][1])
    if failed:
        raise typer.Exit(1)


def _tree(checks: Sequence[Check]) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    from unison_storage import __version__

    tree = Tree(Text(f"unison-storage {__version__}", "bold"), guide_style="dim")
    for group in GROUPS:
        inside = [check for check in checks if check.group == group]
        branch = tree.add(_marked(_worst(inside), group))
        for check in inside:
            branch.add(_lines(check))
    return tree


def _lines(check: Check) -> Text:
    text = _marked(check.state, check.name if check.name != check.group else "", check.message)
    if check.state in ("failed", "warning"):
        if check.setting is not None:
            text.append(f"\n    {shown(_whence(check))}", "dim")
        if check.remedy is not None:
            text.append(f"\n    {shown(check.remedy)}", "bold")
    return text


def _whence(check: Check) -> str:
    setting, origin = check.setting or "", check.origin
    if origin is None or origin == "default":
        return f"{setting} is not set"
    return f"from {origin}" if setting in (origin.rpartition(" ")[2], check.name) else f"{setting}, from {origin}"


def _marked(state: State, name: str, message: str = "") -> Text:
    from rich.text import Text

    mark, style = _LOOKS[state]
    text = Text()
    text.append(f"{mark} ", style)
    text.append(shown(name), "dim" if state == "not reached" else "")
    if message:
        text.append(f"{'  ' if name else ''}{shown(message)}", "dim" if state in ("ok", "not reached") else style)
    return text


def _worst(checks: Iterable[Check]) -> State:
    states = {check.state for check in checks}
    return next((state for state in _LOOKS if state in states), "ok")


def _number(checks: Iterable[Check], state: State) -> int:
    return sum(check.state == state for check in checks)


def _verdict(checks: Sequence[Check]) -> str:
    parts = [f"{_number(checks, 'failed')} failed"] if _number(checks, "failed") else ["nothing failed"]
    if _number(checks, "warning"):
        parts.append(count(_number(checks, "warning"), "warning"))
    if _number(checks, "not reached"):
        parts.append(f"{_number(checks, 'not reached')} not reached")
    return ", ".join(parts)
