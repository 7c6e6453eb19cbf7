"""What a ``sqlite:`` or ``file:`` URL says: the file, the folder of blobs, the options. Nothing is opened here."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Self

from msgspec import Meta, Struct

from unison_storage.errors import InvalidConfig
from unison_storage.targets import Target

_SPELLING = "write sqlite:///name.db for a file in the working directory, sqlite:////folder/name.db for an absolute one"


class Options(Struct, frozen=True):
    """What may follow the ``?``.

    ``busy_timeout`` is how many seconds a write waits for another process that writes. ``blobs`` is the folder for
    the bytes of objects; without it, it lies beside the file and is called like it, with ``.blobs`` appended.
    ``cache_entries`` is how many entries the cache has room for; now and then there may be a tenth more.
    """

    busy_timeout: Annotated[float, Meta(ge=0, le=60)] = 5.0
    blobs: str | None = None
    cache_entries: Annotated[int, Meta(ge=1)] = 100_000


class File(Struct, frozen=True):
    """Where everything is kept, as absolute paths. ``setting`` names where the URL came from, for error messages."""

    path: Path
    blobs: Path
    busy_timeout: float
    cache_entries: int
    setting: str

    @classmethod
    def of(cls, target: Target) -> Self:
        """Read a target; ``InvalidConfig`` where it names no file."""
        options = target.convert(Options)
        if target.hosts or target.user is not None:
            raise InvalidConfig(f"{target.setting}: a SQLite file has no host; {_SPELLING}")
        name = target.path[1:]
        if not name or name == ":memory:":
            raise InvalidConfig(
                f"{target.setting} names no file, and what is in memory alone is served by reference: ; {_SPELLING}"
            )
        if "\x00" in name or "\x00" in (options.blobs or ""):
            raise InvalidConfig(f"{target.setting}: a path can't hold U+0000")
        if name.endswith("/"):
            raise InvalidConfig(f"{target.setting} names a folder, not a file; {_SPELLING}")
        path = Path(name).absolute()
        blobs = Path(options.blobs or f"{path}.blobs").absolute()
        return cls(path, blobs, options.busy_timeout, options.cache_entries, target.setting)

    @property
    def key(self) -> Hashable:
        """What kinds must have in common to share one connection."""
        return "sqlite", self.path, self.busy_timeout


class FolderOptions(Struct, frozen=True):
    """What may follow the ``?`` of a ``file:`` URL: nothing."""


class Folder(Struct, frozen=True):
    """A folder for the bytes of objects alone, as an absolute path."""

    blobs: Path
    setting: str

    @classmethod
    def of(cls, target: Target) -> Self:
        """Read a target; ``InvalidConfig`` where it names no folder."""
        target.convert(FolderOptions)
        spelling = "write file:///folder; the path is always absolute"
        if target.hosts or target.user is not None:
            raise InvalidConfig(f"{target.setting}: a folder has no host; {spelling}")
        if target.path.strip("/") == "" or "\x00" in target.path:
            raise InvalidConfig(f"{target.setting} names no folder; {spelling}")
        return cls(Path(target.path), target.setting)
