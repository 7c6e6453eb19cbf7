"""What every backend that checks conditions in process decides alike. Servers decide in their own language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unison_storage.errors import AlreadyExists, InvalidValue, NotFound, RequestError, VersionConflict
from unison_storage.values import ANY, Expect, Expectation


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


def merged(properties: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties of a node or edge after an upsert: ``None`` removes one."""
    return {name: value for name, value in {**properties, **changes}.items() if value is not None}


def fits(properties: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    """Return whether properties equal what is sought: numbers as numbers, a truth value none of them."""
    return all(name in properties and _equal(properties[name], wanted) for name, wanted in where.items())


def _equal(stored: Any, wanted: Any) -> bool:
    return bool(stored == wanted) and isinstance(stored, bool) == isinstance(wanted, bool)
