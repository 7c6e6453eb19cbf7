"""Single flight: what several callers ask for at once is computed once. Keeping the result is the cache's business.

A flight is a task of its own, so that a caller that gives up leaves the others waiting for their answer. When the last
one has given up, the flight is cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Final, Generic, TypeVar

from unison_storage.errors import Closed, InvalidValue, StorageError

T = TypeVar("T")

_INSIDE: Final[ContextVar[Flight[object] | None]] = ContextVar("unison_storage_flight", default=None)
"""The flight whose loader runs here, also through calls and tasks that the loader makes."""


class Flight(Generic[T]):
    """One computation, and how many wait for it."""

    def __init__(self) -> None:
        self.waiters = 0
        self.task: asyncio.Task[T]
        self.awaits: set[Flight[object]] = set()

    def reaches(self, other: Flight[object]) -> bool:
        """Return whether this flight waits for the other, by way of whatever flights."""
        return self is other or any(one.reaches(other) for one in self.awaits)


class Flights(Generic[T]):
    """The flights of one store, by place. ``patience`` is how many seconds one may take to end when it is cancelled."""

    def __init__(self, patience: float = 5.0) -> None:
        self._patience = patience
        self._flying: dict[str, Flight[T]] = {}
        self._ended = False
        self._tasks: set[asyncio.Task[T]] = set()

    def is_flying(self, place: str) -> bool:
        """Return whether something is being computed for the place."""
        return place in self._flying

    async def join(self, place: str, compute: Callable[[], Coroutine[None, None, T]]) -> tuple[T, bool]:
        """Return what the flight of a place computes, and whether this caller started it, with ``compute``.

        Raises what ``compute`` raises, at everybody who waits; ``InvalidValue`` where waiting would never end, since
        the flight waits for the caller; ``Closed`` after ``drain``.
        """
        while not self._ended:
            flight = self._flying.get(place)
            started = flight is None
            if flight is None:
                flight = self.start(place, compute)
            try:
                return await self._wait(flight), started
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if not flight.task.cancelled() or (task is not None and task.cancelling()):
                    raise
                # a loader that was cancelled from within is no answer for those who only joined: they try their own
                if started and not self._ended:
                    raise
        raise Closed("the storage was closed meanwhile; open it again")

    def start(self, place: str, compute: Callable[[], Coroutine[None, None, T]]) -> Flight[T]:
        """Start a flight that nobody has to wait for."""
        flight: Flight[T] = Flight()

        async def fly() -> T:
            _INSIDE.set(flight)  # type: ignore[arg-type]  # what it computes does not matter to who waits for whom
            try:
                return await compute()
            finally:
                if self._flying.get(place) is flight:
                    del self._flying[place]

        flight.task = asyncio.get_running_loop().create_task(fly())
        self._flying[place] = flight
        self._tasks.add(flight.task)
        flight.task.add_done_callback(self._landed)
        return flight

    def forget(self, place: str) -> None:
        """Let those who come from now on start anew: what is being computed is out of date for them."""
        self._flying.pop(place, None)

    def forget_below(self, prefix: str) -> None:
        """Forget every place that begins so."""
        for place in [place for place in self._flying if place.startswith(prefix)]:
            del self._flying[place]

    async def drain(self) -> None:
        """Cancel what flies and wait for its end; nothing takes off any more.

        A loader that does not let itself be cancelled is left alone after a while: closing must not wait for ever.
        """
        self._ended = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._patience)

    async def _wait(self, flight: Flight[T]) -> T:
        inside = _INSIDE.get()
        if inside is not None and flight.reaches(inside):
            raise InvalidValue("the loader waits for the very key that it computes, and would wait for ever")
        flight.waiters += 1
        if inside is not None:
            inside.awaits.add(flight)  # type: ignore[arg-type]  # see fly
        try:
            return await asyncio.shield(flight.task)
        except StorageError as error:
            raise error.copy() from None  # so that no two waiters share a traceback
        finally:
            flight.waiters -= 1
            if inside is not None:
                inside.awaits.discard(flight)
            if not flight.waiters and not flight.task.done():
                flight.task.cancel()

    def _landed(self, task: asyncio.Task[T]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # it was raised at whoever waited; nobody is left to be told
