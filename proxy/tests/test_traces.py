"""Spans and log lines are those of the catalogue: every one that is emitted is listed, and every listed one emitted."""

from __future__ import annotations

import ast
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from contracts.telemetry import CLIENT_DURATION, SESSION_TOKENS, TOKENS, UNPRICED
from contracts.traces import CONTENT_FIELDS, LOG_EVENTS, REQUEST_SPAN, SPANS, Kind, LogEvent, SpanForm
from proxy import logs
from proxy.app import close, create_app
from proxy.telemetry import Telemetry
from proxy.tests import answers
from proxy.tests.conftest import Keys, MakeSettings
from proxy.tests.upstream import STREAM, Exchange, Upstream

# --- log lines

MODULES = [path for path in sorted(Path(logs.__file__).parent.glob("**/*.py")) if "tests" not in path.parts]
BY_EVENT = {each.event: each for each in LOG_EVENTS}
AS_LEVEL = {"exception": "error"}


@dataclass(frozen=True, slots=True)
class Said:
    """One call of a logger."""

    level: str
    events: tuple[str, ...]
    fields: frozenset[str]


def said(tree: ast.AST) -> list[Said]:
    """Every call of a module's `log`, with what it may say."""
    tables = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    return [
        Said(AS_LEVEL.get(call.func.attr, call.func.attr), words(call.args[0]), frozenset(fields(call, tables)))
        for call in calls
        if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "log"
    ]


def words(node: ast.AST | None) -> tuple[str, ...]:
    """The texts that an expression may be."""
    match node:
        case ast.Constant(value=str(text)):
            return (text,)
        case ast.IfExp(body=one, orelse=other):
            return words(one) + words(other)
    raise AssertionError(f"an event or a field is said in words, not as {ast.unparse(node) if node else node}")


def fields(call: ast.Call, tables: dict[str, ast.Dict]) -> Iterator[str]:
    """The names of what a call passes, one by one or in a table of its module."""
    assert isinstance(call.func, ast.Attribute)
    if call.func.attr == "exception":
        yield "exception"
    for keyword in call.keywords:
        if keyword.arg is not None:
            yield "exception" if keyword.arg == "exc_info" else keyword.arg
            continue
        assert isinstance(keyword.value, ast.Name)
        for key in tables[keyword.value.id].keys:
            yield from words(key)


def unlisted(call: Said) -> list[str]:
    """What the catalogue does not know of a call."""
    faults = []
    for event in call.events:
        listed = BY_EVENT.get(event, LogEvent(event, "", (), ""))
        faults += [f"{event}: {name}" for name in sorted(call.fields - set(listed.fields))]
        faults += [] if call.level == listed.level else [f"{event}: level {call.level}"]
    return faults


EVERYTHING_SAID = [call for path in MODULES for call in said(ast.parse(path.read_text(encoding="utf-8")))]


def test_what_is_logged_is_listed() -> None:
    """Every event, its level and its fields stand in the catalogue."""
    assert [fault for call in EVERYTHING_SAID for fault in unlisted(call)] == []


def test_what_is_listed_is_logged() -> None:
    """No event and no field of one is in the catalogue that nobody logs."""
    logged: dict[str, set[str]] = {}
    for call in EVERYTHING_SAID:
        for event in call.events:
            logged.setdefault(event, set()).update(call.fields)
    assert logged == {each.event: set(each.fields) for each in LOG_EVENTS}


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("log.info('canary')", "canary: level info"),
        ("log.info('request', canary=1)", "request: canary"),
        ("log.error('request')", "request: level error"),
        ("told = {'canary': 1}\nlog.info('request', **told)", "request: canary"),
        ("log.info('request' if x else 'canary')", "canary: level info"),
        ("log.exception('request refused')", "request refused: exception"),
    ],
)
def test_the_check_of_lines_sees_them(code: str, fault: str) -> None:
    """Events, fields and levels that nobody listed are found, however they are passed."""
    assert fault in [each for call in said(ast.parse(code)) for each in unlisted(call)]


def test_an_event_in_no_words_is_found() -> None:
    """What cannot be read from the code is no event."""
    with pytest.raises(AssertionError, match="said in words"):
        said(ast.parse("log.info(event)"))


def test_fields_of_the_log_are_the_catalogues() -> None:
    """What people say is apart."""
    assert not logs.FIELDS & logs.CONTENT
    assert frozenset(CONTENT_FIELDS) == logs.CONTENT


# --- spans


@dataclass(frozen=True, slots=True)
class Traced:
    """A proxy whose spans are kept."""

    client: FlaskClient
    spans: InMemorySpanExporter
    metrics: InMemoryMetricReader

    def ask(self, path: str, body: Any, **headers: str) -> Any:
        """The answer to a request of a session, read to its end."""
        token = self.client.post("/api/v1/session/token").get_json()
        body = {key: token["sessionId"] if value == "its own" else value for key, value in body.items()}
        headers = {"Authorization": f"Bearer {token['token']}", **headers}
        self.spans.clear()
        answer = self.client.post(f"/api/v1{path}", json=body, headers=headers)
        _ = answer.data
        answer.close()
        return answer

    def finished(self) -> list[ReadableSpan]:
        """All spans since the last request began."""
        return list(self.spans.get_finished_spans())


CHAT = {"sessionId": "its own", "message": "q"}


@pytest.fixture
def traced(make_settings: MakeSettings) -> Iterator[Callable[..., Traced]]:
    """Makes a proxy in front of an upstream."""
    made: list[Any] = []

    def make(url: str, **changed: Any) -> Traced:
        spans, metrics = InMemorySpanExporter(), InMemoryMetricReader()
        settings = make_settings(snowflake_url=url, **changed)
        telemetry = Telemetry(settings, readers=[metrics], span_processors=[SimpleSpanProcessor(spans)])
        made.append(create_app(settings, telemetry))
        return Traced(made[-1].test_client(), spans, metrics)

    yield make
    for app in made:
        close(app)


def form_of(span: ReadableSpan) -> SpanForm:
    """The catalogue's form of a span of the proxy."""
    (form,) = (form for form in SPANS if form.service == "cortex-proxy" and form.kind == span.kind.name.lower())
    return form


def test_the_spans_of_a_turn(traced: Callable[..., Traced]) -> None:
    """An agent's turn is a span of its own, with what it took; each attempt upstream is a child, and Snowflake's."""

    def script(exchange: Exchange) -> None:
        if exchange.path.endswith("/threads"):
            exchange.json({"thread_id": 42})
        elif len(upstream.seen) == 2:
            exchange.json({}, "429 X", Retry_After="0")
        else:
            exchange.stream(STREAM, end=True, X_Snowflake_Request_Id="abc-1")

    with Upstream(script) as upstream:
        asked = traced(upstream.url)
        answer = asked.ask("/chat", {**CHAT, "parentMessageId": 0}, **{"X-Request-Id": "request-0001"})
    thread, throttled, run, request = asked.finished()
    assert [span.name for span in (thread, throttled, run)] == ["POST agent"] * 3
    assert all(span.parent and span.parent.span_id == request.context.span_id for span in (thread, throttled, run))
    sent = [exchange.headers["traceparent"].split("-")[2] for exchange in upstream.seen]
    assert sent == [f"{span.context.span_id:016x}" for span in (thread, throttled, run)]
    assert dict(throttled.attributes or {}) == {
        "http.request.method": "POST",
        "cortex.surface": "agent",
        "http.response.status_code": 429,
        "error.type": "throttled",
    }
    assert dict(run.attributes or {})["http.request.resend_count"] == 1
    assert [span.status.status_code for span in (throttled, run)] == [StatusCode.ERROR, StatusCode.UNSET]
    told = dict(request.attributes or {})
    first_chunk_s = told.pop("gen_ai.response.time_to_first_chunk")
    assert isinstance(first_chunk_s, float)
    assert 0 < first_chunk_s < 60
    assert len(str(told.pop("cortex.turn.id"))) == len(str(told.pop("session.id"))) == 32
    assert told == {
        "http.request.method": "POST",
        "http.route": "/api/v1/chat",
        "http.response.status_code": 200,
        "cortex.request.id": "request-0001",
        "cortex.upstream.request_id": "abc-1",
        "cortex.stream.end_reason": "completed",
        "cortex.stream.events": 4,
        "cortex.stream.upstream_bytes": len(STREAM),
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "snowflake.cortex",
        "gen_ai.agent.name": "SALES_AGENT",
        "gen_ai.request.stream": True,
        "gen_ai.conversation.id": "42",
        "gen_ai.response.model": "m",
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 2,
        "gen_ai.usage.output_tokens": 5,
    }
    assert answer.headers["X-Trace-Id"] == f"{request.context.trace_id:032x}"


def test_the_spans_of_a_tool(traced: Callable[..., Traced]) -> None:
    """A tool's call lies between the request and what it asks of Snowflake; a failure is an error of all three."""
    with Upstream(lambda exchange: exchange.json({}, "500 X")) as upstream:
        asked = traced(upstream.url)
        answer = asked.ask("/tools/search", {"query": "q"})
    *attempts, tool, request = asked.finished()
    assert (answer.status_code, tool.name) == (503, "execute_tool search")
    assert tool.parent is not None
    assert tool.parent.span_id == request.context.span_id
    assert {span.parent.span_id for span in attempts if span.parent} == {tool.context.span_id}
    assert dict(tool.attributes or {}) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "search",
        "gen_ai.tool.type": "extension",
        "error.type": "failed",
    }
    assert dict(request.attributes or {})["error.type"] == "503"
    assert {span.status.status_code for span in (*attempts, tool, request)} == {StatusCode.ERROR}


def test_a_tools_span_lasts_as_long_as_its_stream(traced: Callable[..., Traced]) -> None:
    """A tool that streams has ended when its stream has."""
    events = b"".join(answers.ANALYST_EVENTS)
    with Upstream(lambda exchange: exchange.stream(events, end=True)) as upstream:
        asked = traced(upstream.url)
        asked.ask("/tools/analyst", {"messages": [{"role": "user", "text": "q"}], "stream": True})
    attempt, tool, request = asked.finished()
    assert tool.start_time is not None
    assert request.end_time is not None
    assert attempt.end_time is not None
    assert tool.end_time is not None
    assert tool.start_time <= attempt.end_time <= tool.end_time <= request.end_time
    assert "gen_ai.operation.name" not in dict(request.attributes or {}), "no agent answered"


def test_every_attribute_is_listed_and_every_listed_one_is_set(traced: Callable[..., Traced]) -> None:
    """Turns, tools and refusals, well and badly, set what the catalogue has for the proxy's spans, and nothing else."""

    def script(exchange: Exchange) -> None:
        if exchange.path.endswith("/threads"):
            exchange.json({"thread_id": 42})
        elif exchange.path.endswith(":query"):
            exchange.json({}, "503 X")
        elif len(upstream.seen) < 3:
            exchange.json({}, "429 X")
        else:
            exchange.stream(STREAM, end=True, X_Snowflake_Request_Id="abc-1")

    found: dict[str, set[str]] = {}
    with Upstream(script) as upstream:
        asked = traced(upstream.url)
        requests: list[tuple[str, dict[str, Any]]] = [
            ("/chat", {**CHAT, "parentMessageId": 0}),
            ("/chat", {**CHAT, "message": ""}),
            ("/tools/search", {"query": "q"}),
            ("/nowhere", {}),
        ]
        for path, body in requests:
            asked.ask(path, body, baggage="test.id=story-01")
            for span in asked.finished():
                found.setdefault(form_of(span).name + span.kind.name, set()).update(span.attributes or {})
    listed = {
        form.name + form.kind.name: {attribute.name for attribute in form.attributes}
        for form in SPANS
        if form.service == "cortex-proxy"
    }
    assert found == listed


@pytest.mark.parametrize(("environment", "told"), [("development", "story-01"), ("production", None)])
def test_only_a_rehearsal_says_which_test_asked(
    traced: Callable[..., Traced], restored_logging: None, keys: Keys, environment: str, told: str | None
) -> None:
    """Span and line of a request carry the id in development; in production nothing that baggage says is told."""
    logs.configure(stream=(written := io.StringIO()))
    asked = traced("https://127.0.0.1:9", environment=environment, client_key_file=keys.client_key)
    asked.client.get("/livez", headers={"baggage": "test.id=story-01"})
    (span,) = asked.finished()
    (line,) = map(json.loads, written.getvalue().splitlines())
    assert (dict(span.attributes or {}).get("test.id"), line.get("testId")) == (told, told)
    assert ("story-01" in f"{span.to_json()}{line}") == (told is not None)


def test_every_kind_of_span_is_told_apart_by_its_side() -> None:
    """Of the proxy's forms no two have one kind, which is how the test above knows them."""
    kinds = [form.kind for form in SPANS if form.service == REQUEST_SPAN.service]
    assert sorted(kinds) == sorted(Kind)


# --- what a whole proxy measures on the way


def measured(metrics: InMemoryMetricReader, name: str) -> list[tuple[dict[str, Any], Any]]:
    """Labels and value of each series, of a distribution its count."""
    found = json.loads((metrics.get_metrics_data() or pytest.fail("nothing was measured")).to_json())
    (metric,) = (
        metric
        for scope in found["resource_metrics"][0]["scope_metrics"]
        for metric in scope["metrics"]
        if metric["name"] == name
    )
    return [(point["attributes"], point.get("value", point.get("count"))) for point in metric["data"]["data_points"]]


def test_attempts_are_timed_by_how_they_ended(traced: Callable[..., Traced]) -> None:
    """Without an error there is no error type; an attempt that got no answer at all is timed as well."""

    def script(exchange: Exchange) -> None:
        if len(upstream.seen) == 1:
            exchange.json({}, "429 X", Retry_After="0")
        elif len(upstream.seen) == 2:
            exchange.stream(STREAM, end=True)
        else:
            exchange.cut()

    with Upstream(script) as upstream:
        asked = traced(upstream.url)
        for _ in range(2):
            asked.ask("/chat", {**CHAT, "threadId": 1, "parentMessageId": 1})
    base = {"http.request.method": "POST", "surface": "agent"}
    counted = {labels.get("error.type"): count for labels, count in measured(asked.metrics, CLIENT_DURATION.name)}
    assert counted == {"throttled": 1, None: 1, "unreachable": 1}
    assert all(base.items() <= labels.items() for labels, _ in measured(asked.metrics, CLIENT_DURATION.name))


def test_requests_for_a_token_are_counted_by_what_became_of_them(traced: Callable[..., Traced]) -> None:
    """Issued, refreshed, or refused for whatever reason."""
    client = (asked := traced("http://127.0.0.1:9")).client
    token = client.post("/api/v1/session/token").get_json()["token"]
    client.post("/api/v1/session/token", headers={"Authorization": f"Bearer {token}"})
    client.post("/api/v1/session/token", headers={"Authorization": "Bearer x.y.z"})
    client.post("/api/v1/session/token", data=b"{", content_type="application/json")
    counted = {labels["outcome"]: count for labels, count in measured(asked.metrics, SESSION_TOKENS.name)}
    assert counted == {"issued": 1, "refreshed": 1, "refused": 2}


def test_what_a_chart_spends_is_counted(traced: Callable[..., Traced]) -> None:
    """The agent that draws is a model's answer like others; nobody has listed a price, so it is unpriced."""
    run = answers.chart_run()
    used = {"model_name": "m", "input_tokens": {"total": 70, "cache_read": 20}, "output_tokens": {"total": 5}}
    run["metadata"] = {"usage": {"tokens_consumed": [used]}}
    with Upstream(lambda exchange: exchange.json(run)) as upstream:
        asked = traced(upstream.url)
        answer = asked.ask("/tools/chart", {"intent": "sales", "rows": [{"REGION": "EMEA", "NET_SALES": 1}]})
    assert answer.status_code == 200
    counted = {labels["kind"]: count for labels, count in measured(asked.metrics, TOKENS.name)}
    assert counted == {"input": 70, "cached": 20, "output": 5}
    assert measured(asked.metrics, UNPRICED.name) == [({"reason": "unknown_model"}, 1)]
