"""``tokens``: bearer tokens of the gateway are made here and shown once. The file they go to is ``tokens_file``."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from secrets import token_urlsafe
from typing import Annotated, Any, Final

import typer

from unison_storage.addresses import check_person
from unison_storage.cli import arguments, records
from unison_storage.cli.options import Json
from unison_storage.cli.output import answer, must_be_open, note, shown
from unison_storage.cli.tokens_file import PERMISSIONS, SETTING, TokenEntry, append
from unison_storage.cli.words import word
from unison_storage.clock import SystemClock
from unison_storage.errors import InvalidKey
from unison_storage.keyspaces import LONGEST, near
from unison_storage.values import moment

app = typer.Typer(no_args_is_help=True, help="Make tokens for the HTTP service.")

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
_BYTES: Final = 32
_MARK: Final = "unison_"
"""What every token begins with, so that scanners for leaked secrets can know one."""


@word(
    app,
    "new",
    "unison-storage tokens new orchestrator --all-persons --permission memory:read --permission 'object:*'",
    "unison-storage tokens new phone --person person-1 --permission 'memory:*' --expires 90d > phone.token",
)
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who will hold it; logs and audit call it so.")],
    *,
    person: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Whose data it may touch; repeat for several.")
    ] = None,
    all_persons: Annotated[bool, typer.Option("--all-persons", help="It may touch anybody's data.")] = False,
    permission: Annotated[
        list[str], typer.Option(metavar="WHAT", help=f"What it may do; repeat for several: {', '.join(PERMISSIONS)}.")
    ],
    expires: Annotated[
        str | None, typer.Option(metavar="WHEN", help="When it ends: 90d, or 2027-01-01T00:00:00Z.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(metavar="PATH", help=f"The tokens file, if another than {SETTING} names.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a token, print it once, and add its digest to the tokens file.

    A second token of the same name is valid beside the first, so that one can replace the other.
    Without a tokens file the entry is printed to stderr.
    """
    persons = _persons(person or [], all_persons=all_persons)
    token = f"{_MARK}{token_urlsafe(_BYTES)}"
    entry = TokenEntry(
        _name(name), sha256(token.encode()).hexdigest(), persons, _permissions(permission), _end(expires)
    )
    path = file or _configured()
    must_be_open()
    alike = 1 if path is None else append(path, entry)
    answer(_document(token, entry, path), token, as_json=json)
    note("this token is not shown again: keep it where secrets are kept", "yellow")
    if path is None:
        note(f"no tokens file is set ({SETTING}); paste this into one:", "dim")
        for line in entry.toml().splitlines():
            note(line)
    else:
        note(f"its entry is in {path}", "dim")
    if alike > 1:
        note(f"{alike} tokens are called {entry.name} now: remove the entry of the old one when it is replaced", "dim")


def _document(token: str, entry: TokenEntry, path: Path | None) -> dict[str, Any]:
    return {
        "token": token,
        "name": entry.name,
        "sha256": entry.sha256,
        "persons": "*" if entry.persons is None else list(entry.persons),
        "permissions": list(entry.permissions),
        "expires": records.stamp_of(entry.expires),
        "file": None if path is None else str(path),
        "entry": entry.toml(),
    }


def _name(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise typer.BadParameter(
            "a name is a letter or digit, then at most 127 letters, digits and _ . : -", param_hint="NAME"
        )
    return name


def _persons(persons: list[str], *, all_persons: bool) -> tuple[str, ...] | None:
    if bool(persons) == all_persons:
        raise typer.BadParameter(
            "say whose data it may touch, by one of them", param_hint=["--person", "--all-persons"]
        )
    try:
        return None if all_persons else tuple(dict.fromkeys(check_person(person) for person in persons))
    except InvalidKey as error:
        raise typer.BadParameter(error.message, param_hint="--person") from None


def _permissions(given: list[str]) -> tuple[str, ...]:
    for one in given:
        if one not in PERMISSIONS:
            raise typer.BadParameter(
                f"{shown(one)!r} is no permission{near(one, PERMISSIONS)}; --help lists all", param_hint="--permission"
            )
    return tuple(dict.fromkeys(given))


def _end(text: str | None) -> datetime | None:
    if text is None:
        return None
    now = moment(SystemClock().now())
    try:
        end = datetime.fromisoformat(text)
    except ValueError:
        length = arguments.seconds(text, "--expires")
        if not 0 < length <= LONGEST:
            raise typer.BadParameter("this is no time within the next 100 years", param_hint="--expires") from None
        return now + timedelta(seconds=length)
    if end.tzinfo is None:
        raise typer.BadParameter("a time needs its offset, as in 2027-01-01T00:00:00Z", param_hint="--expires")
    if end <= now:
        raise typer.BadParameter("this is in the past", param_hint="--expires")
    return end.astimezone(UTC)


def _configured() -> Path | None:
    from unison_storage.config import load

    return load().settings.http_tokens_file
