"""What a server lends to those who test it: making what it holds older. No use in production."""

from __future__ import annotations

from typing import Final

from unison_storage.hookspecs import HarnessHooks
from unison_storage_redis.config import Server
from unison_storage_redis.keys import MemoryKeys, pattern
from unison_storage_redis.link import linked
from unison_storage_redis.scripts import Script
from unison_storage_redis.session import raised

_OLDER: Final = Script.read("older")


def hooks(server: Server) -> HarnessHooks:
    """Return the hooks for servers. Who runs them knows how to restart them."""

    async def age(seconds: float) -> None:
        link = await linked(server)
        try:
            keys: set[str] = set()
            for node in await link.nodes():
                async for found in node.scan(pattern(f"{server.options.prefix}:")):
                    keys |= {key.decode() for key in found}
            there = list(keys)
            memory = MemoryKeys(server.options.prefix)
            older = [(1, key, round(seconds * 1_000), memory.expiry, memory.entry("")) for key in there]
            for answer in await link.many(there, older, writes=True, script=_OLDER):
                raised(answer)
        finally:
            await link.close()

    return HarnessHooks(age=age)
