"""Words of other distributions, found by entry points. One that can't be loaded spoils itself alone."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

import typer
from msgspec import Struct

from unison_storage.errors import PluginLoadError
from unison_storage.plugins import COMMANDS

_PANEL: Final = "From other distributions"


class Word(Struct, frozen=True):
    """A word as the metadata of its distribution tells, without importing it."""

    word: str
    distribution: str
    version: str
    module: str


def installed() -> list[Word]:
    """Return the words of other distributions, from metadata alone, in order."""
    found = {_word(point) for point in entry_points(group=COMMANDS)}
    return sorted(found, key=lambda one: (one.word, one.distribution))


def names() -> list[str]:
    """Return each word once."""
    return list(dict.fromkeys(word.word for word in installed()))


def command(name: str) -> Any:
    """Return the command for a word, loading it; ``None`` if nobody offers it.

    In place of one that can't be loaded stands one that says why when it is run.
    """
    found = [word for word in installed() if word.word == name]
    if not found:
        return None
    if len(found) > 1:
        owners = " and ".join(word.distribution for word in found)
        return _unavailable(name, f"{owners} both offer the word {name}; uninstall one")
    try:
        return _loaded(found[0])
    except Exception as error:  # noqa: BLE001 - it may fail in any way when imported; its word fails alone
        word = found[0]
        why = f"{word.module} of {word.distribution} {word.version} can't be loaded ({type(error).__name__}: {error})"
        return _unavailable(name, why)


def _loaded(word: Word) -> Any:
    thing = EntryPoint(word.word, word.module, COMMANDS).load()
    if isinstance(thing, typer.Typer):
        thing.info.rich_help_panel = _PANEL
        return _made(thing, word.word)
    app = typer.Typer(add_completion=False)
    app.command(word.word, rich_help_panel=_PANEL)(thing)
    return _made(app, word.word)


def _made(app: typer.Typer, name: str) -> Any:
    command: Any = typer.main.get_command(app)
    command.name = name
    command.rich_help_panel = _PANEL
    return command


def _unavailable(name: str, why: str) -> Any:
    app = typer.Typer(add_completion=False)

    # whatever follows the word belongs to the command that is not there
    @app.command(
        name,
        help=f"Unavailable: {why}",
        rich_help_panel=_PANEL,
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )
    def refuse() -> None:
        raise PluginLoadError(f"the word {name} is unavailable: {why}")

    return _made(app, name)


def _word(point: EntryPoint) -> Word:
    distribution = point.dist
    name, version = (distribution.name, distribution.version) if distribution is not None else ("unknown", "")
    return Word(point.name, name, version, point.value)
