"""The cache: each entry a string with a lifetime, set in the same command, and leases. Keys are made in ``keys``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from unison_storage.addresses import Address
from unison_storage.contracts.backend import Outcome
from unison_storage.contracts.cache import (
    Acquire,
    CacheBackend,
    Fill,
    Flags,
    Increment,
    Release,
    Set,
    Touch,
)
from unison_storage.contracts.context import Context
from unison_storage.errors import StorageError
from unison_storage_redis import scripts
from unison_storage_redis.config import Server
from unison_storage_redis.keys import CacheKeys
from unison_storage_redis.replies import flags, millis, total
from unison_storage_redis.session import ServerBackend, raised, steps

_REMEMBERED: Final = 86_400_000
"""Milliseconds for which the last fence outlives its lease."""


class RedisCache(ServerBackend, CacheBackend):
    """A cache on servers, whose clocks decide about expiry."""

    def __init__(self, server: Server, context: Context) -> None:
        super().__init__(server, context)
        self._keys = CacheKeys(server.options.prefix)

    async def get_many(self, addresses: Sequence[Address]) -> list[Outcome[bytes | None]]:
        """See the contract."""
        if len(addresses) == 1:
            key = self._keys.value(addresses[0])
            return [await self._link.one(key, ("GET", key), writes=False)]
        keys = list(map(self._keys.value, addresses))
        return await self._link.many(keys, [("GET", key) for key in keys], writes=False)

    async def set_many(self, sets: Sequence[Set]) -> list[Outcome[None]]:
        """See the contract."""
        if len(sets) == 1:
            [one] = sets
            key = self._keys.value(one.address)
            words = ("SET", key, one.value, "PX", millis(one.lifetime))
            answer = await self._link.one(key, words, writes=True)
            return [answer if isinstance(answer, StorageError) else None]
        keys = [self._keys.value(one.address) for one in sets]
        commands = [("SET", key, one.value, "PX", millis(one.lifetime)) for key, one in zip(keys, sets, strict=True)]
        answers = await self._link.many(keys, commands, writes=True)
        return [answer if isinstance(answer, StorageError) else None for answer in answers]

    async def add_many(self, adds: Sequence[Set]) -> Flags:
        """See the contract."""
        keys = [self._keys.value(one.address) for one in adds]
        commands = [
            ("SET", key, one.value, "NX", "PX", millis(one.lifetime)) for key, one in zip(keys, adds, strict=True)
        ]
        answers = await self._link.many(keys, commands, writes=True)
        return [answer if isinstance(answer, StorageError) else answer is not None for answer in answers]

    async def delete_many(self, addresses: Sequence[Address]) -> Flags:
        """See the contract."""
        keys = list(map(self._keys.value, addresses))
        commands = [(2, key, self._keys.filling(address)) for key, address in zip(keys, addresses, strict=True)]
        return flags(await self._link.many(keys, commands, writes=True, script=scripts.CACHE_DELETE))

    async def touch_many(self, touches: Sequence[Touch]) -> Flags:
        """See the contract."""
        keys = [self._keys.value(touch.address) for touch in touches]
        commands = [("PEXPIRE", key, millis(touch.lifetime)) for key, touch in zip(keys, touches, strict=True)]
        return flags(await self._link.many(keys, commands, writes=True))

    async def increment_many(self, increments: Sequence[Increment]) -> list[Outcome[int]]:
        """See the contract."""
        keys = [self._keys.value(one.address) for one in increments]
        commands = [(1, key, one.by, millis(one.lifetime)) for key, one in zip(keys, increments, strict=True)]
        answers = await self._link.many(keys, commands, writes=True, script=scripts.CACHE_INCREMENT)
        return [total(answer, one.by) for answer, one in zip(answers, increments, strict=True)]

    async def fill_many(self, fills: Sequence[Fill]) -> Flags:
        """See the contract."""
        keys = [self._keys.value(fill.address) for fill in fills]
        commands = [
            (
                *(2, key, self._keys.filling(fill.address), fill.owner, fill.value, millis(fill.lifetime)),
                *(() if fill.seen is None else (fill.seen,)),
            )
            for key, fill in zip(keys, fills, strict=True)
        ]
        return flags(await self._link.many(keys, commands, writes=True, script=scripts.CACHE_FILL))

    async def acquire_many(self, acquires: Sequence[Acquire]) -> list[Outcome[int | None]]:
        """See the contract."""
        keys, commands = self._leases(acquires)
        answers = await self._link.many(keys, commands, writes=True, script=scripts.LEASE_ACQUIRE)
        return [answer if answer is None or isinstance(answer, StorageError) else int(answer) for answer in answers]

    async def renew_many(self, renewals: Sequence[Acquire]) -> Flags:
        """See the contract."""
        keys, commands = self._leases(renewals)
        return flags(await self._link.many(keys, commands, writes=True, script=scripts.LEASE_RENEW))

    async def release_many(self, releases: Sequence[Release]) -> Flags:
        """See the contract."""
        keys = [self._keys.lease(release.address)[0] for release in releases]
        commands = [(1, key, release.owner) for key, release in zip(keys, releases, strict=True)]
        return flags(await self._link.many(keys, commands, writes=True, script=scripts.LEASE_RELEASE))

    async def count(self, prefix: str) -> int:
        """See the contract. Looks at every key of every server."""
        values, _ = self._keys.patterns(prefix)
        found: set[Address] = set()
        async for step in self._scanned(values):
            found |= step
        return len(found)

    async def delete_prefix(self, prefix: str) -> int:
        """See the contract. Looks at every key of every server, and is not atomic."""
        visible = 0
        with steps() as taken:
            for pattern in self._keys.patterns(prefix):
                async for step in self._scanned(pattern):
                    if step:
                        visible += sum(map(raised, await self.delete_many(list(step))))
                        taken.begun = True
        return visible

    async def _scanned(self, pattern: str) -> AsyncIterator[set[Address]]:
        """Yield the addresses of the keys that match, a step of a server at a time; one may come twice."""
        for node in await self._link.nodes():
            async for keys in node.scan(pattern):
                yield {self._keys.address(key) for key in keys}

    def _leases(self, acquires: Sequence[Acquire]) -> tuple[list[str], list[tuple[Any, ...]]]:
        commands: list[tuple[Any, ...]] = []
        for one in acquires:
            lifetime = millis(one.lifetime)
            commands.append((2, *self._keys.lease(one.address), one.owner, lifetime, lifetime + _REMEMBERED))
        return [words[1] for words in commands], commands
