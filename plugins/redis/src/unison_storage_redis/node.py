"""A node: one server, whose connection is made when needed, and anew when it was lost. Slots are ``cluster``'s."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final

import hiredis

from unison_storage.contracts.backend import Outcome
from unison_storage.errors import Closed, StorageError, Unavailable
from unison_storage_redis import errors
from unison_storage_redis.config import Server, Topology
from unison_storage_redis.connection import Connection, opened
from unison_storage_redis.scripts import Script

Address = tuple[str, int]
Find = Callable[[], Awaitable[Address | None]]
"""Tells where the server is at this moment; ``None`` for the socket of the URL."""

_Refusal: Final = hiredis.ReplyError
_pack: Final[Callable[[tuple[Any, ...]], bytes]] = hiredis.pack_command
_REDIRECTION: Final = re.compile(r"(?P<word>MOVED|ASK) [0-9]+ (?P<host>.*):(?P<port>[0-9]+)$")
_STEP: Final = 1_000
"""How many keys a server looks at in one step of a scan."""
_RETIRED: Final = ("READONLY", "MASTERDOWN")
"""What a server says that is no primary any more: whoever asks next looks for the primary anew."""


class Moved(StorageError):
    """A command whose slot is at another address; nothing was done of it. ``once``: that one alone is asked there."""

    def __init__(self, address: Address, *, once: bool) -> None:
        super().__init__("the slot is served by another node")
        self.address = address
        self.once = once


class Node:
    """One server. Used from one event loop. ``primary`` wants a server that says of itself that it is one."""

    def __init__(self, server: Server, find: Find, *, primary: bool = False) -> None:
        self._server = server
        self._find = find
        self._primary = primary
        self._connection: Connection | None = None
        self._making: asyncio.Task[Connection] | None = None
        self._closed = False

    @property
    def encrypted(self) -> bool:
        """Whether it is reached by TLS."""
        return self._server.tls

    async def one(
        self,
        key: str,  # noqa: ARG002 - all keys are here
        words: tuple[Any, ...],
        *,
        writes: bool,
        script: Script | None = None,
    ) -> Outcome[Any]:
        """Return the answer of one command, or the error that the server answers; raises where it can't be asked.

        With a script ``words`` are the number of its keys, the keys, and what else it is given.
        """
        connection = self._connection
        if connection is None or connection.lost:
            connection = await self._connected()
        if script is None:
            answer = await connection.send(_pack(words), 1, writes=writes)
        elif script.digest in connection.known:
            answer = await connection.send(_pack(("EVALSHA", script.digest, *words)), 1, writes=writes)
        else:
            [answer] = await self._scripted(connection, script, (words,), writes=writes)
        if type(answer) is not _Refusal:
            return answer
        if script is not None and _forgotten(answer):
            answer = await connection.send(_pack(("EVAL", script.text, *words)), 1, writes=writes)
        return self._read(connection, answer)

    async def many(
        self,
        keys: Sequence[str],  # noqa: ARG002 - all keys are here
        commands: Sequence[tuple[Any, ...]],
        *,
        writes: bool,
        script: Script | None = None,
    ) -> list[Outcome[Any]]:
        """Return the answer of each command, in order; see ``one``."""
        if not commands:
            return []
        connection = self._connection
        if connection is None or connection.lost:
            connection = await self._connected()
        if script is not None:
            answers = await self._scripted(connection, script, commands, writes=writes)
        else:
            packed = b"".join([_pack(words) for words in commands])
            answers = await connection.send(packed, len(commands), writes=writes)
            if len(commands) == 1:
                answers = [answers]
        return [self._read(connection, answer) for answer in answers]

    async def nodes(self) -> Sequence[Node]:
        """Return all servers that have keys: this one."""
        return [self]

    async def scan(self, pattern: str) -> AsyncIterator[list[bytes]]:
        """Yield the keys that match, in steps; one may come twice, and what was there all the time comes."""
        cursor = b"0"
        while True:
            answer = await self.one("", ("SCAN", cursor, "MATCH", pattern, "COUNT", _STEP), writes=False)
            if isinstance(answer, StorageError):
                raise answer
            cursor, keys = answer
            yield keys
            if cursor == b"0":
                return

    async def asking(self, words: tuple[Any, ...], *, writes: bool, script: Script | None = None) -> Outcome[Any]:
        """Return the answer of a command whose slot is on its way to this node."""
        connection = self._connection
        if connection is None or connection.lost:
            connection = await self._connected()
        command = words if script is None else ("EVAL", script.text, *words)
        _, answer = await connection.send(_pack(("ASKING",)) + _pack(command), 2, writes=writes)
        return self._read(connection, answer)

    async def close(self) -> None:
        """Let go of the connection; what is under way ends with an error. May be called twice."""
        self._closed = True
        making, self._making = self._making, None
        if making is not None:
            making.cancel()
            await asyncio.wait([making])
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _scripted(
        self, connection: Connection, script: Script, calls: Sequence[tuple[Any, ...]], *, writes: bool
    ) -> list[Any]:
        """Run a script once for each of the calls. The server is told its text once for each connection."""
        packed = [_pack(("EVALSHA", script.digest, *words)) for words in calls]
        unknown = script.digest not in connection.known
        if unknown:
            packed.insert(0, _pack(("SCRIPT", "LOAD", script.text)))
            connection.known.add(script.digest)
        answer = await connection.send(b"".join(packed), len(packed), writes=writes)
        answers: list[Any] = (answer[1:] if unknown else answer) if len(packed) > 1 else [answer]
        forgotten = [place for place, one in enumerate(answers) if _forgotten(one)]
        if forgotten:
            again = [_pack(("EVAL", script.text, *calls[place])) for place in forgotten]
            answer = await connection.send(b"".join(again), len(again), writes=writes)
            for place, one in zip(forgotten, answer if len(again) > 1 else [answer], strict=True):
                answers[place] = one
        return answers

    def _read(self, connection: Connection, answer: Any) -> Outcome[Any]:
        """Return an answer, or core's error for one that is an error."""
        if type(answer) is not _Refusal:
            return answer
        text = str(answer)
        if text.startswith(_RETIRED):
            connection.cut()
        redirection = _REDIRECTION.match(text)
        if redirection is not None and self._server.topology is Topology.CLUSTER:
            host = redirection["host"].strip("[]") or connection.address[0]
            return Moved((host, int(redirection["port"])), once=redirection["word"] == "ASK")
        return errors.answered(text)

    async def _connected(self) -> Connection:
        """Return a connection that is made now, for all who wait for one."""
        if self._closed:
            raise Closed("the storage was closed; open it again")
        if self._making is None:
            self._making = asyncio.get_running_loop().create_task(self._make())
            self._making.add_done_callback(self._made)
        try:
            return await asyncio.shield(self._making)
        except StorageError as error:
            failed = error.copy()
        raise failed

    async def _make(self) -> Connection:
        connection = await opened(self._server, await self._find())
        if self._primary:
            try:
                role = await connection.send(_pack(("ROLE",)), 1, writes=False)
                if type(role) is _Refusal:
                    raise errors.answered(str(role))
                if role[0] != b"master":
                    raise Unavailable("the server that Sentinel names is no primary any more")
            except BaseException:
                connection.cut()
                raise
        return connection

    def _made(self, making: asyncio.Task[Connection]) -> None:
        if self._making is making:
            self._making = None
        if making.cancelled() or making.exception() is not None:
            return
        if self._closed:
            making.result().cut()
            return
        self._connection = making.result()


def _forgotten(answer: Any) -> bool:
    """Return whether scripts were flushed: nothing was done, and the server has to be told the text again."""
    return type(answer) is _Refusal and str(answer).startswith("NOSCRIPT")
