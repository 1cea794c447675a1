"""The answer to a question nobody recorded, for people rather than tests: it lists the questions that are.

Only given outside strict mode, and marked with `X-Mock-Miss`, so that no test can take it for a recorded answer.
"""

from __future__ import annotations

import json
import re
import textwrap
from typing import Any

from contracts.cortex import EVENT_STREAM, Event
from mocks.cassette import Frame
from mocks.faults import Plan

MAX_SUGGESTIONS = 6
MAX_QUOTED_CHARS = 200
_STEP_MS = 18.0


def suggest(asked: str | None, questions: list[str]) -> Plan:
    """A short streamed answer whose suggested queries are recorded questions, nearest first."""
    sentence = (
        "There is no recorded answer to this question. This is a rehearsal: answers are played from cassettes, "
        "no model is asked. These questions have one."
    )
    quoted = textwrap.shorten((asked or "")[: 4 * MAX_QUOTED_CHARS], MAX_QUOTED_CHARS, placeholder=" …")
    answer = f"**“{quoted}”** is not on the tape. {sentence}" if quoted else sentence
    block = {"type": "text", "text": answer, "annotations": [], "is_elicitation": False}
    suggested = [{"query": question} for question in questions[:MAX_SUGGESTIONS]]
    final = {
        "role": "assistant",
        "content": [block, {"type": "suggested_queries", "suggested_queries": suggested}],
        "metadata": {"usage": {"tokens_consumed": []}},
        "schema_version": "v2",
        "status": "completed",
    }
    events: list[tuple[Event, dict[str, Any]]] = [
        (Event.STATUS, {"status": "proceeding_to_answer", "message": "Forming the answer"}),
        *((Event.TEXT_DELTA, {"content_index": 0, "text": part}) for part in re.findall(r"\s*\S+", answer)),
        (Event.TEXT, {"content_index": 0, "text": answer, "annotations": []}),
        (Event.SUGGESTED_QUERIES, {"content_index": 1, "suggested_queries": suggested}),
        (Event.RESPONSE, final),
    ]
    frames = [
        Frame(number * _STEP_MS, _frame(name, {**payload, "sequence_number": number}))
        for number, (name, payload) in enumerate(events, start=1)
    ]
    frames.append(Frame(frames[-1].at_ms, b"event: done\ndata: [DONE]\n\n"))
    return Plan(200, {"content-type": EVENT_STREAM, "x-mock-miss": "true"}, tuple(frames))


def _frame(name: Event, payload: dict[str, Any]) -> bytes:
    data = json.dumps(payload, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"event: {name}\ndata: {data}\n\n".encode()
