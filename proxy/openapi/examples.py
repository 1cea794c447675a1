"""One example at least of every stream and problem; a test holds each against its schema.

Those of requests and answers stand with their models. Names and figures are those of the rehearsal data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from contracts.api import FieldError, ProblemType, ProxyEnd, ProxyStart
from contracts.api import ProblemType as P
from contracts.events import AgentStatus, AnalystDelta, AnalystStatus, FinalAnswer, TextDelta
from contracts.examples import REQUEST_ID, TRACE_ID, TURN_ID, Examples
from proxy.problems import ProblemError
from proxy.sse import frame

NOT_READY: Examples = {
    "The store is gone": {"status": "failing", "checks": {"config": "ok", "store": "cannot be used"}}
}

_CUT = ProblemError(P.UPSTREAM_TRUNCATED, "Snowflake closed the stream before its last event.").problem(
    TURN_ID, TRACE_ID
)


def _transcript(*upstream: tuple[str, Any], start: Any, end: Mapping[str, Any], told: str = "") -> str:
    """A stream as it travels; the proxy's last frame counts Snowflake's.   told: frames of the proxy's own between."""
    carried = b"".join(frame(name, data if isinstance(data, str) else json.dumps(data)) for name, data in upstream)
    ended = {**end, "events": len(upstream), "upstreamBytes": len(carried)}
    opening, closing = frame("proxy.start", json.dumps(start)), frame("proxy.end", json.dumps(ended))
    return (opening + carried).decode() + told + closing.decode()


_THREADED, _ALONE = ProxyStart.EXAMPLES["A turn of a thread"], ProxyStart.EXAMPLES["A turn of its own"]
_PIECE = TextDelta.EXAMPLES["A piece"]

STREAMS: Mapping[str, Mapping[str, str]] = {
    "ChatEvent": {
        "A whole turn": _transcript(
            ("response.status", AgentStatus.EXAMPLES["Planning"]),
            ("response.text.delta", _PIECE),
            ("response.text.delta", {**_PIECE, "text": ", APAC follows with 980.00.", "sequence_number": 19}),
            ("response", FinalAnswer.EXAMPLES["A whole turn"]),
            ("done", "[DONE]"),
            start=_THREADED,
            end=ProxyEnd.EXAMPLES["Completed"],
        ),
        "A turn that was cut": _transcript(
            ("response.text.delta", _PIECE),
            start=_THREADED,
            end={**ProxyEnd.EXAMPLES["Cut before the first event"], "firstEventMs": 240.1, "durationMs": 4006.0},
            told=frame("error", _CUT.model_dump_json(exclude_none=True)).decode(),
        ),
    },
    "AnalystEvent": {
        "A statement": _transcript(
            ("status", AnalystStatus.EXAMPLES["Interpreting"]),
            ("message.content.delta", AnalystDelta.EXAMPLES["Text"]),
            ("message.content.delta", AnalystDelta.EXAMPLES["A statement"]),
            ("done", {}),
            start=_ALONE,
            end={key: value for key, value in ProxyEnd.EXAMPLES["Completed"].items() if key != "usage"},
        )
    },
}
"""By the union of the stream's events, as they travel."""

_POINTED = [FieldError(pointer="/threadId", detail="Input should be greater than or equal to 1")]
_UNKNOWN_COLUMN = [FieldError(pointer="/columns/0", detail="'PRICE' is no column of the search service")]
_COLUMNS = ["TITLE", "BODY", "REGION"]
_PROBLEMS: tuple[ProblemError, ...] = (
    ProblemError(P.MALFORMED_REQUEST, "The server found: InvalidHeader."),
    ProblemError(P.ADDRESS_TOO_LONG, "Shorten the request's address."),
    ProblemError(P.HEADERS_TOO_LARGE, "Send fewer or shorter headers."),
    ProblemError(P.HOST_NOT_ALLOWED, "In development, ask by localhost, an address of this machine or HOST."),
    ProblemError(P.REQUEST_TIMEOUT, "A request may take 10 s to arrive."),
    ProblemError(P.MALFORMED_JSON, "Invalid JSON: EOF while parsing a string at line 1 column 27"),
    ProblemError(P.INVALID_REQUEST, "/threadId: Input should be greater than or equal to 1", errors=_POINTED),
    ProblemError(P.BODY_TOO_LARGE, "The limit is 262144 bytes."),
    ProblemError(P.UNSUPPORTED_MEDIA_TYPE, "Send application/json; found text/xml."),
    ProblemError(P.NOT_FOUND, "Nothing answers /api/v1/chats."),
    ProblemError(P.METHOD_NOT_ALLOWED, "/api/v1/chat does not take PUT."),
    ProblemError(P.TOKEN_MISSING, "Send the token as 'Authorization: Bearer <token>'."),
    ProblemError(P.TOKEN_INVALID, "Request a new token."),
    ProblemError(P.TOKEN_EXPIRED, "Request a new token and try again."),
    ProblemError(P.CLIENT_KEY_INVALID, "A valid X-Client-Key header is required here."),
    ProblemError(P.SESSION_MISMATCH, "sessionId is not the one this token was issued for."),
    ProblemError(P.SESSION_ENDED, "Open a new session: request a token without a token."),
    ProblemError(P.SESSION_NOT_FOUND, "You have no session of this id with turns."),
    ProblemError(
        P.RATE_LIMITED,
        "6 requests per 2 s (chat-burst) are allowed, and used up; wait 2 s.",
        retry_after_s=2,
        violated_policies=["chat-burst"],
    ),
    ProblemError(
        P.TOO_MANY_AT_ONCE,
        "4 requests at the same time are allowed, and all are running.",
        retry_after_s=1,
        violated_policies=["chat-at-once"],
    ),
    ProblemError(P.TOO_MANY_STREAMS, "This proxy streams 100 answers at once; all are running.", retry_after_s=1),
    ProblemError(
        P.TOOL_UNKNOWN,
        "'weather' is none; the tools are search, analyst, sql, chart.",
        known=["search", "analyst", "sql", "chart"],
    ),
    ProblemError(
        P.COLUMN_UNKNOWN,
        "/columns/0: 'PRICE' is no column of the search service",
        errors=_UNKNOWN_COLUMN,
        known=_COLUMNS,
    ),
    ProblemError(P.SQL_REFUSED, "DELETE is not a query; send one SELECT."),
    ProblemError(P.SQL_FAILED, "The statement names a column that does not exist.", upstream_code="000904"),
    ProblemError(P.RESULT_NOT_FOUND, "No result of yours has this name; run the statement again."),
    ProblemError(P.CHART_INVALID, "The agent answered without a chart; say in other words what is to be shown."),
    ProblemError(P.REQUEST_DEADLINE, "A request to this tool may take 20 s; ask for less."),
    ProblemError(P.STORE_UNAVAILABLE, "The history cannot be reached at the moment; try again.", retry_after_s=1),
    ProblemError(P.UPSTREAM_UNREACHABLE, "The connection to Snowflake failed."),
    ProblemError(P.UPSTREAM_TIMEOUT, "Snowflake sent no answer in 120 s."),
    ProblemError(
        P.UPSTREAM_UNAUTHORIZED,
        "The proxy's credential is not accepted; check account, user and key.",
        upstream_code="390144",
    ),
    ProblemError(
        P.UPSTREAM_FORBIDDEN,
        "The role lacks a privilege, or a network policy forbids this address.",
        upstream_code="390189",
    ),
    ProblemError(P.UPSTREAM_NOT_FOUND, "The object or recorded answer does not exist or is not visible."),
    ProblemError(P.UPSTREAM_REJECTED, "Snowflake found the request invalid.", upstream_code="390142"),
    ProblemError(
        P.UPSTREAM_THROTTLED,
        "Too many requests to Snowflake; wait and try again.",
        retry_after_s=3,
        upstream_code="390505",
    ),
    ProblemError(P.UPSTREAM_UNAVAILABLE, "Snowflake is not available at the moment.", retry_after_s=5),
    ProblemError(
        P.UPSTREAM_SUSPENDED,
        "The agent has failed repeatedly; calls to it are suspended. Try again in 5 s.",
        retry_after_s=5,
    ),
    ProblemError(P.UPSTREAM_PROTOCOL, "Snowflake answered with text/html, not a stream."),
    ProblemError(P.UPSTREAM_ERROR, "Snowflake could not complete the answer; what came before stands."),
    ProblemError(P.UPSTREAM_TRUNCATED, "Snowflake closed the stream before its last event."),
    ProblemError(P.UPSTREAM_STALLED, "Snowflake went silent in mid-answer."),
    ProblemError(P.STREAM_DEADLINE, "A stream may take 960 s."),
    ProblemError(P.STREAM_TOO_LARGE, "A stream may carry 67108864 bytes."),
    ProblemError(P.DRAINING, "The proxy is shutting down; ask again, another one answers.", retry_after_s=1),
    ProblemError(P.INTERNAL, "An unexpected error was logged under the trace id."),
)
PROBLEMS: Mapping[ProblemType, dict[str, Any]] = {
    each.kind: each.problem(REQUEST_ID, TRACE_ID).model_dump(exclude_none=True) for each in _PROBLEMS
}
"""By type, as they travel."""
