"""Schemathesis: what the document promises, the application keeps, whatever it is asked.

Requests are made from the document, fitting and not, with a token and without, and sent to the whole application.
Behind it a real upstream answers on a socket, well and badly in turns.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from contracts.api import PREFIX, PROBLEM_BASE, PROBLEM_JSON, ProblemType, StreamEvent
from contracts.cortex import ANALYST_PATH, EVENT_STREAM, INLINE_RUN_PATH, STATEMENTS_PATH, THREADS_PATH
from proxy.openapi.operations import OPERATIONS, Access, Operation
from proxy.problems import CATALOGUE
from proxy.sse import SseDecoder
from proxy.tests import answers
from proxy.tests.conftest import MakeApp
from proxy.tests.described import event_conforms
from proxy.tests.upstream import STREAM, Exchange, Upstream

EXAMPLES = 20
"""Per operation and way of asking."""

UNIONS = {f"{PREFIX}/chat": "ChatEvent", f"{PREFIX}/tools/analyst": "AnalystEvent"}
PROBLEMS = {each.id: {PROBLEM_BASE + kind for kind in each.all_problems()} for each in OPERATIONS}
MISFORTUNES = itertools.cycle(["", "", "", "", "", "", "", "429", "503", "400", "404", "html", "cut", "nonsense"])


def upstream_script(exchange: Exchange) -> None:
    """Snowflake in short: what was asked is answered, but every now and then something else happens."""
    misfortune = next(MISFORTUNES)
    if misfortune.isdigit():
        exchange.json({"message": "canary", "code": "390142"}, f"{misfortune} Misfortune", Retry_After="1")
    elif misfortune == "html":
        exchange.head(Content_Type="text/html", Content_Length="4")
        exchange.send(b"<p/>")
    elif misfortune == "cut":
        exchange.head(Content_Type="application/json", Content_Length="40")
        exchange.send(b"{")
        exchange.cut()
    elif misfortune == "nonsense":
        exchange.json([{"neither": "nor"}])
    else:
        _answer(exchange)


def _answer(exchange: Exchange) -> None:
    path = exchange.path.partition("?")[0]
    if path == ANALYST_PATH and exchange.document["stream"]:
        exchange.stream(*answers.ANALYST_EVENTS, end=True)
    elif path == ANALYST_PATH:
        exchange.json(answers.ANALYST)
    elif path.startswith(STATEMENTS_PATH):
        exchange.json(answers.result())
    elif path == INLINE_RUN_PATH:
        exchange.json(answers.chart_run())
    elif path == THREADS_PATH:
        exchange.json({"thread_id": 77})
    elif path.endswith(":query"):
        exchange.json(answers.SEARCH)
    else:
        exchange.stream(STREAM, end=True)


@pytest.fixture
def app(make_app: MakeApp) -> Iterator[Flask]:
    """The whole application, and an upstream."""
    with Upstream(upstream_script) as upstream:
        yield make_app(snowflake_url=upstream.url)


Describe = Callable[[str], Any]


@pytest.fixture
def described(app: Flask) -> Describe:
    """An operation by its id, as the document that the application serves has it."""
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
    return schema.find_operation_by_id


def known_problems(_context: Any, response: Any, case: Any) -> None:
    """A refusal is a problem that the operation names, with its status; never a failure of the proxy itself."""
    if response.status_code < 400 or response.headers["content-type"] == ["application/json"]:
        return
    assert response.headers["content-type"] == [PROBLEM_JSON], response.headers
    problem = response.json()
    kind = ProblemType(problem["type"].removeprefix(PROBLEM_BASE))
    assert kind is not ProblemType.INTERNAL, problem
    assert problem["type"] in PROBLEMS[case.operation.definition.raw["operationId"].removesuffix("BelowPrefix")], (
        problem
    )
    assert problem["status"] == response.status_code == CATALOGUE[kind].status


def bodies_that_fit(context: Any, response: Any, case: Any) -> Any:
    """A body is what its schema says; a stream frame by frame, its data parsed, which Schemathesis leaves as text."""
    if response.status_code != 200 or not response.headers["content-type"][0].startswith(EVENT_STREAM):
        return response_schema_conformance(context, response, case)
    events = SseDecoder().feed(response.content)
    for event in events:
        event_conforms(event, UNIONS[case.path])
    assert (events[0].name, events[-1].name) == (StreamEvent.START, StreamEvent.END)
    return None


def hostile_requests_are_refused(context: Any, response: Any, case: Any) -> Any:
    """What does not fit its schema is refused; Schemathesis does not count being too large as a refusal."""
    return None if response.status_code == 413 else negative_data_rejection(context, response, case)


CHECKS = [
    known_problems,
    bodies_that_fit,
    hostile_requests_are_refused,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
]


CASES = pytest.mark.parametrize(
    ("operation", "mode"),
    [
        pytest.param(operation, mode, id=f"{operation.id}-{mode.value}")
        for operation in OPERATIONS
        for mode in GenerationMode
        # Where nothing is asked for, nothing can be wrong.
        if mode is GenerationMode.POSITIVE or operation.request or operation.parameters
    ],
)


def _asked(operation: Any, mode: GenerationMode, ask: Callable[[Any], None]) -> None:
    """Every case was asked, the same ones in every run."""

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask_each(case: Any) -> None:
        ask(case)

    ask_each()


@CASES
def test_who_has_a_token_gets_what_is_documented(
    app: Flask, described: Describe, operation: Operation, mode: GenerationMode
) -> None:
    """Fitting requests and hostile ones, of a user with a session."""

    def ask(case: Any) -> None:
        session = _token(app)
        if mode is GenerationMode.POSITIVE:
            _at_home(case, session["sessionId"])
        response = case.call(headers={"Authorization": f"Bearer {session['token']}"})
        case.validate_response(response, checks=CHECKS)

    _asked(described(operation.id), mode, ask)


@CASES
def test_who_has_none_gets_what_is_documented(
    app: Flask, described: Describe, operation: Operation, mode: GenerationMode
) -> None:
    """The same of somebody without a token; nobody gets in where one is required."""

    def ask(case: Any) -> None:
        response = case.call()
        case.validate_response(response, checks=CHECKS)
        assert response.status_code >= 400 or operation.access is not Access.SESSION

    _asked(described(operation.id), mode, ask)


def _token(app: Flask) -> Any:
    """A new session's token."""
    return json.loads(app.test_client().post(f"{PREFIX}/session/token").data)


def _at_home(case: Any, session_id: str) -> None:
    """Fitting requests are about the session that the token is of, and in SQL; no generator could guess either."""
    if isinstance(case.body, dict) and "sessionId" in case.body:
        case.body["sessionId"] = session_id
    if isinstance(case.body, dict) and "statement" in case.body:
        case.body["statement"] = "SELECT region FROM orders"
    if "sessionId" in case.path_parameters:
        case.path_parameters["sessionId"] = session_id
