from __future__ import annotations

import ssl

import pytest
from redis import exceptions as driver

from unison_storage.errors import (
    AccessDenied,
    AvailabilityError,
    DeadlineExceeded,
    InvalidConfig,
    PoolExhausted,
    StorageError,
    Tampered,
    TooLarge,
    Unavailable,
)
from unison_storage_redis import errors

CANARY = "canary-value"


@pytest.mark.parametrize(
    ("said", "kind", "told"),
    [
        ("WRONGTYPE Operation against a key", Tampered, "something else lies under a key of ours"),
        ("OOM command not allowed when used memory > 'maxmemory'.", Unavailable, "maxmemory"),
        ("LOADING Redis is loading the dataset in memory", Unavailable, "loading"),
        ("READONLY You can't write against a read only replica.", Unavailable, "replica"),
        ("MISCONF Redis is configured to save RDB snapshots", Unavailable, "disk"),
        ("CLUSTERDOWN Hash slot not served", Unavailable, "slots"),
        ("BUSY Redis is busy running a script.", Unavailable, "script"),
        ("NOAUTH Authentication required.", InvalidConfig, "user"),
        ("WRONGPASS invalid username-password pair", InvalidConfig, "user"),
        (f"NOPERM User {CANARY} has no permissions", AccessDenied, "ACL"),
        ("ERR max number of clients reached", PoolExhausted, "connections"),
        ("ERR Protocol error: invalid bulk length", TooLarge, "larger"),
        ("ERR DB index is out of range", InvalidConfig, "database"),
        (f"ERR unknown command with args beginning with: '{CANARY}'", Unavailable, "answered with ERR"),
        (f"{CANARY} is no word", Unavailable, "answered with an error"),
    ],
)
def test_what_the_server_answers_is_told_without_its_words(said: str, kind: type[StorageError], told: str) -> None:
    error = errors.answered(said)
    assert type(error) is kind
    assert told in error.message
    assert CANARY not in error.message
    assert not error.outcome_unknown
    assert error.retryable == isinstance(error, AvailabilityError)


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (driver.AuthenticationError(CANARY), InvalidConfig),
        (driver.NoPermissionError(CANARY), AccessDenied),
        (driver.BusyLoadingError(CANARY), Unavailable),
        (driver.TimeoutError(CANARY), Unavailable),
        (TimeoutError(CANARY), Unavailable),
        (driver.ConnectionError(CANARY), Unavailable),
        (driver.ConnectionError("max number of clients reached"), PoolExhausted),
        (driver.ResponseError("ERR DB index is out of range"), InvalidConfig),
        (OSError(CANARY), Unavailable),
        (Unavailable("ours"), Unavailable),
    ],
)
def test_a_connection_that_can_not_be_made_is_told_by_what_the_driver_raises(
    raised: Exception, kind: type[StorageError]
) -> None:
    error = errors.unconnected(raised)
    assert type(error) is kind
    assert CANARY not in error.message


def test_a_certificate_that_is_not_accepted_is_a_matter_of_settings() -> None:
    raised = driver.ConnectionError(CANARY)
    raised.__cause__ = ssl.SSLError(CANARY)
    assert isinstance(errors.unconnected(raised), InvalidConfig)


@pytest.mark.parametrize("unknown", [True, False])
def test_what_was_lost_says_whether_it_may_have_taken_effect(*, unknown: bool) -> None:
    assert errors.lost(unknown=unknown).outcome_unknown is unknown
    assert isinstance(errors.silent(unknown=unknown), DeadlineExceeded)
    assert errors.silent(unknown=unknown).outcome_unknown is unknown
