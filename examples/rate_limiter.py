"""A rate limiter on the cache that fails closed: while counts can't be had, or were lost, nobody is let through.

Try it, with any storage:

    UNISON_STORAGE_PROFILE=development UNISON_STORAGE_CACHE_URL=redis://127.0.0.1:6379 python examples/rate_limiter.py
"""

import asyncio
import time

from unison_storage import Storage, StorageError

DAY = 86_400.0
BEGUN = "begun"


class Limiter:
    """So many calls of each client in a window of so many seconds, which begins with the first of them."""

    def __init__(self, storage: Storage, calls: int, window: float) -> None:
        self._hits = storage.cache.at("auth:tokens", "rate", "hits")
        self._since = storage.cache.at("auth:tokens", "rate")
        self._calls = calls
        self._window = window

    async def begin(self) -> None:
        """Say that nothing was counted before: at the first start. Else all are kept out for one window."""
        await self._since.set(BEGUN, 0.0, lifetime=DAY)

    async def allows(self, client: str) -> bool:
        """Count a call and return whether it may be made; never if that can't be known."""
        try:
            hits, since, _ = await asyncio.gather(
                self._hits.increment(client, lifetime=self._window),  # a hit never moves the window
                self._since.get(BEGUN),
                self._since.touch(BEGUN, lifetime=DAY),
            )
            if since is None:
                # what was counted is lost: whoever had used up the window would begin anew
                await self._since.add(BEGUN, time.time(), lifetime=DAY)
                return False
        except StorageError:
            return False
        return hits <= self._calls and time.time() - since >= self._window


async def main() -> None:
    async with Storage.from_env() as storage:
        limiter = Limiter(storage, calls=3, window=60)
        await limiter.begin()
        print([await limiter.allows("10.0.0.1") for _ in range(5)])


if __name__ == "__main__":
    asyncio.run(main())
