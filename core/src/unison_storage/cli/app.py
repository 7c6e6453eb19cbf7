"""The application: which words there are and where they come from. What a word does stands in its own module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from unison_storage.cli import (
    cache,
    check,
    config,
    copy,
    doctor,
    erase,
    extensions,
    graph,
    memory,
    migrate,
    objects,
    plugins,
    tokens,
    upkeep,
)
from unison_storage.cli.failures import reported, wants_json
from unison_storage.cli.words import shown_examples

_JSON = "unison_storage.json"
_DATA = "Data"
_OPERATION = "Operation"
_SETTING_UP = "Setting up"
_ORDER = (
    *("doctor", "check", "config", "plugins", "tokens", "memory", "object", "graph", "cache"),
    *("migrate", "copy", "sweep", "reconcile", "erase"),
)


class Words(TyperGroup):
    """The root: own words first, then those of other distributions; all failures end here."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the words in the order of the help."""
        own = sorted(super().list_commands(ctx), key=_ORDER.index)
        return [*own, *(name for name in extensions.names() if name not in own)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a word; one of another distribution is loaded here, and one that can't be loaded says so when run."""
        return super().get_command(ctx, cmd_name) or extensions.command(cmd_name)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Note whether a JSON document is asked for, since a failure has to be one too."""
        as_json = ctx.meta[_JSON] = wants_json(args)
        with reported(as_json=as_json):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the word; errors become one line and an exit code."""
        with reported(as_json=ctx.meta[_JSON]):
            return super().invoke(ctx)


app = typer.Typer(
    cls=Words,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a pretty traceback shows local variables, and those hold values
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it with the value of the option
    if wanted:
        from unison_storage import __version__

        typer.echo(f"unison-storage {__version__}")
        raise typer.Exit


@app.callback(
    epilog=shown_examples(
        "UNISON_STORAGE_PROFILE=development UNISON_STORAGE_DATABASE_URL=sqlite:///data/app.db unison-storage doctor"
    )
)
def root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Store memory, objects, graphs and caches, on any backend that keeps its word.

    Settings come from UNISON_STORAGE_… variables and the TOML file that UNISON_STORAGE_CONFIG names.
    Exit codes: 0 done, 1 failed, 2 wrong usage; others stand with their command.
    """


def _register(groups: Sequence[tuple[typer.Typer, str, str]], words: Sequence[tuple[typer.Typer, str]]) -> None:
    for group, name, panel in groups:
        app.add_typer(group, name=name, rich_help_panel=panel)
    for word, panel in words:
        for command in word.registered_commands:
            command.rich_help_panel = panel
        app.registered_commands.extend(word.registered_commands)


_register(
    [
        (memory.app, "memory", _DATA),
        (objects.app, "object", _DATA),
        (graph.app, "graph", _DATA),
        (cache.app, "cache", _DATA),
        (config.app, "config", _SETTING_UP),
        (tokens.app, "tokens", _SETTING_UP),
    ],
    [
        (check.app, _OPERATION),
        (doctor.app, _OPERATION),
        (migrate.app, _OPERATION),
        (copy.app, _OPERATION),
        (upkeep.app, _OPERATION),
        (erase.app, _OPERATION),
        (plugins.app, _SETTING_UP),
    ],
)
