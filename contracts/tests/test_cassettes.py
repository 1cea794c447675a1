"""Every cassette is what the contracts say: its requests, its answers, each frame, and no field beside.

The files are read as files: whoever plays them has a reader of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, RootModel, ValidationError

import contracts
from contracts import cortex
from contracts.api import Api
from contracts.cortex import (
    DONE,
    EVENT_STREAM,
    INLINE_RUN_PATH,
    REQUEST_ID_HEADER,
    ErrorBody,
    Event,
    FinalResponse,
    RunRequest,
    agent_run_path,
)
from contracts.events import ChatEvent, FinalAnswer

CASSETTES = Path(contracts.__file__).parents[1] / "mocks" / "cassettes"
FILES = sorted(CASSETTES.rglob("*.jsonl"))
AGENT_PATH = agent_run_path("CORTEX_BENCH_DB", "SALES", "SALES_AGENT")

BEYOND = re.compile(r"/api/v2/cortex/(inference:complete|v1/chat/completions|v1/messages)")
"""Paths of the mock's that the proxy never asks: models without an agent. No contract describes them."""

ASKED: Mapping[str, Any] = {
    "last_user_text": lambda told: {"messages": [{"role": "user", "content": [{"type": "text", "text": told}]}]},
    "tool_use_id": lambda told: {
        "messages": [
            {"content": [{"type": "tool_result", "tool_result": {"tool_use_id": told, "name": "n", "content": []}}]}
        ]
    },
    "parent_message_id": lambda told: {"messages": [{}], "parent_message_id": told, "thread_id": 77},
    "model": lambda told: {"messages": [{}], "model": told},
}
"""What a cassette can compare, as the request that carries it."""
READ: Mapping[str, Any] = {
    "last_user_text": RunRequest.last_user_text,
    "tool_use_id": RunRequest.answered_tool_use_id,
    "parent_message_id": lambda request: request.parent_message_id,
    "model": lambda request: request.model,
}
"""How it is read out of it."""


@dataclass(frozen=True, slots=True)
class Interaction:
    """A request and its answer, as a cassette has them."""

    request: dict[str, Any]
    response: dict[str, Any]
    frames: list[str]

    @property
    def is_ours(self) -> bool:
        """Whether the proxy asks such things."""
        return not BEYOND.fullmatch(self.request["path"])


@cache
def interactions(file: Path) -> list[Interaction]:
    """Everything in a cassette."""
    found: list[Interaction] = []
    for line in file.read_text(encoding="utf-8").split("\n")[1:-1]:  # splitlines ends lines at U+2028, too
        document = json.loads(line)
        if "request" in document:
            found.append(Interaction(document["request"], {}, []))
        elif "response" in document:
            found[-1].response.update(document["response"])
        else:
            found[-1].frames.append(document["frame"])
    return found


def event_of(frame: str) -> dict[str, Any]:
    """A frame as the object that a client makes of it."""
    fields = dict(line.split(": ", 1) for line in frame.split("\n") if line)
    assert set(fields) == {"event", "data"}, f"a frame of other lines: {frame!r}"
    return {"event": fields["event"], "data": DONE if fields["data"] == DONE else json.loads(fields["data"])}


def faults(interaction: Interaction) -> list[str]:
    """What in an interaction is not as the contracts have it."""
    return [*_request_faults(interaction.request), *_response_faults(interaction)]


def _request_faults(request: dict[str, Any]) -> Iterator[str]:
    if (request["method"], request["path"]) not in {("POST", AGENT_PATH), ("POST", INLINE_RUN_PATH)}:
        yield f"{request['method']} {request['path']} is no path of contracts.cortex"
    for name, told in request.get("match", {}).items():
        if name not in ASKED:
            yield f"nothing reads {name} out of a request"
        elif READ[name](RunRequest.model_validate(ASKED[name](told))) != told:
            yield f"{name} is not read as it was asked"


def _response_faults(interaction: Interaction) -> Iterator[str]:
    status, headers = interaction.response["status"], interaction.response["headers"]
    if not headers.get(REQUEST_ID_HEADER):
        yield f"no {REQUEST_ID_HEADER}"
    if status == 200 and headers["Content-Type"] == EVENT_STREAM:
        for number, frame in enumerate(interaction.frames, start=1):
            yield from (f"frame {number}: {each}" for each in _frame_faults(event_of(frame)))
        return
    body = "".join(interaction.frames)
    for model in (FinalAnswer, FinalResponse) if status == 200 else (ErrorBody,):
        yield from _refusals(model, body)


def _frame_faults(event: dict[str, Any]) -> Iterator[str]:
    yield from _refusals(ChatEvent, json.dumps(event))
    reader = {Event.RESPONSE: FinalResponse, Event.ERROR: ErrorBody}.get(event["event"])
    if reader is not None:
        yield from _refusals(reader, json.dumps(event["data"]))


def _refusals(model: type[BaseModel], text: str) -> Iterator[str]:
    try:
        model.model_validate_json(text, strict=True)
    except ValidationError as error:
        yield from (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())


# --- what is in them -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_cassette_is_what_the_contracts_say(file: Path) -> None:
    """Whom it answers, with what headers, and every frame of it; other surfaces are known by their paths."""
    found = interactions(file)
    assert found
    assert [fault for each in found if each.is_ours for fault in faults(each)] == []
    assert {each.is_ours for each in found} == {file.parent.name == "agents"}


GOOD = Interaction(
    {"method": "POST", "path": AGENT_PATH, "match": {"last_user_text": "Net sales by region"}},
    {"status": 200, "headers": {"Content-Type": EVENT_STREAM, REQUEST_ID_HEADER: "9f3f6c5e"}},
    ['event: response.status\ndata: {"status":"planning","message":"Planning"}\n\n', "event: done\ndata: [DONE]\n\n"],
)
WHOLE = {"role": "assistant", "content": [], "metadata": {}, "status": "completed"}
JSON = {"Content-Type": "application/json", REQUEST_ID_HEADER: "9f3f6c5e"}


def changed(request: Any = None, response: Any = None, frames: list[str] | None = None) -> Interaction:
    """A good interaction with something else in it."""
    return Interaction(GOOD.request | (request or {}), GOOD.response | (response or {}), frames or GOOD.frames)


@pytest.mark.parametrize(
    ("interaction", "fault"),
    [
        (GOOD, None),
        (changed({"match": {"tool_use_id": "toolu_tz01"}}), None),
        (changed({"match": {"parent_message_id": 502, "model": "claude-4-sonnet"}}), None),
        (changed(response={"headers": JSON}, frames=[json.dumps(WHOLE)]), None),
        (changed(response={"headers": JSON, "status": 404}, frames=['{"message":"gone","code":"002003"}']), None),
        (changed({"path": "/api/v2/cortex/agent:walk"}), "is no path of contracts.cortex"),
        (changed({"method": "GET"}), "is no path of contracts.cortex"),
        (changed({"match": {"mood": "good"}}), "nothing reads mood"),
        (changed(response={"headers": {"Content-Type": EVENT_STREAM}}), "no X-Snowflake-Request-Id"),
        (changed(frames=['event: response.status\ndata: {"state":"planning"}\n\n']), "data.status: Field required"),
        (changed(frames=["event: response.weather\ndata: {}\n\n"]), "does not match any of the expected tags"),
        (changed(frames=['event: done\ndata: {"done":true}\n\n']), "Input should be '[DONE]'"),
        (changed(response={"headers": JSON}, frames=[json.dumps(WHOLE | {"status": "fine"})]), "status: Input should"),
        (changed(response={"headers": JSON, "status": 404}, frames=['{"message":7}']), "message: Input should"),
    ],
    ids=[
        *("stream", "tool", "thread and model", "whole", "error", "path", "method", "match", "request id"),
        *("field", "event", "done", "whole with another status", "error with a number"),
    ],
)
def test_a_cassette_that_is_not_is_found(interaction: Interaction, fault: str | None) -> None:
    """Each kind of promise that a cassette can break has its sentence."""
    found = faults(interaction)
    assert any(fault in each for each in found) if fault else found == []


# --- and nothing beside --------------------------------------------------------------------------------------------


def walk(read: object) -> Iterator[tuple[str, bool]]:
    """Every field with a value, as `Model.field`, and whether the model names it."""
    if isinstance(read, RootModel):
        yield from walk(read.root)
    elif isinstance(read, BaseModel):
        model = type(read)
        for name in sorted(read.model_fields_set & model.model_fields.keys()):
            if (value := getattr(read, name)) is not None:
                yield f"{model.__name__}.{model.model_fields[name].alias or name}", True
                yield from walk(value)
        yield from ((f"{model.__name__}.{name}", False) for name in read.model_extra or {})
    elif isinstance(read, list):
        for each in read:
            yield from walk(each)


def models(annotation: Any, known: set[type[BaseModel]]) -> set[type[BaseModel]]:
    """Every model of Snowflake's that can be met from an annotation on."""
    for inner in get_args(annotation):
        models(inner, known)
    if isinstance(annotation, type(BaseModel)) and annotation.__module__ != Api.__module__ and annotation not in known:
        known.add(annotation)
        for field in annotation.model_fields.values():
            models(field.annotation, known)
    return known


@cache
def claimed() -> set[str]:
    """Every field that an event of a chat can have, as `Model.field`."""
    return {
        f"{model.__name__}.{field.alias or name}"
        for model in models(ChatEvent, set())
        for name, field in model.model_fields.items()
    }


@cache
def shown() -> dict[str, bool]:
    """Every field of every event in every cassette, as `Model.field`, and whether the model names it."""
    frames = (frame for file in FILES for each in interactions(file) if each.is_ours for frame in each.frames)
    return dict(found for frame in frames for found in walk(ChatEvent.model_validate(event_of(frame))))


_OLDER = "servers of before April 2026 send it, documented; the page still reads it"
_SPECIFIED = "in Snowflake's OpenAPI files and its SDK's catalogue of events; the page reads it"
_SIGNED = "documented for models that sign their thinking; nobody reads it"
UNSHOWN: Mapping[str, str] = {
    "AnalystToolProgress.*": _OLDER,
    "AnalystToolDelta.*": _OLDER,
    "ResponseToolResultAnalystDeltaEvent.*": _OLDER,
    "ResponseToolUseStatusEvent.*": _SPECIFIED,
    "ThinkingDelta.signature": _SIGNED,
    "WholeThinking.signature": _SIGNED,
    "ThinkingBlock.signature": _SIGNED,
    "LegacyItem.chart": "documented for older agents; the page draws it",
    "LegacyChart.*": "documented for older agents; the page draws it",
    "ChatEvent.root": "the union itself",
    "ProxyStartEvent.*": "the proxy's own, which no cassette holds",
    "ProxyEndEvent.*": "the proxy's own, which no cassette holds",
}
"""Fields that a model names and no cassette shows, each with what it rests on; a star is for all of a model's."""

UNNAMED: Mapping[str, str] = {}
"""Fields that cassettes show and no model names, each with the reason to leave it so."""

_NO_BODIES = "cassettes keep what of a request is compared, not its body"
_THREADS = "threads are no part of a run's answer; the mock keeps them, and both pacts' suites ask for them"
UNPLAYED: Mapping[str, str] = {
    "RunRequest": _NO_BODIES,
    "Message": _NO_BODIES,
    "ContentItem": _NO_BODIES,
    "ToolResult": _NO_BODIES,
    "ToolChoice": _NO_BODIES,
    "SkillChoice": _NO_BODIES,
    "Variable": _NO_BODIES,
    "AgentModels": _NO_BODIES,
    "Orchestration": _NO_BODIES,
    "Thread": _THREADS,
    "ThreadRequest": _THREADS,
    "ThreadUpdate": _THREADS,
    "ThreadSearch": _THREADS,
    "ThreadMessage": _THREADS,
    "FinalResponse": "the proxy's lenient reading of what `FinalAnswer` promises; read from the same frames above",
    "ErrorBody": "the proxy's lenient reading of what `AgentError` promises; read from the same frames above",
}
"""Models of contracts.cortex that no event holds, each with the reason."""


def unlisted(places: set[str], reviewed: Mapping[str, str]) -> set[str]:
    """Places that the reviewed list has neither by name nor by a star."""
    return {each for each in places if each not in reviewed and f"{each.partition('.')[0]}.*" not in reviewed}


def test_every_field_is_shown() -> None:
    """By a cassette; the others rest on something else, which is said."""
    hidden = claimed() - shown().keys()
    assert unlisted(hidden, UNSHOWN) == set()
    used = {f"{each.partition('.')[0]}.*" for each in hidden} | hidden
    assert UNSHOWN.keys() - used == set()


def test_every_field_is_named() -> None:
    """A field of a cassette that no model has is news: it gets a type, or a reason."""
    strange = {place for place, is_named in shown().items() if not is_named}
    assert unlisted(strange, UNNAMED) == set()
    assert UNNAMED.keys() - strange == set()


def test_news_are_noticed() -> None:
    """A field more in a frame, and a field that no frame has."""
    told = {"message_id": 1, "role": "user", "run_id": "1-1", "mood": "good"}
    read = ChatEvent.model_validate({"event": "metadata", "data": {"metadata": told, "tempo": 1}})
    assert {place for place, is_named in walk(read) if not is_named} == {"MessageIds.mood", "Metadata.tempo"}
    assert unlisted({"Chart.chart_spec", "LegacyChart.chart_spec"}, UNSHOWN) == {"Chart.chart_spec"}


def test_every_model_of_the_wire_is_accounted_for() -> None:
    """Each stands in some event, and so in a cassette, or is listed with the reason why not."""
    found = {
        each
        for each in vars(cortex).values()
        if isinstance(each, type(cortex.Wire)) and each.__module__ == cortex.__name__ and each is not cortex.Wire
    }
    assert {each.__name__ for each in found - models(ChatEvent, set())} == UNPLAYED.keys()
