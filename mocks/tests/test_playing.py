"""Analyst's answers as they travel, without a server."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from fixtures.bench.semantics import bench_model
from mocks.cassette import Frame
from mocks.faults import Plan
from mocks.request import Refusal
from mocks.snowflake.analyst.answering import Analyst
from mocks.snowflake.analyst.playing import DELTA, Reply, planned

ANALYST = Analyst(bench_model())
VERIFIED, COMPOSED, SUGGESTED = (
    "Net sales by region in 2025?",
    "net sales by channel in 2024",
    "Who are our best customers?",
)
ALL = pytest.mark.parametrize("question", [VERIFIED, COMPOSED, SUGGESTED, "Hello"])


def plan_for(question: str, *, stream: bool = True, done: str = "{}", **fields: Any) -> Plan:
    """The plan of a question's answer."""
    return planned(Reply(ANALYST.answer([question]), "id-1", **fields), question, stream=stream, done=done)


def events(plan: Plan) -> list[tuple[str, Any]]:
    """Names and payloads, without the end."""
    return [(frame.event, json.loads(frame.payload)) for frame in plan.frames[:-1]]


def document(plan: Plan) -> Any:
    """What `stream: false` sends of a plan."""
    assert plan.finish is not None
    return json.loads(plan.finish(plan).frames[0].data)


def joined(plan: Plan) -> list[dict[str, Any]]:
    """The message's content, as a client joins it from deltas."""
    content: dict[int, dict[str, Any]] = {}
    for name, data in events(plan):
        if name != DELTA:
            continue
        block = content.setdefault(data["index"], {"type": data["type"]})
        if data["type"] == "text":
            block["text"] = block.get("text", "") + data["text_delta"]
        elif data["type"] == "sql":
            block["statement"] = block.get("statement", "") + data["statement_delta"]
            block["confidence"] = data["confidence"]
        else:
            delta, parts = data["suggestions_delta"], block.setdefault("suggestions", [])
            if delta["index"] == len(parts):
                parts.append("")
            parts[delta["index"]] += delta["suggestion_delta"]
    return [content[index] for index in sorted(content)]


@ALL
def test_both_forms_say_the_same(question: str) -> None:
    """Deltas joined by index are the document's content; metadata and warnings are equal."""
    stream = plan_for(question, warnings=["careful"])
    whole = document(plan_for(question, stream=False, warnings=["careful"]))
    assert joined(stream) == whole["message"]["content"]
    by_name = dict(events(stream))
    assert by_name["warnings"] == {"warnings": [{"message": "careful"}]} == {"warnings": whole["warnings"]}
    assert by_name["response_metadata"] == whole["response_metadata"]
    assert whole["message"]["role"] == "analyst"
    assert whole["request_id"] == "id-1"


@pytest.mark.parametrize(
    ("question", "statuses"),
    [
        (VERIFIED, ["interpreting_question", "generating_sql", "validating_sql", "postprocessing_sql", "done"]),
        (SUGGESTED, ["interpreting_question", "generating_suggestions", "done"]),
    ],
)
def test_statuses_tell_what_goes_on(question: str, statuses: list[str]) -> None:
    """In their order, the first with the request id, all with words for people."""
    found = [data for name, data in events(plan_for(question)) if name == "status"]
    assert [data["status"] for data in found] == statuses
    assert [data.get("request_id") for data in found] == ["id-1", *[None] * (len(found) - 1)]
    assert all(data["status_message"] for data in found)


def test_text_comes_word_by_word_and_sql_whole() -> None:
    """As the documentation says of each."""
    deltas = [data for name, data in events(plan_for(COMPOSED)) if name == DELTA]
    assert [data["text_delta"] for data in deltas if data["type"] == "text"][:3] == ["This", " is", " how"]
    assert [data["type"] for data in deltas].count("sql") == 1


@ALL
def test_time_passes_and_repeats(question: str) -> None:
    """Frames never go back in time, some wait, and the same question takes the same time again."""
    plan = plan_for(question)
    times = [frame.at_ms for frame in plan.frames]
    assert times == sorted(times)
    assert times[0] > 100
    assert [frame.at_ms for frame in plan_for(question).frames] == times
    metadata = dict(events(plan))["response_metadata"]
    assert times[0] < metadata["analyst_latency_ms"] <= times[-1]


@pytest.mark.parametrize("done", ["{}", "[DONE]", ""])
def test_the_end_is_as_assumed(done: str) -> None:
    """The last frame is `done`, whatever it carries."""
    assert plan_for(VERIFIED, done=done).frames[-1].data == f"event: done\ndata: {done}\n\n".encode()


def test_a_verified_query_travels_with_its_origin() -> None:
    """Name, question, SQL, when and by whom; a composition has none."""
    used = document(plan_for(VERIFIED, stream=False))["message"]["content"][1]["confidence"]["verified_query_used"]
    assert sorted(used) == ["name", "question", "sql", "verified_at", "verified_by"]
    assert isinstance(used["verified_at"], int)
    content = document(plan_for(COMPOSED, stream=False))["message"]["content"]
    assert content[1]["confidence"] == {"verified_query_used": None}


def test_the_document_is_due_when_the_stream_would_have_ended() -> None:
    """Pace and faults apply to it through its one frame."""
    plan = plan_for(VERIFIED, stream=False)
    held = dataclasses.replace(plan, frames=tuple(dataclasses.replace(each, held_ms=5.0) for each in plan.frames))
    assert plan.finish is not None
    (frame,) = plan.finish(held).frames
    assert (frame.at_ms, frame.held_ms) == (plan.frames[-1].at_ms, 5.0)
    assert plan.finish(held).headers["content-type"] == "application/json"


def test_a_fault_reaches_the_document() -> None:
    """A cut cuts, an error is a 500 with its payload, another answer stays, and an early end is a conflict."""
    plan = plan_for(VERIFIED, stream=False)
    assert plan.finish is not None
    cut = plan.finish(dataclasses.replace(plan, frames=plan.frames[:3], ends="cut"))
    assert (cut.ends, cut.frames, cut.headers["content-type"]) == ("cut", (), "application/json")
    error = Frame(1.0, b'event: error\ndata: {"message":"m"}\n\n')
    failed = plan.finish(dataclasses.replace(plan, frames=(plan.frames[0], error)))
    assert (failed.status, failed.frames[0].data) == (500, b'{"message":"m"}')
    other = Plan(503, {"content-type": "text/html"}, ())
    assert plan.finish(other) is other
    with pytest.raises(Refusal, match="can only be streamed"):
        plan.finish(dataclasses.replace(plan, frames=plan.frames[:3]))
