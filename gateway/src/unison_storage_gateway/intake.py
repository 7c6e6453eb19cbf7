"""The body of a request on its way in: bounded, timed, and compared with what was announced. No parsing here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Final

from starlette.types import Receive

from unison_storage.errors import TooLarge
from unison_storage_gateway.problems import BadInput, Refused, named

CHUNK_SECONDS: Final = 30.0
"""How long a client may take for one chunk of a stream, and for the whole of a small body."""
SPILL_BYTES: Final = 4 * 1024 * 1024
SPILL_SECONDS: Final = 2.0

SLOW: Final = named("Request timeout", 408, "the body came too slowly", retryable=True)
_ENCODED: Final = named("Unsupported media type", 415, "a body is stored as it is: no Content-Encoding")
_CUT: Final = "the body is not as long as Content-Length says"


class ClientGone(Exception):
    """The client has closed the connection: there is nobody left to answer."""


def check_plain(headers: Mapping[str, str]) -> None:
    """Raise ``Refused`` or ``BadInput`` unless the body is the whole of what is to be stored, as it is."""
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(_ENCODED)
    if "content-range" in headers:
        raise BadInput("a body is put as a whole: no Content-Range", loc=("header", "content-range"))


class Intake:
    """The body of one request. It is read once, as a stream or as a whole."""

    __slots__ = ("_begun", "_expects_continue", "_receive", "_seconds", "announced", "ended", "read")

    def __init__(self, headers: Mapping[str, str], receive: Receive, seconds: float = CHUNK_SECONDS) -> None:
        length = headers.get("content-length")
        # a malformed length is one that no body has
        self.announced = None if length is None else int(length) if length.isascii() and length.isdigit() else -1
        self.ended = not self.announced and "transfer-encoding" not in headers
        self.read = 0
        self._begun = False
        self._expects_continue = headers.get("expect", "").lower() == "100-continue"
        self._receive = receive
        self._seconds = seconds

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes; a client that stalls, vanishes or sends another length is an error."""
        while not self.ended:
            try:
                async with asyncio.timeout(self._seconds):
                    chunk = await self._next()
            except TimeoutError:
                raise Refused(SLOW) from None
            if chunk:
                yield chunk

    async def whole(self, limit: int) -> bytes:
        """Return a body of at most ``limit`` bytes; ``TooLarge`` as soon as it is known to be longer."""
        self.bound(limit)
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(self._seconds):
                while not self.ended:
                    parts.append(await self._next())
                    if self.read > limit:
                        raise TooLarge(f"the body has more than {limit} bytes", limit=limit)
        except TimeoutError:
            raise Refused(SLOW) from None
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def bound(self, limit: int) -> None:
        """Raise ``TooLarge`` if the announced length is over ``limit``, before anything is read."""
        if self.announced is not None and self.announced > limit:
            raise TooLarge(f"the body is announced with more than {limit} bytes", limit=limit)

    async def spill(self) -> bool:
        """Read on and forget what is left, within bounds; return whether the connection can go on being used.

        A connection that is closed over unread bytes is reset, and the client may never see the answer.
        """
        if self.ended:
            return True
        if self._expects_continue and not self._begun:
            return False
        spilt = 0
        try:
            async with asyncio.timeout(min(SPILL_SECONDS, self._seconds)):
                while not self.ended and spilt < SPILL_BYTES:
                    message = await self._receive()
                    if message["type"] == "http.disconnect":
                        return False
                    spilt += len(message.get("body", b""))
                    self.ended = not message.get("more_body", False)
        except TimeoutError:
            return False
        return self.ended

    async def _next(self) -> bytes:
        self._begun = True
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.ended = True
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        self.read += len(chunk)
        self.ended = not message.get("more_body", False)
        if self.announced is not None and (self.read > self.announced or (self.ended and self.read < self.announced)):
            raise BadInput(_CUT, loc=("header", "content-length"))
        return chunk
