"""The answer to a question nobody recorded: for tests a refusal, for people the questions that are recorded.

The latter is only given outside strict mode, and marked with `X-Mock-Miss`, so that no test can take it for a recorded
answer.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Any

from contracts.cortex import Code, Event
from mocks.events import played
from mocks.faults import Plan
from mocks.matching import Asked, NearMiss
from mocks.request import Refusal, Request

MAX_SUGGESTIONS = 6
MAX_QUOTED_CHARS = 200
_STEP_MS = 18.0


def refusal(request: Request, asked: Asked, nearest: Sequence[NearMiss]) -> Refusal:
    """The 404 of strict mode, with what differs from the nearest recordings; the journal gets them, too."""
    explained = [miss.as_json() for miss in nearest]
    request.entry.nearest = explained
    message = f"No recorded interaction answers {asked.method} {asked.path}; see 'mock.nearest' for what differs."
    return Refusal(404, Code.NOT_FOUND, message, {"nearest": explained})


def nearest_questions(nearest: Sequence[NearMiss], openers: Sequence[str]) -> list[str]:
    """Questions that open a conversation, those that came near first."""
    near = [miss.candidate.interaction.request.match.last_user_text for miss in nearest]
    return list(dict.fromkeys([text for text in near if text is not None and text in openers] + list(openers)))


def apology(asked: str | None) -> str:
    """What is said of a question without an answer, before the questions that have one."""
    sentence = (
        "There is no recorded answer to this question. This is a rehearsal: answers are played from cassettes, "
        "no model is asked. These questions have one."
    )
    quoted = textwrap.shorten((asked or "")[: 4 * MAX_QUOTED_CHARS], MAX_QUOTED_CHARS, placeholder=" …")
    return f"**“{quoted}”** is not on the tape. {sentence}" if quoted else sentence


def suggest(asked: str | None, questions: list[str]) -> Plan:
    """A short streamed answer whose suggested queries are recorded questions, nearest first."""
    answer = apology(asked)
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
    return played(events, _STEP_MS, x_mock_miss="true")
