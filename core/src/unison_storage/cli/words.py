"""Words: how a command is named, shown and exemplified. What it does stands in its own module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import typer
from rich.markup import escape
from typer.core import TyperCommand

Function = TypeVar("Function", bound=Callable[..., Any])


class Word(TyperCommand):
    """A command whose usage names its arguments as the documentation does."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the parts of the usage line; typer puts arguments in braces and dots, which ours say themselves."""
        pieces = super().collect_usage_pieces(ctx)
        return [piece[1:].removesuffix("...").removesuffix("}") if piece[0] == "{" else piece for piece in pieces]


def word(app: typer.Typer, name: str, *examples: str) -> Callable[[Function], Function]:
    """Make a function a command of ``app``; its help ends with the examples, to be typed as they stand."""
    return app.command(name, cls=Word, epilog=shown_examples(*examples))


def shown_examples(*examples: str) -> str:
    """Return the end of a help text."""
    return "\n".join(["[bold]Example[/bold]", *(f"  {escape(line)}" for line in examples)])
