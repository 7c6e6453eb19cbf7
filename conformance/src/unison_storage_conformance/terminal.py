"""The report on a terminal: a matrix of laws, what failed, and how to see it again. What is in it is ``report``'s."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from unison_storage.cli.output import shown
from unison_storage_conformance.documents import Difference, Document, alone
from unison_storage_conformance.report import Report
from unison_storage_conformance.telling import told_example
from unison_storage_conformance.verdicts import Level, State, Verdict, totals, worst

STYLES: Final = {
    State.PASSED: "green",
    State.FAILED: "bold red",
    State.REFUSED: "cyan",
    State.UNVERIFIED: "yellow",
    State.WAIVED: "magenta",
}
_MARKS: Final = {
    State.PASSED: "●",
    State.FAILED: "✗",
    State.REFUSED: "○",
    State.UNVERIFIED: "?",
    State.WAIVED: "~",
}


def matrix(report: Report) -> RenderableType:
    """Return kinds against contracts: a mark for each law, and how many checks came to what."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("kind", "contract", "laws"):
        table.add_column(heading, style="bold" if heading == "kind" else "")
    for state in State:
        table.add_column(str(state), justify="right")
    table.add_column("seconds", justify="right")
    for kind, contract, verdicts in _rows(report.verdicts):
        counted = totals(verdicts)
        numbers = [
            Text(str(counted[state]) if counted[state] else "·", STYLES[state] if counted[state] else "dim")
            for state in State
        ]
        table.add_row(kind, contract, _marks(verdicts), *numbers, f"{sum(one.seconds for one in verdicts):.1f}")
    return table


def legend() -> RenderableType:
    """Return what the marks mean."""
    text = Text("each mark is a law, in the order of its number: ", style="dim")
    for state, mark in _MARKS.items():
        text.append(f"{mark} {state}  ", STYLES[state])
    return text


def failures(report: Report, files: Mapping[str, str]) -> Iterator[RenderableType]:
    """Yield what failed: the law, the last steps, what was expected and found, and how to see it again."""
    for verdict in report.verdicts:
        if verdict.state is State.FAILED:
            yield _failure(verdict, files.get(verdict.id))


def unverified(report: Report) -> RenderableType | None:
    """Return what could not be tried or is waived, and why; ``None`` where there is nothing."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for verdict in report.verdicts:
        if verdict.state in (State.UNVERIFIED, State.WAIVED, State.REFUSED):
            words = Text(shown(verdict.reason or ""), style="dim")
            table.add_row(Text(str(verdict.state), STYLES[verdict.state]), _name(verdict), words)
    return table if table.row_count else None


def summary(report: Report) -> Text:
    """Return the last line."""
    counted = totals(report.verdicts)
    parts = [f"{number} {state}" for state, number in counted.items() if number or state == State.PASSED]
    style = "green" if report.exit_code == 0 else "bold red"
    return Text(f"{', '.join(parts)} · profile {report.profile}, seed {report.seed}", style=style)


def compared(first: Document, second: Document, found: Sequence[Difference]) -> Iterator[RenderableType]:
    """Yield two reports side by side: how many checks came to what in each, and those that differ."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("", "backend", "profile", "at"):
        table.add_column(heading)
    for state in State:
        table.add_column(str(state), justify="right")
    for name, document in (("A", first), ("B", second)):
        numbers = [Text(f"{number or '·'}", STYLES[State(state)]) for state, number in document.totals.items()]
        table.add_row(name, shown(document.name), document.profile, document.at, *numbers)
    yield table
    yield Text("")
    for name, kinds in (("A", alone(first, second)), ("B", alone(second, first))):
        if kinds:
            yield Text(f"only {name} has tried {', '.join(kinds)}", style="dim")
    if not found:
        yield Text("both say the same of every check", style="green")
        return
    rows = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("", "law", "check", "A", "B", "why"):
        rows.add_column(heading, overflow="fold")
    for one in found:
        why = (one.second and one.second.reason) or (one.first and one.first.reason) or ""
        name = f"{one.either.check} ({one.either.contract})"
        mark = Text("worse", "bold red") if one.worse else Text("")
        rows.add_row(mark, one.either.law, name, _state(one.first), _state(one.second), Text(shown(why), style="dim"))
    yield rows
    worse = sum(one.worse for one in found)
    yield Text(f"{len(found)} differ, {worse} worse in B", style="bold red" if worse else "")


def _state(verdict: Verdict | None) -> Text:
    return Text("not tried", "dim") if verdict is None else Text(str(verdict.state), STYLES[verdict.state])


def _rows(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, str, list[Verdict]]]:
    grouped: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        own = verdict.level in (Level.PLUGIN, Level.LAWS)
        contract = verdict.law.partition(".")[0] if own else str(verdict.level)
        grouped.setdefault((verdict.kind, contract), []).append(verdict)
    last = ""
    for (kind, contract), rows in grouped.items():
        yield "" if kind == last else kind, contract, rows
        last = kind


def _marks(verdicts: Sequence[Verdict]) -> Text:
    by_law: dict[str, list[Verdict]] = {}
    for verdict in sorted(verdicts, key=lambda one: int(one.law.partition(".")[2])):
        by_law.setdefault(verdict.law, []).append(verdict)
    text = Text()
    for found in by_law.values():
        state = worst([one.state for one in found]) or State.UNVERIFIED
        text.append(_MARKS[state], STYLES[state])
    return text


def _name(verdict: Verdict) -> str:
    return f"{verdict.kind} {verdict.law} {verdict.check}"


def _failure(verdict: Verdict, file: str | None) -> RenderableType:
    example = verdict.counterexample
    lines = [Text(f"✗ {_name(verdict)}", style="bold red")]
    if example is not None and example.law != verdict.law:
        lines.append(Text(f"breaks {example.law}", style="red"))
    lines.append(Text(shown(verdict.sentence), style="italic"))
    lines.append(Text(shown(verdict.reason or "")))
    if example is not None:
        lines += [Text(line) for line in told_example(example)]
    if file is not None:
        lines.append(Text.assemble(("replay    ", "dim"), f"unison-storage conformance replay {file} URL"))
    return Padding(Group(lines[0], *(Padding(line, (0, 0, 0, 2)) for line in lines[1:])), (0, 0, 1, 0))
