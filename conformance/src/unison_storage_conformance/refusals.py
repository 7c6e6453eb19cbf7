"""Refusals: what is not declared is refused at once, without effect. What is declared is for ``laws``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from unison_storage.capabilities import Capability
from unison_storage.errors import Unsupported
from unison_storage_conformance.ground import Ground
from unison_storage_conformance.outcomes import NotTried, broken, same


async def _copy(ground: Ground[Any]) -> tuple[Callable[[], Awaitable[Any]], Callable[[], Awaitable[Any]]]:
    source, id = ground.blob(), ground.blob()
    await ground.backend.write(source, _chunks())

    async def there() -> Any:
        return await ground.backend.delete_many([id])

    return lambda: ground.site.backend.copy(source, id), there


async def _presign(ground: Ground[Any]) -> tuple[Callable[[], Awaitable[Any]], Callable[[], Awaitable[Any]]]:
    id = ground.blob()
    await ground.backend.write(id, _chunks())

    async def there() -> Any:
        return [chunk async for chunk in ground.backend.read(id)]

    return lambda: ground.site.backend.presign(id, 60_000_000), there


async def _query(ground: Ground[Any]) -> tuple[Callable[[], Awaitable[Any]], Callable[[], Awaitable[Any]]]:
    space = ground.below()

    async def there() -> Any:
        return await ground.backend.stats(space)

    return lambda: ground.site.backend.query("RETURN 1", {}, read_only=True, timeout=1.0, max_rows=1), there


async def _bookmarks(ground: Ground[Any]) -> tuple[Callable[[], Awaitable[Any]], Callable[[], Awaitable[Any]]]:
    space = ground.below()

    async def there() -> Any:
        return await ground.backend.stats(space)

    return lambda: ground.site.backend.catch_up(["one"]), there


async def _chunks() -> Any:
    yield b"some bytes"


_WAYS: Final[Mapping[Capability, Any]] = {
    Capability.COPY: _copy,
    Capability.PRESIGN: _presign,
    Capability.QUERY: _query,
    Capability.BOOKMARKS: _bookmarks,
}


async def refuse(ground: Ground[Any], capability: Capability) -> None:
    """Show that an undeclared capability is refused: at once, as ``Unsupported``, and nothing is changed.

    At once: nothing can have been sent to a server by a coroutine that ended before it waited for anything.
    """
    way = _WAYS.get(capability)
    if way is None:
        raise NotTried(f"{capability} has no call that could be tried")
    call, there = await way(ground)
    before = None if capability is Capability.COPY else await there()
    asked: Any = call()
    try:
        asked.send(None)
    except Unsupported as error:
        if error.capability != capability:
            broken(
                f"{capability} is refused by its name",
                expected=str(capability),
                found=error.capability,
                law="backend.8",
            )
    except StopIteration:
        broken(f"{capability} is not declared, and did something", expected="Unsupported", law="backend.8")
    except Exception as error:  # noqa: BLE001 - whatever else it raises is no refusal
        broken(f"{capability} is not declared, and not refused", expected="Unsupported", found=error, law="backend.8")
    else:
        asked.close()
        broken(f"{capability} is not declared, and was not refused at once", expected="Unsupported", law="backend.8")
    after = await there()
    same(after, [False] if before is None else before, f"{capability} was refused and has changed something")
