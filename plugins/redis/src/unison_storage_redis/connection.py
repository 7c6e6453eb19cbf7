"""One connection: commands are sent as they come, and answers are handed out in their order.

The driver makes it (TLS, authentication, database). What is asked of it during one turn of the loop goes in one
write, and nobody waits for the answer of another one: https://redis.io/docs/latest/develop/using-commands/pipelining/
When a connection is made stands in ``node``.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final, Protocol, TypeAlias, cast

import hiredis
from redis.asyncio import connection as driver

from unison_storage.errors import PoolExhausted, StorageError
from unison_storage_redis import errors
from unison_storage_redis.config import Server

_LOOKS: Final = 4
"""How often within a time-out it is looked whether the server is silent."""
_MOST: Final = 65_536
"""How many groups of commands may wait for their answers."""
_BURST: Final = 16
"""How many groups go in one write at most, so that the server works while others are still being asked."""
_NOTHING: Final = object()


_Group: TypeAlias = tuple[asyncio.Future[Any], int, bool]
"""Who waits for the answers of commands that were sent together, how many those are, and whether they write."""


class Connection(asyncio.Protocol):
    """A connection to a server. Made by ``opened``, used from one event loop, and closed by ``close``."""

    def __init__(self, timeout: float, address: tuple[str, int] = ("", 0)) -> None:
        self.address = address
        self.lost = False
        self.known: set[str] = set()
        """The scripts that the server was told on this connection."""
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(notEnoughData=_NOTHING)
        self._waiting: deque[_Group] = deque()
        self._unsent: list[bytes] = []
        self._answers: list[Any] = []
        self._quiet = 0
        self._watch: asyncio.TimerHandle | None = None
        self._tick = timeout / _LOOKS
        self._gone = self._loop.create_future()
        self._writer: asyncio.StreamWriter | None = None
        self._transport: asyncio.Transport

    def take(self, writer: asyncio.StreamWriter) -> None:
        """Listen to a wire from now on. The writer is kept, since it closes the wire when it goes."""
        self._writer = writer
        self._transport = cast("asyncio.Transport", writer.transport)
        self._transport.set_protocol(self)

    def send(self, packed: bytes, number: int, *, writes: bool) -> asyncio.Future[Any]:
        """Send so many commands and return what their answer will be; a list of answers for several.

        An error of the server is an answer: a ``hiredis.ReplyError``. Raises core's errors where the connection fails.
        Who gives up leaves the connection as it is.
        """
        if len(self._waiting) >= _MOST:
            raise PoolExhausted(f"{_MOST} calls wait for the server already: ask less at once")
        answered = self._loop.create_future()
        if self.lost:
            answered.set_exception(errors.lost(unknown=False))
            return answered
        unsent = self._unsent
        if not unsent:
            self._loop.call_soon(self._flush)
        unsent.append(packed)
        if not self._waiting:
            self._quiet = 0
            if self._watch is None:
                self._watch = self._loop.call_later(self._tick, self._look)
        self._waiting.append((answered, number, writes))
        if len(unsent) >= _BURST:
            self._flush()
        return answered

    async def close(self) -> None:
        """Cut the wire; what is under way ends with an error. May be called twice."""
        if self._writer is not None:
            self._transport.abort()
            await self._gone
        self._fail(None)

    def cut(self) -> None:
        """Cut the wire; whoever waits hears of it soon."""
        self.lost = True
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Hand out what the server has answered."""
        self._quiet = 0
        self._reader.feed(data)
        gets, waiting = self._reader.gets, self._waiting
        try:
            while (answer := gets()) is not _NOTHING:
                if type(answer) is hiredis.PushNotification:
                    continue
                answered, number, _ = waiting[0]
                if number > 1:
                    self._answers.append(answer)
                    if len(self._answers) < number:
                        continue
                    answer, self._answers = self._answers, []
                waiting.popleft()
                if not answered.done():
                    answered.set_result(answer)
        except (hiredis.ProtocolError, IndexError):
            self._transport.abort()  # what it speaks is not the protocol, or nobody has asked for it

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why does not matter
        """Tell everybody who waits."""
        self._fail(None)
        if not self._gone.done():
            self._gone.set_result(None)

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        if unsent:
            self._transport.write(unsent[0] if len(unsent) == 1 else b"".join(unsent))

    def _look(self) -> None:
        """Give up a server that owes an answer and has said nothing for too long."""
        self._watch = None
        if not self._waiting:
            return
        self._quiet += 1
        if self._quiet > _LOOKS:
            self._fail(errors.silent(unknown=False))
            self._transport.abort()
            return
        self._watch = self._loop.call_later(self._tick, self._look)

    def _fail(self, why: StorageError | None) -> None:
        """Let everybody know that there will be no answer; what was never sent has had no effect."""
        self.lost = True
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        sent = len(self._waiting) - len(self._unsent)
        for place, (answered, _, writes) in enumerate(self._waiting):
            if answered.done():
                continue
            error = errors.lost(unknown=False) if why is None else why.copy()
            error.outcome_unknown = writes and place < sent
            answered.set_exception(error)
        self._waiting.clear()
        self._unsent.clear()


class _Gives(Protocol):
    """A connection of the driver that gives away its wire."""

    async def connect(self) -> None: ...

    def taken(self) -> asyncio.StreamWriter: ...

    async def disconnect(self, nowait: bool = False) -> None: ...  # noqa: FBT001, FBT002 - the driver's


class _Taken:
    """What each class of the driver's connections needs to give away its wire once it is ready for commands."""

    _reader: asyncio.StreamReader | None
    _writer: asyncio.StreamWriter | None

    def taken(self) -> asyncio.StreamWriter:
        writer, reader, self._writer, self._reader = self._writer, self._reader, None, None
        if writer is None or reader is None:
            raise errors.lost(unknown=False)
        if writer.transport.is_closing() or reader.at_eof():
            writer.transport.abort()  # nobody would be told any more that it has ended
            raise errors.lost(unknown=False)
        return writer


class _Plain(_Taken, driver.Connection):
    """Over TCP."""


class _Tls(_Taken, driver.SSLConnection):
    """Over TLS."""


class _Socket(_Taken, driver.UnixDomainSocketConnection):
    """Over a socket of this machine."""


async def opened(server: Server, address: tuple[str, int] | None) -> Connection:
    """Connect to an address, or to the socket of the URL for ``None``; an error of core's leaves nothing open."""
    made: _Gives
    parameters = server.parameters
    if address is None:
        made = _Socket(path=server.socket, **parameters)
    else:
        kind = _Tls if server.tls else _Plain
        made = kind(host=address[0], port=address[1], **parameters)
    ready = Connection(server.options.timeout, address or ("", 0))
    failed: StorageError | None = None
    try:
        async with asyncio.timeout(server.options.connect_timeout):
            await made.connect()  # type: ignore[no-untyped-call]
        ready.take(made.taken())
    except Exception as error:  # noqa: BLE001 - the border of the plugin: whatever the driver meets is translated
        failed = errors.unconnected(error)
    finally:
        await made.disconnect(nowait=True)
    if failed is not None:
        raise failed  # here, since an error keeps the one at whose handling it is raised
    return ready
