"""The two ways out tell the same; examples and log lines leave by one of them; nothing is more than it may be."""

from __future__ import annotations

import io
import itertools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml
from opentelemetry.context import Context
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric as Sent
from prometheus_client.parser import text_string_to_metric_families

from contracts import telemetry as catalogue
from contracts.api import PREFIX, ClientMetricName, EndReason, PageErrorKind, ProxyEnd, StreamOutcome, ToolName
from contracts.telemetry import (
    METRICS,
    DropReason,
    Metric,
    RetryReason,
    Signal,
    Store,
    Surface,
    TokenOutcome,
    ToolOutcome,
    UpstreamOutcome,
)
from proxy import logs
from proxy.app import create_app
from proxy.exports import EXPORT_INTERVAL_S, Delivery, MetricExporter, SentReader
from proxy.parts import EXTENSION
from proxy.prices import Spent
from proxy.telemetry import SERVICE, Telemetry, span_id_of, trace_id_of
from proxy.tests.collector import Collector, collector, scrape
from proxy.tests.conftest import Keys, MakeSettings
from proxy.tests.upstream import STREAM, Upstream, until

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
MAX_SERIES = 1500
"""Of one process, in one scrape: what is promised to whoever stores them."""

MODELS = tuple(f"model-{number}" for number in range(12))
DOCUMENT = Path(catalogue.__file__).with_name("openapi.yaml")
NEVER_HERE = {"408", "414", "431"}
"""What the server answers itself: the application is never asked."""

Labels = frozenset[tuple[str, str]]
Series = set[tuple[str, Labels]]


@pytest.fixture
def telemetry_to(make_settings: MakeSettings, keys: Keys, tmp_path: Path) -> Iterator[Callable[[str], Telemetry]]:
    """Started telemetry that is scraped, and sends to a collector; with twelve models and all keys."""
    made: list[Telemetry] = []
    prices, coming, token = tmp_path / "prices.yaml", tmp_path / "coming.key", tmp_path / "token"
    prices.write_text(
        "models:\n" + "".join(f"  {model}: {{input: 1, cached: 1, output: 1}}\n" for model in MODELS), encoding="utf-8"
    )
    coming.write_bytes(b"x" * 32)
    token.write_text("token", encoding="ascii")

    def make(endpoint: str | None) -> Telemetry:
        telemetry = Telemetry(
            make_settings(
                metrics_port=0,
                otlp_endpoint=endpoint,
                prices_file=prices,
                next_session_key_file=coming,
                client_key_file=keys.client_key,
            )
        )
        made.append(telemetry)
        telemetry.observe(catalogue.HISTORY_WAITING, lambda: [({}, 3)])
        telemetry.observe(catalogue.RETRY_BUDGET_LEFT, lambda: [({"surface": each}, 0.5) for each in Surface])
        telemetry.start()
        return telemetry

    yield make
    for telemetry in made:
        telemetry.shutdown(5)


def everything(telemetry: Telemetry) -> None:
    """Everything that can happen to a proxy, with every value of every label that it can have."""
    context = telemetry.tracing.context(PARENT)
    _requests(telemetry, context)
    _streams(telemetry, context)
    _upstream(telemetry)
    for tool, outcome in itertools.product(ToolName, ToolOutcome):
        telemetry.tool_called(tool, context).ended(outcome)
    for policy, allowed in itertools.product(catalogue.POLICIES, (True, False)):
        telemetry.limit_decided(policy, allowed=allowed)
        telemetry.limit_used(policy, 0.5, context)
    for token in TokenOutcome:
        telemetry.session_token(token)
    telemetry.history_stored()
    telemetry.history_lost(2)
    telemetry.history_written(0.002)
    telemetry.store_used(Store.LIMITS, works=False)
    telemetry.certificate_seen(2_000_000_000)
    for name in list(ClientMetricName)[:5]:
        telemetry.client_metric(name, 0.25)
    for ended in StreamOutcome:
        telemetry.client_metric(ClientMetricName.STREAM_OUTCOME, 1, ended)
    for kind in PageErrorKind:
        telemetry.client_metric(ClientMetricName.PAGE_ERROR, 1, kind)
    for reason in DropReason:
        telemetry.client_metric_dropped(reason)
    for signal in Signal:
        telemetry._export_failed(signal)


def possible() -> Iterator[tuple[str, str, str]]:
    """Route, method and status of all that the application can answer."""
    for path, methods in yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))["paths"].items():
        route = re.sub("/tools/[a-z]+$", "/tools/{toolName}", path)
        for method, operation in methods.items():
            yield from ((route, method.upper(), status) for status in set(operation["responses"]) - NEVER_HERE)
    for route in (f"{PREFIX}/chat", f"{PREFIX}/tools/{{toolName}}"):
        yield route, "POST", "499"
    for route in ("/", "/client/{name}", "/rehearsal.json"):
        yield from ((route, "GET", status) for status in ("200", "206", "304", "404", "416", "421", "500", "503"))
    for method in (*catalogue.METHODS, catalogue.OTHER):
        yield from ((catalogue.UNMATCHED, method, status) for status in ("404", "405", "421", "500"))
    for route, methods in catalogue.ROUTE_METHODS.items():
        yield from ((route, "OPTIONS", status) for status in ("204", "421"))
        yield from ((route, "HEAD", status) for status in ("200", "421") if "GET" in methods)


def _requests(telemetry: Telemetry, context: Context) -> None:
    for route, method, status in possible():
        telemetry.request_ended(route, method, int(status), 0.2, context)


def _streams(telemetry: Telemetry, context: Context) -> None:
    for reason in EndReason:
        stream = telemetry.stream_started(10.0, 10.002, context)
        stream.silent_for(0.03)
        stream.stalled()
        stream.text_began(10.5, 10.501)
        stream.ended(
            ProxyEnd(reason=reason, turn_id="t", events=1, upstream_bytes=1, duration_ms=900.0, first_event_ms=90.0)
        )
        stream.agent_ended(3, [Spent(model, 10, 5, 2) for model in (*MODELS, "unlisted")])
    telemetry.answered([])


def _upstream(telemetry: Telemetry) -> None:
    for surface in Surface:
        methods = ("GET", "POST") if surface is Surface.SQL else ("POST",)  # a cancelled statement is a POST as well
        for method, outcome in itertools.product(methods, UpstreamOutcome):
            attempt = telemetry.attempt(surface, method, 1, PARENT)
            attempt.asked()
            attempt.ended(outcome)
        for reason in RetryReason:
            telemetry.retried(surface, reason)
        telemetry.budget_denied(surface)
        telemetry.breaker_changed(surface, "open")


# --- by scrape and by push


def scraped(telemetry: Telemetry) -> Series:
    """Names and labels of every sample of a scrape, but for those that name the process."""
    return {
        (sample.name, frozenset((label, value) for label, value in sample.labels.items() if value))
        for family in text_string_to_metric_families(scrape(telemetry.metrics_port))
        for sample in family.samples
        if family.name not in ("target", "target_info")
    }


def translated(taken: list[bytes]) -> Series:
    """The same of what a collector was sent, by the rules of Prometheus's own receiver.

    Source: opentelemetry.io, "Prometheus and OpenMetrics compatibility": dots become underscores, the unit and `total`
    are suffixes, braces of a unit are no unit, a distribution is three series.
    """
    found: Series = set()
    for body in taken:
        for metric in ExportMetricsServiceRequest.FromString(body).resource_metrics[0].scope_metrics[0].metrics:
            found |= _translated(metric)
    return found


def _translated(metric: Sent) -> Series:
    kind = metric.WhichOneof("data") or "gauge"
    unit = {"s": "_seconds", "By": "_bytes"}.get(re.sub(r"\{.*\}", "", metric.unit), "")
    name = re.sub(r"[^a-zA-Z0-9:]+", "_", metric.name.removesuffix("_total"))
    name = name if name.endswith(unit) else name + unit
    if kind == "sum" and metric.sum.is_monotonic:
        name += "_total"
    found: Series = set()
    for point in getattr(metric, kind).data_points:
        labels = frozenset(
            (each.key.replace(".", "_"), each.value.string_value or str(each.value.int_value))
            for each in point.attributes
        )
        if kind != "histogram":
            found.add((name, labels))
            continue
        bounds = [*(f"{bound:g}" if bound < 1e6 else str(bound) for bound in point.explicit_bounds), "+Inf"]
        found |= {(f"{name}_bucket", labels | {("le", bound)}) for bound in bounds}
        found |= {(f"{name}_sum", labels), (f"{name}_count", labels)}
    return found


def test_both_ways_give_the_same_series(telemetry_to: Callable[[str], Telemetry]) -> None:
    """Whoever scrapes and whoever is sent to can ask the same queries: same names, same labels, same bounds."""
    with collector() as running:
        telemetry = telemetry_to(running.url)
        everything(telemetry)
        telemetry.flush(10)
        pulled, pushed = scraped(telemetry), translated(running.taken["/v1/metrics"])
        telemetry.shutdown(10)
    assert pulled - pushed == set()
    assert pushed - pulled == set()


def test_every_metric_and_label_of_the_catalogue_leaves(telemetry_to: Callable[[str | None], Telemetry]) -> None:
    """By the names that dashboards and rules take from the catalogue."""
    telemetry = telemetry_to(None)
    everything(telemetry)
    found: dict[str, set[str]] = {}
    for name, labels in scraped(telemetry):
        found.setdefault(name, set()).update(label for label, _ in labels)
    for metric in METRICS:
        name = f"{metric.exposed}_count" if metric.buckets else metric.exposed
        assert found[name] == set(metric.exposed_labels)


# --- how many


def test_a_process_has_no_more_series_than_are_promised(telemetry_to: Callable[[str | None], Telemetry]) -> None:
    """With everything that can happen to it, a price table of twelve models, and all of its keys."""
    telemetry = telemetry_to(None)
    everything(telemetry)
    by_metric = count(telemetry)
    assert sum(by_metric.values()) <= MAX_SERIES, sorted(by_metric.items(), key=lambda item: -item[1])[:12]


def count(telemetry: Telemetry) -> dict[str, int]:
    """Samples of a scrape by metric."""
    names = {metric.exposed: metric for metric in METRICS}
    counted: dict[str, int] = {}
    for name, _ in scraped(telemetry):
        base = name if name in names else re.sub("_(bucket|sum|count)$", "", name)
        counted[base] = counted.get(base, 0) + 1
    return counted


# --- examples and lines

LATENCIES: list[tuple[Metric, Callable[[Telemetry, Context], object]]] = [
    (catalogue.REQUEST_DURATION, lambda t, c: t.request_ended("/api/v1/chat", "POST", 200, 0.1, c)),
    (catalogue.STREAM_FIRST_TOKEN, lambda t, c: t.stream_started(1.0, 1.1, c).text_began(1.2, 1.3)),
    (catalogue.STREAM_STAGES, lambda t, c: t.stream_started(1.0, 1.1, c).text_began(1.2, 1.3)),
    (catalogue.TOOL_DURATION, lambda t, c: t.tool_called("sql", c).ended("ok")),
    (catalogue.CLIENT_DURATION, lambda t, _: asked(t).ended("ok")),
]


def asked(telemetry: Telemetry) -> Any:
    """An attempt that is under way."""
    attempt = telemetry.attempt(Surface.AGENT, "POST", 1, PARENT)
    attempt.asked()
    return attempt


def exemplars(running: Collector, metric: Metric) -> set[str]:
    """Traces that are examples of a metric's buckets."""
    return {
        example.trace_id.hex()
        for body in running.taken["/v1/metrics"]
        for sent in ExportMetricsServiceRequest.FromString(body).resource_metrics[0].scope_metrics[0].metrics
        if sent.name == metric.name
        for point in sent.histogram.data_points
        for example in point.exemplars
    }


@pytest.mark.parametrize(("metric", "happens"), LATENCIES, ids=lambda value: getattr(value, "name", None))
def test_a_latency_names_a_trace(
    telemetry_to: Callable[[str], Telemetry], metric: Metric, happens: Callable[[Telemetry, Context], object]
) -> None:
    """A measurement made under a sampled span carries its trace to the collector."""
    with collector() as running:
        telemetry = telemetry_to(running.url)
        happens(telemetry, telemetry.tracing.context(PARENT))
        telemetry.flush(10)
        found = exemplars(running, metric)
        telemetry.shutdown(10)
    assert found == {TRACE}


def test_metrics_leave_as_often_as_wanted(
    telemetry_to: Callable[[str], Telemetry], monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenTelemetry's own variable decides, in milliseconds; without it ours does, and not the SDK's minute."""
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "20")
    with collector() as running:
        telemetry = telemetry_to(running.url)
        until(lambda: len(running.taken.get("/v1/metrics", ())) >= 3, "three batches of metrics")
        telemetry.shutdown(10)
    monkeypatch.delenv("OTEL_METRIC_EXPORT_INTERVAL")
    reader = SentReader(MetricExporter("http://127.0.0.1:9", Delivery(Signal.METRICS, print)))
    assert reader._export_interval_millis == EXPORT_INTERVAL_S * 1000
    reader.shutdown()


def test_a_scrape_names_no_trace(telemetry_to: Callable[[str | None], Telemetry]) -> None:
    """The exporter for scraping drops examples: who wants them needs a collector."""
    telemetry = telemetry_to(None)
    everything(telemetry)
    assert TRACE not in scrape(telemetry.metrics_port)


def records(running: Collector) -> list[LogRecord]:
    """All log records that a collector was sent."""
    return [
        record
        for body in running.taken.get("/v1/logs", [])
        for record in ExportLogsServiceRequest.FromString(body).resource_logs[0].scope_logs[0].log_records
    ]


def test_log_lines_are_sent_as_they_stand(telemetry_to: Callable[[str], Telemetry], restored_logging: None) -> None:
    """The body of a record is the line; its trace, span and severity are those that the line names."""
    stream = io.StringIO()
    logs.configure(stream=stream)
    with collector() as running:
        telemetry = telemetry_to(running.url)
        span, _ = telemetry.tracing.start("x", PARENT.items())
        log = structlog.get_logger("proxy.app")
        log.info("request", route="/livez", traceId=trace_id_of(span), spanId=span_id_of(span), canary="canary")
        log.warning("not ready", detail="password=canary")
        log.error("unhandled error")
        telemetry.flush(10)
        sent = records(running)
        resource = ExportLogsServiceRequest.FromString(running.taken["/v1/logs"][0]).resource_logs[0].resource
        telemetry.shutdown(10)
    assert [record.body.string_value for record in sent] == stream.getvalue().splitlines()
    assert [(record.severity_text, record.severity_number) for record in sent] == [
        ("INFO", 9),
        ("WARNING", 13),
        ("ERROR", 17),
    ]
    assert (sent[0].trace_id.hex(), sent[0].span_id.hex()) == (TRACE, span_id_of(span))
    assert {record.trace_id.hex().strip("0") for record in sent[1:]} == {""}
    assert all(record.time_unix_nano and not record.attributes for record in sent)
    assert "canary" not in repr(sent)
    names = {attribute.key: attribute.value.string_value for attribute in resource.attributes}
    assert names["service.name"] == SERVICE


def test_after_the_end_no_line_is_sent(telemetry_to: Callable[[str], Telemetry], restored_logging: None) -> None:
    """The log goes on, by itself."""
    stream = io.StringIO()
    logs.configure(stream=stream)
    with collector() as running:
        telemetry_to(running.url).shutdown(10)
        structlog.get_logger("proxy.app").info("ready again")
        assert records(running) == []
    assert json.loads(stream.getvalue())["event"] == "ready again"


def test_a_turns_lines_are_in_its_trace(make_settings: MakeSettings, restored_logging: None) -> None:
    """Both lines of a stream name its span, which is the one that the collector is sent."""
    logs.configure(stream=io.StringIO())
    with collector() as running, Upstream(lambda exchange: exchange.stream(STREAM, end=True)) as upstream:
        app = create_app(make_settings(snowflake_url=upstream.url, otlp_endpoint=running.url))
        wired = app.extensions[EXTENSION]
        wired.telemetry.start()
        client = app.test_client()
        token = client.post("/api/v1/session/token").get_json()
        answer = client.post(
            "/api/v1/chat",
            json={"sessionId": token["sessionId"], "message": "q"},
            headers={"Authorization": f"Bearer {token['token']}"},
        )
        assert STREAM in answer.data
        answer.close()
        wired.telemetry.flush(10)
        lines = [json.loads(record.body.string_value) for record in records(running)]
        ids = {
            (record.trace_id.hex(), record.span_id.hex())
            for record, line in zip(records(running), lines, strict=True)
            if line["route"] == "/api/v1/chat"
        }
        wired.history.close(5)
        wired.cortex.close()
        wired.telemetry.shutdown(10)
    assert [line["event"] for line in lines] == ["request", "request", "stream ended"]
    ((trace_id, span_id),) = ids
    assert trace_id == answer.headers["X-Trace-Id"]
    assert bytes.fromhex(span_id) in running.taken["/v1/traces"][0]
