"""The tokens file: an entry as TOML, and what can be said of a file at a glance. The gateway reads it in earnest.

[[tokens]]
name = "orchestrator"
sha256 = "…"
persons = "*"
permissions = ["memory:read", "cache:*"]
expires = 2027-01-01T00:00:00Z
"""

from __future__ import annotations

import os
import stat
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from unison_storage.cli.records import stamp_of
from unison_storage.errors import InvalidConfig

SETTING: Final = "UNISON_STORAGE_HTTP_TOKENS_FILE"
PERMISSIONS: Final = (
    *("memory:read", "memory:write", "memory:*", "cache:read", "cache:write", "cache:*"),
    *("object:read", "object:write", "object:*", "graph:read", "graph:write", "graph:*"),
    *("vault:list", "vault:reveal", "vault:write", "vault:destroy", "vault:*"),
    *("audit:append", "audit:read", "audit:*", "metrics:read", "erase"),
)
"""Every permission that an entry may give; ``kind:*`` stands for all of one kind."""

_MODE: Final = 0o600


class TokenEntry(Struct, frozen=True):
    """One entry. ``persons`` is None for anybody's data. Name, persons and permissions were checked before."""

    name: str
    sha256: str
    persons: tuple[str, ...] | None
    permissions: tuple[str, ...]
    expires: datetime | None

    def toml(self) -> str:
        """Return the entry as a table. None of its strings needs an escape: their grammars allow no quotes."""
        lines = [
            "[[tokens]]",
            f'name = "{self.name}"',
            f'sha256 = "{self.sha256}"',
            'persons = "*"' if self.persons is None else f"persons = {_strings(self.persons)}",
            f"permissions = {_strings(self.permissions)}",
        ]
        if self.expires is not None:
            lines.append(f"expires = {stamp_of(self.expires)}")
        return "".join(f"{line}\n" for line in lines)


class Summary(Struct, frozen=True):
    """What a file holds: its names in order, and how many of its entries have expired."""

    names: tuple[str, ...]
    expired: int


def append(path: Path, entry: TokenEntry) -> int:
    """Add an entry to a file, made with mode 0600 if it is not there; return how many carry its name now.

    Raises ``InvalidConfig`` and changes nothing if the file is no tokens file, or others may write it.
    """
    number = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _MODE)
    with os.fdopen(number, "r+b", buffering=0) as file:
        problem = exposed(os.fstat(number).st_mode)
        if problem is not None and os.fstat(number).st_mode & 0o022:
            raise InvalidConfig(f"{path}: {problem}")
        there = file.read()
        gap = b"" if not there else b"\n" if there.endswith(b"\n") else b"\n\n"
        added = gap + entry.toml().encode()
        names = _names(_parsed(there + added, path))
        file.write(added)  # in one call, so that a reader meets the entry whole or not at all
        os.fsync(number)
    return names.count(entry.name)


def summary(path: Path, now: float) -> Summary:
    """Return what a file holds; ``now`` in seconds since the epoch. ``InvalidConfig`` if it is no tokens file."""
    try:
        tables = _parsed(path.read_bytes(), path)
    except OSError as error:
        raise InvalidConfig(f"{path} can't be read ({error.strerror})") from None
    ends = [table.get("expires") for table in tables]
    expired = sum(isinstance(end, datetime) and end.tzinfo is not None and end.timestamp() <= now for end in ends)
    return Summary(tuple(_names(tables)), expired)


def exposed(mode: int) -> str | None:
    """Return what is wrong with the mode of a file, or ``None``."""
    open_to = stat.S_IMODE(mode) & 0o077
    if not open_to:
        return None
    return f"others can {'change' if open_to & 0o022 else 'read'} the file (mode {stat.S_IMODE(mode):o}): chmod 600 it"


def _parsed(raw: bytes, path: Path) -> list[dict[str, Any]]:
    try:
        content = tomllib.loads(raw.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise InvalidConfig(f"{path} is no TOML") from None
    tables = content.get("tokens", [])
    if set(content) - {"tokens"} or not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise InvalidConfig(f"{path} is no tokens file: that holds [[tokens]] tables and nothing else")
    return tables


def _names(tables: list[dict[str, Any]]) -> list[str]:
    return [str(table.get("name")) for table in tables]


def _strings(texts: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{text}"' for text in texts) + "]"
