"""``plugins``: what is installed, from metadata alone. Nothing is imported here."""

from __future__ import annotations

from typing import Any

import msgspec
import typer

from unison_storage.cli import extensions, records
from unison_storage.cli.options import Json
from unison_storage.cli.output import document, note, show
from unison_storage.cli.words import word
from unison_storage.plugins import Found, installed

app = typer.Typer()


@word(app, "plugins", "unison-storage plugins --json | jq -r '.plugins[].scheme'")
def plugins(*, json: Json = False) -> None:
    """List what is installed.

    Plugins by the scheme of the URLs they serve, and the words that other distributions add.
    """
    found, words = installed(), extensions.installed()
    if json:
        document({"plugins": _builtins(found), "commands": _builtins(words)})
        return
    rows = [(f"{one.scheme}:", one.distribution, one.version, one.module) for one in found]
    rows += [(one.word, one.distribution, one.version, one.module) for one in words]
    show(records.table("serves", "distribution", "version", "module", rows=rows))
    for scheme in _claimed_twice(found):
        note(f"two distributions claim {scheme}: and neither serves it; uninstall one", "yellow")


def _claimed_twice(found: list[Found]) -> list[str]:
    owners: dict[str, set[str]] = {}
    for one in found:
        owners.setdefault(one.scheme, set()).add(one.distribution)
    return [scheme for scheme, names in owners.items() if len(names) > 1]


def _builtins(found: Any) -> Any:
    return [msgspec.structs.asdict(one) for one in found]
