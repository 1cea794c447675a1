"""What the page asks of the proxy and what it relies on in the answers: one story per interaction.

A story is asked by two clients, in Python and in TypeScript; `operation` and `arguments` are what they are told, and
they must make the same request of it. Names and figures are those of the rehearsal data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from contracts.api import PREFIX, PROBLEM_JSON, ProblemType
from contracts.consumer import frontend_events as events
from contracts.consumer.frontend_events import (
    AS_RECORDED,
    MESSAGE_ID,
    NEVER,
    ONCE,
    SESSION_ID,
    SOME,
    THREAD_ID,
    TURN_ID,
    Told,
    problem,
)
from contracts.consumer.promise import Exactly, Given, Like, Promise, example
from contracts.cortex import EVENT_STREAM, Event

TOKEN = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"
FORGED_TOKEN = "no.token.at-all"
VALID_TOKEN = Given(f"Bearer {TOKEN}", "Bearer ${token}")

OTHER_SESSION_ID = "00000000000000000000000000000000"
HANDLE = "c2VhbGVkLWhhbmRsZS1vZi1hLXN0YXRlbWVudA"
STATEMENT = (
    "SELECT region, SUM(net_amount) AS net_sales FROM CORTEX_BENCH_DB.SALES.ORDERS "
    "WHERE order_year = ? AND region IS NOT NULL GROUP BY region"
)
WRONG_STATEMENT = "SELECT no_such_column FROM CORTEX_BENCH_DB.SALES.ORDERS"
ROWS = [{"REGION": "EMEA", "NET_SALES": 1250.5}, {"REGION": "APAC", "NET_SALES": 980}]
INTENT = "net sales by region, as bars"
TOOL_ANSWER: JsonValue = {
    "toolUseId": "toolu_tz01",
    "type": "generic",
    "name": "get_time_zone",
    "status": "success",
    "content": [{"type": "json", "json": {"time_zone": "Europe/Berlin", "utc_offset_minutes": 60}}],
}
OWN_SESSION = Given(SESSION_ID, "${sessionId}")
OWN_RESULT = Given(HANDLE, "${statementHandle}")
FOLLOW_UP = {"threadId": Given(THREAD_ID, "${threadId}"), "parentMessageId": Given(MESSAGE_ID, "${messageId}")}
FIRST = {"parentMessageId": 0}

JSON = "application/json"
MOMENT = Like("2026-03-02T09:05:00Z", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
STREAM = Like(f"{EVENT_STREAM}; charset=utf-8", rf"{EVENT_STREAM}(; ?charset=utf-8)?")
LIMITS = {
    "RateLimit-Policy": Like('"chat";q=12;w=60', r'"[a-z-]+";q=\d+;.+'),
    "RateLimit": Like('"chat";r=0;t=7', r'"[a-z-]+";r=\d+;t=\d+.*'),
}
"""Told with every answer that counts; draft-ietf-httpapi-ratelimit-headers-10."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back.   body: of an answer that is no stream.   events: of one that is, in order.   rule: theirs."""

    status: int = 200
    body: Promise = None
    headers: Mapping[str, Promise] = field(default_factory=dict)
    events: tuple[Told, ...] = ()
    rule: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """One interaction.

    session: in what state the client's session is; a parameter of the provider's state.   more: further parameters.
    token: what the request carries in `Authorization`, None for nothing.   A body of None may be anything.
    """

    description: str
    operation: str
    method: str
    path: str | Given
    body: Promise
    answer: Answer
    state: str = AS_RECORDED
    session: str = "fresh"
    more: Mapping[str, JsonValue] = field(default_factory=dict)
    token: str | Given | None = VALID_TOKEN
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def arguments(self) -> JsonValue:
        """What both clients are told to ask."""
        return example({**(self.body or {}), **self.query, **self._of_path()})

    def _of_path(self) -> dict[str, str]:
        front, _, session_id = str(example(self.path)).rpartition("/")
        return {"sessionId": session_id} if front.endswith("/history") else {}

    @property
    def params(self) -> dict[str, object]:
        """Parameters of its state."""
        return {"session": self.session, **self.more}


def _problem(
    kind: ProblemType,
    status: int,
    *,
    headers: Mapping[str, Promise] | None = None,
    violated: list[str] | None = None,
    **more: Any,
) -> Answer:
    """A refusal; one that says when to come back says it in a header, too."""
    after = {"Retry-After": Like(str(more["retryAfterS"]), r"\d+")} if "retryAfterS" in more else {}
    told = {"Content-Type": PROBLEM_JSON, **after, **(headers or {})}
    quotas: dict[str, Promise] = {} if violated is None else {"violated-policies": violated}
    return Answer(status, problem(kind, status, **more) | quotas, told)


def _stream(told: tuple[Told, ...], rule: Mapping[str, Any]) -> Answer:
    return Answer(200, None, {"Content-Type": STREAM}, told, rule)


# --- sessions --------------------------------------------------------------------------------------------------------

_TOKEN_PATH = f"{PREFIX}/session/token"
_TOKEN_BODY = {
    "token": TOKEN,
    "tokenType": Exactly("Bearer"),
    "sessionId": SESSION_ID,
    "expiresAt": MOMENT,
    "expiresInS": 300,
    "sessionExpiresAt": MOMENT,
}


def _session(description: str, operation: str, answer: Answer, **more: Any) -> Story:
    method = "DELETE" if operation == "endSession" else "POST"
    return Story(description, operation, method, _TOKEN_PATH, None, answer, **more)


SESSIONS = (
    _session("a token for a new session", "issueToken", Answer(200, _TOKEN_BODY), session="none", token=None),
    _session("a fresh token for the same session", "renewToken", Answer(200, _TOKEN_BODY)),
    _session("the end of a session", "endSession", Answer(204)),
    _session(
        "a fresh token, asked for with an expired one",
        "renewToken",
        _problem(ProblemType.TOKEN_EXPIRED, 401, retryable=True),
        session="expired",
    ),
    _session(
        "a fresh token, asked for at the session's limit",
        "renewToken",
        _problem(ProblemType.SESSION_ENDED, 401),
        session="at_its_limit",
    ),
    _session(
        "a fresh token for a session that was ended",
        "renewToken",
        _problem(ProblemType.TOKEN_INVALID, 401),
        session="ended",
    ),
)

# --- chat ------------------------------------------------------------------------------------------------------------

_CHAT_PATH = f"{PREFIX}/chat"
_COMPLETE: dict[str, events.Times] = {
    Event.RESPONSE: ONCE,
    Event.DONE: ONCE,
    Event.ERROR: NEVER,
    Event.STATUS: SOME,
    Event.TEXT: SOME,
}


def _chat(
    description: str, message: JsonValue, answer: Answer, place: Mapping[str, Promise] = FIRST, **more: Any
) -> Story:
    body = {"sessionId": more.pop("session_id", OWN_SESSION), "message": message, **place}
    return Story(description, "chat", "POST", _CHAT_PATH, body, answer, **more)


def _refused(description: str, answer: Answer, **more: Any) -> Story:
    return _chat(description, events.NET_SALES, answer, **more)


CHATS = (
    _chat(
        "a question, answered with everything that an agent has",
        events.NET_SALES,
        _stream(
            events.WHOLE,
            events.chat_rule(
                {
                    **_COMPLETE,
                    Event.METADATA: SOME,
                    Event.THINKING_DELTA: SOME,
                    Event.THINKING: SOME,
                    Event.TOOL_USE: SOME,
                    Event.TOOL_RESULT_STATUS: SOME,
                    Event.TOOL_RESULT: SOME,
                    Event.TABLE: SOME,
                    Event.CHART: SOME,
                    Event.TEXT_DELTA: SOME,
                    Event.SUGGESTED_QUERIES: SOME,
                }
            ),
        ),
    ),
    _chat(
        "a question, answered with sources",
        events.CITED,
        _stream(
            events.CITING,
            events.chat_rule(
                {**_COMPLETE, Event.STATUS: (0, None), Event.TEXT_DELTA: SOME, Event.TEXT_ANNOTATION: SOME}
            ),
        ),
    ),
    _chat(
        "a question that the agent answers with a question",
        events.AMBIGUOUS,
        _stream(events.PLAIN, events.chat_rule({**_COMPLETE, Event.TEXT_DELTA: SOME})),
    ),
    _chat(
        "a follow-up in a thread",
        "Only EMEA, please",
        _stream(events.PLAIN, events.chat_rule({**_COMPLETE, Event.METADATA: SOME, Event.TEXT_DELTA: SOME})),
        FOLLOW_UP,
        session="in_a_thread",
    ),
    _chat(
        "a question for which the agent needs a tool of the page",
        events.CLIENT_TOOL,
        _stream(
            events.ASKING_BACK,
            events.chat_rule(
                {**_COMPLETE, Event.TEXT: (0, None), Event.TOOL_USE: SOME, Event.METADATA: SOME},
                has_open_calls=True,
            ),
        ),
    ),
    _chat(
        "what a tool of the page answers",
        {"toolResult": TOOL_ANSWER},
        _stream(events.PLAIN, events.chat_rule({**_COMPLETE, Event.METADATA: SOME, Event.TEXT_DELTA: SOME})),
        FOLLOW_UP,
        session="asked_back",
    ),
    _refused(
        "a question whose answer holds an event that nobody knows yet",
        _stream(events.NEWER, events.chat_rule({**_COMPLETE, Event.TEXT_DELTA: SOME})),
        state="unknown_event",
    ),
    _refused(
        "a question whose answer is cut",
        _stream(
            events.CUT,
            events.chat_rule({Event.ERROR: ONCE, Event.RESPONSE: NEVER, Event.TEXT_DELTA: SOME}, is_whole=False),
        ),
        state="cut_mid_stream",
    ),
    _refused(
        "a question whose answer falls silent",
        _stream(
            events.SILENT,
            events.chat_rule({Event.ERROR: ONCE, Event.RESPONSE: NEVER, Event.TEXT_DELTA: SOME}, is_whole=False),
        ),
        state="stall_mid_stream",
        more={"idle_timeout_s": 1},
    ),
    _refused(
        "a question at whose answer Snowflake fails",
        _stream(
            events.BROKEN,
            events.chat_rule({Event.ERROR: (2, 2), Event.RESPONSE: NEVER, Event.TEXT_DELTA: SOME}, is_whole=False),
        ),
        state="fails_mid_stream",
    ),
    _refused("a question without a token", _problem(ProblemType.TOKEN_MISSING, 401), token=None),
    _refused(
        "a question with something that is no token",
        _problem(ProblemType.TOKEN_INVALID, 401),
        token=f"Bearer {FORGED_TOKEN}",
    ),
    _refused(
        "a question with an expired token", _problem(ProblemType.TOKEN_EXPIRED, 401, retryable=True), session="expired"
    ),
    _refused("a question with a token of an ended session", _problem(ProblemType.TOKEN_INVALID, 401), session="ended"),
    _refused(
        "a question for another session",
        _problem(ProblemType.SESSION_MISMATCH, 403),
        session_id=OTHER_SESSION_ID,
    ),
    _chat(
        "a question that does not fit the API",
        events.NET_SALES,
        _problem(
            ProblemType.INVALID_REQUEST,
            422,
            errors=[{"pointer": Exactly("/threadId"), "detail": "Input should be greater than or equal to 1"}],
        ),
        {"threadId": 0, "parentMessageId": 0},
    ),
    _refused(
        "a question beyond the rate",
        _problem(
            ProblemType.RATE_LIMITED,
            429,
            headers=LIMITS,
            retryable=True,
            retryAfterS=7,
            violated=["chat"],
        ),
        session="used_up",
    ),
    _refused(
        "one question too many at a time",
        _problem(
            ProblemType.TOO_MANY_STREAMS,
            429,
            retryable=True,
            retryAfterS=1,
            violated=["chat-at-once"],
        ),
        session="all_at_once",
    ),
    _refused(
        "a question that Snowflake has no time for",
        _problem(
            ProblemType.UPSTREAM_THROTTLED,
            429,
            retryable=True,
            retryAfterS=7,
            upstreamCode="390505",
        ),
        state="throttled_with_advice",
    ),
    _refused(
        "a question while Snowflake is away",
        _problem(
            ProblemType.UPSTREAM_UNAVAILABLE,
            503,
            retryable=True,
            retryAfterS=1,
        ),
        state="gateway_unavailable",
    ),
    _refused(
        "a question that Snowflake does not answer in time",
        _problem(ProblemType.UPSTREAM_TIMEOUT, 504, retryable=True),
        state="gateway_timeout",
    ),
    _refused(
        "a question whose connection to Snowflake fails",
        _problem(ProblemType.UPSTREAM_UNREACHABLE, 502, retryable=True),
        state="no_answer",
    ),
    _refused(
        "a question that the proxy's role may not ask",
        _problem(ProblemType.UPSTREAM_FORBIDDEN, 502, upstreamCode="390189"),
        state="not_authorized",
    ),
    _refused(
        "a question with a credential that Snowflake refuses",
        _problem(ProblemType.UPSTREAM_UNAUTHORIZED, 502, upstreamCode="390144"),
        state="jwt_refused",
    ),
    _refused(
        "a question to an agent that is not there",
        _problem(ProblemType.UPSTREAM_NOT_FOUND, 404, upstreamCode="002003"),
        state="agent_not_visible",
    ),
    _refused(
        "a question that Snowflake finds invalid",
        _problem(ProblemType.UPSTREAM_REJECTED, 502, upstreamCode="390142"),
        state="request_refused",
    ),
    _refused("a question that a login page answers", _problem(ProblemType.UPSTREAM_PROTOCOL, 502), state="login_page"),
)

# --- tools -----------------------------------------------------------------------------------------------------------

_SQL = {"statement": STATEMENT, "bindings": [2025], "maxRows": 100}
_CHART_BODY = {
    "chart": {
        "mark": "bar",
        "encoding": {"x": {"field": "REGION"}, "y": {"field": "NET_SALES"}},
        "data": {"values": [{"REGION": "EMEA", "NET_SALES": 1250.5}]},
    }
}


def _tool(description: str, name: str, body: Promise, answer: Answer, **more: Any) -> Story:
    operation = more.pop("operation", name)
    return Story(description, operation, "POST", f"{PREFIX}/tools/{name}", body, answer, **more)


_ASKED: dict[str, JsonValue] = {"messages": [{"role": "user", "text": events.NET_SALES}]}

TOOLS = (
    _tool(
        "documents that fit",
        "search",
        {"query": "refund deadline", "columns": ["TITLE", "BODY"], "limit": 3},
        Answer(
            200,
            {
                "results": [
                    {
                        "columns": {"TITLE": "Refund policy", "BODY": "Refunds are possible within 30 days."},
                        "scores": {"reranker_score": 2.4},
                    }
                ]
            },
            {"Content-Type": JSON},
        ),
    ),
    _tool(
        "SQL for a question",
        "analyst",
        _ASKED,
        Answer(
            200,
            {
                "text": "This is how I read the question.",
                "sql": "SELECT region FROM orders",
                "verifiedQuery": "by_region",
            },
            {"Content-Type": JSON},
        ),
    ),
    _tool(
        "suggestions instead of SQL",
        "analyst",
        {"messages": [{"role": "user", "text": events.AMBIGUOUS}]},
        Answer(
            200,
            {"text": "I cannot tell what this means.", "suggestions": ["Best customers of 2025 by net sales"]},
            {"Content-Type": JSON},
        ),
    ),
    _tool(
        "SQL for a question, streamed",
        "analyst",
        {**_ASKED, "stream": True},
        _stream(events.ANALYSED, events.analyst_rule()),
        operation="analystStream",
    ),
    _tool(
        "rows of a statement",
        "sql",
        _SQL,
        Answer(
            200,
            {
                "columns": [{"name": "REGION", "type": "text"}],
                "rows": [["EMEA"]],
                "rowCount": 2,
                "truncated": False,
                "statementHandle": HANDLE,
            },
            {"Content-Type": JSON},
        ),
    ),
    _tool(
        "a chart of rows",
        "chart",
        {"intent": INTENT, "rows": ROWS},
        Answer(200, _CHART_BODY, {"Content-Type": JSON}),
    ),
    _tool(
        "a chart of a statement's result",
        "chart",
        {"intent": INTENT, "statementHandle": OWN_RESULT},
        Answer(200, _CHART_BODY, {"Content-Type": JSON}),
        session="with_a_result",
    ),
    _tool(
        "a chart of a result that is not the caller's",
        "chart",
        {"intent": INTENT, "statementHandle": HANDLE},
        _problem(ProblemType.RESULT_NOT_FOUND, 404),
    ),
    _tool(
        "a column that the search service has not",
        "search",
        {"query": "refund deadline", "columns": ["PRICE"]},
        _problem(
            ProblemType.COLUMN_UNKNOWN,
            422,
            errors=[{"pointer": Exactly("/columns/0"), "detail": "'PRICE' is no column of the search service"}],
            known=["TITLE"],
        ),
    ),
    _tool(
        "a search while the service is away",
        "search",
        {"query": "refund deadline"},
        _problem(ProblemType.UPSTREAM_UNAVAILABLE, 503, retryable=True, retryAfterS=1),
        state="search_unavailable",
    ),
    _tool(
        "SQL for a question that a login page answers",
        "analyst",
        _ASKED,
        _problem(ProblemType.UPSTREAM_PROTOCOL, 502),
        state="analyst_behind_login_page",
    ),
    _tool(
        "one question for SQL too many at a time",
        "analyst",
        _ASKED,
        _problem(
            ProblemType.TOO_MANY_AT_ONCE,
            429,
            retryable=True,
            retryAfterS=1,
            violated=["tool_analyst-at-once"],
        ),
        session="all_at_once",
    ),
    _tool(
        "a statement that does more than read",
        "sql",
        {"statement": "DELETE FROM CORTEX_BENCH_DB.SALES.ORDERS"},
        _problem(ProblemType.SQL_REFUSED, 422),
    ),
    _tool(
        "a statement that Snowflake cannot run",
        "sql",
        {"statement": WRONG_STATEMENT},
        _problem(ProblemType.SQL_FAILED, 422, upstreamCode="000904"),
    ),
    _tool(
        "a statement that Snowflake has no time for",
        "sql",
        _SQL,
        _problem(ProblemType.UPSTREAM_THROTTLED, 429, retryable=True, retryAfterS=1),
        state="sql_throttled",
    ),
    _tool(
        "a tool that there is not",
        "weather",
        {"query": "tomorrow"},
        _problem(ProblemType.TOOL_UNKNOWN, 404, known=["search"]),
        operation="unknownTool",
    ),
)

# --- history ---------------------------------------------------------------------------------------------------------

_HISTORY_PATH = Given(f"{PREFIX}/history/{SESSION_ID}", f"{PREFIX}/history/${{sessionId}}")
_TURN = {
    "turnId": TURN_ID,
    "startedAt": MOMENT,
    "question": events.NET_SALES,
    "answer": "EMEA leads with 1,250.50.",
    "complete": True,
    "endReason": "completed",
    "threadId": THREAD_ID,
    "assistantMessageId": MESSAGE_ID,
    # What a page that is loaded anew shows again: blocks by their type, and the foot of the answer.
    "content": [{"type": "text"}],
    "usage": events.USAGE,
    "durationMs": 4006.0,
    "traceId": events.TRACE_ID,
}


def _history(description: str, operation: str, answer: Answer, **more: Any) -> Story:
    method = "DELETE" if operation == "forgetHistory" else "GET"
    return Story(description, operation, method, more.pop("path", _HISTORY_PATH), None, answer, **more)


HISTORY = (
    _history(
        "the turns of a session",
        "history",
        Answer(200, {"sessionId": SESSION_ID, "turns": [_TURN]}, {"Content-Type": JSON}),
        session="with_a_turn",
        query={"limit": "20"},
    ),
    _history("the turns of a session, forgotten", "forgetHistory", Answer(204), session="with_a_turn"),
    _history(
        "the turns of somebody else's session",
        "history",
        _problem(ProblemType.SESSION_NOT_FOUND, 404),
        path=f"{PREFIX}/history/{OTHER_SESSION_ID}",
    ),
)

# --- metrics and health ----------------------------------------------------------------------------------------------

_MEASURED: list[JsonValue] = [
    {"name": "time_to_first_token_s", "value": 0.84},
    {"name": "stream_outcome", "value": 1, "label": "completed"},
]
_REPORT_PATH = f"{PREFIX}/metrics/report"


def _report(description: str, metrics: list[JsonValue], answer: Answer, **more: Any) -> Story:
    asked: dict[str, JsonValue] = {"metrics": metrics}
    return Story(description, "reportMetrics", "POST", _REPORT_PATH, asked, answer, **more)


def _health(description: str, operation: str, body: Promise) -> Story:
    path = f"{PREFIX}/{operation}" if operation == "status" else f"/{operation}"
    answer = Answer(200, body, {"Content-Type": JSON})
    return Story(description, operation, "GET", path, None, answer, session="none", token=None)


OTHERS = (
    _report(
        "what a page measured",
        _MEASURED,
        Answer(202, {"accepted": Exactly(2), "dropped": Exactly(0)}, {"Content-Type": JSON}),
    ),
    Story(
        "what a page measured, told as it is left",
        "leavePage",
        "POST",
        _REPORT_PATH,
        {"metrics": _MEASURED, "token": Given(TOKEN, "${token}")},
        Answer(202),
        token=None,
    ),
    _report(
        "a report that is too large",
        [{"name": "stall_s", "value": 1.5}] * 40,
        _problem(ProblemType.BODY_TOO_LARGE, 413),
        more={"largest_report_bytes": 1024},
    ),
    _health("whether the process is alive", "livez", {"status": Exactly("ok")}),
    _health("whether the proxy can serve", "readyz", {"status": Exactly("ok")}),
    _health(
        "what the proxy is",
        "status",
        {
            "version": "0.1.0",
            "mode": Like("rehearsal", "live|rehearsal"),
            "agent": "/api/v2/databases/CORTEX_BENCH_DB/schemas/SALES/agents/SALES_AGENT:run",
            "draining": Exactly(False),
            "breakers": {"agent": Like("closed", "closed|open|half-open")},
            "endpoints": {"chat": {"requests": 30, "windowS": 60, "atOnce": 4, "bodyBytes": 262144}},
        },
    ),
)

STORIES: tuple[Story, ...] = (*SESSIONS, *CHATS, *TOOLS, *HISTORY, *OTHERS)
