"""``config``: the settings with their origins. They are read and masked in ``unison_storage.config``."""

from __future__ import annotations

import typer
from rich.text import Text

from unison_storage.cli import records
from unison_storage.cli.options import Json
from unison_storage.cli.output import document, shown
from unison_storage.cli.output import show as show_table
from unison_storage.cli.words import word

app = typer.Typer(no_args_is_help=True, help="Show the settings.")


@word(app, "explain", "unison-storage config explain", "unison-storage config explain --json")
def explain(*, json: Json = False) -> None:
    """Show each setting, its value and where it comes from.

    Secrets are masked.
    """
    from unison_storage.config import load

    rows = load().explain()
    if json:
        document({"settings": [{"name": row.name, "value": row.value, "origin": row.origin} for row in rows]})
        return
    lines = []
    for row in rows:
        style = "dim" if row.origin == "default" else ""
        lines.append([Text(shown(text), style) for text in (row.name, _value(row.value), row.origin)])
    show_table(records.table("setting", "value", "origin", rows=lines))


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)
