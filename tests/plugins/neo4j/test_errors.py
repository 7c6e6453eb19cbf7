from __future__ import annotations

import pytest
from neo4j import exceptions as driver

from unison_storage.errors import (
    AccessDenied,
    DeadlineExceeded,
    InvalidConfig,
    InvalidValue,
    PoolExhausted,
    StorageError,
    TransactionConflict,
    Unavailable,
)
from unison_storage_neo4j import errors

CANARY = "canary-value"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("Neo.ClientError.Security.Unauthorized", InvalidConfig),
        ("Neo.ClientError.Security.Forbidden", AccessDenied),
        ("Neo.ClientError.Database.DatabaseNotFound", InvalidConfig),
        ("Neo.ClientError.Schema.ConstraintValidationFailed", TransactionConflict),
        ("Neo.ClientError.Statement.EntityNotFound", TransactionConflict),
        ("Neo.ClientError.Statement.TypeError", InvalidValue),
        ("Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration", DeadlineExceeded),
        ("Neo.ClientError.Transaction.LockClientStopped", DeadlineExceeded),
        ("Neo.TransientError.Transaction.DeadlockDetected", TransactionConflict),
        ("Neo.TransientError.General.DatabaseUnavailable", Unavailable),
        ("Neo.DatabaseError.Statement.ExecutionFailed", Unavailable),
        (CANARY, Unavailable),
    ],
)
def test_what_the_server_answers_is_told_by_its_code_alone(code: str, kind: type[StorageError]) -> None:
    raised = driver.Neo4jError._hydrate_neo4j(code=code, message=f"it has {CANARY}")
    error = errors.translated(raised, writes=True)
    assert type(error) is kind
    assert CANARY not in error.message
    assert not error.outcome_unknown


@pytest.mark.parametrize("writes", [True, False])
def test_a_connection_that_was_lost_leaves_open_whether_a_write_took_effect(*, writes: bool) -> None:
    lost = errors.translated(driver.ServiceUnavailable(f"Failed to read {CANARY}"), writes=writes)
    never = errors.translated(driver.ServiceUnavailable("Failed to DNS resolve address host:7687"), writes=writes)
    assert (type(lost), lost.outcome_unknown) == (Unavailable, writes)
    assert (type(never), never.outcome_unknown) == (Unavailable, False)
    assert CANARY not in lost.message


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (driver.ConnectionAcquisitionTimeoutError(CANARY), PoolExhausted),
        (OverflowError(CANARY), InvalidValue),
        (Unavailable("ours"), Unavailable),
    ],
)
def test_what_never_left_the_client_is_told_without_values(raised: Exception, kind: type[StorageError]) -> None:
    error = errors.translated(raised, writes=True)
    assert (type(error), error.outcome_unknown) == (kind, False)
    assert CANARY not in error.message
