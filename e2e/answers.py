"""Recorded answers, and whether all that is told of a turn tells of the one that was played."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from contracts import traces
from contracts.api import PREFIX, EndReason
from contracts.cortex import agent_run_path
from e2e.stage import NotTold
from e2e.story import MOCK, PROXY, Story
from e2e.telemetry import Log, Span, TelemetryMissing
from e2e.way import Stop, counted, first_difference
from mocks.cassette import Frame, load_all
from mocks.state import HERE
from proxy.sse import SseDecoder

AGENT = "SALES_AGENT"
RUN_PATH = agent_run_path("CORTEX_BENCH_DB", "SALES", AGENT)
TEXT = "response.text.delta"
THREAD_THEN_RUN, RUN = ("threads", "agent"), ("agent",)
"""What a conversation's first turn asks of Snowflake, and one that goes on in its thread, as the mock calls it."""

PASSAGE = 20
"""Characters that stand nowhere by accident; single words, as `region`, do."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A recorded answer.   interaction: its place in the cassette."""

    question: str
    cassette: str
    interaction: int
    frames: tuple[Frame, ...]

    def data(self, event: str) -> list[dict[str, Any]]:
        """What the frames of an event hold, in order."""
        return [json.loads(frame.payload) for frame in self.frames if frame.event == event]

    @property
    def deltas(self) -> list[str]:
        """The pieces of its text, as they come."""
        return [each["text"] for each in self.data(TEXT)]

    @property
    def words(self) -> str:
        """The question and all that was thought and answered."""
        thoughts = [each["text"] for each in self.data("response.thinking")]
        return "\n".join([self.question, *thoughts, "".join(self.deltas)])

    @property
    def used(self) -> list[dict[str, Any]]:
        """What each model spent, as Snowflake reports it at the end."""
        found: list[dict[str, Any]] = self.data("response")[-1]["metadata"]["usage"]["tokens_consumed"]
        return found

    def tokens(self, kind: str, part: str) -> int:
        """Tokens over all models.   kind, part: as in Snowflake's report, `input_tokens` and `total`."""
        return sum(each[kind][part] for each in self.used)


@functools.cache
def _answers() -> dict[str, Answer]:
    return {
        question: Answer(question, tape.name, place, tuple(each.frames))
        for tape in load_all(HERE / "cassettes")
        for place, each in enumerate(tape.interactions)
        if each.request.path == RUN_PATH and (question := each.request.match.last_user_text) is not None
    }


def answer_to(question: str) -> Answer:
    """The recorded answer to a question."""
    return _answers()[question]


def way_of(story: Story, answer: Answer) -> list[Stop]:
    """What the newest turn's answer was at each stop before the page; without those of which a target tells nothing."""
    way = [Stop("the cassette", f"{answer.cassette} holds {len(answer.frames)} events, {len(answer.deltas)} of text")]
    with suppress(NotTold, StopIteration):
        run = next(each for each in story.journal() if each["surface"] == "agent")
        way.append(sent_by_mock(answer, run["frames_sent"]))
    with suppress(NotTold, TelemetryMissing):
        request, *_ = story.spans(PROXY)
        way.append(read_by_proxy(answer, request.attributes))
    response = story.asked[-1].response()
    return [*way, received(answer, response.body() if response else b"")]


def sent_by_mock(answer: Answer, frames: int) -> Stop:
    """What the mock says that it sent."""
    wrong = counted("events", len(answer.frames), frames)
    return Stop("the mock's player (mocks/replay.py)", f"the mock's journal says that it sent {frames} events", wrong)


def read_by_proxy(answer: Answer, request: Mapping[str, Any]) -> Stop:
    """What the proxy says that it read.   request: attributes of the request's span."""
    events = request.get(traces.EVENTS.name, 0)
    where = "what the mock really sent (mocks/replay.py), or what the proxy read of it"
    wrong = counted("events", len(answer.frames), events)
    return Stop(where, f"the proxy's span says that it read {events} events", wrong)


def received(answer: Answer, body: bytes) -> Stop:
    """What came to the browser.   body: of the response to the question."""
    events = [each for each in SseDecoder().feed(body) if not each.name.startswith("proxy.")]
    pieces = [_piece(each.data) for each in events if each.name == TEXT]
    wrong = first_difference("piece", answer.deltas, pieces) or counted("events", len(answer.frames), len(events))
    said = f"the browser received {len(events)} events, {len(pieces)} of text"
    return Stop("what the proxy passed on (proxy/relay.py)", said, wrong)


def _piece(data: bytes) -> str:
    """An event's piece of text; of an event that was damaged on its way, all that is left."""
    try:
        return str(json.loads(data)["text"])
    except (ValueError, KeyError, TypeError):
        return data.decode("utf-8", "replace")


def shape(story: Story) -> list[str]:
    """The newest turn's trace as a tree of names, kinds and services, once it is whole."""
    spans = [*story.spans(PROXY), *story.spans(MOCK)]
    (root,) = [each for each in spans if each.parent_id == page_span(story)]
    return list(_branch(root, spans, ""))


def page_span(story: Story) -> str:
    """The span id that the page sent with its newest question."""
    return story.asked[-1].headers["traceparent"].split("-")[2]


def _branch(span: Span, spans: list[Span], indent: str) -> Iterator[str]:
    yield f"{indent}{span.service} {span.name} ({span.kind})"
    for each in spans:
        if each.parent_id == span.span_id:
            yield from _branch(each, spans, indent + "  ")


def shape_of(asked: Sequence[str]) -> list[str]:
    """The tree that a turn must leave: the page's question, an attempt for each upstream, each with the mock's part."""
    pairs = [(f"  {PROXY} POST agent (client)", f"    {MOCK} POST {surface} (server)") for surface in asked]
    return [f"{PROXY} POST {PREFIX}/chat (server)", *(line for pair in pairs for line in pair)]


def assert_told(story: Story, question: str, asked: Sequence[str]) -> Span:
    """The span of the newest turn's request: one trace, its two lines and all figures tell of the recorded answer.

    Neither question nor answer is told.   asked: upstream.
    Raises: TelemetryMissing naming each thing that is not so, with the trace.
    """
    answer, found = answer_to(question), shape(story)
    request, *_ = story.spans(PROXY)
    run = story.spans(MOCK)[-1]
    faults = [] if found == shape_of(asked) else ["the trace's spans are", *found, "instead of", *shape_of(asked)]
    faults += differences("the request's span", request_of(answer), request.attributes)
    faults += differences("the mock's span", run_of(answer), run.attributes)
    faults += [f"{each.name} has the status {each.status}" for each in story.spans(PROXY) if each.status != "unset"]
    thread = thread_of(story)
    faults += differences("the request's span", {traces.CONVERSATION.name: str(thread)}, request.attributes)
    faults += _lines(story, answer, request)
    faults += told_words(answer.words, story.receiver.spans(trace_id=story.trace_id))
    faults += told_words(answer.words, story.receiver.logs(trace_id=story.trace_id))
    if faults:
        headline = f"The answer to {question!r} came, but what is told of it is wrong:"
        raise TelemetryMissing("\n".join([headline, *faults, story.receiver.tree(story.trace_id)]))
    story.never_warned()
    return request


def told_words(words: str, records: Sequence[Span | Log]) -> list[str]:
    """The spans and lines that hold a passage of a text, which telemetry must not, and where they hold it."""
    passages = [words[at : at + PASSAGE] for at in range(0, len(words) - PASSAGE, PASSAGE // 2)]
    return [
        f"{_named(each)} holds words of the question or its answer in {name!r}, which must never be told"
        for each in records
        for name, value in (each.attributes if isinstance(each, Span) else each.fields).items()
        if any(passage in f"{name} {value}" for passage in passages)
    ]


def _named(record: Span | Log) -> str:
    if isinstance(record, Span):
        return f"the span {record.service} {record.name} ({record.kind})"
    return f"the line {record.event!r} of {record.service}"


def request_of(answer: Answer) -> dict[str, Any]:
    """What the span of a whole answer's request says."""
    return {
        traces.ROUTE.name: f"{PREFIX}/chat",
        traces.STATUS.name: 200,
        traces.END_REASON.name: EndReason.COMPLETED,
        traces.EVENTS.name: len(answer.frames),
        traces.OPERATION.name: "invoke_agent",
        traces.PROVIDER_NAME.name: traces.PROVIDER,
        traces.AGENT_NAME.name: AGENT,
        traces.STREAMS.name: True,
        traces.MODEL.name: answer.used[0]["model_name"],
        traces.INPUT_TOKENS.name: answer.tokens("input_tokens", "total"),
        traces.CACHED_TOKENS.name: answer.tokens("input_tokens", "cache_read"),
        traces.OUTPUT_TOKENS.name: answer.tokens("output_tokens", "total"),
    }


def run_of(answer: Answer) -> dict[str, Any]:
    """What the mock's span of it says."""
    return {
        "cassette": answer.cassette,
        "interaction": answer.interaction,
        "frames": len(answer.frames),
        "outcome": "answered",
    }


def thread_of(story: Story) -> int:
    """Snowflake's thread in which the newest question was asked."""
    thread: int = asked_of(story)["thread_id"]
    return thread


def asked_of(story: Story) -> dict[str, Any]:
    """The body of the newest run that reached the mock."""
    run = next(each for each in story.journal() if each["surface"] == "agent")
    body: dict[str, Any] = json.loads(run["request_body"])
    return body


def _lines(story: Story, answer: Answer, request: Span) -> Iterator[str]:
    lines = story.logs()
    if [each.event for each in lines] != ["request", "stream ended"]:
        yield f"the lines are {[each.event for each in lines]}"
        return
    same = {"spanId": request.span_id, "sessionId": request.attributes[traces.SESSION_ID.name], "problem": None}
    asked, ended = lines
    yield from differences("the line 'request'", {**same, "status": 200, "retries": None}, asked.fields)
    told = {
        **same,
        "reason": EndReason.COMPLETED,
        "events": len(answer.frames),
        "turnId": request.attributes[traces.TURN_ID.name],
    }
    yield from differences("the line 'stream ended'", told, ended.fields)


def differences(what: str, expected: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    """What is not as expected, in words; None stands for what must be absent."""
    for name, wanted in expected.items():
        if found.get(name) != wanted:
            yield f"{what} says {name} {found.get(name)!r}, expected {wanted!r}"
