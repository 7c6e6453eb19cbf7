"""What backends of every kind have in common, and how a plugin describes them. No kind's operations here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import StrEnum
from typing import ClassVar, Final, Literal, TypeAlias, TypeVar

from msgspec import Struct

from unison_storage.capabilities import Capability, Limits
from unison_storage.errors import StorageError
from unison_storage.values import Health

API_VERSION: Final = 1

KINDS: Final = ("memory", "vault", "audit", "object", "graph", "cache")

T = TypeVar("T")
Outcome: TypeAlias = T | StorageError
"""What one item of a batch comes to."""


class Durability(StrEnum):
    """What survives on a backend."""

    PROCESS = "process"
    """nothing survives the process"""
    EPHEMERAL = "ephemeral"
    """entries may vanish: eviction, or a server without persistence"""
    DURABLE = "durable"
    """what was acknowledged survives a crash"""


class BackendSpec(Struct, frozen=True, kw_only=True):
    """What a plugin says of its backends before any of them is made.

    ``options`` is the msgspec Struct of the options that its URLs take. ``kinds`` lists what it serves; the two
    halves of objects count as ``object`` (blobs) and ``object_index``.
    """

    name: str
    schemes: tuple[str, ...]
    kinds: tuple[str, ...]
    durability: Durability
    production_ready: bool
    options: type[Struct]
    capabilities: frozenset[Capability] = frozenset()
    api_version: int = API_VERSION


class Backend(ABC):
    """Laws of every backend.

    backend.1  ``open`` makes the backend ready and is called before anything else, also after ``close`` and then in
               another event loop; a failure leaves nothing open.
    backend.2  ``close`` may be called twice, and while calls are under way, which then end; it returns within seconds
               and leaves no task, thread, socket or file open, whatever callers gave up before.
    backend.3  ``health`` never raises and asks the server now.
    backend.4  A batch answers item by item, in order: a value or an error. One bad item fails no other; what concerns
               all items alike (no connection, no room) may be raised for the whole batch.
    backend.5  An empty batch answers an empty list and reaches no server.
    backend.6  Only errors of ``unison_storage.errors`` leave a backend; none holds a value.
    backend.7  ``outcome_unknown`` is true exactly where the operation may have taken effect although it failed.
    backend.8  A capability that is not declared raises ``Unsupported`` and changes nothing.
    backend.9  What was acknowledged is visible to every later call, from every client of the same data, and is there
               after closing and opening again, and when its writer is killed, unless the durability is ``process``.
               Where it is ``durable``, that holds when the server is killed, too.
    backend.10 Every call ends within seconds, with an answer or an error, and none stops the event loop meanwhile.
    backend.11 What is within ``limits`` is taken whole: the largest value, the longest address, the fullest batch.
               What is beyond is taken whole or refused, never cut.
    backend.12 ``now`` is in microseconds since the epoch and never goes back.
    backend.13 A call before ``open`` or after ``close`` raises ``NotOpen`` or ``Closed``, unless nothing needs opening.
    backend.14 A connection that is lost, refused or silent comes to an ``AvailabilityError``, never to an answer. What
               was read or sent in part is thrown away, also where the caller gave up: no later call gets what belongs
               to another, and the next one is made anew as soon as the server can be reached.
    backend.15 A call takes effect once at most, and each of its items whole or not at all, whatever is lost on the way
               and whoever dies in the middle; who dies holds up nobody else.
    backend.16 No value, address or password is told to logs, warnings, standard streams, ``health``, ``repr`` or the
               labels of metrics, whatever fails; and no password to an error.

    A backend may rely on what the store has checked: addresses follow the grammar, values are within
    ``limits.value``, batches within ``limits.batch``, lifetimes are positive microseconds.
    """

    name: ClassVar[str]
    durability: ClassVar[Durability] = Durability.DURABLE
    production_ready: ClassVar[bool] = True
    capabilities: ClassVar[frozenset[Capability]] = frozenset()
    consistency: ClassVar[Literal["linearizable", "eventual"]] = "linearizable"
    batching: ClassVar[Literal["core", "own"]] = "core"
    limits: Limits = Limits()

    async def open(self) -> None:
        """Make ready; raises an availability or configuration error and then leaves nothing open."""

    async def close(self) -> None:
        """Let go of everything; idempotent, bounded in time."""

    @abstractmethod
    async def health(self) -> Health:
        """Return how the server answers at this moment; never raises."""

    @abstractmethod
    async def now(self) -> int:
        """Return the time that decides about expiry, in microseconds since the epoch."""
