from __future__ import annotations

import sqlite3

import pytest

from unison_storage.errors import AlreadyExists, InvalidValue, StorageError, Tampered, TooLarge, Unavailable
from unison_storage_sqlite import errors

SECRET = "tell-nobody"


def with_code(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError(SECRET)
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_BUSY, Unavailable),
        (sqlite3.SQLITE_BUSY_RECOVERY, Unavailable),
        (sqlite3.SQLITE_READONLY_DIRECTORY, Unavailable),
        (sqlite3.SQLITE_FULL, Unavailable),
        (sqlite3.SQLITE_IOERR_READ, Unavailable),
        (sqlite3.SQLITE_CANTOPEN, Unavailable),
        (sqlite3.SQLITE_CORRUPT_INDEX, Tampered),
        (sqlite3.SQLITE_NOTADB, Tampered),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, AlreadyExists),
        (sqlite3.SQLITE_TOOBIG, TooLarge),
        (sqlite3.SQLITE_MISUSE, Unavailable),
    ],
)
def test_each_code_has_its_error_and_none_tells_a_value(code: int, kind: type[StorageError]) -> None:
    error = errors.translated(with_code(code))
    assert type(error) is kind
    assert SECRET not in str(error)
    assert not getattr(error, "outcome_unknown", True)


def test_what_the_binding_refuses_is_the_callers_and_what_it_cannot_read_is_damage() -> None:
    database = sqlite3.connect(":memory:")
    for statement, value, kind in (
        ("SELECT ?", 2**64, InvalidValue),
        ("SELECT ?", "\ud800", InvalidValue),
        ("SELECT ?", object(), InvalidValue),
        ("SELECT CAST(? AS TEXT)", b"\xff", Tampered),
    ):
        with pytest.raises((sqlite3.Error, UnicodeError, OverflowError)) as caught:
            database.execute(statement, (value,)).fetchone()
        assert type(errors.translated(caught.value)) is kind
    database.close()


def test_an_error_that_is_none_of_the_drivers_stays_what_it_is() -> None:
    for error in (KeyError(1), Unavailable("x")):
        assert errors.translated(error) is error


def test_the_file_system_is_told_by_the_name_of_its_error() -> None:
    error = errors.translated(OSError(28, "No space left", SECRET))
    assert isinstance(error, Unavailable)
    assert "ENOSPC" in str(error)
    assert SECRET not in str(error)


@pytest.mark.parametrize(
    ("code", "unknown"),
    [
        (sqlite3.SQLITE_IOERR_FSYNC, True),
        (sqlite3.SQLITE_NOMEM, True),
        (sqlite3.SQLITE_IOERR_WRITE, False),
        (sqlite3.SQLITE_BUSY, False),
        (sqlite3.SQLITE_FULL, False),
    ],
)
def test_a_commit_may_have_taken_effect_only_if_its_frames_were_written(code: int, *, unknown: bool) -> None:
    assert errors.ambiguous(with_code(code)) is unknown
