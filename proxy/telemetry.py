"""What the proxy measures: metrics of the catalogue, and traces that go on from the caller through it.

Tracing      a span per request, that of a stream until the stream's end, and the headers that carry a trace
Telemetry    every fact that is measured; the ways out are in `exports`
Stream       what is measured of one chat stream, from its beginning to its end
Attempt      one attempt upstream, timed and in the trace
ToolCall     one call of a tool of ours, likewise

The stock Flask instrumentation ends its span before the first byte of a stream has left, so it is not used.
"""

from __future__ import annotations

import functools
import random
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Protocol, cast

import structlog
from opentelemetry.baggage import get_baggage
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    Span,
    SpanKind,
    Status,
    StatusCode,
    format_span_id,
    format_trace_id,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue
from prometheus_client import CollectorRegistry

from contracts import telemetry as catalogue
from contracts import traces
from contracts.api import ClientMetricName, ProxyEnd
from contracts.telemetry import Metric, MetricKind, Mode, Signal, Stage, Store, ToolOutcome, UpstreamOutcome, bounded
from proxy import VERSION, logs, process
from proxy.exports import (
    Delivery,
    LogExporter,
    MetricExporter,
    MetricsServer,
    ScrapedReader,
    SentLines,
    SentReader,
    SpanExporter,
    all_within,
)
from proxy.later import Later
from proxy.prices import Spent
from proxy.settings import ENV_PREFIX, Settings
from proxy.tally import ReadsTallies, Tallies

log = structlog.get_logger(__name__)

SERVICE = "cortex-proxy"


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
        self._tracer = self.provider.get_tracer(SERVICE, VERSION)
        parts: list[TextMapPropagator] = [TraceContextTextMapPropagator()]
        if with_baggage:
            parts.append(W3CBaggagePropagator())
        self._propagator = CompositePropagator(parts)

    def start(self, name: str, headers: Iterable[tuple[str, str]]) -> tuple[Span, Context]:
        """A server span that continues the trace in the headers, and the context to hand on."""
        carrier = {key.lower(): value for key, value in headers if key.lower() in self._propagator.fields}
        parent = self._propagator.extract(_within_bounds(carrier))
        return self.child(name, parent, SpanKind.SERVER)

    def child(
        self, name: str, parent: Context, kind: SpanKind, attributes: Mapping[str, AttributeValue] | None = None
    ) -> tuple[Span, Context]:
        """A span below the one in the context, and the context to hand on."""
        span = self._tracer.start_span(name, context=parent, kind=kind, attributes=attributes)
        return span, set_span_in_context(span, parent)

    def context(self, headers: Mapping[str, str]) -> Context:
        """What headers stand for that `headers` has made."""
        return self._propagator.extract(headers)

    def test_id(self, context: Context) -> str | None:
        """The test that asks, if its baggage was read and names one."""
        return traces.as_test_id(get_baggage(traces.TEST_ID.name, context))

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


def span_id_of(span: Span) -> str:
    """The 16 hex digits by which a span is found in its trace."""
    return format_span_id(span.get_span_context().span_id)


# --- metrics -------------------------------------------------------------------------------------------------------

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

TALLIED = (catalogue.STREAM_GAP,)
"""What happens with every event, and is counted outside the SDK for its cost."""

OBSERVED = (
    catalogue.RETRY_BUDGET_LEFT,
    catalogue.KEY_MODIFIED,
    catalogue.HISTORY_WAITING,
    *(metric for metric, _ in process.FIGURES),
)
"""What nobody tells: it is looked up when somebody reads."""

Observed = Callable[[], Iterable[tuple[Mapping[str, str], float]]]
"""Labels and value of every series."""


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
        self._resource = Resource.create(
            {"service.name": SERVICE, "service.version": VERSION, "service.instance.id": str(uuid.uuid4())}
        )
        self._spans = TracerProvider(resource=self._resource, shutdown_on_exit=False)
        for processor in span_processors:
            self._spans.add_span_processor(processor)
        self.tracing = Tracing(with_baggage=settings.environment == "development", provider=self._spans)
        self._prices = settings.prices()
        # A model without a price is `other`, which is counted from the start as well.
        models = (*self._prices.models, catalogue.OTHER)
        self._loaded: Mapping[str, tuple[str, ...]] = {"version": (VERSION,), "model": models}
        views = [
            View(instrument_name=metric.name, aggregation=ExplicitBucketHistogramAggregation(metric.buckets))
            for metric in catalogue.METRICS
            if metric.buckets
        ]
        self._provider = MeterProvider(resource=self._resource, views=views, shutdown_on_exit=False)
        self._later = Later()
        self._tallies = {metric.name: Tallies(metric) for metric in TALLIED}
        self._readers: list[MetricReader] = []
        self._closing: list[Callable[[], Any]] = []
        self._scraped: MetricsServer | None = None
        self._lines: SentLines | None = None
        for reader in readers:
            self._read_by(reader)
        meter = self._provider.get_meter(SERVICE, VERSION)
        self._sources: dict[str, Observed] = {}
        self._instruments = {
            metric.name: _instrument(meter, metric)
            for metric in catalogue.METRICS
            if metric not in (*OBSERVED, *TALLIED)
        }
        for metric in OBSERVED:
            _observable(meter, metric, self._source(metric))
        self._labels: dict[tuple[object, ...], dict[str, Any]] = {}
        self._stores: dict[Store, bool] = {}
        self.observe(catalogue.KEY_MODIFIED, lambda: _keys_modified(settings))
        for metric, figure in process.known():
            self.observe(metric, functools.partial(_alone, figure))

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
            if metric.name not in self._instruments:
                continue
            for labels in catalogue.first_series(metric, self._loaded):
                if metric.kind is MetricKind.GAUGE:
                    self._set(metric, labels, 0)
                else:
                    self._add(metric, labels, 0)
        self._say_what_it_is()
        if self._readers:
            self._later.start()

    def _say_what_it_is(self) -> None:
        self._set(catalogue.BUILD_INFO, {"version": VERSION}, 1)
        self._set(catalogue.MODE_INFO, {"mode": Mode.LIVE if self._settings.is_live else Mode.REHEARSAL}, 1)
        self._set(catalogue.START_TIME, {}, time.time())
        self._set(catalogue.STREAMS_CAPACITY, {}, self._settings.max_streams)
        for store in Store:
            self.store_used(store, works=True)

    def observe(self, metric: Metric, source: Observed) -> None:
        """From now on, whoever reads this metric is shown what the source gives then.   metric: one of `OBSERVED`."""
        self._sources[metric.name] = source

    def flush(self, timeout_s: float) -> None:
        """Send what is waiting, as far as that is possible in time."""
        self._later.settle()
        lines = [] if self._lines is None else [self._lines.force_flush]
        all_within(timeout_s, [self._spans.force_flush, *lines, *(reader.force_flush for reader in self._readers)])

    def shutdown(self, timeout_s: float) -> None:
        """Send what is waiting, as far as that is possible in time, and close the ways out; for good."""
        self._later.stop()
        readers, self._readers = self._readers, []
        closing, self._closing = self._closing, []
        scraped, self._scraped = self._scraped, None
        lines, self._lines = self._lines, None
        ends = [self._spans.shutdown, *(reader.shutdown for reader in readers)]
        ends += [] if scraped is None else [scraped.stop]
        if lines is not None:
            logs.told_by(None)
            ends.append(lines.shutdown)
        all_within(timeout_s, ends)
        for close in closing:
            close()  # or an exporter that is late would try again and again

    # What happened. Durations are seconds. A context that holds the span makes it the example of its bucket.

    def request_ended(
        self, route: str, method: str, status: int, duration_s: float, context: Context | None = None
    ) -> None:
        """A response is ready; that of a stream when it begins.   route: the rule that matched, as Flask writes it.

        Every one is counted; timed are those that somebody waits for.
        """
        template = as_template(route)
        self._add(catalogue.REQUESTS, {"route": template, "method": method, "status_class": f"{status // 100}xx"})
        if template in catalogue.TIMED_ROUTES and method in catalogue.ROUTE_METHODS[template] and _took_time(status):
            labels = {"http.request.method": method, "http.route": template, _STATUS: str(status)}
            self._record(catalogue.REQUEST_DURATION, labels, duration_s, context)

    def stream_started(self, started_s: float, asked_s: float | None, context: Context | None = None) -> Stream:
        """A stream begins; what is returned is told the rest, and of its end exactly once.

        Times are `time.monotonic()`: of the request, and when Snowflake was first asked.
        """
        self._add(catalogue.STREAMS_ACTIVE, {})
        return Stream(self, started_s, started_s if asked_s is None else asked_s, context)

    def attempt(self, surface: str, method: str, number: int, trace: Mapping[str, str]) -> Attempt:
        """An attempt upstream begins; what is returned is told the rest, and of its end exactly once.

        number: 1 for the first one of a call.   trace: the headers of the trace that it belongs to.
        """
        return Attempt(self, surface, method, number, trace)

    def retried(self, surface: str, reason: str) -> None:
        """A failed attempt is made again.   reason: a `RetryReason`."""
        self._add(catalogue.UPSTREAM_RETRIES, {"surface": surface, "reason": reason})

    def budget_denied(self, surface: str) -> None:
        """A failed attempt is not made again, because too many others were."""
        self._add(catalogue.RETRY_BUDGET_DENIED, {"surface": surface})

    def breaker_changed(self, surface: str, state: str) -> None:
        """A breaker has entered a state: closed, half-open or open."""
        self._set(catalogue.BREAKER_STATE, {"surface": surface}, catalogue.BREAKER_STATES[state])

    def certificate_seen(self, ends_s: float) -> None:
        """Snowflake has shown a certificate, which was verified.   ends_s: since the epoch."""
        self._set(catalogue.CERTIFICATE_EXPIRY, {}, ends_s)

    def limit_decided(self, policy: str, *, allowed: bool) -> None:
        """A request was let through or refused by an endpoint's limits."""
        self._add(catalogue.LIMIT_DECISIONS, {"policy": policy, "decision": "allowed" if allowed else "refused"})

    def limit_used(self, policy: str, share: float, context: Context | None = None) -> None:
        """A request has found this share of the tightest limit of its endpoint used, itself included."""
        self._record(catalogue.LIMIT_USED, {"policy": policy}, share, context)

    def session_token(self, outcome: str) -> None:
        """A session token was asked for.   outcome: a `TokenOutcome`."""
        self._add(catalogue.SESSION_TOKENS, {"outcome": outcome})

    def tool_called(self, tool: str, context: Context) -> ToolCall:
        """A tool is called; what is returned is told how it ended, exactly once.   context: of the request."""
        return ToolCall(self, tool, context)

    def answered(self, spent: Sequence[Spent]) -> None:
        """A model's answer is whole, or all there will be of it.   spent: empty when Snowflake reported nothing."""
        for each in spent:
            # Without a table no model is listed, so none falls out of the list.
            model = each.model if self._prices.models else catalogue.OTHER
            for kind in catalogue.TokenKind:
                self._add(catalogue.TOKENS, {"kind": kind, "model": model}, getattr(each, kind))
            cost_usd = self._prices.cost_usd(each)
            if cost_usd is not None:
                self._add(catalogue.COST, {"model": model}, cost_usd)
        if not spent:
            self._add(catalogue.UNPRICED, {"reason": catalogue.Unpriced.NO_USAGE})
        elif any(self._prices.cost_usd(each) is None for each in spent):
            self._add(catalogue.UNPRICED, {"reason": catalogue.Unpriced.UNKNOWN_MODEL})

    def history_stored(self) -> None:
        """The history has kept a turn."""
        self._add(catalogue.HISTORY_TURNS, {"outcome": "stored"})

    def history_lost(self, turns: int = 1) -> None:
        """Turns that the history did not take, or could not write."""
        self._add(catalogue.HISTORY_TURNS, {"outcome": "lost"}, turns)

    def history_written(self, duration_s: float | None) -> None:
        """The history was to be written, and that took so long; None when the store failed."""
        if duration_s is not None:
            self._record(catalogue.HISTORY_WRITE, {}, duration_s)
        self.store_used(Store.HISTORY, works=duration_s is not None)

    def store_used(self, store: Store, *, works: bool) -> None:
        """A store has done what was asked of it, or has not."""
        if self._stores.get(store) is not works:
            self._stores[store] = works
            self._set(catalogue.STORE_UP, {"store": store}, int(works))

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

    def _add(self, metric: Metric, labels: Mapping[str, str], amount: float = 1) -> None:
        self._later.call(self._tell, "add", metric, labels, amount)

    def _record(self, metric: Metric, labels: Mapping[str, str], value: float, context: Context | None = None) -> None:
        self._later.call(self._tell, "record", metric, labels, value, context)

    def _set(self, metric: Metric, labels: Mapping[str, str], value: float) -> None:
        self._later.call(self._tell, "set", metric, labels, value)

    def _tell(
        self, what: str, metric: Metric, labels: Mapping[str, str], value: float, context: Context | None = None
    ) -> None:
        getattr(self._instruments[metric.name], what)(value, self._bounded(metric, labels), context)

    def _bounded(self, metric: Metric, labels: Mapping[str, str]) -> dict[str, Any]:
        """The labels as the SDK is to see them. Each value outside its list is counted."""
        key = metric.name, *labels.items()
        known = self._labels.get(key)
        if known is not None:
            return known
        assert labels.keys() == metric.labels.keys(), f"{metric.name} has the labels {list(metric.labels)}"
        found = {label: bounded(metric, label, value, self._loaded) for label, value in labels.items()}
        overflowing = [label for label, value in labels.items() if found[label] != value]
        for label in overflowing:
            self._instruments[catalogue.LABEL_OVERFLOW.name].add(1, {"label": label})
        shown = _as_the_sdk_wants(found)
        if not overflowing:  # the lists are short; what is not listed could be anything
            self._labels[key] = shown
        return shown

    def _source(self, metric: Metric) -> Callable[[CallbackOptions], Iterator[Observation]]:
        def observe(_options: CallbackOptions) -> Iterator[Observation]:
            self._later.settle()  # the SDK asks what is looked up first, and then collects what it was told
            for labels, value in self._sources.get(metric.name, tuple)():
                yield Observation(value, self._bounded(metric, labels))

        return observe

    # The ways out.

    def _read_by(self, reader: MetricReader) -> None:
        if isinstance(reader, ReadsTallies):
            reader.tallies = self._tallies
        self._provider.add_metric_reader(reader)
        self._readers.append(reader)  # the provider neither flushes nor closes what it is given later

    def _export_to(self, endpoint: str) -> None:
        traced, measured, logged = (Delivery(signal, self._export_failed) for signal in Signal)
        spans = SpanExporter(f"{endpoint}/v1/traces", traced)
        points = MetricExporter(f"{endpoint}/v1/metrics", measured)
        lines = LogExporter(f"{endpoint}/v1/logs", logged)
        self._closing = [spans.shutdown, points.shutdown, lines.shutdown]
        self._spans.add_span_processor(BatchSpanProcessor(spans))
        self._read_by(SentReader(points))
        self._lines = SentLines(self._resource, lines, SERVICE)
        logs.told_by(self._line_written)

    def _line_written(self, level: int, line: str) -> None:
        if self._lines is not None:
            self._later.call(self._lines.take, level, line, time.time_ns())

    def _export_failed(self, signal: Signal) -> None:
        self._add(catalogue.EXPORT_FAILURES, {"signal": signal.value})

    def _offer_metrics(self, port: int) -> None:
        registry, host = CollectorRegistry(), self._settings.metrics_host
        try:
            self._scraped = MetricsServer(host, port, registry)
        except (OSError, OverflowError) as error:  # a process's port may lie past the last one
            raise MetricsPortError(f"{ENV_PREFIX}METRICS_PORT: {host}:{port} cannot be used: {error}") from error
        self._read_by(ScrapedReader(scope_info_enabled=False, registry=registry))
        self._scraped.start()


class Stream:
    """What is measured of one chat stream; for the stream's own thread."""

    def __init__(self, telemetry: Telemetry, started_s: float, asked_s: float, context: Context | None) -> None:
        self._telemetry, self._context = telemetry, context
        self._started_s, self.asked_s = started_s, asked_s
        self._gaps = telemetry._tallies[catalogue.STREAM_GAP.name]
        self._tally = self._gaps.open()
        self.silent_for = self._tally.measure
        """Told how long nothing came, in seconds, whenever something does; with every event, so it must cost little."""

    def stalled(self) -> None:
        """Nothing has come for `STALL_S`, and the stream is still open."""
        self._telemetry._add(catalogue.STREAM_STALLS, {})

    def text_began(self, arrived_s: float, taken_s: float) -> None:
        """The first text is with the server.   When it came and when the server took it, `time.monotonic()`."""
        record, context = self._telemetry._record, self._context
        record(catalogue.STREAM_FIRST_TOKEN, {}, taken_s - self._started_s, context)
        stages = {
            Stage.QUEUE: self.asked_s - self._started_s,
            Stage.UPSTREAM: arrived_s - self.asked_s,
            Stage.OUT: taken_s - arrived_s,
        }
        for stage, duration_s in stages.items():
            record(catalogue.STREAM_STAGES, {"stage": stage}, duration_s, context)

    def ended(self, end: ProxyEnd) -> None:
        """The stream is over, however it ended."""
        self._gaps.close(self._tally)
        add, record, context = self._telemetry._add, self._telemetry._record, self._context
        add(catalogue.STREAMS_ACTIVE, {}, -1)
        add(catalogue.STREAM_ENDS, {"reason": end.reason.value})
        record(catalogue.STREAM_DURATION, {}, end.duration_ms / 1000, context)
        if end.first_event_ms is not None:
            record(catalogue.STREAM_FIRST_EVENT, {}, end.first_event_ms / 1000, context)

    def agent_ended(self, tool_calls: int, spent: Sequence[Spent]) -> None:
        """It was an agent's turn, and this is what it took."""
        self._telemetry._record(catalogue.AGENT_TOOL_CALLS, {}, tool_calls, self._context)
        self._telemetry.answered(spent)


class ToolCall:
    """One call of a tool of the proxy: its span, its time, how it ended.   context: holds the span."""

    def __init__(self, telemetry: Telemetry, tool: str, parent: Context) -> None:
        self._telemetry, self.tool, self._started_s = telemetry, tool, time.monotonic()
        attributes = {
            traces.OPERATION.name: "execute_tool",
            traces.TOOL_NAME.name: str(tool),
            traces.TOOL_TYPE.name: "extension",
        }
        self._span, self.context = telemetry.tracing.child(
            f"execute_tool {tool}", parent, SpanKind.INTERNAL, attributes
        )

    def ended(self, outcome: str) -> None:
        """It is over.   outcome: a `ToolOutcome`."""
        telemetry, error = self._telemetry, "" if outcome == ToolOutcome.OK else str(outcome)
        labels = {"gen_ai.tool.name": self.tool, "error.type": error}
        telemetry._add(catalogue.TOOL_CALLS, {"tool": self.tool, "outcome": outcome})
        telemetry._record(catalogue.TOOL_DURATION, labels, time.monotonic() - self._started_s, self.context)
        if error:
            self._span.set_attribute(traces.ERROR_TYPE.name, error)
            if outcome == ToolOutcome.FAILED:
                self._span.set_status(Status(StatusCode.ERROR, error))
        self._span.end()


class Attempt:
    """One attempt upstream: its span, its time to the head of an answer, how it ended.

    headers: those of the trace, to be sent with it.
    """

    def __init__(self, telemetry: Telemetry, surface: str, method: str, number: int, trace: Mapping[str, str]) -> None:
        self._telemetry, self._surface, self._method = telemetry, surface, method
        attributes: dict[str, AttributeValue] = {traces.METHOD.name: method, traces.SURFACE.name: str(surface)}
        if number > 1:
            attributes[traces.RESENT.name] = number - 1
        tracing = telemetry.tracing
        self._span, self._context = tracing.child(
            f"{method} {surface}", tracing.context(trace), SpanKind.CLIENT, attributes
        )
        self.headers = tracing.headers(self._context)
        self._asked_s: float | None = None
        self._head_s: float | None = None

    def asked(self) -> None:
        """The request is sent now."""
        if self._asked_s is None:
            self._asked_s = time.monotonic()

    def answered(self, status: int) -> None:
        """The head of an answer is here; another one may follow when a credential is renewed."""
        self._head_s = time.monotonic()
        self._span.set_attribute(traces.STATUS.name, status)

    def ended(self, outcome: str) -> None:
        """It is over.   outcome: an `UpstreamOutcome`."""
        telemetry, context = self._telemetry, self._context
        error = "" if outcome == UpstreamOutcome.OK else str(outcome)
        telemetry._add(catalogue.UPSTREAM_ATTEMPTS, {"surface": self._surface, "outcome": outcome})
        if self._asked_s is not None:
            kind = error if error in catalogue.CLIENT_DURATION.labels["error.type"] else catalogue.OTHER_ERROR
            labels = {"http.request.method": self._method, "surface": self._surface, "error.type": kind}
            duration_s = (self._head_s or time.monotonic()) - self._asked_s
            telemetry._record(catalogue.CLIENT_DURATION, labels, duration_s, context)
        if error:
            self._span.set_attribute(traces.ERROR_TYPE.name, error)
            if outcome != UpstreamOutcome.CANCELLED:
                self._span.set_status(Status(StatusCode.ERROR, error))
        self._span.end()


def _took_time(status: int) -> bool:
    return not HTTPStatus.BAD_REQUEST <= status < catalogue.CLIENT_GONE_STATUS


@functools.cache  # there are as many as routes
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


def _observable(meter: Meter, metric: Metric, source: Callable[[CallbackOptions], Iterable[Observation]]) -> None:
    create = {
        MetricKind.COUNTER: meter.create_observable_counter,
        MetricKind.GAUGE: meter.create_observable_gauge,
    }[metric.kind]
    create(metric.name, [source], unit=metric.unit, description=metric.help)


def _as_the_sdk_wants(labels: Mapping[str, str]) -> dict[str, Any]:
    """A label without a value is none, and a status is a number."""
    shown: dict[str, Any] = {label: value for label, value in labels.items() if value}
    if shown.get(_STATUS, catalogue.OTHER) != catalogue.OTHER:
        shown[_STATUS] = int(shown[_STATUS])
    return shown


def _alone(figure: Callable[[], float]) -> Iterator[tuple[Mapping[str, str], float]]:
    yield {}, figure()


def _keys_modified(settings: Settings) -> Iterator[tuple[Mapping[str, str], float]]:
    """When each key file was last written; a file that is not there, or not yet, has no time."""
    for name in catalogue.KEYS:
        path = getattr(settings, f"{name}_file")
        try:
            if path is not None:
                yield {"key": name}, path.stat().st_mtime
        except OSError:
            continue
