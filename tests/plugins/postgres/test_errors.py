from __future__ import annotations

import psycopg
import pytest

from unison_storage.errors import (
    AccessDenied,
    AlreadyExists,
    DeadlineExceeded,
    InvalidConfig,
    PoolExhausted,
    SchemaOutOfDate,
    StorageError,
    Tampered,
    TransactionConflict,
    Unavailable,
)
from unison_storage_postgres import errors


@pytest.mark.parametrize(
    ("state", "kind", "unknown"),
    [
        ("23505", AlreadyExists, False),
        ("25006", Unavailable, False),
        ("40P01", TransactionConflict, False),
        ("40003", TransactionConflict, True),
        ("42501", AccessDenied, False),
        ("42P01", SchemaOutOfDate, False),
        ("42601", Tampered, False),
        ("53100", Unavailable, False),
        ("53300", PoolExhausted, False),
        ("55P03", DeadlineExceeded, False),
        ("57014", DeadlineExceeded, False),
        ("57P01", Unavailable, True),
        ("57P03", Unavailable, False),
        ("08006", Unavailable, True),
        ("XX001", Tampered, False),
        ("F0000", Unavailable, False),
    ],
)
def test_an_answer_says_what_it_is_and_whether_it_may_have_taken_effect(
    state: str,
    kind: type[StorageError],
    unknown: bool,  # noqa: FBT001 - what is expected
) -> None:
    error = errors.answered(state, writes=True)
    assert (type(error), error.outcome_unknown) == (kind, unknown)
    assert not errors.answered(state, writes=False).outcome_unknown


def test_every_state_that_there_is_has_an_error() -> None:
    raised = [one for one in vars(psycopg.errors).values() if isinstance(one, type) and issubclass(one, psycopg.Error)]
    states = [one.sqlstate for one in raised if isinstance(one.sqlstate, str)]
    assert len(states) > 200
    for state in states:
        assert isinstance(errors.answered(state, writes=True), StorageError), state


def test_a_connection_that_is_not_made_tells_why_and_no_name() -> None:
    refused = errors.unconnected(psycopg.OperationalError('FATAL:  password authentication failed for user "ann"'))
    away = errors.unconnected(psycopg.OperationalError("connection to server at 10.0.0.7 failed: Connection refused"))
    assert (type(refused), type(away)) == (InvalidConfig, Unavailable)
    assert "ann" not in refused.message
    assert "10.0.0.7" not in away.message
    assert away.retryable
