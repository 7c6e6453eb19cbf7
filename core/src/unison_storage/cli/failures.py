"""Failures: from an error to a line on stderr, a document on stdout and an exit code.

Commands raise, and know of none of these but the answer no, and what is told of one item among many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import typer

from unison_storage import errors
from unison_storage.cli import output

FAILED: Final = 1
USAGE: Final = 2
NO: Final = 3
"""It could be found out, and the answer is no: 1 would look like a failure, and the other way round."""
BROKEN_PIPE: Final = 141
"""What a shell reports of a process that died of SIGPIPE."""

_DOCTOR: Final = "unison-storage doctor says what answers and what doesn't"
_MODEL: Final = "unison-storage graph model shows what the graph may hold"
_REPAIR: Final = "unison-storage reconcile names what is gone or damaged"
_EXPLAIN: Final = "unison-storage config explain shows each setting and where it comes from"
_REMEDIES: Final[Mapping[type[errors.StorageError], str]] = {
    errors.AlreadyExists: "leave --expect out to overwrite",
    errors.VersionConflict: "read it again with --json, which shows its version",
    errors.HasEdges: "--detach removes its edges too",
    errors.LeaseHeld: "--wait 30s goes on trying for so long",
    errors.InvalidCursor: "leave --cursor out to start from the beginning",
    errors.InvalidConfig: _EXPLAIN,
    errors.UnknownScheme: _EXPLAIN,  # the URL may come from a variable of another name
    errors.MigrationLocked: "unison-storage migrate --status shows where it stands",
    errors.AvailabilityError: _DOCTOR,
    errors.IntegrityError: _REPAIR,
}
_TOLD: Final = 20
"""Failed items that are told one by one: more would hide what was said before."""
_UNKNOWN: Final = "it may have taken effect all the same: look before it is repeated"


def wants_json(words: Sequence[str]) -> bool:
    """Return whether ``--json`` is among the words; what follows ``--`` is data."""
    words = list(words)
    return "--json" in (words[: words.index("--")] if "--" in words else words)


def remedy(error: errors.StorageError) -> str | None:
    """Return what to do about an error, where its message does not say it."""
    if error.outcome_unknown:
        return _UNKNOWN
    if isinstance(error, errors.ClassificationViolation) and error.kind == "graph":
        return _MODEL
    return next((_REMEDIES[kind] for kind in type(error).__mro__ if kind in _REMEDIES), None)


def facts(error: errors.StorageError) -> dict[str, Any]:
    """Return an error as JSON takes it."""
    return _facts(type(error).__name__, error.message, error)


def tell_items(failed: Mapping[int, errors.StorageError]) -> None:
    """Say on stderr which items of many failed, by their position from 1, and what to do."""
    for place, error in list(failed.items())[:_TOLD]:
        output.failure(f"item {place}: {type(error).__name__}", error.message, remedy(error))
    if len(failed) > _TOLD:
        output.note(f"and {len(failed) - _TOLD:,} more, which --json tells", "red")


@contextmanager
def reported(*, as_json: bool) -> Iterator[None]:
    """Turn what is raised inside into what a terminal or a script is told. Wrong usage is printed by typer."""
    try:
        try:
            yield
        finally:
            output.flush()
    except typer.TyperException as error:
        if as_json:
            _document("WrongUsage", error.format_message())
        raise
    except errors.StorageError as error:
        output.failure(type(error).__name__, error.message, remedy(error))
        if as_json:
            _document(type(error).__name__, error.message, error)
        raise typer.Exit(FAILED) from None
    except BrokenPipeError:
        output.abandon()
        raise typer.Exit(BROKEN_PIPE) from None
    except OSError as error:
        _system(error, as_json=as_json)
        raise typer.Exit(FAILED) from None


def _system(error: OSError, *, as_json: bool) -> None:
    message = error.strerror or str(error)
    if error.filename is not None:
        message = f"{message}: {output.shown(str(error.filename))}"
    output.failure(type(error).__name__, message)
    if as_json:
        _document(type(error).__name__, message)
    output.abandon_if_full()


def _document(kind: str, message: str, error: errors.StorageError | None = None) -> None:
    with suppress(OSError):  # stdout itself may be what failed; the line on stderr tells
        output.document({"error": _facts(kind, message, error)})


def _facts(kind: str, message: str, error: errors.StorageError | None) -> dict[str, Any]:
    return {
        "type": kind,
        "message": message,
        "retryable": error is not None and error.retryable,
        "outcome_unknown": error is not None and error.outcome_unknown,
    }
