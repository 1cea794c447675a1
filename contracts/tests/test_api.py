"""The client API's models: camelCase outwards, strict inwards."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.api import (
    PROBLEM_BASE,
    ChatRequest,
    EndReason,
    Problem,
    ProblemType,
    ProxyEnd,
    ProxyStart,
    SessionToken,
    TokenUsage,
    ToolResultMessage,
)


def chat(**fields: Any) -> ChatRequest:
    """A request as it arrives."""
    return ChatRequest.model_validate_json(json.dumps({"sessionId": "s", "message": "q"} | fields))


def test_the_streams_own_events_are_camel_case() -> None:
    """What the page reads is named as JavaScript names things."""
    start = ProxyStart(session_id="s", turn_id="t", trace_id="x", thread_id=1)
    assert json.loads(start.model_dump_json()) == {"sessionId": "s", "turnId": "t", "traceId": "x", "threadId": 1}
    end = ProxyEnd(
        reason=EndReason.COMPLETED, turn_id="t", usage=TokenUsage(), events=1, upstream_bytes=2, duration_ms=3
    )
    assert set(json.loads(end.model_dump_json())) == {
        "reason",
        "turnId",
        "usage",
        "events",
        "upstreamBytes",
        "firstEventMs",
        "durationMs",
    }


def test_a_problem_leaves_out_what_it_has_not() -> None:
    """The required members of RFC 9457 are always there, others only with a value."""
    problem = Problem(type=PROBLEM_BASE + ProblemType.INTERNAL, title="t", status=500, detail="d")
    assert set(json.loads(problem.model_dump_json(exclude_none=True))) == {
        "type",
        "title",
        "status",
        "detail",
        "retryable",
    }


def test_a_token_stays_out_of_its_repr() -> None:
    """Printing the answer does not print the token."""
    now = datetime.now(UTC)
    token = SessionToken(token="canary", session_id="s", expires_at=now, expires_in_s=1, session_expires_at=now)
    assert "canary" not in repr(token)
    assert json.loads(token.model_dump_json())["token"] == "canary"


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="turn of its own"),
        pytest.param({"parentMessageId": 0}, id="new thread"),
        pytest.param({"threadId": 1, "parentMessageId": 0}, id="first turn of a thread"),
        pytest.param({"threadId": 1, "parentMessageId": 502}, id="later turn"),
        pytest.param({"threadId": None, "parentMessageId": None, "toolChoice": None}, id="explicit nulls"),
        pytest.param({"message": "x" * 16_000}, id="longest message"),
        pytest.param({"toolChoice": {"type": "tool", "name": ["a"]}}, id="tool"),
    ],
)
def test_requests_that_fit(fields: dict[str, Any]) -> None:
    """Every documented form is accepted."""
    assert chat(**fields).session_id == "s"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param({"threadId": 1}, "threadId needs parentMessageId", id="thread without parent"),
        pytest.param({"parentMessageId": 1}, "can only be 0", id="parent without thread"),
        pytest.param({"session_id": "s"}, "Extra inputs are not permitted", id="snake case"),
        pytest.param({"model": "m"}, "Extra inputs are not permitted", id="model of the browser's choice"),
        pytest.param({"message": None}, "a string or an object with toolResult", id="null message"),
        pytest.param({"message": []}, "a string or an object with toolResult", id="list message"),
        pytest.param({"message": ""}, "at least 1 character", id="empty message"),
        pytest.param({"message": "x" * 16_001}, "at most 16000 characters", id="long message"),
        pytest.param({"threadId": "1", "parentMessageId": 0}, "valid integer", id="text for a number"),
    ],
)
def test_requests_that_do_not(fields: dict[str, Any], told: str) -> None:
    """Each refusal says what is accepted, without our own names for it."""
    with pytest.raises(ValidationError, match=told):
        chat(**fields)


@pytest.mark.parametrize(
    ("item", "fits"),
    [
        ({"type": "json", "json": {"a": None}}, True),
        ({"type": "json", "json": []}, True),
        ({"type": "text", "text": ""}, True),
        ({"type": "json"}, False),
        ({"type": "json", "json": None}, False),
        ({"type": "json", "json": 1}, False),
        ({"type": "text", "json": {}}, False),
        ({"type": "text", "text": "x", "json": {}}, False),
        ({"type": "text", "json_": {}, "text": "x"}, False),
        ({"type": "image", "text": "x"}, False),
    ],
)
def test_a_tool_results_items(item: dict[str, Any], fits: bool) -> None:
    """An item carries exactly the field that its type names."""
    result = {"toolUseId": "t", "type": "generic", "name": "n", "content": [item]}
    if fits:
        asked = chat(message={"toolResult": result})
        assert isinstance(asked.message, ToolResultMessage)
        assert asked.message.tool_result.content[0].type == item["type"]
    else:
        with pytest.raises(ValidationError):
            chat(message={"toolResult": result})


def test_problem_types_are_stable_names() -> None:
    """They end URIs that clients compare: lower case, hyphens, no two alike."""
    assert all(kind.replace("-", "").isalpha() and kind == kind.lower() for kind in ProblemType)
