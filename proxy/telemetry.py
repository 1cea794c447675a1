"""What the proxy emits besides logs: metrics of the catalogue, and traces that go on from the caller through it.

Tracing      a span per request, that of a stream until the stream's end, and the headers that carry a trace
Telemetry    every fact that is measured, and the ways out: OTLP to a collector, Prometheus at a port of its own

The stock Flask instrumentation ends its span before the first byte of a stream has left, so it is not used.
"""

from __future__ import annotations

import random
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, Protocol, cast
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import requests
import structlog
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Meter
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExportResult,
    MetricReader,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import Span, SpanKind, format_trace_id, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry, make_wsgi_app

from contracts import telemetry as catalogue
from contracts.api import ClientMetricName, ProxyEnd
from contracts.telemetry import Metric, MetricKind, Signal, bounded
from proxy import VERSION
from proxy.settings import ENV_PREFIX, Settings

log = structlog.get_logger(__name__)

SERVICE = "cortex-proxy"
EXPORT_INTERVAL_S = 15.0
EXPORT_TIMEOUT_S = 5.0
SCRAPE_TIMEOUT_S = 5.0
"""Longest time a scraper may take to send its request or to read its answer."""


# --- traces --------------------------------------------------------------------------------------------------------

MAX_TRACE_HEADER_CHARS = 512
MAX_BAGGAGE_CHARS = 8192
MAX_BAGGAGE_MEMBERS = 64
_MEMBER = re.compile(r"[!#$%&'*+.^_`|~\w-]{1,256}=[!#-+\--:<-\[\]-~]{0,4096}", re.ASCII)  # W3C Baggage, 3.3.1


class Tracing:
    """A tracer and the propagator that reads and writes trace headers.

    Outside production baggage is passed on as well: it carries a rehearsal's scenario to the mock. In production it
    is dropped, because a browser must not speak to Snowflake's side.
    """

    def __init__(self, *, with_baggage: bool, provider: TracerProvider | None = None) -> None:
        self.provider = provider or TracerProvider(resource=Resource.create({"service.name": SERVICE}))
        self._tracer = self.provider.get_tracer(SERVICE)
        parts: list[TextMapPropagator] = [TraceContextTextMapPropagator()]
        if with_baggage:
            parts.append(W3CBaggagePropagator())
        self._propagator = CompositePropagator(parts)

    def start(self, name: str, headers: Iterable[tuple[str, str]]) -> tuple[Span, Context]:
        """A server span that continues the trace in the headers, and the context to hand on."""
        carrier = {key.lower(): value for key, value in headers if key.lower() in self._propagator.fields}
        parent = self._propagator.extract(_within_bounds(carrier))
        span = self._tracer.start_span(name, context=parent, kind=SpanKind.SERVER)
        return span, set_span_in_context(span, parent)

    def headers(self, context: Context) -> dict[str, str]:
        """The trace headers to send upstream."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier, context)
        return carrier


def _within_bounds(carrier: Mapping[str, str]) -> dict[str, str]:
    """The trace headers without what the propagators would only report, line by line, or read in quadratic time.

    Of a baggage member its properties are left out.
    """
    bounds = {"baggage": MAX_BAGGAGE_CHARS}
    kept = {name: value for name, value in carrier.items() if len(value) <= bounds.get(name, MAX_TRACE_HEADER_CHARS)}
    if "baggage" in kept:
        members = (member.partition(";")[0].partition("=") for member in kept["baggage"].split(","))
        plain = (f"{name.strip()}{equals}{value.strip()}" for name, equals, value in members)
        kept["baggage"] = ",".join([member for member in plain if _MEMBER.fullmatch(member)][:MAX_BAGGAGE_MEMBERS])
    return kept


def new_id() -> str:
    """32 hex digits that nothing else is called by. They are no secret, so no thread waits for the kernel's best."""
    return f"{random.getrandbits(128):032x}"


def trace_id_of(span: Span) -> str:
    """The 32 hex digits by which a trace is found."""
    return format_trace_id(span.get_span_context().trace_id)


# --- metrics and the ways out --------------------------------------------------------------------------------------

_CLIENT_METRICS: Mapping[ClientMetricName, Metric] = {
    ClientMetricName.TIME_TO_FIRST_TOKEN: catalogue.CLIENT_FIRST_TOKEN,
    ClientMetricName.STALL: catalogue.CLIENT_STALL,
    ClientMetricName.LCP: catalogue.CLIENT_LCP,
    ClientMetricName.INP: catalogue.CLIENT_INP,
    ClientMetricName.CLS: catalogue.CLIENT_CLS,
    ClientMetricName.STREAM_OUTCOME: catalogue.CLIENT_STREAM_OUTCOMES,
    ClientMetricName.PAGE_ERROR: catalogue.CLIENT_PAGE_ERRORS,
}


_STATUS = "http.response.status_code"
"""The one label that the conventions want as a number; Prometheus has only text."""


class MetricsPortError(Exception):
    """The metrics cannot be offered where the settings say."""


class Telemetry:
    """Every fact that the proxy measures, one method each, and `tracing`.

    Nothing leaves the process, and no thread runs, before `start`: it belongs into the process that serves, because a
    fork would double both.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        readers: Sequence[MetricReader] = (),
        span_processors: Sequence[SpanProcessor] = (),
    ) -> None:
        self._settings = settings
        resource = Resource.create(
            {"service.name": SERVICE, "service.version": VERSION, "service.instance.id": str(uuid.uuid4())}
        )
        self._spans = TracerProvider(resource=resource, shutdown_on_exit=False)
        for processor in span_processors:
            self._spans.add_span_processor(processor)
        self.tracing = Tracing(with_baggage=settings.environment == "development", provider=self._spans)
        views = [
            View(instrument_name=metric.name, aggregation=ExplicitBucketHistogramAggregation(metric.buckets))
            for metric in catalogue.METRICS
            if metric.buckets
        ]
        self._provider = MeterProvider(resource=resource, views=views, shutdown_on_exit=False)
        self._readers: list[MetricReader] = []
        self._exporters: tuple[OTLPSpanExporter | OTLPMetricExporter, ...] = ()
        for reader in readers:
            self._read_by(reader)
        meter = self._provider.get_meter(SERVICE, VERSION)
        self._instruments = {metric.name: _instrument(meter, metric) for metric in catalogue.METRICS}
        self._scraped: _MetricsServer | None = None

    @property
    def metrics_port(self) -> int | None:
        """Where `/metrics` is answered, if anywhere."""
        return None if self._scraped is None else self._scraped.server_port

    def start(self) -> None:
        """Open the ways out that the settings name; every counter shows, at zero.   Raises: MetricsPortError."""
        if self._settings.metrics_port is not None:
            self._offer_metrics(self._settings.metrics_port)
        if self._settings.otlp_endpoint is not None:
            self._export_to(self._settings.otlp_endpoint.rstrip("/"))
        for metric in catalogue.METRICS:
            for labels in catalogue.first_series(metric):
                if metric.kind is MetricKind.GAUGE:
                    self._instruments[metric.name].set(0, labels)
                else:
                    self._add(metric, labels, 0)

    def flush(self, timeout_s: float) -> None:
        """Send what is waiting, as far as that is possible in time."""
        _all_within(timeout_s, [self._spans.force_flush, *(reader.force_flush for reader in self._readers)])

    def shutdown(self, timeout_s: float) -> None:
        """Send what is waiting, as far as that is possible in time, and close the ways out; for good."""
        readers, self._readers = self._readers, []
        exporters, self._exporters = self._exporters, ()
        scraped, self._scraped = self._scraped, None
        closing = [self._spans.shutdown, *(reader.shutdown for reader in readers)]
        _all_within(timeout_s, closing if scraped is None else [*closing, scraped.stop])
        for exporter in exporters:
            exporter.shutdown()  # or one that is late would try again and again

    # What happened. Durations are seconds. A context that holds the span makes it the example of its bucket.

    def request_ended(
        self, route: str, method: str, status: int, duration_s: float, context: Context | None = None
    ) -> None:
        """A response is ready; that of a stream when it begins.   route: the rule that matched, as Flask writes it."""
        template = as_template(route)
        self._add(
            catalogue.REQUESTS,
            {"route": template, "method": method, "status_class": f"{status // 100}xx"},
            context=context,
        )
        labels = {"http.route": template, "http.request.method": method, _STATUS: str(status)}
        self._record(catalogue.REQUEST_DURATION, labels, duration_s, context)

    def stream_started(self) -> None:
        """A stream begins; exactly one `stream_ended` follows."""
        self._add(catalogue.STREAMS_ACTIVE, {})

    def stream_ended(self, end: ProxyEnd, context: Context | None = None) -> None:
        """A stream is over, however it ended."""
        self._add(catalogue.STREAMS_ACTIVE, {}, -1)
        self._add(catalogue.STREAM_ENDS, {"reason": end.reason.value}, context=context)
        self._record(catalogue.STREAM_DURATION, {}, end.duration_ms / 1000, context)
        if end.first_event_ms is not None:
            self._record(catalogue.STREAM_FIRST_EVENT, {}, end.first_event_ms / 1000, context)
        if end.usage is not None:
            for kind in catalogue.TokenKind:
                self._add(catalogue.TOKENS, {"kind": kind.value}, getattr(end.usage, f"{kind}_tokens"))

    def upstream_attempt(self, surface: str, outcome: str) -> None:
        """One attempt upstream has ended.   outcome: an `UpstreamOutcome`."""
        self._add(catalogue.UPSTREAM_ATTEMPTS, {"surface": surface, "outcome": outcome})

    def retried(self, surface: str, reason: str) -> None:
        """A failed attempt is made again.   reason: a `RetryReason`."""
        self._add(catalogue.UPSTREAM_RETRIES, {"surface": surface, "reason": reason})

    def budget_denied(self, surface: str) -> None:
        """A failed attempt is not made again, because too many others were."""
        self._add(catalogue.RETRY_BUDGET_DENIED, {"surface": surface})

    def breaker_changed(self, surface: str, state: str) -> None:
        """A breaker has entered a state: closed, half-open or open."""
        labels = _bounded_labels(catalogue.BREAKER_STATE, {"surface": surface})
        self._instruments[catalogue.BREAKER_STATE.name].set(catalogue.BREAKER_STATES[state], labels)

    def limit_decided(self, policy: str, *, allowed: bool) -> None:
        """A request was let through or refused by an endpoint's limits."""
        self._add(catalogue.LIMIT_DECISIONS, {"policy": policy, "decision": "allowed" if allowed else "refused"})

    def tool_called(self, tool: str, outcome: str) -> None:
        """A tool call has ended.   outcome: a `ToolOutcome`."""
        self._add(catalogue.TOOL_CALLS, {"tool": tool, "outcome": outcome})

    def history_stored(self) -> None:
        """The history has kept a turn."""
        self._add(catalogue.HISTORY_TURNS, {"outcome": "stored"})

    def history_lost(self, turns: int = 1) -> None:
        """Turns that the history did not take, or could not write."""
        self._add(catalogue.HISTORY_TURNS, {"outcome": "lost"}, turns)

    def client_metric(self, name: ClientMetricName, value: float, label: str | None = None) -> None:
        """A page's measurement, checked before.   label: what a counted one is counted by."""
        metric = _CLIENT_METRICS[name]
        if metric.kind is MetricKind.HISTOGRAM:
            self._record(metric, {}, value)
        else:
            self._add(metric, dict.fromkeys(metric.labels, label or catalogue.OTHER))

    def client_metric_dropped(self, reason: str) -> None:
        """A page's measurement was not taken in.   reason: a `DropReason`."""
        self._add(catalogue.CLIENT_METRICS_DROPPED, {"reason": reason})

    def _add(self, metric: Metric, labels: Mapping[str, str], amount: int = 1, context: Context | None = None) -> None:
        self._instruments[metric.name].add(amount, _bounded_labels(metric, labels), context)

    def _record(self, metric: Metric, labels: Mapping[str, str], value: float, context: Context | None = None) -> None:
        self._instruments[metric.name].record(value, _bounded_labels(metric, labels), context)

    # The ways out.

    def _read_by(self, reader: MetricReader) -> None:
        self._provider.add_metric_reader(reader)
        self._readers.append(reader)  # the provider neither flushes nor closes what it is given later

    def _export_to(self, endpoint: str) -> None:
        traces, metrics = (_Delivery(signal, self._export_failed) for signal in (Signal.TRACES, Signal.METRICS))
        spans, points = (
            _SpanExporter(f"{endpoint}/v1/traces", traces),
            _MetricExporter(f"{endpoint}/v1/metrics", metrics),
        )
        self._exporters = (spans, points)
        self._spans.add_span_processor(BatchSpanProcessor(spans))
        self._read_by(PeriodicExportingMetricReader(points, EXPORT_INTERVAL_S * 1000, EXPORT_TIMEOUT_S * 1000))

    def _export_failed(self, signal: Signal) -> None:
        self._add(catalogue.EXPORT_FAILURES, {"signal": signal.value})

    def _offer_metrics(self, port: int) -> None:
        registry, host = CollectorRegistry(), self._settings.metrics_host
        try:
            self._scraped = _MetricsServer(host, port, registry)
        except (OSError, OverflowError) as error:  # a process's port may lie past the last one
            raise MetricsPortError(f"{ENV_PREFIX}METRICS_PORT: {host}:{port} cannot be used: {error}") from error
        self._read_by(PrometheusMetricReader(scope_info_enabled=False, registry=registry))
        self._scraped.start()


def as_template(rule: str) -> str:
    """A Flask rule as the API's document writes it: `/tools/<tool_name>` is `/tools/{toolName}`."""
    return re.sub(r"<(?:[^<>:]*:)?([^<>]*)>", lambda found: "{" + _camel(found[1]) + "}", rule)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


class _Instrument(Protocol):
    """What the SDK's instruments can do, each one of the three."""

    def add(self, amount: float, attributes: Mapping[str, Any], context: Context | None = None) -> None: ...
    def record(self, amount: float, attributes: Mapping[str, Any], context: Context | None = None) -> None: ...
    def set(self, amount: float, attributes: Mapping[str, Any], context: Context | None = None) -> None: ...


def _instrument(meter: Meter, metric: Metric) -> _Instrument:
    create = {
        MetricKind.COUNTER: meter.create_counter,
        MetricKind.UP_DOWN_COUNTER: meter.create_up_down_counter,
        MetricKind.GAUGE: meter.create_gauge,
        MetricKind.HISTOGRAM: meter.create_histogram,
    }[metric.kind]
    return cast(_Instrument, create(metric.name, unit=metric.unit, description=metric.help))


def _bounded_labels(metric: Metric, labels: Mapping[str, str]) -> dict[str, Any]:
    assert labels.keys() == metric.labels.keys(), f"{metric.name} has the labels {list(metric.labels)}"
    found: dict[str, Any] = {label: bounded(metric, label, value) for label, value in labels.items()}
    if found.get(_STATUS, catalogue.OTHER) != catalogue.OTHER:
        found[_STATUS] = int(found[_STATUS])
    return found


def _all_within(timeout_s: float, tasks: Sequence[Callable[[], Any]]) -> None:
    """All tasks have ended, or the time is over; the SDK itself keeps to no limit while an export is under way.

    What is late goes on in a daemon thread, until the process ends.
    """

    def run(task: Callable[[], Any]) -> None:
        try:
            task()
        except Exception as error:
            log.warning("telemetry could not be sent", exc_info=error)

    deadline_s = time.monotonic() + timeout_s
    threads = [threading.Thread(target=run, args=(task,), daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(deadline_s - time.monotonic(), 0))


class _Delivery:
    """Whether a collector takes what it is sent: each change is one line, each failure a count."""

    def __init__(self, signal: Signal, on_failure: Callable[[Signal], None]) -> None:
        self._signal, self._on_failure, self._works = signal, on_failure, True

    def ended(self, *, well: bool) -> None:
        """One batch was taken, or given up."""
        if not well:
            self._on_failure(self._signal)
        if well is not self._works:
            self._works = well
            if well:
                log.info("the collector takes telemetry again", signal=self._signal.value)
            else:
                log.warning("the collector takes no telemetry; check its address", signal=self._signal.value)


def _collector_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a collector is reached directly, as everything else the proxy asks
    return session


class _SpanExporter(OTLPSpanExporter):
    def __init__(self, endpoint: str, delivery: _Delivery) -> None:
        super().__init__(endpoint, timeout=EXPORT_TIMEOUT_S, session=_collector_session())
        self._delivery = delivery

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        self._delivery.ended(well=result is SpanExportResult.SUCCESS)
        return result


class _MetricExporter(OTLPMetricExporter):
    def __init__(self, endpoint: str, delivery: _Delivery) -> None:
        super().__init__(endpoint, timeout=EXPORT_TIMEOUT_S, session=_collector_session())
        self._delivery = delivery

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        result = super().export(metrics_data, timeout_millis, **kwargs)
        self._delivery.ended(well=result is MetricExportResult.SUCCESS)
        return result


class _QuietHandler(WSGIRequestHandler):
    timeout = SCRAPE_TIMEOUT_S

    def log_message(self, *_args: Any) -> None:
        """Nothing: a scrape is no event."""


class _MetricsServer(ThreadingMixIn, WSGIServer):
    """Answers `GET /metrics`, in threads of its own."""

    daemon_threads = True

    def __init__(self, host: str, port: int, registry: CollectorRegistry) -> None:
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), _QuietHandler)
        self._exposition, self._one_at_a_time = make_wsgi_app(registry), threading.Lock()
        self.set_app(self._answer)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.1,), name="metrics", daemon=True)

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def server_bind(self) -> None:
        """Bind; without asking the name service who we are, as the standard library's server would."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def handle_error(self, *_args: Any) -> None:
        """Nothing: a scraper that leaves or stalls is its own affair."""

    def stop(self) -> None:
        """Stop listening."""
        self.shutdown()
        self._thread.join()
        self.server_close()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] != "/metrics":
            start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
            return [b"Metrics are at /metrics.\n"]
        with self._one_at_a_time:  # the SDK's collector mixes up scrapes that overlap: series appear twice
            return self._exposition(environ, start_response)
