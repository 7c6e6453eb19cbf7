"""What a plugin gets to make a backend with: profile, clock, telemetry, and resources that kinds share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Generic, Protocol, TypeVar, cast

from unison_storage.clock import Clock
from unison_storage.errors import Closed, NotOpen
from unison_storage.profiles import Profile
from unison_storage.telemetry import Telemetry


class Closable(Protocol):
    """What can be shared: it is closed when its last user lets go."""

    async def close(self) -> None:
        """Let go of everything; idempotent."""


R = TypeVar("R", bound=Closable)


class Context:
    """The surroundings of the backends of one storage."""

    def __init__(self, profile: Profile, clock: Clock, telemetry: Telemetry) -> None:
        self.profile = profile
        self.clock = clock
        self.telemetry = telemetry
        self._shared: dict[Hashable, _Shared] = {}

    async def shared(self, key: Hashable, make: Callable[[], Awaitable[R]]) -> R:
        """Return the resource under ``key``: made by the first user, awaited by those that come meanwhile.

        ``key`` names the connection and all its options, so that kinds on one URL use one pool. Every user calls
        ``release`` once. If making it fails, all who wait get that error, and the next one tries anew.
        """
        shared = self._shared.get(key)
        if shared is None or shared.failed:
            shared = self._shared[key] = _Shared(asyncio.ensure_future(make()))
        shared.users += 1
        try:
            return cast("R", await asyncio.shield(shared.made))
        except BaseException:
            await self._leave(key, shared)
            raise

    async def release(self, key: Hashable) -> None:
        """Let go of a shared resource; the last user closes it. Unknown keys are passed over."""
        shared = self._shared.get(key)
        if shared is not None:
            await self._leave(key, shared)

    async def _leave(self, key: Hashable, shared: _Shared) -> None:
        shared.users -= 1
        if shared.users:
            return
        if self._shared.get(key) is shared:
            del self._shared[key]
        if not shared.made.done():
            shared.made.cancel()
        elif not shared.failed:
            await shared.made.result().close()


class Share(Generic[R]):
    """One kind's use of a shared resource, between ``open`` and ``close``. Used from one event loop at a time."""

    def __init__(self, context: Context, key: Hashable, make: Callable[[], Awaitable[R]]) -> None:
        self._context = context
        self._key = key
        self._make = make
        self.held: R | None = None
        """The resource, while it is held."""

    async def open(self) -> R:
        """Return the resource, which is held from now on; what making it raises leaves nothing held."""
        if self.held is None:
            self.held = await self._context.shared(self._key, self._make)
        return self.held

    async def close(self) -> None:
        """Let go of the resource, which its last user closes; may be called twice."""
        if self.held is not None:
            self.held = None
            await self._context.release(self._key)


async def not_open(*_given: Any, **_named: Any) -> Any:
    """Stand for any call before ``open`` (backend.13)."""
    raise NotOpen("the storage is not open; use async with, or open it first")


async def closed(*_given: Any, **_named: Any) -> Any:
    """Stand for any call after ``close`` (backend.13)."""
    raise Closed("the storage was closed; open it again")


class _Shared:
    __slots__ = ("made", "users")

    def __init__(self, made: asyncio.Future[Any]) -> None:
        self.made = made
        self.users = 0

    @property
    def failed(self) -> bool:
        """Whether making it has failed, so that the next user tries anew."""
        return self.made.done() and (self.made.cancelled() or self.made.exception() is not None)
