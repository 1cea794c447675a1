"""The application as a whole: ids, headers, spans and log lines that every request has, and secrets that none shows."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from werkzeug.test import TestResponse

from proxy import logs
from proxy.app import create_app
from proxy.parts import EXTENSION
from proxy.tests.conftest import MakeApp, MakeSettings
from proxy.tests.upstream import STREAM, Exchange, Upstream


@pytest.fixture
def stream(restored_logging: None) -> io.StringIO:
    """Where the logs go."""
    stream = io.StringIO()
    logs.configure(level="DEBUG", stream=stream)
    return stream


def lines(stream: io.StringIO, event: str) -> list[dict[str, Any]]:
    """Log lines of one event."""
    return [line for line in map(json.loads, stream.getvalue().splitlines()) if line["event"] == event]


@pytest.mark.parametrize("path", ["/livez", "/nowhere", "/api/v1/chat"])
def test_every_answer_has_ids_and_security_headers(make_app: MakeApp, path: str) -> None:
    """Successes, misses and wrong methods alike name request and trace and forbid sniffing, framing and referring."""
    headers = make_app().test_client().get(path).headers
    assert len(headers["X-Request-Id"]) == len(headers["X-Trace-Id"]) == 32
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize(
    ("asked", "is_kept"),
    [
        ("abcdefgh", True),
        ("5d0f2c3a-2f0f-4b7f-9a53-0d6c2b1f0d11", True),
        ("short", False),
        ("x" * 65, False),
        ("with space", False),
        ("abcdefgh\x0b", False),
        ("<script>alert", False),
        ("äöüäöüäöü", False),
    ],
)
def test_a_callers_request_id(make_app: MakeApp, asked: str, is_kept: bool) -> None:
    """A well-formed id of the caller is used; any other is replaced, not repeated."""
    response = make_app().test_client().get("/nowhere", headers={"X-Request-Id": asked})
    assert (response.headers["X-Request-Id"] == asked) is is_kept
    assert response.get_json()["instance"] == response.headers["X-Request-Id"]


def test_a_request_is_one_line_and_one_span(make_app: MakeApp, stream: io.StringIO) -> None:
    """Both carry the route, not the path, so that neither is as manifold as the paths people try."""
    app, exporter = make_app(), InMemorySpanExporter()
    app.extensions[EXTENSION].telemetry.tracing.provider.add_span_processor(SimpleSpanProcessor(exporter))
    client = app.test_client()
    client.get("/livez?token=canary")
    client.get("/canary/nowhere")
    assert [(line["route"], line["status"]) for line in lines(stream, "request")] == [
        ("/livez", 200),
        ("unmatched", 404),
    ]
    assert [span.name for span in exporter.get_finished_spans()] == ["GET /livez", "GET unmatched"]
    assert "canary" not in stream.getvalue()


def test_a_streams_span_and_line_come_at_its_end(make_app: MakeApp, stream: io.StringIO) -> None:
    """The span of a turn lasts until its last byte, and its line says how it ended."""
    with Upstream(lambda exchange: exchange.stream(STREAM, end=True)) as upstream:
        app, exporter = make_app(snowflake_url=upstream.url), InMemorySpanExporter()
        app.extensions[EXTENSION].telemetry.tracing.provider.add_span_processor(SimpleSpanProcessor(exporter))
        client = app.test_client()
        token = client.post("/api/v1/session/token").get_json()
        exporter.clear()
        response = client.post(
            "/api/v1/chat",
            json={"sessionId": token["sessionId"], "message": "q"},
            headers={"Authorization": f"Bearer {token['token']}"},
        )
        (attempt,) = exporter.get_finished_spans()
        assert attempt.name == "POST agent"
        assert STREAM in response.data
        response.close()
    (_, span) = exporter.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["cortex.stream.end_reason"] == "completed"
    (line,) = lines(stream, "stream ended")
    assert (line["reason"], line["events"], line["upstreamBytes"]) == ("completed", 4, len(STREAM))
    assert line["traceId"] == response.headers["X-Trace-Id"]
    assert line["requestId"] == response.headers["X-Request-Id"]


@pytest.mark.parametrize("body", [b"{" + b" " * 2000, b"x" * 2000], ids=["json", "no json"])
def test_a_body_past_the_limit(make_app: MakeApp, body: bytes) -> None:
    """The limit holds for every route with a body."""
    client = make_app(policies={"token": {"body_bytes": 1024}}).test_client()
    response = client.post("/api/v1/session/token", data=body, content_type="application/json")
    assert (response.status_code, response.get_json()["detail"]) == (413, "The limit is 1024 bytes.")


def test_bad_keys_stop_the_start(make_settings: MakeSettings, tmp_path: Path) -> None:
    """A key file that is none is told when the application is made, not with the first request."""
    path = tmp_path / "key.p8"
    path.write_text("no key", encoding="utf-8")
    with pytest.raises(ValueError, match=str(path)):
        create_app(make_settings(private_key_file=path))


def test_importing_the_proxy_brings_only_what_it_needs() -> None:
    """The server, other rooms and slow libraries are not imported with the application."""
    program = "import sys, proxy.app; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)  # noqa: S603 - ours
    unwanted = {"mocks", "fixtures", "e2e", "harness", "gunicorn", "granian", "grpc", "duckdb"}
    assert unwanted & set(run.stdout.split()) == set()


def asked(app: Flask, upstream_path: str = "/api/v1/chat") -> TestResponse:
    """A turn asked for with a token of its own."""
    client = app.test_client()
    token = client.post("/api/v1/session/token").get_json()
    body = {"sessionId": token["sessionId"], "message": "q"}
    return client.post(upstream_path, json=body, headers={"Authorization": f"Bearer {token['token']}"})


def test_a_line_says_why_snowflake_refused(make_app: MakeApp, stream: io.StringIO) -> None:
    """Its code is in the request's line, though its words are nowhere."""
    with Upstream(lambda exchange: exchange.json({"code": "002003", "message": "canary"}, "404 X")) as upstream:
        asked(make_app(snowflake_url=upstream.url))
    *_, line = lines(stream, "request")
    assert (line["problem"], line["upstreamCode"]) == ("upstream-not-found", "002003")
    assert "canary" not in stream.getvalue()


def test_a_line_says_why_snowflake_was_not_reached(make_app: MakeApp, stream: io.StringIO) -> None:
    """The kind of the innermost failure is told for each try, and that the breaker has opened."""
    with Upstream(Exchange.end) as upstream:
        nobody = upstream.url
    app = make_app(snowflake_url=nobody)
    for _ in range(4):  # three tries each
        asked(app)
    told = lines(stream, "snowflake cannot be reached")
    assert {(line["surface"], line["error"]) for line in told} == {("agent", "ConnectionRefusedError")}
    (opened,) = lines(stream, "a breaker has changed")
    assert (opened["surface"], opened["breaker"]) == ("agent", "open")


def test_a_stream_has_two_lines(make_app: MakeApp, stream: io.StringIO) -> None:
    """Its request's line tells when the head was sent, its end's line how long all took, and both come at the end."""
    with Upstream(lambda exchange: exchange.stream(STREAM, end=True, X_Snowflake_Request_Id="up-1")) as upstream:
        response = asked(make_app(snowflake_url=upstream.url))
        assert lines(stream, "stream ended") == []
        assert STREAM in response.data
        response.close()
    *_, request = lines(stream, "request")
    (end,) = lines(stream, "stream ended")
    assert request["headersMs"] <= end["durationMs"]
    assert "durationMs" not in request
    assert (request["status"], request["upstreamRequestId"]) == (200, "up-1")
    assert {request["requestId"], end["requestId"]} == {response.headers["X-Request-Id"]}
