"""A Cluster: each key has a slot, and each slot a node; who has which is asked, and followed when it moves.

https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from unison_storage.contracts.backend import Outcome
from unison_storage.errors import AvailabilityError, Closed, StorageError, Unavailable
from unison_storage_redis import errors
from unison_storage_redis.config import Server
from unison_storage_redis.node import Address, Moved, Node
from unison_storage_redis.replies import Answers
from unison_storage_redis.scripts import Script

_HOPS: Final = 5
"""How often a command follows its slot to another node."""


class Cluster:
    """The nodes of a Cluster, and which of them has which slot. Used from one event loop."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._nodes: dict[Address, Node] = {}
        self._slots: list[Node] = []
        self._asking: asyncio.Task[None] | None = None
        self._stale = True
        self._closed = False

    async def one(
        self, key: str, words: tuple[Any, ...], *, writes: bool, script: Script | None = None
    ) -> Outcome[Any]:
        """See ``Link``."""
        [answer] = await self.many((key,), (words,), writes=writes, script=script)
        return answer

    async def many(
        self, keys: Sequence[str], commands: Sequence[tuple[Any, ...]], *, writes: bool, script: Script | None = None
    ) -> Answers:
        """See ``Link``. What goes to different nodes is sent at once; one that can't be reached fails its own alone."""
        if not commands:
            return []
        if self._stale:
            await self._learn()
        slots = self._slots
        places: dict[Node, list[int]] = {}
        for place, key in enumerate(keys):
            places.setdefault(slots[key_slot(key.encode())], []).append(place)
        answers: Answers = [None] * len(commands)

        async def ask(node: Node, own: list[int]) -> None:
            answered = await self._ask(node, [commands[at] for at in own], writes=writes, script=script)
            for place, answer in zip(own, answered, strict=True):
                answers[place] = answer

        if len(places) == 1:
            [(node, own)] = places.items()
            await ask(node, own)
        else:
            await asyncio.gather(*(ask(node, own) for node, own in places.items()))
        for place, answer in enumerate(answers):
            if isinstance(answer, Moved):
                answers[place] = await self._follow(answer, commands[place], writes=writes, script=script)
        return answers

    async def nodes(self) -> Sequence[Node]:
        """See ``Link``."""
        if self._stale:
            await self._learn()
        return list(dict.fromkeys(self._slots))

    async def close(self) -> None:
        """See ``Link``."""
        self._closed = True
        asking, self._asking = self._asking, None
        if asking is not None:
            asking.cancel()
            await asyncio.wait([asking])
        await asyncio.gather(*(node.close() for node in self._nodes.values()))

    async def _ask(
        self,
        node: Node,
        commands: Sequence[tuple[Any, ...]],
        *,
        writes: bool,
        script: Script | None,
    ) -> Answers:
        """Return what a node answers; where it can't be asked, its error for each, and slots are learnt anew."""
        try:
            answers = await node.many((), commands, writes=writes, script=script)
        except AvailabilityError as error:
            self._stale = True
            return [error.copy() for _ in commands]
        if any(isinstance(answer, AvailabilityError) for answer in answers):
            self._stale = True
        return answers

    async def _follow(
        self,
        moved: Moved,
        words: tuple[Any, ...],
        *,
        writes: bool,
        script: Script | None,
    ) -> Outcome[Any]:
        """Return the answer of a command from where its slot is: nothing was done of it yet."""
        for _ in range(_HOPS):
            node = self._node(moved.address)
            if moved.once:
                answer = await self._asked(node, words, writes=writes, script=script)
            else:
                self._stale = True
                [answer] = await self._ask(node, [words], writes=writes, script=script)
            if not isinstance(answer, Moved):
                return answer
            moved = answer
        return Unavailable("the slots of the Cluster move faster than they can be followed")

    async def _asked(
        self,
        node: Node,
        words: tuple[Any, ...],
        *,
        writes: bool,
        script: Script | None,
    ) -> Outcome[Any]:
        try:
            return await node.asking(words, writes=writes, script=script)
        except AvailabilityError as error:
            return error

    def _node(self, address: Address) -> Node:
        node = self._nodes.get(address)
        if node is None:

            async def find() -> Address:
                return address

            node = self._nodes[address] = Node(self._server, find)
        return node

    async def _learn(self) -> None:
        """Ask which node has which slot, once for all who want to know."""
        if self._closed:
            raise Closed("the storage was closed; open it again")
        if self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._ask_around())
            self._asking.add_done_callback(self._learnt)
        try:
            await asyncio.shield(self._asking)
        except StorageError as error:
            failed = error.copy()
        else:
            return
        raise failed

    def _learnt(self, asking: asyncio.Task[None]) -> None:
        if self._asking is asking:
            self._asking = None
        if not asking.cancelled():
            asking.exception()  # whoever waits has it; where all gave up, nobody does

    async def _ask_around(self) -> None:
        """Ask the nodes that are known, then those of the URL, until one answers."""
        last: StorageError | None = None
        for address in dict.fromkeys([*self._nodes, *self._server.hosts]):
            try:
                answer = await self._node(address).one("", ("CLUSTER", "SLOTS"), writes=False)
            except AvailabilityError as error:
                last = error
                continue
            if isinstance(answer, StorageError):
                raise answer
            slots = self._read(answer, address)
            if slots is not None:
                self._slots, self._stale = slots, False
                await self._let_go()
                return
            last = errors.answered("CLUSTERDOWN")
        raise last or Unavailable("no node of the Cluster can be reached")

    def _read(self, answer: Any, asked: Address) -> list[Node] | None:
        """Return the node of each slot; ``None`` where a slot has none."""
        slots: list[Node | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        for first, last, (host, port, *_), *_ in answer:
            # a node that does not know its own name is where it was asked
            node = self._node((host.decode() if host else asked[0], int(port)))
            slots[first : last + 1] = [node] * (last + 1 - first)
        return None if None in slots else [node for node in slots if node is not None]

    async def _let_go(self) -> None:
        """Close the connections to nodes that have no slots any more."""
        serving = set(self._slots)
        for address, node in list(self._nodes.items()):
            if node not in serving:
                del self._nodes[address]
                await node.close()
