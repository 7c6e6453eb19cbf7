"""Listings: one page or all, as a table or a document. What a line holds is each command's business."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from msgspec import Struct

from unison_storage.cli import records
from unison_storage.cli.output import document, note, show

_PAGE: Final = 500

Turn = Callable[[str | None, int], Awaitable[Any]]


class Listing(Struct, frozen=True):
    """How items are shown: the columns and a row of the table, the document, and what they are called."""

    columns: Sequence[str]
    row: Callable[[Any], Sequence[Any]]
    document: Callable[[Any], Any]
    one: str
    many: str


async def listed(
    turn: Turn, listing: Listing, cursor: str | None, limit: int, *, everything: bool, as_json: bool
) -> None:
    """Write one page, or all of them, to stdout. ``turn(cursor, limit)`` gets a page."""
    page = await turn(cursor, _PAGE if everything else limit)
    items = list(page.items)
    while everything and page.cursor is not None:
        page = await turn(page.cursor, _PAGE)
        items += page.items
    if as_json:
        document({"items": [listing.document(item) for item in items], "cursor": page.cursor})
        return
    if items:
        show(records.table(*listing.columns, rows=[listing.row(item) for item in items]))
    tail = f"; there is more: --cursor {page.cursor}" if page.cursor is not None else ""
    note(f"{records.count(len(items), listing.one, listing.many)}{tail}", "dim")
