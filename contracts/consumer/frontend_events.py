"""What the page relies on in streams: fields of each event, whole streams and their sequence rules.

The fields are those that `e2e/client/turn.js` reads; a test takes each of them away and holds that the page notices.
Names and figures are those of the rehearsal data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from contracts.api import PROBLEM_BASE, EndReason, ProblemType, StreamEvent
from contracts.consumer.promise import Exactly, Promise, example, schema
from contracts.cortex import DONE, Event

AS_RECORDED = "as_recorded"
"""The provider state of every interaction that needs no scenario."""

SESSION_ID = "6b0f1f0e6a144a559d0e3a7a2f1d5c77"
TURN_ID = "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
QUERY_ID = "01bd4f00-0000-1a2b-0000-000000000101"
THREAD_ID, MESSAGE_ID = 77, 502

NET_SALES = "Net sales by region"
CLIENT_TOOL = "When do the daily figures close in my time zone?"
CITED = "What is the refund deadline?"
AMBIGUOUS = "Who are our best customers?"
OLDER = "Net sales by country in 2025"
WARNED = "What are our price rules, and did prices rise in 2025?"

ANALYST_STATUS = "status"
ANALYST_DELTA = "message.content.delta"

_COLUMNS = {"numRows": 2, "rowType": [{"name": "NET_SALES", "type": "FIXED", "scale": 2}]}
_TABLE = {"content_index": 7, "title": "Net sales", "query_id": QUERY_ID}
_CITED = {
    "type": "cortex_search_citation",
    "doc_id": "POL-7",
    "doc_title": "Refund policy",
    "text": "Refunds are possible within 30 days.",
}
_RESULT = {"tool_use_id": "toolu_ctx01", "status": "success"}
_TOOL_USE = {"tool_use_id": "toolu_ctx01", "type": "cortex_search", "name": "sales_docs", "input": {}}
USAGE = {"inputTokens": 5100, "cachedTokens": 1200, "outputTokens": 420}
_END = {"reason": "completed", "turnId": TURN_ID, "events": 19, "upstreamBytes": 9471, "durationMs": 4006.5}
_START = {"sessionId": SESSION_ID, "turnId": TURN_ID, "traceId": TRACE_ID}

CHAT: Mapping[str, Promise] = {
    StreamEvent.START: _START,
    Event.METADATA: {"metadata": {"role": "assistant", "message_id": MESSAGE_ID}},
    Event.STATUS: {"message": "Planning the next steps"},
    Event.THINKING_DELTA: {"content_index": 0, "text": "The user wants"},
    Event.THINKING: {"content_index": 0, "text": "The user wants net sales."},
    Event.TOOL_USE: {**_TOOL_USE, "client_side_execute": False},
    Event.TOOL_RESULT_STATUS: {"tool_use_id": "toolu_ctx01", "message": "Executing SQL"},
    Event.TOOL_RESULT: {**_RESULT, "content": [{"type": "json"}]},
    Event.TABLE: {**_TABLE, "result_set": {"data": [], "resultSetMetaData": _COLUMNS}},
    Event.CHART: {"content_index": 8, "chart_spec": '{"mark":"bar"}'},
    Event.TEXT_DELTA: {"content_index": 9, "text": "EMEA leads"},
    Event.TEXT_ANNOTATION: {"content_index": 9, "annotation": {"type": "cortex_search_citation"}},
    Event.TEXT: {"content_index": 9, "text": "EMEA leads with 1,250.50."},
    Event.SUGGESTED_QUERIES: {
        "content_index": 10,
        "suggested_queries": [{"query": "How did EMEA develop month by month?"}],
    },
    Event.WARNING: {"message": "TOOL_NOT_ACCESSIBLE", "code": "399569"},
    Event.ERROR: {},
    Event.LEGACY_DELTA: {"delta": {"content": []}},
    Event.RESPONSE: {"metadata": {}},
    Event.DONE: Exactly(DONE),
    StreamEvent.END: _END,
}
"""What every event of this name in a chat stream has; `error` is two things and promises nothing by its name."""

ANALYST: Mapping[str, Promise] = {
    StreamEvent.START: _START,
    ANALYST_STATUS: {"status": "interpreting_question", "status_message": "Interpreting question"},
    ANALYST_DELTA: {"index": 0, "type": "text"},
    Event.ERROR: {},
    Event.DONE: {},
    StreamEvent.END: _END,
}
"""The same of Cortex Analyst's stream."""


def problem(kind: ProblemType, status: int, *, retryable: bool = False, **more: Promise) -> dict[str, Promise]:
    """A problem as the page shows it."""
    return {
        "type": Exactly(PROBLEM_BASE + kind),
        "title": "What went wrong",
        "detail": "What it means, and what to do.",
        "status": Exactly(status),
        "instance": "2f1d5c776b0f4f0e9d0e3a7a6a144a55",
        "traceId": TRACE_ID,
        "retryable": Exactly(retryable),
        **more,
    }


UPSTREAM_ERROR = {"message": "Error during execution", "code": "399504"}
TRUNCATED = problem(ProblemType.UPSTREAM_TRUNCATED, 502, retryable=True)
STALLED = problem(ProblemType.UPSTREAM_STALLED, 504, retryable=True)
FAILED = problem(ProblemType.UPSTREAM_ERROR, 502, retryable=True, upstreamCode="399504")


@dataclass(frozen=True, slots=True)
class Message:
    """One event of a stream, on its own.

    asks: the question whose stream holds it.   having: which of its name, by values at JSON pointers of its data.
    before: what the page must have seen for the event to mean anything.
    telling: values that show that a field is read, where the example's is what the page would assume anyway.
    """

    description: str
    event: str
    data: Promise
    asks: str = NET_SALES
    state: str = AS_RECORDED
    having: Mapping[str, JsonValue] = field(default_factory=dict)
    endpoint: str = "chat"
    before: tuple[tuple[str, Promise], ...] = ()
    telling: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def params(self) -> dict[str, object]:
        """Parameters of its state: where the provider finds it."""
        return {"endpoint": self.endpoint, "asks": self.asks, "having": dict(self.having)}

    @property
    def envelope(self) -> dict[str, Promise]:
        """The event as a client makes it of its frame."""
        return {"event": Exactly(self.event), "data": self.data}


def _older(kind: str, about: str, content: Mapping[str, Promise], telling: Mapping[str, JsonValue]) -> Message:
    """A delta of an agent of the form before; its pieces are told apart by their type."""
    data = {"delta": {"content": [{"type": Exactly(kind), **content}]}}
    return Message(
        f"event {Event.LEGACY_DELTA}, {about}",
        Event.LEGACY_DELTA,
        data,
        asks=OLDER,
        endpoint="older_chat",
        having={"/delta/content/0/type": kind},
        before=() if kind != "tool_results" else ((Event.TOOL_USE, {**_TOOL_USE, "client_side_execute": False}),),
        telling=telling,
    )


def _plain(event: str, **more: Any) -> Message:
    return Message(f"event {event}", event, CHAT[event], **more)


_OLDER_CALL: Mapping[str, JsonValue] = {
    "delta": {
        "content": [
            {
                "type": "tool_use",
                "tool_use": {"tool_use_id": "toolu_ctx01", "name": "sales_analyst", "input": {"query": "net sales"}},
            }
        ]
    }
}
_OLDER_RESULT: Mapping[str, JsonValue] = {
    "delta": {
        "content": [
            {
                "type": "tool_results",
                "tool_results": {
                    "tool_use_id": "toolu_ctx01",
                    "status": "error",
                    "content": [{"type": "json", "json": {}}],
                },
            }
        ]
    }
}
_INPUT: JsonValue = {"query": "refund deadline"}
_USED = ((Event.TOOL_USE, CHAT[Event.TOOL_USE]),)

CHAT_MESSAGES: tuple[Message, ...] = (
    Message(f"event {StreamEvent.START}, of a turn in a thread", StreamEvent.START, {**_START, "threadId": THREAD_ID}),
    Message(
        f"event {Event.METADATA}, of the answer",
        Event.METADATA,
        {"metadata": {"role": Exactly("assistant"), "message_id": MESSAGE_ID}},
        having={"/metadata/role": "assistant"},
    ),
    _plain(Event.STATUS),
    _plain(Event.THINKING_DELTA),
    _plain(Event.THINKING),
    _plain(Event.TOOL_USE, telling={"input": _INPUT, "client_side_execute": True}),
    Message(
        f"event {Event.TOOL_USE}, of a tool that the page runs",
        Event.TOOL_USE,
        {**_TOOL_USE, "name": "get_time_zone", "client_side_execute": Exactly(True)},
        asks=CLIENT_TOOL,
        having={"/name": "get_time_zone"},
        telling={"input": _INPUT},
    ),
    _plain(Event.TOOL_RESULT_STATUS, before=_USED),
    Message(
        f"event {Event.TOOL_RESULT}",
        Event.TOOL_RESULT,
        {**_RESULT, "content": [{"type": "json", "json": {}}]},
        before=_USED,
        telling={"status": "error"},
    ),
    Message(
        f"event {Event.TABLE}",
        Event.TABLE,
        {**_TABLE, "result_set": {"data": [["1250.50"]], "resultSetMetaData": _COLUMNS}},
    ),
    _plain(Event.CHART),
    _plain(Event.TEXT_DELTA),
    Message(
        f"event {Event.TEXT_DELTA}, of a question back",
        Event.TEXT_DELTA,
        {**CHAT[Event.TEXT_DELTA], "is_elicitation": Exactly(True)},
        asks=AMBIGUOUS,
    ),
    Message(
        f"event {Event.TEXT_ANNOTATION}",
        Event.TEXT_ANNOTATION,
        {"content_index": 9, "annotation": _CITED},
        asks=CITED,
    ),
    _plain(Event.TEXT),
    _plain(Event.SUGGESTED_QUERIES),
    _plain(Event.WARNING, asks=WARNED),
    Message(f"event {Event.ERROR}, Snowflake's own", Event.ERROR, UPSTREAM_ERROR, state="fails_mid_stream"),
    Message(
        f"event {Event.ERROR}, what it means for the turn",
        Event.ERROR,
        FAILED,
        state="fails_mid_stream",
        having={"/status": 502},
    ),
    Message(f"event {Event.ERROR}, of a cut stream", Event.ERROR, TRUNCATED, state="cut_mid_stream"),
    Message(f"event {Event.ERROR}, of a silent stream", Event.ERROR, STALLED, state="stall_mid_stream"),
    Message(
        f"event {Event.RESPONSE}, of a turn in a thread",
        Event.RESPONSE,
        {"status": "completed", "metadata": {"thread_id": THREAD_ID, "assistant_message_id": MESSAGE_ID}},
        telling={"status": "incomplete"},
    ),
    _plain(Event.DONE),
    _older("text", "of text", {"text": "Here is the query"}, {}),
    _older(
        "tool_use",
        "of a tool's call",
        {"tool_use": {"tool_use_id": "toolu_ctx01", "name": "sales_analyst", "input": {}}},
        _OLDER_CALL,
    ),
    _older(
        "tool_results",
        "of a tool's result",
        {"tool_results": {**_RESULT, "content": [{"type": "json", "json": {}}]}},
        _OLDER_RESULT,
    ),
    Message(
        f"event {StreamEvent.END}, of a whole turn",
        StreamEvent.END,
        {**_END, "reason": Exactly(EndReason.COMPLETED.value), "usage": USAGE, "firstEventMs": 240.1},
    ),
    Message(
        f"event {StreamEvent.END}, of a cut stream",
        StreamEvent.END,
        {**_END, "reason": Exactly(EndReason.UPSTREAM_TRUNCATED.value)},
        state="cut_mid_stream",
    ),
)
"""Of chat streams; the page's own reducer reads them."""

ANALYST_MESSAGES: tuple[Message, ...] = (
    Message(f"event {ANALYST_STATUS}", ANALYST_STATUS, ANALYST[ANALYST_STATUS], endpoint="analyst"),
    Message(
        f"event {ANALYST_DELTA}, of text",
        ANALYST_DELTA,
        {"index": 0, "type": Exactly("text"), "text_delta": "Net sales"},
        endpoint="analyst",
    ),
    Message(
        f"event {ANALYST_DELTA}, of a statement",
        ANALYST_DELTA,
        {"index": 1, "type": Exactly("sql"), "statement_delta": "SELECT region FROM orders"},
        endpoint="analyst",
        having={"/type": "sql"},
    ),
    Message(
        f"event {ANALYST_DELTA}, of a suggestion",
        ANALYST_DELTA,
        {
            "index": 1,
            "type": Exactly("suggestions"),
            "suggestions_delta": {"index": 0, "suggestion_delta": "Best customers"},
        },
        asks=AMBIGUOUS,
        endpoint="analyst",
        having={"/type": "suggestions"},
    ),
)
"""Of Cortex Analyst's stream."""

# --- whole streams ---------------------------------------------------------------------------------------------------

Told = tuple[str, Promise]


def stream(opening: Promise, *events: Told, **ending: Promise) -> tuple[Told, ...]:
    """A whole stream: what Snowflake sends between the proxy's first and last event, which counts it."""
    count = sum(1 for name, data in events if not (name == Event.ERROR and isinstance(data, dict) and "title" in data))
    return ((StreamEvent.START, opening), *events, (StreamEvent.END, {**_END, "events": count, **ending}))


def transcript(events: Sequence[Told]) -> str:
    """The stream as it travels."""
    return "".join(f"event: {name}\ndata: {_data(example(data))}\n\n" for name, data in events)


def _data(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


_IN_THREAD = {**_START, "threadId": THREAD_ID}
_TEXT: tuple[Told, ...] = (
    (Event.TEXT_DELTA, {"content_index": 9, "text": "EMEA leads"}),
    (Event.TEXT_DELTA, {"content_index": 9, "text": " with 1,250.50."}),
)
_ENDING: tuple[Told, ...] = tuple((name, CHAT[name]) for name in (Event.METADATA, Event.RESPONSE, Event.DONE))
_OPENING: tuple[Told, ...] = ((Event.STATUS, CHAT[Event.STATUS]),)
_WHOLE_TEXT: tuple[Told, ...] = ((Event.TEXT, CHAT[Event.TEXT]),)

WHOLE = stream(
    _IN_THREAD,
    *_OPENING,
    (Event.THINKING_DELTA, {"content_index": 0, "text": "The user wants"}),
    (Event.THINKING_DELTA, {"content_index": 0, "text": " net sales."}),
    *((name, CHAT[name]) for name in (Event.THINKING, Event.TOOL_USE, Event.TOOL_RESULT_STATUS, Event.TOOL_RESULT)),
    *((name, CHAT[name]) for name in (Event.TABLE, Event.CHART)),
    *_TEXT,
    *_WHOLE_TEXT,
    (Event.SUGGESTED_QUERIES, CHAT[Event.SUGGESTED_QUERIES]),
    *_ENDING,
    usage=USAGE,
    firstEventMs=240.1,
)
PLAIN = stream(_IN_THREAD, *_OPENING, *_TEXT, *_WHOLE_TEXT, *_ENDING)
ASKING_BACK = stream(
    _IN_THREAD,
    *_OPENING,
    (Event.TOOL_USE, {**_TOOL_USE, "tool_use_id": "toolu_tz01", "client_side_execute": True}),
    *_ENDING,
)
CITING = stream(
    _IN_THREAD,
    _TEXT[0],
    (Event.TEXT_ANNOTATION, CHAT[Event.TEXT_ANNOTATION]),
    _TEXT[1],
    *_WHOLE_TEXT,
    (Event.RESPONSE, CHAT[Event.RESPONSE]),
    (Event.DONE, CHAT[Event.DONE]),
)
CUT = stream(_IN_THREAD, *_OPENING, *_TEXT, (Event.ERROR, TRUNCATED), reason=EndReason.UPSTREAM_TRUNCATED.value)
SILENT = stream(_IN_THREAD, *_OPENING, _TEXT[0], (Event.ERROR, STALLED), reason=EndReason.UPSTREAM_STALLED.value)
BROKEN = stream(
    _IN_THREAD,
    *_OPENING,
    _TEXT[0],
    (Event.ERROR, UPSTREAM_ERROR),
    (Event.DONE, CHAT[Event.DONE]),
    (Event.ERROR, FAILED),
    reason=EndReason.UPSTREAM_ERROR.value,
)
NEWER = stream(
    _IN_THREAD,
    *_OPENING,
    _TEXT[0],
    ("response.hologram", {"sequence_number": 0}),
    _TEXT[1],
    *_WHOLE_TEXT,
    *_ENDING,
)
ANALYSED = stream(
    _START,
    (ANALYST_STATUS, ANALYST[ANALYST_STATUS]),
    (ANALYST_DELTA, {"index": 0, "type": "text", "text_delta": "Net sales"}),
    (ANALYST_DELTA, {"index": 0, "type": "text", "text_delta": " per region."}),
    (ANALYST_DELTA, {"index": 1, "type": "sql", "statement_delta": "SELECT region FROM orders"}),
    (Event.DONE, {}),
)

# --- their rules -----------------------------------------------------------------------------------------------------

Times = tuple[int, int | None]
ONCE: Times = (1, 1)
SOME: Times = (1, None)
NEVER: Times = (0, 0)

_OF_PROXY: tuple[str, ...] = (StreamEvent.START, StreamEvent.END)


def _ended_well(is_so: bool) -> dict[str, JsonValue]:
    """The schema of an end that is none of a failure; a turn that was stopped comes to its end, too."""
    said: dict[str, JsonValue] = {"enum": [EndReason.COMPLETED.value, EndReason.CANCELLED.value]}
    return {"properties": {"reason": said if is_so else {"not": said}}}


def chat_rule(times: Mapping[str, Times], *, is_whole: bool = True, has_open_calls: bool = False) -> dict[str, Any]:
    """The rule of a chat stream.

    is_whole: whether it comes to its end, so that every text does.   has_open_calls: whether it may leave tools to the
    client, so that some calls have no result yet.
    """
    often: Mapping[str, Times] = {StreamEvent.START: ONCE, StreamEvent.END: ONCE, **times}
    texts = ((Event.THINKING_DELTA, Event.THINKING), (Event.TEXT_DELTA, Event.TEXT))
    return {
        "sequence": 1,
        "events": _promises(CHAT, often),
        "first": str(StreamEvent.START),
        "last": str(StreamEvent.END),
        "order": [
            [str(each) for each in (Event.TEXT_DELTA, Event.RESPONSE, Event.DONE, StreamEvent.END)],
            [str(each) for each in (Event.TEXT, Event.RESPONSE)],
            [str(each) for each in (Event.TOOL_RESULT, Event.RESPONSE)],
            [str(each) for each in (Event.ERROR, StreamEvent.END)],
        ],
        "joins": [
            {"parts": str(parts), "whole": str(whole), "text": "text", "by": "content_index", "every": is_whole}
            for parts, whole in texts
        ],
        "pairs": [
            {
                "opens": str(Event.TOOL_USE),
                "closes": str(Event.TOOL_RESULT),
                "by": "tool_use_id",
                "every": is_whole and not has_open_calls,
            }
        ],
        **_framing(often),
        "when": [
            {
                "event": str(StreamEvent.END),
                "data": _ended_well(True),
                "needs": [str(Event.RESPONSE), str(Event.DONE)],
                "forbids": [str(Event.ERROR)],
            },
            {"event": str(StreamEvent.END), "data": _ended_well(False), "needs": [str(Event.ERROR)]},
        ],
    }


def analyst_rule() -> dict[str, Any]:
    """The rule of Cortex Analyst's stream that comes to its end."""
    often: Mapping[str, Times] = {
        StreamEvent.START: ONCE,
        ANALYST_STATUS: SOME,
        ANALYST_DELTA: SOME,
        Event.DONE: ONCE,
        StreamEvent.END: ONCE,
    }
    return {
        "sequence": 1,
        "events": _promises(ANALYST, often),
        "first": str(StreamEvent.START),
        "last": str(StreamEvent.END),
        "order": [[ANALYST_DELTA, str(Event.DONE), str(StreamEvent.END)], [str(Event.ERROR), str(StreamEvent.END)]],
        **_framing(often),
        "when": [
            {
                "event": str(StreamEvent.END),
                "data": _ended_well(True),
                "needs": [str(Event.DONE)],
                "forbids": [str(Event.ERROR)],
            }
        ],
    }


def _promises(promised: Mapping[str, Promise], often: Mapping[str, Times]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, data in promised.items():
        times, shape = often.get(name), {} if data == {} else schema(data)
        made[str(name)] = {**({} if times is None else {"times": [*times]}), **({"data": shape} if shape else {})}
    return made


def _framing(often: Mapping[str, Times]) -> dict[str, Any]:
    """What the proxy's own two events say of the stream between them.

    Where Snowflake reports an error, two events are called `error`, and only one of them is counted: no tally then.
    """
    same = [[[str(StreamEvent.START), "turnId"], [str(StreamEvent.END), "turnId"]]]
    if often.get(Event.ERROR, NEVER)[1] not in (0, 1):
        return {"same": same}
    without = [str(each) for each in (*_OF_PROXY, Event.ERROR)]
    return {"same": same, "tally": [{"event": str(StreamEvent.END), "field": "events", "without": without}]}
