"""What is counted outside the SDK is exact, whoever counts and whenever somebody reads."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View

from contracts.telemetry import STREAM_GAP
from proxy.tally import ReadsTallies, Tallies, Tally

VALUES = (0.0, 0.001, 0.0011, 0.3, 0.75, 5.5, 60.5, 61.0, 1e9)
"""Below, on and above bounds."""


class Reader(ReadsTallies, InMemoryMetricReader):
    """Reads the SDK's metrics and the tallies."""


def points(reader: InMemoryMetricReader) -> dict[str, Any]:
    """The only point of every metric."""
    data = reader.get_metrics_data()
    assert data is not None
    found = {metric.name: metric for each in data.resource_metrics[0].scope_metrics for metric in each.metrics}
    return {name: metric.data.data_points[0] for name, metric in found.items()}


def read(tallies: Tallies, *measured: float) -> tuple[Any, Any]:
    """What a reader finds: the tallies' point, and one that the SDK has made of the measured values."""
    reader = Reader()
    reader.tallies = {STREAM_GAP.name: tallies}
    bounds = ExplicitBucketHistogramAggregation(STREAM_GAP.buckets)
    provider = MeterProvider([reader], views=[View(instrument_name="twin", aggregation=bounds)], shutdown_on_exit=False)
    twin = provider.get_meter("x").create_histogram("twin")
    for value in measured:
        twin.record(value)
    found = points(reader)
    return found.get(STREAM_GAP.name), found["twin"]


def test_a_tally_is_the_sdks_histogram() -> None:
    """The same values give the same counts, sum and extremes, bounds included."""
    tallies = Tallies(STREAM_GAP)
    tally = tallies.open()
    for value in VALUES:
        tally.measure(value)
    ours, theirs = read(tallies, *VALUES)
    assert isinstance(ours, HistogramDataPoint)
    for name in ("count", "sum", "bucket_counts", "explicit_bounds", "min", "max"):
        assert tuple_or(getattr(ours, name)) == tuple_or(getattr(theirs, name))
    assert ours.start_time_unix_nano <= ours.time_unix_nano


def tuple_or(value: Any) -> Any:
    """Lists as tuples, so that they compare."""
    return tuple(value) if isinstance(value, list) else value


def test_open_and_ended_ones_add_up() -> None:
    """A stream counts while it runs, and still once it has ended, however often it is told so."""
    tallies = Tallies(STREAM_GAP)
    first, second = tallies.open(), tallies.open()
    first.measure(0.002)
    second.measure(7.0)
    tallies.close(first)
    tallies.close(first)
    second.measure(8.0)
    found = tallies.sum()
    assert (sum(found.counts), found.total, found.least, found.most) == (3, 15.002, 0.002, 8.0)


def test_nothing_measured_is_no_series() -> None:
    """An open stream without a silence shows nothing."""
    tallies = Tallies(STREAM_GAP)
    tallies.open()
    assert read(tallies, 1.0)[0] is None


def test_streams_at_the_same_time_are_all_counted() -> None:
    """No measurement is lost or counted twice, whatever is read meanwhile; what is read never goes back."""
    tallies, streams, each = Tallies(STREAM_GAP), 8, 2000
    seen: list[int] = []

    def stream() -> None:
        for _ in range(10):
            tally = tallies.open()
            for _ in range(each // 10):
                tally.measure(0.25)
            tallies.close(tally)

    threads = [threading.Thread(target=stream) for _ in range(streams)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        seen.append(sum(tallies.sum().counts))
    for thread in threads:
        thread.join()
    found = tallies.sum()
    assert sum(found.counts) == streams * each
    assert found.total == streams * each * 0.25
    assert seen == sorted(seen)


@pytest.mark.parametrize("value", [0.001, 60.5])
def test_a_value_on_a_bound_is_below_it(value: float) -> None:
    """As Prometheus's `le` says."""
    tally = Tally(STREAM_GAP.buckets)
    tally.measure(value)
    assert tally.counts[STREAM_GAP.buckets.index(value)] == 1
