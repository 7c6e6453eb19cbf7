"""The border between stores and backends: every call to a backend crosses here, counted, timed and placed.

What a call means is the store's business; how often it is sent is the layers'.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import get_running_loop
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from time import perf_counter_ns
from typing import Any, Final, TypeVar

from unison_storage.contracts.backend import Backend
from unison_storage.errors import BatchFailed, Closed, NotOpen, StorageError, WrongLoop
from unison_storage.keyspaces import Keyspace
from unison_storage.telemetry import Meter, Telemetry

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

UNDECLARED: Final = "undeclared"
"""The label of all keyspaces that nobody declared, so that callers can't make labels."""

EVERYWHERE: Final = Keyspace(name="all")
"""Stands for all keyspaces of a backend at once: erasing, sweeping."""


class Border:
    """Whether a storage is open, and on which loop; shared by its stores and asked by every call."""

    __slots__ = ("_was_open", "loop", "telemetry", "tracer")

    def __init__(self, telemetry: Telemetry) -> None:
        self.telemetry = telemetry
        self.loop: asyncio.AbstractEventLoop | None = None
        self.tracer: Any = None
        self._was_open = False

    def open(self) -> None:
        """Let calls of the running loop through."""
        self.loop = get_running_loop()
        self.tracer = _tracer()
        self._was_open = True

    def close(self) -> None:
        """Let no call through any more."""
        self.loop = None

    def check(self) -> None:
        """Raise ``NotOpen``, ``Closed`` or ``WrongLoop`` unless calls of the running loop may pass."""
        try:
            if self.loop is get_running_loop():
                return
        except RuntimeError:
            if self.loop is not None:
                raise WrongLoop("no event loop runs here; call from coroutines, or use storage.blocking()") from None
        if self.loop is not None:
            raise WrongLoop("this storage was opened on another event loop; open one storage for each loop")
        if self._was_open:
            raise Closed("this storage is closed; open it again with `async with storage:`")
        raise NotOpen("this storage is not open; use `async with storage:` or `await storage.open()`")


class Route:
    """One keyspace of one kind on its way to one backend: its bounds and its meters."""

    __slots__ = ("_label", "_meters", "backend", "border", "default", "keyspace", "kind")

    def __init__(self, border: Border, kind: str, backend: Backend, keyspace: Keyspace, *, declared: bool) -> None:
        self.border = border
        self.kind = kind
        self.backend = backend
        self.keyspace = keyspace
        self.default = keyspace.default
        self._label = keyspace.name if declared else UNDECLARED
        self._meters: dict[str, Meter] = {}

    def meter(self, operation: str) -> Meter:
        """Return the meter of an operation of this route."""
        found = self._meters.get(operation)
        if found is None:
            found = self.border.telemetry.meter(self.kind, operation, self.backend.name, self._label)
            self._meters[operation] = found
        return found

    def counter(self, name: str) -> tuple[str, str, str, str]:
        """Return what something that is no operation is counted under; ``name`` as in ``docs/metrics.md``."""
        return name, self.kind, self.backend.name, self._label

    def count(self, name: str) -> None:
        """Count something that is no operation."""
        self.border.telemetry.counters[self.counter(name)] += 1

    def degraded(self, error: StorageError) -> None:
        """Count a failure and let it go where the keyspace is declared to do without its backend; else raise."""
        if self.keyspace.on_failure != "degrade":
            raise error
        self.count(f"{self.kind}_degraded")

    async def one(self, operation: str, method: Callable[..., Awaitable[Sequence[Any]]], item: Any, *more: Any) -> Any:
        """Return the result of a batch of one; its error is raised with kind, operation and backend filled in."""
        border = self.border
        if border.loop is not get_running_loop():
            border.check()
        if border.tracer is not None:
            return await self._traced(operation, method, (item,), *more, single=True)
        meter = self._meters.get(operation) or self.meter(operation)
        started = perf_counter_ns()
        try:
            results = await method((item,), *more)
            if len(results) != 1:
                raise StorageError(f"the backend gave {len(results)} results for 1 item")
            result = results[0]
        except StorageError as error:
            meter.failed(error)
            raise error.at(self.kind, operation, self.backend.name) from None
        finally:
            meter.done(perf_counter_ns() - started)
        if isinstance(result, StorageError):
            meter.failed(result)
            raise result.at(self.kind, operation, self.backend.name)
        return result

    async def whole(self, operation: str, method: Callable[..., Awaitable[T]], *arguments: Any, **named: Any) -> T:
        """Return what an operation that is no batch answers."""
        self.border.check()
        if self.border.tracer is not None:
            return await self._traced(operation, method, *arguments, **named)  # type: ignore[no-any-return]
        meter = self.meter(operation)
        started = perf_counter_ns()
        try:
            return await method(*arguments, **named)
        except StorageError as error:
            meter.failed(error)
            raise error.at(self.kind, operation, self.backend.name) from None
        finally:
            meter.done(perf_counter_ns() - started)

    async def many(
        self, operation: str, method: Callable[..., Awaitable[Sequence[Any]]], items: Sequence[Any], *more: Any
    ) -> list[Any]:
        """Return a result or an error for each item; sent in batches that the backend takes, one after the other."""
        self.border.check()
        results: list[Any] = []
        size = self.backend.limits.batch
        for start in range(0, len(items), size):
            part = items[start : start + size]
            try:
                results += await self.whole(operation, method, part, *more)
            except StorageError as error:
                # earlier batches have taken effect, so this one must not hide their results; none is sent after it
                results += [error.copy() for _ in part]
                unsent = type(error)(f"not sent, since an earlier batch failed: {error.message}", kind=self.kind)
                results += [unsent.copy() for _ in items[start + size :]]
                break
        return [
            result.at(self.kind, operation, self.backend.name) if isinstance(result, StorageError) else result
            for result in results
        ]

    async def _traced(self, operation: str, method: Any, *arguments: Any, single: bool = False, **named: Any) -> Any:
        twin = Border(self.border.telemetry)
        twin.loop = self.border.loop
        route = Route(twin, self.kind, self.backend, self.keyspace, declared=self._label != UNDECLARED)
        with self.border.tracer.start_as_current_span(f"{self.kind}.{operation}") as span:
            span.set_attribute("unison_storage.kind", self.kind)
            span.set_attribute("unison_storage.operation", operation)
            span.set_attribute("unison_storage.backend", self.backend.name)
            span.set_attribute("unison_storage.keyspace", self._label)
            if single:
                (items, *more) = arguments
                return await route.one(operation, method, items[0], *more)
            return await route.whole(operation, method, *arguments, **named)


def gathered(results: Mapping[K, T | StorageError]) -> dict[K, T]:
    """Return the results of a batch; ``BatchFailed`` with all of them if any is an error."""
    errors = [result for result in results.values() if isinstance(result, StorageError)]
    if not errors:
        return dict(results)  # type: ignore[arg-type]
    counts = ", ".join(f"{name} {number}" for name, number in Counter(type(error).__name__ for error in errors).items())
    raise BatchFailed(
        f"{len(errors)} of {len(results)} items failed ({counts}); .results holds a value or an error for each key",
        results=results,
        kind=errors[0].kind,
        operation=errors[0].operation,
        backend=errors[0].backend,
        retryable=all(error.retryable for error in errors),
        outcome_unknown=any(error.outcome_unknown for error in errors),
    )


def sorted_out(keys: Iterable[K], make: Callable[[K], T]) -> tuple[dict[K, T], dict[K, StorageError]]:
    """Return what ``make`` makes of each key, and the errors of those that it refuses: neighbours go on."""
    made: dict[K, T] = {}
    refused: dict[K, StorageError] = {}
    for key in keys:
        try:
            made[key] = make(key)
        except StorageError as error:
            refused[key] = error
    return made, refused


def _tracer() -> Any:
    """Return an OpenTelemetry tracer where the application has set up a provider, else ``None``."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    provider = trace.get_tracer_provider()
    if type(provider).__name__ in ("ProxyTracerProvider", "NoOpTracerProvider"):
        return None
    return provider.get_tracer("unison_storage")
