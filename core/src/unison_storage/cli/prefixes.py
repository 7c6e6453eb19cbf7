"""Deleting everything below a namespace: counting, asking, doing. The same for every kind."""

from __future__ import annotations

import sys
from typing import Protocol

import typer

from unison_storage.cli import records
from unison_storage.cli.arguments import Place
from unison_storage.cli.output import answer


class Handle(Protocol):
    """What has to be offered for it."""

    async def count(self) -> int:
        """Return how many lie below."""

    async def delete_prefix(self) -> int:
        """Remove them and return how many there were."""


async def delete_below(
    handle: Handle, place: Place, one: str, many: str, *, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Remove everything below the handle, unless it is a dry run or the person at the terminal says no."""
    where = records.words((place.keyspace, *place.namespace))
    if dry_run:
        number = await handle.count()
        answer({"would_delete": number}, f"would delete {records.count(number, one, many)}", as_json=as_json)
        return
    if not yes:
        _ask(f"delete {records.count(await handle.count(), one, many)} below {where}?")
    number = await handle.delete_prefix()
    answer({"deleted": number}, f"deleted {records.count(number, one, many)}", as_json=as_json)


def _ask(question: str) -> None:
    # None where the process was started with stdin closed, which the types of sys do not know
    stream: object = sys.stdin
    if stream is None or not sys.stdin.isatty():
        raise typer.BadParameter("it is needed where nobody can be asked; --dry-run only counts", param_hint="--yes")
    typer.confirm(question, abort=True, err=True)
