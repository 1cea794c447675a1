"""The client API under `/api/v1`: requests, responses, the proxy's own stream events and its problem types.

JSON is camelCase. Requests refuse unknown fields. Errors are `application/problem+json` (RFC 9457); once a stream has
begun the same object travels as the data of `event: error`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AwareDatetime, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator
from pydantic.alias_generators import to_camel

from contracts.examples import (
    ANSWER,
    BOUND_STATEMENT,
    CELLS,
    CHART,
    FOLLOW_UP,
    HANDLE,
    QUESTION,
    READING,
    REQUEST_ID,
    ROWS,
    SESSION_ID,
    SNOWFLAKE_ID,
    STATEMENT,
    TOKEN,
    TRACE_ID,
    TURN_ID,
    USAGE,
    Examples,
    Shown,
)

PREFIX = "/api/v1"
PROBLEM_JSON = "application/problem+json"

MAX_MESSAGE_CHARS = 16_000
"""Longest question, in characters."""

MAX_TOOL_RESULT_ITEMS = 20

MAX_ID = 2**53 - 1
"""Largest thread or message id: what a browser can hold in a number."""


class Api(Shown):
    """Base of what the proxy sends: camelCase on the wire, immutable in Python."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, frozen=True, serialize_by_alias=True
    )


class Sparse(Api):
    """Base of what the proxy sends without its empty fields; everything else it sends whole."""


class ApiRequest(Api):
    """Base of what clients send: additionally, unknown fields are errors and types are not coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, validate_by_name=False)


# --- session -------------------------------------------------------------------------------------------------------


SUBJECT = r"^[A-Za-z0-9][A-Za-z0-9._:@|-]{0,127}$"


class TokenRequest(ApiRequest):
    """Body of `POST /session/token`, may be left out. A still valid token in `Authorization` asks for a refresh."""

    subject: Annotated[str, Field(pattern=SUBJECT, examples=["user-4711"])] | None = Field(
        default=None,
        description="whose session it is to be, for limits and history; only a caller with the client key may say",
    )

    EXAMPLES: ClassVar[Examples] = {
        "A session of anybody": {},
        "A session of a user whom a backend names": {"subject": "user-4711"},
    }


class SessionToken(Api):
    """A session token. `expires_at` ends the token, `session_expires_at` ends every refresh of it."""

    token: str = Field(repr=False, examples=["eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"])
    token_type: Literal["Bearer"] = "Bearer"
    session_id: str = Field(examples=["6b0f1f0e6a144a559d0e3a7a2f1d5c77"])
    expires_at: AwareDatetime
    expires_in_s: int = Field(examples=[300])
    session_expires_at: AwareDatetime

    EXAMPLES: ClassVar[Examples] = {
        "A token": {
            "token": TOKEN,
            "tokenType": "Bearer",
            "sessionId": SESSION_ID,
            "expiresAt": "2026-03-02T09:05:00Z",
            "expiresInS": 300,
            "sessionExpiresAt": "2026-03-02T17:00:00Z",
        }
    }


# --- chat ----------------------------------------------------------------------------------------------------------


class ToolResultContent(ApiRequest):
    """One item of a client-side tool's answer."""

    type: Literal["json", "text"]
    json_: dict[str, Any] | list[Any] | None = Field(
        default=None, alias="json", description="what the tool found: any JSON, in an object or a list"
    )
    text: Annotated[str, Field(max_length=MAX_MESSAGE_CHARS)] | None = None

    EXAMPLES: ClassVar[Examples] = {
        "An object": {"type": "json", "json": {"path": "/sales/emea"}},
        "A list": {"type": "json", "json": ["EMEA", "APAC"]},
        "Text": {"type": "text", "text": "The user looks at EMEA."},
    }

    @model_validator(mode="after")
    def _carries_what_its_type_says(self) -> ToolResultContent:
        value = self.json_ if self.type == "json" else self.text
        other = self.text if self.type == "json" else self.json_
        if value is None or other is not None:
            raise ValueError(f"an item of type {self.type!r} carries exactly the field {self.type!r}")
        return self


class ClientToolResult(ApiRequest):
    """The page's answer to a tool call that the agent asked the client to run."""

    tool_use_id: Annotated[str, Field(min_length=1, max_length=128)]
    type: Annotated[str, Field(min_length=1, max_length=128)]
    name: Annotated[str, Field(min_length=1, max_length=128)]
    status: Literal["success", "error"] = "success"
    content: Annotated[list[ToolResultContent], Field(min_length=1, max_length=MAX_TOOL_RESULT_ITEMS)]

    EXAMPLES: ClassVar[Examples] = {
        "What the page shows": {
            "toolUseId": "toolu_client01",
            "type": "generic",
            "name": "current_page",
            "content": [{"type": "json", "json": {"path": "/sales/emea"}}],
        },
        "A failure": {
            "toolUseId": "toolu_client01",
            "type": "generic",
            "name": "current_page",
            "status": "error",
            "content": [{"type": "text", "text": "The page has no path."}],
        },
    }


class ToolResultMessage(ApiRequest):
    """A message that answers a client-side tool instead of asking something."""

    tool_result: ClientToolResult

    EXAMPLES: ClassVar[Examples] = {
        "What a client-side tool answers": {"toolResult": ClientToolResult.EXAMPLES["What the page shows"]}
    }


def _kind_of_message(value: Any) -> str | None:
    if isinstance(value, str):
        return "question"
    return "answer" if isinstance(value, dict | ToolResultMessage) else None


Message = Annotated[
    Annotated[str, Field(min_length=1, max_length=MAX_MESSAGE_CHARS), Tag("question")]
    | Annotated[ToolResultMessage, Tag("answer")],
    Discriminator(
        _kind_of_message,
        custom_error_type="message_type",
        custom_error_message="Input should be a string or an object with toolResult",
    ),
]
"""A question, or the answer to a client-side tool."""


class ChatToolChoice(ApiRequest):
    """`tool` needs the names it may choose from."""

    type: Literal["auto", "required", "tool"] = "auto"
    name: Annotated[list[Annotated[str, Field(min_length=1, max_length=128)]], Field(max_length=20)] | None = None

    EXAMPLES: ClassVar[Examples] = {
        "The agent's own choice": {"type": "auto"},
        "One of these": {"type": "tool", "name": ["sales_analyst"]},
    }


class ChatRequest(ApiRequest):
    """One turn.

    Threads: with `threadId` and `parentMessageId` the turn continues that thread; with `parentMessageId` 0 alone the
    proxy opens a thread first and names it in `proxy.start`; with neither the turn stands alone.
    """

    session_id: Annotated[str, Field(min_length=1, max_length=64)]
    message: Message
    thread_id: Annotated[int, Field(ge=1, le=MAX_ID)] | None = None
    parent_message_id: Annotated[int, Field(ge=0, le=MAX_ID)] | None = None
    tool_choice: ChatToolChoice | None = None

    EXAMPLES: ClassVar[Examples] = {
        "A question of its own": {"sessionId": SESSION_ID, "message": QUESTION},
        "The first turn of a thread": {"sessionId": SESSION_ID, "message": QUESTION, "parentMessageId": 0},
        "A follow-up": {"sessionId": SESSION_ID, "message": FOLLOW_UP, "threadId": 77, "parentMessageId": 502},
        "With a tool that must be used": {
            "sessionId": SESSION_ID,
            "message": QUESTION,
            "toolChoice": {"type": "tool", "name": ["sales_analyst"]},
        },
        "What a client-side tool answers": {
            "sessionId": SESSION_ID,
            "threadId": 77,
            "parentMessageId": 502,
            "message": ToolResultMessage.EXAMPLES["What a client-side tool answers"],
        },
    }

    @model_validator(mode="after")
    def _thread_and_parent_go_together(self) -> ChatRequest:
        if self.thread_id is not None and self.parent_message_id is None:
            raise ValueError(
                "threadId needs parentMessageId: 0 for its first turn, else the last assistant message's id"
            )
        if self.thread_id is None and self.parent_message_id not in (None, 0):
            raise ValueError("parentMessageId without threadId can only be 0, which opens a new thread")
        return self


class StreamEvent(StrEnum):
    """The proxy's own event names; every other event is Snowflake's and passes unchanged."""

    START = "proxy.start"
    ERROR = "error"
    END = "proxy.end"


class ProxyStart(Sparse):
    """Data of `proxy.start`, the first frame of every chat stream."""

    session_id: str
    turn_id: str
    trace_id: str
    thread_id: int | None = None

    EXAMPLES: ClassVar[Examples] = {
        "A turn of a thread": {"sessionId": SESSION_ID, "turnId": TURN_ID, "traceId": TRACE_ID, "threadId": 77},
        "A turn of its own": {"sessionId": SESSION_ID, "turnId": TURN_ID, "traceId": TRACE_ID},
    }


class EndReason(StrEnum):
    """Why a chat stream ended."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    UPSTREAM_ERROR = "upstream_error"
    UPSTREAM_TRUNCATED = "upstream_truncated"
    UPSTREAM_STALLED = "upstream_stalled"
    CLIENT_GONE = "client_gone"
    CLIENT_SLOW = "client_slow"
    DEADLINE = "deadline"
    TOO_LARGE = "too_large"
    DRAINING = "draining"
    INTERNAL = "internal"


class TokenUsage(Api):
    """Tokens summed over the models of a turn; cached tokens are part of the input."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0

    EXAMPLES: ClassVar[Examples] = {"Of one turn": USAGE}


class ProxyEnd(Sparse):
    """Data of `proxy.end`, the last frame of every chat stream. Durations are milliseconds since the request."""

    reason: EndReason
    turn_id: str
    usage: TokenUsage | None = None
    events: int = Field(description="upstream events forwarded")
    upstream_bytes: int = Field(description="upstream bytes forwarded")
    first_event_ms: float | None = Field(default=None, description="until the first upstream event")
    duration_ms: float

    EXAMPLES: ClassVar[Examples] = {
        "Completed": {
            "reason": "completed",
            "turnId": TURN_ID,
            "usage": USAGE,
            "events": 24,
            "upstreamBytes": 9120,
            "firstEventMs": 240.1,
            "durationMs": 4006.0,
        },
        "Cut before the first event": {
            "reason": "upstream_truncated",
            "turnId": TURN_ID,
            "events": 0,
            "upstreamBytes": 0,
            "durationMs": 120.5,
        },
    }


# --- tools ---------------------------------------------------------------------------------------------------------


class ToolName(StrEnum):
    """The closed set of tools."""

    SEARCH = "search"
    ANALYST = "analyst"
    SQL = "sql"
    CHART = "chart"


COLUMN = r"^[A-Za-z_][A-Za-z0-9_$]{0,254}$"
MAX_SQL_CHARS = 20_000
MAX_CHART_ROWS = 1000
MAX_CHART_COLUMNS = 50

Column = Annotated[str, Field(pattern=COLUMN)]
Scalar = str | int | float | bool | None


class SearchRequest(ApiRequest):
    """A question to the Cortex Search service.

    `filter` is Snowflake's: `@eq`, `@contains`, `@gte`, `@lte` on one column each, joined by `@and`, `@or`, `@not`.
    """

    query: Annotated[str, Field(min_length=1, max_length=2000, examples=["refund deadline"])]
    columns: Annotated[list[Column], Field(min_length=1, max_length=20)] | None = Field(
        default=None, description="columns to return; all that the service offers when left out", examples=[["TITLE"]]
    )
    filter: dict[str, Any] | None = Field(
        default=None,
        description="operators as above, nested as they need to be",
        examples=[{"@eq": {"REGION": "EMEA"}}],
    )
    limit: Annotated[int, Field(ge=1, le=50)] = 10

    EXAMPLES: ClassVar[Examples] = {
        "Words alone": {"query": "refund deadline"},
        "Some columns, filtered": {
            "query": "refund deadline",
            "columns": ["TITLE", "BODY"],
            "filter": {"@and": [{"@eq": {"REGION": "EMEA"}}, {"@gte": {"VALID_FROM": "2025-01-01"}}]},
            "limit": 3,
        },
    }


class SearchHit(Api):
    """One document, best first."""

    columns: dict[str, Any] = Field(
        description="by name; a value's type is its column's", examples=[{"TITLE": "Refunds"}]
    )
    scores: dict[str, float] = Field(default_factory=dict, examples=[{"cosine_similarity": 0.61}])

    EXAMPLES: ClassVar[Examples] = {
        "A policy": {
            "columns": {"TITLE": "Refund policy", "BODY": "Refunds are possible within 30 days."},
            "scores": {"cosine_similarity": 0.61, "reranker_score": 2.4},
        }
    }


class SearchAnswer(Api):
    """What the search found; an empty list when nothing fits."""

    results: list[SearchHit]
    request_id: str | None = Field(default=None, description="Snowflake's")

    EXAMPLES: ClassVar[Examples] = {
        "One document": {"results": [SearchHit.EXAMPLES["A policy"]], "requestId": SNOWFLAKE_ID},
        "Nothing": {"results": [], "requestId": SNOWFLAKE_ID},
    }


class AnalystMessage(ApiRequest):
    """One turn of a conversation with Cortex Analyst."""

    role: Literal["user", "analyst"]
    text: Annotated[str, Field(min_length=1, max_length=MAX_MESSAGE_CHARS)]

    EXAMPLES: ClassVar[Examples] = {
        "A question": {"role": "user", "text": QUESTION},
        "An answer": {"role": "analyst", "text": READING},
    }


class AnalystRequest(ApiRequest):
    """A question to Cortex Analyst about the configured semantic view; the last message is the user's."""

    messages: Annotated[list[AnalystMessage], Field(min_length=1, max_length=20)]
    stream: bool = Field(default=False, description="answer with Cortex Analyst's own events, framed like a chat")

    EXAMPLES: ClassVar[Examples] = {
        "A question": {"messages": [{"role": "user", "text": QUESTION}]},
        "A conversation, streamed": {
            "messages": [*AnalystMessage.EXAMPLES.values(), {"role": "user", "text": "and for 2024?"}],
            "stream": True,
        },
    }

    @field_validator("messages")
    @classmethod
    def _ends_with_a_question(cls, messages: list[AnalystMessage]) -> list[AnalystMessage]:
        if messages[-1].role != "user":
            raise ValueError("the last message must be the user's")
        return messages


class AnalystAnswer(Api):
    """How Cortex Analyst reads the question, and the SQL for it; suggestions instead when it is ambiguous."""

    text: str
    sql: str | None = None
    suggestions: list[str] = Field(default_factory=list)
    verified_query: str | None = Field(default=None, description="name of the verified query that was used")
    warnings: list[str] = Field(default_factory=list)
    request_id: str | None = Field(default=None, description="Snowflake's")

    EXAMPLES: ClassVar[Examples] = {
        "A statement": {
            "text": READING,
            "sql": STATEMENT,
            "suggestions": [],
            "verifiedQuery": "net_sales_by_region",
            "warnings": [],
            "requestId": SNOWFLAKE_ID,
        },
        "Suggestions instead": {
            "text": "Do you mean gross or net sales?",
            "sql": None,
            "suggestions": ["Net sales by region in 2025", "Gross sales by region in 2025"],
            "verifiedQuery": None,
            "warnings": [],
            "requestId": SNOWFLAKE_ID,
        },
    }


class SqlRequest(ApiRequest):
    """One read-only statement; `?` stands for the bindings, in order."""

    statement: Annotated[str, Field(min_length=1, max_length=MAX_SQL_CHARS)]
    bindings: Annotated[list[Scalar], Field(max_length=100)] = Field(default_factory=list)
    max_rows: Annotated[int, Field(ge=1, le=10_000)] = 1000

    EXAMPLES: ClassVar[Examples] = {
        "A statement with a binding": {"statement": BOUND_STATEMENT, "bindings": [2025], "maxRows": 100}
    }


class SqlColumn(Api):
    """A column of a result; `type` is Snowflake's, lower-case."""

    name: str
    type: str = Field(examples=["fixed"])
    nullable: bool = True
    precision: int | None = None
    scale: int | None = None

    EXAMPLES: ClassVar[Examples] = {
        "Text": {"name": "REGION", "type": "text", "nullable": True, "precision": None, "scale": None},
        "A number": {"name": "NET_SALES", "type": "fixed", "nullable": False, "precision": 18, "scale": 2},
    }


class SqlAnswer(Api):
    """Rows of a statement. Cells are text, exact, null for NULL; dates and times are ISO 8601."""

    columns: list[SqlColumn]
    rows: list[list[str | None]]
    row_count: int = Field(description="rows of the whole result, also of those not sent")
    truncated: bool = Field(description="whether rows were left out, by maxRows or by the limit in bytes")
    statement_handle: str = Field(description="names this result for the chart tool, for the same user only")
    request_id: str | None = Field(default=None, description="Snowflake's")

    EXAMPLES: ClassVar[Examples] = {
        "Two rows": {
            "columns": list(SqlColumn.EXAMPLES.values()),
            "rows": CELLS,
            "rowCount": 2,
            "truncated": False,
            "statementHandle": HANDLE,
            "requestId": SNOWFLAKE_ID,
        }
    }


class ChartRequest(ApiRequest):
    """Rows, or a statement's result, to draw."""

    intent: Annotated[str, Field(min_length=1, max_length=1000, examples=["net sales by region, as bars"])]
    rows: (
        Annotated[
            list[Annotated[dict[str, Scalar], Field(min_length=1, max_length=MAX_CHART_COLUMNS)]],
            Field(min_length=1, max_length=MAX_CHART_ROWS),
        ]
        | None
    ) = None
    statement_handle: Annotated[str, Field(min_length=1, max_length=256)] | None = None

    EXAMPLES: ClassVar[Examples] = {
        "Rows": {"intent": "net sales by region, as bars", "rows": ROWS},
        "The result of a statement": {"intent": "net sales by region, as bars", "statementHandle": HANDLE},
    }

    @model_validator(mode="after")
    def _has_one_source(self) -> ChartRequest:
        if (self.rows is None) == (self.statement_handle is None):
            raise ValueError("give either rows or statementHandle")
        return self


class ChartAnswer(Api):
    """A Vega-Lite specification with its data inline: no `url`, no expressions."""

    chart: dict[str, Any] = Field(description="as Vega-Lite 5 has it")
    text: str | None = Field(default=None, description="what the agent says about it")
    request_id: str | None = Field(default=None, description="Snowflake's")

    EXAMPLES: ClassVar[Examples] = {"Bars": {"chart": CHART, "text": "Net sales by region.", "requestId": SNOWFLAKE_ID}}


# --- history -------------------------------------------------------------------------------------------------------


class HistoryTurn(Api):
    """One turn as it was stored when its stream ended."""

    turn_id: str
    started_at: AwareDatetime
    question: str | None = Field(description="null when the turn answered a client-side tool")
    answer: str = Field(
        description="the answer's text, at most 262144 characters; of a turn that was cut, what had arrived"
    )
    content: list[dict[str, Any]] | None = Field(
        default=None,
        description="the answer's blocks as Snowflake sent them, without thinking; null when cut or too large",
    )
    complete: bool = Field(description="whether the turn reached its end")
    end_reason: EndReason
    thread_id: int | None = None
    assistant_message_id: int | None = Field(default=None, description="parent of a follow-up")
    usage: TokenUsage | None = None
    duration_ms: float
    trace_id: str

    EXAMPLES: ClassVar[Examples] = {
        "A whole turn": {
            "turnId": TURN_ID,
            "startedAt": "2026-03-02T09:00:00Z",
            "question": QUESTION,
            "answer": ANSWER,
            "content": [{"type": "text", "text": ANSWER}],
            "complete": True,
            "endReason": "completed",
            "threadId": 77,
            "assistantMessageId": 502,
            "usage": USAGE,
            "durationMs": 4006.0,
            "traceId": TRACE_ID,
        },
        "A turn that was cut": {
            "turnId": TURN_ID,
            "startedAt": "2026-03-02T09:00:00Z",
            "question": None,
            "answer": "EMEA leads with",
            "content": None,
            "complete": False,
            "endReason": "upstream_truncated",
            "threadId": None,
            "assistantMessageId": None,
            "usage": None,
            "durationMs": 812.4,
            "traceId": TRACE_ID,
        },
    }


class HistoryPage(Api):
    """A session's turns, newest first. A page may hold less than was asked for and still have a next one."""

    session_id: str
    turns: list[HistoryTurn]
    next_cursor: str | None = Field(default=None, description="asks for the next, older page; null on the last")

    EXAMPLES: ClassVar[Examples] = {
        "One turn": {"sessionId": SESSION_ID, "turns": [HistoryTurn.EXAMPLES["A whole turn"]], "nextCursor": None},
        "Not the last page": {
            "sessionId": SESSION_ID,
            "turns": [HistoryTurn.EXAMPLES["A turn that was cut"]],
            "nextCursor": "MTc3MjQ0MjAwMA",
        },
    }


# --- client metrics ------------------------------------------------------------------------------------------------

MAX_REPORTED = 50
"""Most metrics in one report."""


class ClientMetricName(StrEnum):
    """The closed set of client metrics. Unknown names are counted and dropped, so that old proxies bear new pages."""

    TIME_TO_FIRST_TOKEN = "time_to_first_token_s"
    STALL = "stall_s"
    LCP = "lcp_s"
    INP = "inp_s"
    CLS = "cls"
    STREAM_OUTCOME = "stream_outcome"
    PAGE_ERROR = "page_error"


class StreamOutcome(StrEnum):
    """How a stream ended as the page saw it."""

    COMPLETED = "completed"
    ERROR = "error"
    ABORTED = "aborted"
    DISCONNECTED = "disconnected"


class PageErrorKind(StrEnum):
    """What failed in the page."""

    SCRIPT = "script"
    RENDER = "render"
    NETWORK = "network"
    PROTOCOL = "protocol"


class ClientMetric(ApiRequest):
    """One measurement: seconds for times, a score for CLS, 1 for outcomes and errors."""

    name: Annotated[str, Field(min_length=1, max_length=64, examples=[ClientMetricName.TIME_TO_FIRST_TOKEN])]
    value: float = 1.0
    label: Annotated[str, Field(max_length=64)] | None = Field(
        default=None, description="the outcome of stream_outcome, the kind of page_error; no other metric has one"
    )

    EXAMPLES: ClassVar[Examples] = {
        "A time": {"name": "time_to_first_token_s", "value": 0.84},
        "An outcome": {"name": "stream_outcome", "label": "completed"},
    }


class MetricsReport(ApiRequest):
    """What a page measured. `navigator.sendBeacon` sends no headers: then the session token comes in `token`."""

    metrics: Annotated[list[ClientMetric], Field(min_length=1, max_length=MAX_REPORTED)]
    token: Annotated[str, Field(min_length=1, max_length=4096)] | None = Field(default=None, repr=False)

    EXAMPLES: ClassVar[Examples] = {
        "A finished stream": {"metrics": list(ClientMetric.EXAMPLES.values())},
        "A page that was left": {
            "metrics": [ClientMetric.EXAMPLES["An outcome"]],
            "token": TOKEN,
        },
    }


class MetricsReceipt(Api):
    """How many measurements were taken in, and how many dropped: unknown, out of bounds or wrongly labelled."""

    accepted: int
    dropped: int

    EXAMPLES: ClassVar[Examples] = {"All taken in": {"accepted": 2, "dropped": 0}}


# --- problems ------------------------------------------------------------------------------------------------------


class ProblemType(StrEnum):
    """Every problem the proxy answers with; the last part of `type`, and stable."""

    MALFORMED_REQUEST = "malformed-request"
    ADDRESS_TOO_LONG = "address-too-long"
    HEADERS_TOO_LARGE = "headers-too-large"
    HOST_NOT_ALLOWED = "host-not-allowed"
    REQUEST_TIMEOUT = "request-timeout"
    MALFORMED_JSON = "malformed-json"
    INVALID_REQUEST = "invalid-request"
    BODY_TOO_LARGE = "body-too-large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    TOKEN_MISSING = "token-missing"
    TOKEN_INVALID = "token-invalid"
    TOKEN_EXPIRED = "token-expired"
    CLIENT_KEY_INVALID = "client-key-invalid"
    SESSION_MISMATCH = "session-mismatch"
    SESSION_ENDED = "session-ended"
    SESSION_NOT_FOUND = "session-not-found"
    RATE_LIMITED = "rate-limited"
    TOO_MANY_AT_ONCE = "too-many-at-once"
    TOO_MANY_STREAMS = "too-many-streams"
    TOOL_UNKNOWN = "tool-unknown"
    COLUMN_UNKNOWN = "column-unknown"
    SQL_REFUSED = "sql-refused"
    SQL_FAILED = "sql-failed"
    RESULT_NOT_FOUND = "result-not-found"
    CHART_INVALID = "chart-invalid"
    REQUEST_DEADLINE = "request-deadline"
    STORE_UNAVAILABLE = "store-unavailable"
    UPSTREAM_UNREACHABLE = "upstream-unreachable"
    UPSTREAM_TIMEOUT = "upstream-timeout"
    UPSTREAM_UNAUTHORIZED = "upstream-unauthorized"
    UPSTREAM_FORBIDDEN = "upstream-forbidden"
    UPSTREAM_NOT_FOUND = "upstream-not-found"
    UPSTREAM_REJECTED = "upstream-rejected"
    UPSTREAM_THROTTLED = "upstream-throttled"
    UPSTREAM_UNAVAILABLE = "upstream-unavailable"
    UPSTREAM_SUSPENDED = "upstream-suspended"
    UPSTREAM_PROTOCOL = "upstream-protocol"
    UPSTREAM_ERROR = "upstream-error"
    UPSTREAM_TRUNCATED = "upstream-truncated"
    UPSTREAM_STALLED = "upstream-stalled"
    STREAM_DEADLINE = "stream-deadline"
    STREAM_TOO_LARGE = "stream-too-large"
    DRAINING = "draining"
    INTERNAL = "internal"


PROBLEM_BASE = "https://cortex-harness.dev/problems/"


class FieldError(Api):
    """One fault of a request body; `pointer` is a JSON pointer into it."""

    pointer: str
    detail: str

    EXAMPLES: ClassVar[Examples] = {
        "Out of bounds": {"pointer": "/threadId", "detail": "Input should be greater than or equal to 1"}
    }


class Problem(Sparse):
    """RFC 9457 problem details. `instance` is the request's id, in a stream the turn's; `traceId` finds its trace."""

    type: str = Field(examples=[PROBLEM_BASE + ProblemType.TOKEN_EXPIRED])
    title: str
    status: int
    detail: str
    instance: str | None = None
    trace_id: str | None = None
    errors: list[FieldError] | None = None
    retry_after_s: int | None = None
    retryable: bool = False
    upstream_code: str | None = Field(default=None, description="Snowflake's numeric code, when it sent one")
    violated_policies: list[str] | None = Field(
        default=None, alias="violated-policies", description="quotas of RateLimit-Policy that were exceeded"
    )
    known: list[str] | None = Field(default=None, description="what could have been asked for instead")

    EXAMPLES: ClassVar[Examples] = {
        "A token that has ended": {
            "type": PROBLEM_BASE + ProblemType.TOKEN_EXPIRED,
            "title": "The session token has expired",
            "status": 401,
            "detail": "Request a new token and try again.",
            "instance": REQUEST_ID,
            "traceId": TRACE_ID,
            "retryable": True,
        },
        "A request that does not fit": {
            "type": PROBLEM_BASE + ProblemType.INVALID_REQUEST,
            "title": "The request does not fit the API",
            "status": 422,
            "detail": "/threadId: Input should be greater than or equal to 1",
            "instance": REQUEST_ID,
            "traceId": TRACE_ID,
            "errors": [FieldError.EXAMPLES["Out of bounds"]],
            "retryable": False,
        },
        "Too many requests": {
            "type": PROBLEM_BASE + ProblemType.RATE_LIMITED,
            "title": "Too many requests",
            "status": 429,
            "detail": "6 requests per 2 s (chat-burst) are allowed, and used up; wait 2 s.",
            "instance": REQUEST_ID,
            "traceId": TRACE_ID,
            "retryAfterS": 2,
            "retryable": True,
            "violated-policies": ["chat-burst"],
        },
        "A tool that is none": {
            "type": PROBLEM_BASE + ProblemType.TOOL_UNKNOWN,
            "title": "There is no such tool",
            "status": 404,
            "detail": "'weather' is none; the tools are search, analyst, sql, chart.",
            "retryable": False,
            "known": ["search", "analyst", "sql", "chart"],
        },
        "A statement that failed": {
            "type": PROBLEM_BASE + ProblemType.SQL_FAILED,
            "title": "Snowflake could not run the statement",
            "status": 422,
            "detail": "The statement names a column that does not exist.",
            "retryable": False,
            "upstreamCode": "000904",
        },
        "A stream that was cut": {
            "type": PROBLEM_BASE + ProblemType.UPSTREAM_TRUNCATED,
            "title": "The answer broke off",
            "status": 502,
            "detail": "Snowflake closed the stream before its last event.",
            "instance": TURN_ID,
            "traceId": TRACE_ID,
            "retryable": True,
        },
    }


# --- health --------------------------------------------------------------------------------------------------------


class EndpointLimits(Api):
    """What one subject may ask of one endpoint."""

    requests: int
    window_s: int
    burst: int
    burst_s: int
    at_once: int
    body_bytes: int
    deadline_s: float

    EXAMPLES: ClassVar[Examples] = {
        "Of chat": {
            "requests": 30,
            "windowS": 60,
            "burst": 6,
            "burstS": 2,
            "atOnce": 4,
            "bodyBytes": 262144,
            "deadlineS": 960.0,
        }
    }


class Status(Api):
    """What this proxy is: for people and for support, without secrets."""

    version: str
    mode: Literal["live", "rehearsal"] = Field(description="rehearsal: the upstream is a stand-in, not Snowflake")
    environment: Literal["development", "production"]
    session_issue: Literal["open", "client-key"]
    agent: str
    draining: bool = False
    store: Literal["sqlite", "redis", "memory"]
    breakers: dict[str, Literal["closed", "open", "half-open"]] = Field(description="by upstream surface")
    limits: dict[str, int | float] = Field(description="of the whole process")
    endpoints: dict[str, EndpointLimits]

    EXAMPLES: ClassVar[Examples] = {
        "A rehearsal": {
            "version": "0.1.0",
            "mode": "rehearsal",
            "environment": "development",
            "sessionIssue": "open",
            "agent": "/api/v2/databases/CORTEX_BENCH_DB/schemas/SALES/agents/SALES_AGENT:run",
            "draining": False,
            "store": "sqlite",
            "breakers": {"agent": "closed", "analyst": "closed", "search": "half-open", "sql": "closed"},
            "limits": {"processes": 1, "streams": 100, "requestTimeoutS": 10.0},
            "endpoints": {"chat": EndpointLimits.EXAMPLES["Of chat"]},
        }
    }


class Health(Api):
    """Answer of `livez` and `readyz`; each failing check says why."""

    status: Literal["ok", "failing"]
    checks: dict[str, str] = Field(default_factory=dict)

    EXAMPLES: ClassVar[Examples] = {
        "Well": {"status": "ok", "checks": {"config": "ok", "store": "ok", "upstream": "ok", "lifecycle": "ok"}}
    }
