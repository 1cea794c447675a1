"""The mock's spans and metrics on their way to a collector, as OTLP over HTTP."""

from __future__ import annotations

import logging
import sys
import time
import uuid
from collections.abc import Iterable, Sequence

import requests
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import Metric as Exported
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from contracts.telemetry import MetricKind
from mocks.telemetry import Buckets, Exchange, Series, parent_of

SERVICE = "cortex-mock"
TIMEOUT_S = 5.0


class KeptSpans(SpanProcessor):
    """Spans that have ended, until somebody takes them."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        """Keep it."""
        self.spans.append(span)

    def take(self) -> list[ReadableSpan]:
        """What was kept since the last time."""
        taken, self.spans = self.spans, []
        return taken


class Exporter:
    """Sends to one collector; for one thread. A collector that stops taking anything is told of once."""

    def __init__(self, endpoint: str) -> None:
        base = endpoint.rstrip("/")
        for name in ("opentelemetry.exporter.otlp", "opentelemetry.exporter.http"):
            logging.getLogger(name).addHandler(logging.NullHandler())  # we tell of failures ourselves, once
        resource = Resource.create(
            {
                "service.name": SERVICE,
                "service.instance.id": str(uuid.uuid4()),
            }
        )
        self._made = KeptSpans()
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(self._made)
        self._tracer = provider.get_tracer(SERVICE)
        self._resource, self._started_ns, self._works = resource, time.time_ns(), True
        self._spans = OTLPSpanExporter(f"{base}/v1/traces", timeout=TIMEOUT_S, session=_session())
        self._metrics = OTLPMetricExporter(f"{base}/v1/metrics", timeout=TIMEOUT_S, session=_session())

    def spans(self, batch: Iterable[Exchange]) -> bool:
        """Whether the collector took a span for each exchange."""
        for each in batch:
            self._make(each)
        return self._told(well=self._spans.export(self._made.take()) is SpanExportResult.SUCCESS)

    def metrics(self, snapshot: Sequence[Series | Buckets]) -> bool:
        """Whether the collector took all numbers."""
        return self._told(well=self._metrics.export(self.as_data(snapshot)) is MetricExportResult.SUCCESS)

    def close(self) -> None:
        """Give up what is being sent; for good."""
        self._spans.shutdown()  # type: ignore[no-untyped-call]
        self._metrics.shutdown()

    def _make(self, each: Exchange) -> None:
        parent = parent_of(each.traceparent)
        context = None
        if parent is not None:
            trace, span_id, flags = parent
            remote = SpanContext(trace, span_id, is_remote=True, trace_flags=TraceFlags(flags))
            context = set_span_in_context(NonRecordingSpan(remote))
        span = self._tracer.start_span(
            f"{each.method} {each.surface}",
            context,
            SpanKind.SERVER,
            attributes=_attributes(each),
            start_time=_ns(each.started_s),
        )
        if each.outcome == "failed":
            span.set_status(Status(StatusCode.ERROR))
        span.end(_ns(each.ended_s))

    def as_data(self, snapshot: Iterable[Series | Buckets]) -> MetricsData:
        """The numbers as the SDK hands them to exporters: cumulative since the start."""
        now_ns = time.time_ns()
        metrics = [
            Exported(each.metric.name, each.metric.help, each.metric.unit, self._data(each, now_ns))
            for each in snapshot
        ]
        scope = ScopeMetrics(InstrumentationScope(SERVICE), metrics, "")
        return MetricsData([ResourceMetrics(self._resource, [scope], "")])

    def _data(self, found: Series | Buckets, now_ns: int) -> Sum | Gauge | Histogram:
        if isinstance(found, Buckets):
            point = HistogramDataPoint(
                attributes={},
                start_time_unix_nano=self._started_ns,
                time_unix_nano=now_ns,
                count=sum(found.counts),
                sum=found.total_s,
                bucket_counts=found.counts,
                explicit_bounds=found.metric.buckets,
                min=found.least_s,
                max=found.most_s,
            )
            return Histogram([point] if point.count else [], AggregationTemporality.CUMULATIVE)
        points = [
            NumberDataPoint(dict(zip(found.metric.labels, values, strict=True)), self._started_ns, now_ns, number)
            for values, number in found.values.items()
        ]
        return Sum(points, AggregationTemporality.CUMULATIVE, found.metric.kind is MetricKind.COUNTER)

    def _told(self, *, well: bool) -> bool:
        if well is not self._works:
            self._works = well
            message = "takes telemetry again" if well else "takes no telemetry; check its address"
            print(f"mock: the collector {message}", file=sys.stderr)  # noqa: T201
        return well


def _ns(moment_s: float) -> int:
    """Nanoseconds since the epoch, to the microsecond, which is as much as a float holds."""
    return round(moment_s * 1_000_000) * 1000


def _attributes(each: Exchange) -> dict[str, str | int]:
    found: dict[str, str | int | None] = {
        "http.request.method": each.method,
        "http.response.status_code": each.status,
        "url.path": each.path,
        "surface": each.surface,
        "outcome": each.outcome,
        "frames": each.frames,
        "cassette": each.cassette,
        "interaction": each.interaction,
        "scenario": each.scenario,
        "fault": each.fault,
        "test.id": each.test_id,
    }
    return {name: value for name, value in found.items() if value is not None}


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a collector is reached directly
    return session
