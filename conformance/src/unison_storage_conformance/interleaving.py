"""Interleaving: in which order tasks that are ready take their turns, drawn so that it can be repeated. No calls here.

A loop runs what is ready first come, first served, so that calls in one process overlap in few ways. Here tasks' turns
are put off and drawn among those that were put off. None comes earlier than it would, since what a transport does with
its socket relies on what was asked of the loop before; everything else that a loop runs keeps its order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from random import Random
from typing import Any, TypeAlias

Turn: TypeAlias = tuple[Callable[..., object], tuple[Any, ...], Context]


@contextmanager
def shuffled(random: Random) -> Iterator[None]:
    """Draw the turns of all tasks of the running loop meanwhile."""
    loop: Any = asyncio.get_running_loop()
    in_order = loop.call_soon
    waiting: deque[Turn] = deque()
    due: list[Turn] = []

    def call_soon(callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:
        if isinstance(getattr(callback, "__self__", None), asyncio.Task):
            waiting.append((callback, args, copy_context() if context is None else context))
            callback, args, context = come, (), Context()  # of its own, since none can be entered twice
        handle: asyncio.Handle = in_order(callback, *args, context=context)
        return handle

    def come() -> None:
        due.append(waiting.popleft())
        if not waiting or random.random() < 0.5:
            take()

    def take() -> None:
        if due:
            callback, args, context = due.pop(random.randrange(len(due)))
            context.run(callback, *args)
        if due and not waiting:
            in_order(take, context=Context())

    loop.call_soon = call_soon
    try:
        yield
    finally:
        del loop.call_soon
