"""Backends that decide by what they have read a moment before, and then write: the bug that only shows under load."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from typing import Any

from unison_storage_conformance.mutant import mutant
from unison_storage_conformance.verdicts import Level


def torn(
    law: str,
    sentence: str,
    made: type[Any],
    operation: str,
    when: Callable[[Any], bool] = lambda _: True,
    *,
    turns: int = 1,
    batch: bool = True,
    on: str | None = None,
) -> None:
    """Register a backend one of whose operations reads, gives way to others, then decides and writes."""
    plain = getattr(made, operation)

    async def one(self: Any, item: Any, given: Any, *more: Any, **named: Any) -> Any:
        if not when(item):
            return await plain(self, given, *more, **named)
        return await _apart(self, plain, turns, given, *more, **named)

    async def call(self: Any, given: Any, *more: Any, **named: Any) -> Any:
        if not batch:
            return await one(self, given, given)
        return [(await one(self, item, [item], *more, **named))[0] for item in given]

    name = "".join(word.title() for word in sentence.replace(",", "").split())
    mutant(law, sentence, on=on, level=Level.HISTORIES)(type(name, (made,), {operation: call}))


async def _apart(self: Any, plain: Callable[..., Any], turns: int, *given: Any, **named: Any) -> Any:
    ghost = copy.copy(self)
    before = {name: _copied(kept) for name, kept in vars(self).items()}
    vars(ghost).update({name: _copied(kept) for name, kept in before.items()})
    for _ in range(turns):
        await asyncio.sleep(0)
    try:
        return await plain(ghost, *given, **named)
    finally:
        _carry(vars(self), before, vars(ghost))


def _copied(kept: Any) -> Any:
    return {key: _copied(one) for key, one in kept.items()} if isinstance(kept, dict) else kept


def _carry(target: dict[Any, Any], old: dict[Any, Any], new: dict[Any, Any]) -> None:
    """Write to ``target`` what has become of ``old`` in ``new``."""
    for key in [*old, *(key for key in new if key not in old)]:
        if key not in new:
            target.pop(key, None)
        elif isinstance(new[key], dict):
            _carry(target.setdefault(key, {}), old.get(key, {}), new[key])
        elif key not in old or old[key] != new[key]:
            target[key] = new[key]
