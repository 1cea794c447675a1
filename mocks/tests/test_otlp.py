"""Spans and metrics as a collector gets them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

from contracts.telemetry import MOCK_METRICS
from mocks.cassette import Frame
from mocks.journal import Journal
from mocks.otlp import Exporter
from mocks.telemetry import Counts, Exchange, Telemetry
from mocks.tests.running import KeyPair, until
from mocks.tests.running import running as running_mock

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        """Keep what comes."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.status == 200:
            self.server.bodies.setdefault(self.path, []).append(body)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        """Nothing."""


class Collector(ThreadingHTTPServer):
    """Takes OTLP, or answers something else."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.bodies = 200, dict[str, list[bytes]]()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def spans(self) -> list[Any]:
        """Every span so far."""
        requests = map(ExportTraceServiceRequest.FromString, self.bodies.get("/v1/traces", []))
        return [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def metrics(self) -> dict[str, Any]:
        """The latest metrics by name."""
        request = ExportMetricsServiceRequest.FromString(self.bodies["/v1/metrics"][-1])
        (resource,) = request.resource_metrics
        assert {each.key: each.value.string_value for each in resource.resource.attributes}[
            "service.name"
        ] == "cortex-mock"
        return {metric.name: metric for metric in resource.scope_metrics[0].metrics}


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on a free port."""
    server = Collector()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def exporter(collector: Collector) -> Iterator[Exporter]:
    """What sends to it."""
    made = Exporter(f"{collector.url}/")
    yield made
    made.close()


def an_exchange(**facts: Any) -> Exchange:
    """An agent's answered exchange, unless facts say otherwise."""
    base = Exchange(
        method="POST",
        path="/api/v2/cortex/agent:run",
        surface="agent",
        status=200,
        outcome="answered",
        started_s=1_800_000_000.25,
        ended_s=1_800_000_001.5,
        traceparent=PARENT,
        cassette="agents/x",
        interaction=0,
        scenario="throttled",
        fault="stall,cut",
        frames=12,
        test_id="story-01",
    )
    return base._replace(**facts)


def attributes(span: Any) -> dict[str, str | int]:
    """By name."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}


def test_a_span_tells_of_its_exchange(collector: Collector, exporter: Exporter) -> None:
    """It is a child of its caller's span, and says what was played."""
    assert exporter.spans([an_exchange()])
    (span,) = collector.spans()
    assert (span.name, span.kind) == ("POST agent", 2)  # SERVER
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (PARENT[3:35], PARENT[36:52])
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (
        1_800_000_000_250_000_000,
        1_800_000_001_500_000_000,
    )
    assert attributes(span) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "url.path": "/api/v2/cortex/agent:run",
        "surface": "agent",
        "outcome": "answered",
        "frames": 12,
        "cassette": "agents/x",
        "interaction": 0,
        "scenario": "throttled",
        "fault": "stall,cut",
        "test.id": "story-01",
    }


def test_without_a_caller_a_trace_begins(collector: Collector, exporter: Exporter) -> None:
    """Each exchange has its own; what does not apply is left out, and only our own defects are errors."""
    nothing = {"cassette": None, "interaction": None, "scenario": None, "fault": None, "test_id": None}
    assert exporter.spans([an_exchange(traceparent=None), an_exchange(traceparent=None, outcome="failed", **nothing)])
    first, second = collector.spans()
    assert not first.parent_span_id
    assert first.trace_id != second.trace_id
    assert not {*nothing, "test.id"} & attributes(second).keys()
    assert (first.status.code, second.status.code) == (0, 2)


def test_numbers_are_the_catalogues(collector: Collector, exporter: Exporter) -> None:
    """Name, unit, help; cumulative since the start; the histogram with its bounds."""
    counts, journal = Counts(["throttled"]), Journal()
    journal.on_change.append(Telemetry(counts).changed)
    entry = journal.open("POST", "/x")
    entry.started_mono_s, entry.surface = 0.0, "agent"
    entry.answers(200, [Frame(0.0, b"data: x\n\n")] * 2, 1.0)
    entry.sent(1, 0.001)
    entry.sent(2, 9.0)
    entry.close("answered")
    assert exporter.metrics(counts.snapshot())
    found = collector.metrics()
    assert {name: (each.unit, each.description) for name, each in found.items()} == {
        metric.name: (metric.unit, metric.help) for metric in MOCK_METRICS
    }
    requests = found["cortex_mock_requests_total"].sum
    assert requests.is_monotonic
    assert requests.aggregation_temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    assert [attributes(point) for point in requests.data_points if point.as_int] == [
        {"surface": "agent", "outcome": "answered"}
    ]
    assert not found["cortex_mock_streams_active"].sum.is_monotonic
    (late,) = found["cortex_mock_frame_lateness_seconds"].histogram.data_points
    assert (late.count, late.sum, late.min, late.max) == (2, pytest.approx(9.001), 0.001, 9.0)
    assert list(late.bucket_counts)[3::10] == [1, 1]
    assert len(late.bucket_counts) == len(late.explicit_bounds) + 1


def test_a_histogram_without_frames_has_no_point(collector: Collector, exporter: Exporter) -> None:
    """Nothing was measured yet."""
    assert exporter.metrics(Counts([]).snapshot())
    assert not collector.metrics()["cortex_mock_frame_lateness_seconds"].histogram.data_points


def test_a_collector_that_takes_nothing_is_told_of_once(
    collector: Collector, exporter: Exporter, capsys: pytest.CaptureFixture[str]
) -> None:
    """And once more when it takes something again; the exporter's own lines are not shown."""
    collector.status = 400
    assert not exporter.spans([an_exchange()])
    assert not exporter.metrics(Counts([]).snapshot())
    collector.status = 200
    assert exporter.spans([an_exchange()])
    assert exporter.spans([an_exchange()])
    assert capsys.readouterr().err.splitlines() == [
        "mock: the collector takes no telemetry; check its address",
        "mock: the collector takes telemetry again",
    ]
    assert len(collector.spans()) == 2


def test_a_mock_tells_its_collector(keys: KeyPair, collector: Collector) -> None:
    """A run's span continues the trace of the request; the last numbers are sent when the mock stops."""
    with running_mock(keys, otlp_endpoint=collector.url) as mock:
        mock.run(headers={"traceparent": PARENT, "X-Mock-Scenario": "throttled", "baggage": "test.id=story-01"})
        (span,) = until(lambda: collector.spans() or None)
    assert span.trace_id.hex() == PARENT[3:35]
    told = attributes(span)
    assert (told["surface"], told["scenario"], told["outcome"]) == ("agent", "throttled", "answered")
    assert told["cassette"]
    assert told["test.id"] == "story-01"
    points = collector.metrics()["cortex_mock_requests_total"].sum.data_points
    assert sum(point.as_int for point in points) == 1
