"""``graph``: backup, restore and lint, through all spaces. What a backup looks like stands in ``graph_backup``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated

import typer

from unison_storage.cli import records
from unison_storage.cli.bars import counting
from unison_storage.cli.failures import NO
from unison_storage.cli.graph_records import named
from unison_storage.cli.options import DryRun, Json
from unison_storage.cli.output import answer, document, note, show, shown
from unison_storage.cli.sessions import run
from unison_storage.cli.words import word

if TYPE_CHECKING:
    from unison_storage.graph_backup import End, Restored
    from unison_storage.graph_lint import Misfit
    from unison_storage.storage import Storage

app = typer.Typer()

Target = Annotated[Path, typer.Argument(metavar="FILE", help="Where it goes; no such file may be there.")]
Source = Annotated[Path, typer.Argument(metavar="FILE", help="What backup has written.", exists=True, dir_okay=False)]


@word(app, "backup", "unison-storage graph backup graph.jsonl")
def backup(file: Target, *, json: Json = False) -> None:
    """Write all nodes and edges of all spaces to a file.

    While others go on. One JSON document a line, with counts and a checksum at the end.
    The file appears when it is whole.
    """
    from unison_storage import graph_backup

    if file.exists():
        raise typer.BadParameter(f"{file} is there already", param_hint="FILE")

    async def work(storage: Storage) -> None:
        graph = storage.graph.everywhere()
        total = (await graph.stats()).total
        part = file.with_name(f"{file.name}.{token_hex(4)}.part")
        try:
            with part.open("xb") as stream, counting("backup", total) as moved:
                part.chmod(0o600)
                async for lines in graph_backup.lines(graph, moved):
                    stream.write(lines)
            part.replace(file)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    run(work)
    found = graph_backup.checked(_lines(file))
    answer({"file": str(file), **_numbers(found)}, f"{file}: {_counted(found)}", as_json=json)


@word(
    app,
    "restore",
    "unison-storage graph restore graph.jsonl --dry-run",
    "unison-storage graph restore graph.jsonl",
)
def restore(
    file: Source,
    *,
    dry_run: DryRun = False,
    merge: Annotated[bool, typer.Option("--merge", help="Also where the graph holds something.")] = False,
    json: Json = False,
) -> None:
    """Put a backup back: nodes, then edges.

    The file is read to its end first. A graph that holds something is refused without --merge, which merges into it.
    May be run again after any error. With --dry-run only the file is checked.
    """
    from unison_storage import graph_backup

    end = graph_backup.checked(_lines(file))
    if dry_run:
        answer({"dry_run": True, **_numbers(end)}, f"would restore {_counted(end)}", as_json=json)
        return

    async def work(storage: Storage) -> Restored:
        graph = storage.graph.everywhere()
        there = sum((await graph.stats()).nodes.values())
        if there and not merge:
            raise typer.BadParameter(f"the graph holds {there:,} nodes: --merge merges into them", param_hint="--merge")
        with counting("restore", end.total) as moved:
            return await graph_backup.restore(graph, lambda: _lines(file), moved)

    came = run(work)
    told = f"restored {came.nodes:,} nodes and {came.edges:,} edges"
    if came.left_out:
        told += f"; {came.left_out:,} edges lead to nodes that came while the backup was made, and were left out"
    answer({"nodes": came.nodes, "edges": came.edges, "left_out": came.left_out}, told, as_json=json)


@word(app, "lint", "unison-storage graph lint", "unison-storage graph lint --json | jq '.misfits[].where'")
def lint(*, json: Json = False) -> None:
    """List what lies in the database and does not fit the model.

    Reads all of it. Values are looked at, and not shown. Exits 3 if anything does not fit.
    """
    from unison_storage.graph_lint import misfits

    async def work(storage: Storage) -> list[Misfit]:
        graph = storage.graph.everywhere()
        with counting("lint", (await graph.stats()).total) as moved:
            return await misfits(graph, moved)

    found = run(work)
    if json:
        document({"misfits": [_document(one) for one in found]})
    elif found:
        rows = [[shown(one.where), one.what, f"{one.number:,}", _first(one)] for one in found]
        show(records.table("where", "what", "number>", "the first at", rows=rows))
    if found:
        note("change the model, or mend it with the database's own tools", "dim")
        raise typer.Exit(NO)
    note("all fits the model", "dim")


def _lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        yield from stream


def _document(one: Misfit) -> dict[str, object]:
    first = None if one.first is None else {"label": one.first[0], "id": one.first[1]}
    return {"where": one.where, "what": one.what, "number": one.number, "first": first}


def _first(one: Misfit) -> str:
    return "" if one.first is None else named(one.first)


def _numbers(end: End) -> dict[str, object]:
    return {"nodes": end.nodes, "edges": end.edges, "sha256": end.sha256}


def _counted(end: End) -> str:
    return f"{sum(end.nodes.values()):,} nodes and {sum(end.edges.values()):,} edges"
