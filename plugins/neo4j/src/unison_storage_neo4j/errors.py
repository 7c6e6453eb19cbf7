"""The one table from what Neo4j and its driver report to core's errors. No values stand in a message.

The server quotes values in its messages, of constraints above all, so nothing of them goes on but the code:
https://neo4j.com/docs/status-codes/current/
"""

from __future__ import annotations

import re
import ssl
from typing import Final

from neo4j import exceptions as driver

from unison_storage.errors import (
    AccessDenied,
    DeadlineExceeded,
    InvalidConfig,
    InvalidValue,
    PoolExhausted,
    SchemaOutOfDate,
    StorageError,
    TransactionConflict,
    Unavailable,
)

_TABLE: Final[tuple[tuple[str, type[StorageError], str], ...]] = (
    ("Neo.ClientError.Security.Unauthorized", InvalidConfig, "the server refuses the user or the password"),
    ("Neo.ClientError.Security.AuthenticationRateLimit", InvalidConfig, "the server has refused the user too often"),
    ("Neo.ClientError.Security.CredentialsExpired", InvalidConfig, "the password has to be changed first"),
    ("Neo.ClientError.Security", AccessDenied, "the user may not do that"),
    ("Neo.ClientError.Database.DatabaseNotFound", InvalidConfig, "there is no such database"),
    ("Neo.ClientError.Schema.ConstraintValidationFailed", TransactionConflict, "an edge came, or a node, meanwhile"),
    ("Neo.ClientError.Statement.EntityNotFound", TransactionConflict, "what was found was removed by others"),
    ("Neo.ClientError.Statement.AccessMode", AccessDenied, "a read may not write"),
    ("Neo.ClientError.Statement.TypeError", InvalidValue, "the server can't store a value"),
    ("Neo.ClientError.Statement.ArgumentError", InvalidValue, "the server can't take a value"),
    ("Neo.ClientError.Transaction.InvalidBookmark", InvalidValue, "that is no bookmark of this database"),
    ("Neo.ClientError.Transaction.TransactionTimedOut", DeadlineExceeded, "the statement took too long"),
    ("Neo.ClientError.Transaction.LockClientStopped", DeadlineExceeded, "a lock was held by others for too long"),
    ("Neo.ClientError.Statement", InvalidValue, "the server can't carry out the query"),
    ("Neo.ClientError.Procedure", InvalidValue, "the server can't carry out the query"),
    ("Neo.ClientError.Schema", SchemaOutOfDate, "the schema is not there: run unison-storage migrate"),
    ("Neo.TransientError.Transaction.DeadlockDetected", TransactionConflict, "two statements waited for each other"),
    ("Neo.TransientError.Transaction.Outdated", TransactionConflict, "the statement met another one"),
    ("Neo.TransientError.Transaction.BookmarkTimeout", DeadlineExceeded, "the server fell behind for too long"),
    ("Neo.TransientError.General.MemoryPoolOutOfMemoryError", Unavailable, "the server has not enough memory"),
    ("Neo.TransientError", Unavailable, "the server can't do that now"),
)
"""By code; the first beginning that fits counts."""

_PLACE: Final = re.compile(r"line \d+, column \d+")
_MISSING: Final = re.compile(r"Expected parameter\(s\): (\w+(?:, \w+)*)")
_UNREACHED: Final = ("Couldn't connect to", "Failed to DNS resolve address", "Unable to retrieve routing information")
"""How the driver begins to tell of a connection that was never made."""


def translated(error: Exception, *, writes: bool) -> StorageError:
    """Return core's error for what a statement came to.

    What the server answers was rolled back. Where a connection was lost nobody knows, whatever the driver says of
    trying again.
    """
    if isinstance(error, StorageError):
        return error
    if isinstance(error, driver.Neo4jError):
        return _answered(error.code or "", error.message or "")
    if isinstance(error, OverflowError | UnicodeEncodeError | TypeError | ValueError):
        return InvalidValue("the driver can't send a value")
    if isinstance(error, driver.ConnectionAcquisitionTimeoutError):
        return PoolExhausted("all connections stayed busy for too long: ask less at once, or set ?connections= to more")
    if str(error).startswith(_UNREACHED):
        return _unreached(error)
    return Unavailable("the connection to the server was lost", outcome_unknown=writes)


def _unreached(error: BaseException) -> StorageError:
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in causes):
        return InvalidConfig("the server's certificate is not trusted, or is another server's")
    return Unavailable("there is no connection to the server: it can't be reached, or it refuses to serve")


def _answered(code: str, told: str) -> StorageError:
    for beginning, kind, message in _TABLE:
        if code.startswith(beginning):
            return kind(f"{message}: {code}{_where(told)}" if message.endswith("query") else message)
    known = code.startswith("Neo.")
    transient = code.startswith("Neo.TransientError")
    return Unavailable(
        f"the server answered with {code}" if known else "the server answered oddly", retryable=transient
    )


def _where(told: str) -> str:
    """Return what of a message about a query holds no values: a place, and the names of parameters."""
    place, missing = _PLACE.search(told), _MISSING.search(told)
    return (f", {place[0]}" if place else "") + (f"; it needs the parameters {missing[1]}" if missing else "")


def silent(*, writes: bool) -> StorageError:
    """Return the error of a server that did not answer in time."""
    return DeadlineExceeded("the server did not answer in time", outcome_unknown=writes)
