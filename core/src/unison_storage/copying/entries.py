"""Copying memory: entries with their versions, persons and what is left of their lifetimes, raw as they are stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from unison_storage.addresses import SEPARATOR
from unison_storage.contracts.backend import Outcome
from unison_storage.contracts.memory import Delete, Listed, MemoryBackend, Put, Row
from unison_storage.copying.lifetimes import Lifetimes
from unison_storage.copying.pages import raise_first, sized
from unison_storage.copying.side import Side
from unison_storage.errors import InvalidConfig


class Entries:
    """The memory of two sides."""

    kind = "memory"

    def __init__(self, source: Side, target: Side) -> None:
        self._source = source
        self._target = target
        self._lifetimes = {
            id(backend): Lifetimes(backend.now) for side in (source, target) for backend in side.memories()
        }

    async def count(self) -> int:
        """Return how many FROM has."""
        return sum([await one.count("") for one in self._source.memories()])

    async def there(self) -> int:
        """Return how many TO has."""
        return sum([await one.count("") for one in self._target.memories()])

    async def check(self) -> None:
        """Raise ``InvalidConfig`` where TO keeps no memory of a keyspace that FROM has."""
        for backend in self._source.memories():
            after = ""
            while found := await backend.list("", after, 1, values=False):
                keyspace = found[0].address.partition(SEPARATOR)[0]
                if self._target.memory_of(found[0].address) is None:
                    raise InvalidConfig(
                        f"TO keeps no memory of keyspace {keyspace!r}: name a memory_url, or a database_url that does"
                    )
                after = f"{keyspace} "  # behind everything of the keyspace, and before any other

    async def pages(self) -> AsyncIterator[Sequence[Listed]]:
        """Yield what FROM has, in parts that fit into memory."""
        for backend in self._source.memories():

            async def part(after: str, limit: int, backend: MemoryBackend = backend) -> Sequence[Listed]:
                return await backend.list("", after, limit, values=True)

            async for page in sized(part, lambda one: one.address, lambda one: len(one.row.value)):
                yield [one for one in page if self._source.memory_of(one.address) is backend]

    async def found(self, page: Sequence[Listed]) -> list[Row | None]:
        """Return what TO has at each address."""
        rows: dict[str, Row | None] = {}
        for backend, lines in self._by_backend(page):
            addresses = [line.address for line in lines]
            answers: list[Outcome[Row | None]] = await self._target.route("memory", backend).many(
                "get_many", backend.get_many, addresses
            )
            raise_first(answers)
            rows |= dict(zip(addresses, answers, strict=True))  # type: ignore[arg-type]
        return [rows[line.address] for line in page]

    async def same(self, line: Listed, row: Row) -> bool:
        """Return whether an entry is what FROM has; its lifetime may differ by what the clocks do."""
        ours, theirs = line.row, row
        if (ours.value, ours.version, ours.person) != (theirs.value, theirs.version, theirs.person):
            return False
        here, there = self._clocks(line)
        return await here.alike(ours.expires, there, theirs.expires)

    async def ending(self, line: Listed) -> bool:
        """Return whether it expires so soon that it may be gone at the other side."""
        here, _ = self._clocks(line)
        return await here.ending(line.row.expires)

    async def write(self, items: Sequence[tuple[Listed, Row | None]]) -> None:
        """Put what FROM has in the place of what TO has."""
        for backend, lines in self._by_backend([line for line, _ in items]):
            route = self._target.route("memory", backend)
            olds = {line.address: row for line, row in items}
            strange = [
                Delete(line.address)
                for line in lines
                if (old := olds[line.address]) is not None and old.person not in (None, line.row.person)
            ]
            raise_first(await route.many("delete_many", backend.delete_many, strange))
            puts = []
            for line in lines:
                here, _ = self._clocks(line)
                lifetime = await here.left(line.row.expires)
                if lifetime is None or lifetime > 0:
                    row = line.row
                    puts.append(Put(line.address, row.value, row.version, lifetime, person=row.person))
            raise_first(await route.many("put_many", backend.put_many, puts))

    def seal(self, line: Listed, row: Row | None) -> Any:
        """Return what is digested of an entry, of FROM or, with ``row``, of TO."""
        one = row or line.row
        return line.address, one.value, one.version, one.person

    def _kept(self, address: str) -> MemoryBackend:
        """Return where TO keeps an address; a keyspace may have come to FROM after ``check``."""
        backend = self._target.memory_of(address)
        if backend is None:
            raise InvalidConfig("TO keeps no memory of a keyspace that came to FROM meanwhile")
        return backend

    def _clocks(self, line: Listed) -> tuple[Lifetimes, Lifetimes]:
        here, there = self._source.memory_of(line.address), self._target.memory_of(line.address)
        return self._lifetimes[id(here)], self._lifetimes[id(there)]

    def _by_backend(self, page: Sequence[Listed]) -> list[tuple[MemoryBackend, list[Listed]]]:
        parts: dict[int, tuple[MemoryBackend, list[Listed]]] = {}
        for line in page:
            backend = self._kept(line.address)
            parts.setdefault(id(backend), (backend, []))[1].append(line)
        return list(parts.values())
