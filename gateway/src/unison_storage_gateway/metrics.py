"""Metrics as Prometheus text, read from the core's own counters when they are asked for. Nothing is counted here.

Labels are kind, operation, backend, keyspace, error class, method, route template and status.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from unison_storage.telemetry import Reading, Telemetry
from unison_storage_gateway.exchange import Traffic

POWERS: Final = (14, 16, 18, 19, 20, 21, 22, 24, 26, 28, 30, 33)
"""Bounds of the buckets as powers of two, in nanoseconds: 16 µs to 8.6 s, closest together around a millisecond."""

MEDIA_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
_PREFIX: Final = "unison_storage"
_LABELS: Final = ("kind", "operation", "backend", "keyspace")


class _Readings(Collector):
    """Reads the counters of one storage and of its HTTP traffic."""

    def __init__(self, telemetry: Telemetry, traffic: Traffic) -> None:
        self._telemetry = telemetry
        self._traffic = traffic

    def collect(self) -> Iterator[Metric]:
        """Yield every metric as it stands now."""
        yield from operations(self._telemetry.readings())
        yield from self._counters()
        yield from self._gauges()
        yield self._requests()

    def _counters(self) -> Iterator[Metric]:
        families: dict[str, CounterMetricFamily] = {}
        for (name, kind, backend, keyspace), number in sorted(self._telemetry.counters.items()):
            family = families.get(name)
            if family is None:
                family = families[name] = CounterMetricFamily(
                    f"{_PREFIX}_{name}", _words(name), labels=("kind", "backend", "keyspace")
                )
            family.add_metric((kind, backend, keyspace), number)
        yield from families.values()

    def _gauges(self) -> Iterator[Metric]:
        families: dict[str, GaugeMetricFamily] = {}
        for name, kind, backend, value in sorted(self._telemetry.gauges()):
            family = families.get(name)
            if family is None:
                family = families[name] = GaugeMetricFamily(
                    f"{_PREFIX}_{name}", _words(name), labels=("kind", "backend")
                )
            family.add_metric((kind, backend), value)
        yield from families.values()

    def _requests(self) -> Metric:
        family = CounterMetricFamily(
            f"{_PREFIX}_http_requests", "Requests answered over HTTP", labels=("method", "route", "status")
        )
        for (method, route, status), number in sorted(self._traffic.requests.items()):
            family.add_metric((method, route, str(status)), number)
        return family


def operations(readings: Iterable[Reading]) -> Iterator[Metric]:
    """Yield durations and errors of the operations of stores."""
    seconds = HistogramMetricFamily(
        f"{_PREFIX}_operation_seconds", "Time that operations of stores took", labels=_LABELS
    )
    errors = CounterMetricFamily(
        f"{_PREFIX}_operation_errors", "Operations of stores that failed, by class", labels=(*_LABELS, "error")
    )
    for one in readings:
        labels = (one.kind, one.operation, one.backend, one.keyspace)
        # bucket n of the core holds what took less than 2^n nanoseconds, so these sums are exact
        buckets = [(str(2**power / 1e9), float(sum(one.buckets[: power + 1]))) for power in POWERS]
        seconds.add_metric(labels, [*buckets, ("+Inf", float(one.count))], one.nanoseconds / 1e9)
        for error, number in sorted(one.errors.items()):
            errors.add_metric((*labels, error), number)
    yield seconds
    yield errors


def text(telemetry: Telemetry, traffic: Traffic) -> bytes:
    """Return all metrics in the text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Readings(telemetry, traffic))
    return generate_latest(registry)


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
