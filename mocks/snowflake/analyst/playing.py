"""An answer as it travels: events with pauses between them, or one JSON document when the last of them is due.

The pauses are made up, between those of a quick and a slow answer, and belong to the question, so that they repeat.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from contracts.cortex import EVENT_STREAM, REQUEST_ID_HEADER, Code
from mocks.cassette import Frame
from mocks.faults import Plan
from mocks.request import Refusal
from mocks.snowflake.analyst.answering import Answer
from mocks.stories import pacing
from mocks.stories.pacing import Clock, Range

MODEL_NAMES = ["claude-4-sonnet"]
"""What clients expect to be named here; no model is asked, as `x-mock-analyst` tells."""

DELTA = "message.content.delta"

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """An answer with what the request adds to it. selection: which of several models answered."""

    answer: Answer
    request_id: str
    warnings: Sequence[str] = ()
    selection: Json | None = None


def planned(reply: Reply, question: str, *, stream: bool, done: str) -> Plan:
    """The plan of a reply. done: data of the last event."""
    script = _Script(question)
    latency_ms = script.play(reply, done)
    headers = {
        "content-type": EVENT_STREAM,
        REQUEST_ID_HEADER.lower(): reply.request_id,
        "x-mock-analyst": reply.answer.way.name.lower(),
    }
    document = _document(reply, latency_ms)
    return Plan(200, headers, tuple(script.frames), finish=None if stream else _whole(document))


class _Script:
    """Events on a clock that belongs to the question."""

    def __init__(self, question: str) -> None:
        self._clock = Clock(f"analyst|{question}")
        self.frames: list[Frame] = []

    def play(self, reply: Reply, done: str) -> int:
        """Write every event; return how long all of it takes, in milliseconds."""
        answer = reply.answer
        started = {"status": "interpreting_question", "status_message": "Interpreting question"}
        self._emit("status", {**started, "request_id": reply.request_id}, pacing.FIRST)
        for part in _words(answer.text):
            self._emit(DELTA, {"index": 0, "type": "text", "text_delta": part}, pacing.TEXT)
        if answer.sql is not None:
            self._sql(answer, answer.sql)
        elif answer.suggestions:
            self._suggestions(answer.suggestions)
        self._emit("warnings", {"warnings": _warnings(reply)}, pacing.STATUS)
        latency_ms = round(self._clock.now_ms)
        self._emit("response_metadata", _metadata(answer, latency_ms), pacing.AT_ONCE)
        self._status("done", "Done", pacing.AT_ONCE)
        self.frames.append(Frame(self._clock.wait(pacing.AT_ONCE), f"event: done\ndata: {done}\n\n".encode()))
        return latency_ms

    def _sql(self, answer: Answer, sql: str) -> None:
        self._status("generating_sql", "Generating SQL", pacing.STATUS)
        self._status("validating_sql", "Validating SQL", pacing.QUERY)
        self._status("postprocessing_sql", "Postprocessing SQL", pacing.MODEL)
        delta = {"index": 1, "type": "sql", "statement_delta": sql, "confidence": _confidence(answer)}
        self._emit(DELTA, delta, pacing.MODEL)

    def _suggestions(self, suggestions: Sequence[str]) -> None:
        self._status("generating_suggestions", "Generating suggestions", pacing.STATUS)
        for number, suggestion in enumerate(suggestions):
            wait = pacing.MODEL
            for part in _words(suggestion):
                delta = {"index": number, "suggestion_delta": part}
                self._emit(DELTA, {"index": 1, "type": "suggestions", "suggestions_delta": delta}, wait)
                wait = pacing.TEXT

    def _status(self, status: str, message: str, wait: Range) -> None:
        self._emit("status", {"status": status, "status_message": message}, wait)

    def _emit(self, event: str, payload: Json, wait: Range) -> None:
        data = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
        self.frames.append(Frame(self._clock.wait(wait), f"event: {event}\ndata: {data}\n\n".encode()))


def _words(text: str) -> list[str]:
    """A text in pieces that join to it again."""
    return re.findall(r"\s*\S+\s*$|\s*\S+", text)


def _document(reply: Reply, latency_ms: int) -> Json:
    answer = reply.answer
    content: list[Json] = [{"type": "text", "text": answer.text}]
    if answer.sql is not None:
        content.append({"type": "sql", "statement": answer.sql, "confidence": _confidence(answer)})
    elif answer.suggestions:
        content.append({"type": "suggestions", "suggestions": list(answer.suggestions)})
    return {
        "request_id": reply.request_id,
        "message": {"role": "analyst", "content": content},
        "warnings": _warnings(reply),
        "semantic_model_selection": reply.selection,
        "response_metadata": _metadata(answer, latency_ms),
    }


def _confidence(answer: Answer) -> Json:
    used = answer.verified
    fields = {"name", "question", "sql", "verified_at", "verified_by"}
    return {"verified_query_used": None if used is None else used.model_dump(include=fields)}


def _warnings(reply: Reply) -> list[Json]:
    return [{"message": warning} for warning in reply.warnings]


def _metadata(answer: Answer, latency_ms: int) -> Json:
    return {
        "model_names": MODEL_NAMES,
        "cortex_search_retrieval": [],
        "question_category": answer.category,
        "analyst_orchestration_path": answer.path,
        "analyst_latency_ms": latency_ms,
        "is_semantic_sql": False,
    }


def _whole(document: Json) -> Callable[[Plan], Plan]:
    """What makes one JSON document of the stream, faults included: an `error` event is a 500, a cut cuts."""

    def finish(plan: Plan) -> Plan:
        if not plan.is_event_stream:
            return plan
        headers = {**plan.headers, "content-type": "application/json"}
        if plan.ends == "cut":
            return dataclasses.replace(plan, headers=headers, frames=())
        for frame in plan.frames:
            if frame.event == "error":
                failed = dataclasses.replace(frame, data=frame.payload, cut=())
                return dataclasses.replace(plan, status=500, headers=headers, frames=(failed,))
            if frame.event == "done":
                body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
                whole = dataclasses.replace(frame, data=body, cut=())
                return dataclasses.replace(plan, headers=headers, frames=(whole,), ends="clean")
        raise Refusal(409, Code.INVALID_PAYLOAD, "This answer ends before it is whole, so it can only be streamed.")

    return finish
