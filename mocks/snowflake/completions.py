"""The three forms in which a model's answer travels: written as frames, and read back when no stream was asked for.

| Form | Path | Frames |
|---|---|---|
| Snowflake's | `/api/v2/cortex/inference:complete` | data only, without an end mark |
| OpenAI's | `/api/v2/cortex/v1/chat/completions` | data only, then `[DONE]` |
| Anthropic's | `/api/v2/cortex/v1/messages` | named events |

Pure. Cassettes hold streams; the answer to `stream: false` is made from the same frames, so both forms agree, and a
fault that hurts the stream hurts the object.

Source: cortex-wire 7.1, 7.2.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.cortex import DONE, EVENT_STREAM, Event
from mocks.cassette import Frame
from mocks.faults import Plan
from mocks.snowflake.models import Family, family

Json = dict[str, Any]

COMPLETE_PATH = "/api/v2/cortex/inference:complete"
CHAT_PATH = "/api/v2/cortex/v1/chat/completions"
MESSAGES_PATH = "/api/v2/cortex/v1/messages"


class StreamFailedError(Exception):
    """A stream of which no object can be made: it says that it failed, in its own words, or is of another form."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants to have run; `arguments` is an object."""

    id: str
    name: str
    arguments: Json


@dataclass(frozen=True, slots=True)
class Said:
    """A piece of an answer and when it is said: a text, or a tool call; `at_ms` since the request."""

    at_ms: float
    what: str | ToolCall

    @property
    def argument_text(self) -> str:
        """The arguments of a call, as JSON text."""
        assert isinstance(self.what, ToolCall), "only calls have arguments"
        return json.dumps(self.what.arguments, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of a model. ended_ms: when its stream ends, milliseconds since the request.

    Of tokens, four characters are taken for one.
    """

    id: str
    model: str
    created_s: int
    prompt_tokens: int
    pieces: tuple[Said, ...]
    ended_ms: float

    @property
    def calls_tools(self) -> bool:
        """Whether the model waits for a tool."""
        return any(isinstance(piece.what, ToolCall) for piece in self.pieces)

    def tokens_until(self, number: int) -> int:
        """Tokens of the first pieces, at least one each."""
        spoken = sum(
            len(piece.what if isinstance(piece.what, str) else piece.argument_text) for piece in self.pieces[:number]
        )
        return max(number, spoken // 4)


# --- Snowflake's form


def complete_frames(said: Completion) -> Iterator[Frame]:
    """The answer as `inference:complete` streams it."""
    for number, piece in enumerate(said.pieces, start=1):
        for delta in _complete_deltas(piece):
            used = said.tokens_until(number)
            usage = {
                "prompt_tokens": said.prompt_tokens,
                "completion_tokens": used,
                "guard_tokens": 0,
                "total_tokens": said.prompt_tokens + used,
            }
            yield _data(
                piece.at_ms, {"id": said.id, "model": said.model, "choices": [{"delta": delta}], "usage": usage}
            )


def _complete_deltas(piece: Said) -> Iterator[Json]:
    if isinstance(piece.what, str):
        yield {"type": "text", "content": piece.what, "content_list": [{"type": "text", "text": piece.what}]}
    else:
        yield _complete_call({"tool_use_id": piece.what.id, "name": piece.what.name})
        yield _complete_call({"input": piece.argument_text})


def _complete_call(part: Json) -> Json:
    return {"type": "tool_use", **part, "content_list": [{"type": "tool_use", "tool_use": part}]}


def _complete_object(events: Iterable[Json]) -> Json:
    whole: Json = {}
    text, calls = "", list[Json]()
    for event in events:
        whole |= {key: event[key] for key in ("id", "model", "usage") if key in event}
        for delta in (choice.get("delta", {}) for choice in event.get("choices", ())):
            text += delta.get("content", "") if delta.get("type") == "text" else ""
            if "tool_use_id" in delta:
                calls.append({"tool_use_id": delta["tool_use_id"], "name": delta["name"], "input": ""})
            elif delta.get("type") == "tool_use" and calls:
                calls[-1]["input"] += delta.get("input", "")
    content_list: list[Json] = [{"type": "text", "text": text}] if text else []
    content_list += [{"type": "tool_use", "tool_use": {**call, "input": _parsed(call["input"])}} for call in calls]
    usage = whole.pop("usage", {})
    return {**whole, "choices": [{"message": {"content": text, "content_list": content_list}}], "usage": usage}


# --- OpenAI's form


def chat_frames(said: Completion) -> Iterator[Frame]:
    """The answer as `chat/completions` streams it, the count of tokens and `[DONE]` at its end.

    Of Claude neither `delta.role` nor `finish_reason` is sent.
    """
    is_claude = family(said.model) is Family.CLAUDE
    head = {"id": said.id, "object": "chat.completion.chunk", "created": said.created_s, "model": said.model}

    def chunk(at_ms: float, delta: Json, finish: str | None = None) -> Frame:
        choice = {"index": 0, "delta": delta} if is_claude else {"index": 0, "delta": delta, "finish_reason": finish}
        return _data(at_ms, {**head, "choices": [choice]})

    calls = 0
    for number, piece in enumerate(said.pieces):
        role = {} if is_claude or number else {"role": "assistant"}
        if isinstance(piece.what, str):
            yield chunk(piece.at_ms, {**role, "content": piece.what})
        else:
            function = {"name": piece.what.name, "arguments": piece.argument_text}
            call = {"index": calls, "id": piece.what.id, "type": "function", "function": function}
            yield chunk(piece.at_ms, {**role, "tool_calls": [call]})
            calls += 1
    if not is_claude:
        yield chunk(said.ended_ms, {}, "tool_calls" if calls else "stop")
    used = said.tokens_until(len(said.pieces))
    usage = {"prompt_tokens": said.prompt_tokens, "completion_tokens": used, "total_tokens": said.prompt_tokens + used}
    yield _data(said.ended_ms, {**head, "choices": [], "usage": usage})
    yield Frame(said.ended_ms, f"data: {DONE}\n\n".encode())


def _chat_object(events: Iterable[Json]) -> Json:
    whole: Json = {}
    message: Json = {"role": "assistant", "content": None}
    calls: dict[int, Json] = {}
    finish: Json = {}
    for event in events:
        whole |= {key: event[key] for key in ("id", "created", "model", "usage") if key in event}
        for choice in event.get("choices", ()):
            delta = choice.get("delta", {})
            if "content" in delta:
                message["content"] = (message["content"] or "") + delta["content"]
            for call in delta.get("tool_calls", ()):
                _add_call(calls, call)
            finish |= {"finish_reason": choice["finish_reason"]} if choice.get("finish_reason") else {}
    if calls:
        message["tool_calls"] = [calls[index] for index in sorted(calls)]
    usage = whole.pop("usage", {})
    return {
        **whole,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, **finish}],
        "usage": usage,
    }


def _add_call(calls: dict[int, Json], part: Json) -> None:
    """Take the beginning of a call, or more of its arguments."""
    known = calls.setdefault(part["index"], {"type": "function", "function": {"name": "", "arguments": ""}})
    known |= {key: part[key] for key in ("id", "type") if part.get(key)}
    function = part.get("function", {})
    known["function"]["name"] += function.get("name") or ""
    known["function"]["arguments"] += function.get("arguments") or ""


def with_finish_reason(frames: Sequence[Frame]) -> tuple[Frame, ...]:
    """Chunks whose last choice says why it is the last, also those of Claude."""
    last = next((at for at in reversed(range(len(frames))) if _has_choice(frames[at])), None)
    if last is None:
        return tuple(frames)
    event = _event(frames[last]) or {}
    choice = event["choices"][0]
    if choice.get("finish_reason") is None:
        reason = "tool_calls" if "tool_calls" in choice.get("delta", {}) else "stop"
        event = {**event, "choices": [{**choice, "finish_reason": reason}]}
    whole = dataclasses.replace(frames[last], data=_data(0, event).data, cut=())
    return (*frames[:last], whole, *frames[last + 1 :])


def _has_choice(frame: Frame) -> bool:
    choices = (_event(frame) or {}).get("choices")
    return isinstance(choices, list) and bool(choices) and isinstance(choices[0], dict)


def without_usage(frames: Sequence[Frame]) -> tuple[Frame, ...]:
    """Chunks without the one that only counts tokens, which is sent to those who ask for it."""
    return tuple(
        frame for frame in frames if b'"usage"' not in frame.data or (_event(frame) or {}).get("choices") != []
    )


# --- Anthropic's form


def messages_frames(said: Completion) -> Iterator[Frame]:
    """The answer as `messages` streams it."""
    start_ms = said.pieces[0].at_ms if said.pieces else said.ended_ms
    usage = {"input_tokens": said.prompt_tokens, "output_tokens": 1}
    head = {"id": said.id, "type": "message", "role": "assistant", "model": said.model, "content": []}
    message = {**head, "stop_reason": None, "stop_sequence": None, "usage": usage}
    yield _named(start_ms, "message_start", {"message": message})
    index, kind = -1, ""
    for piece in said.pieces:
        block, delta = _messages_block(piece)
        if block["type"] != kind or kind == "tool_use":
            if index >= 0:
                yield _named(piece.at_ms, "content_block_stop", {"index": index})
            index, kind = index + 1, block["type"]
            yield _named(piece.at_ms, "content_block_start", {"index": index, "content_block": block})
        yield _named(piece.at_ms, "content_block_delta", {"index": index, "delta": delta})
    if index >= 0:
        yield _named(said.ended_ms, "content_block_stop", {"index": index})
    why = {"stop_reason": "tool_use" if said.calls_tools else "end_turn", "stop_sequence": None}
    used = {"output_tokens": said.tokens_until(len(said.pieces))}
    yield _named(said.ended_ms, "message_delta", {"delta": why, "usage": used})
    yield _named(said.ended_ms, "message_stop", {})


def _messages_block(piece: Said) -> tuple[Json, Json]:
    """The block that a piece belongs to as it starts, and what the piece adds to it."""
    if isinstance(piece.what, str):
        return {"type": "text", "text": ""}, {"type": "text_delta", "text": piece.what}
    block = {"type": "tool_use", "id": piece.what.id, "name": piece.what.name, "input": {}}
    return block, {"type": "input_json_delta", "partial_json": piece.argument_text}


def _messages_object(events: Iterable[Json]) -> Json:
    message: Json = {}
    blocks: dict[int, Json] = {}
    arguments: dict[int, str] = {}
    for event in events:
        index, delta = event.get("index", 0), event.get("delta", {})
        if event.get("type") == "message_start":
            message = dict(event["message"])
        elif event.get("type") == "content_block_start":
            blocks[index] = dict(event["content_block"])
        elif event.get("type") == "message_delta":
            message |= delta
            message["usage"] = {**message.get("usage", {}), **event.get("usage", {})}
        elif delta.get("type") == "text_delta" and index in blocks:
            blocks[index]["text"] += delta["text"]
        elif delta.get("type") == "input_json_delta":
            arguments[index] = arguments.get(index, "") + delta["partial_json"]
    for index, text in arguments.items():
        blocks.get(index, {})["input"] = _parsed(text)
    return {**message, "content": [blocks[index] for index in sorted(blocks)]}


# --- all three

Writer = Callable[[Completion], Iterator[Frame]]

WRITERS: Mapping[str, Writer] = {
    COMPLETE_PATH: complete_frames,
    CHAT_PATH: chat_frames,
    MESSAGES_PATH: messages_frames,
}
"""What writes the form of a path."""

_READERS: Mapping[str, Callable[[Iterable[Json]], Json]] = {
    COMPLETE_PATH: _complete_object,
    CHAT_PATH: _chat_object,
    MESSAGES_PATH: _messages_object,
}


def in_own_words(path: str, plan: Plan) -> Plan:
    """A failure that a fault put into the stream as an agent would tell it, told as this form does."""
    if not plan.is_event_stream:
        return plan
    frames: list[Frame] = []
    for frame in plan.frames:
        if frame.event == Event.ERROR and "error" not in (event := _event(frame) or {}):
            frames.append(dataclasses.replace(frame, data=_failure(path, event), cut=()))
        elif frame.event != Event.DONE:
            frames.append(frame)
        elif path == CHAT_PATH:
            frames.append(dataclasses.replace(frame, data=f"data: {DONE}\n\n".encode(), cut=()))
    return dataclasses.replace(plan, frames=tuple(frames))


def _failure(path: str, error: Json) -> bytes:
    if path == MESSAGES_PATH:
        return _named(0, Event.ERROR, {"error": {"type": "api_error", "message": error.get("message", "")}}).data
    return _data(0, {"error": error}).data


def collapsed(path: str, plan: Plan) -> Plan:
    """The answer to `stream: false`: one object, due when the stream would have ended.

    A connection that a fault drops gives nothing.   Raises: StreamFailedError.
    """
    if not plan.is_event_stream:
        return plan
    headers = {**plan.headers, "content-type": "application/json"}
    if plan.ends != "clean" or not plan.frames:
        return dataclasses.replace(plan, headers=headers, frames=())
    events = [event for frame in plan.frames if (event := _event(frame)) is not None]
    failed = next((event["error"] for event in events if event.get("error")), None)
    if failed is not None:
        raise StreamFailedError(str(failed.get("message", failed)) if isinstance(failed, dict) else str(failed))
    try:
        whole = _READERS[path](events)
    except (AttributeError, KeyError, TypeError) as error:
        raise StreamFailedError(f"the stream's events are not of this form: {error!r}") from error
    body = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
    return dataclasses.replace(plan, headers=headers, frames=(dataclasses.replace(plan.frames[-1], data=body, cut=()),))


def streamed(said: Completion, path: str) -> Plan:
    """The stream of an answer."""
    return Plan(200, {"content-type": EVENT_STREAM}, tuple(WRITERS[path](said)))


def _data(at_ms: float, payload: Json) -> Frame:
    return Frame(at_ms, f"data: {json.dumps(payload, ensure_ascii=False, separators=(',', ':'))}\n\n".encode())


def _named(at_ms: float, name: str, payload: Json) -> Frame:
    return Frame(at_ms, f"event: {name}\n".encode() + _data(at_ms, {"type": name, **payload}).data)


def _event(frame: Frame) -> Json | None:
    """A frame's payload; None where it is none, as in `[DONE]`, a comment or what a fault left of a frame."""
    try:
        event = json.loads(frame.payload)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _parsed(text: str) -> Any:
    """Arguments as an object; what is no JSON stays text."""
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text
