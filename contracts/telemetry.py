"""The catalogue of metrics: everything that proxy, mock and suites measure, with unit, labels, buckets and meaning.

Instruments, dashboards, rules and docs/telemetry.md take their names from here; spans and log events are in
contracts/traces.py. Every label has a closed set of values, because a series lives as long as its process: no
question, subject, session or request is ever a label.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product
from types import MappingProxyType

from contracts.api import PREFIX, EndReason, PageErrorKind, StreamOutcome, ToolName

OTHER = "other"
"""Stands for every value of a label that is not in its list."""


class MetricKind(StrEnum):
    """What an instrument does with a measurement. Prometheus calls both of the middle ones gauges."""

    COUNTER = "counter"
    UP_DOWN_COUNTER = "updowncounter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Convention(StrEnum):
    """Whose names a metric has."""

    OURS = "ours"
    HTTP = "OpenTelemetry HTTP, stable"
    GENAI = "OpenTelemetry GenAI, semantic-conventions-genai v0.1.0"
    PROCESS = "OpenTelemetry process, development"
    CODE = "OpenTelemetry code, stable"
    TEST = "OpenTelemetry test, development"
    CICD = "OpenTelemetry CI/CD and version control, development"


@dataclass(frozen=True, slots=True)
class Metric:
    """One instrument.

    unit: UCUM, `{things}` for what is counted.   labels: each with the values it may have, besides `other`; "" is an
    attribute left out.   buckets: upper bounds of a histogram. Never whole numbers: by its way, the bound 1 becomes
    `le="1"` or `le="1.0"`.   from_start: whether its series show before the first event, at zero; not where zero would
    be a lie, as of a time.   adds_up: whether processes each tell of their part, or each of the same
    whole; None where both can be asked.
    """

    name: str
    kind: MetricKind
    unit: str
    help: str
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    buckets: tuple[float, ...] = ()
    convention: Convention = Convention.OURS
    from_start: bool = True
    adds_up: bool | None = True

    @property
    def exposed(self) -> str:
        """What Prometheus calls it; a histogram's series end in `_bucket`, `_sum` and `_count` besides."""
        name = self.name.replace(".", "_").removesuffix("_total")
        suffix = _EXPOSED_UNITS.get(self.unit, "")
        name = name if name.endswith(suffix) else name + suffix
        return f"{name}_total" if self.kind is MetricKind.COUNTER else name

    @property
    def exposed_labels(self) -> tuple[str, ...]:
        """What Prometheus calls its labels, in the order of `labels`."""
        return tuple(label.replace(".", "_") for label in self.labels)


_EXPOSED_UNITS = {"s": "_seconds", "By": "_bytes"}


def bounded(
    metric: Metric, label: str, value: str, loaded: Mapping[str, tuple[str, ...]] = MappingProxyType({})
) -> str:
    """The value when the catalogue, or what was loaded, lists it; else `other`.

    loaded: the values of the labels in `LOADED`.   Raises: KeyError for a label the metric does not have.
    Always a plain string: to OpenTelemetry's SDK a member of an enumeration is another value, and makes another series.
    """
    return str(value) if value in metric.labels[label] or value in loaded.get(label, ()) else OTHER


class UpstreamOutcome(StrEnum):
    """How one attempt upstream ended."""

    OK = "ok"
    THROTTLED = "throttled"
    UNAUTHORIZED = "unauthorized"
    REJECTED = "rejected"
    UNAVAILABLE = "unavailable"
    UNREACHABLE = "unreachable"
    BROKEN = "broken"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"
    CANCELLED = "cancelled"


class RetryReason(StrEnum):
    """Why an attempt upstream was made again."""

    THROTTLED = "throttled"
    UNAUTHORIZED = "unauthorized"
    UNAVAILABLE = "unavailable"
    UNREACHABLE = "unreachable"
    BROKEN = "broken"
    TIMEOUT = "timeout"


class ToolOutcome(StrEnum):
    """How a tool call ended: answered, refused by the proxy, failed upstream, or its client left."""

    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Surface(StrEnum):
    """A part of Cortex that can fail on its own; each has a breaker."""

    AGENT = "agent"
    ANALYST = "analyst"
    SEARCH = "search"
    SQL = "sql"


class DropReason(StrEnum):
    """Why a client's measurement was not taken in."""

    UNKNOWN = "unknown"
    BOUNDS = "bounds"
    LABEL = "label"


class TokenKind(StrEnum):
    """Tokens of a turn; cached ones are part of the input, so the kinds are never added up."""

    INPUT = "input"
    CACHED = "cached"
    OUTPUT = "output"


class Signal(StrEnum):
    """What is sent to a collector."""

    TRACES = "traces"
    METRICS = "metrics"
    LOGS = "logs"


class Stage(StrEnum):
    """Where the time to a stream's first token goes; the three add up to it."""

    QUEUE = "queue"
    UPSTREAM = "upstream"
    OUT = "out"


class Unpriced(StrEnum):
    """Why an answer has no price."""

    UNKNOWN_MODEL = "unknown_model"
    NO_USAGE = "no_usage"


class TokenOutcome(StrEnum):
    """What became of a request for a session token."""

    ISSUED = "issued"
    REFRESHED = "refreshed"
    REFUSED = "refused"


class Store(StrEnum):
    """What keeps state beyond a request."""

    HISTORY = "history"
    LIMITS = "limits"


class Mode(StrEnum):
    """What stands upstream: Snowflake, or something that stands in for it."""

    LIVE = "live"
    REHEARSAL = "rehearsal"


BREAKER_STATES: Mapping[str, int] = MappingProxyType({"closed": 0, "half-open": 1, "open": 2})
"""The values of the breaker's gauge."""

UNMATCHED = "unmatched"
"""The route of a request that no rule fits."""

METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
_ALSO_BELOW = ("/livez", "/readyz", "/status", "/openapi.json", "/docs")
ROUTE_METHODS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        f"{PREFIX}/session/token": ("POST", "DELETE"),
        f"{PREFIX}/chat": ("POST",),
        f"{PREFIX}/tools/{{toolName}}": ("POST",),
        f"{PREFIX}/history/{{sessionId}}": ("GET", "DELETE"),
        f"{PREFIX}/metrics/report": ("POST",),
        **dict.fromkeys(_ALSO_BELOW, ("GET",)),
        **dict.fromkeys((PREFIX + path for path in _ALSO_BELOW), ("GET",)),
        "/": ("GET",),
        "/client/{name}": ("GET",),
        "/rehearsal.json": ("GET",),
        UNMATCHED: METHODS,
    }
)
"""What each route is made for. HEAD and OPTIONS, which come with every route, are left out; they show once asked."""

ROUTES = tuple(ROUTE_METHODS)
STATUS_CLASSES = ("2xx", "3xx", "4xx", "5xx")
TIMED_ROUTES = tuple(
    route for route in ROUTES if route.startswith(PREFIX) and route.removeprefix(PREFIX) not in _ALSO_BELOW
)
"""Those that somebody waits for. Probes, pages and whatever scanners ask for are counted, and not timed: with every
status and every bound they alone would be three times the series that a process may have."""

TIMED_STATUSES = ("200", "202", "204", "499", "500", "502", "503", "504")
"""What took time: an answer, a failure, or a client that did not wait. Refusals take none, and are counted as well."""

CLIENT_GONE_STATUS = 499
"""Of an answer that nobody reads; nginx made the number customary in logs."""
KEYS = ("private_key", "pat", "oauth_token", "session_key", "next_session_key", "client_key")
"""Key files, by the settings that name them, without `_file`."""

STALL_S = 5.0
"""A silence this long within an answer is a stall. Agents think for seconds at times; nobody expects five."""

LOADED: Mapping[str, str] = MappingProxyType(
    {
        "scenario": "the names of the loaded scenario files, or none",
        "model": "the models of the price table",
        "version": "the version that runs",
    }
)
"""Labels whose values are known once the process has started: closed all the same, but not listed here."""

POLICIES = ("token", "chat", "tool_search", "tool_analyst", "tool_sql", "tool_chart", "history", "report")


def _of(values: Iterable[StrEnum]) -> tuple[str, ...]:
    return tuple(member.value for member in values)


def _counter(name: str, thing: str, meaning: str, **labels: tuple[str, ...]) -> Metric:
    return Metric(f"cortex_proxy_{name}", MetricKind.COUNTER, f"{{{thing}}}", meaning, MappingProxyType(labels))


def _seconds(name: str, meaning: str, buckets: tuple[float, ...], **labels: tuple[str, ...]) -> Metric:
    return Metric(f"cortex_proxy_{name}_seconds", MetricKind.HISTOGRAM, "s", meaning, MappingProxyType(labels), buckets)


def _gauge(
    name: str,
    unit: str,
    meaning: str,
    *,
    from_start: bool = True,
    adds_up: bool | None = False,
    **labels: tuple[str, ...],
) -> Metric:
    values = MappingProxyType(labels)
    full = f"cortex_proxy_{name}"
    return Metric(full, MetricKind.GAUGE, unit, meaning, values, from_start=from_start, adds_up=adds_up)


_FIRST_EVENT_S = (0.05, 0.1, 0.25, 0.5, 0.75, 1.25, 2.5, 5.5, 7.5, 10.5, 15.5, 30.5, 60.5, 120.5)
# Fewer bounds than the conventions advise: each is a series, times the labels.
_SERVER_S = (0.005, 0.025, 0.1, 0.25, 0.75, 2.5, 7.5, 30.5, 120.5)
_CLIENT_S = (0.025, 0.1, 0.25, 0.75, 2.5, 7.5, 30.5)
_TOOL_S = (0.02, 0.08, 0.32, 1.28, 5.12, 20.48)

REQUESTS = _counter(
    "requests_total",
    "request",
    "Requests answered; a stream counts when its response begins.",
    route=ROUTES,
    method=METHODS,
    status_class=STATUS_CLASSES,
)
REQUEST_DURATION = Metric(
    "http.server.request.duration",
    MetricKind.HISTOGRAM,
    "s",
    "Time from a request of the API to its response, of a stream to the beginning of its response; refusals left out.",
    MappingProxyType(
        {
            "http.request.method": ("GET", "POST", "DELETE"),
            "http.route": TIMED_ROUTES,
            "http.response.status_code": TIMED_STATUSES,
        }
    ),
    _SERVER_S,
    Convention.HTTP,
)
STREAM_ENDS = _counter("stream_end_total", "stream", "Chat streams ended, by why they did.", reason=_of(EndReason))
STREAM_DURATION = _seconds(
    "stream_duration",
    "Time from a chat request to the end of its stream.",
    (0.25, 0.5, 0.75, 1.5, 2.5, 5.5, 7.5, 12.5, 20.5, 30.5, 45.5, 60.5, 90.5, 120.5, 300.5, 600.5, 960.5),
)
STREAM_FIRST_EVENT = _seconds(
    "stream_first_event", "Time from a chat request to Snowflake's first event.", _FIRST_EVENT_S
)
STREAM_FIRST_TOKEN = _seconds(
    "stream_first_token", "Time from a chat request to the first text handed to the client.", _FIRST_EVENT_S
)
STREAM_STAGES = _seconds(
    "stream_first_token_stage",
    "The same time by where it went: in the proxy before Snowflake was asked, waiting for Snowflake, on the way out.",
    (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.75, 1.25, 2.5, 5.5, 10.5, 30.5, 60.5),
    stage=_of(Stage),
)
STREAM_GAP = _seconds(
    "stream_gap",
    "Silences between what arrives from Snowflake within a stream.",
    (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.25, 2.5, 5.5, 10.5, 30.5, 60.5),
)
STREAM_STALLS = _counter("stream_stalls_total", "stall", f"Silences of {STALL_S:g} s within streams, as they happen.")
STREAMS_ACTIVE = Metric(
    "cortex_proxy_streams_active", MetricKind.UP_DOWN_COUNTER, "{stream}", "Chat streams running now."
)
STREAMS_CAPACITY = _gauge(
    "streams_capacity", "{stream}", "Chat streams that this process may run at once.", adds_up=True
)
AGENT_TOOL_CALLS = Metric(
    "gen_ai.invoke_agent.tool_calls",
    MetricKind.HISTOGRAM,
    "{call}",
    "Tools that the agent used in one turn: how deep its loop went.",
    buckets=(0.5, 1.5, 2.5, 3.5, 5.5, 8.5, 13.5, 21.5),
    convention=Convention.GENAI,
)
_TIMED_ERRORS = _of(
    (UpstreamOutcome.THROTTLED, UpstreamOutcome.UNAVAILABLE, UpstreamOutcome.UNREACHABLE, UpstreamOutcome.TIMEOUT)
)
OTHER_ERROR = "_OTHER"
"""The conventions' word for errors that have no value of their own; attempts are counted by all outcomes."""

CLIENT_DURATION = Metric(
    "http.client.request.duration",
    MetricKind.HISTOGRAM,
    "s",
    "Time from an attempt upstream to the head of its answer. There is one upstream, so its address is no label.",
    MappingProxyType(
        {
            "http.request.method": ("GET", "POST", "DELETE"),
            "surface": _of(Surface),
            "error.type": ("", *_TIMED_ERRORS, OTHER_ERROR),
        }
    ),
    _CLIENT_S,
    Convention.HTTP,
)
UPSTREAM_ATTEMPTS = _counter(
    "upstream_attempts_total",
    "attempt",
    "Attempts to reach Snowflake, the first of a call and every further one.",
    surface=_of(Surface),
    outcome=_of(UpstreamOutcome),
)
UPSTREAM_RETRIES = _counter(
    "upstream_retries_total",
    "attempt",
    "Attempts that repeat a failed one, by how it failed.",
    surface=_of(Surface),
    reason=_of(RetryReason),
)
RETRY_BUDGET_DENIED = _counter(
    "retry_budget_denied_total",
    "attempt",
    "Attempts not repeated because too many others were already.",
    surface=_of(Surface),
)
RETRY_BUDGET_LEFT = _gauge(
    "retry_budget_remaining_ratio",
    "",
    "Share of the further attempts allowed just now that is unspent.",
    surface=_of(Surface),
)
BREAKER_STATE = Metric(
    "cortex_proxy_breaker_state",
    MetricKind.GAUGE,
    "",
    "Circuit breaker: 0 closed, 1 half-open, 2 open.",
    MappingProxyType({"surface": _of(Surface)}),
    adds_up=False,
)
LIMIT_DECISIONS = _counter(
    "limit_decisions_total",
    "decision",
    "Requests let through and refused by the limits of their endpoint.",
    policy=POLICIES,
    decision=("allowed", "refused"),
)
LIMIT_USED = Metric(
    "cortex_proxy_limit_used_ratio",
    MetricKind.HISTOGRAM,
    "",
    "Share of the tightest limit of its endpoint that a request found used, itself included; refused ones are above 1.",
    MappingProxyType({"policy": POLICIES}),
    (0.1, 0.25, 0.5, 0.75, 0.8, 0.9, 0.95, 0.99),
)
SESSION_TOKENS = _counter(
    "session_tokens_total",
    "request",
    "Requests for a session token, by what became of them.",
    outcome=_of(TokenOutcome),
)
KEY_MODIFIED = _gauge(
    "key_modified_timestamp_seconds",
    "s",
    "When a key file was last written, in seconds since the epoch.",
    from_start=False,
    key=KEYS,
)
CERTIFICATE_EXPIRY = _gauge(
    "upstream_certificate_expiry_timestamp_seconds",
    "s",
    "When the certificate that Snowflake last showed ends, in seconds since the epoch.",
    from_start=False,
)
TOOL_DURATION = Metric(
    "gen_ai.execute_tool.duration",
    MetricKind.HISTOGRAM,
    "s",
    "Time that a tool call took in the proxy.",
    MappingProxyType(
        {
            "gen_ai.tool.name": _of(ToolName),
            "error.type": ("", *(each for each in _of(ToolOutcome) if each != ToolOutcome.OK)),
        }
    ),
    _TOOL_S,
    Convention.GENAI,
)
TOOL_CALLS = _counter("tool_calls_total", "call", "Tool calls ended.", tool=_of(ToolName), outcome=_of(ToolOutcome))
HISTORY_TURNS = _counter(
    "history_turns_total",
    "turn",
    "Turns handed to the history, and whether it kept them.",
    outcome=("stored", "lost"),
)
HISTORY_WRITE = _seconds(
    "history_write",
    "Time that one write of the history took.",
    (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.75, 1.25, 2.5, 5.5),
)
HISTORY_WAITING = _gauge("history_waiting", "{turn}", "Turns that wait to be written.", adds_up=True)
STORE_UP = _gauge(
    "store_up",
    "",
    "1 while the store worked when it was last used, else 0; 1 before its first use.",
    from_start=False,
    store=_of(Store),
)
TOKENS = _counter(
    "tokens_total",
    "token",
    "Tokens that Snowflake reported; cached ones are part of the input.",
    kind=_of(TokenKind),
    model=(),
)
COST = _counter("cost_usd_total", "USD", "What answers cost by the price table, in US dollars.", model=())
UNPRICED = _counter(
    "unpriced_calls_total", "call", "Answers that no price could be given, and why.", reason=_of(Unpriced)
)
CLIENT_FIRST_TOKEN = _seconds(
    "client_time_to_first_token", "Time from a question to the first text in the page.", _FIRST_EVENT_S
)
CLIENT_STALL = _seconds(
    "client_stall",
    "Silences within an answer, as the page saw them.",
    (0.1, 0.25, 0.5, 0.75, 1.5, 2.5, 7.5, 15.5, 30.5, 60.5),
)
CLIENT_LCP = _seconds(
    "client_lcp",
    "Largest contentful paint; good up to 2.5 s.",
    (0.1, 0.25, 0.5, 0.75, 1.25, 1.75, 2.5, 3.25, 4.5, 7.5),
)
CLIENT_INP = _seconds(
    "client_inp",
    "Interaction to next paint; good up to 0.2 s.",
    (0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.5),
)
CLIENT_CLS = Metric(
    "cortex_proxy_client_cls",
    MetricKind.HISTOGRAM,
    "",
    "Cumulative layout shift, a score; good up to 0.1.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 0.75, 1.5),
)
CLIENT_STREAM_OUTCOMES = _counter(
    "client_stream_outcome_total", "stream", "Streams ended, as the page saw them.", outcome=_of(StreamOutcome)
)
CLIENT_PAGE_ERRORS = _counter("client_page_errors_total", "error", "Failures in the page.", kind=_of(PageErrorKind))
CLIENT_METRICS_DROPPED = _counter(
    "client_metrics_dropped_total",
    "measurement",
    "Measurements of pages that were not taken in.",
    reason=_of(DropReason),
)
BUILD_INFO = _gauge("build_info", "", "1, with the version that runs.", from_start=False, version=(), adds_up=None)
MODE_INFO = _gauge("mode_info", "", "1 for what stands upstream, 0 for what does not.", mode=_of(Mode))
START_TIME = _gauge(
    "start_time_seconds", "s", "When this process started, in seconds since the epoch.", from_start=False
)
EXPORT_FAILURES = _counter(
    "telemetry_export_failures_total", "batch", "Batches that no collector took.", signal=_of(Signal)
)
OVERFLOWING = (
    *("http.request.method", "http.response.status_code", "method", "route", "status_class"),
    *("kind", "model", "outcome", "policy", "reason", "surface", "tool", "error.type", "gen_ai.tool.name"),
)
"""Labels whose values come from outside, or may one day: those that can fall outside their list."""

LABEL_OVERFLOW = _counter(
    "label_overflow_total",
    "value",
    f"Label values outside their list, written as `{OTHER}`, by label.",
    label=OVERFLOWING,
)
PROCESS_CPU = Metric(
    "process.cpu.time", MetricKind.COUNTER, "s", "Processor time of this process.", convention=Convention.PROCESS
)
PROCESS_MEMORY = Metric(
    "process.memory.usage",
    MetricKind.GAUGE,
    "By",
    "Memory that this process has resident.",
    convention=Convention.PROCESS,
    from_start=False,
)
PROCESS_THREADS = Metric(
    "process.thread.count",
    MetricKind.GAUGE,
    "{thread}",
    "Threads of this process.",
    convention=Convention.PROCESS,
    from_start=False,
)
PROCESS_DESCRIPTORS = Metric(
    "process.unix.file_descriptor.count",
    MetricKind.GAUGE,
    "{file_descriptor}",
    "Descriptors that this process holds.",
    convention=Convention.PROCESS,
    from_start=False,
)

METRICS = (
    REQUESTS,
    REQUEST_DURATION,
    STREAM_ENDS,
    STREAM_DURATION,
    STREAM_FIRST_EVENT,
    STREAM_FIRST_TOKEN,
    STREAM_STAGES,
    STREAM_GAP,
    STREAM_STALLS,
    STREAMS_ACTIVE,
    STREAMS_CAPACITY,
    AGENT_TOOL_CALLS,
    CLIENT_DURATION,
    UPSTREAM_ATTEMPTS,
    UPSTREAM_RETRIES,
    RETRY_BUDGET_DENIED,
    RETRY_BUDGET_LEFT,
    BREAKER_STATE,
    LIMIT_DECISIONS,
    LIMIT_USED,
    SESSION_TOKENS,
    KEY_MODIFIED,
    CERTIFICATE_EXPIRY,
    TOOL_CALLS,
    TOOL_DURATION,
    HISTORY_TURNS,
    HISTORY_WRITE,
    HISTORY_WAITING,
    STORE_UP,
    TOKENS,
    COST,
    UNPRICED,
    CLIENT_FIRST_TOKEN,
    CLIENT_STALL,
    CLIENT_LCP,
    CLIENT_INP,
    CLIENT_CLS,
    CLIENT_STREAM_OUTCOMES,
    CLIENT_PAGE_ERRORS,
    CLIENT_METRICS_DROPPED,
    BUILD_INFO,
    MODE_INFO,
    START_TIME,
    EXPORT_FAILURES,
    LABEL_OVERFLOW,
    PROCESS_CPU,
    PROCESS_MEMORY,
    PROCESS_THREADS,
    PROCESS_DESCRIPTORS,
)


# --- the mock's own

MOCK_SURFACES = ("agent", "objects", "threads", "search", "analyst", "sql", "inference", "login", "none")
"""The mock's surfaces; `none` for a request to a path that it does not have."""

MOCK_OUTCOMES = ("answered", "refused", "missed", "client_gone", "cut", "failed")
FAULT_KINDS = (
    *("respond", "drop", "duplicate", "reorder", "corrupt", "insert", "fail", "expire", "heartbeat", "pace", "rate"),
    *("stall", "delay", "line_ends", "split", "content_type", "step", "cut", "reset", "quota"),
)
NO_SCENARIO = "none"


def _mock_counter(name: str, thing: str, meaning: str, **labels: tuple[str, ...]) -> Metric:
    return Metric(f"cortex_mock_{name}", MetricKind.COUNTER, f"{{{thing}}}", meaning, MappingProxyType(labels))


MOCK_REQUESTS = _mock_counter(
    "requests_total",
    "request",
    "Exchanges ended, by how they did; the mock's own routes are left out.",
    surface=MOCK_SURFACES,
    outcome=MOCK_OUTCOMES,
)
MOCK_MATCHES = _mock_counter("matches_total", "request", "Requests that a cassette answered.", surface=MOCK_SURFACES)
MOCK_MISSES = _mock_counter("misses_total", "request", "Requests that no cassette answered.", surface=MOCK_SURFACES)
MOCK_FRAMES = _mock_counter(
    "frames_total", "frame", "Frames sent; an answer that is no stream is one.", surface=MOCK_SURFACES
)
MOCK_FRAME_LATENESS = Metric(
    "cortex_mock_frame_lateness_seconds",
    MetricKind.HISTOGRAM,
    "s",
    "How far behind its schedule a frame left; at pace 0 there is no schedule.",
    buckets=(0.00025, 0.0005, 0.00075, 0.0015, 0.0025, 0.005, 0.0075, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5),
)
MOCK_FAULTS = _mock_counter(
    "faults_total", "fault", "Faults played, by scenario and kind.", scenario=(), kind=FAULT_KINDS
)
MOCK_STREAMS_ACTIVE = Metric(
    "cortex_mock_streams_active", MetricKind.UP_DOWN_COUNTER, "{stream}", "Answers being sent now."
)
MOCK_DROPPED = _mock_counter(
    "telemetry_dropped_total",
    "item",
    "Spans that were too many or that no collector took, and batches of metrics that none took.",
    signal=(Signal.TRACES.value, Signal.METRICS.value),
)

MOCK_METRICS = (
    MOCK_REQUESTS,
    MOCK_MATCHES,
    MOCK_MISSES,
    MOCK_FRAMES,
    MOCK_FRAME_LATENESS,
    MOCK_FAULTS,
    MOCK_STREAMS_ACTIVE,
    MOCK_DROPPED,
)


# --- what a run of the test suites leaves

SUITES = ("unit", "e2e", "stories", "sdk", "proof", "pact", "smoke")
TEST_OUTCOMES = ("passed", "failed", "error", "skipped", "quarantined")
TEST_TIMES = ("median", "p95", "longest")

SUITE_TESTS = Metric(
    "cortex_suite_tests",
    MetricKind.GAUGE,
    "{test}",
    "Tests of a suite's last run, by outcome. One that is quarantined failed as a list says it may.",
    MappingProxyType({"suite": SUITES, "outcome": TEST_OUTCOMES}),
    from_start=False,
    adds_up=False,
)
SUITE_DURATION = Metric(
    "cortex_suite_duration_seconds",
    MetricKind.GAUGE,
    "s",
    "Time that a suite's last run took.",
    MappingProxyType({"suite": SUITES}),
    from_start=False,
    adds_up=False,
)
SUITE_FINISHED = Metric(
    "cortex_suite_finished_timestamp_seconds",
    MetricKind.GAUGE,
    "s",
    "When a suite's last run ended, in seconds since the epoch.",
    MappingProxyType({"suite": SUITES}),
    from_start=False,
    adds_up=False,
)

# No histogram: a run's process ends with it, so nothing of it ever rises, and a rate of it is nothing.
SUITE_TEST_DURATION = Metric(
    "cortex_suite_test_duration_seconds",
    MetricKind.GAUGE,
    "s",
    "Time that a test of a suite's last run took, set-up and tear-down included.",
    MappingProxyType({"suite": SUITES, "statistic": TEST_TIMES}),
    from_start=False,
    adds_up=False,
)
SUITE_RERUNS = Metric(
    "cortex_suite_reruns",
    MetricKind.GAUGE,
    "{run}",
    "How often failed tests of a suite's last run were run again. They stay failed.",
    MappingProxyType({"suite": SUITES}),
    from_start=False,
    adds_up=False,
)
SUITE_FLAKY = Metric(
    "cortex_suite_flaky_tests",
    MetricKind.GAUGE,
    "{test}",
    "Tests of a suite's last run that failed, and passed when they were run again.",
    MappingProxyType({"suite": SUITES}),
    from_start=False,
    adds_up=False,
)

SUITE_METRICS = (SUITE_TESTS, SUITE_DURATION, SUITE_FINISHED, SUITE_TEST_DURATION, SUITE_RERUNS, SUITE_FLAKY)

ALL_METRICS = (*METRICS, *MOCK_METRICS, *SUITE_METRICS)


def first_series(
    metric: Metric, loaded: Mapping[str, tuple[str, ...]] = MappingProxyType({})
) -> Iterator[dict[str, str]]:
    """The labels of every series that shows from the start, so that its first event is an increase.

    loaded: the values of the labels in `LOADED`; without them, what has such a label shows with its first event.

    Of requests only what can occur: all routes with all methods would be six times as many series, most of them never
    to move. Histograms have none; they show with their first measurement.
    """
    if metric is REQUESTS:
        for route, methods in ROUTE_METHODS.items():
            classes = ("4xx",) if route == UNMATCHED else ("2xx", "4xx", "5xx")
            for method, status_class in product(methods, classes):
                yield {"route": route, "method": method, "status_class": status_class}
    elif metric.kind is not MetricKind.HISTOGRAM and metric.from_start:
        for values in product(*(loaded.get(label, values) for label, values in metric.labels.items())):
            yield dict(zip(metric.labels, values, strict=True))
