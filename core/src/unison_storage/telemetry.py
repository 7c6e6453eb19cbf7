"""Own counters, cheap to write and read only when scraped. No export format and no logging here.

Labels are kind, operation, backend, keyspace and error class: never a person, a namespace, a key or a URL.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

BUCKETS: Final = 40
"""Histogram buckets; bucket ``n`` holds durations below 2^n nanoseconds, the last everything above."""

Labels = tuple[str, str, str, str]
"""Kind, operation, backend, keyspace."""


class Meter:
    """Counts and times one operation of one kind on one backend in one keyspace."""

    __slots__ = ("buckets", "errors", "nanoseconds")

    def __init__(self) -> None:
        self.buckets = [0] * BUCKETS
        self.nanoseconds = 0
        self.errors: Counter[str] = Counter()

    def done(self, nanoseconds: int) -> None:
        """Count one call that took so long, whatever came of it."""
        bucket = nanoseconds.bit_length()
        self.buckets[bucket if bucket < BUCKETS else BUCKETS - 1] += 1
        self.nanoseconds += nanoseconds

    def failed(self, error: BaseException) -> None:
        """Count an error by its class; the call itself is counted by ``done``."""
        self.errors[type(error).__name__] += 1


class Reading(Struct, frozen=True):
    """A meter as read at one moment. ``buckets[n]`` counts calls of less than 2^n nanoseconds."""

    kind: str
    operation: str
    backend: str
    keyspace: str
    buckets: tuple[int, ...]
    nanoseconds: int
    errors: dict[str, int]

    @property
    def count(self) -> int:
        """How many calls there were."""
        return sum(self.buckets)


class Telemetry:
    """All meters of one storage, with plain counters and gauges beside them."""

    def __init__(self) -> None:
        self._meters: dict[Labels, Meter] = {}
        self.counters: Counter[tuple[str, str, str, str]] = Counter()
        """(name, kind, backend, keyspace) → how often; names as in ``docs/metrics.md``, ``all`` for no one keyspace."""
        self._gauges: dict[tuple[str, str, str], Callable[[], float]] = {}

    def meter(self, kind: str, operation: str, backend: str, keyspace: str) -> Meter:
        """Return the meter with these labels; the same one each time."""
        labels = (kind, operation, backend, keyspace)
        found = self._meters.get(labels)
        if found is None:
            found = self._meters[labels] = Meter()
        return found

    def gauge(self, name: str, kind: str, backend: str, read: Callable[[], float]) -> None:
        """Register a function that is called when metrics are scraped; it must be quick and not raise."""
        self._gauges[name, kind, backend] = read

    def readings(self) -> Iterator[Reading]:
        """Yield every meter as it stands now."""
        for (kind, operation, backend, keyspace), meter in list(self._meters.items()):
            yield Reading(
                kind, operation, backend, keyspace, tuple(meter.buckets), meter.nanoseconds, dict(meter.errors)
            )

    def gauges(self) -> Iterator[tuple[str, str, str, float]]:
        """Yield name, kind, backend and value of every gauge."""
        for (name, kind, backend), read in list(self._gauges.items()):
            yield name, kind, backend, read()
