"""``sweep`` and ``reconcile``: removing what nobody wants any more, and comparing blobs with their index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from unison_storage.cli import records
from unison_storage.cli.options import DryRun, Json
from unison_storage.cli.output import answer, line, note, waiting
from unison_storage.cli.sessions import run
from unison_storage.cli.words import word

if TYPE_CHECKING:
    from unison_storage.storage import Storage
    from unison_storage.stores.upkeep import Repair

PASS = 10_000
"""What one pass removes of a kind at most; one that removes less has left nothing behind."""

app = typer.Typer()


@word(app, "sweep", "unison-storage sweep", "unison-storage sweep --once --json")
def sweep(
    *,
    once: Annotated[bool, typer.Option("--once", help=f"One pass: at most {PASS:,} of each kind.")] = False,
    json: Json = False,
) -> None:
    """Remove what has expired or is unwanted.

    Goes on until nothing is left that is due, then ends.
    """

    async def work(storage: Storage) -> dict[str, int]:
        total: dict[str, int] = {}
        while True:
            swept = await storage.sweep()
            total = {kind: total.get(kind, 0) + number for kind, number in swept.items()}
            if once or all(number < PASS for number in swept.values()):
                return total

    with waiting("sweeping"):
        total = run(work)
    said = ", ".join(f"{kind} {number:,}" for kind, number in total.items())
    answer({"swept": total}, f"removed: {said}" if said else "nothing here is swept", as_json=json)


@word(app, "reconcile", "unison-storage reconcile --dry-run", "unison-storage reconcile --scrub")
def reconcile(
    *,
    dry_run: DryRun = False,
    scrub: Annotated[
        bool, typer.Option("--scrub", help="Read every object too, and compare it with its digest.")
    ] = False,
    json: Json = False,
) -> None:
    """Compare the bytes of objects with their index.

    Bytes that belong to no object are removed once they are a day old.
    Exits 1 if objects are missing or damaged: only their owner can put them right.
    """

    async def work(storage: Storage) -> tuple[Repair, Repair | None]:
        return await storage.upkeep.reconcile(dry_run=dry_run), await storage.upkeep.scrub() if scrub else None

    with waiting("reading every object" if scrub else "comparing"):
        compared, scrubbed = run(work)
    missing = sorted({*compared.missing, *(scrubbed.missing if scrubbed else ())})
    damaged = sorted({*compared.damaged, *(scrubbed.damaged if scrubbed else ())})
    facts = {
        "checked": compared.checked,
        "scrubbed": scrubbed is not None,
        "orphans": list(compared.orphans),
        "removed": compared.removed,
        "missing": missing,
        "damaged": damaged,
    }
    answer(facts, _said(facts, dry_run=dry_run), as_json=json)
    if not json:
        _name("missing", missing)
        _name("damaged", damaged)
    if missing or damaged:
        raise typer.Exit(1)


def _said(facts: dict[str, Any], *, dry_run: bool) -> str:
    checked = records.count(facts["checked"], "object")
    orphans = records.count(len(facts["orphans"]), "blob")
    how = "read" if facts["scrubbed"] else "compared"
    fate = f"{orphans} without an object" + (", left alone" if dry_run else f", {facts['removed']:,} removed")
    return f"{checked} {how}: {len(facts['missing'])} missing, {len(facts['damaged'])} damaged; {fate}"


def _name(what: str, ids: list[str]) -> None:
    if ids:
        note(f"{what}: their ids", "red")
        for id in ids:
            line(id)
