"""What is told to scripts and commands, and what their answers mean, for all kinds alike. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from unison_storage.addresses import after as end_of
from unison_storage.contracts.backend import Outcome
from unison_storage.contracts.conditions import refused, stranger
from unison_storage.contracts.memory import Delete, Put, Row, Written
from unison_storage.errors import RequestError, StorageError, Tampered
from unison_storage.portable import counter, incremented
from unison_storage.values import ANY, Expect, Expectation
from unison_storage_redis.entries import row_of

Answers = list[Outcome[Any]]

_EXPECTED: Final = {ANY: "*", Expect.ABSENT: "+", Expect.PRESENT: "!"}


def millis(lifetime: int) -> int:
    """Return microseconds as milliseconds, rounded up."""
    return -(-lifetime // 1_000)


def lifetime_of(lifetime: int | None) -> str:
    """Return a lifetime as scripts take it: in milliseconds, or nothing for ever."""
    return "" if lifetime is None else str(millis(lifetime))


def expected(expect: Expectation) -> str:
    """Return an expectation as scripts take it."""
    return _EXPECTED[expect] if isinstance(expect, Expect) else f"={expect}"


def between(prefix: str) -> tuple[str, str]:
    """Return the ends of an index between which everything below a prefix lies."""
    return f"[{prefix}", f"({end_of(prefix)}"


def flags(answers: Sequence[Outcome[Any]]) -> list[Outcome[bool]]:
    """Return of each whether it was 1."""
    return [answer if isinstance(answer, StorageError) else answer == 1 for answer in answers]


def total(answer: Any, by: int) -> Outcome[int]:
    """Return the sum that a counter came to, or why it can't be added to."""
    if isinstance(answer, StorageError):
        return answer
    if not isinstance(answer, list):
        return int(answer)
    try:
        return incremented(counter(answer[0]), by)
    except RequestError as error:
        return error


def row(answer: Any) -> Outcome[Row | None]:
    """Return the entry that was answered."""
    if answer is None or isinstance(answer, StorageError):
        return answer
    try:
        return row_of(answer)
    except Tampered as error:
        return error


def without_value(found: Row) -> Row:
    """Return an entry without its value."""
    return Row(b"", found.version, found.created, found.updated, found.expires, found.person)


def written(put: Put, answer: Any) -> Outcome[Written]:
    """Return what a put left, or why it was refused."""
    if isinstance(answer, StorageError):
        return answer
    if len(answer) == 4:
        created, updated, expires, fresh = answer
        return Written(created, updated, expires or None, fresh == 1)
    there = row(answer[0] or None)
    if isinstance(there, StorageError):
        return there
    version, person = (there.version, there.person) if there else (None, None)
    error = refused(put.expect, version) or stranger(put.person, person)
    return error or StorageError("the server refused a put with which nothing is wrong")


def deleted(delete: Delete, answer: Any) -> Outcome[bool]:
    """Return whether something was there for a delete, or why it was refused."""
    if isinstance(answer, StorageError):
        return answer
    if isinstance(answer, bytes):
        return True
    there = row(answer[0]) if answer else None
    if isinstance(there, StorageError):
        return there
    return refused(delete.expect, there.version if there else None) or False
