"""Every operation of the client API in one table: what is asked, what is answered, what can go wrong.

The document is made from it, and a test compares it with the routes: neither can name what the other has not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from contracts.api import (
    PREFIX,
    AnalystAnswer,
    AnalystRequest,
    Api,
    ApiRequest,
    ChartAnswer,
    ChartRequest,
    ChatRequest,
    Health,
    HistoryPage,
    MetricsReceipt,
    MetricsReport,
    SearchAnswer,
    SearchRequest,
    SessionToken,
    SqlAnswer,
    SqlRequest,
    Status,
    TokenRequest,
)
from contracts.api import ProblemType as P
from contracts.cortex import EVENT_STREAM

JSON = "application/json"
HTML = "text/html"

TAGS: Mapping[str, str] = {
    "session": "Tokens of five minutes, refreshed up to the session's limit.",
    "chat": "One turn of a Cortex Agent, streamed.",
    "tools": "Cortex Search, Cortex Analyst, SQL and charts, one request each.",
    "history": "What was asked and answered in a session; for its owner only.",
    "metrics": "What pages measure.",
    "health": "For probes and for people; open to whoever reaches the port.",
    "document": "This document.",
}


class Access(StrEnum):
    """What an operation wants to know of who asks."""

    OPEN = "open"
    SESSION = "session"
    REPORT = "report"
    """A session token, in the header or in the body."""

    ISSUE = "issue"
    """Nothing in development; in production the client key, or a token to be refreshed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer that is no problem.

    shape: the body as a model, as the name of a component, or as a schema; None for none.
    """

    about: str
    shape: type[Api] | str | Mapping[str, Any] | None = None
    status: int = 200
    media_type: str = JSON
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    policy: the row of the limits that it counts for.   parameters: names of components.
    also: a second path of the same.   problems: beyond those that follow from the other fields.
    """

    id: str
    method: str
    path: str
    tag: str
    summary: str
    about: str
    answers: tuple[Answer, ...]
    access: Access = Access.SESSION
    policy: str | None = None
    request: type[ApiRequest] | None = None
    request_is_required: bool = True
    request_types: tuple[str, ...] = (JSON,)
    parameters: tuple[str, ...] = ()
    also: str | None = None
    problems: frozenset[P] = field(default_factory=frozenset)

    def all_problems(self) -> list[P]:
        """Everything the operation can be refused with, in the catalogue's order."""
        found = self.problems | ANYWHERE | _OF_ACCESS[self.access]
        found |= _OF_BODIES if self.request else frozenset()
        found |= _OF_LIMITS if self.policy else frozenset()
        return [each for each in P if each in found]


ANYWHERE = frozenset(
    {P.MALFORMED_REQUEST, P.ADDRESS_TOO_LONG, P.HEADERS_TOO_LARGE, P.REQUEST_TIMEOUT, P.HOST_NOT_ALLOWED, P.INTERNAL}
)
ELSEWHERE = frozenset({P.NOT_FOUND, P.METHOD_NOT_ALLOWED, P.TOOL_UNKNOWN})
"""Answers to what this document does not offer."""

_TOKEN = frozenset({P.TOKEN_MISSING, P.TOKEN_INVALID, P.TOKEN_EXPIRED, P.STORE_UNAVAILABLE})
_OF_ACCESS = {
    Access.OPEN: frozenset[P](),
    Access.SESSION: _TOKEN,
    Access.REPORT: _TOKEN,
    Access.ISSUE: _TOKEN - {P.TOKEN_MISSING} | {P.CLIENT_KEY_INVALID, P.SESSION_ENDED},
}
_OF_BODIES = frozenset({P.MALFORMED_JSON, P.INVALID_REQUEST, P.BODY_TOO_LARGE, P.UNSUPPORTED_MEDIA_TYPE})
_OF_LIMITS = frozenset({P.RATE_LIMITED, P.TOO_MANY_AT_ONCE, P.STORE_UNAVAILABLE})
_UPSTREAM = frozenset(
    {
        P.REQUEST_DEADLINE,
        P.UPSTREAM_UNREACHABLE,
        P.UPSTREAM_TIMEOUT,
        P.UPSTREAM_UNAUTHORIZED,
        P.UPSTREAM_FORBIDDEN,
        P.UPSTREAM_NOT_FOUND,
        P.UPSTREAM_REJECTED,
        P.UPSTREAM_THROTTLED,
        P.UPSTREAM_UNAVAILABLE,
        P.UPSTREAM_SUSPENDED,
        P.UPSTREAM_PROTOCOL,
        P.UPSTREAM_TRUNCATED,
        P.UPSTREAM_STALLED,
    }
)
_STREAM = frozenset({P.TOO_MANY_STREAMS, P.DRAINING})
IN_STREAM = frozenset(
    {
        P.UPSTREAM_ERROR,
        P.UPSTREAM_TRUNCATED,
        P.UPSTREAM_STALLED,
        P.STREAM_DEADLINE,
        P.STREAM_TOO_LARGE,
        P.DRAINING,
        P.INTERNAL,
    }
)
"""What can end a stream that has begun; it travels as `event: error`."""

_HISTORY = frozenset({P.INVALID_REQUEST, P.SESSION_NOT_FOUND, P.NOT_FOUND, P.STORE_UNAVAILABLE})

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        id="issueToken",
        method="post",
        path=f"{PREFIX}/session/token",
        tag="session",
        summary="Issue or refresh a session token",
        about=(
            "Without a token, a new session begins. With a still valid one in `Authorization`, its session goes on "
            "with a fresh token, up to the session's limit. In production a new session needs the client key, which "
            "only a backend holds; naming a `subject` always does."
        ),
        access=Access.ISSUE,
        policy="token",
        request=TokenRequest,
        request_is_required=False,
        answers=(Answer("The token.", SessionToken),),
    ),
    Operation(
        id="endSession",
        method="delete",
        path=f"{PREFIX}/session/token",
        tag="session",
        summary="End the session",
        about="None of the session's tokens is accepted or refreshed any more. Running answers go on.",
        policy="token",
        answers=(Answer("The session is over.", status=204),),
    ),
    Operation(
        id="chat",
        method="post",
        path=f"{PREFIX}/chat",
        tag="chat",
        summary="Ask the agent, and stream its answer",
        about=(
            "The answer begins once Snowflake has begun its own: until then everything that fails is an ordinary "
            "problem. After that a failure is an `error` event, and `proxy.end` is the last frame in every case. A "
            "stream without it was cut on its way."
        ),
        policy="chat",
        request=ChatRequest,
        answers=(Answer("The turn.", "ChatEvent", media_type=EVENT_STREAM, headers=("X-Upstream-Request-Id",)),),
        problems=_UPSTREAM | _STREAM | {P.SESSION_MISMATCH},
    ),
    Operation(
        id="search",
        method="post",
        path=f"{PREFIX}/tools/search",
        tag="tools",
        summary="Search documents",
        about="Asks the configured Cortex Search service, for the configured columns only.",
        policy="tool_search",
        request=SearchRequest,
        answers=(Answer("What was found, best first.", SearchAnswer),),
        problems=_UPSTREAM | {P.COLUMN_UNKNOWN},
    ),
    Operation(
        id="analyst",
        method="post",
        path=f"{PREFIX}/tools/analyst",
        tag="tools",
        summary="Turn a question into SQL",
        about=(
            "Asks Cortex Analyst about the configured semantic view. The SQL is not run. With `stream` the answer is "
            "Cortex Analyst's own events between `proxy.start` and `proxy.end`."
        ),
        policy="tool_analyst",
        request=AnalystRequest,
        answers=(
            Answer("How the question is read, and its SQL.", AnalystAnswer),
            Answer(
                "How the question is read, and its SQL.",
                "AnalystEvent",
                media_type=EVENT_STREAM,
                headers=("X-Upstream-Request-Id",),
            ),
        ),
        problems=_UPSTREAM | _STREAM,
    ),
    Operation(
        id="sql",
        method="post",
        path=f"{PREFIX}/tools/sql",
        tag="tools",
        summary="Run one read-only statement",
        about="A statement that does anything but read is refused here, and by the proxy's role in Snowflake.",
        policy="tool_sql",
        request=SqlRequest,
        answers=(Answer("The rows.", SqlAnswer),),
        problems=_UPSTREAM | {P.SQL_REFUSED, P.SQL_FAILED},
    ),
    Operation(
        id="chart",
        method="post",
        path=f"{PREFIX}/tools/chart",
        tag="tools",
        summary="Draw rows",
        about="An agent chooses the chart. What it draws goes through only if it neither fetches nor computes.",
        policy="tool_chart",
        request=ChartRequest,
        answers=(Answer("The chart.", ChartAnswer),),
        problems=_UPSTREAM | {P.RESULT_NOT_FOUND, P.CHART_INVALID, P.UPSTREAM_ERROR},
    ),
    Operation(
        id="readHistory",
        method="get",
        path=f"{PREFIX}/history/{{sessionId}}",
        tag="history",
        summary="Read a session's turns",
        about="Newest first. A session of somebody else and one that never was are answered alike.",
        policy="history",
        parameters=("SessionId", "Limit", "Cursor"),
        answers=(Answer("A page; an empty one when the caller's own session has no turns yet.", HistoryPage),),
        problems=_HISTORY,
    ),
    Operation(
        id="forgetHistory",
        method="delete",
        path=f"{PREFIX}/history/{{sessionId}}",
        tag="history",
        summary="Delete a session's turns",
        about="Turns that are still being written are deleted, too.",
        policy="history",
        parameters=("SessionId",),
        answers=(Answer("The turns are gone.", status=204),),
        problems=_HISTORY,
    ),
    Operation(
        id="reportMetrics",
        method="post",
        path=f"{PREFIX}/metrics/report",
        tag="metrics",
        summary="Report what a page measured",
        about=(
            "Measurements that do not fit are counted and dropped; a report of nothing else is no error. "
            "`navigator.sendBeacon` sends no headers: then the token comes in the body, and the body as `text/plain`."
        ),
        access=Access.REPORT,
        policy="report",
        request=MetricsReport,
        request_types=(JSON, "text/plain"),
        answers=(Answer("How many were taken in.", MetricsReceipt, status=202),),
    ),
    Operation(
        id="livez",
        method="get",
        path="/livez",
        also=f"{PREFIX}/livez",
        tag="health",
        summary="Is the process alive?",
        about="It is when it answers.",
        access=Access.OPEN,
        answers=(Answer("It is.", Health),),
    ),
    Operation(
        id="readyz",
        method="get",
        path="/readyz",
        also=f"{PREFIX}/readyz",
        tag="health",
        summary="Can it serve?",
        about="Keys, store, upstream and lifecycle, looked up at most once a second. Never asks Cortex.",
        access=Access.OPEN,
        answers=(Answer("It can.", Health), Answer("It cannot; the failing checks say why.", Health, status=503)),
    ),
    Operation(
        id="status",
        method="get",
        path="/status",
        also=f"{PREFIX}/status",
        tag="health",
        summary="What is it?",
        about="Version, mode, limits and breakers, without secrets.",
        access=Access.OPEN,
        answers=(Answer("All of it.", Status),),
    ),
    Operation(
        id="openapiDocument",
        method="get",
        path="/openapi.json",
        also=f"{PREFIX}/openapi.json",
        tag="document",
        summary="This document",
        about="For generators and tools.",
        access=Access.OPEN,
        answers=(
            Answer("OpenAPI 3.1.", {"type": "object"}, headers=("ETag",)),
            Answer("It is the one that `If-None-Match` names.", status=304, headers=("ETag",)),
        ),
    ),
    Operation(
        id="docs",
        method="get",
        path="/docs",
        also=f"{PREFIX}/docs",
        tag="document",
        summary="This document as a page",
        about="For people. It needs no scripts.",
        access=Access.OPEN,
        answers=(
            Answer("The page.", {"type": "string"}, media_type=HTML, headers=("ETag",)),
            Answer("It is the one that `If-None-Match` names.", status=304, headers=("ETag",)),
        ),
    ),
)
