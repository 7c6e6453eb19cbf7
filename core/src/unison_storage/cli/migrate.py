"""``migrate``: the schemas of all databases. The steps are the plugins' business."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from unison_storage.cli import records
from unison_storage.cli.options import Json
from unison_storage.cli.output import document, line, note, show, waiting
from unison_storage.cli.words import word

if TYPE_CHECKING:
    from unison_storage.contracts.migrations import Migrations, SchemaState

app = typer.Typer()

_STYLES = {"current": "green", "behind": "yellow", "not there": "yellow", "ahead": "red"}


@word(
    app,
    "migrate",
    "unison-storage migrate --dry-run",
    "unison-storage migrate",
    "unison-storage migrate --print-roles | psql postgresql://owner@db/app",
)
def migrate(
    *,
    status: Annotated[
        bool, typer.Option("--status", help="Show where each database stands; exit 1 if not current.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be executed, and change nothing.")
    ] = False,
    print_roles: Annotated[
        bool, typer.Option("--print-roles", help="Print what makes roles that own nothing, and open nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Bring the schema of every database up to date. In production and staging it is marked as what it is."""
    from unison_storage.storage import Storage

    if status + dry_run + print_roles > 1:
        raise typer.BadParameter("give one of them", param_hint=["--status", "--dry-run", "--print-roles"])
    storage = Storage.from_env()
    if print_roles:
        _print_roles(storage.migrations(), as_json=json)
        return
    asyncio.run(_work(storage.migrations(), storage.profile, status=status, dry_run=dry_run, as_json=json))


async def _work(found: Mapping[str, Migrations], profile: str, *, status: bool, dry_run: bool, as_json: bool) -> None:
    if not found:
        note("no database here has a schema", "dim")
    states = {database: await one.state() for database, one in found.items()}
    if dry_run:
        _print_steps(states, as_json=as_json)
    elif status:
        _print_states(states, as_json=as_json)
        if not all(state.current for state in states.values()):
            raise typer.Exit(1)
    else:
        await _apply(found, states, profile, as_json=as_json)


async def _apply(
    found: Mapping[str, Migrations], before: Mapping[str, SchemaState], profile: str, *, as_json: bool
) -> None:
    done = []
    for database, state in before.items():
        after = state
        if not state.current or state.unmarked(profile):
            with waiting(f"migrating {database}"):
                after = await found[database].apply()
        done.append({"database": database, "had": state.have, "have": after.have, "applied": _names(state)})
        if not as_json:
            applied = f"{records.count(len(state.steps), 'step')} applied" if state.steps else "was current"
            line(f"{database}: {applied}, now {after.have}{_mark(after)}")
    if as_json:
        document({"databases": done})


def _print_states(states: Mapping[str, SchemaState], *, as_json: bool) -> None:
    if as_json:
        document({"databases": [{**_facts(name, state), "steps": _names(state)} for name, state in states.items()]})
        return
    rows = [
        [name, state.have or "none", state.want, str(len(state.steps)), Text(_word(state), _STYLES[_word(state)])]
        for name, state in states.items()
    ]
    show(records.table("database", "have", "want", "steps>", "state", rows=rows))


def _print_steps(states: Mapping[str, SchemaState], *, as_json: bool) -> None:
    if as_json:
        steps = {name: [{"name": s.name, "text": s.text} for s in state.steps] for name, state in states.items()}
        document({"databases": [{**_facts(name, state), "steps": steps[name]} for name, state in states.items()]})
        return
    for name, state in states.items():
        note(f"{name}: {records.count(len(state.steps), 'step')} to {state.want}", "dim")
        for step in state.steps:
            line(f"-- {step.name}")
            for row in step.text.rstrip().splitlines():
                line(row)
            line("")


def _print_roles(found: Mapping[str, Migrations], *, as_json: bool) -> None:
    from unison_storage.contracts.migrations import WithRoles

    roles = {database: one.roles() if isinstance(one, WithRoles) else "" for database, one in found.items()}
    if as_json:
        document({"databases": [{"database": name, "roles": text} for name, text in roles.items()]})
        return
    for name, text in roles.items():
        note(f"{name}: {'as below' if text else 'has no roles'}", "dim")
        for row in text.splitlines():
            line(row)


def _facts(database: str, state: SchemaState) -> dict[str, Any]:
    facts = {"database": database, "have": state.have, "want": state.want, "current": state.current}
    return {**facts, "profile": state.profile}


def _names(state: SchemaState) -> list[str]:
    return [step.name for step in state.steps]


def _mark(state: SchemaState) -> str:
    return "" if state.profile is None else f", marked as {state.profile}"


def _word(state: SchemaState) -> str:
    if state.current:
        return "current"
    if state.have is None:
        return "not there"
    return "behind" if state.steps else "ahead"
