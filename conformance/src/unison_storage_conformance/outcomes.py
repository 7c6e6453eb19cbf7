"""Outcomes: how a check says that a law is broken, or that it could not be tried, and how answers are compared."""

from __future__ import annotations

from typing import Any, Final, NoReturn

from msgspec import Struct

from unison_storage.errors import StorageError

TIMES: Final = frozenset(("created", "updated", "expires", "written"))
"""Fields that hold microseconds since the epoch."""


class LawBroken(AssertionError):
    """The backend did not do what a law says. ``law`` is named where it is another one than the check is for."""

    def __init__(self, message: str, *, expected: Any = None, found: Any = None, law: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.expected = None if expected is None and found is None else shown(expected)
        self.found = None if expected is None and found is None else shown(found)
        self.law = law


class NotTried(Exception):
    """The law can't be tried on this target; the message says why. It comes to ``unverified``."""


class HarnessFault(Exception):
    """What the harness promised did not happen, so nothing is known of the backend."""


def broken(message: str, *, expected: Any = None, found: Any = None, law: str | None = None) -> NoReturn:
    """Say that the law is broken."""
    raise LawBroken(message, expected=expected, found=found, law=law)


def holds(condition: object, message: str, *, expected: Any = None, found: Any = None) -> None:
    """Say that the law is broken unless the condition holds."""
    if not condition:
        raise LawBroken(message, expected=expected, found=found)


def same(found: Any, expected: Any, message: str) -> None:
    """Say that the law is broken unless both are equal in type and value; errors compare by class."""
    if not alike(found, expected):
        raise LawBroken(message, expected=expected, found=found)


def refuses(outcome: Any, error: type[StorageError] | tuple[type[StorageError], ...], message: str) -> None:
    """Say that the law is broken unless the outcome of an item is an error of that class."""
    if not isinstance(outcome, error):
        classes = error if isinstance(error, tuple) else (error,)
        raise LawBroken(message, expected=" or ".join(one.__name__ for one in classes), found=outcome)


def value(outcome: Any, message: str) -> Any:
    """Return the outcome of an item; say that the law is broken where it is an error."""
    if isinstance(outcome, StorageError):
        raise LawBroken(message, expected="a value", found=outcome)
    return outcome


def alike(found: Any, expected: Any, ahead: int = 0, slack: int = 0) -> bool:
    """Return whether two answers are equal in type and value; errors compare by class.

    Fields that hold times may differ by ``ahead`` (how far the clock of ``found`` is ahead), give or take ``slack``.
    """
    if isinstance(found, StorageError) or isinstance(expected, StorageError):
        return type(found) is type(expected)
    if isinstance(found, list | tuple) and isinstance(expected, list | tuple):
        return len(found) == len(expected) and all(
            alike(one, other, ahead, slack) for one, other in zip(found, expected, strict=True)
        )
    if type(found) is not type(expected):
        return False
    if isinstance(found, Struct):
        return all(
            _alike_times(getattr(found, name), getattr(expected, name), ahead, slack)
            if name in TIMES
            else alike(getattr(found, name), getattr(expected, name), ahead, slack)
            for name in found.__struct_fields__
        )
    if isinstance(found, dict):
        return found.keys() == expected.keys() and all(alike(found[key], expected[key], ahead, slack) for key in found)
    return bool(found == expected)


def _alike_times(found: int | None, expected: int | None, ahead: int, slack: int) -> bool:
    if found is None or expected is None:
        return found is expected
    return abs(found - expected - ahead) <= slack


def shown(answer: Any) -> str:
    """Return an answer as a report shows it, cut where it is long."""
    if isinstance(answer, StorageError):
        text = f"{type(answer).__name__}: {answer.message}"
    elif isinstance(answer, bytes) and len(answer) > 80:
        text = f"{answer[:40]!r}… ({len(answer)} bytes)"
    elif isinstance(answer, str):
        text = answer
    else:
        text = repr(answer)
    return text if len(text) <= 600 else f"{text[:560]}… ({len(text)} characters)"


def told(error: BaseException | None) -> str:
    """Return everything that an error and what it comes from would tell in a log."""
    parts = []
    while error is not None:
        parts.append(f"{error!r} {error} {vars(error)}")
        error = error.__cause__ or error.__context__
    return " ".join(parts)
