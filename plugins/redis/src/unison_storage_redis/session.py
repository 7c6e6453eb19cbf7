"""What the backends of all kinds have in common: the link that they share, health, and the server's clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar, Literal

from unison_storage.capabilities import Limits
from unison_storage.contracts.backend import Durability
from unison_storage.contracts.context import Context
from unison_storage.errors import Closed, NotOpen, StorageError
from unison_storage.values import Health
from unison_storage_redis.config import Server
from unison_storage_redis.link import Link, linked
from unison_storage_redis.telling import told_by

LIMITS = Limits(batch=500, lifetime_resolution=0.001)


class _Shut:
    """What a backend holds in place of a link before it is opened and after it was closed."""

    def __init__(self, error: StorageError) -> None:
        self._error = error

    async def one(self, *_given: Any, **_named: Any) -> Any:
        raise self._error.copy()

    many = nodes = one

    async def close(self) -> None:
        """Do nothing: nothing is open."""


_NOT_OPEN = _Shut(NotOpen("the storage is not open; use async with, or open it first"))
_CLOSED = _Shut(Closed("the storage was closed; open it again"))


class ServerBackend:
    """What is served by the servers of a URL."""

    name: ClassVar[str] = "redis"
    durability: ClassVar[Durability] = Durability.EPHEMERAL
    production_ready: ClassVar[bool] = True
    batching: ClassVar[Literal["core", "own"]] = "own"
    limits: Limits = LIMITS

    def __init__(self, server: Server, context: Context) -> None:
        self._server = server
        self._context = context
        self._held = False
        self._link: Link = _NOT_OPEN
        self._latest = 0

    async def open(self) -> None:
        """Take part in the connections of the URL."""
        if not self._held:
            self._link = await self._context.shared(self._server.key, partial(linked, self._server))
            self._held = True

    async def close(self) -> None:
        """Let go of the connections, which the last kind that does so closes; may be called twice."""
        if self._held:
            self._held = False
            self._link = _CLOSED
            await self._context.release(self._server.key)

    async def health(self) -> Health:
        """Return how the servers answer at this moment, and what they say of themselves; never raises."""
        started = self._context.clock.monotonic()
        try:
            told = [await told_by(node) for node in await self._link.nodes()]
        except StorageError as error:
            return Health(ok=False, detail=error.message, seconds=self._context.clock.monotonic() - started)
        detail = "; ".join(dict.fromkeys(told))
        return Health(ok=True, detail=detail, seconds=self._context.clock.monotonic() - started)

    async def now(self) -> int:
        """Return the time of the server's clock; one that is set back is passed over."""
        [node, *_] = await self._link.nodes()
        seconds, micros = raised(await node.one("", ("TIME",), writes=False))
        self._latest = max(self._latest, int(seconds) * 1_000_000 + int(micros))
        return self._latest


class Steps:
    """How far a call has come that takes several steps. ``begun`` is set once one of them may have taken effect."""

    __slots__ = ("begun",)

    def __init__(self) -> None:
        self.begun = False


@contextmanager
def steps() -> Iterator[Steps]:
    """Watch over a call of several steps: where a later one fails, what the earlier ones did may have taken effect."""
    taken = Steps()
    try:
        yield taken
    except StorageError as error:
        error.outcome_unknown = error.outcome_unknown or taken.begun
        raise


def raised(answer: Any) -> Any:
    """Return an answer that is no error; raises one that is."""
    if isinstance(answer, StorageError):
        raise answer
    return answer
