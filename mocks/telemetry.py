"""What the mock emits of itself: metrics of the catalogue, and a span per exchange that continues its caller's trace.

Counts      every number, added up as exchanges go by; plain integers, because a call into the SDK for each frame would
            cost more than sending it
Telemetry   the ways out: Prometheus at a port of its own, OTLP to a collector

Nothing here is imported unless one of the two is asked for, and OpenTelemetry only with a collector. An exchange is
counted at its end, on the event loop; spans are made in a thread, from a queue that drops what is too much.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import sys
import threading
import time
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family

from contracts import telemetry as catalogue
from contracts.telemetry import FAULT_KINDS, MOCK_METRICS, NO_SCENARIO, OTHER, Metric, MetricKind, Signal
from contracts.traces import as_test_id
from mocks.journal import Change, Entry

if TYPE_CHECKING:
    from mocks.otlp import Exporter

SCRAPE_TIMEOUT_S = 5.0
"""Longest time a scraper may take to send its request or to read its answer."""

METRICS_EVERY_S = 15.0
EXPORT_EVERY_S, BATCH_SPANS = 0.25, 128
STOP_TIMEOUT_S = 2.0
CORE_SHARE = 0.01
"""What exporting may take of a core: a span costs 50 to 100 us to make and encode; a busy mock exports less often."""

MAX_WAITING_SPANS = 2048
"""Spans that wait for the next exports; what comes while there are so many is dropped."""

NO_SURFACE = "none"


METRICS_INTERVAL, SPANS_DELAY = "OTEL_METRIC_EXPORT_INTERVAL", "OTEL_BSP_SCHEDULE_DELAY"
"""OpenTelemetry's variables, in milliseconds, for whoever wants it otherwise."""


class MetricsPortError(ValueError):
    """The port for `/metrics` cannot be used."""


@dataclass(frozen=True, slots=True)
class Series:
    """One metric's numbers at one moment, by the values of its labels, in the order of the catalogue's labels."""

    metric: Metric
    values: Mapping[tuple[str, ...], int]


@dataclass(frozen=True, slots=True)
class Buckets:
    """A histogram at one moment: how many fell up to each bound, and beyond the last; nothing is cumulated."""

    metric: Metric
    counts: tuple[int, ...]
    total_s: float
    least_s: float
    most_s: float


class Exchange(NamedTuple):
    """An exchange as its span tells it. Times are seconds since the epoch."""

    method: str
    path: str
    surface: str
    status: int
    outcome: str
    started_s: float
    ended_s: float
    traceparent: str | None
    cassette: str | None
    interaction: int | None
    scenario: str | None
    fault: str | None
    frames: int
    test_id: str | None = None


class Counts:
    """Everything counted so far: added to on the event loop, read by any thread.

    Only the loop writes, bar drops, and a reader copies each dict in one step of the interpreter, so that the loop
    takes no lock; the sum of a histogram may be one exchange ahead of its buckets.
    scenarios: the names that may be labels; any other is `other`.
    """

    def __init__(self, scenarios: Iterable[str]) -> None:
        self._scenarios = {name: name for name in scenarios}
        self._drops = threading.Lock()
        self._counters: dict[str, defaultdict[tuple[str, ...], int]] = {
            metric.name: defaultdict(int) for metric in MOCK_METRICS if metric.kind is not MetricKind.HISTOGRAM
        }
        for metric in MOCK_METRICS:
            for labels in catalogue.first_series(metric):
                self._counters[metric.name][tuple(labels.values())] = 0
        self._requests = self._counters[catalogue.MOCK_REQUESTS.name]
        self._frames = self._counters[catalogue.MOCK_FRAMES.name]
        self._matches = self._counters[catalogue.MOCK_MATCHES.name]
        self._active = 0
        self._bounds_ms = [bound * 1000 for bound in catalogue.MOCK_FRAME_LATENESS.buckets]
        self._late = [0] * (len(self._bounds_ms) + 1)
        self._late_ms, self._least_ms, self._most_ms = 0.0, float("inf"), 0.0
        self.spans_without_room = 0
        """Dropped as too many waited; only the loop writes it."""

    def answering(self) -> None:
        """An answer begins to be sent; exactly one `ended` follows."""
        self._active += 1

    def ended(self, entry: Entry) -> None:
        """An exchange is over."""
        surface = surface_of(entry)
        if entry.status:
            self._active -= 1
        self._requests[surface, entry.outcome or OTHER] += 1
        labels = (surface,)
        self._frames[labels] += entry.frames_sent
        if entry.cassette is not None:
            self._matches[labels] += 1
        if entry.nearest is not None:
            self._counters[catalogue.MOCK_MISSES.name][(surface,)] += 1
        if entry.fault is not None:
            self._count_faults(entry)
        if lateness_ms := entry.lateness_ms():
            self._count_lateness(lateness_ms)

    def dropped(self, signal: Signal, items: int) -> None:
        """So many items were thrown away; for any thread."""
        with self._drops:
            self._counters[catalogue.MOCK_DROPPED.name][(signal.value,)] += items

    def _count_lateness(self, lateness_ms: list[float]) -> None:
        """Sorted, a hundred frames cost a dozen searches."""
        ordered, below = sorted(lateness_ms), 0
        for bucket, bound_ms in enumerate(self._bounds_ms):
            up_to = bisect_right(ordered, bound_ms)
            self._late[bucket] += up_to - below
            below = up_to
            if below == len(ordered):
                break
        self._late[-1] += len(ordered) - below
        self._late_ms += sum(ordered)
        self._least_ms = min(self._least_ms, ordered[0])
        self._most_ms = max(self._most_ms, ordered[-1])

    def _count_faults(self, entry: Entry) -> None:
        scenario = NO_SCENARIO if entry.scenario is None else self._scenarios.get(entry.scenario, OTHER)
        for kind in fault_kinds(entry.fault):
            self._counters[catalogue.MOCK_FAULTS.name][scenario, kind] += 1

    def snapshot(self) -> list[Series | Buckets]:
        """All numbers at one moment, in the catalogue's order."""
        counted = {name: dict(values) for name, values in self._counters.items()}
        counted[catalogue.MOCK_STREAMS_ACTIVE.name] = {(): self._active}
        counted[catalogue.MOCK_DROPPED.name][(Signal.TRACES.value,)] += self.spans_without_room
        late = Buckets(
            catalogue.MOCK_FRAME_LATENESS,
            tuple(self._late),
            self._late_ms / 1000,
            self._least_ms / 1000,
            self._most_ms / 1000,
        )
        return [late if metric is late.metric else Series(metric, counted[metric.name]) for metric in MOCK_METRICS]


_SURFACES: dict[str | None, str] = {name: name for name in catalogue.MOCK_SURFACES} | {None: NO_SURFACE}


def surface_of(entry: Entry) -> str:
    """The surface as a label: a plain word, never a member of an enumeration."""
    return _SURFACES.get(entry.surface, OTHER)


def fault_kinds(fault: Mapping[str, Any] | None) -> list[str]:
    """The kinds within a fault, each once, as labels: in the catalogue's order."""
    if fault is None:
        return []
    parts = [fault, *(fault.get("in_order") or ())]
    return [kind for kind in FAULT_KINDS if any(kind in part for part in parts)]


# --- Prometheus


def families(counts: Counts) -> Iterator[Family]:
    """Every metric as Prometheus reads it."""
    for found in counts.snapshot():
        metric = found.metric
        if isinstance(found, Buckets):
            yield _histogram(found)
            continue
        kind = CounterMetricFamily if metric.kind is MetricKind.COUNTER else GaugeMetricFamily
        family = kind(metric.exposed, metric.help, labels=list(metric.labels))
        for values, number in found.values.items():
            family.add_metric(list(values), number)
        yield family


def _histogram(found: Buckets) -> Family:
    family, below, cumulated = HistogramMetricFamily(found.metric.exposed, found.metric.help), 0, []
    for bound, count in zip((*found.metric.buckets, float("inf")), found.counts, strict=True):
        below += count
        cumulated.append(("+Inf" if bound == float("inf") else str(bound), float(below)))
    family.add_metric([], cumulated, found.total_s)
    return family


class _Collector:
    """What prometheus_client asks for; nothing is described in advance, for the labels of faults are not known."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Family]:
        return families(self._counts)


class _Handler(BaseHTTPRequestHandler):
    timeout = SCRAPE_TIMEOUT_S
    server: MetricsServer

    def do_GET(self) -> None:
        """`GET /metrics`, and nothing else."""
        if self.path.partition("?")[0] != "/metrics":
            self._answer(404, "text/plain; charset=utf-8", b"Metrics are at /metrics.\n")
            return
        encode, content_type = choose_encoder(self.headers.get("Accept", ""))
        self._answer(200, content_type, encode(self.server.registry))

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Nothing: a scrape is no event."""


class MetricsServer(ThreadingHTTPServer):
    """Answers `GET /metrics`, in threads of its own.   Raises on construction: MetricsPortError."""

    daemon_threads = True

    def __init__(self, host: str, port: int, counts: Counts) -> None:
        if ":" in host:
            self.address_family = socket.AF_INET6
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(_Collector(counts))
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise MetricsPortError(f"metrics port {host}:{port} cannot be used: {error}") from error
        self._thread = threading.Thread(target=self.serve_forever, args=(0.1,), name="metrics", daemon=True)

    def server_bind(self) -> None:
        """Bind; without asking the name service who we are, as the standard library's server would."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    @property
    def url(self) -> str:
        """Where the metrics are."""
        host = f"[{self.server_name}]" if ":" in self.server_name else self.server_name
        return f"http://{host}:{self.server_port}/metrics"

    def handle_error(self, *_args: Any) -> None:
        """Nothing: a scraper that leaves or stalls is its own affair."""

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        self.shutdown()
        self._thread.join()
        self.server_close()


# --- the whole


@dataclass(frozen=True, slots=True)
class Schedule:
    """When is exported.   spans_s: so long after the last time; None: as often as `CORE_SHARE` lets us."""

    spans_s: float | None = None
    metrics_s: float = METRICS_EVERY_S

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Schedule:
        """What OpenTelemetry's variables want.   Raises: ValueError for what is no time."""
        spans_s, metrics_s = (_seconds(environment, name) for name in (SPANS_DELAY, METRICS_INTERVAL))
        return cls(spans_s, METRICS_EVERY_S if metrics_s is None else metrics_s)

    def pause_s(self, spent_s: float) -> float:
        """How long to wait after an export that took so much CPU time."""
        return self.spans_s if self.spans_s is not None else max(EXPORT_EVERY_S, spent_s / CORE_SHARE)


def _seconds(environment: Mapping[str, str], name: str) -> float | None:
    text = environment.get(name, "").strip()
    if not text:
        return None
    try:
        found_ms = float(text)
    except ValueError:
        found_ms = 0.0
    if not 0 < found_ms < float("inf"):
        raise ValueError(f"{name}={text}: milliseconds above 0 are expected")
    return found_ms / 1000


class Telemetry:
    """Follows the journal: `changed` is its listener.

    exporter: takes spans and metrics to a collector; without one no span is made.
    """

    def __init__(self, counts: Counts, exporter: Exporter | None = None, schedule: Schedule = Schedule()) -> None:
        self.counts, self._exporter, self._schedule = counts, exporter, schedule
        self._waiting: deque[Exchange] = deque()
        self._dropped = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._export_until_stopped, name="telemetry", daemon=True)

    def changed(self, change: Change, entry: Entry) -> None:
        """Count what happened, and keep the facts of a span."""
        if change == "ended":
            self.counts.ended(entry)
            if self._exporter is not None:
                self._keep(entry)
        elif change == "answering":
            self.counts.answering()

    def _keep(self, entry: Entry) -> None:
        if len(self._waiting) >= MAX_WAITING_SPANS:
            self.counts.spans_without_room += 1
        elif entry.traceparent is None or is_sampled(entry.traceparent):
            self._waiting.append(exchange(entry))

    def start(self) -> None:
        """Export from now on, if there is a collector."""
        if self._exporter is not None:
            self._thread.start()

    def stop(self) -> None:
        """Send what is waiting, as far as that is possible in `STOP_TIMEOUT_S`; for good."""
        if self._exporter is not None:
            self._stop.set()
            self._thread.join(STOP_TIMEOUT_S)
            self._exporter.close()  # or one that is late would try again and again

    def _export_until_stopped(self) -> None:
        metrics_due_s, is_last, spent_s = 0.0, False, 0.0
        while not is_last:
            is_last = self._stop.wait(self._schedule.pause_s(spent_s))
            began_s = time.thread_time()
            self._export_spans(len(self._waiting) if is_last else BATCH_SPANS)
            if is_last or time.monotonic() >= metrics_due_s:
                metrics_due_s = time.monotonic() + self._schedule.metrics_s
                self._deliver(Signal.METRICS, 1, lambda exporter: exporter.metrics(self.counts.snapshot()))
            spent_s = time.thread_time() - began_s

    def _export_spans(self, most: int) -> None:
        batch = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        if batch:
            self._deliver(Signal.TRACES, len(batch), lambda exporter: exporter.spans(batch))

    def _deliver(self, signal: Signal, items: int, send: Callable[[Exporter], bool]) -> None:
        assert self._exporter is not None, "only an exporter's thread delivers"
        if not send(self._exporter):
            self.counts.dropped(signal, items)


_PARTS = r"([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})"
_TRACEPARENT = re.compile(rf"(?:00-(?=.{{52}}$)|(?!00|ff)[0-9a-f]{{2}}-){_PARTS}(?:-.*)?")
"""Of version 00 nothing follows the flags; of a later one anything may."""


def parent_of(traceparent: str | None) -> tuple[int, int, int] | None:
    """Trace, span and flags of a caller; None when there is no valid one.   Source: W3C Trace Context, 3.2."""
    found = _TRACEPARENT.fullmatch(traceparent or "")
    if found is None:
        return None
    trace, span, flags = (int(part, 16) for part in found.groups())
    return (trace, span, flags) if trace and span else None


def is_sampled(traceparent: str | None) -> bool:
    """Whether the caller records its trace; a caller without one leaves it to us, and we do."""
    parent = parent_of(traceparent)
    return parent is None or bool(parent[2] & 1)


def exchange(entry: Entry) -> Exchange:
    """The facts of an ended exchange; it keeps nothing of the entry."""
    return Exchange(  # by position: this runs between frames, and names would take as long again
        entry.method,
        entry.path,
        surface_of(entry),
        entry.status,
        entry.outcome or OTHER,
        entry.at,
        entry.at if entry.ended_mono_s is None else entry.at + entry.ended_mono_s - entry.started_mono_s,
        entry.traceparent,
        entry.cassette,
        entry.interaction,
        entry.scenario,
        None if entry.fault is None else ",".join(fault_kinds(entry.fault)) or None,
        entry.frames_sent,
        None if entry.test_id is None else as_test_id(entry.test_id),
    )


@contextlib.contextmanager
def running(
    scenarios: Iterable[str],
    listeners: list[Callable[[Change, Entry], None]],
    *,
    metrics: tuple[str, int] | None,
    otlp_endpoint: str | None,
) -> Iterator[Telemetry]:
    """Telemetry that listens, ended on exit.

    metrics: host and port of `/metrics`; port 0 takes a free one, and its URL is told on stderr.
    Raises: MetricsPortError, ValueError for an endpoint that is no HTTP address, or a variable that is no time.
    """
    if otlp_endpoint is not None and not otlp_endpoint.startswith(("http://", "https://")):
        raise ValueError(f"OTLP endpoint {otlp_endpoint!r} is no http:// or https:// address")
    with contextlib.ExitStack() as cleanup:
        counts = Counts(scenarios)
        if metrics is not None:
            server = MetricsServer(*metrics, counts)
            server.start()
            cleanup.callback(server.stop)
            print(f"mock: metrics at {server.url}", file=sys.stderr)  # noqa: T201
        telemetry = Telemetry(counts, _exporter(otlp_endpoint), Schedule.of(os.environ))
        telemetry.start()
        cleanup.callback(telemetry.stop)
        listeners.append(telemetry.changed)
        cleanup.callback(listeners.remove, telemetry.changed)
        yield telemetry


def _exporter(endpoint: str | None) -> Exporter | None:
    if endpoint is None:
        return None
    from mocks.otlp import Exporter  # noqa: PLC0415 - OpenTelemetry takes a third of a second to import

    return Exporter(endpoint)
