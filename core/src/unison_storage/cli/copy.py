"""``copy``: what one storage holds, into another, with proof. How it is done stands in ``copying``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from unison_storage.cli import records
from unison_storage.cli.bars import counting
from unison_storage.cli.failures import FAILED
from unison_storage.cli.options import DryRun, Json
from unison_storage.cli.output import document, note, show
from unison_storage.cli.words import word

if TYPE_CHECKING:
    from unison_storage.copying.tally import Tally
    from unison_storage.storage import Storage

app = typer.Typer()

From = Annotated[str, typer.Argument(metavar="FROM", help="A URL, or a TOML file of settings. It is only read.")]
To = Annotated[str, typer.Argument(metavar="TO", help="A URL, or a TOML file of settings.")]

_SHOWN = 8
"""Digits of a digest that are shown; the document has all."""


@word(
    app,
    "copy",
    "unison-storage copy sqlite:///data/app.db new.toml --dry-run",
    "unison-storage copy sqlite:///data/app.db new.toml",
    "unison-storage copy old.toml new.toml --verify --json | jq .equal",
)
def copy(
    source: From,
    target: To,
    *,
    dry_run: DryRun = False,
    verify: Annotated[bool, typer.Option("--verify", help="Only compare; exit 1 if they differ.")] = False,
    json: Json = False,
) -> None:
    """Copy memory, objects and graph from one storage into another, and compare them at the end.

    What is there already is left alone, what is there differently is replaced, and what only TO has stays.
    So it may be stopped at any time and run again. Caches are not copied. Exits 1 if the two differ afterwards.
    """
    from unison_storage.copying import side

    if dry_run and verify:
        raise typer.BadParameter("give one of them", param_hint=["--dry-run", "--verify"])
    sides = side.described(source, "FROM", read=True), side.described(target, "TO", read=dry_run or verify)
    side.check_apart(*sides)
    done, seen = asyncio.run(_work(*sides, dry_run=dry_run, verify=verify))
    equal = all(tally.equal for tally in seen)
    if json:
        _tell(done, seen, equal=equal, dry_run=dry_run)
    elif done or seen:
        show(_table(done, seen))
    if dry_run:
        note(f"would write {records.count(sum(one.missing + one.different for one in done), 'item')}", "dim")
        return
    if not equal:
        note("they differ: copy again if FROM was written to meanwhile", "red")
        raise typer.Exit(FAILED)
    note("equal" if seen else "FROM holds nothing", "green")


async def _work(source: Storage, target: Storage, *, dry_run: bool, verify: bool) -> tuple[list[Tally], list[Tally]]:
    """Return what copying came to, and what comparing did."""
    from unison_storage.copying import side, walk

    done, seen, reads = [], [], dry_run or verify
    async with side.opened(source, "FROM", read=True) as here, side.opened(target, "TO", read=reads) as there:
        if not verify:
            for kind in await walk.kinds(here, there, reads=False):
                with counting(f"copy {kind.kind}", await kind.count()) as moved:
                    done.append(await walk.copied(kind, moved, dry_run=dry_run))
        if not dry_run:
            for kind in await walk.kinds(here, there, reads=True):
                with counting(f"compare {kind.kind}", await kind.count()) as moved:
                    seen.append(await walk.compared(kind, moved))
    return done, seen


def _tell(done: Sequence[Tally], seen: Sequence[Tally], *, equal: bool, dry_run: bool) -> None:
    copied = [{"kind": one.kind, "had": one.same, "missing": one.missing, "different": one.different} for one in done]
    if dry_run:
        document({"dry_run": True, "kinds": copied})
        return
    document({"equal": equal, "copied": copied, "compared": [msgspec.structs.asdict(one) for one in seen]})


def _table(done: Sequence[Tally], seen: Sequence[Tally]) -> Any:
    if not seen:
        rows = [[one.kind, *_numbers(one.items, one.same, one.missing, one.different)] for one in done]
        return records.table("kind", "in FROM>", "there already>", "to make>", "to replace>", rows=rows)
    written = {one.kind: one.missing + one.different for one in done}
    columns = ["kind", "in FROM>", *(["written>"] if done else []), "same>", "different>", "missing>", "only in TO>"]
    rows = [
        [
            one.kind,
            *_numbers(one.items, *([written.get(one.kind, 0)] if done else [])),
            *_numbers(one.same, one.different, one.missing, one.beyond),
            _digest(one),
        ]
        for one in seen
    ]
    return records.table(*columns, "digest", rows=rows)


def _digest(one: Tally) -> str:
    here, there = one.digest[:_SHOWN], one.digest_there[:_SHOWN]
    return here if one.digest == one.digest_there else f"{here} ≠ {there}"


def _numbers(*numbers: int) -> list[str]:
    return [f"{number:,}" for number in numbers]
