"""What is copied in tests: storages on files of their own, filled with this and that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from msgspec import Struct

from unison_storage.copying import side, walk
from unison_storage.copying.tally import Tally
from unison_storage.storage import Storage
from unison_storage.values import Edge, Node


class Thing(Struct, frozen=True):
    """Something that is put somewhere: an entry, an object, or a node with an edge to itself."""

    kind: str
    key: str
    value: str
    person: str | None
    lifetime: float | None
    number: int | float | bool


def storage(url: str, **given: Any) -> Storage:
    return Storage(url, profile="test", **given)


def there(folder: Path, name: str) -> Storage:
    return storage(f"sqlite:///{folder}/{name}.db")


async def fill(made: Storage, things: Sequence[Thing]) -> None:
    """Put things in. A later one at the same place replaces an earlier one, of whomever it was."""
    async with made as opened:
        for thing in things:
            if thing.kind == "entry":
                await opened.memory.at("notes", person=thing.person).put(
                    thing.key, thing.value, lifetime=thing.lifetime
                )
            elif thing.kind == "object":
                files = opened.objects.at("notes", person=thing.person)
                await files.put(thing.key, thing.value.encode(), lifetime=thing.lifetime, content_type="text/plain")
            else:
                graph = opened.graph.everywhere()
                node = Node("Device", thing.key, {"a": thing.number, "b": [thing.value]}, thing.person)
                await graph.upsert_nodes([node])
                await graph.upsert_edges([Edge("OWNS", node.ref, node.ref, thing.value, {"c": thing.number})])


async def copied(
    source: Storage, target: Storage, told: Callable[[int], None] = lambda _moved: None, *, dry_run: bool = False
) -> list[Tally]:
    """Copy, and return what was found to be done."""
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(side.opened(source, "FROM", read=True))
        to = await stack.enter_async_context(side.opened(target, "TO", read=dry_run))
        return [await walk.copied(kind, told, dry_run=dry_run) for kind in await walk.kinds(here, to, reads=False)]


async def compared(source: Storage, target: Storage) -> list[Tally]:
    """Compare."""
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(side.opened(source, "FROM", read=True))
        to = await stack.enter_async_context(side.opened(target, "TO", read=True))
        return [await walk.compared(kind, lambda _moved: None) for kind in await walk.kinds(here, to, reads=True)]
