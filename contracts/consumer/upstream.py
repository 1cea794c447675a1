"""What the proxy relies on when it asks Snowflake: each exchange, as it is written into the pact.

Requests are what `proxy/cortex.py`, `proxy/chat.py` and `proxy/tools` send; answers hold what they read and no more.
Provider states are scenarios; what a request continues (a thread, a statement) is a parameter of its state, and its
id comes from there, as the credential does. A connection that breaks off is no answer that Pact could replay, so a
truncated stream stands here as one that ends properly before its last event (`ends_early`); nor is there a request
that cancels a run, since the proxy does so by hanging up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from contracts.api import ProblemType
from contracts.consumer.promise import Exactly, Like, Promise, schema
from contracts.cortex import (
    ANALYST_PATH,
    DONE,
    EVENT_STREAM,
    INLINE_RUN_PATH,
    REQUEST_ID_HEADER,
    ROLE_HEADER,
    STATEMENTS_PATH,
    THREADS_PATH,
    TOKEN_TYPE_HEADER,
    WAREHOUSE_HEADER,
    Code,
    Event,
    TokenType,
    agent_run_path,
    search_query_path,
)

CONSUMER, PROVIDER = "cortex-proxy", "snowflake-cortex"
AS_RECORDED = "as_recorded"

DATABASE, SCHEMA, AGENT, SERVICE = "CORTEX_BENCH_DB", "SALES", "SALES_AGENT", "SALES_DOCS_SVC"
SEMANTIC_VIEW = f"{DATABASE}.{SCHEMA}.SALES_SV"
ROLE, WAREHOUSE = "DEVELOPER_CORTEX", "CORTEX_BENCH_WH"
RUN_PATH = agent_run_path(DATABASE, SCHEMA, AGENT)

NET_SALES = "Net sales by region"
FIRST_QUESTION, FOLLOW_UP = "How did net sales develop from 2023 to 2024?", "Only EMEA, please"
CLIENT_TOOL, TOOL_USE_ID = "When do the daily figures close in my time zone?", "toolu_tz01"
INLINE_QUESTION, INLINE_MODEL = "What is the refund deadline?", "claude-4-sonnet"
AMBIGUOUS = "What is the weather?"
STATEMENT = "SELECT REGION FROM ORDERS WHERE ORDER_YEAR = ? AND NET_AMOUNT > ? AND CHANNEL <> ? AND NOT ?"
BINDINGS: tuple[int | float | str | bool, ...] = (2025, 99.5, "WEB", False)
HANDLE = "01bd4f00-0000-1a2b-0000-000000000201"
REQUEST_ID = "0e6d7a52-6f0a-4a35-9a3e-8b7d9b0c1f42"
OWN_ID = "9f3f6c5e-1a86-4b7c-9f2c-0f4f6b0a7d10"
"""Of an answer that holds an id itself; readers take it before the header's."""

JWT = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"

PARAMS: Mapping[str, tuple[str, ...]] = {
    "thread": ("fresh", "with_a_turn", "waiting_for_tool"),
    "statement": ("running", "ended", "partitioned", "failed"),
    "credential": ("programmatic_access_token", "oauth"),
}
"""The closed table of preconditions: parameters of states, and their values."""

HANDLE_FORM = "[0-9a-zA-Z-]{1,64}"
LINE = r"(?:event|data|id|retry)?:[^\r\n]*(?:\r\n|\n|\r)"
STREAM_FORM = rf"(?:(?:{LINE})+(?:\r\n|\n|\r))+"
"""Framing of a whole event stream: frames of fields or comments, each ended by a blank line. Pact matches all of it."""


@dataclass(frozen=True, slots=True)
class Among:
    """An array that holds elements like these, in any order and among others."""

    elements: tuple[Promise, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is promised of an answer.   form: of the whole body, when it is text and not JSON."""

    status: int = 200
    headers: Mapping[str, Promise] = field(default_factory=dict)
    body: Promise | None = None
    text: str | None = None
    form: str | None = None
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One interaction.   shown: the kind of credential.

    made: expressions of `ProviderState` generators, by their place in the request's body, or by `path`.
    """

    name: str
    method: str
    path: str
    answer: Answer
    state: str = AS_RECORDED
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Promise | None = None
    path_form: str | None = None
    made: Mapping[str, str] = field(default_factory=dict)
    streams: bool = False
    shown: TokenType = TokenType.KEYPAIR_JWT
    sequence: Mapping[str, Any] | None = None


# --- what is sent ----------------------------------------------------------------------------------------------------


def headers(exchange: Exchange) -> dict[str, Promise]:
    """What goes with a request. The credential itself comes from the provider's state."""
    is_jwt = exchange.shown is TokenType.KEYPAIR_JWT
    return {
        "Authorization": Like(f"Bearer {JWT}", r"Bearer [\w-]+\.[\w-]+\.[\w-]+" if is_jwt else r"Bearer \S+"),
        TOKEN_TYPE_HEADER: Exactly(exchange.shown.value),
        ROLE_HEADER: Exactly(ROLE),
        WAREHOUSE_HEADER: Exactly(WAREHOUSE),
        "Content-Type": Exactly("application/json"),
        "Accept": Exactly(EVENT_STREAM if exchange.streams else "application/json"),
        "User-Agent": Like("cortex-harness-proxy/0.1.0", r"cortex-harness-proxy/\S+"),
    }


def exactly(value: Any) -> Promise:
    """A promise of this very JSON."""
    if isinstance(value, dict):
        return {name: exactly(member) for name, member in value.items()}
    return tuple(map(exactly, value)) if isinstance(value, list) else Exactly(value)


def _said(*blocks: Promise) -> Promise:
    """One message of the user."""
    return (_turn("user", *blocks),)


def _turn(role: str, *blocks: Promise) -> Promise:
    return {"role": Exactly(role), "content": blocks}


def question(text: str, **more: Promise) -> dict[str, Promise]:
    """Body of a run that asks something."""
    return {"messages": _said({"type": Exactly("text"), "text": text}), "stream": Exactly(value=True), **more}


TOOL_RESULT = {
    "tool_use_id": TOOL_USE_ID,
    "type": "generic",
    "name": "page_time_zone",
    "status": Exactly("success"),
    "content": ({"type": Exactly("json"), "json": {"time_zone": "Europe/Zurich"}},),
}

_CHART_TOOL = "data_to_chart"
CHART_REQUEST = {
    "messages": _said(
        {"type": Exactly("text"), "text": "Draw net sales by region"},
        {"type": Exactly("text"), "text": '<rows>\n[{"REGION": "EMEA", "NET_SALES": 1250.5}]\n</rows>'},
    ),
    "tools": ({"tool_spec": {"type": Exactly(_CHART_TOOL), "name": Exactly(_CHART_TOOL)}},),
    "tool_choice": {"type": Exactly("tool"), "name": (Exactly(_CHART_TOOL),)},
    "stream": Exactly(value=False),
}

STATEMENT_REQUEST = {
    "statement": STATEMENT,
    "timeout": 119,
    "database": Exactly(DATABASE),
    "schema": Exactly(SCHEMA),
    "warehouse": Exactly(WAREHOUSE),
    "role": Exactly(ROLE),
    "parameters": {
        "multi_statement_count": Exactly("1"),
        "query_tag": "cortex-harness",
        "client_result_chunk_size": 16,
        "date_output_format": Exactly("YYYY-MM-DD"),
        "time_output_format": Exactly("HH24:MI:SS.FF9"),
        "timestamp_ntz_output_format": Exactly('YYYY-MM-DD"T"HH24:MI:SS.FF9'),
        "timestamp_ltz_output_format": Exactly('YYYY-MM-DD"T"HH24:MI:SS.FF9TZH:TZM'),
        "timestamp_tz_output_format": Exactly('YYYY-MM-DD"T"HH24:MI:SS.FF9TZH:TZM'),
        "binary_output_format": Exactly("HEX"),
    },
    "bindings": {
        "1": {"type": Exactly("FIXED"), "value": "2025"},
        "2": {"type": Exactly("REAL"), "value": "99.5"},
        "3": {"type": Exactly("TEXT"), "value": "WEB"},
        "4": {"type": Exactly("BOOLEAN"), "value": Exactly("false")},
    },
}
SUBMISSION = {"requestId": "[0-9a-f-]{36}", "async": "true", "nullable": "true"}
FILTER = {
    "@and": [
        {"@eq": {"CATEGORY": "Returns"}},
        {"@or": [{"@gte": {"VALID_FROM": "2020-01-01"}}, {"@lte": {"VALID_FROM": "2000-01-01"}}]},
        {"@not": {"@eq": {"REGION": "NOWHERE"}}},
    ]
}

# --- what comes back -------------------------------------------------------------------------------------------------

_TOLD = {REQUEST_ID_HEADER: Like(REQUEST_ID, r"[A-Za-z0-9._-]{1,128}")}
_STREAM_HEADERS = {"Content-Type": Exactly(EVENT_STREAM), **_TOLD}
_JSON_HEADERS = {"Content-Type": Like("application/json", r"application/json(;.*)?"), **_TOLD}


def streamed(text: str) -> Answer:
    """An event stream of that example."""
    return Answer(headers=_STREAM_HEADERS, text=text, form=STREAM_FORM, content_type=EVENT_STREAM)


def whole(body: Promise, status: int = 200) -> Answer:
    """A JSON answer."""
    return Answer(status=status, headers=_JSON_HEADERS, body=body)


def frames(*events: tuple[str, str]) -> str:
    """The text of a stream: names and data."""
    return "".join(f"event: {name}\ndata: {data}\n\n" for name, data in events)


TOKENS = {
    "model_name": "claude-4-sonnet",
    "input_tokens": {"total": 5100, "cache_read": 1200},
    "output_tokens": {"total": 420},
}
RUN_METADATA: Promise = {"usage": {"tokens_consumed": [TOKENS]}}
THREAD_METADATA: Promise = {**RUN_METADATA, "assistant_message_id": 502}
_TEXT_BLOCK = {"type": Exactly("text"), "text": "EMEA leads with 1,250.50"}
DELTA: Promise = {"content_index": 0, "text": "EMEA leads"}
ERROR: Promise = {"code": Exactly(Code.EXECUTION_ERROR.value)}


def final(metadata: Promise) -> dict[str, Any]:
    """JSON Schema of the `response` event: completed, tokens counted, and a text block among the content."""
    content = {"type": "array", "items": schema({"type": "text"}), "contains": schema(_TEXT_BLOCK)}
    members = {"status": schema(Exactly("completed")), "metadata": schema(metadata), "content": content}
    return {"type": "object", "required": [*members], "properties": members}


def run_sequence(metadata: Promise = RUN_METADATA) -> dict[str, Any]:
    """The rule of a run that goes well: one final object, then `done`, which ends it."""
    return {
        "sequence": 1,
        "events": {
            Event.TEXT_DELTA: {"data": schema(DELTA)},
            Event.TOOL_USE: {"data": schema({})},
            Event.RESPONSE: {"times": [1, 1], "data": final(metadata)},
            Event.ERROR: {"times": [0, 0]},
            Event.DONE: {"times": [1, 1], "data": {"const": DONE}},
        },
        "last": Event.DONE,
        "order": [[Event.TEXT_DELTA, Event.RESPONSE, Event.DONE], [Event.TOOL_USE, Event.RESPONSE]],
    }


FAILING_SEQUENCE = {
    "sequence": 1,
    "events": {
        Event.TEXT_DELTA: {"times": [1, None], "data": schema(DELTA)},
        Event.RESPONSE: {"times": [0, 0]},
        Event.ERROR: {"times": [1, 1], "data": schema(ERROR)},
        Event.DONE: {"times": [0, 1], "data": {"const": DONE}},
    },
    "order": [[Event.TEXT_DELTA, Event.ERROR, Event.DONE]],
}
ENDLESS_SEQUENCE = {
    "sequence": 1,
    "events": {
        Event.TEXT_DELTA: {"times": [1, None], "data": schema(DELTA)},
        Event.RESPONSE: {"times": [0, 0]},
        Event.ERROR: {"times": [0, 0]},
        Event.DONE: {"times": [0, 0]},
    },
}
ANALYST_SEQUENCE = {
    "sequence": 1,
    "events": {Event.ERROR: {"times": [0, 0]}, Event.DONE: {"times": [1, 1]}},
    "last": Event.DONE,
}

_FINAL_EXAMPLE = (
    '{"content":[{"type":"text","text":"EMEA leads with 1,250.50"}],"metadata":{"assistant_message_id":502,"usage":'
    '{"tokens_consumed":[{"model_name":"claude-4-sonnet","input_tokens":{"total":5100,"cache_read":1200},'
    '"output_tokens":{"total":420}}]}},"status":"completed"}'
)
_DELTA_EXAMPLE = (Event.TEXT_DELTA.value, '{"content_index":0,"text":"EMEA leads"}')
_WHOLE = frames(_DELTA_EXAMPLE, (Event.RESPONSE, _FINAL_EXAMPLE), (Event.DONE, DONE))
_FAILING = frames(_DELTA_EXAMPLE, (Event.ERROR, '{"code":"399504"}'), (Event.DONE, DONE))

CHART_SPEC = (
    '{"$schema":"https://vega.github.io/schema/vega-lite/v5.json","mark":"bar","data":{"values":[{"REGION":"EMEA"}]}}'
)

_ROW_TYPE = {"name": "ORDER_YEAR", "type": "fixed", "nullable": True, "precision": 38, "scale": 0}
RESULT = {
    "resultSetMetaData": {"numRows": 3, "rowType": [_ROW_TYPE], "partitionInfo": [{}]},
    "data": [["2025"]],
}


# --- the exchanges ---------------------------------------------------------------------------------------------------


def _run(name: str, body: Promise, **more: Any) -> Exchange:
    wanted = {"answer": streamed(_WHOLE), "sequence": run_sequence(), **more}
    return Exchange(name, "POST", RUN_PATH, body=body, streams=True, **wanted)


def _threaded(name: str, body: Promise, thread: str, **made: str) -> Exchange:
    """A run in a thread that the state has made."""
    return _run(
        name,
        body,
        params={"thread": thread},
        made={"$.thread_id": "${thread_id}", **made},
        sequence=run_sequence(THREAD_METADATA),
    )


_PARENT = {"$.parent_message_id": "${message_id}"}
_TOOL_ANSWER = {"type": Exactly("tool_result"), "tool_result": TOOL_RESULT}

RUN = _run("a question", question(NET_SALES))
WITH_PAT = _run(
    "a question with a programmatic access token",
    question(NET_SALES),
    shown=TokenType.PAT,
    params={"credential": "programmatic_access_token"},
)
WITH_OAUTH = _run(
    "a question with an OAuth token",
    question(NET_SALES),
    shown=TokenType.OAUTH,
    params={"credential": "oauth"},
)
CHOSEN = _run("a question that must use a tool", question(NET_SALES, tool_choice={"type": Exactly("required")}))
NAMED = _run(
    "a question that may use some tools",
    question(NET_SALES, tool_choice={"type": Exactly("tool"), "name": ("sales_analyst",)}),
)
OPENING = _threaded(
    "the first question of a thread", question(FIRST_QUESTION, thread_id=1001, parent_message_id=Exactly(0)), "fresh"
)
FOLLOWING = _threaded(
    "a follow-up question", question(FOLLOW_UP, thread_id=1001, parent_message_id=602), "with_a_turn", **_PARENT
)
TOOL_ANSWER = _threaded(
    "the result of a client-side tool",
    {
        "messages": _said(_TOOL_ANSWER),
        "stream": Exactly(value=True),
        "thread_id": 1001,
        "parent_message_id": 612,
    },
    "waiting_for_tool",
    **_PARENT,
)
INLINE = Exchange(
    "a question to an inline agent",
    "POST",
    INLINE_RUN_PATH,
    streamed(_WHOLE),
    body=question(INLINE_QUESTION, models={"orchestration": INLINE_MODEL}),
    streams=True,
    sequence=run_sequence(),
)
_CHART_BLOCKS = (
    {"type": Exactly("chart"), "chart": {"chart_spec": CHART_SPEC}},
    {"type": Exactly("text"), "text": "Net sales by region"},
)
_DRAWN = {"tool_result": {"content": [{"json": {"charts": [CHART_SPEC]}}]}}
CHART = Exchange(
    "a chart of rows",
    "POST",
    INLINE_RUN_PATH,
    whole({"status": Exactly("completed"), "content": Among(_CHART_BLOCKS)}),
    body=CHART_REQUEST,
)
DRAWN = replace(CHART, name="a chart of rows, from its tool", answer=whole({"content": Among((_DRAWN,))}))
THREAD = Exchange(
    "a new thread",
    "POST",
    THREADS_PATH,
    whole({"thread_id": 1001}),
    body={"origin_application": Exactly("cortex_harness")},
)
SEARCH = Exchange(
    "a search",
    "POST",
    search_query_path(DATABASE, SCHEMA, SERVICE),
    whole(
        {
            "results": [{"DOC_ID": "POL-7", "TITLE": "Refund policy", "@scores": {"cosine_similarity": 0.61}}],
            "request_id": OWN_ID,
        }
    ),
    body={
        "query": "refund deadline",
        "columns": (Exactly("DOC_ID"), Exactly("TITLE")),
        "limit": 2,
        "filter": exactly(FILTER),
    },
)


def _message(text: str, *, stream: bool) -> dict[str, Promise]:
    return {
        "messages": _said({"type": Exactly("text"), "text": text}),
        "semantic_view": Exactly(SEMANTIC_VIEW),
        "stream": Exactly(value=stream),
    }


_ANALYST_TEXT = {"type": Exactly("text"), "text": "This is how I read the question."}
_ANALYST_SQL = {
    "type": Exactly("sql"),
    "statement": "SELECT region FROM __orders",
    "confidence": {"verified_query_used": {"name": "net_sales_by_region"}},
}
_SUGGESTIONS = {"type": Exactly("suggestions"), "suggestions": [NET_SALES]}

ANALYST = Exchange(
    "a question to Cortex Analyst",
    "POST",
    ANALYST_PATH,
    whole({"message": {"content": Among((_ANALYST_TEXT, _ANALYST_SQL))}, "request_id": OWN_ID}),
    body=_message(NET_SALES, stream=False),
)
_SAID = {"type": Exactly("text"), "text": "This is how I read the question."}
CONVERSING = Exchange(
    "a further question to Cortex Analyst",
    "POST",
    ANALYST_PATH,
    whole({"message": {"content": Among((_ANALYST_TEXT,))}}),
    body={
        **_message(NET_SALES, stream=False),
        "messages": (
            _turn("user", {"type": Exactly("text"), "text": "Which regions are there?"}),
            _turn("analyst", _SAID),
            _turn("user", {"type": Exactly("text"), "text": NET_SALES}),
        ),
    },
)
SUGGESTING = Exchange(
    "a question that Cortex Analyst cannot answer",
    "POST",
    ANALYST_PATH,
    whole({"message": {"content": Among((_SUGGESTIONS,))}}),
    body=_message(AMBIGUOUS, stream=False),
)
ANALYST_STREAM = Exchange(
    "a question to Cortex Analyst, streamed",
    "POST",
    ANALYST_PATH,
    streamed(frames(("message.content.delta", '{"index":0,"type":"text","text_delta":"Net sales"}'), ("done", "{}"))),
    body=_message(NET_SALES, stream=True),
    streams=True,
    sequence=ANALYST_SEQUENCE,
)
SUBMIT = Exchange(
    "a statement",
    "POST",
    STATEMENTS_PATH,
    whole({"statementHandle": Like(HANDLE, HANDLE_FORM)}, 202),
    query=SUBMISSION,
    body=STATEMENT_REQUEST,
)

SUBMIT_AGAIN = replace(SUBMIT, name="a statement, once more", query={**SUBMISSION, "retry": "true"})


def _of_statement(name: str, statement: str, answer: Answer, **more: Any) -> Exchange:
    tail = more.pop("tail", "")
    return Exchange(
        name,
        more.pop("method", "GET"),
        f"{STATEMENTS_PATH}/{HANDLE}{tail}",
        answer,
        params={"statement": statement},
        path_form=f"{STATEMENTS_PATH}/{HANDLE_FORM}{tail}",
        made={"path": f"{STATEMENTS_PATH}/${{handle}}{tail}"},
        **more,
    )


POLL = _of_statement("the result of a running statement", "running", whole({}, 202))
RESULT_SET = _of_statement("the result of a statement", "ended", whole(RESULT))
PARTITION = _of_statement(
    "a partition of a result", "partitioned", whole({"data": [["2025"]]}), query={"partition": "1"}
)
CANCEL = _of_statement(
    "a statement's cancellation",
    "running",
    whole({}),
    tail="/cancel",
    method="POST",
    query={"requestId": "[0-9a-f-]{36}"},
)
FAILED = _of_statement("the result of a failed statement", "failed", whole({"code": Exactly("000904")}, 422))


# --- what goes wrong -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refusal:
    """An unsuccessful answer, the scenario that gives it, and what the proxy makes of it."""

    state: str
    answer: Answer
    kind: ProblemType
    code: str | None = None
    retry_after_s: int | None = None
    asked: Exchange = RUN

    @property
    def exchange(self) -> Exchange:
        """The interaction."""
        name = f"{self.asked.name}: {self.state}"
        return replace(self.asked, name=name, answer=self.answer, state=self.state, sequence=None)


def _refused(status: int, code: str, **headers: Promise) -> Answer:
    return Answer(status, {**_JSON_HEADERS, **headers}, body={"code": Exactly(code)})


def _page(status: int) -> Answer:
    """Something that is no JSON."""
    headers = {"Content-Type": Like("text/html", "text/html.*")}
    return Answer(status, headers, text="<html></html>", form=r"[\s\S]*", content_type="text/html")


_AFTER = {"Retry-After": Like("7", "[0-9]{1,4}")}

REFUSALS = (
    Refusal("request_refused", _refused(400, Code.INVALID_PAYLOAD), ProblemType.UPSTREAM_REJECTED, "390142"),
    Refusal("jwt_refused", _refused(401, Code.INVALID_JWT), ProblemType.UPSTREAM_UNAUTHORIZED, "390144"),
    Refusal("session_gone", _refused(401, Code.LOGIN_AGAIN), ProblemType.UPSTREAM_UNAUTHORIZED, "390104"),
    Refusal("login_expired", _refused(200, Code.LOGIN_EXPIRED), ProblemType.UPSTREAM_UNAUTHORIZED, "390112"),
    Refusal("budget_spent", _refused(402, Code.INVALID_PAYLOAD), ProblemType.UPSTREAM_REJECTED, "390142"),
    Refusal("not_authorized", _refused(403, Code.ROLE_NOT_GRANTED), ProblemType.UPSTREAM_FORBIDDEN, "390189"),
    Refusal("network_blocked", _refused(403, Code.NETWORK_BLOCKED), ProblemType.UPSTREAM_FORBIDDEN, "390422"),
    Refusal("agent_not_visible", _refused(404, Code.NOT_FOUND), ProblemType.UPSTREAM_NOT_FOUND, "002003"),
    Refusal("throttled", _refused(429, Code.TOO_MANY_REQUESTS), ProblemType.UPSTREAM_THROTTLED, "390505", 1),
    Refusal(
        "throttled_with_advice",
        _refused(429, Code.TOO_MANY_REQUESTS, **_AFTER),
        ProblemType.UPSTREAM_THROTTLED,
        "390505",
        7,
    ),
    Refusal("unavailable", _refused(503, Code.INTERNAL_ERROR, **_AFTER), ProblemType.UPSTREAM_UNAVAILABLE, "399505", 7),
    Refusal("server_error", _refused(500, Code.INTERNAL_ERROR), ProblemType.UPSTREAM_UNAVAILABLE, "399505"),
    Refusal("gateway_html", _page(502), ProblemType.UPSTREAM_UNAVAILABLE),
    Refusal("gateway_timeout", _page(504), ProblemType.UPSTREAM_TIMEOUT),
    Refusal("login_page", _page(200), ProblemType.UPSTREAM_PROTOCOL),
    Refusal(
        "search_unavailable", _refused(503, Code.INTERNAL_ERROR), ProblemType.UPSTREAM_UNAVAILABLE, "399505", 1, SEARCH
    ),
    Refusal("analyst_behind_login_page", _page(200), ProblemType.UPSTREAM_PROTOCOL, asked=ANALYST),
    Refusal(
        "sql_throttled", _refused(429, Code.TOO_MANY_REQUESTS), ProblemType.UPSTREAM_THROTTLED, "390505", 1, SUBMIT
    ),
)

THROTTLED_SQL = next(each.exchange for each in REFUSALS if each.state == "sql_throttled")
FAILING = replace(
    RUN,
    name="a question: fails_mid_stream",
    state="fails_mid_stream",
    answer=streamed(_FAILING),
    sequence=FAILING_SEQUENCE,
)
ENDLESS = replace(
    RUN,
    name="a question: ends_early",
    state="ends_early",
    answer=streamed(frames(_DELTA_EXAMPLE)),
    sequence=ENDLESS_SEQUENCE,
)

EXCHANGES = (
    RUN,
    WITH_PAT,
    WITH_OAUTH,
    CHOSEN,
    NAMED,
    OPENING,
    FOLLOWING,
    TOOL_ANSWER,
    INLINE,
    CHART,
    DRAWN,
    THREAD,
    SEARCH,
    ANALYST,
    CONVERSING,
    SUGGESTING,
    ANALYST_STREAM,
    SUBMIT,
    SUBMIT_AGAIN,
    POLL,
    RESULT_SET,
    PARTITION,
    CANCEL,
    FAILED,
    FAILING,
    ENDLESS,
    *(refusal.exchange for refusal in REFUSALS),
)

# --- single events ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """The payload of one event of a run, as the proxy reads it; text that is no JSON is a plain string."""

    event: str
    payload: Promise
    state: str = AS_RECORDED

    @property
    def name(self) -> str:
        """The description of the message."""
        return f"event {self.event} of a run"


TOLD = (
    Told(Event.TEXT_DELTA.value, DELTA),
    Told(Event.TOOL_USE.value, {}),
    Told(
        Event.RESPONSE.value,
        {"status": Exactly("completed"), "metadata": RUN_METADATA, "content": Among((_TEXT_BLOCK,))},
    ),
    Told(Event.ERROR.value, ERROR, "fails_mid_stream"),
    Told(Event.DONE.value, DONE),
)
