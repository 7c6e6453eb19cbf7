"""Records as they are shown: documents for programs, rows and phrases for people. Nothing is written here."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from unison_storage.cli.output import as_json, shown
from unison_storage.values import Entry, ObjectInfo, Stamp, moment

if TYPE_CHECKING:
    from rich.table import Table

_WIDEST_VALUE: Final = 60
_SPANS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_SIZES: Final = ("KiB", "MiB", "GiB", "TiB")


def entry_document(entry: Entry[Any], *, values: bool = True) -> dict[str, Any]:
    """Return an entry as JSON takes it; without its value where none was read."""
    return {
        "namespace": list(entry.namespace),
        "key": entry.key,
        **({"value": entry.value} if values else {}),
        "version": entry.version,
        "created_at": stamp_of(entry.created_at),
        "updated_at": stamp_of(entry.updated_at),
        "expires_at": stamp_of(entry.expires_at),
        "person": entry.person,
    }


def stamp_document(stamp: Stamp) -> dict[str, Any]:
    """Return what a write left behind as JSON takes it."""
    return {
        "version": stamp.version,
        "created_at": stamp_of(stamp.created_at),
        "updated_at": stamp_of(stamp.updated_at),
        "expires_at": stamp_of(stamp.expires_at),
        "created": stamp.created,
    }


def object_document(info: ObjectInfo) -> dict[str, Any]:
    """Return what is known of an object as JSON takes it."""
    return {
        "keyspace": info.keyspace,
        "namespace": list(info.namespace),
        "key": info.key,
        "id": info.id,
        "size": info.size,
        "sha256": info.sha256,
        "content_type": info.content_type,
        "version": info.version,
        "created_at": stamp_of(info.created_at),
        "updated_at": stamp_of(info.updated_at),
        "expires_at": stamp_of(info.expires_at),
        "person": info.person,
    }


def words(parts: Sequence[str]) -> str:
    """Return parts of an address as they would be typed."""
    return shown(shlex.join(parts))


def brief(value: Any) -> str:
    """Return a value as one short line of JSON."""
    text = as_json(value)
    return text if len(text) <= _WIDEST_VALUE else f"{text[: _WIDEST_VALUE - 1]}…"


def stamp_of(at: datetime | None) -> str | None:
    """Return a time as RFC 3339 with microseconds."""
    return None if at is None else at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def when(at: datetime | None, now: int) -> str:
    """Return a time as a person thinks of it: how long ago, or in how long. ``now`` in microseconds."""
    if at is None:
        return "never"
    away = (at - moment(now)).total_seconds()
    size, unit = next(((size, unit) for size, unit in _SPANS if abs(away) >= size), (1, "s"))
    number = round(abs(away) / size)
    return f"in {number} {unit}" if away > 0 else f"{number} {unit} ago"


def amount(size: int) -> str:
    """Return a number of bytes with a unit."""
    if size < 1024:
        return f"{size} B"
    number = float(size)
    for unit in _SIZES:
        number /= 1024
        if number < 1024 or unit == _SIZES[-1]:
            return f"{number:.1f} {unit}"
    raise AssertionError  # the last unit takes everything


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def table(*columns: str, rows: Iterable[Sequence[Any]]) -> Table:
    """Return a table without frames; a column whose name ends with > is set flush right. Cells are str or Text."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)
    for column in columns:
        made.add_column(column.rstrip(">"), justify="right" if column.endswith(">") else "left", overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def facts(pairs: Iterable[tuple[str, str]]) -> Table:
    """Return names and values below each other."""
    from rich.table import Table
    from rich.text import Text

    made = Table.grid(padding=(0, 2, 0, 0))
    for name, value in pairs:
        made.add_row(Text(name, "bold"), shown(value))
    return made
