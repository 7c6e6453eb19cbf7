"""Listings: pages, their limits and cursors, and walking through them. What is listed is the store's business."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, TypeVar

from unison_storage import cursors
from unison_storage.errors import InvalidValue
from unison_storage.values import Page

Line = TypeVar("Line")
Item = TypeVar("Item")

MAX_PAGE: Final = 1_000
DEFAULT_PAGE: Final = 100
WALK_PAGE: Final = 500


def check_limit(limit: int) -> int:
    """Return ``limit``; ``InvalidValue`` unless it is an integer from 1 to 1,000."""
    if type(limit) is not int or not 1 <= limit <= MAX_PAGE:
        raise InvalidValue(f"a page has a limit from 1 to {MAX_PAGE}")
    return limit


async def page(
    listing: tuple[str, ...],
    prefix: str,
    cursor: str | None,
    limit: int,
    fetch: Callable[[str, int], Awaitable[Sequence[Line]]],
    place: Callable[[Line], str],
    item: Callable[[Line], Item],
) -> Page[Item]:
    """Return one page. ``fetch(after, limit)`` gets lines and ``place`` is the address of one.

    One line more than the page holds is fetched, so that the last page has no cursor.
    """
    check_limit(limit)
    after = "" if cursor is None else prefix + cursors.decode(listing, cursor)
    lines = await fetch(after, limit + 1)
    more = len(lines) > limit
    shown = lines[:limit]
    last = cursors.encode(listing, place(shown[-1])[len(prefix) :]) if more else None
    return Page(tuple([item(line) for line in shown]), last)


async def walk(turn: Callable[[str | None], Awaitable[Page[Item]]]) -> AsyncIterator[Item]:
    """Yield the items of all pages; ``turn(cursor)`` gets one. Deletions meanwhile make it skip nothing."""
    cursor: str | None = None
    while True:
        found = await turn(cursor)
        for item in found.items:
            yield item
        cursor = found.cursor
        if cursor is None:
            return
