"""Backends that decide by what they have read a moment before, and then write: the bug that only shows under load."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from typing import Any

from unison_storage_conformance.mutant import mutant


def torn(
    law: str,
    sentence: str,
    made: type[Any],
    operation: str,
    when: Callable[[Any], bool] = lambda _: True,
    turns: int = 1,
    on: str | None = None,
) -> None:
    """Register a backend one of whose operations reads, gives way to others, then decides and writes."""

    async def call(self: Any, items: Any, *more: Any, **named: Any) -> Any:
        return [await _one(self, made, operation, when, turns, item, *more, **named) for item in items]

    _register(law, sentence, on, made, operation, call)


def torn_single(
    law: str, sentence: str, made: type[Any], operation: str, when: Callable[[Any], bool], on: str | None = None
) -> None:
    """Register the same for an operation that is no batch."""

    async def call(self: Any, given: Any) -> Any:
        if not when(given):
            return await getattr(made, operation)(self, given)
        return await _apart(self, made, operation, 1, given)

    _register(law, sentence, on, made, operation, call)


def _register(law: str, sentence: str, on: str | None, made: type[Any], operation: str, call: Any) -> None:
    name = "".join(word.title() for word in sentence.replace(",", "").split())
    mutant(law, sentence, on=on)(type(name, (made,), {operation: call}))


async def _one(
    self: Any, made: type[Any], operation: str, when: Any, turns: int, item: Any, *more: Any, **named: Any
) -> Any:
    if not when(item):
        return (await getattr(made, operation)(self, [item], *more, **named))[0]
    return (await _apart(self, made, operation, turns, [item], *more, **named))[0]


async def _apart(self: Any, made: type[Any], operation: str, turns: int, *given: Any, **named: Any) -> Any:
    ghost = copy.copy(self)
    before = {name: _copied(kept) for name, kept in vars(self).items()}
    vars(ghost).update({name: _copied(kept) for name, kept in before.items()})
    for _ in range(turns):
        await asyncio.sleep(0)
    try:
        return await getattr(made, operation)(ghost, *given, **named)
    finally:
        for name, old in before.items():
            _carry(getattr(self, name), old, getattr(ghost, name))
            if not isinstance(old, dict) and getattr(ghost, name) != old:
                setattr(self, name, getattr(ghost, name))


def _copied(kept: Any) -> Any:
    return {key: _copied(one) for key, one in kept.items()} if isinstance(kept, dict) else kept


def _carry(target: Any, old: Any, new: Any) -> None:
    """Write to ``target`` what has become of ``old`` in ``new``."""
    if not isinstance(old, dict):
        return
    for key in [*old, *(key for key in new if key not in old)]:
        if key not in new:
            target.pop(key, None)
        elif isinstance(new[key], dict):
            _carry(target.setdefault(key, {}), old.get(key, {}), new[key])
        elif key not in old or old[key] != new[key]:
            target[key] = new[key]
