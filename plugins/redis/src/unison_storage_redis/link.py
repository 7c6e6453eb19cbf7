"""The link: from the servers of one URL, however they stand together, to the backends of all kinds that share them."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any, Protocol

from unison_storage.contracts.backend import Outcome
from unison_storage_redis.config import Server, Topology
from unison_storage_redis.node import Address, Node
from unison_storage_redis.scripts import Script


class Link(Protocol):
    """Sends each command to the server that has its key."""

    def one(
        self, key: str, words: tuple[Any, ...], *, writes: bool, script: Script | None = None
    ) -> Awaitable[Outcome[Any]]:
        """Return the answer of one command, or an error; see ``Node.one``."""

    def many(
        self, keys: Sequence[str], commands: Sequence[tuple[Any, ...]], *, writes: bool, script: Script | None = None
    ) -> Awaitable[list[Outcome[Any]]]:
        """Return the answer of each command in order, or its error. Commands of one key take effect in order."""

    async def nodes(self) -> Sequence[Node]:
        """Return all servers that have keys; what all of them hold is everything."""

    async def close(self) -> None:
        """Let go of all connections; may be called twice."""


async def linked(server: Server) -> Link:
    """Connect to the servers of a URL; raises core's errors, and then leaves nothing open."""
    link = _link(server)
    try:
        for node in await link.nodes():
            answer = await node.one("", ("PING",), writes=False)
            if isinstance(answer, Exception):
                raise answer
    except BaseException:
        await link.close()
        raise
    return link


def _link(server: Server) -> Link:
    if server.topology is Topology.CLUSTER:
        from unison_storage_redis.cluster import Cluster

        return Cluster(server)
    if server.topology is Topology.SENTINEL:
        from unison_storage_redis.sentinels import primary

        return Node(server, partial(primary, server), primary=True)
    there = server.hosts[0] if server.hosts else None

    async def find() -> Address | None:
        return there

    return Node(server, find)
