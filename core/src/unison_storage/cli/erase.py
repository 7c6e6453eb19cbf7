"""``erase``: all data of a person, of every kind. What is a person's is each store's business."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.text import Text

from unison_storage.cli import records
from unison_storage.cli.failures import FAILED
from unison_storage.cli.options import DryRun, Json, Yes
from unison_storage.cli.output import answer, note, shown, waiting
from unison_storage.cli.questions import ask
from unison_storage.cli.sessions import run
from unison_storage.cli.words import word
from unison_storage.errors import InvalidConfig
from unison_storage.values import ErasureReport

if TYPE_CHECKING:
    from rich.table import Table

    from unison_storage.storage import Storage

app = typer.Typer()


@word(
    app,
    "erase",
    "unison-storage erase person-1 --dry-run",
    "unison-storage erase person-1 --yes --json",
)
def erase(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Whose data it is.")],
    *,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Remove all data of a person, of every kind.

    Asks before, and reports what went and what is left. It may be repeated.
    Exits 1 if anything is left, or could not be looked at.
    """

    async def work(storage: Storage) -> ErasureReport:
        if not (dry_run or yes):
            ask(f"erase all data of {person} ({_found(await storage.erase(person, dry_run=True))})?")
        with waiting("counting" if dry_run else "erasing"):
            return await storage.erase(person, dry_run=dry_run)

    report = run(work)
    if not report.kinds:
        raise InvalidConfig("nothing is set that could keep data of a person: set UNISON_STORAGE_DATABASE_URL")
    answer(_document(report), _table(report), as_json=json)
    failed = any(kind.error is not None for kind in report.kinds.values())
    if not dry_run:
        note(*_verdict(report))
    if failed or not (dry_run or report.complete):
        raise typer.Exit(FAILED)


def _document(report: ErasureReport) -> dict[str, Any]:
    return {
        "person": report.person,
        "dry_run": report.dry_run,
        "complete": report.complete,
        "kinds": {kind: msgspec.structs.asdict(done) for kind, done in report.kinds.items()},
    }


def _table(report: ErasureReport) -> Table:
    rows = [
        [kind, f"{done.erased:,}", f"{done.pending:,}", Text(shown(done.error or ""), "red")]
        for kind, done in report.kinds.items()
    ]
    if report.dry_run:
        return records.table("kind", "would erase>", "error", rows=[[row[0], row[1], row[3]] for row in rows])
    return records.table("kind", "erased>", "pending>", "error", rows=rows)


def _found(report: ErasureReport) -> str:
    numbers = {kind: f"{done.erased:,}" if done.error is None else "unknown" for kind, done in report.kinds.items()}
    return ", ".join(f"{kind} {number}" for kind, number in numbers.items())


def _verdict(report: ErasureReport) -> tuple[str, str]:
    if report.complete:
        return "complete: nothing is left", "green"
    return "not complete: mend what failed, then run it again", "red"
