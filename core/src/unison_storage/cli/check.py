"""``check``: the guard rails of a profile, for a pipeline. The rules stand in ``unison_storage.guards``."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.text import Text

from unison_storage.cli import records
from unison_storage.cli.findings import Broken, gathered
from unison_storage.cli.options import Json
from unison_storage.cli.output import document, note, show, shown
from unison_storage.cli.words import word
from unison_storage.errors import InvalidConfig
from unison_storage.profiles import Profile

app = typer.Typer()


@word(app, "check", "unison-storage check --profile production")
def check(
    *,
    profile: Annotated[Profile | None, typer.Option(help="Judge by this profile instead of the set one.")] = None,
    json: Json = False,
) -> None:
    """Compare the settings with the guard rails of the profile.

    Exits 1 if a rule refuses. Opens nothing.
    """
    from unison_storage.storage import Storage

    storage = Storage.from_env() if profile is None else Storage.from_env(profile=profile)
    places = storage.places()
    if not places:
        raise InvalidConfig("nothing is set that could be checked: set UNISON_STORAGE_DATABASE_URL")
    found = storage.findings()
    refused = any(finding.severity == "refuse" for finding in found)
    if json:
        document(
            {
                "profile": storage.profile,
                "ok": not refused,
                "findings": [msgspec.structs.asdict(finding) for finding in found],
            }
        )
    else:
        if found:
            show(
                records.table("rule", "kind", "setting", "message, remedy", rows=[_row(one) for one in gathered(found)])
            )
        kinds = ", ".join(dict.fromkeys(place.kind for place in places))
        note(
            f"profile {storage.profile}, {kinds}: {_verdict(len(found), refused=refused)}",
            "red" if refused else "green",
        )
    if refused:
        raise typer.Exit(1)


def _row(one: Broken) -> list[Text]:
    message = Text(shown(one.message))
    message.append(f"\n{shown(one.finding.remedy)}", "dim")
    style = "red" if one.finding.severity == "refuse" else "yellow"
    return [
        Text(one.finding.rule, style, no_wrap=True),
        Text("\n".join(one.kinds), no_wrap=True),
        Text(one.finding.setting, no_wrap=True),
        message,
    ]


def _verdict(found: int, *, refused: bool) -> str:
    if refused:
        return "refused"
    return f"allowed, with {records.count(found, 'warning')}" if found else "no rule is broken"
