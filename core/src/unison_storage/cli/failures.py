"""Failures: from an error to a line on stderr, a document on stdout and an exit code. No command knows of these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final

import typer

from unison_storage import errors
from unison_storage.cli import output

FAILED: Final = 1
USAGE: Final = 2
BROKEN_PIPE: Final = 141
"""What a shell reports of a process that died of SIGPIPE."""

_DOCTOR: Final = "unison-storage doctor says what answers and what doesn't"
_REPAIR: Final = "unison-storage reconcile names what is gone or damaged"
_REMEDIES: Final[Mapping[type[errors.StorageError], str]] = {
    errors.AlreadyExists: "leave --expect out to overwrite",
    errors.VersionConflict: "read it again with --json, which shows its version",
    errors.InvalidCursor: "leave --cursor out to start from the beginning",
    errors.InvalidConfig: "unison-storage config explain shows each setting and where it comes from",
    errors.MigrationLocked: "unison-storage migrate --status shows where it stands",
    errors.AvailabilityError: _DOCTOR,
    errors.IntegrityError: _REPAIR,
}
_UNKNOWN: Final = "it may have taken effect all the same: look before it is repeated"


def wants_json(words: Sequence[str]) -> bool:
    """Return whether ``--json`` is among the words; what follows ``--`` is data."""
    words = list(words)
    return "--json" in (words[: words.index("--")] if "--" in words else words)


def remedy(error: errors.StorageError) -> str | None:
    """Return what to do about an error, where its message does not say it."""
    if error.outcome_unknown:
        return _UNKNOWN
    return next((_REMEDIES[kind] for kind in type(error).__mro__ if kind in _REMEDIES), None)


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
    facts = {
        "type": kind,
        "message": message,
        "retryable": error is not None and error.retryable,
        "outcome_unknown": error is not None and error.outcome_unknown,
    }
    with suppress(OSError):  # stdout itself may be what failed; the line on stderr tells
        output.document({"error": facts})
