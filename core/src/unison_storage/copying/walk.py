"""Walking over what FROM holds: copying it, and comparing both sides. What a kind is made of stands beside.

There is no state of a copy but TO itself: what is there already is left alone, so one that was killed is run again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, Final, Protocol, TypeVar, cast

from unison_storage.copying.entries import Entries
from unison_storage.copying.files import Files
from unison_storage.copying.relations import Edges, Nodes
from unison_storage.copying.side import Side
from unison_storage.copying.tally import Digest, Tally

T = TypeVar("T")

_PAGES_AT_ONCE: Final = 4
Told = Callable[[int], None]
"""Is told of each part how many it had."""


class Kind(Protocol):
    """One kind of what is copied. ``there`` below is what TO has of an item, or ``None``."""

    @property
    def kind(self) -> str:
        """Its name."""

    async def count(self) -> int:
        """Return how many FROM has."""

    async def there(self) -> int:
        """Return how many TO has."""

    async def check(self) -> None:
        """Raise ``InvalidConfig`` where TO can't hold what FROM has."""

    def pages(self) -> AsyncIterator[Sequence[Any]]:
        """Yield what FROM has."""

    async def found(self, page: Sequence[Any], /) -> Sequence[Any]:
        """Return what TO has of each."""

    async def same(self, one: Any, there: Any, /) -> bool:
        """Return whether TO has it as FROM has."""

    async def ending(self, one: Any, /) -> bool:
        """Return whether it expires so soon that nothing can be said of it."""

    async def write(self, items: Sequence[tuple[Any, Any]], /) -> None:
        """Put what FROM has in the place of what TO has."""

    def seal(self, one: Any, there: Any, /) -> Any:
        """Return what is digested of it, as FROM has it or, with ``there``, as TO has it."""


async def kinds(source: Side, target: Side, *, reads: bool) -> list[Kind]:
    """Return what FROM holds and TO can hold, in the order of copying; ``InvalidConfig`` where TO can't.

    ``reads`` says that the bytes of TO's objects are read, too.
    """
    offered: list[Kind] = [Entries(source, target)]
    if source.index is not None:
        offered.append(Files(source, target, reads=reads))
    if source.graph is not None:
        offered += [Nodes(source, target), Edges(source, target)]
    held = [kind for kind in offered if await kind.count()]
    for kind in held:
        await kind.check()
    return held


async def copied(kind: Kind, told: Told, *, dry_run: bool = False) -> Tally:
    """Write what TO has not, or has differently, and return what it had; with ``dry_run`` nothing is written.

    Raises what a backend raises, at once: what was written until then stays, and is passed over the next time.
    """
    tally = Tally(kind.kind)

    async def work(page: Sequence[Any]) -> None:
        wanted = [(one, there) for one, there, same in await _compared(kind, page, tally) if not same]
        if wanted and not dry_run:
            await kind.write(wanted)
        told(len(page))

    await _each(kind.pages(), work)
    return tally


async def compared(kind: Kind, told: Told) -> Tally:
    """Return how both sides differ, with digests of them; what expires within a minute is passed over."""
    tally, here, there = Tally(kind.kind), Digest(), Digest()

    async def work(page: Sequence[Any]) -> None:
        lasting = [one for one in page if not await kind.ending(one)]
        for one, found, _ in await _compared(kind, lasting, tally):
            here.add(kind.seal(one, None))
            if found is not None:
                there.add(kind.seal(one, found))
        told(len(page))

    await _each(kind.pages(), work)
    tally.beyond = max(await kind.there() - tally.same - tally.different, 0)
    tally.digest, tally.digest_there = here.hex, there.hex
    return tally


async def _compared(kind: Kind, page: Sequence[Any], tally: Tally) -> list[tuple[Any, Any, bool]]:
    """Return each item with what TO has of it, and whether that is the same; counts them."""
    items = []
    for one, there in zip(page, await kind.found(page), strict=True):
        same = there is not None and await kind.same(one, there)
        tally.items += 1
        tally.same += same
        tally.missing += there is None
        tally.different += there is not None and not same
        items.append((one, there, same))
    return items


async def _each(pages: AsyncIterator[Sequence[T]], work: Callable[[Sequence[T]], Awaitable[None]]) -> None:
    """Do the work upon each page, on a few at once; the first error ends it all."""
    gate = asyncio.Semaphore(_PAGES_AT_ONCE)

    async def held(page: Sequence[T]) -> None:
        try:
            await work(page)
        finally:
            gate.release()

    try:
        async with aclosing(cast("AsyncGenerator[Sequence[T]]", pages)), asyncio.TaskGroup() as group:
            async for page in pages:
                await gate.acquire()
                group.create_task(held(page))
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
