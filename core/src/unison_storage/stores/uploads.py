"""Uploads: a stream on its way in, counted and hashed, and what is known of an object once it is there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from typing import Final

from unison_storage.addresses import split
from unison_storage.contracts.objects import Draft, ObjectRow
from unison_storage.errors import InvalidValue, TooLarge
from unison_storage.values import ObjectInfo, moment, moment_or_none

MAX_TYPE: Final = 255

DraftOf = Callable[[str, int, str], Draft]


class Measured:
    """A stream on its way in: counted, hashed, and stopped where it grows too large."""

    def __init__(self, stream: AsyncIterator[bytes], limit: int) -> None:
        self.size = 0
        self.digest = sha256()
        self._stream = stream
        self._limit = limit

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the chunks as they come; ``TooLarge`` over the limit."""
        async for chunk in self._stream:
            self.size += len(chunk)
            if self.size > self._limit:
                raise TooLarge(f"an object has at most {self._limit} bytes here", limit=self._limit)
            self.digest.update(chunk)
            yield chunk


def check_type(content_type: str) -> str:
    """Return the content type; ``InvalidValue`` unless it is ASCII, printable, with a slash, 255 characters at most."""
    if (
        type(content_type) is not str
        or not 0 < len(content_type) <= MAX_TYPE
        or not content_type.isascii()
        or not content_type.isprintable()
        or "/" not in content_type
    ):
        raise InvalidValue("a content type looks like text/plain: printable ASCII, at most 255 characters")
    return content_type


def info_of(row: ObjectRow, *, created: bool = False) -> ObjectInfo:
    """Return what a caller sees of a row."""
    keyspace, namespace, key = split(row.address)
    return ObjectInfo(
        keyspace,
        namespace,
        key,
        row.id,
        row.size,
        row.sha256,
        row.content_type,
        row.version,
        moment(row.created),
        moment(row.updated),
        moment_or_none(row.expires),
        row.person,
        created,
    )
