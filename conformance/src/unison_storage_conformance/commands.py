"""The words ``conformance run``, ``replay`` and ``compare``. What is tried and how it looks stands elsewhere."""

from __future__ import annotations

import json as json_
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unison_storage.cli.options import Json
from unison_storage.cli.words import word

if TYPE_CHECKING:
    from unison_storage_conformance.documents import Document
    from unison_storage_conformance.report import Report
    from unison_storage_conformance.run import Run

app = typer.Typer(no_args_is_help=True, help="Try whether a backend keeps its word.")

Url = Annotated[str, typer.Argument(metavar="URL", help="What to try, for example sqlite:///x.db.")]
ProfileName = Annotated[str, typer.Option("--profile", metavar="NAME", help="How much to try: quick, ci or nightly.")]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write a page of HTML too, in place of what is there.")
]
Seed = Annotated[int, typer.Option(min=0, help="Other stories: 0 plays the same in every run.")]


@app.callback()
def root() -> None:
    """Try whether a backend keeps its word: laws, one by one, and stories against the reference.

    The target is written to, below a root of its own, which is removed at the end.
    """


@word(
    app,
    "run",
    "unison-storage conformance run sqlite:///x.db",
    "unison-storage conformance run sqlite:///x.db --kind memory --profile ci --json > memory.json",
    "unison-storage conformance run sqlite:///x.db --html conformance.html",
)
def run(
    url: Url,
    *,
    kind: Annotated[list[str] | None, typer.Option(help="memory, object, graph or cache; may be repeated.")] = None,
    profile: ProfileName = "quick",
    seed: Seed = 0,
    waivers: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Laws known to be broken; ./conformance.toml by default.")
    ] = None,
    failures: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where counterexamples are written, to be replayed.")
    ] = Path("conformance-failures"),
    regressions: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Counterexamples that were mended, to be played again.")
    ] = None,
    html: Html = None,
    json: Json = False,
) -> None:
    """Try a backend by the URL that its plugin serves.

    Exit codes: 0 passed, 1 a law failed, 2 wrong usage, 3 the harness did not do what it promised, 4 a waiver has
    expired or is not needed, 5 nothing or too little ran, also where the URL does not answer.
    """
    from unison_storage_conformance.replay import read_all
    from unison_storage_conformance.waivers import FILE, read_waivers

    path = waivers or (FILE if FILE.exists() else None)
    given = read_waivers(path) if path is not None else []
    known = read_all(regressions) if regressions is not None else []
    opened = _opened(url, kind, profile, seed)
    _finish(_tried(opened, given, known), failures, html, as_json=json)


@word(app, "replay", "unison-storage conformance replay conformance-failures/memory.4.json sqlite:///x.db")
def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A counterexample that a run has written.")],
    url: Url,
    *,
    json: Json = False,
) -> None:
    """Make the calls of a counterexample again and compare every answer with the reference's.

    Exit codes: 0 all answers are right now, 1 one is not, 5 the URL does not answer.
    """
    from unison_storage_conformance.replay import read_known

    known = read_known(file)
    opened = _opened(url, None, "quick", 0)
    _finish(_replayed(opened, known), None, None, as_json=json)


@word(
    app,
    "compare",
    "unison-storage conformance compare before.json after.json",
    "unison-storage conformance compare one.json other.json --html both.html",
)
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="A report that run --json has written.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another one: of a later run, or of another backend.")],
    *,
    html: Html = None,
    json: Json = False,
) -> None:
    """Show two reports side by side: what comes to another state, and what one of them did not try.

    Kinds that only one of them has tried are told, and not compared. Exit codes: 0 nothing that A keeps is broken,
    unverified or missing in B, 1 something is, 2 wrong usage.
    """
    import msgspec

    from unison_storage.cli import output
    from unison_storage.errors import InvalidConfig
    from unison_storage_conformance import terminal
    from unison_storage_conformance.documents import differences, read_document

    try:
        documents = read_document(first), read_document(second)
    except InvalidConfig as error:
        raise typer.BadParameter(error.message) from None
    found = differences(*documents)
    _write_page(html, documents)
    if json:
        listed = [{**msgspec.to_builtins(one), "worse": one.worse} for one in found]
        output.document({"first": documents[0].name, "second": documents[1].name, "differences": listed})
    else:
        for part in terminal.compared(*documents, found):
            output.show(part)
    raise typer.Exit(1 if any(one.worse for one in found) else 0)


def _write_page(file: Path | None, documents: Sequence[Document]) -> None:
    """Write a page where one is wanted."""
    if file is None:
        return
    from unison_storage.cli import output
    from unison_storage_conformance.page import page

    try:
        file.write_text(page(documents), "utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{file} can't be written: {error.strerror}") from None
    output.note(f"page: {file}")


def _opened(url: str, kinds: list[str] | None, profile: str, seed: int) -> Run:
    from unison_storage.errors import AvailabilityError, InvalidConfig, UnknownScheme
    from unison_storage_conformance.harness import harness_of
    from unison_storage_conformance.profiles import profile_named
    from unison_storage_conformance.run import Run
    from unison_storage_conformance.verdicts import TOO_LITTLE

    try:
        made = Run(harness_of(url, kinds), profile_named(profile), seed)
    except (InvalidConfig, UnknownScheme) as error:
        raise typer.BadParameter(error.message) from None
    try:
        made.open()
    except AvailabilityError as error:
        made.close()
        _fail(f"{made.target.shown} does not answer: {error.message}")
        raise typer.Exit(TOO_LITTLE) from None
    except BaseException:
        made.close()
        raise
    return made


def _tried(opened: Run, waivers: Sequence[Any], known: Sequence[Any]) -> Report:
    from unison_storage_conformance.report import made

    with _progress() as heard:
        return made(opened, waivers, known, heard)


def _replayed(opened: Run, known: Any) -> Report:
    from unison_storage_conformance.report import made

    return made(opened, (), (known,), checks=())


def _fail(message: str) -> None:
    from unison_storage.cli import output

    output.failure("Unavailable", message, "unison-storage doctor says what answers and what doesn't")


@contextmanager
def _progress() -> Iterator[Callable[[int, int, Any], None]]:
    """Show how far the run is, if a person watches."""
    from unison_storage.cli import output

    if not output.watched():
        yield lambda _done, _of, _check: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=output.console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)

        def heard(done: int, of: int, check: Any) -> None:
            name = "" if check is None else f"{check.kind} {check.law} {check.name}"
            progress.update(task, completed=done, total=of, description=name)

        yield heard


def _finish(report: Report, folder: Path | None, html: Path | None, *, as_json: bool) -> None:
    from unison_storage.cli import output

    files = {} if folder is None else _write_down(report, folder)
    _write_page(html, [report.document()])
    if as_json:
        output.document(report.written())
    else:
        _show(report, files)
    raise typer.Exit(report.exit_code)


def _write_down(report: Report, folder: Path) -> dict[str, str]:
    """Write each failure that can be replayed to a file, and return the files by check."""
    from unison_storage_conformance.replay import can_be_replayed, written_down

    files = {}
    for verdict in report.verdicts:
        if can_be_replayed(verdict):
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{verdict.kind}-{verdict.law}-{verdict.check}.json"
            path.write_text(json_.dumps(written_down(verdict), indent=1), "utf-8")
            files[verdict.id] = str(path)
    return files


def _show(report: Report, files: dict[str, str]) -> None:
    from unison_storage.cli import output
    from unison_storage_conformance import terminal

    output.line(f"{report.url}  {report.backend} {report.version}  {report.server}".rstrip())
    output.line("")
    output.show(terminal.matrix(report))
    output.show(terminal.legend())
    output.line("")
    for failure in terminal.failures(report, files):
        output.show(failure)
    rest = terminal.unverified(report)
    if rest is not None:
        output.show(rest)
        output.line("")
    for fault in (*report.faults, *report.waiver_faults):
        output.failure("Fault", fault)
    for leftover in report.leftovers:
        output.note(f"left behind: {leftover}", "yellow")
    output.show(terminal.summary(report))
