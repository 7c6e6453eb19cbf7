"""Deleting much at once: counting, asking, doing. The same for every kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from unison_storage.cli import records
from unison_storage.cli.arguments import Place
from unison_storage.cli.output import answer
from unison_storage.cli.questions import ask


class Handle(Protocol):
    """What has to be offered for it."""

    async def count(self) -> int:
        """Return how many lie below."""

    async def delete_prefix(self) -> int:
        """Remove them and return how many there were."""


async def delete_below(
    handle: Handle, place: Place, one: str, many: str, *, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Remove everything below a namespace, as ``delete_all``."""
    where = f"below {records.words((place.keyspace, *place.namespace))}"
    count, delete = handle.count, handle.delete_prefix
    await delete_all(count, delete, one, many, where, dry_run=dry_run, yes=yes, as_json=as_json)


async def delete_all(
    count: Callable[[], Awaitable[int]],
    delete: Callable[[], Awaitable[int]],
    one: str,
    many: str,
    where: str,
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Remove everything there, unless it is a dry run or the person at the terminal says no."""
    if dry_run:
        number = await count()
        answer({"would_delete": number}, f"would delete {records.count(number, one, many)}", as_json=as_json)
        return
    if not yes:
        ask(f"delete {records.count(await count(), one, many)} {where}?")
    number = await delete()
    answer({"deleted": number}, f"deleted {records.count(number, one, many)}", as_json=as_json)
