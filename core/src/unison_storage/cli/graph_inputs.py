"""Nodes, edges and searches as they are given: JSON as records. What a graph may hold is the model's business."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import typer

from unison_storage.cli import inputs
from unison_storage.cli.output import shown
from unison_storage.errors import InvalidValue
from unison_storage.graph_documents import GivenEdge, GivenNode
from unison_storage.portable import parse_json
from unison_storage.values import Edge, Node, Scalar

Shape = TypeVar("Shape")


def nodes(given: str | None, file: Path | None) -> list[Node]:
    """Return the nodes from ``--value``, ``--file`` or stdin; ``InvalidValue`` names the item that is none."""
    return [one.node for one in _shaped(given, file, GivenNode)]


def edges(given: str | None, file: Path | None) -> list[Edge]:
    """Return the edges, as ``nodes``."""
    return [one.edge for one in _shaped(given, file, GivenEdge)]


def where(given: Sequence[str] | None) -> dict[str, Scalar]:
    """Return what properties have to equal, of words as in ``status="active"``."""
    wanted: dict[str, Scalar] = {}
    for word in given or ():
        name, equals, text = word.partition("=")
        if not equals:
            raise _refused("a property and its value are joined by =, as in 'status=\"active\"'")
        if name in wanted:
            raise _refused(f"{shown(name)} is named twice")
        try:
            wanted[name] = parse_json(text.encode(errors="surrogateescape"), inputs.LARGEST_VALUE)
        except InvalidValue:
            raise _refused(
                f"the value of {shown(name)} is no JSON: text is quoted, as in 'status=\"active\"'"
            ) from None
    return wanted


def _shaped(given: str | None, file: Path | None, shape: type[Shape]) -> list[Shape]:
    value = inputs.json_value(given, file)
    return [_one(item, place, shape) for place, item in enumerate(value if isinstance(value, list) else [value], 1)]


def _one(item: Any, place: int, shape: type[Shape]) -> Shape:
    try:
        return msgspec.convert(item, shape)
    except msgspec.ValidationError as error:
        raise InvalidValue(f"item {place}: {error}; nothing was written") from None


def _refused(message: str) -> typer.BadParameter:
    return typer.BadParameter(message, param_hint="--where")
