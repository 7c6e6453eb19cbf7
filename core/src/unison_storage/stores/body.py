"""The bytes of one object on their way to a reader, compared with what the index knows of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256
from types import TracebackType

from unison_storage.contracts.objects import Blobs, ObjectRow
from unison_storage.errors import NotFound, StorageError, Tampered, Truncated
from unison_storage.stores.border import Route
from unison_storage.values import ObjectInfo


class Body:
    """The content of an object: ``async with files.open(…) as body``, then ``info``, ``read()`` or ``async for``.

    Can be read once. Whoever reads a whole object to its end knows that size and SHA-256 are as stored: otherwise
    ``Truncated`` or ``Tampered`` is raised at the end. A range is compared by length alone.
    """

    def __init__(self, route: Route, blobs: Blobs, row: ObjectRow, info: ObjectInfo, start: int, end: int) -> None:
        self.info = info
        self.start = start
        self.end = end
        self._route = route
        self._row = row
        self._chunks = blobs.read(row.blob, start, end)

    @property
    def size(self) -> int:
        """How many bytes will be yielded."""
        return self.end - self.start

    async def __aiter__(self) -> AsyncIterator[bytes]:
        whole = sha256() if self.size == self._row.size else None
        left = self.size
        try:
            async for chunk in self._chunks:
                left -= len(chunk)
                if whole is not None:
                    whole.update(chunk)
                yield chunk
        except StorageError as error:
            self._route.meter("read").failed(error)
            raise error.at(self._route.kind, "read", self._route.backend.name) from None
        if left:
            raise Truncated("fewer or more bytes are stored than the index says; nothing more is handed out")
        if whole is not None and whole.hexdigest() != self._row.sha256:
            raise Tampered("the bytes are not those that were written; discard what was read")

    async def read(self) -> bytes:
        """Return all bytes."""
        return b"".join([chunk async for chunk in self])

    async def close(self) -> None:
        """Let go of the backend's stream."""
        close = getattr(self._chunks, "aclose", None)
        if close is not None:
            await close()


class Opening:
    """What ``files.open(…)`` returns: the row is looked up when it is entered."""

    __slots__ = ("_body", "_look_up")

    def __init__(self, look_up: Callable[[], Awaitable[Body | None]]) -> None:
        self._look_up = look_up
        self._body: Body | None = None

    async def __aenter__(self) -> Body:
        self._body = await self._look_up()
        if self._body is None:
            raise NotFound("there is no such object", kind="object", operation="open")
        return self._body

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._body is not None:
            await self._body.close()
