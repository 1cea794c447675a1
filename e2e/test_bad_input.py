"""Bad requests, through the running stack: each gets a clear, specific problem."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from contracts.api import PREFIX, PROBLEM_JSON
from e2e.client_api import TIMEOUT_S, Client, ask_mock
from e2e.stack import Stack, running

RUN = "/api/v2/databases/CORTEX_BENCH_DB/schemas/SALES/agents/SALES_AGENT:run"

CHAT_CASES: dict[str, tuple[dict[str, Any], int, str, str]] = {
    "malformed JSON": ({"json": None, "data": b'{"message":', "type": True}, 400, "malformed-json", "EOF"),
    "not an object": ({"json": [1]}, 422, "invalid-request", "object"),
    "an unknown field": ({"json": {"sessionId": "x", "message": "hi", "mesage": 1}}, 422, "invalid-request", "/mesage"),
    "no message": ({"json": {"sessionId": "x"}}, 422, "invalid-request", "/message"),
    "an empty message": ({"json": {"sessionId": "x", "message": ""}}, 422, "invalid-request", "/message"),
    "a message too long": ({"json": {"sessionId": "x", "message": "a" * 20_000}}, 422, "invalid-request", "16000"),
    "a body too large": ({"json": {"sessionId": "x", "message": "a" * 300_000}}, 413, "body-too-large", "262144"),
    "another media type": ({"json": None, "data": "hi"}, 415, "unsupported-media-type", "application/json"),
    "a thread without a parent": (
        {"json": {"sessionId": "x", "message": "hi", "threadId": 77}},
        422,
        "invalid-request",
        "parentMessageId",
    ),
    "another session": ({"json": {"sessionId": "x", "message": "hi"}}, 403, "session-mismatch", "sessionId"),
}


@pytest.mark.parametrize(("request_parts", "status", "kind", "says"), CHAT_CASES.values(), ids=CHAT_CASES)
def test_bad_chat_requests(stack: Stack, request_parts: dict[str, Any], status: int, kind: str, says: str) -> None:
    """Each malformed turn is refused with its problem type, and the detail names the fault."""
    client = Client.opened(stack)
    parts = dict(request_parts)
    headers = {"Authorization": f"Bearer {client.token}"}
    if parts.pop("type", False):
        headers["Content-Type"] = "application/json"

    answer = client.chat({}, headers=headers, **parts)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == PROBLEM_JSON
    assert answer.json()["type"].endswith(f"/{kind}")
    assert says in answer.text


@pytest.mark.parametrize(
    ("authorization", "kind"),
    [
        (None, "token-missing"),
        ("Bearer ", "token-invalid"),
        ("Bearer not.a.token", "token-invalid"),
        ("Basic dXNlcjpwYXNz", "token-invalid"),
        ("Bearer " + "a" * 5_000, "token-invalid"),
    ],
    ids=["none", "empty", "forged", "other scheme", "huge"],
)
def test_bad_tokens(stack: Stack, authorization: str | None, kind: str) -> None:
    """Without a valid token a turn is refused with 401 and a challenge."""
    headers = {} if authorization is None else {"Authorization": authorization}

    answer = requests.post(
        f"{stack.proxy_url}{PREFIX}/chat", json={"sessionId": "x", "message": "hi"}, headers=headers, timeout=TIMEOUT_S
    )

    assert answer.status_code == 401
    assert answer.json()["type"].endswith(f"/{kind}")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_an_unknown_agent(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A proxy configured for an agent that does not exist says so before any stream begins."""
    with running(pace=0, proxy_environment={"CORTEX_PROXY_AGENT": "NO_SUCH_AGENT"}) as stack:
        answer = Client.opened(stack).chat({"message": "Net sales by region"})

    assert answer.status_code == 404
    assert answer.json()["type"].endswith("/upstream-not-found")
    assert answer.json()["upstreamCode"] == "002003"


def test_an_unmatched_question_in_strict_mode() -> None:
    """Under --strict the mock explains the miss and the proxy answers a problem."""
    with running(pace=0, strict=True) as stack:
        body = {"messages": [{"role": "user", "content": [{"type": "text", "text": "Net sales by moon phase"}]}]}
        direct = ask_mock(stack, RUN, body)
        through = Client.opened(stack).chat({"message": "Net sales by moon phase"})

    assert direct.status_code == 404
    nearest = direct.json()["mock"]["nearest"][0]
    assert nearest["cassette"] == "agents/net_sales_by_region"
    assert nearest["differences"] == [
        {"field": "last_user_text", "expected": "Net sales by region", "found": "Net sales by moon phase"}
    ]
    assert through.status_code == 404
    assert through.json()["type"].endswith("/upstream-not-found")


def test_an_unmatched_question_otherwise(stack: Stack) -> None:
    """Outside strict mode the answer streams, lists recorded questions, and is marked as no recording."""
    body = {"messages": [{"role": "user", "content": [{"type": "text", "text": "Net sales by moon"}]}]}

    answer = ask_mock(stack, RUN, body)

    assert answer.headers["X-Mock-Miss"] == "true"
    assert "response.suggested_queries" in answer.text
    assert "Net sales by region" in answer.text
