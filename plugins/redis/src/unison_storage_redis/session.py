"""What the backends of all kinds have in common: the link that they share, health, and the server's clock."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar, Final, Literal

from unison_storage.capabilities import Limits
from unison_storage.contracts.backend import Durability
from unison_storage.contracts.context import Context, Share, closed, not_open
from unison_storage.errors import StorageError
from unison_storage.values import Health
from unison_storage_redis.config import Server
from unison_storage_redis.link import Link, linked
from unison_storage_redis.telling import told_by

LIMITS = Limits(batch=500, lifetime_resolution=0.001)


class _Shut:
    """What a backend holds in place of a link before it is opened and after it was closed: every call is refused."""

    def __init__(self, refuse: Callable[..., Coroutine[Any, Any, Any]]) -> None:
        self.one = self.many = self.nodes = self.close = refuse


_NOT_OPEN: Final = _Shut(not_open)
_CLOSED: Final = _Shut(closed)


class ServerBackend:
    """What is served by the servers of a URL."""

    name: ClassVar[str] = "redis"
    durability: ClassVar[Durability] = Durability.EPHEMERAL
    production_ready: ClassVar[bool] = True
    batching: ClassVar[Literal["core", "own"]] = "own"
    limits: Limits = LIMITS

    def __init__(self, server: Server, context: Context) -> None:
        self._server = server
        self._clock = context.clock
        self._share = Share(context, server.key, partial(linked, server))
        self._link: Link = _NOT_OPEN
        self._latest = 0

    async def open(self) -> None:
        """Take part in the connections of the URL."""
        self._link = await self._share.open()

    async def close(self) -> None:
        """Let go of the connections, which the last kind that does so closes; may be called twice."""
        if self._share.held is not None:
            self._link = _CLOSED
        await self._share.close()

    async def health(self) -> Health:
        """Return how the servers answer at this moment, and what they say of themselves; never raises."""
        started = self._clock.monotonic()
        try:
            told = [await told_by(node) for node in await self._link.nodes()]
        except StorageError as error:
            return Health(ok=False, detail=error.message, seconds=self._clock.monotonic() - started)
        detail = "; ".join(dict.fromkeys(told))
        return Health(ok=True, detail=detail, seconds=self._clock.monotonic() - started)

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
