"""`POST /tools/{toolName}`: who may use which tool, how failures are told, and what a call holds while it runs."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import responses
from flask import Flask
from werkzeug.test import TestResponse

from contracts.api import ProblemType, ToolName
from contracts.cortex import ANALYST_PATH, INLINE_RUN_PATH, STATEMENTS_PATH
from contracts.telemetry import ToolOutcome
from proxy.limits import MemoryLeases
from proxy.parts import EXTENSION, Parts
from proxy.policies import Policies
from proxy.problems import ProblemError
from proxy.sse import SseDecoder
from proxy.telemetry import ToolCall
from proxy.tests import answers
from proxy.tests.answers import HANDLE
from proxy.tests.conftest import MakeApp, MakeCortex
from proxy.tests.errands import errand_for
from proxy.tests.upstream import DEADLINE_S, Exchange, Upstream, until
from proxy.tools import TOOLS

BASE = "http://127.0.0.1:9"
SEARCH_PATH = "/api/v2/databases/CORTEX_BENCH_DB/schemas/SALES/cortex-search-services/SALES_DOCS_SVC:query"
BODIES: dict[str, dict[str, Any]] = {
    "search": {"query": "refund deadline"},
    "analyst": {"messages": [{"role": "user", "text": "Net sales?"}]},
    "sql": {"statement": "SELECT 1"},
    "chart": {"intent": "bars", "rows": [{"REGION": "EMEA", "NET_SALES": 1250.5}]},
}
PATHS = {"search": SEARCH_PATH, "analyst": ANALYST_PATH, "sql": STATEMENTS_PATH, "chart": INLINE_RUN_PATH}
ANSWERS = {
    "search": answers.SEARCH,
    "analyst": answers.ANALYST,
    "sql": answers.result(),
    "chart": answers.chart_run(),
}
every_tool = pytest.mark.parametrize("tool", list(TOOLS))


@dataclass(frozen=True, slots=True)
class Page:
    """A page with a session."""

    app: Flask
    token: str

    def use(self, tool: str, body: Any = None, **environ: Any) -> TestResponse:
        """The answer of a tool; its body is the usual one unless given."""
        return self.app.test_client().post(
            f"/api/v1/tools/{tool}",
            json=BODIES[tool] if body is None else body,
            headers={"Authorization": f"Bearer {self.token}"},
            environ_overrides={name.replace("_", "."): value for name, value in environ.items()},
        )


def page(app: Flask) -> Page:
    """A page with a session of its own."""
    return Page(app, app.test_client().post("/api/v1/session/token").get_json()["token"])


def problem(response: TestResponse) -> str:
    """Last part of the problem's type."""
    assert response.content_type == "application/problem+json"
    return str(response.get_json()["type"]).rpartition("/")[2]


def nothing_held(app: Flask) -> bool:
    """Whether every slot and lease is free and nobody is watched."""
    wired: Parts = app.extensions[EXTENSION]
    assert isinstance(wired.leases, MemoryLeases)
    is_free = wired.slots._free._value == wired.settings.max_streams and not wired.leases._taken
    return is_free and not wired.watcher._callbacks and not wired.lifecycle.streams


@pytest.fixture
def outcomes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What telemetry is told of tools, in order."""
    told: list[tuple[str, str]] = []
    monkeypatch.setattr(ToolCall, "ended", lambda called, outcome: told.append((called.tool, outcome)))
    return told


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The server's and the client's end of a connection."""
    server, client = socket.socketpair()
    with server, client:
        yield server, client


# --- the registry ----------------------------------------------------------------------------------------------------


def test_the_registry_is_closed() -> None:
    """Exactly the tools of the contract, each under its own name and with limits of its own."""
    assert {name: tool.name for name, tool in TOOLS.items()} == {tool.value: tool for tool in ToolName}
    assert [tool.policy for tool in TOOLS.values()] == [f"tool_{name}" for name in TOOLS]
    assert set(Policies.model_fields) >= {tool.policy for tool in TOOLS.values()}


@responses.activate
@every_tool
def test_every_tool_answers(make_app: MakeApp, tool: str, outcomes: list[tuple[str, str]]) -> None:
    """JSON in the contract's form, that no cache keeps, with the limits it was held against."""
    responses.post(BASE + PATHS[tool], json=ANSWERS[tool])
    app = make_app()
    response = page(app).use(tool)
    assert response.status_code == 200
    assert response.content_type == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["RateLimit-Policy"].startswith(f'"tool_{tool}')
    first = {"search": "results", "analyst": "text", "sql": "columns", "chart": "chart"}[tool]
    assert next(iter(response.get_json())) == first
    assert outcomes == [(tool, ToolOutcome.OK)]
    assert nothing_held(app)


@pytest.mark.parametrize("name", ["shell", "SEARCH", "search ", "%73earch%00", "x" * 500])
def test_an_unknown_tool(make_app: MakeApp, name: str, outcomes: list[tuple[str, str]]) -> None:
    """The client learns which tools there are; the name it sent is shortened."""
    response = page(make_app()).use(name, {})
    assert (response.status_code, problem(response)) == (404, ProblemType.TOOL_UNKNOWN)
    assert response.get_json()["known"] == ["search", "analyst", "sql", "chart"]
    assert len(response.get_json()["detail"]) < 200
    assert outcomes == []


@pytest.mark.parametrize("name", ["shell", *TOOLS])
def test_nobody_unknown_uses_a_tool(make_app: MakeApp, name: str) -> None:
    """Without a session there is no telling known tools from unknown ones."""
    response = make_app().test_client().post(f"/api/v1/tools/{name}", json={})
    assert (response.status_code, problem(response)) == (401, ProblemType.TOKEN_MISSING)


def test_other_methods(make_app: MakeApp) -> None:
    """Tools are posted to."""
    assert make_app().test_client().get("/api/v1/tools/search").status_code == 405


@every_tool
def test_what_a_request_cannot_say(make_app: MakeApp, tool: str, outcomes: list[tuple[str, str]]) -> None:
    """With what a tool works is not the page's to choose."""
    user = page(make_app())
    for field in (
        *("model", "models", "role", "warehouse", "database", "schema", "tools", "toolResources", "tool_resources"),
        *("semanticView", "semantic_view", "parameters", "timeout", "instructions", "service", "requestId"),
    ):
        response = user.use(tool, BODIES[tool] | {field: "ACCOUNTADMIN"})
        assert (response.status_code, problem(response)) == (422, ProblemType.INVALID_REQUEST)
        assert [error["pointer"] for error in response.get_json()["errors"]] == [f"/{field}"]
    assert set(outcomes) == {(tool, ToolOutcome.REFUSED)}


@every_tool
def test_bodies_are_bounded(make_app: MakeApp, tool: str, outcomes: list[tuple[str, str]]) -> None:
    """By the tool's own policy."""
    app = make_app(policies={f"tool_{tool}": {"body_bytes": 1024}})
    response = page(app).use(tool, {"query": "x" * 1100})
    assert (response.status_code, problem(response)) == (413, ProblemType.BODY_TOO_LARGE)
    assert outcomes == [(tool, ToolOutcome.REFUSED)]
    assert nothing_held(app)


@responses.activate
def test_rates_count_per_tool(make_app: MakeApp) -> None:
    """Whoever has used up one tool may still use another."""
    responses.post(BASE + PATHS["search"], json=ANSWERS["search"])
    responses.post(BASE + PATHS["analyst"], json=ANSWERS["analyst"])
    user = page(make_app(policies={"tool_search": {"rate": 1}}))
    assert [user.use("search").status_code for _ in range(2)] == [200, 429]
    assert user.use("analyst").status_code == 200


# --- failures of the upstream ----------------------------------------------------------------------------------------

HTML = {"body": "<html>canary</html>", "content_type": "text/html"}


@responses.activate
@every_tool
@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [
        pytest.param(400, {"json": {"message": "canary"}}, ProblemType.UPSTREAM_REJECTED, id="400"),
        pytest.param(401, {"json": {"code": "390144"}}, ProblemType.UPSTREAM_UNAUTHORIZED, id="401"),
        pytest.param(403, {"json": {"message": "canary"}}, ProblemType.UPSTREAM_FORBIDDEN, id="403"),
        pytest.param(404, {"json": {"message": "canary"}}, ProblemType.UPSTREAM_NOT_FOUND, id="404"),
        pytest.param(429, {"json": {"code": "390505"}}, ProblemType.UPSTREAM_THROTTLED, id="429"),
        pytest.param(500, HTML, ProblemType.UPSTREAM_UNAVAILABLE, id="500"),
        pytest.param(200, HTML, ProblemType.UPSTREAM_PROTOCOL, id="HTML"),
        pytest.param(200, {"json": {"code": "390112"}}, ProblemType.UPSTREAM_UNAUTHORIZED, id="200, log in again"),
        pytest.param(200, {"body": '{"results":[{"canary'}, ProblemType.UPSTREAM_PROTOCOL, id="cut JSON"),
        pytest.param(200, {"json": ["canary"]}, ProblemType.UPSTREAM_PROTOCOL, id="list"),
        pytest.param(200, {"json": None}, ProblemType.UPSTREAM_PROTOCOL, id="null"),
        pytest.param(
            200, {"json": {"results": 1, "message": "canary", "content": 1}}, ProblemType.UPSTREAM_PROTOCOL, id="form"
        ),
    ],
)
def test_what_each_failure_means(
    make_cortex: MakeCortex, tool: str, status: int, answer: dict[str, Any], kind: ProblemType
) -> None:
    """The same for every tool, in our own words."""
    responses.post(BASE + PATHS[tool], status=status, **answer)
    used = TOOLS[tool]
    asked = used.request.model_validate(BODIES[tool])
    with pytest.raises(ProblemError) as failed:
        used.run(asked, errand_for(make_cortex(), used.policy))
    assert failed.value.kind is kind
    assert "canary" not in failed.value.detail


@responses.activate
@every_tool
def test_a_failure_reaches_the_page(make_app: MakeApp, tool: str, outcomes: list[tuple[str, str]]) -> None:
    """As a problem, and nothing stays behind."""
    responses.post(BASE + PATHS[tool], status=403, json={"code": "003001", "message": "canary"})
    app = make_app()
    response = page(app).use(tool)
    assert (response.status_code, problem(response)) == (502, ProblemType.UPSTREAM_FORBIDDEN)
    assert response.get_json()["upstreamCode"] == "003001"
    assert response.headers["Cache-Control"] == "no-store"
    assert outcomes == [(tool, ToolOutcome.FAILED)]
    assert nothing_held(app)


@responses.activate
@pytest.mark.parametrize(
    ("body", "answer", "outcome"),
    [
        pytest.param({"statement": "DROP TABLE A"}, {}, ToolOutcome.REFUSED, id="refused"),
        pytest.param({"statement": "SELECT 1"}, answers.failed("000904"), ToolOutcome.FAILED, id="failed"),
    ],
)
def test_whose_fault_it_was(
    make_app: MakeApp, body: Any, answer: Any, outcome: ToolOutcome, outcomes: list[tuple[str, str]]
) -> None:
    """The guard's refusals are told from Snowflake's failures, though both are 422."""
    responses.post(BASE + STATEMENTS_PATH, status=422, json=answer)
    assert page(make_app()).use("sql", body).status_code == 422
    assert outcomes == [("sql", outcome)]


@responses.activate
@pytest.mark.parametrize(
    "value", [pytest.param('"\\ud800"', id="lone surrogate"), pytest.param("[" * 300 + "]" * 300, id="deep")]
)
def test_what_cannot_be_passed_on(make_app: MakeApp, value: str, outcomes: list[tuple[str, str]]) -> None:
    """An answer that is JSON, but that no JSON can be made of, is the upstream's fault."""
    responses.post(BASE + PATHS["search"], body=f'{{"results":[{{"TITLE":{value}}}]}}', content_type="application/json")
    response = page(make_app()).use("search")
    assert (response.status_code, problem(response)) == (502, ProblemType.UPSTREAM_PROTOCOL)
    assert outcomes == [("search", ToolOutcome.FAILED)]


# --- clients that leave ----------------------------------------------------------------------------------------------


@every_tool
def test_a_client_that_leaves(
    make_app: MakeApp, tool: str, sockets: tuple[socket.socket, socket.socket], outcomes: list[tuple[str, str]]
) -> None:
    """Its call is given up at once, a statement is cancelled in Snowflake, and nothing stays behind."""
    server, client = sockets
    cancelled = threading.Event()

    def script(exchange: Exchange) -> None:
        path = exchange.path.split("?")[0]
        if path.endswith("/cancel"):
            cancelled.set()
            exchange.json(answers.CANCELLED)
        elif path == STATEMENTS_PATH:
            exchange.json(answers.RUNNING, "202 Accepted")
        else:
            client.close()
            exchange.wait_left()

    with Upstream(script) as upstream:
        app = make_app(snowflake_url=upstream.url)
        response = page(app).use(tool, gunicorn_socket=server)
        assert response.status_code == 499
        assert nothing_held(app)
    assert cancelled.is_set() == (tool == "sql")
    assert outcomes == [(tool, ToolOutcome.CANCELLED)]


# --- results of statements -------------------------------------------------------------------------------------------


@responses.activate
def test_a_statements_result_is_drawn(make_app: MakeApp) -> None:
    """The chart tool takes the handle that the SQL tool gave; another page's session does not."""
    responses.post(BASE + STATEMENTS_PATH, json=answers.result())
    responses.get(f"{BASE}{STATEMENTS_PATH}/{HANDLE}", json=answers.result())
    responses.post(BASE + INLINE_RUN_PATH, json=answers.chart_run())
    app = make_app()
    user, other = page(app), page(app)
    handle = user.use("sql").get_json()["statementHandle"]
    assert handle != HANDLE
    body = {"intent": "bars", "statementHandle": handle}
    assert user.use("chart", body).get_json()["chart"] == answers.SPEC
    refused = other.use("chart", body)
    assert (refused.status_code, problem(refused)) == (404, ProblemType.RESULT_NOT_FOUND)


# --- the analyst's stream --------------------------------------------------------------------------------------------

STREAMED = BODIES["analyst"] | {"stream": True}


@pytest.mark.parametrize(
    ("events", "reason", "outcome"),
    [
        pytest.param(answers.ANALYST_EVENTS, "completed", ToolOutcome.OK, id="whole"),
        pytest.param(answers.ANALYST_EVENTS[:3], "upstream_truncated", ToolOutcome.FAILED, id="cut"),
    ],
)
def test_a_streamed_answer(
    make_app: MakeApp,
    events: tuple[bytes, ...],
    reason: str,
    outcome: ToolOutcome,
    outcomes: list[tuple[str, str]],
) -> None:
    """Snowflake's events between our two frames; slot and lease are held until the end, which tells how it went."""
    with Upstream(lambda exchange: exchange.stream(*events, end=True)) as upstream:
        app = make_app(snowflake_url=upstream.url)
        response = page(app).use("analyst", STREAMED)
        assert response.status_code == 200
        assert response.content_type == "text/event-stream; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-cache, no-transform"
        assert not nothing_held(app)
        assert outcomes == []
        assert b"".join(events) in response.data
        response.close()
    first, *_, last = SseDecoder().feed(response.data)
    assert (first.name, last.name) == ("proxy.start", "proxy.end")
    assert json.loads(last.data)["reason"] == reason
    assert outcomes == [("analyst", outcome)]
    until(lambda: nothing_held(app), "slot, lease and watch are given back")


def test_a_stream_that_does_not_begin(make_app: MakeApp, outcomes: list[tuple[str, str]]) -> None:
    """Before the first byte a failure is an ordinary problem."""
    with Upstream(lambda exchange: exchange.json({"code": "1"}, "403 Forbidden")) as upstream:
        app = make_app(snowflake_url=upstream.url)
        response = page(app).use("analyst", STREAMED)
        assert (response.status_code, problem(response)) == (502, ProblemType.UPSTREAM_FORBIDDEN)
    assert outcomes == [("analyst", ToolOutcome.FAILED)]
    assert nothing_held(app)


def test_leaving_before_the_stream_begins(
    make_app: MakeApp, sockets: tuple[socket.socket, socket.socket], outcomes: list[tuple[str, str]]
) -> None:
    """The client's departure ends the waiting for Snowflake's first byte."""
    server, client = sockets

    def script(exchange: Exchange) -> None:
        client.close()
        exchange.wait_left()

    with Upstream(script) as upstream:
        app = make_app(snowflake_url=upstream.url)
        assert page(app).use("analyst", STREAMED, gunicorn_socket=server).status_code == 499
        assert upstream.seen[0].left.wait(DEADLINE_S)
    assert outcomes == [("analyst", ToolOutcome.CANCELLED)]
    assert nothing_held(app)
