"""Traces go on from the client to Snowflake; metrics are the catalogue's, bounded, and leave by two ways."""

from __future__ import annotations

import io
import json
import os
import re
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.context import Context
from opentelemetry.exporter.prometheus import _CustomCollector
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from prometheus_client.parser import text_string_to_metric_families

from contracts import telemetry as catalogue
from contracts.api import (
    ClientMetricName,
    EndReason,
    PageErrorKind,
    ProxyEnd,
    StreamOutcome,
    ToolName,
)
from contracts.telemetry import (
    METRICS,
    OTHER,
    DropReason,
    Metric,
    MetricKind,
    RetryReason,
    Surface,
    TokenOutcome,
    ToolOutcome,
    UpstreamOutcome,
)
from proxy import VERSION, logs, process
from proxy.breaker import State
from proxy.exports import EXPORT_TIMEOUT_S
from proxy.policies import Policies
from proxy.prices import Spent
from proxy.serve import for_process
from proxy.tally import ReadsTallies
from proxy.telemetry import MetricsPortError, Stream, Telemetry, Tracing, as_template, trace_id_of
from proxy.tests.collector import collector, scrape
from proxy.tests.conftest import MakeApp, MakeSettings
from proxy.tests.upstream import until

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def test_a_trace_goes_on() -> None:
    """The span continues the caller's trace as a server, and what goes upstream names the span as its parent."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing = Tracing(with_baggage=True, provider=provider)
    span, context = tracing.start("POST /x", [("Traceparent", PARENT), ("Baggage", "mock.scenario=cut")])
    headers = tracing.headers(context)
    span.end()
    (exported,) = exporter.get_finished_spans()
    assert (trace_id_of(span), exported.kind, exported.name) == (TRACE, SpanKind.SERVER, "POST /x")
    assert headers["traceparent"] == f"00-{TRACE}-{exported.context.span_id:016x}-01"
    assert headers["baggage"] == "mock.scenario=cut"


def test_production_drops_baggage() -> None:
    """What a browser puts into its baggage does not reach Snowflake."""
    tracing = Tracing(with_baggage=False)
    span, context = tracing.start("x", [("traceparent", PARENT), ("baggage", "a=b")])
    span.end()
    assert set(tracing.headers(context)) == {"traceparent"}


@pytest.mark.parametrize(
    "parent",
    ["", "x", "00-" + "0" * 32 + "-b7ad6b7169203331-01", PARENT + "-x" * 5000, PARENT.replace("0", "é")],
    ids=["empty", "words", "zeros", "long", "no ascii"],
)
def test_a_bad_parent_begins_a_trace(parent: str) -> None:
    """An unreadable traceparent is left out, and a trace of our own begins."""
    tracing = Tracing(with_baggage=False)
    span, context = tracing.start("x", [("traceparent", parent)])
    span.end()
    assert len(trace_id_of(span)) == 32
    assert trace_id_of(span) not in (TRACE, "0" * 32)
    assert tracing.headers(context)["traceparent"].startswith(f"00-{trace_id_of(span)}-")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("baggage", "a=b\r\nX-Snowflake-Role: ADMIN"),
        ("baggage", "a=b%0d%0aX-Snowflake-Role: ADMIN"),
        ("baggage", "a=é\xff,\x00=1"),
        ("tracestate", "a=b\r\nX-Snowflake-Role: ADMIN"),
        ("tracestate", "a=é"),
    ],
)
def test_headers_cannot_be_injected(name: str, value: str) -> None:
    """Whatever arrives in a trace header leaves as one line of ASCII, or not at all."""
    tracing = Tracing(with_baggage=True)
    span, context = tracing.start("x", [("traceparent", PARENT), (name, value)])
    span.end()
    for sent in tracing.headers(context).values():
        assert sent.isascii()
        assert sent.isprintable()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("traceparent", PARENT + "-" + "x" * 100_000, id="long parent"),
        pytest.param("traceparent", " " * 100_000 + PARENT, id="blanks before the parent"),
        pytest.param("tracestate", "a=1," * 50_000, id="long state"),
        pytest.param("tracestate", "a=" + " " * 100_000 + "b", id="blanks in the state"),
        pytest.param("tracestate", "," * 400, id="empty state members"),
        pytest.param("baggage", ",".join(f"k{n}=v" for n in range(5000)), id="long baggage"),
        pytest.param("baggage", ",".join(f"k{n}=v" for n in range(1000)), id="a thousand members"),
        pytest.param("baggage", "a=b" + " " * 8000 + "c=d", id="blanks in baggage"),
        pytest.param("baggage", "x," * 4000, id="members without a value"),
        pytest.param("baggage", "\u00e9=1," * 2000, id="members beyond ASCII"),
        pytest.param("baggage", ",".join(f"k{n}=" + "%C3%A9" * 100 for n in range(13)), id="values that grow"),
    ],
)
def test_hostile_trace_headers_are_harmless(name: str, value: str, caplog: pytest.LogCaptureFixture) -> None:
    """What is too long or unreadable is left out: no error, no line per member, and little goes upstream."""
    tracing = Tracing(with_baggage=True)
    span, context = tracing.start("x", [("traceparent", PARENT), (name, value)])
    span.end()
    sent = tracing.headers(context)
    assert sent["traceparent"].startswith(f"00-{trace_id_of(span)}-")
    assert sum(map(len, sent.values())) < 16_384
    assert len(sent.get("baggage", "").split(",")) <= 64
    assert len(caplog.records) <= 1


def test_baggage_is_read_as_the_convention_writes_it() -> None:
    """Blanks around names and values are no part of them; properties are left out, as are members that are none."""
    tracing = Tracing(with_baggage=True)
    span, context = tracing.start("x", [("baggage", " mock.scenario = cut ;ttl=3 , , =v, b, test.id=a%20b")])
    span.end()
    assert tracing.headers(context)["baggage"] == "mock.scenario=cut,test.id=a+b"


@pytest.mark.parametrize(
    ("baggage", "with_baggage", "test_id"),
    [
        pytest.param("mock.pace=0,test.id=story-01", True, "story-01", id="named"),
        pytest.param(
            "test.id=tests%2Ftest_a.py%3A%3Atest_b%5B1%5D", True, "tests/test_a.py::test_b[1]", id="a test's path"
        ),
        pytest.param("test.id=story-01", False, None, id="in production"),
        pytest.param("mock.pace=0", True, None, id="none"),
        pytest.param("test.id=", True, None, id="empty"),
        pytest.param("test.id=" + "x" * 129, True, None, id="long"),
        pytest.param("test.id=a%20b", True, None, id="a blank"),
        pytest.param("test.id=a%0d%0ab", True, None, id="a line's end"),
        pytest.param("test.id=%C3%A9", True, None, id="beyond ASCII"),
    ],
)
def test_a_test_is_known_by_its_baggage(baggage: str, with_baggage: bool, test_id: str | None) -> None:
    """Outside production, when it is one bounded word."""
    tracing = Tracing(with_baggage=with_baggage)
    span, context = tracing.start("x", [("baggage", baggage)])
    span.end()
    assert tracing.test_id(context) == test_id


def test_other_headers_do_not_reach_the_propagators() -> None:
    """A thousand foreign headers change nothing."""
    tracing = Tracing(with_baggage=True)
    span, context = tracing.start("x", [("traceparent", PARENT), *[(f"x-{n}", "y") for n in range(1000)]])
    span.end()
    assert set(tracing.headers(context)) == {"traceparent"}


# --- metrics -------------------------------------------------------------------------------------------------------

MakeTelemetry = Callable[..., Telemetry]
Series = dict[tuple[str, frozenset[tuple[str, Any]]], Any]


class Reader(ReadsTallies, InMemoryMetricReader):
    """Collects what is measured when asked."""


PRICES = "models: {small: {input: 1.0, cached: 0.5, output: 2.0}, large: {input: 10, cached: 5, output: 20}}"


@pytest.fixture
def make_telemetry(make_settings: MakeSettings, tmp_path: Path) -> Iterator[MakeTelemetry]:
    """Started telemetry with a price table and the settings that the test changes; closed afterwards."""
    made: list[Telemetry] = []
    prices = tmp_path / "prices.yaml"
    prices.write_text(PRICES, encoding="utf-8")

    def make(*, readers: tuple[InMemoryMetricReader, ...] = (), **changed: Any) -> Telemetry:
        telemetry = Telemetry(make_settings(**{"prices_file": prices} | changed), readers=readers)
        made.append(telemetry)
        telemetry.observe(catalogue.HISTORY_WAITING, lambda: [({}, 0)])
        telemetry.observe(catalogue.RETRY_BUDGET_LEFT, lambda: [({"surface": each}, 1) for each in Surface])
        telemetry.start()
        return telemetry

    yield make
    for telemetry in made:
        telemetry.shutdown(5)


@pytest.fixture
def reader() -> InMemoryMetricReader:
    """Reads what is measured, with what is counted outside the SDK."""
    return Reader()


@pytest.fixture
def telemetry(make_telemetry: MakeTelemetry, reader: InMemoryMetricReader) -> Telemetry:
    """Started telemetry that the reader reads."""
    return make_telemetry(readers=(reader,))


def series(reader: InMemoryMetricReader) -> Series:
    """Every series by name and labels: its value, of a histogram its count and sum."""
    data = reader.get_metrics_data()
    assert data is not None
    (resource,) = data.resource_metrics
    (scope,) = resource.scope_metrics
    found: Series = {}
    for metric in scope.metrics:
        for point in metric.data.data_points:
            value: Any = getattr(point, "value", None)
            key = metric.name, frozenset((point.attributes or {}).items())
            assert key not in found  # equal labels of unequal types, which the SDK keeps apart
            found[key] = (point.count, point.sum) if value is None else value  # type: ignore[union-attr]
    return found


def value(reader: InMemoryMetricReader, metric: Metric, **labels: Any) -> Any:
    """One series' value."""
    return series(reader)[metric.name, frozenset(labels.items())]


LOADED = {"version": (VERSION,), "model": ("small", "large", OTHER)}
FROM_THE_START = {
    (catalogue.BUILD_INFO.name, frozenset({("version", VERSION)})): 1,
    (catalogue.MODE_INFO.name, frozenset({("mode", "rehearsal")})): 1,
    (catalogue.STREAMS_CAPACITY.name, frozenset()): 100,
    **{(catalogue.STORE_UP.name, frozenset({("store", store)})): 1 for store in ("history", "limits")},
    **{(catalogue.RETRY_BUDGET_LEFT.name, frozenset({("surface", each.value)})): 1 for each in Surface},
}
"""What is something else than zero before anything has happened."""

NEVER_STILL = frozenset(
    [catalogue.START_TIME.name, catalogue.KEY_MODIFIED.name, *(metric.name for metric, _ in process.FIGURES)]
)
"""What is as it is, and as the clock and the machine want it."""


def test_every_counter_begins_at_zero(telemetry: Telemetry, reader: InMemoryMetricReader) -> None:
    """Each series that the catalogue begins with is there from the start, and no others but facts."""
    zero = dict.fromkeys(
        (
            (metric.name, frozenset(labels.items()))
            for metric in METRICS
            for labels in catalogue.first_series(metric, LOADED)
        ),
        0,
    )
    shown = {key: value for key, value in series(reader).items() if key[0] not in NEVER_STILL}
    still = {key: value for key, value in (zero | FROM_THE_START).items() if key[0] not in NEVER_STILL}
    assert shown == still


def test_a_process_says_what_it_is(telemetry: Telemetry, reader: InMemoryMetricReader) -> None:
    """Its version, its mode as one of two, since when it runs, what it can carry, and how old its keys are."""
    assert value(reader, catalogue.MODE_INFO, mode="live") == 0
    assert 0 <= time.time() - value(reader, catalogue.START_TIME) < 60
    written = {dict(labels)["key"]: told for (name, labels), told in series(reader).items() if "key_modified" in name}
    assert written.keys() == {"private_key", "session_key"}
    assert all(0 <= time.time() - told < 600 for told in written.values())


def test_a_rotated_key_shows_its_age(
    make_telemetry: MakeTelemetry, reader: InMemoryMetricReader, tmp_path: Path
) -> None:
    """Whoever replaces a key file sees it at the next look; a file that has not come yet has no age."""
    coming = tmp_path / "coming.key"
    make_telemetry(readers=(reader,), next_session_key_file=coming)
    assert (catalogue.KEY_MODIFIED.name, frozenset({("key", "next_session_key")})) not in series(reader)
    coming.write_bytes(b"x" * 32)
    os.utime(coming, (1_000_000_000, 1_000_000_000))
    assert value(reader, catalogue.KEY_MODIFIED, key="next_session_key") == 1_000_000_000


def moved(before: Series, after: Series) -> Series:
    """By how much series have changed; of distributions, in how far their counts did."""
    changed: Series = {}
    for key, now in after.items():
        number, was = (now[0] if isinstance(now, tuple) else now), before.get(key, 0)
        delta = number - (was[0] if isinstance(was, tuple) else was)
        if delta and key[0] not in NEVER_STILL:
            changed[key] = delta
    return changed


def started(telemetry: Telemetry) -> Stream:
    """A stream whose request came at 10 s, and which asked Snowflake a moment later."""
    return telemetry.stream_started(10.0, 10.002)


DISTRIBUTIONS = frozenset(metric.name for metric in METRICS if metric.buckets)

FACTS: list[Any] = [
    pytest.param(
        lambda t: t.attempt(Surface.AGENT, "POST", 1, {}).ended(UpstreamOutcome.OK),
        "UPSTREAM_ATTEMPTS",
        {"surface": "agent", "outcome": "ok"},
    ),
    pytest.param(
        lambda t: t.retried(Surface.SQL, RetryReason.BROKEN), "UPSTREAM_RETRIES", {"surface": "sql", "reason": "broken"}
    ),
    pytest.param(lambda t: t.budget_denied(Surface.SEARCH), "RETRY_BUDGET_DENIED", {"surface": "search"}),
    pytest.param(
        lambda t: t.limit_decided("chat", allowed=True), "LIMIT_DECISIONS", {"policy": "chat", "decision": "allowed"}
    ),
    pytest.param(
        lambda t: t.limit_decided("chat", allowed=False), "LIMIT_DECISIONS", {"policy": "chat", "decision": "refused"}
    ),
    pytest.param(
        lambda t: t.tool_called(ToolName.CHART, Context()).ended(ToolOutcome.FAILED),
        "TOOL_CALLS",
        {"tool": "chart", "outcome": "failed"},
    ),
    pytest.param(lambda t: t.history_stored(), "HISTORY_TURNS", {"outcome": "stored"}),
    pytest.param(lambda t: t.history_lost(), "HISTORY_TURNS", {"outcome": "lost"}),
    pytest.param(lambda t: t.client_metric_dropped(DropReason.BOUNDS), "CLIENT_METRICS_DROPPED", {"reason": "bounds"}),
    pytest.param(
        lambda t: t.client_metric(ClientMetricName.STREAM_OUTCOME, 1, StreamOutcome.ABORTED),
        "CLIENT_STREAM_OUTCOMES",
        {"outcome": "aborted"},
    ),
    pytest.param(
        lambda t: t.client_metric(ClientMetricName.PAGE_ERROR, 1, PageErrorKind.RENDER),
        "CLIENT_PAGE_ERRORS",
        {"kind": "render"},
    ),
    pytest.param(lambda t: t.session_token(TokenOutcome.REFRESHED), "SESSION_TOKENS", {"outcome": "refreshed"}),
    pytest.param(started, "STREAMS_ACTIVE", {}),
    pytest.param(lambda t: t.answered([]), "UNPRICED", {"reason": "no_usage"}),
    pytest.param(lambda t: t.breaker_changed(Surface.AGENT, State.HALF_OPEN), "BREAKER_STATE", {"surface": "agent"}),
]


@pytest.mark.parametrize(("happens", "name", "labels"), FACTS)
def test_a_fact_moves_its_own_series(
    telemetry: Telemetry, reader: InMemoryMetricReader, happens: Callable[[Telemetry], None], name: str, labels: Any
) -> None:
    """What happens once adds one to one series, and to no other; to a distribution besides, if it took time."""
    before = series(reader)
    happens(telemetry)
    changed = {key: delta for key, delta in moved(before, series(reader)).items() if key[0] not in DISTRIBUTIONS}
    assert changed == {(getattr(catalogue, name).name, frozenset(labels.items())): 1}


@pytest.mark.parametrize(("happens", "name", "labels"), FACTS)
def test_a_scrape_shows_the_fact_in_the_series_that_was_at_zero(
    make_telemetry: MakeTelemetry, happens: Callable[[Telemetry], None], name: str, labels: Any
) -> None:
    """Members of enumerations make no series beside those of the plain words that each counter starts with."""
    telemetry = make_telemetry(metrics_port=0)
    before = scraped(telemetry)
    happens(telemetry)
    still = {each.exposed for each in METRICS if each.name in NEVER_STILL | DISTRIBUTIONS}
    changed = {
        key: value - before.get(key, 0)
        for key, value in scraped(telemetry).items()
        if re.sub("_(bucket|sum|count)$", "", key[0]) not in still and key[0] not in still
    }
    assert {key: delta for key, delta in changed.items() if delta} == {
        (getattr(catalogue, name).exposed, frozenset(labels.items())): 1
    }


@pytest.mark.parametrize(("state", "number"), [(State.CLOSED, 0), (State.HALF_OPEN, 1), (State.OPEN, 2)])
def test_the_breaker_shows_its_state(
    telemetry: Telemetry, reader: InMemoryMetricReader, state: State, number: int
) -> None:
    """The gauge holds the last state entered."""
    telemetry.breaker_changed(Surface.SQL, State.HALF_OPEN)
    telemetry.breaker_changed(Surface.SQL, state)
    assert value(reader, catalogue.BREAKER_STATE, surface="sql") == number


def test_lost_turns_are_counted_each(telemetry: Telemetry, reader: InMemoryMetricReader) -> None:
    """A queue that is given up counts as many turns as it held."""
    telemetry.history_lost(7)
    assert value(reader, catalogue.HISTORY_TURNS, outcome="lost") == 7


def test_a_request_is_counted_and_timed(telemetry: Telemetry, reader: InMemoryMetricReader) -> None:
    """Route, method and status tell requests apart, in the names of the conventions; refusals are counted alone."""
    telemetry.request_ended("/api/v1/tools/<tool_name>", "POST", 503, 0.3)
    telemetry.request_ended("/api/v1/tools/<tool_name>", "POST", 503, 0.5)
    route = "/api/v1/tools/{toolName}"
    assert value(reader, catalogue.REQUESTS, route=route, method="POST", status_class="5xx") == 2
    telemetry.request_ended("/api/v1/tools/<tool_name>", "POST", 429, 0.3)
    telemetry.request_ended("/livez", "GET", 200, 0.3)
    assert value(reader, catalogue.REQUESTS, route=route, method="POST", status_class="4xx") == 1
    assert value(reader, catalogue.REQUESTS, route="/livez", method="GET", status_class="2xx") == 1
    assert len([name for name, _ in series(reader) if name == catalogue.REQUEST_DURATION.name]) == 1
    timed = {"http.route": route, "http.request.method": "POST", "http.response.status_code": 503}
    assert value(reader, catalogue.REQUEST_DURATION, **timed) == (2, pytest.approx(0.8))


def ended(**changed: Any) -> ProxyEnd:
    """The end of a stream."""
    given = {"reason": EndReason.COMPLETED, "turn_id": "t", "events": 3, "upstream_bytes": 9, "duration_ms": 1500.0}
    return ProxyEnd(**given | changed)


def test_a_stream_is_accounted_at_its_end(telemetry: Telemetry, reader: InMemoryMetricReader) -> None:
    """Its reason and its durations in seconds; while it runs, it is active."""
    started(telemetry)
    started(telemetry).ended(ended(reason=EndReason.DEADLINE, first_event_ms=250.0))
    assert value(reader, catalogue.STREAMS_ACTIVE) == 1
    assert value(reader, catalogue.STREAM_ENDS, reason="deadline") == 1
    assert value(reader, catalogue.STREAM_DURATION) == (1, 1.5)
    assert value(reader, catalogue.STREAM_FIRST_EVENT) == (1, 0.25)


def test_the_first_text_is_timed_by_where_its_time_went(telemetry: Telemetry, reader: InMemoryMetricReader) -> None:
    """Queue, upstream and way out add up to the time to the first token, also when Snowflake was asked at once."""
    started(telemetry).text_began(10.5, 10.51)
    telemetry.stream_started(10.0, None).text_began(10.25, 10.25)
    assert value(reader, catalogue.STREAM_FIRST_TOKEN) == (2, pytest.approx(0.51 + 0.25))
    stages = {stage: value(reader, catalogue.STREAM_STAGES, stage=stage)[1] for stage in ("queue", "upstream", "out")}
    assert stages == {
        "queue": pytest.approx(0.002),
        "upstream": pytest.approx(0.498 + 0.25),
        "out": pytest.approx(0.01),
    }


def test_a_stall_is_counted_while_the_stream_is_open(telemetry: Telemetry, reader: InMemoryMetricReader) -> None:
    """Nobody has to wait for the end of a stream to see that it is still."""
    started(telemetry).stalled()
    assert value(reader, catalogue.STREAM_STALLS) == value(reader, catalogue.STREAMS_ACTIVE) == 1


def test_an_agents_turn_tells_how_deep_it_went(telemetry: Telemetry, reader: InMemoryMetricReader) -> None:
    """A turn that used no tool is one of depth zero."""
    for tool_calls in (0, 3):
        started(telemetry).agent_ended(tool_calls, [])
    assert value(reader, catalogue.AGENT_TOOL_CALLS) == (2, 3)


def spending(model: str) -> Spent:
    """A thousand tokens in, of them four hundred cached, and two hundred out."""
    return Spent(model, 1000, 400, 200)


def test_tokens_are_counted_and_priced_by_model(telemetry: Telemetry, reader: InMemoryMetricReader) -> None:
    """Cached input has a price of its own; a model without one is `other`, unpriced once, and seen as an overflow."""
    telemetry.answered([spending("small"), spending("large")])
    telemetry.answered([spending("small"), spending("huge"), spending("vast")])
    counted = [value(reader, catalogue.TOKENS, kind=kind, model="small") for kind in ("input", "cached", "output")]
    assert counted == [2000, 800, 400]
    assert value(reader, catalogue.TOKENS, kind="output", model=OTHER) == 400
    cost_usd = (600 * 1 + 400 * 0.5 + 200 * 2) / 1e6
    assert value(reader, catalogue.COST, model="small") == pytest.approx(2 * cost_usd)
    assert value(reader, catalogue.COST, model="large") == pytest.approx(10 * cost_usd)
    assert value(reader, catalogue.COST, model=OTHER) == 0
    assert value(reader, catalogue.UNPRICED, reason="unknown_model") == 1
    assert value(reader, catalogue.UNPRICED, reason="no_usage") == 0
    assert value(reader, catalogue.LABEL_OVERFLOW, label="model") == 2 * 3


def test_without_prices_every_answer_is_unpriced(make_telemetry: MakeTelemetry, reader: InMemoryMetricReader) -> None:
    """Nobody has listed models then, so none falls out of the list."""
    telemetry = make_telemetry(readers=(reader,), prices_file=None)
    telemetry.answered([spending("small")])
    assert value(reader, catalogue.TOKENS, kind="input", model=OTHER) == 1000
    assert value(reader, catalogue.UNPRICED, reason="unknown_model") == 1
    assert value(reader, catalogue.LABEL_OVERFLOW, label="model") == 0


def test_values_outside_their_list_are_counted_by_label(telemetry: Telemetry, reader: InMemoryMetricReader) -> None:
    """Each time, and for each label; what is listed, or is `other` already, is none."""
    for method, status in (("GET", 200), ("PATCH", 200), ("PATCH", 599), (OTHER, 200)):
        telemetry.request_ended("/api/v1/chat", method, status, 0.1)
    telemetry.request_ended("/api/v1/chat", "POST", 599, 0.1)
    counted = {
        dict(labels)["label"]: count
        for (name, labels), count in series(reader).items()
        if name == catalogue.LABEL_OVERFLOW.name and count
    }
    assert counted == {"method": 2, "http.response.status_code": 1}


def test_every_label_that_overflows_is_one_that_is_counted(telemetry: Telemetry, reader: InMemoryMetricReader) -> None:
    """The counter of overflows has no overflow itself, whatever is told."""
    telemetry.request_ended("/nowhere", "PATCH", 200, 0.1)
    telemetry.request_ended("/api/v1/chat", "POST", 999, 0.1)
    attempt = telemetry.attempt("x", "PATCH", 1, {})
    attempt.asked()
    attempt.ended("x")
    telemetry.retried("x", "x")
    telemetry.breaker_changed("x", "open")
    telemetry.limit_decided("x", allowed=True)
    telemetry.session_token("x")
    telemetry.tool_called("x", Context()).ended("x")
    telemetry.answered([spending("x")])
    telemetry.client_metric(ClientMetricName.STREAM_OUTCOME, 1, "x")
    telemetry.client_metric(ClientMetricName.PAGE_ERROR, 1, "x")
    telemetry.client_metric_dropped("x")
    counted = {dict(labels)["label"]: n for (name, labels), n in series(reader).items() if "overflow" in name}
    assert counted.keys() == set(catalogue.OVERFLOWING)
    assert all(counted.values())


@pytest.mark.parametrize(
    ("outcome", "labels"),
    [
        (UpstreamOutcome.OK, {}),
        (UpstreamOutcome.UNREACHABLE, {"error.type": "unreachable"}),
        (UpstreamOutcome.CANCELLED, {"error.type": "_OTHER"}),
    ],
)
def test_an_attempt_is_timed_to_its_head(
    telemetry: Telemetry, reader: InMemoryMetricReader, outcome: UpstreamOutcome, labels: dict[str, str]
) -> None:
    """An attempt without an error has no error type; what comes after the head takes no time of it."""
    attempt = telemetry.attempt(Surface.SQL, "GET", 1, {})
    attempt.asked()
    attempt.answered(200)
    began_s = time.monotonic()
    until(lambda: time.monotonic() - began_s > 0.3, "a body is read")
    attempt.ended(outcome)
    told = {"http.request.method": "GET", "surface": "sql", **labels}
    count, sum_s = value(reader, catalogue.CLIENT_DURATION, **told)
    assert (count, sum_s < 0.3) == (1, True)


def test_an_attempt_that_asked_nothing_took_no_time(telemetry: Telemetry, reader: InMemoryMetricReader) -> None:
    """It counts as an attempt, but zero seconds would be a lie."""
    telemetry.attempt(Surface.SQL, "GET", 1, {}).ended(UpstreamOutcome.CANCELLED)
    assert value(reader, catalogue.UPSTREAM_ATTEMPTS, surface="sql", outcome="cancelled") == 1
    assert catalogue.CLIENT_DURATION.name not in {name for name, _ in series(reader)}


def test_a_store_is_down_until_it_works_again(telemetry: Telemetry, reader: InMemoryMetricReader) -> None:
    """The last use decides, for each store by itself; a write that failed took no time."""
    telemetry.history_written(None)
    assert value(reader, catalogue.STORE_UP, store="history") == 0
    assert value(reader, catalogue.STORE_UP, store="limits") == 1
    assert catalogue.HISTORY_WRITE.name not in {name for name, _ in series(reader)}
    telemetry.history_written(0.25)
    assert value(reader, catalogue.STORE_UP, store="history") == 1
    assert value(reader, catalogue.HISTORY_WRITE) == (1, 0.25)


def test_a_stream_without_an_event_has_no_first_one(telemetry: Telemetry, reader: InMemoryMetricReader) -> None:
    """What did not happen is not measured as zero."""
    started(telemetry).ended(ended(reason=EndReason.UPSTREAM_STALLED))
    assert catalogue.STREAM_FIRST_EVENT.name not in {name for name, _ in series(reader)}
    assert value(reader, catalogue.STREAMS_ACTIVE) == 0


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        (ClientMetricName.TIME_TO_FIRST_TOKEN, catalogue.CLIENT_FIRST_TOKEN),
        (ClientMetricName.STALL, catalogue.CLIENT_STALL),
        (ClientMetricName.LCP, catalogue.CLIENT_LCP),
        (ClientMetricName.INP, catalogue.CLIENT_INP),
        (ClientMetricName.CLS, catalogue.CLIENT_CLS),
    ],
)
def test_a_pages_measurement_is_recorded(
    telemetry: Telemetry, reader: InMemoryMetricReader, name: ClientMetricName, metric: Metric
) -> None:
    """Times and scores are distributions, without labels."""
    telemetry.client_metric(name, 0.25)
    assert value(reader, metric) == (1, 0.25)


def test_histograms_have_the_catalogues_bounds(telemetry: Telemetry, reader: InMemoryMetricReader) -> None:
    """Not the SDK's own, which are made for milliseconds."""
    everything(telemetry)
    data = reader.get_metrics_data()
    assert data is not None
    bounds = {
        metric.name: tuple(point.explicit_bounds)
        for metric in data.resource_metrics[0].scope_metrics[0].metrics
        for point in metric.data.data_points
        if hasattr(point, "explicit_bounds")
    }
    assert bounds == {metric.name: metric.buckets for metric in METRICS if metric.buckets}


def test_floods_of_labels_make_one_series(telemetry: Telemetry, reader: InMemoryMetricReader) -> None:
    """Any number of routes, tools and surfaces that nobody listed are one more value each; listed ones are none."""
    before = len(series(reader))
    for n in range(10_000):
        telemetry.request_ended(f"/{n}", f"M{n}", 200, 0.1)
        telemetry.tool_called(f"tool{n}", Context()).ended(f"outcome{n}")
        telemetry.breaker_changed(f"surface{n}", State.OPEN)
        telemetry.tool_called(ToolName.SEARCH, Context()).ended(ToolOutcome.OK)
        telemetry.breaker_changed(Surface.SEARCH, State.OPEN)
    made = (catalogue.REQUESTS, catalogue.TOOL_CALLS, catalogue.TOOL_DURATION, catalogue.BREAKER_STATE)
    assert len(series(reader)) == before + len([*made, "that of searches"])
    assert value(reader, catalogue.TOOL_CALLS, tool=OTHER, outcome=OTHER) == 10_000
    assert value(reader, catalogue.TOOL_CALLS, tool="search", outcome="ok") == 10_000


def test_the_catalogue_knows_the_policies() -> None:
    """Every endpoint's policy is a value of its label."""
    assert tuple(Policies.model_fields) == catalogue.POLICIES


def test_the_catalogue_knows_the_routes(make_app: MakeApp, tmp_path: Any) -> None:
    """Every rule of the application is a value of the route's label, with the methods it is made for."""
    ruled: dict[str, set[str]] = {catalogue.UNMATCHED: set(catalogue.METHODS)}
    for rule in make_app(page_dir=tmp_path).url_map.iter_rules():
        ruled.setdefault(as_template(rule.rule), set()).update((rule.methods or set()) - {"HEAD", "OPTIONS"})
    assert {route: set(methods) for route, methods in catalogue.ROUTE_METHODS.items()} == ruled


@pytest.mark.parametrize(
    ("rule", "template"),
    [
        ("/chat", "/chat"),
        ("/tools/<tool_name>", "/tools/{toolName}"),
        ("/client/<path:name>", "/client/{name}"),
        ("/a/<int:first_id>/<b>", "/a/{firstId}/{b}"),
    ],
)
def test_a_rule_is_written_as_in_the_document(rule: str, template: str) -> None:
    """Parameters stand in braces, in camel case, without their converter."""
    assert as_template(rule) == template


# --- the way to Prometheus -----------------------------------------------------------------------------------------


def scraped(telemetry: Telemetry) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by name and labels, each of which is there once."""
    samples = [
        # Prometheus knows no difference between a label that is empty and one that is not there.
        ((sample.name, frozenset((label, value) for label, value in sample.labels.items() if value)), sample.value)
        for family in text_string_to_metric_families(scrape(telemetry.metrics_port))
        for sample in family.samples
        if family.name not in ("target", "target_info")
    ]
    assert len(dict(samples)) == len(samples)
    return dict(samples)


def everything(telemetry: Telemetry) -> None:
    """Each histogram has a measurement, with and without an error; counters show at zero."""
    context = telemetry.tracing.context({"traceparent": PARENT})
    telemetry.request_ended("/api/v1/chat", "POST", 200, 0.2, context)
    telemetry.limit_used("chat", 0.3, context)
    stream = telemetry.stream_started(10.0, 10.002, context)
    stream.silent_for(0.03)
    stream.text_began(10.5, 10.501)
    stream.ended(ended(first_event_ms=120.0))
    stream.agent_ended(2, [])
    for outcome in (UpstreamOutcome.OK, UpstreamOutcome.THROTTLED):
        attempt = telemetry.attempt(Surface.AGENT, "POST", 1, {"traceparent": PARENT})
        attempt.asked()
        attempt.ended(outcome)
    for tool_outcome in (ToolOutcome.OK, ToolOutcome.REFUSED):
        telemetry.tool_called(ToolName.SQL, context).ended(tool_outcome)
    telemetry.history_written(0.001)
    telemetry.certificate_seen(2_000_000_000)
    for name in list(ClientMetricName)[:5]:
        telemetry.client_metric(name, 0.1)


def test_prometheus_reads_the_catalogue(make_telemetry: MakeTelemetry) -> None:
    """Names, kinds, help texts and labels are the catalogue's, and nothing but what tells the process is added."""
    telemetry = make_telemetry(metrics_port=0)
    everything(telemetry)
    families = {family.name: family for family in text_string_to_metric_families(scrape(telemetry.metrics_port))}
    info = families.pop("target_info").samples[0].labels
    assert (info["service_name"], info["service_version"]) == ("cortex-proxy", VERSION)
    assert set(families) == {metric.exposed.removesuffix("_total") for metric in METRICS}
    for metric in METRICS:
        family = families[metric.exposed.removesuffix("_total")]
        assert family.documentation == metric.help
        assert family.type == ("gauge" if metric.kind is MetricKind.UP_DOWN_COUNTER else metric.kind)
        labels = {label.replace(".", "_") for label in metric.labels}
        assert {label for sample in family.samples for label in sample.labels} - {"le"} == labels


def test_bounds_are_written_as_in_the_catalogue(make_telemetry: MakeTelemetry) -> None:
    """A rule can name a bound: no `le` is a whole number."""
    telemetry = make_telemetry(metrics_port=0)
    everything(telemetry)
    bounds = set(re.findall(r'le="([^"]+)"', scrape(telemetry.metrics_port)))
    assert bounds == {"+Inf"} | {str(bound) for metric in METRICS for bound in metric.buckets}


def test_scrapes_at_the_same_time_are_whole(make_telemetry: MakeTelemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of two scrapers reads every series once, also when the SDK could collect for both before it answers one."""
    telemetry = make_telemetry(metrics_port=0)
    expected = [line.split(" ")[0] for line in scrape(telemetry.metrics_port).splitlines()]
    both, one_is_done, add = threading.Barrier(2), threading.Event(), _CustomCollector.add_metrics_data

    def collect_for_both(collector: Any, data: Any) -> None:
        add(collector, data)
        with suppress(threading.BrokenBarrierError):
            if both.wait(0.2) == 1:
                one_is_done.wait(5)

    monkeypatch.setattr(_CustomCollector, "add_metrics_data", collect_for_both)
    read: list[list[str]] = []

    def read_once() -> None:
        read.append([line.split(" ")[0] for line in scrape(telemetry.metrics_port).splitlines()])
        one_is_done.set()

    scrapers = [threading.Thread(target=read_once) for _ in range(2)]
    for scraper in scrapers:
        scraper.start()
    for scraper in scrapers:
        scraper.join()
    assert read == [expected] * 2


def test_the_metrics_port_answers_nothing_else(make_telemetry: MakeTelemetry) -> None:
    """Other addresses are not found."""
    telemetry = make_telemetry(metrics_port=0)
    with pytest.raises(urllib.error.HTTPError) as refused:
        scrape(telemetry.metrics_port, "/")
    with refused.value as answer:
        assert answer.code == 404


def test_without_a_port_nothing_listens(make_telemetry: MakeTelemetry) -> None:
    """Metrics are offered where the settings ask for it."""
    assert make_telemetry().metrics_port is None


def test_nothing_listens_before_the_start(make_settings: MakeSettings) -> None:
    """Who only builds an application, or forks, opens no port and runs no thread."""
    before = threading.active_count()
    telemetry = Telemetry(make_settings(metrics_port=0, otlp_endpoint="http://127.0.0.1:9"))
    telemetry.request_ended("/", "GET", 200, 0.1)
    assert (telemetry.metrics_port, threading.active_count()) == (None, before)
    telemetry.shutdown(1)


def test_the_port_is_free_after_the_end(make_telemetry: MakeTelemetry) -> None:
    """Closing lets go of the port, and closing twice is once."""
    telemetry = make_telemetry(metrics_port=0)
    port = telemetry.metrics_port
    telemetry.shutdown(5)
    telemetry.shutdown(5)
    assert telemetry.metrics_port is None
    with closing(socket.socket()) as probe:
        assert probe.connect_ex(("127.0.0.1", port or 0)) != 0


def test_a_port_in_use_is_told(make_telemetry: MakeTelemetry) -> None:
    """The error names the setting and the address."""
    port = make_telemetry(metrics_port=0).metrics_port
    with pytest.raises(MetricsPortError, match=rf"CORTEX_PROXY_METRICS_PORT: 127\.0\.0\.1:{port} cannot be used: "):
        make_telemetry(metrics_port=port)


def test_a_port_past_the_last_is_told(make_settings: MakeSettings) -> None:
    """Of several processes the last ones' ports may be none."""
    beyond = for_process(make_settings(metrics_port=65535), 1)
    with pytest.raises(MetricsPortError, match=r"METRICS_PORT: 127\.0\.0\.1:65536 cannot be used: "):
        Telemetry(beyond).start()


def test_a_stalled_scraper_hinders_nobody(make_telemetry: MakeTelemetry) -> None:
    """While one scraper sends half a request, others are answered, and the end does not wait for it."""
    telemetry = make_telemetry(metrics_port=0)
    with socket.create_connection(("127.0.0.1", telemetry.metrics_port or 0)) as stalled:
        stalled.sendall(b"GET /metr")
        assert "cortex_proxy_requests_total" in scrape(telemetry.metrics_port)
        telemetry.shutdown(5)
        assert telemetry.metrics_port is None


# --- the way to a collector ----------------------------------------------------------------------------------------


def test_a_collector_gets_traces_and_metrics(make_telemetry: MakeTelemetry) -> None:
    """Below its base address, both with the process's own id."""
    with collector() as running:
        telemetry = make_telemetry(otlp_endpoint=running.url + "/")
        span, context = telemetry.tracing.start("POST /api/v1/chat", [("traceparent", PARENT)])
        telemetry.request_ended("/api/v1/chat", "POST", 200, 0.2, context)
        span.end()
        telemetry.flush(10)
        assert set(running.taken) == {"/v1/traces", "/v1/metrics"}
        traces = ExportTraceServiceRequest.FromString(running.taken["/v1/traces"][0]).resource_spans[0]
        metrics = ExportMetricsServiceRequest.FromString(running.taken["/v1/metrics"][0]).resource_metrics[0]
        telemetry.shutdown(10)
    assert traces.scope_spans[0].spans[0].trace_id.hex() == TRACE
    attributes = {attribute.key: attribute.value.string_value for attribute in traces.resource.attributes}
    assert (attributes["service.name"], attributes["service.version"]) == ("cortex-proxy", VERSION)
    assert len(attributes["service.instance.id"]) == 36
    assert list(metrics.resource.attributes) == list(traces.resource.attributes)
    by_name = {metric.name: metric for metric in metrics.scope_metrics[0].metrics}
    (timed,) = by_name["http.server.request.duration"].histogram.data_points
    assert [example.trace_id.hex() for example in timed.exemplars] == [TRACE]
    unseen = {catalogue.CERTIFICATE_EXPIRY.name}
    counters = {metric.name for metric in METRICS if metric.kind is not MetricKind.HISTOGRAM}
    assert set(by_name) == (counters - unseen) | {"http.server.request.duration"}


def test_the_end_sends_what_is_waiting(make_telemetry: MakeTelemetry) -> None:
    """Spans of the last moment arrive."""
    with collector() as running:
        telemetry = make_telemetry(otlp_endpoint=running.url)
        telemetry.tracing.start("last", [])[0].end()
        telemetry.shutdown(10)
        assert b"last" in running.taken["/v1/traces"][0]


def test_every_process_has_an_id_of_its_own(make_settings: MakeSettings) -> None:
    """Two processes of one service never overwrite each other's series."""
    ids = set()
    for _ in range(2):
        telemetry = Telemetry(make_settings())
        ids.add(telemetry.tracing.provider.resource.attributes["service.instance.id"])
    assert len(ids) == 2


@contextmanager
def silent_collector() -> Iterator[str]:
    """The address of a socket that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def closed_port() -> Iterator[str]:
    """An address where nothing listens, and nobody else will."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@pytest.mark.parametrize("dead", [silent_collector, closed_port])
@pytest.mark.parametrize("end", [Telemetry.flush, Telemetry.shutdown])
def test_a_dead_collector_holds_nobody_up(
    make_telemetry: MakeTelemetry,
    restored_logging: None,
    dead: Any,
    end: Callable[[Telemetry, float], None],
) -> None:
    """Sending ends when its time is over, without an error, a line at level error, or a thread that never ends."""
    stream = io.StringIO()
    logs.configure(stream=stream)
    before = set(threading.enumerate())
    with dead() as address:
        telemetry = make_telemetry(otlp_endpoint=address)
        for _ in range(600):  # more than a batch
            telemetry.tracing.start("x", [])[0].end()
        began_s = time.monotonic()
        end(telemetry, 0.3)
        assert time.monotonic() - began_s < EXPORT_TIMEOUT_S / 2  # the SDK alone waits for its exports
        telemetry.shutdown(0.1)
    for late in set(threading.enumerate()) - before:
        late.join(20)  # nothing tries for ever
        assert not late.is_alive()
    levels = [json.loads(line)["level"] for line in stream.getvalue().splitlines()]
    assert "error" not in levels
    assert len(levels) <= 2


class BrokenReader(InMemoryMetricReader):
    """Fails whenever it is asked for something."""

    def force_flush(self, timeout_millis: float = 10_000) -> bool:  # noqa: ARG002
        """Never true."""
        raise RuntimeError("canary")

    def shutdown(self, timeout_millis: float = 30_000, **_kwargs: Any) -> None:  # noqa: ARG002
        """Never ends well."""
        raise RuntimeError("canary")


def test_a_broken_way_out_stops_nobody(make_settings: MakeSettings, restored_logging: None) -> None:
    """What fails on the way is a line that tells where; the others are flushed and closed, and so is the proxy."""
    stream = io.StringIO()
    logs.configure(stream=stream)
    spans = InMemorySpanExporter()
    telemetry = Telemetry(make_settings(), readers=(BrokenReader(),), span_processors=(BatchSpanProcessor(spans),))
    telemetry.tracing.start("x", [])[0].end()
    telemetry.flush(5)
    assert len(spans.get_finished_spans()) == 1
    telemetry.shutdown(5)
    told = [
        (line["level"], line["exception"].partition(" ")[0]) for line in map(json.loads, stream.getvalue().splitlines())
    ]
    assert told == [("warning", "RuntimeError")] * 2
    assert "canary" not in stream.getvalue()


def test_failing_deliveries_are_told_once_and_counted(
    make_telemetry: MakeTelemetry, restored_logging: None, reader: InMemoryMetricReader
) -> None:
    """One line when a collector stops taking telemetry, one when it takes it again; every lost batch counts."""
    stream = io.StringIO()
    logs.configure(stream=stream)
    with collector() as running:
        telemetry = make_telemetry(otlp_endpoint=running.url, readers=(reader,))
        for status in (400, 400, 400, 200, 200):
            running.status = status
            telemetry.tracing.start("x", [])[0].end()
            telemetry.flush(10)
        assert value(reader, catalogue.EXPORT_FAILURES, signal="traces") == 3
        assert value(reader, catalogue.EXPORT_FAILURES, signal="metrics") == 3
        telemetry.shutdown(10)
    told = [(line["level"], line["signal"]) for line in map(json.loads, stream.getvalue().splitlines())]
    assert sorted(told) == [
        (level, signal) for level in ("info", "warning") for signal in ("logs", "metrics", "traces")
    ]
