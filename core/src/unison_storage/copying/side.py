"""The sides of a copy: one storage each, described by a URL or a TOML file, and its backends without stores.

FROM is opened to be read, whatever guard rails say, and its schema is left as it is; TO as a service would open it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from unison_storage import config
from unison_storage.addresses import SEPARATOR
from unison_storage.assembly import Place
from unison_storage.contracts.memory import MemoryBackend
from unison_storage.contracts.objects import Blobs, ObjectIndex
from unison_storage.errors import InvalidConfig, StorageError
from unison_storage.plan import close_all
from unison_storage.storage import Storage
from unison_storage.stores.border import EVERYWHERE, Border, Route
from unison_storage.stores.everywhere import Everywhere
from unison_storage.targets import Target
from unison_storage.telemetry import Telemetry

COPIED: Final = ("memory", "object", "object_index", "graph")
_ATTEMPTS: Final = 5


class Side:
    """The open backends of a storage, by kind; ``None`` where nothing serves one."""

    def __init__(self, backends: Mapping[str, Any], storage: Storage) -> None:
        border = Border(Telemetry())
        border.open()
        self._border = border
        self._memory: MemoryBackend | None = backends.get("memory")
        self._own = {name.partition(" ")[2]: one for name, one in backends.items() if name.startswith("memory ")}
        self.blobs: Blobs | None = backends.get("object")
        self.index: ObjectIndex | None = backends.get("object_index")
        graph = backends.get("graph")
        self.graph = None if graph is None else Everywhere(border, "graph", graph, storage.graph_model())

    def memories(self) -> Iterator[MemoryBackend]:
        """Yield each backend of memory once."""
        yield from {id(one): one for one in (self._memory, *self._own.values()) if one is not None}.values()

    def memory_of(self, address: str) -> MemoryBackend | None:
        """Return what keeps an address; ``None`` where nothing does."""
        return self._own.get(address.partition(SEPARATOR)[0], self._memory)

    def route(self, kind: str, backend: Any) -> Route:
        """Return the way to a backend: in batches that it takes."""
        return Route(self._border, kind, backend, EVERYWHERE, declared=True)


def described(given: str, name: str, *, read: bool) -> Storage:
    """Return the storage that a URL or a TOML file describes, not opened; ``InvalidConfig``.

    ``name`` says which side it is. A URL that holds a password is refused: arguments are seen by everyone on a machine.
    """
    environ = {"UNISON_STORAGE_PROFILE": os.environ.get("UNISON_STORAGE_PROFILE", "production")}  # noqa: TID251 - a URL says no profile
    if "://" in given:
        if Target.parse(given, name).password is not None:
            raise InvalidConfig(
                f"{name}: a password in an argument is seen by everyone on this machine: put the URL into a TOML file "
                "as database_url, or name a password_file in it"
            )
        environ["UNISON_STORAGE_DATABASE_URL"] = given
    elif Path(given).is_file():
        environ = {config.FILE_SETTING: given}
    else:
        raise InvalidConfig(f"{name} is neither a URL (scheme://…) nor a file of settings: {given}")
    # what a replica answers may be old
    changes: dict[str, Any] = {"attempts": _ATTEMPTS, "memory_read": None, "object_index_read": None}
    if read:
        changes |= {"profile": "test", "read_only": True}
    try:
        return Storage(**{**config.load(environ).arguments(), **changes})
    except StorageError as error:
        raise error.of(name) from None


@asynccontextmanager
async def opened(storage: Storage, name: str, *, read: bool) -> AsyncIterator[Side]:
    """Give a side, open. Raises as ``Storage.open`` does, and guard rails hold only for what is written to."""
    plan = storage.plan()
    try:
        backends = await (plan.open_as_it_is() if read else plan.open())
    except StorageError as error:
        raise error.of(name) from None
    try:
        yield Side(backends, storage)
    finally:
        await close_all(backends.values())


def check_apart(source: Storage, target: Storage) -> None:
    """Raise ``InvalidConfig`` where both sides keep something in one place."""

    def kept(storage: Storage) -> set[tuple[Any, ...]]:
        return {_where(place) for place in storage.places() if place.kind in COPIED and place.target is not None}

    if kept(source) & kept(target):
        raise InvalidConfig("FROM and TO keep something in the same place: a copy goes from one storage to another")


def _where(place: Place) -> tuple[Any, ...]:
    assert place.target is not None  # noqa: S101 - those without are left out
    target = place.target
    return target.scheme, target.hosts, target.path
