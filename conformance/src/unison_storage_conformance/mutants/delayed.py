"""Backends whose calls take a moment, or give way to others first. What else is unusual in them stands elsewhere."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from itertools import count
from typing import Any

from unison_storage.contracts.operations import READS, WRITES

_turns = count()


def _calls(made: type[Any]) -> list[str]:
    contract = next(one for one in READS if issubclass(made, one))
    names = (READS[contract] | WRITES[contract]) - {"query", "bookmarks", "catch_up"}
    return sorted(name for name in names if inspect.iscoroutinefunction(getattr(made, name)))


def _with(made: type[Any], name: str, before: Callable[[], Any]) -> type[Any]:
    def delayed_call(method: Any) -> Any:
        async def call(self: Any, *given: Any, **named: Any) -> Any:
            await before()
            return await method(self, *given, **named)

        return call

    return type(name, (made,), {one: delayed_call(getattr(made, one)) for one in _calls(made)})


def delayed(made: type[Any], name: str) -> type[Any]:
    """Return a backend each of whose calls takes half a millisecond."""

    async def before() -> None:
        await asyncio.sleep(0.000_5)

    return _with(made, name, before)


def pausing(made: type[Any], name: str) -> type[Any]:
    """Return a backend whose calls give way to others, some more often than others."""

    async def before() -> None:
        for _ in range(next(_turns) % 3):
            await asyncio.sleep(0)

    return _with(made, name, before)
