"""The old form of a run: a body with a top-level `model`, answered with `message.delta` events."""

from __future__ import annotations

import json

from contracts.cortex import DONE, EVENT_STREAM, INLINE_RUN_PATH, REQUEST_ID_HEADER, Event
from mocks.cassette import Cassette, Frame, Interaction, Match, Request, ResponseHead
from mocks.stories import pacing
from mocks.stories.deltas import tokens
from mocks.stories.pacing import Clock, Range
from mocks.stories.results import Json, query
from mocks.stories.writer import ANALYST, cassette, made_up_uuid

NAME = "legacy_message_delta"
QUESTION = "Net sales by country in 2025"
MODEL = "claude-3-5-sonnet"
TOOL_USE_ID = "tooluse_legacy01"
SQL = (
    "SELECT country, SUM(net_amount) AS net_sales FROM CORTEX_BENCH_DB.SALES.ORDERS"
    " WHERE order_year = 2025 GROUP BY country ORDER BY net_sales DESC NULLS LAST;"
)


def legacy_message_delta() -> Cassette:
    """The analyst's statement and a sentence; running the statement is the client's business."""
    query(SQL)  # a statement handed out must work
    call = {"messages": [f'role:USER content:{{text:{{text:"{QUESTION}"}}}}'], "model": "snowflake-hosted-semantic"}
    found = {"text": "This is how I read the question: net sales per country for orders placed in 2025.", "sql": SQL}
    results = {"name": ANALYST, "content": [{"type": "json", "json": found}], "status": "success"}
    said = tokens("Here is the query; run it to see the countries, the strongest first.")
    items: list[tuple[Range, Json]] = [
        (pacing.FIRST, {"type": "tool_use", "tool_use": {"tool_use_id": TOOL_USE_ID, "name": ANALYST, "input": call}}),
        (pacing.QUERY, {"type": "tool_results", "tool_results": {"tool_use_id": TOOL_USE_ID, **results}}),
        *((pacing.TEXT, {"type": "text", "text": piece}) for piece in said),
    ]
    clock = Clock(NAME)
    frames = [Frame(clock.wait(wait), _delta(item)) for wait, item in items]
    frames.append(Frame(clock.wait(pacing.AT_ONCE), f"event: {Event.DONE}\ndata: {DONE}\n\n".encode()))
    asked = Match(last_user_text=QUESTION, model=MODEL)
    headers = {"Content-Type": EVENT_STREAM, REQUEST_ID_HEADER: made_up_uuid(NAME, "request")}
    return cassette(
        NAME,
        "the format before agents, where the client runs the SQL",
        "cortex-wire 1.12",
        Interaction(
            Request(method="POST", path=INLINE_RUN_PATH, match=asked),
            ResponseHead(status=200, headers=headers),
            tuple(frames),
        ),
    )


def _delta(item: Json) -> bytes:
    """One event; this format keeps its keys in a fixed order and counts nothing."""
    payload = {"id": "msg_001", "object": "message.delta", "delta": {"content": [{"index": 0, **item}]}}
    return f"event: message.delta\ndata: {json.dumps(payload, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()
