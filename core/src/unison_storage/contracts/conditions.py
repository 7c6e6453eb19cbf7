"""What every backend that checks conditions in process decides alike. Servers decide in their own language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec.structs import replace

from unison_storage.errors import AlreadyExists, HasEdges, InvalidValue, NotFound, RequestError, VersionConflict
from unison_storage.values import ANY, Edge, Expect, Expectation, Node

Item = TypeVar("Item", Node, Edge)


def refused(expect: Expectation, found: str | None) -> RequestError | None:
    """Return the error that an expectation comes to, given the visible version (``None``: nothing), or ``None``."""
    if expect is ANY:
        return None
    if expect is Expect.ABSENT:
        return None if found is None else AlreadyExists("something is there already, and nothing was expected")
    if found is None:
        return NotFound("nothing is there, and something was expected")
    if expect is Expect.PRESENT or expect == found:
        return None
    return VersionConflict("another version is there than the expected one: read again, then decide again")


def stranger(person: str | None, stored: str | None) -> RequestError | None:
    """Return the error of a put that names another person than the stored one, or ``None``."""
    if person is None or stored is None or person == stored:
        return None
    return InvalidValue("the entry belongs to another person; delete it first, or name no person")


def upserted(old: Item | None, new: Item) -> Item | RequestError:
    """Return a node or an edge as an upsert leaves it, given the stored one (``None``: nothing), or the error.

    Properties are merged, and ``None`` removes one. The stored person stays where ``new`` names none.
    """
    stored = old.person if old else None
    error = stranger(new.person, stored)
    if error is not None:
        return error
    both = {**old.properties, **new.properties} if old else new.properties
    properties = {name: value for name, value in both.items() if value is not None}
    return replace(new, properties=properties, person=new.person or stored)


def lacks_end() -> NotFound:
    """Return the error of an edge whose ends are not both there."""
    return NotFound("an end of the edge is not there: make both nodes first")


def has_edges() -> HasEdges:
    """Return the error of deleting a node that still has edges and is not to be detached."""
    return HasEdges("the node still has edges: delete them first, or detach it")


def fits(properties: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    """Return whether properties equal what is sought: numbers as numbers, a truth value none of them."""
    return all(name in properties and _equal(properties[name], wanted) for name, wanted in where.items())


def _equal(stored: Any, wanted: Any) -> bool:
    return bool(stored == wanted) and isinstance(stored, bool) == isinstance(wanted, bool)
