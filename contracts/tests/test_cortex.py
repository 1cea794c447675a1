"""Snowflake's wire: tolerant of news, exact where we rely on it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from contracts.cortex import (
    LOGIN_AGAIN_CODES,
    TERMINAL_EVENTS,
    Code,
    ErrorBody,
    Event,
    FinalResponse,
    RunRequest,
    Thread,
    agent_run_path,
)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"code": "399504", "error_code": "1"}, "399504"),
        ({"error_code": "399504"}, "399504"),
        ({"code": "", "error_code": "399504"}, "399504"),
        ({"code": 399504}, "399504"),
        ({"code": "399504", "message": None, "request_id": None}, "399504"),
        ({"code": "399504", "data": {}, "success": False}, "399504"),
        ({}, None),
    ],
    ids=["both", "old name", "empty", "number", "nulls", "wrapped", "nothing"],
)
def test_an_errors_code_is_found(body: dict[str, Any], code: str | None) -> None:
    """Whichever field holds it, and in either type."""
    assert (ErrorBody.model_validate(body).any_code or None) == code


def test_login_codes_are_distinct_from_failures_of_a_run() -> None:
    """An expired login asks for another attempt; a failing run or a missing tool does not."""
    assert len(LOGIN_AGAIN_CODES) == 14
    assert Code.LOGIN_EXPIRED in LOGIN_AGAIN_CODES
    assert not LOGIN_AGAIN_CODES & {Code.EXECUTION_ERROR, Code.INTERNAL_ERROR, Code.TOO_MANY_REQUESTS}


def test_the_final_object_gives_its_usage() -> None:
    """Fields that Snowflake adds pass; tokens are read where they are, zero where they are not."""
    final = FinalResponse.model_validate(
        {
            "role": "assistant",
            "schema_version": "v2",
            "metadata": {"usage": {"tokens_consumed": [{"input_tokens": {"total": 5}, "context_window": 1}]}},
        }
    )
    (spent,) = final.metadata.usage.tokens_consumed
    assert (spent.input_tokens.total, spent.input_tokens.cache_read, spent.output_tokens.total) == (5, 0, 0)
    assert final.status == "completed"


def test_a_thread_needs_only_its_id() -> None:
    """Times and names may be missing; an id that is none is refused."""
    assert Thread.model_validate({"thread_id": "77", "status": "IDLE"}).thread_id == 77
    for wrong in ({}, {"thread_id": 0}, {"thread_id": None}):
        with pytest.raises(ValidationError):
            Thread.model_validate(wrong)


@pytest.mark.parametrize(("stream", "wants"), [(None, True), (True, True), (False, False)])
def test_streaming_is_the_default(stream: bool | None, wants: bool) -> None:
    """Only an explicit false asks for one JSON object."""
    assert RunRequest.model_validate({"messages": [{}], "stream": stream, "skill_choice": None}).wants_stream is wants


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([{"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}], "a\nb"),
        ([{"content": [{"type": "text", "text": "a"}]}, {"role": "assistant", "content": []}], "a"),
        ([{"content": [{"type": "text", "text": "a"}]}, {"content": [{"type": "tool_result"}]}], None),
        ([{"role": "assistant", "content": [{"type": "text", "text": "a"}]}], None),
    ],
    ids=["two items", "before the answer", "last has none", "nobody asked"],
)
def test_the_last_question(messages: list[dict[str, Any]], text: str | None) -> None:
    """The text of the last user message, its items joined."""
    assert RunRequest.model_validate({"messages": messages}).last_user_text() == text


@pytest.mark.parametrize(
    ("content", "tool_use_id"),
    [
        ([{"type": "tool_result", "tool_result": {"tool_use_id": "t", "type": "x", "name": "n", "content": []}}], "t"),
        ([{"type": "tool_results", "tool_results": {"tool_use_id": "old"}}], "old"),
        ([{"type": "permission_decision", "permission_decision": {"tool_use_id": "p", "decision": "allow"}}], "p"),
        ([{"type": "permission_decision", "permission_decision": {"tool_use_id": 7}}], None),
        ([{"type": "text", "text": "a"}], None),
    ],
    ids=["result", "legacy", "permission", "number", "question"],
)
def test_the_answered_tool(content: list[dict[str, Any]], tool_use_id: str | None) -> None:
    """Which client-side tool a message answers, in the present and in the legacy form."""
    assert RunRequest.model_validate({"messages": [{"content": content}]}).answered_tool_use_id() == tool_use_id


def test_a_run_needs_a_message() -> None:
    """An empty conversation is no request."""
    with pytest.raises(ValidationError):
        RunRequest.model_validate({"messages": []})


def test_the_agents_path() -> None:
    """Identifiers stand in the path as they are, the verb after a colon."""
    assert agent_run_path("DB", "S", "A$1") == "/api/v2/databases/DB/schemas/S/agents/A$1:run"


def test_a_stream_may_end_in_three_ways() -> None:
    """Anything else at the end means that it was cut."""
    assert {Event.RESPONSE, Event.ERROR, Event.DONE} == TERMINAL_EVENTS
