"""Reading in parts that fit into memory, whatever the size of what is read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

from unison_storage.errors import StorageError

T = TypeVar("T")

_FIRST: Final = 100
_MOST: Final = 500
_BYTES: Final = 4 * 1024**2
"""About as many bytes has a part, going by the one before."""


async def sized(
    part: Callable[[str, int], Awaitable[Sequence[T]]], place: Callable[[T], str], size: Callable[[T], int]
) -> AsyncIterator[Sequence[T]]:
    """Yield what a listing has in parts of a few megabytes; ``part`` is asked for so many after a place."""
    after, limit = "", _FIRST
    while page := await part(after, limit):
        yield page
        after = place(page[-1])
        mean = max(sum(map(size, page)) // len(page), 1)
        limit = min(max(_BYTES // mean, 1), _MOST)


def raise_first(answers: Iterable[Any]) -> None:
    """Raise the first error among the answers of a batch."""
    for answer in answers:
        if isinstance(answer, StorageError):
            raise answer
