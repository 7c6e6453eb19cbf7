"""Problems: what went wrong, as ``application/problem+json``. What an error means stands in core's error tree.

No input value, no text of an unexpected exception and nothing of a backend's innards leaves through here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Final

import msgspec
from msgspec import Struct
from starlette.responses import Response

from unison_storage import errors
from unison_storage.errors import StorageError

Loc = tuple[str | int, ...]

MEDIA_TYPE: Final = "application/problem+json"

STATUS: Final[Mapping[type[StorageError], int]] = {
    errors.StorageError: 500,
    errors.UnknownKeyspace: 404,
    errors.LifecycleError: 503,
    errors.WrongLoop: 500,
    errors.RequestError: 400,
    errors.AccessDenied: 403,
    errors.NotFound: 404,
    errors.IdempotencyConflict: 409,
    errors.HasEdges: 409,
    errors.LeaseHeld: 409,
    errors.RetentionConflict: 409,
    errors.Gone: 410,
    errors.AlreadyExists: 412,
    errors.VersionConflict: 412,
    errors.TooLarge: 413,
    errors.ClassificationViolation: 422,
    errors.Throttled: 429,
    errors.Unsupported: 501,
    errors.AvailabilityError: 503,
    errors.DeadlineExceeded: 504,
}
"""The status of each class; the nearest ancestor decides for a class that is not listed."""

# Texts of errors that the caller can't mend may name hosts and settings: the operator finds them elsewhere.
_DETAIL: Final[Mapping[type[StorageError], str]] = {
    errors.ConfigurationError: "the service is not set up for this",
    errors.LifecycleError: "the service is not ready",
    errors.IntegrityError: "what is stored is not what was written; nothing more of it is handed out",
    errors.AvailabilityError: "the backend can't answer now",
}

_WHERE: Final[Mapping[type[StorageError], tuple[str, ...]]] = {
    errors.InvalidKey: ("path",),
    errors.InvalidLifetime: ("query", "lifetime"),
    errors.InvalidCursor: ("query", "cursor"),
    errors.InvalidValue: ("body",),
}
"""Where bad input stands unless the error says so itself."""


class BadInput(errors.InvalidValue):
    """Bad input at a place that is known: ``loc`` is its path, as in ``("query", "limit")``."""

    fields: ClassVar[tuple[str, ...]] = ("loc",)
    loc: Loc


class Problem(Struct, frozen=True, kw_only=True):
    """One problem as RFC 9457 lays it out. ``type`` is one for each error class."""

    type: str
    title: str
    status: int
    detail: str
    retryable: bool = False
    outcome_unknown: bool = False
    errors: tuple[dict[str, Any], ...] = ()

    def shown(self) -> dict[str, Any]:
        """Return the members; ``errors`` only where there are any."""
        members = msgspec.structs.asdict(self)
        if not self.errors:
            del members["errors"]
        return members


class Refused(Exception):
    """A request that the gateway itself refuses, with headers that belong to the answer."""

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problem.title)
        self.problem = problem
        self.headers = dict(headers or {})


def named(name: str, status: int, detail: str, *, retryable: bool = False) -> Problem:
    """Return a problem of the gateway's own; ``name`` is its title in words."""
    return Problem(
        type=f"/problems/{name.lower().replace(' ', '-')}",
        title=name,
        status=status,
        detail=detail,
        retryable=retryable,
    )


MISSING: Final = named("Not found", 404, "nothing is there")
"""Of what is absent and of what belongs to another person alike, so that the two can't be told apart."""
INTERNAL: Final = named("Internal error", 500, "something went wrong in the service")


def _where(error: StorageError, root: Loc) -> Loc | None:
    if isinstance(error, BadInput):
        return error.loc
    usual: Loc | None = _nearest(_WHERE, error)
    return (*root, *usual[1:]) if root and usual else usual


def _nearest(table: Mapping[type[StorageError], Any], error: StorageError) -> Any:
    return next((table[one] for one in type(error).__mro__ if one in table), None)


def of(error: BaseException, status: int | None = None, root: Loc = ()) -> Problem:
    """Return the problem that an exception comes to; ``status`` replaces the one of the table.

    ``root`` is the part of the request that holds bad input, where it is another than the usual one of the class.
    """
    if isinstance(error, Refused):
        return error.problem
    if not isinstance(error, StorageError):
        return INTERNAL
    if type(error) is errors.NotFound and status is None:
        return MISSING
    known = next(one for one in type(error).__mro__ if one.__module__ == errors.__name__)
    words = re.sub(r"(?<!^)([A-Z])", r" \1", known.__name__)
    hidden = None if type(error) is errors.UnknownKeyspace else _nearest(_DETAIL, error)
    code: int = status or _nearest(STATUS, error)
    where = _where(error, root)
    return Problem(
        type=f"/problems/{words.lower().replace(' ', '-')}",
        title=words.capitalize(),
        status=code,
        detail=hidden or (INTERNAL.detail if code == 500 else error.message),
        retryable=error.retryable,
        outcome_unknown=error.outcome_unknown,
        errors=({"loc": list(where), "message": error.message},) if where and code == 400 else (),
    )


@contextmanager
def placed(*root: str | int) -> Iterator[None]:
    """Let bad input that is met inside point into ``root``, the part of the request that holds it."""
    try:
        yield
    except errors.RequestError as error:
        if isinstance(error, BadInput) or _where(error, root) is None:
            raise
        raise Refused(of(error, root=root)) from None


def in_batch(error: Exception, *root: str | int) -> dict[str, Any]:
    """Return the result of an item of a batch that failed; bad input points into ``root``, which is the item."""
    placed_in_item = BadInput(error.message, loc=(*root, *error.loc[1:])) if isinstance(error, BadInput) else error
    problem = of(placed_in_item, root=root)
    return {"status": problem.status, "problem": problem.shown()}


def response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return the problem as a response; where waiting may help, ``Retry-After`` says for how long."""
    more = dict(headers or {})
    if problem.status in (429, 503) and problem.retryable:
        more.setdefault("Retry-After", "1")
    return Response(msgspec.json.encode(problem.shown()), problem.status, more, MEDIA_TYPE)


def response_to(error: BaseException) -> Response:
    """Return the response that an exception comes to."""
    return response(of(error), error.headers if isinstance(error, Refused) else None)
