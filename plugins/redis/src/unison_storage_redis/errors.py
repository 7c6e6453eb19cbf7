"""The one table from what Redis, Valkey and their driver report to core's errors. No values stand in a message.

A server may quote a command with its arguments in the text of an error, so nothing of it goes on but its first word:
https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors
"""

from __future__ import annotations

import ssl
from typing import Any, Final

from redis import exceptions as driver

from unison_storage.errors import (
    AccessDenied,
    DeadlineExceeded,
    InvalidConfig,
    PoolExhausted,
    StorageError,
    Tampered,
    TooLarge,
    Unavailable,
)

_TABLE: Final[dict[str, tuple[type[StorageError], str]]] = {
    "WRONGTYPE": (Tampered, "something else lies under a key of ours: another program writes below our prefix"),
    "OOM": (Unavailable, "the server has reached maxmemory and evicts nothing: give it more, or let the cache evict"),
    "LOADING": (Unavailable, "the server is loading its data"),
    "READONLY": (Unavailable, "the server is a replica and takes no writes"),
    "MISCONF": (Unavailable, "the server can't write its data to disk, and takes no writes meanwhile"),
    "MASTERDOWN": (Unavailable, "the server is a replica that has lost its primary"),
    "NOREPLICAS": (Unavailable, "the server has fewer replicas than it needs for writes"),
    "CLUSTERDOWN": (Unavailable, "the Cluster does not serve all of its slots"),
    "TRYAGAIN": (Unavailable, "a slot of the Cluster is moving"),
    "MOVED": (InvalidConfig, "the server is one of a Cluster: name it redis+cluster://"),
    "ASK": (InvalidConfig, "the server is one of a Cluster: name it redis+cluster://"),
    "CROSSSLOT": (InvalidConfig, "the server is one of a Cluster: name it redis+cluster://"),
    "BUSY": (Unavailable, "the server runs a script that takes too long"),
    "NOAUTH": (InvalidConfig, "the server wants a user and a password"),
    "WRONGPASS": (InvalidConfig, "the server refuses the user or the password"),
    "NOPERM": (AccessDenied, "the user may not run a command that is needed, or not upon our keys: see the ACL"),
    "NOPROTO": (InvalidConfig, "the server does not speak this protocol: set ?protocol=2"),
}
"""By the first word of an error."""

_TEXTS: Final = (
    ("max number of clients", PoolExhausted, "the server takes no more connections"),
    ("invalid bulk length", TooLarge, "a value is larger than the server takes"),
    ("string exceeds maximum allowed size", TooLarge, "a value is larger than the server takes"),
    ("DB index is out of range", InvalidConfig, "the server has no database of that number"),
    ("SELECT is not allowed", InvalidConfig, "the server is one of a Cluster: name it redis+cluster://"),
)
"""Of what the server says under ERR, the words that tell more."""

_UNCONNECTED: Final[tuple[tuple[Any, type[StorageError], str], ...]] = (
    (driver.AuthenticationError, InvalidConfig, _TABLE["WRONGPASS"][1]),
    (driver.NoPermissionError, AccessDenied, _TABLE["NOPERM"][1]),
    (driver.BusyLoadingError, Unavailable, _TABLE["LOADING"][1]),
    (driver.TimeoutError | TimeoutError, Unavailable, "the server did not take a connection in time"),
)
"""By the class of what the driver raises."""


def answered(text: str) -> StorageError:
    """Return core's error for one that the server has answered: it has done nothing of the command."""
    found = _TABLE.get(text.partition(" ")[0])
    if found is not None:
        return found[0](found[1])
    for words, kind, message in _TEXTS:
        if words in text:
            return kind(message)
    word = text.partition(" ")[0]
    return Unavailable(f"the server answered with {word if word.isalpha() and word.isupper() else 'an error'}")


def lost(*, unknown: bool) -> StorageError:
    """Return the error of a connection that ended without an answer."""
    return Unavailable("the connection to the server was lost", outcome_unknown=unknown)


def silent(*, unknown: bool) -> StorageError:
    """Return the error of a server that owes an answer for too long."""
    return DeadlineExceeded("the server did not answer in time", outcome_unknown=unknown)


def unconnected(error: Exception) -> StorageError:
    """Return core's error for a connection that could not be made."""
    if isinstance(error, StorageError):
        return error
    for kinds, kind, message in _UNCONNECTED:
        if isinstance(error, kinds):
            return kind(message)
    text = str(error)
    if isinstance(error, driver.ResponseError) or "max number of clients" in text:
        return answered(text)
    if isinstance(error.__cause__ or error.__context__ or error, ssl.SSLError):
        return InvalidConfig("there is no TLS with the server: it has none, or its certificate or ours is not accepted")
    return Unavailable("there is no connection to the server: it can't be reached, or it refuses to serve")
