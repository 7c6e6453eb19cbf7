"""Interleaving: in which order tasks that are ready take their turns, drawn so that it can be repeated. No calls here.

A loop runs what is ready first come, first served, so that calls in one process overlap in few ways. Here every turn of
a task is drawn among those that are ready. Everything else that a loop runs (transports, timers) keeps its order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from random import Random
from typing import Any


@contextmanager
def shuffled(random: Random) -> Iterator[None]:
    """Draw the turns of all tasks of the running loop meanwhile."""
    loop: Any = asyncio.get_running_loop()
    in_order = loop.call_soon
    ready: list[tuple[Callable[..., object], tuple[Any, ...], Context]] = []

    def call_soon(callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:
        if isinstance(getattr(callback, "__self__", None), asyncio.Task):
            ready.append((callback, args, copy_context() if context is None else context))
            callback, args, context = turn, (), Context()  # of its own, since none can be entered twice
        handle: asyncio.Handle = in_order(callback, *args, context=context)
        return handle

    def turn() -> None:
        callback, args, context = ready.pop(random.randrange(len(ready)))
        context.run(callback, *args)

    loop.call_soon = call_soon
    try:
        yield
    finally:
        del loop.call_soon
