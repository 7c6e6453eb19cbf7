"""Spaces: the part of the graph that a command works in, and how it is named. What is done there stands elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from unison_storage.cli import records
from unison_storage.cli.sessions import run

if TYPE_CHECKING:
    from unison_storage.stores.graph import Graph

T = TypeVar("T")

Space = Annotated[
    list[str] | None,
    typer.Option("--space", metavar="SEGMENT", help="The space, segment by segment; without it the empty one."),
]
Label = Annotated[str, typer.Argument(metavar="LABEL", help="The label of the node.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="Its id.")]


def inside(space: list[str] | None, work: Callable[[Graph], Awaitable[T]]) -> T:
    """Do the work in a space of the graph, and return what came of it."""
    return run(lambda storage: work(storage.graph.at(*(space or ()))))


def named(space: list[str] | None) -> str:
    """Return what a space is called in a question."""
    return f"space {records.words(space)}" if space else "the empty space"
