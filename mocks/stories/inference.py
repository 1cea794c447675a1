"""Answers of models, asked for text: each in every form, by a model of each family."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator

from contracts.cortex import EVENT_STREAM, REQUEST_ID_HEADER
from mocks.cassette import Cassette, Frame, Header, Interaction, Match, Request, ResponseHead
from mocks.snowflake.completions import (
    CHAT_PATH,
    COMPLETE_PATH,
    MESSAGES_PATH,
    WRITERS,
    Completion,
    Said,
    ToolCall,
)
from mocks.snowflake.models import Family, family
from mocks.stories import pacing
from mocks.stories.deltas import tokens
from mocks.stories.pacing import Clock
from mocks.stories.results import query
from mocks.stories.writer import made_up_uuid

MODELS = ("claude-sonnet-4-6", "openai-gpt-4.1", "mistral-large2", "llama3.1-70b")
TOOL_MODELS = ("claude-sonnet-4-6", "openai-gpt-4.1")
"""Chat completions take tools for these families only."""

CREATED_S = 1_767_225_600
ORDER_ID = 250_001
TOOL_USE_ID = "call_order_01"
ORDER_SQL = f"SELECT product, quantity FROM CORTEX_BENCH_DB.SALES.ORDERS WHERE order_id = {ORDER_ID}"  # noqa: S608
REGIONS_SQL = (
    "SELECT region, SUM(net_amount) AS net_sales FROM CORTEX_BENCH_DB.SALES.ORDERS"
    " WHERE order_year = 2025 GROUP BY region ORDER BY net_sales DESC"
)


def hello() -> Cassette:
    """What everybody tries first."""
    answer = "Hello! This is a recorded answer; no model was asked."
    return _told("hello", "a greeting, for a first try", _asked("hello", "Hello", [answer]))


def summary() -> Cassette:
    """One sentence about the refund policy."""
    question = "Summarise our refund policy in one sentence."
    answer = "Refunds are possible within 30 days; in Asia and Pacific goods go back within 14 days, food unopened."
    return _told("summary", "a policy in one sentence", _asked("summary", question, [answer]))


def structured() -> Cassette:
    """An object, as a response format would ask for it."""
    sold = {str(row[0]): float(str(row[1])) for row in query(REGIONS_SQL).rows}
    answer = json.dumps({"year": 2025, "net_sales_k_eur": sold}, separators=(",", ":"))
    question = "Net sales by region in 2025, as JSON"
    return _told("structured", "figures as a JSON object", _asked("structured", question, [answer]))


def unicode_reply() -> Cassette:
    """Scripts and emoji, cut between characters."""
    answer = "Danke, 谢谢, ありがとう, شكرا, धन्यवाद, cảm ơn, 🙏🏽👩‍🚀🇨🇭!"
    question = "Say thank you in six languages"
    return _told(
        "unicode_reply", "many scripts, and emoji of several parts", _asked("unicode_reply", question, [answer])
    )


def order_tool() -> Cassette:
    """The model asks for a tool, and answers once its result is there."""
    ((product, quantity),) = query(ORDER_SQL).rows
    call = ToolCall(TOOL_USE_ID, "get_order", {"order_id": ORDER_ID})
    asked = _asked("order_tool", f"What is in order {ORDER_ID}?", ["I look it up.", call], TOOL_MODELS)
    answered = _interactions(
        "order_tool_result",
        lambda model: Match(tool_use_id=TOOL_USE_ID, model=model),
        [f"Order {ORDER_ID} holds {quantity} × {product}."],
        TOOL_MODELS,
    )
    return _told("order_tool", "a tool call, and the answer to its result", [*asked, *answered])


def failing_stream() -> Cassette:
    """A model that stops in the middle; Snowflake's form alone, where this is documented."""
    name, question, model = "failing_stream", "Write a long poem about coffee", "mistral-large2"
    (whole,) = _interactions(
        name, lambda model: Match(last_user_text=question, model=model), ["Dark as the"], (model,), (COMPLETE_PATH,)
    )
    error = {"error": {"message": "inference timed out", "request_id": made_up_uuid(name, "request")}}
    last = Frame(whole.frames[-1].at_ms + 900, f"data: {json.dumps(error, separators=(',', ':'))}\n\n".encode())
    broken = Interaction(whole.request, whole.response, (*whole.frames, last))
    return _told(name, "an error in the middle of the stream", [broken])


def _asked(
    name: str, question: str, answer: list[str | ToolCall], models: tuple[str, ...] = MODELS
) -> list[Interaction]:
    """A question's answer in every form."""
    return list(_interactions(name, lambda model: Match(last_user_text=question, model=model), answer, models))


def _interactions(
    name: str,
    match: Callable[[str], Match],
    answer: list[str | ToolCall],
    models: tuple[str, ...],
    paths: Iterable[str] = tuple(WRITERS),
) -> Iterator[Interaction]:
    for path in paths:
        for model in models:
            if path == MESSAGES_PATH and family(model) is not Family.CLAUDE:
                continue
            key = f"{name}|{path}|{model}"
            headers = {"Content-Type": EVENT_STREAM, REQUEST_ID_HEADER: made_up_uuid(key, "request")}
            yield Interaction(
                Request(method="POST", path=path, match=match(model)),
                ResponseHead(status=200, headers=headers),
                tuple(WRITERS[path](_completion(key, path, model, answer))),
            )


def _completion(key: str, path: str, model: str, answer: list[str | ToolCall]) -> Completion:
    clock = Clock(key)
    clock.wait(pacing.FIRST)
    pieces = (piece for part in answer for piece in (_pieces(part) if isinstance(part, str) else [part]))
    said = [Said(clock.wait(pacing.TEXT if isinstance(piece, str) else pacing.MODEL), piece) for piece in pieces]
    made_up = made_up_uuid(key, "answer")
    ids = {CHAT_PATH: f"chatcmpl-{made_up.replace('-', '')}", MESSAGES_PATH: f"msg_{made_up.replace('-', '')[:24]}"}
    return Completion(ids.get(path, made_up), model, CREATED_S, 12, tuple(said), clock.wait(pacing.AT_ONCE))


def _pieces(text: str) -> list[str]:
    """The text by pairs of tokens, as faster models send it."""
    parts = tokens(text)
    return ["".join(parts[at : at + 2]) for at in range(0, len(parts), 2)]


def _told(name: str, about: str, interactions: list[Interaction]) -> Cassette:
    header = Header(provenance="documented", source="cortex-wire 7.1, 7.2", about=about)
    return Cassette(f"inference/{name}", header, tuple(interactions))
