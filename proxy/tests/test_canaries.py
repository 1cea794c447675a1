"""Secrets and content planted wherever they can enter, then searched for wherever the proxy says something."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from proxy import logs
from proxy.app import close, create_app
from proxy.parts import EXTENSION
from proxy.telemetry import Telemetry
from proxy.tests.conftest import CLIENT_KEY, SESSION_KEY, Keys, MakeSettings
from proxy.tests.upstream import EVENTS, STREAM, Exchange, Upstream

CANARY = "canary-4f1d"
CLIENT_SIDE = f"{CANARY}-client"
UPSTREAM_SIDE = f"{CANARY}-upstream"
"""What Snowflake says in errors: not even the client may see it."""

JWT_LIKE = f"eyJhbGciOiJIUzI1NiJ9.{CANARY}.c2lnbmF0dXJl"

HEADERS = {
    **dict.fromkeys(["User-Agent", "Cookie", "Referer", "Origin", "X-Forwarded-For", "X-Client-Key"], CLIENT_SIDE),
    **dict.fromkeys(["Accept", "Accept-Language", "If-None-Match", "X-Mock-Scenario", "Traceparent"], CLIENT_SIDE),
    "Baggage": f"mock.scenario={CLIENT_SIDE},a={JWT_LIKE}",
    "Tracestate": f"a={CLIENT_SIDE}",
    "X-Request-Id": f"{CLIENT_SIDE} with words",  # a well-formed one is there to be logged
}


@dataclass
class Heard:
    """Everything that an application says to anybody but the client that asked."""

    app: Flask
    log: io.StringIO
    spans: InMemorySpanExporter
    metrics: InMemoryMetricReader
    answers: list[str] = field(default_factory=list)

    def places(self) -> dict[str, str]:
        """All of it as text, by where it was said."""
        read = self.metrics.get_metrics_data()
        spans = [span.to_json() for span in self.spans.get_finished_spans()]
        return {"log": self.log.getvalue(), "spans": "\n".join(spans), "metrics": read.to_json() if read else ""}


@pytest.fixture
def heard(make_settings: MakeSettings, keys: Keys, restored_logging: None) -> Iterator[Heard]:
    """A production application in front of an upstream that fails in every way it can, full of canaries."""
    ways = cycle(_failures())
    with Upstream(lambda exchange: next(ways)(exchange)) as upstream:  # noqa: PLW0108 - a way per exchange
        settings = make_settings(
            snowflake_url=upstream.url, environment="production", client_key_file=keys.client_key, log_content=False
        )
        log, spans, metrics = io.StringIO(), InMemorySpanExporter(), InMemoryMetricReader()
        logs.configure(level="DEBUG", stream=log)
        telemetry = Telemetry(settings, readers=[metrics], span_processors=[SimpleSpanProcessor(spans)])
        app = create_app(settings, telemetry)
        yield Heard(app, log, spans, metrics)
        close(app)


def _failures() -> list[Any]:
    error = {"message": UPSTREAM_SIDE, "code": UPSTREAM_SIDE, "error_code": "390144", "request_id": UPSTREAM_SIDE}
    head = {"X_Snowflake_Request_Id": f"{UPSTREAM_SIDE}<>", "Set_Cookie": UPSTREAM_SIDE, "X_Other": UPSTREAM_SIDE}

    def json_answer(status: str, document: Any = error) -> Any:
        return lambda exchange: exchange.json(document, f"{status} {UPSTREAM_SIDE}", **head)

    def html(exchange: Exchange) -> None:
        body = f"<html>{UPSTREAM_SIDE}</html>".encode()
        exchange.head("502 X", Content_Type=f"text/{UPSTREAM_SIDE}", Content_Length=str(len(body)))
        exchange.send(body)

    def error_event(exchange: Exchange) -> None:
        data = json.dumps({"code": "399504", "message": "shown to the client, as Snowflake's own event"})
        exchange.stream(EVENTS[0], f"event: error\ndata: {data}\n\n".encode(), end=True, **head)

    def cut(exchange: Exchange) -> None:
        exchange.stream(EVENTS[0], b"event: response.text.delta\ndata: {")
        exchange.cut()

    return [
        *map(json_answer, ("400", "401", "401", "403", "404", "408", "409", "422", "500", "418")),
        json_answer("200", error),
        json_answer("200", {"code": "390112", "message": UPSTREAM_SIDE}),
        json_answer("200", [UPSTREAM_SIDE]),
        lambda exchange: exchange.json(error, "302 X", Location=f"http://{UPSTREAM_SIDE}/"),
        html,
        error_event,
        cut,
        Exchange.cut,
        lambda exchange: exchange.stream(STREAM, end=True),
    ]


def requests_of(token: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """Method, path and body of one request for every route and most of its ways to fail."""
    text = f"SELECT '{CLIENT_SIDE}', password='{CLIENT_SIDE}'"
    chat = {"sessionId": token["sessionId"], "message": f"{CLIENT_SIDE} {JWT_LIKE}"}
    return [
        ("POST", f"/api/v1/chat?{CLIENT_SIDE}", chat),
        ("POST", "/api/v1/chat", {**chat, CLIENT_SIDE: CLIENT_SIDE}),
        ("POST", "/api/v1/chat", {**chat, "sessionId": CLIENT_SIDE}),
        ("POST", "/api/v1/chat", f'{{"message":"{CLIENT_SIDE}'),
        ("POST", "/api/v1/tools/search", {"query": CLIENT_SIDE, "filter": {"@eq": {"REGION": CLIENT_SIDE}}}),
        ("POST", "/api/v1/tools/search", {"query": CLIENT_SIDE, "columns": ["CANARY_4F1D"]}),
        ("POST", "/api/v1/tools/analyst", {"messages": [{"role": "user", "text": CLIENT_SIDE}]}),
        ("POST", "/api/v1/tools/analyst", {"messages": [{"role": "user", "text": CLIENT_SIDE}], "stream": True}),
        ("POST", "/api/v1/tools/sql", {"statement": text, "bindings": [CLIENT_SIDE]}),
        ("POST", "/api/v1/tools/sql", {"statement": f"SELECT '{CLIENT_SIDE}'", "bindings": [CLIENT_SIDE]}),
        ("POST", "/api/v1/tools/sql", {"statement": f"DROP TABLE {CLIENT_SIDE}"}),
        ("POST", "/api/v1/tools/chart", {"intent": CLIENT_SIDE, "rows": [{CLIENT_SIDE: CLIENT_SIDE}]}),
        ("POST", "/api/v1/tools/chart", {"intent": CLIENT_SIDE, "statementHandle": CLIENT_SIDE}),
        ("POST", f"/api/v1/tools/{CLIENT_SIDE}", {}),
        ("GET", f"/api/v1/history/{CLIENT_SIDE}", None),
        ("GET", f"/api/v1/history/{token['sessionId']}?cursor={CLIENT_SIDE}&limit={CLIENT_SIDE}", None),
        ("DELETE", f"/api/v1/history/{CLIENT_SIDE}", None),
        ("POST", "/api/v1/metrics/report", {"metrics": [{"name": CLIENT_SIDE, "label": CLIENT_SIDE}]}),
        ("POST", "/api/v1/metrics/report", {"metrics": [{"name": "lcp_s", "value": 1}], "token": CLIENT_SIDE}),
        ("POST", "/api/v1/session/token", {"subject": CLIENT_SIDE}),
        ("GET", f"/{CLIENT_SIDE}", None),
        (CLIENT_SIDE.upper(), "/api/v1/chat", None),
        ("GET", "/readyz", None),
        ("GET", "/status", None),
    ]


def plant(heard: Heard) -> dict[str, Any]:
    """Ask everything, well and badly, often enough that the upstream fails in each of its ways; the token used."""
    client: FlaskClient = heard.app.test_client()
    opened = client.post("/api/v1/session/token", headers={"X-Client-Key": CLIENT_KEY.decode()})
    token: dict[str, Any] = opened.get_json()
    for bearer in [f"Bearer {token['token']}"] * 12 + [f"Bearer {JWT_LIKE}", CLIENT_SIDE]:
        for method, path, body in requests_of(token):
            data = body if isinstance(body, str) else None if body is None else json.dumps(body)
            response = client.open(
                path,
                method=method,
                data=data,
                headers=HEADERS | {"Authorization": bearer},
                content_type="application/json" if body is not None else None,
            )
            heard.answers.append(f"{response.headers}\n{response.get_data(as_text=True)}")
            response.close()
    return token


def test_nothing_planted_is_ever_said(heard: Heard, capfd: pytest.CaptureFixture[str]) -> None:
    """No log line, span or metric holds a client's words, a token, a key, or anything of Snowflake's errors."""
    token = plant(heard)
    printed = capfd.readouterr()
    said = heard.places() | {"stdout": printed.out, "stderr": printed.err}
    secrets = [CANARY, CANARY.upper(), token["token"], CLIENT_KEY.decode(), SESSION_KEY.decode(), "PRIVATE KEY"]
    assert {(place, secret) for place, text in said.items() for secret in secrets if secret in text} == set()
    assert said["log"].count("\n") > len(heard.answers), "requests were logged at all"
    assert said["spans"].count('"name"') > len(heard.answers)
    assert "cortex_proxy_upstream_attempts" in said["metrics"]


def test_clients_hear_nothing_of_snowflakes_errors_or_our_keys(heard: Heard) -> None:
    """An answer may repeat what its client sent, never the upstream's words, credentials or keys."""
    plant(heard)
    secrets = [UPSTREAM_SIDE, CLIENT_KEY.decode(), SESSION_KEY.decode(), "PRIVATE KEY"]
    assert {secret for secret in secrets for answer in heard.answers if secret in answer} == set()
    kinds = {answer.partition("/problems/")[2].partition('"')[0] for answer in heard.answers}
    assert {"upstream-rejected", "upstream-unauthorized", "upstream-protocol", "tool-unknown"} <= kinds
    assert "internal" not in kinds


def test_an_exception_full_of_secrets(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of ours is logged by its type and place; its words, which quote what was worked on, are not."""

    def fail(*_args: object) -> None:
        leaky = f"could not handle {CLIENT_SIDE} with {SESSION_KEY.decode()}"
        try:
            raise KeyError(leaky)
        except KeyError as cause:
            cause.add_note(CLIENT_SIDE)
            raise RuntimeError(leaky) from cause

    monkeypatch.setattr(heard.app.extensions[EXTENSION].tokens, "authenticate", fail, raising=False)
    client = heard.app.test_client()
    response = client.post("/api/v1/chat", json={}, headers={"Authorization": f"Bearer {JWT_LIKE}"})
    said = heard.places() | {"answer": response.get_data(as_text=True)}
    assert response.status_code == 500
    assert "RuntimeError at " in said["log"]
    assert {place for place, text in said.items() if CANARY in text or SESSION_KEY.decode() in text} == set()


def test_settings_show_no_secret(make_settings: MakeSettings, keys: Keys, tmp_path: Path) -> None:
    """Neither settings nor parts give a secret away when somebody prints them."""
    token = tmp_path / "token"
    token.write_text(CANARY, encoding="utf-8")
    settings = make_settings(
        private_key_file=None,
        pat_file=token,
        redis_url=f"redis://:{CANARY}@127.0.0.1:1/0",
        environment="production",
        client_key_file=keys.client_key,
    )
    app = create_app(settings.model_copy(update={"redis_url": None}))
    wired = app.extensions[EXTENSION]
    printed = (
        f"{settings!r}{settings}{wired!r}{wired.tokens!r}{wired.cortex!r}{vars(wired.cortex)}{sys.modules[__name__]}"
    )
    close(app)
    for secret in (CANARY, CLIENT_KEY.decode(), SESSION_KEY.decode()):
        assert secret not in printed
