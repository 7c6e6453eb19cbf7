from __future__ import annotations

import inspect
from typing import Any

import pytest

from unison_storage import errors
from unison_storage.errors import StorageError
from unison_storage_gateway import problems
from unison_storage_gateway.problems import BadInput, Refused

CANARY = "canary-5b1f"
STATUS = {
    400: "InvalidKey InvalidValue InvalidLifetime InvalidCursor BatchFailed RequestError",
    403: "AccessDenied",
    404: "NotFound UnknownKeyspace",
    409: "IdempotencyConflict HasEdges LeaseHeld RetentionConflict",
    410: "Gone VersionDeleted VersionDestroyed KeyShredded",
    412: "AlreadyExists VersionConflict",
    413: "TooLarge",
    422: "ClassificationViolation",
    429: "Throttled",
    500: (
        "StorageError ConfigurationError UnknownScheme AmbiguousPlugin PluginLoadError InvalidConfig GuardViolation "
        "WrongLoop IntegrityError Tampered WrongContext Truncated UnsupportedFormat RolledBack ObjectMissing"
    ),
    501: "Unsupported",
    503: (
        "LifecycleError NotOpen Closed SchemaOutOfDate MigrationLocked AvailabilityError Unavailable PoolExhausted "
        "TransactionConflict AuditUnavailable KeyProviderUnavailable"
    ),
    504: "DeadlineExceeded",
}
TABLE = [(name, status) for status, names in STATUS.items() for name in names.split()]


def test_the_table_holds_every_error() -> None:
    classes = {name for name, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, StorageError)}
    assert {name for name, _ in TABLE} == classes


@pytest.mark.parametrize(("name", "status"), TABLE)
def test_each_error_has_its_status(name: str, status: int) -> None:
    error: StorageError = getattr(errors, name)("what was wrong", backend=CANARY, outcome_unknown=True)
    shown = problems.of(error).shown()
    assert shown["status"] == status
    assert shown["type"].removeprefix("/problems/").replace("-", "") == name.lower()
    assert shown["retryable"] == error.retryable
    assert CANARY not in str(shown)


def test_no_two_errors_share_a_type() -> None:
    types = [problems.of(getattr(errors, name)("x")).type for name, _ in TABLE]
    assert len(set(types)) == len(types)


@pytest.mark.parametrize(("name", "status"), [one for one in TABLE if one[1] in (500, 503, 504)])
def test_what_the_caller_can_not_mend_is_not_told(name: str, status: int) -> None:
    shown = problems.of(getattr(errors, name)(f"no route to {CANARY}")).shown()
    assert shown["status"] == status
    assert CANARY not in str(shown)


@pytest.mark.parametrize("error", [ValueError(CANARY), KeyError(CANARY), RuntimeError(CANARY)])
def test_an_unexpected_error_keeps_its_text(error: Exception) -> None:
    response = problems.response_to(error)
    assert response.status_code == 500
    assert CANARY.encode() not in bytes(response.body)


@pytest.mark.parametrize(
    ("error", "loc"),
    [
        (errors.InvalidKey("x"), ["path"]),
        (errors.InvalidValue("x"), ["body"]),
        (errors.InvalidCursor("x"), ["query", "cursor"]),
        (errors.InvalidLifetime("x"), ["query", "lifetime"]),
        (BadInput("x", loc=("body", "operations", 3)), ["body", "operations", 3]),
    ],
)
def test_bad_input_is_placed(error: StorageError, loc: list[Any]) -> None:
    assert problems.of(error).shown()["errors"] == ({"loc": loc, "message": "x"},)


@pytest.mark.parametrize(
    ("error", "loc"),
    [
        (errors.InvalidKey("x"), ["body", "edges", 2]),
        (errors.InvalidValue("x"), ["body", "edges", 2]),
        (errors.InvalidCursor("x"), ["body", "edges", 2, "cursor"]),
        (errors.InvalidLifetime("x"), ["body", "edges", 2, "lifetime"]),
        (BadInput("x", loc=("query", "space")), ["query", "space"]),
    ],
)
def test_bad_input_is_placed_in_the_part_that_holds_it(error: StorageError, loc: list[Any]) -> None:
    assert problems.of(error, root=("body", "edges", 2)).shown()["errors"] == ({"loc": loc, "message": "x"},)
    with pytest.raises((Refused, BadInput)) as refused, problems.placed("body", "edges", 2):
        raise error
    found = problems.of(refused.value)
    assert found == problems.of(error, root=("body", "edges", 2))
    assert found.type == problems.of(error).type


@pytest.mark.parametrize(
    "error", [errors.NotFound("x"), errors.ClassificationViolation("x"), errors.Unavailable("x"), ValueError("x")]
)
def test_what_has_no_place_passes_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as passed, problems.placed("body"):
        raise error
    assert passed.value is error
    assert problems.of(error, root=("body",)) == problems.of(error)


def test_a_problem_is_the_result_of_an_item() -> None:
    refused = Refused(problems.MISSING)
    assert problems.in_batch(refused, "body", "edges", 2) == {"status": 404, "problem": problems.MISSING.shown()}
    for error, more in ((errors.InvalidKey("x"), []), (BadInput("x", loc=("body", "person")), ["person"])):
        found = problems.in_batch(error, "body", "edges", 2)["problem"]
        assert found["errors"] == ({"loc": ["body", "edges", 2, *more], "message": "x"},)


def test_only_bad_input_has_places() -> None:
    for name, status in TABLE:
        assert status == 400 or "errors" not in problems.of(getattr(errors, name)("x")).shown()


def test_an_error_of_a_plugin_counts_as_the_one_it_is_derived_from() -> None:
    class Deadlock(errors.TransactionConflict):
        pass

    assert problems.of(Deadlock("x")) == problems.of(errors.TransactionConflict("x"))


def test_what_is_absent_looks_as_what_is_hidden() -> None:
    assert problems.of(errors.NotFound("a text of some store")) == problems.of(Refused(problems.MISSING))


@pytest.mark.parametrize(("name", "after"), [("Throttled", "1"), ("Unavailable", "1"), ("SchemaOutOfDate", None)])
def test_retry_after_stands_where_waiting_helps(name: str, after: str | None) -> None:
    response = problems.response_to(getattr(errors, name)("x"))
    assert response.headers.get("retry-after") == after
    assert response.headers["content-type"] == "application/problem+json"
