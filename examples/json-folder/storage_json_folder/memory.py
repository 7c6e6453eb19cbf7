"""Memory in a folder of JSON files, one for each entry, for one process at a time: a small backend to learn from."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from unison_storage.clock import Clock
from unison_storage.contracts.backend import Durability
from unison_storage.contracts.conditions import refused, stranger
from unison_storage.contracts.memory import Delete, Increment, Listed, MemoryBackend, Put, Row, Touch, Written
from unison_storage.errors import Closed, NotOpen, RequestError, StorageError, Tampered, Unavailable
from unison_storage.portable import counter, incremented
from unison_storage.values import KEEP, MISSING, Health


def batch(one: Callable[..., Any]) -> Any:
    """Make the call for many items from the one for a single item: each comes to a value or to its own error."""

    async def many(self: FolderMemory, items: Sequence[Any]) -> list[Any]:
        return [outcome(one, self, item) for item in items]

    return many


def outcome(one: Callable[..., Any], self: FolderMemory, item: Any) -> Any:
    try:
        return one(self, item)
    except (RequestError, Tampered) as error:  # what concerns all items alike is raised
        return error


class FolderMemory(MemoryBackend):
    """No call awaits anything, so none comes between what another reads and writes."""

    name = "json-folder"
    durability = Durability.EPHEMERAL  # nothing waits for the disk: a power cut takes the last writes
    production_ready = False

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder, self.clock = folder, clock
        self.refusal: type[StorageError] | None = NotOpen

    async def open(self) -> None:
        self.refusal = None
        self.told(self.folder.mkdir, parents=True, exist_ok=True)

    async def close(self) -> None:
        self.refusal = Closed

    async def health(self) -> Health:
        return Health(ok=self.refusal is None and os.access(self.folder, os.W_OK), detail="", seconds=0.0)

    async def now(self) -> int:
        return self.clock.now()

    async def get_many(self, addresses: Sequence[str], touch: Any = MISSING) -> Any:
        if touch is not MISSING:
            await self.touch_many([Touch(address, touch) for address in addresses])
        return [outcome(FolderMemory.visible, self, address) for address in addresses]

    async def list(self, prefix: str, after: str, limit: int, *, values: bool) -> Any:
        found = [one for one in self.all(prefix) if one.address > after][:limit]
        return found if values else [Listed(one.address, replace(one.row, value=b"")) for one in found]

    async def count(self, prefix: str) -> int:
        return len(self.all(prefix))

    async def owned(self, person: str) -> int:
        return sum(one.row.person == person for one in self.all())

    async def delete_prefix(self, prefix: str) -> int:
        return self.remove(self.all(prefix, expired=True))

    async def erase(self, person: str) -> int:
        return self.remove([one for one in self.all(expired=True) if one.row.person == person])

    async def purge_expired(self, limit: int) -> int:
        gone = [one for one in self.all(expired=True) if not self.lives(one.row)][:limit]
        return len(gone) - self.remove(gone)

    def put(self, put: Put) -> Written:
        old, now = self.visible(put.address), self.clock.now()
        version, owner = (old.version, old.person) if old else (None, None)
        if error := refused(put.expect, version) or stranger(put.person, owner):
            raise error
        lifetime = put.default if put.lifetime is KEEP else put.lifetime
        expires = old.expires if old and put.lifetime is KEEP else self.expiry(lifetime)
        created = old.created if old else now
        self.write(put.address, Row(put.value, put.version, created, now, expires, put.person or owner))
        return Written(created, now, expires, fresh=old is None)

    def delete(self, delete: Delete) -> bool:
        old = self.visible(delete.address)
        if error := refused(delete.expect, old.version if old else None):
            raise error
        self.told(self.file(delete.address).unlink, missing_ok=True)
        return old is not None

    def touch(self, touch: Touch) -> bool:
        if old := self.visible(touch.address):
            self.write(touch.address, replace(old, expires=self.expiry(touch.lifetime)))
        return old is not None

    def increment(self, one: Increment) -> int:
        old, now = self.visible(one.address), self.clock.now()
        total = incremented(counter(old.value) if old else 0, one.by)
        row = old or Row(b"", "", now, now, self.expiry(one.lifetime), one.person)
        self.write(one.address, replace(row, value=b"%d" % total, version=one.version, updated=now))
        return total

    put_many, delete_many, touch_many, increment_many = batch(put), batch(delete), batch(touch), batch(increment)

    def lives(self, row: Row) -> bool:
        return row.expires is None or row.expires > self.clock.now()

    def expiry(self, lifetime: int | None) -> int | None:
        return None if lifetime is None else self.clock.now() + lifetime

    def visible(self, address: str) -> Row | None:
        file = self.file(address)
        found = self.read(file) if self.told(file.exists) else None
        return found.row if found and self.lives(found.row) else None

    def all(self, prefix: str = "", *, expired: bool = False) -> Sequence[Listed]:
        """Return what lies below a prefix, in byte order; what has expired only where asked for."""
        found = [self.read(file) for file in self.told(sorted, self.folder.glob("*.json"))]
        below = [one for one in found if one.address.startswith(prefix) and (expired or self.lives(one.row))]
        return sorted(below, key=lambda one: one.address)

    def remove(self, found: Sequence[Listed]) -> int:
        visible = sum(self.lives(one.row) for one in found)
        for one in found:
            self.told(self.file(one.address).unlink, missing_ok=True)
        return visible

    def file(self, address: str) -> Path:
        return self.folder / f"{sha256(address.encode()).hexdigest()}.json"  # addresses are longer than names may be

    def read(self, file: Path) -> Any:
        return self.told(lambda: msgspec.json.decode(file.read_bytes(), type=Listed))

    def write(self, address: str, row: Row) -> None:
        new = self.folder / f"{os.getpid()}.new"
        self.told(new.write_bytes, msgspec.json.encode(Listed(address, row)))
        self.told(os.replace, new, self.file(address))  # so that a reader sees the old entry or the new one

    def told(self, do: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """Do something with files; the one place where errors of the system are translated."""
        if self.refusal:
            raise self.refusal("the backend is not open")
        try:
            return do(*given, **named)
        except OSError as error:
            raise Unavailable(f"the folder can't be used: {error.strerror}") from None
        except msgspec.DecodeError:
            raise Tampered("a file of the folder is no entry") from None
