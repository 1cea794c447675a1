"""Inference: recorded answers in the forms of Snowflake, OpenAI and Anthropic, and embeddings that are computed.

An answer is found by its path, its model and the last user text, or the tool whose result the last message brings.
Embeddings are `vectors`: deterministic, near where spelling is near, and none of a model's.

Source: cortex-wire 7.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import re
import time
import uuid
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import Field, FiniteFloat, ValidationError

from contracts.cortex import Code, Wire
from mocks.faults import Plan
from mocks.matching import Asked, Candidate, NearMiss, find
from mocks.request import Refusal, Request, json_plan
from mocks.route import Route, Surface, route
from mocks.snowflake.asking import CompletionRequest
from mocks.snowflake.completions import (
    CHAT_PATH,
    COMPLETE_PATH,
    MESSAGES_PATH,
    WRITERS,
    Completion,
    Said,
    StreamFailedError,
    collapsed,
    in_own_words,
    streamed,
    with_finish_reason,
    without_usage,
)
from mocks.snowflake.models import COMPLETING, DIMENSIONS, Family, family
from mocks.snowflake.vectors import dense
from mocks.state import Mock
from mocks.strict import explain
from mocks.suggest import MAX_SUGGESTIONS, apology, nearest_questions, refusal

EMBED_PATH = "/api/v2/cortex/inference:embed"
MODELS_PATH = "/api/v2/cortex/models"
MAX_OUTPUT_TOKENS = 131_072
MAX_TEXTS = 512
"""Texts of one request for embeddings; the mock's own bound."""

BAD_SCHEMA = "schema validation failed"
_PIECE_MS = 12.0
_REFUSED_IN_CHAT = {
    "max_tokens": "use max_completion_tokens",
    "audio": "not supported",
    "service_tier": "not supported",
    "store": "not supported",
}

Json = dict[str, Any]
W = TypeVar("W", bound=Wire)


class _Options(Wire):
    """Options that change nothing about a recorded answer, but are refused when they are wrong."""

    temperature: FiniteFloat | None = Field(default=None, ge=0)
    top_p: FiniteFloat | None = Field(default=None, ge=0, le=1)
    max_tokens: int | None = Field(default=None, ge=0)
    max_completion_tokens: int | None = Field(default=None, ge=0)
    tools: list[Json] | None = None
    response_format: Json | None = None
    stream_options: Json | None = None


class _Body(CompletionRequest):
    """What the three forms have in common, with the fields that only some have."""

    @property
    def others(self) -> Json:
        """The fields that only some forms have."""
        return self.model_extra or {}

    def options(self) -> _Options:
        """The options of the request.   Raises: Refusal in the words that the documentation gives."""
        given = {name: value for name, value in self.others.items() if name in _Options.model_fields}
        try:
            return _Options.model_validate(given)
        except ValidationError as error:
            raise _bad_options(explain(error, _Options)) from error


class _EmbedBody(Wire):
    model: str = Field(min_length=1)
    text: list[str] = Field(min_length=1, max_length=MAX_TEXTS)


async def complete(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`POST /api/v2/cortex/inference:complete`; streams unless told not to."""
    body = _read(request)
    _check_tokens(body.options().max_tokens)
    return _answer(mock, request, body, COMPLETE_PATH, streams=body.stream is not False)


async def chat(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`POST /api/v2/cortex/v1/chat/completions`; streams when asked to."""
    body = _read(request)
    options = body.options()
    if wrong := [f"{name}: {why}" for name, why in _REFUSED_IN_CHAT.items() if body.others.get(name) is not None]:
        raise _bad_options(*wrong)
    _check_tokens(options.max_completion_tokens)
    plan = _answer(mock, request, body, CHAT_PATH, streams=body.stream is True)
    if mock.options.assume.finish_reason:
        plan = dataclasses.replace(plan, frames=with_finish_reason(plan.frames))
    if body.stream is True and not (options.stream_options or {}).get("include_usage"):
        plan = dataclasses.replace(plan, frames=without_usage(plan.frames))
    return plan


async def messages(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`POST /api/v2/cortex/v1/messages`; for Claude, and streams when asked to."""
    body = _read(request)
    options = body.options()
    if options.max_tokens is None:
        raise _bad_options("max_tokens: Field required")
    _check_tokens(options.max_tokens)
    return _answer(mock, request, body, MESSAGES_PATH, streams=body.stream is True)


async def embed(_mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`POST /api/v2/cortex/inference:embed`: vectors that stand in for the model's."""
    body = _parse(request, _EmbedBody)
    if body.model not in DIMENSIONS:
        raise _unknown(body.model, DIMENSIONS)
    return await asyncio.to_thread(_embedded, body)


def _embedded(body: _EmbedBody) -> Plan:
    length = DIMENSIONS[body.model]
    data = [
        {"object": "embedding", "embedding": [dense(text, length)], "index": index}
        for index, text in enumerate(body.text)
    ]
    usage = {"total_tokens": sum(_tokens(text) for text in body.text)}
    return json_plan({"object": "list", "data": data, "model": body.model, "usage": usage})


async def models(mock: Mock, _request: Request, _path: re.Match[str]) -> Plan:
    """`GET /api/v2/cortex/models`: the models that are known by name, recorded or not."""
    return json_plan({"models": sorted(_known(mock, WRITERS))})


def _read(request: Request) -> _Body:
    """The body.   Raises: Refusal in the words that the documentation gives."""
    body = _parse(request, _Body)
    if body.messages[-1].role not in ("user", "tool"):
        faults = [f"messages.{len(body.messages) - 1}.role: the last message must be the user's"]
        raise Refusal(400, Code.INVALID_PAYLOAD, BAD_SCHEMA, {"faults": faults})
    return body


def _parse(request: Request, model: type[W]) -> W:
    try:
        return request.parse(model)
    except Refusal as refused:
        raise Refusal(refused.status, refused.code, BAD_SCHEMA, refused.mock) from refused


def _bad_options(*faults: str) -> Refusal:
    return Refusal(400, Code.INVALID_PAYLOAD, "invalid options object", {"faults": list(faults)})


def _check_tokens(asked: int | None) -> None:
    if asked is not None and asked > MAX_OUTPUT_TOKENS:
        raise Refusal(400, Code.INVALID_PAYLOAD, f"max tokens of {MAX_OUTPUT_TOKENS} exceeded")


def _answer(mock: Mock, request: Request, body: _Body, path: str, *, streams: bool) -> Plan:
    known = _known(mock, [path])
    if body.model not in known:
        raise _unknown(body.model, known)
    asked = body.asked(path)
    found = find(asked, (each for each in mock.shelf if each.cassette.name.startswith("inference/")))
    if isinstance(found, Candidate):
        plan = found.plan
        request.entry.cassette, request.entry.interaction = found.cassette.name, found.index
        request.entry.matched = asked.compared_with(found.interaction)
    else:
        plan = _miss(mock, request, asked, found)
    return dataclasses.replace(plan, finish=functools.partial(_finished, path, streams=streams))


def _miss(mock: Mock, request: Request, asked: Asked, nearest: list[NearMiss]) -> Plan:
    """An answer for people, outside strict mode.   Raises: Refusal within it."""
    refused = refusal(request, asked, nearest)
    if mock.options.strict or asked.last_user_text is None:
        raise refused
    request.entry.end("missed")
    known = nearest_questions(nearest, [question.text for question in mock.questions(asked.path)])
    listed = "".join(f"\n- {text}" for text in known[:MAX_SUGGESTIONS])
    words = f"{apology(asked.last_user_text)}\n{listed}"
    return streamed(_improvised(asked, words), asked.path).labelled("x-mock-miss", "true")


def _improvised(asked: Asked, text: str) -> Completion:
    words = re.findall(r"\s*\S+", text)
    pieces = tuple(Said(number * _PIECE_MS, word) for number, word in enumerate(words, start=1))
    tokens = _tokens(asked.last_user_text or "")
    ended_ms = (len(words) + 1) * _PIECE_MS
    return Completion(str(uuid.uuid4()), asked.model or "", int(time.time()), tokens, pieces, ended_ms)


def _finished(path: str, plan: Plan, *, streams: bool) -> Plan:
    """What is played: the stream, a failure told in its own words, or the object that was asked for."""
    plan = in_own_words(path, plan)
    try:
        return plan if streams else collapsed(path, plan)
    except StreamFailedError as error:
        raise Refusal(500, Code.INTERNAL_ERROR, str(error)) from error


def _known(mock: Mock, paths: Iterable[str]) -> set[str]:
    """Models that can be asked on one of these paths: the catalogue's, and those of the loaded cassettes."""
    asked = set(paths)
    recorded = {
        interaction.request.match.model
        for tape in mock.cassettes
        for interaction in tape.interactions
        if interaction.request.path in asked and interaction.request.match.model is not None
    }
    only_claude = asked == {MESSAGES_PATH}
    return recorded | {name for name in COMPLETING if not only_claude or family(name) is Family.CLAUDE}


def _unknown(model: str, known: Iterable[str]) -> Refusal:
    return Refusal(400, Code.INVALID_PAYLOAD, f"unknown model {model[:100]}", {"known_models": sorted(known)})


def _tokens(text: str) -> int:
    """Four characters are taken for a token."""
    return max(1, len(text) // 4)


ROUTES: tuple[Route, ...] = (
    route("POST", COMPLETE_PATH, complete, Surface.INFERENCE),
    route("POST", CHAT_PATH, chat, Surface.INFERENCE),
    route("POST", MESSAGES_PATH, messages, Surface.INFERENCE),
    route("POST", EMBED_PATH, embed, Surface.INFERENCE),
    route("GET", MODELS_PATH, models, Surface.INFERENCE),
)
