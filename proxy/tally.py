"""A histogram that is counted outside OpenTelemetry's SDK, for what happens with every event of every stream.

The SDK takes 4 to 8 µs for one measurement, a tally less than half of one. Each stream counts for itself; whoever
reads adds up all of them, those that have ended included, so that what is read is exact, and at most one event behind.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    MetricReader,
    MetricsData,
)
from opentelemetry.sdk.metrics.export import Metric as Exported

from contracts.telemetry import Metric


class Tally:
    """What one thread has measured."""

    __slots__ = ("_bounds", "counts", "least", "most", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total, self.least, self.most = 0.0, float("inf"), 0.0

    def measure(self, value: float) -> None:
        """One more; a value on a bound is below it, as everywhere in Prometheus."""
        self.total += value
        if value < self.least:  # noqa: PLR1730 - a call of min() would cost more than all the rest
            self.least = value
        if value > self.most:  # noqa: PLR1730
            self.most = value
        self.counts[bisect_left(self._bounds, value)] += 1  # last: whoever reads has the sum of what is counted

    def take(self, other: Tally) -> None:
        """Everything that the other one has measured so far is measured here as well."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, list(other.counts), strict=True)]
        self.total += other.total
        self.least, self.most = min(self.least, other.least), max(self.most, other.most)


class Tallies:
    """All tallies of one metric, which has no labels."""

    def __init__(self, metric: Metric) -> None:
        self._metric, self._started_ns = metric, time.time_ns()
        self._lock = threading.Lock()
        self._ended = Tally(metric.buckets)
        self._open: set[Tally] = set()

    def open(self) -> Tally:
        """One more, for the calling thread to count in."""
        tally = Tally(self._metric.buckets)
        with self._lock:
            self._open.add(tally)
        return tally

    def close(self, tally: Tally) -> None:
        """Nothing more is counted in it; what it has counts on. Once is as good as twice."""
        with self._lock:
            if tally in self._open:
                self._open.remove(tally)
                self._ended.take(tally)

    def sum(self) -> Tally:
        """All of them together, as of now."""
        everything = Tally(self._metric.buckets)
        with self._lock:
            for tally in (self._ended, *self._open):
                everything.take(tally)
        return everything

    def beside(self, data: MetricsData) -> MetricsData:
        """What the SDK has collected, and this."""
        found, metric = self.sum(), self._metric
        count = sum(found.counts)
        if not count:
            return data
        point = HistogramDataPoint(
            attributes={},
            start_time_unix_nano=self._started_ns,
            time_unix_nano=time.time_ns(),
            count=count,
            sum=found.total,
            bucket_counts=found.counts,
            explicit_bounds=metric.buckets,
            min=found.least,
            max=found.most,
        )
        whole = Exported(metric.name, metric.help, metric.unit, Histogram([point], AggregationTemporality.CUMULATIVE))
        resource = data.resource_metrics[0]
        scope = resource.scope_metrics[0]
        scopes = [replace(scope, metrics=[*scope.metrics, whole]), *resource.scope_metrics[1:]]
        return replace(data, resource_metrics=[replace(resource, scope_metrics=scopes), *data.resource_metrics[1:]])


class ReadsTallies(MetricReader):
    """Mixed into a reader of the SDK: what it reads holds the tallies as well."""

    tallies: Mapping[str, Tallies] = MappingProxyType({})
    """By metric; given by whoever adds the reader."""

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        for each in self.tallies.values():
            metrics_data = each.beside(metrics_data)
        super()._receive_metrics(metrics_data, timeout_millis, **kwargs)  # type: ignore[safe-super]
