"""The three forms of a model's answer: what is written can be read back, whatever a fault left of it."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from mocks.cassette import Frame
from mocks.faults import Plan
from mocks.snowflake.completions import (
    CHAT_PATH,
    COMPLETE_PATH,
    MESSAGES_PATH,
    WRITERS,
    Completion,
    Said,
    StreamFailedError,
    ToolCall,
    collapsed,
    in_own_words,
    streamed,
    with_finish_reason,
    without_usage,
)

CALL = ToolCall("call_1", "get_order", {"order_id": 7, "note": "größer"})
TEXT = Completion("id1", "mistral-large2", 1_767_225_600, 4, (Said(10, "Hel"), Said(20, "lo 🙏🏽")), 30)
TOOL = dataclasses.replace(TEXT, pieces=(Said(10, "I look."), Said(20, CALL)))
CLAUDE = dataclasses.replace(TEXT, model="claude-sonnet-4-6")


def payloads(frames: tuple[Frame, ...]) -> list[Any]:
    return [json.loads(frame.payload) for frame in frames if frame.payload != b"[DONE]"]


def whole(said: Completion, path: str) -> dict[str, Any]:
    plan = collapsed(path, streamed(said, path))
    assert plan.headers["content-type"] == "application/json"
    (frame,) = plan.frames
    assert frame.at_ms == (said.ended_ms if path != COMPLETE_PATH else said.pieces[-1].at_ms)
    document: dict[str, Any] = json.loads(frame.data)
    return document


def test_complete_is_written_as_the_wire_page_prints_it() -> None:
    """Data alone, one delta a frame, tokens counted up, no end mark."""
    first, second = streamed(TEXT, COMPLETE_PATH).frames
    assert first.data.startswith(b'data: {"id":"id1","model":"mistral-large2","choices":[{"delta":{"type":"text",')
    assert first.event == ""
    assert json.loads(first.payload)["choices"][0]["delta"]["content_list"] == [{"type": "text", "text": "Hel"}]
    usage = {"prompt_tokens": 4, "completion_tokens": 2, "guard_tokens": 0, "total_tokens": 6}
    assert json.loads(second.payload)["usage"] == usage


def test_complete_is_read_back() -> None:
    """The object holds the text whole, and the last count of tokens."""
    assert whole(TEXT, COMPLETE_PATH) == {
        "id": "id1",
        "model": "mistral-large2",
        "choices": [{"message": {"content": "Hello 🙏🏽", "content_list": [{"type": "text", "text": "Hello 🙏🏽"}]}}],
        "usage": {"prompt_tokens": 4, "completion_tokens": 2, "guard_tokens": 0, "total_tokens": 6},
    }
    call = {"type": "tool_use", "tool_use": {"tool_use_id": "call_1", "name": "get_order", "input": CALL.arguments}}
    assert whole(TOOL, COMPLETE_PATH)["choices"][0]["message"]["content_list"] == [
        {"type": "text", "text": "I look."},
        call,
    ]


def test_chat_is_read_back() -> None:
    """The object is a chat completion, with the reason for its end."""
    assert whole(TEXT, CHAT_PATH) == {
        "id": "id1",
        "created": 1_767_225_600,
        "model": "mistral-large2",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello 🙏🏽"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6},
    }
    (choice,) = whole(TOOL, CHAT_PATH)["choices"]
    function = {"name": "get_order", "arguments": '{"order_id":7,"note":"größer"}'}
    assert choice["message"]["tool_calls"] == [{"type": "function", "function": function, "id": "call_1"}]
    assert choice["finish_reason"] == "tool_calls"


def test_arguments_may_come_in_parts() -> None:
    """Calls whose arguments are streamed piece by piece are joined by their index."""
    parts: list[dict[str, Any]] = [
        {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 1, "id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
        {"index": 0, "function": {"arguments": '{"a"'}},
        {"index": 0, "function": {"arguments": ":1}"}},
    ]
    events = [{"choices": [{"delta": {"tool_calls": [part]}}]} for part in parts]
    plan = streamed(TEXT, CHAT_PATH)
    frames = tuple(Frame(1, f"data: {json.dumps(event)}\n\n".encode()) for event in events)
    (frame,) = collapsed(CHAT_PATH, dataclasses.replace(plan, frames=frames)).frames
    calls = json.loads(frame.data)["choices"][0]["message"]["tool_calls"]
    assert [(call["id"], call["function"]["arguments"]) for call in calls] == [("c1", '{"a":1}'), ("c2", "{}")]


def test_messages_are_events() -> None:
    """Names and order of Anthropic's stream: a block is opened, filled and closed before the next."""
    frames = streamed(dataclasses.replace(TOOL, model="claude-sonnet-4-6"), MESSAGES_PATH).frames
    names = [frame.event for frame in frames]
    block = ["content_block_start", "content_block_delta", "content_block_stop"]
    assert names == ["message_start", *block, *block, "message_delta", "message_stop"]
    assert [payload["type"] for payload in payloads(frames)] == names
    assert [payload["index"] for payload in payloads(frames) if "index" in payload] == [0, 0, 0, 1, 1, 1]


def test_messages_are_read_back() -> None:
    """The object is the message that the stream began, with all its blocks and the reason for its end."""
    assert whole(CLAUDE, MESSAGES_PATH) == {
        "id": "id1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-6",
        "content": [{"type": "text", "text": "Hello 🙏🏽"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 4, "output_tokens": 2},
    }
    called = whole(dataclasses.replace(TOOL, model="claude-sonnet-4-6"), MESSAGES_PATH)
    assert called["content"][1] == {"type": "tool_use", "id": "call_1", "name": "get_order", "input": CALL.arguments}
    assert called["stop_reason"] == "tool_use"


def test_claude_says_no_reason_and_no_role() -> None:
    """Chat completions of Claude lack both, unless the reason is assumed."""
    frames = streamed(CLAUDE, CHAT_PATH).frames
    choices = [payload["choices"][0] for payload in payloads(frames) if payload["choices"]]
    assert all("finish_reason" not in choice and "role" not in choice["delta"] for choice in choices)
    assumed = [payload["choices"] for payload in payloads(with_finish_reason(frames))]
    assert [each[0].get("finish_reason") for each in assumed if each] == [None, "stop"]
    calling = streamed(dataclasses.replace(TOOL, model="claude-sonnet-4-6"), CHAT_PATH).frames
    assert payloads(with_finish_reason(calling))[-2]["choices"][0]["finish_reason"] == "tool_calls"


def test_a_reason_that_is_there_stays() -> None:
    """Adding the reason changes nothing where it was said, and nothing where no choice was made."""
    frames = streamed(TOOL, CHAT_PATH).frames
    assert payloads(with_finish_reason(frames)) == payloads(frames)
    assert with_finish_reason(frames[-1:]) == frames[-1:]


def test_tokens_can_be_left_uncounted() -> None:
    """Without its count the stream is the same, its end mark included."""
    frames = streamed(TEXT, CHAT_PATH).frames
    assert payloads(frames)[-1]["usage"]["total_tokens"] == 6
    assert without_usage(frames) == (*frames[:-2], frames[-1])
    assert frames[-1].payload == b"[DONE]"


@pytest.mark.parametrize("path", list(WRITERS))
def test_faults_are_borne(path: str) -> None:
    """Another answer passes, a dropped connection gives nothing, half a frame and a comment are overlooked."""
    plan = streamed(TEXT, path)
    page = Plan(503, {"content-type": "text/html"}, (Frame(0, b"<html>"),))
    assert collapsed(path, page) == page
    assert collapsed(path, dataclasses.replace(plan, ends="cut")).frames == ()
    assert collapsed(path, dataclasses.replace(plan, frames=())).frames == ()
    noise = (Frame(0, b": keep-alive\n\n"), Frame(0, b'data: {"half'), Frame(0, b"data: 1\n\n"))
    noisy = collapsed(path, dataclasses.replace(plan, frames=(*noise, *plan.frames)))
    assert noisy.frames == collapsed(path, plan).frames


def test_a_page_has_no_words_of_a_form() -> None:
    """Only a stream's failure is told anew; an answer of a gateway stays as it is, and so does a form's own error."""
    page = Plan(503, {"content-type": "text/html"}, (Frame(0, b"event: error\ndata: {}\n\n"),))
    assert in_own_words(MESSAGES_PATH, page) == page
    own = Frame(1, b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}\n\n')
    plan = dataclasses.replace(streamed(CLAUDE, MESSAGES_PATH), frames=(own,))
    assert in_own_words(MESSAGES_PATH, plan) == plan


def test_a_message_may_be_empty() -> None:
    """A model that says nothing still begins and ends its message."""
    silent = dataclasses.replace(CLAUDE, pieces=())
    assert [frame.event for frame in streamed(silent, MESSAGES_PATH).frames] == [
        "message_start",
        "message_delta",
        "message_stop",
    ]
    assert whole(silent, MESSAGES_PATH)["content"] == []


@pytest.mark.parametrize("path", list(WRITERS))
def test_a_failed_stream_is_no_object(path: str) -> None:
    """What the stream says of its failure is said instead of an object."""
    plan = streamed(TEXT, path)
    for error, said in (({"message": "inference timed out"}, "inference timed out"), ("boom", "boom")):
        failed = Frame(40, f"data: {json.dumps({'error': error})}\n\n".encode())
        with pytest.raises(StreamFailedError, match=said):
            collapsed(path, dataclasses.replace(plan, frames=(*plan.frames, failed)))


def test_a_stream_of_another_form_is_no_object() -> None:
    """Events without their fields are refused, not guessed at."""
    odd = Frame(1, b'data: {"type":"content_block_start","index":0}\n\n')
    with pytest.raises(StreamFailedError, match="not of this form"):
        collapsed(MESSAGES_PATH, dataclasses.replace(streamed(TEXT, MESSAGES_PATH), frames=(odd,)))


def test_arguments_that_are_no_json_stay_text() -> None:
    """What a model wrote wrongly is handed on."""
    plan = streamed(TOOL, COMPLETE_PATH)
    broken = tuple(dataclasses.replace(each, data=each.data.replace(b'\\"note', b"note")) for each in plan.frames)
    (frame,) = collapsed(COMPLETE_PATH, dataclasses.replace(plan, frames=broken)).frames
    call = json.loads(frame.data)["choices"][0]["message"]["content_list"][1]
    assert call["tool_use"]["input"].startswith('{"order_id":7,note')
