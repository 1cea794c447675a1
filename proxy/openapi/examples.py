"""One example at least of every request, answer, stream and problem; a test holds each against its schema.

Names and figures are those of the rehearsal data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from contracts.api import (
    AnalystAnswer,
    ChartAnswer,
    FieldError,
    Health,
    HistoryPage,
    MetricsReceipt,
    ProblemType,
    SearchAnswer,
    SessionToken,
    SqlAnswer,
    Status,
)
from contracts.api import ProblemType as P
from proxy import VERSION
from proxy.problems import ProblemError
from proxy.sse import frame

Examples = Mapping[str, Any]
"""Values by what they show."""

SESSION_ID = "6b0f1f0e6a144a559d0e3a7a2f1d5c77"
TURN_ID = "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
REQUEST_ID = "2f1d5c776b0f4f0e9d0e3a7a6a144a55"
SNOWFLAKE_ID = "9f3f6c5e-1a86-4b7c-9f2c-0f4f6b0a7d10"
HANDLE = "c2VhbGVkLWhhbmRsZS1vZi1hLXN0YXRlbWVudA"
QUESTION = "Net sales by region"
ANSWER = "EMEA leads with 1,250.50, APAC follows with 980.00."
STATEMENT = "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = ? GROUP BY region"
USAGE = {"inputTokens": 5100, "cachedTokens": 1200, "outputTokens": 420}
CHART = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
    "mark": "bar",
    "encoding": {
        "x": {"field": "REGION", "type": "nominal"},
        "y": {"field": "NET_SALES", "type": "quantitative"},
    },
    "data": {"values": [{"REGION": "EMEA", "NET_SALES": 1250.5}, {"REGION": "APAC", "NET_SALES": 980}]},
}

REQUESTS: Mapping[str, Examples] = {
    "issueToken": {"A session of anybody": {}, "A session of a user whom a backend names": {"subject": "user-4711"}},
    "chat": {
        "A question of its own": {"sessionId": SESSION_ID, "message": QUESTION},
        "The first turn of a thread": {"sessionId": SESSION_ID, "message": QUESTION, "parentMessageId": 0},
        "A follow-up": {
            "sessionId": SESSION_ID,
            "message": "How did EMEA develop month by month?",
            "threadId": 77,
            "parentMessageId": 502,
        },
        "What a client-side tool answers": {
            "sessionId": SESSION_ID,
            "threadId": 77,
            "parentMessageId": 502,
            "message": {
                "toolResult": {
                    "toolUseId": "toolu_client01",
                    "type": "generic",
                    "name": "current_page",
                    "content": [{"type": "json", "json": {"path": "/sales/emea"}}],
                }
            },
        },
    },
    "search": {
        "Words alone": {"query": "refund deadline"},
        "Some columns, filtered": {
            "query": "refund deadline",
            "columns": ["TITLE", "BODY"],
            "filter": {"@and": [{"@eq": {"REGION": "EMEA"}}, {"@gte": {"VALID_FROM": "2025-01-01"}}]},
            "limit": 3,
        },
    },
    "analyst": {
        "A question": {"messages": [{"role": "user", "text": QUESTION}]},
        "A conversation, streamed": {
            "messages": [
                {"role": "user", "text": QUESTION},
                {"role": "analyst", "text": "This is how I read the question: net sales per region for 2025."},
                {"role": "user", "text": "and for 2024?"},
            ],
            "stream": True,
        },
    },
    "sql": {"A statement with a binding": {"statement": STATEMENT, "bindings": [2025], "maxRows": 100}},
    "chart": {
        "Rows": {
            "intent": "net sales by region, as bars",
            "rows": [{"REGION": "EMEA", "NET_SALES": 1250.5}, {"REGION": "APAC", "NET_SALES": 980}],
        },
        "The result of a statement": {"intent": "net sales by region, as bars", "statementHandle": HANDLE},
    },
    "reportMetrics": {
        "A finished stream": {
            "metrics": [
                {"name": "time_to_first_token_s", "value": 0.84},
                {"name": "stream_outcome", "label": "completed"},
            ]
        }
    },
}
"""By operation."""

ANSWERS: Mapping[type, Examples] = {
    SessionToken: {
        "A token": {
            "token": "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl",
            "tokenType": "Bearer",
            "sessionId": SESSION_ID,
            "expiresAt": "2026-03-02T09:05:00Z",
            "expiresInS": 300,
            "sessionExpiresAt": "2026-03-02T17:00:00Z",
        }
    },
    SearchAnswer: {
        "One document": {
            "results": [
                {
                    "columns": {"TITLE": "Refund policy", "BODY": "Refunds are possible within 30 days."},
                    "scores": {"cosine_similarity": 0.61, "reranker_score": 2.4},
                }
            ],
            "requestId": SNOWFLAKE_ID,
        },
        "Nothing": {"results": [], "requestId": SNOWFLAKE_ID},
    },
    AnalystAnswer: {
        "A statement": {
            "text": "This is how I read the question: net sales per region for 2025.",
            "sql": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region",
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
    },
    SqlAnswer: {
        "Two rows": {
            "columns": [
                {"name": "REGION", "type": "text", "nullable": True, "precision": None, "scale": None},
                {"name": "NET_SALES", "type": "fixed", "nullable": False, "precision": 18, "scale": 2},
            ],
            "rows": [["EMEA", "1250.50"], ["APAC", "980.00"]],
            "rowCount": 2,
            "truncated": False,
            "statementHandle": HANDLE,
            "requestId": SNOWFLAKE_ID,
        }
    },
    ChartAnswer: {"Bars": {"chart": CHART, "text": "Net sales by region.", "requestId": SNOWFLAKE_ID}},
    HistoryPage: {
        "One turn": {
            "sessionId": SESSION_ID,
            "turns": [
                {
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
                }
            ],
            "nextCursor": None,
        }
    },
    MetricsReceipt: {"All taken in": {"accepted": 2, "dropped": 0}},
    Health: {"Well": {"status": "ok", "checks": {}}},
    Status: {
        "A rehearsal": {
            "version": VERSION,
            "mode": "rehearsal",
            "environment": "development",
            "sessionIssue": "open",
            "agent": "/api/v2/databases/CORTEX_BENCH_DB/schemas/SALES/agents/SALES_AGENT:run",
            "draining": False,
            "store": "sqlite",
            "breakers": {"agent": "closed", "analyst": "closed", "search": "half-open", "sql": "closed"},
            "limits": {"processes": 1, "streams": 100, "requestTimeoutS": 10.0},
            "endpoints": {
                "chat": {
                    "requests": 30,
                    "windowS": 60,
                    "burst": 6,
                    "burstS": 2,
                    "atOnce": 4,
                    "bodyBytes": 262144,
                    "deadlineS": 960.0,
                }
            },
        }
    },
}
"""By the model that is answered; with every field, since answers have them all."""

NOT_READY: Examples = {
    "The store is gone": {"status": "failing", "checks": {"config": "ok", "store": "cannot be used"}}
}


_START = {"sessionId": SESSION_ID, "turnId": TURN_ID, "traceId": TRACE_ID, "threadId": 77}
_FINAL = {
    "role": "assistant",
    "content": [{"type": "text", "text": ANSWER}],
    "metadata": {
        "thread_id": 77,
        "user_message_id": 501,
        "assistant_message_id": 502,
        "usage": {
            "tokens_consumed": [
                {
                    "model_name": "claude-sonnet-4-6",
                    "input_tokens": {"total": 5100, "cache_read": 1200, "cache_write": 0, "uncached": 3900},
                    "output_tokens": {"total": 420},
                }
            ]
        },
    },
    "status": "completed",
}
_CUT = ProblemError(P.UPSTREAM_TRUNCATED, "Snowflake closed the stream before its last event.").problem(
    TURN_ID, TRACE_ID
)


def _transcript(
    *upstream: tuple[str, Any], start: dict[str, Any], reason: str = "completed", told: str = "", **end: Any
) -> str:
    """A stream as it travels; the proxy's last frame counts Snowflake's.   told: frames of the proxy's own between."""
    carried = b"".join(frame(name, data if isinstance(data, str) else json.dumps(data)) for name, data in upstream)
    ended = {
        "reason": reason,
        "turnId": TURN_ID,
        "events": len(upstream),
        "upstreamBytes": len(carried),
        "firstEventMs": 240.1,
        "durationMs": 4006.0,
        **end,
    }
    opening, closing = frame("proxy.start", json.dumps(start)), frame("proxy.end", json.dumps(ended))
    return (opening + carried).decode() + told + closing.decode()


STREAMS: Mapping[str, Mapping[str, str]] = {
    "ChatEvent": {
        "A whole turn": _transcript(
            ("response.status", {"status": "planning", "message": "Planning the next steps", "sequence_number": 1}),
            ("response.text.delta", {"content_index": 0, "text": "EMEA leads with 1,250.50", "sequence_number": 2}),
            ("response.text.delta", {"content_index": 0, "text": ", APAC follows with 980.00.", "sequence_number": 3}),
            ("response", _FINAL),
            ("done", "[DONE]"),
            start=_START,
            usage=USAGE,
        ),
        "A turn that was cut": _transcript(
            ("response.text.delta", {"content_index": 0, "text": "EMEA leads with", "sequence_number": 1}),
            start=_START,
            reason="upstream_truncated",
            told=frame("error", _CUT.model_dump_json(exclude_none=True)).decode(),
        ),
    },
    "AnalystEvent": {
        "A statement": _transcript(
            ("status", {"status": "interpreting_question", "status_message": "Interpreting question"}),
            ("message.content.delta", {"index": 0, "type": "text", "text_delta": "Net sales per region for 2025."}),
            ("message.content.delta", {"index": 1, "type": "sql", "statement_delta": "SELECT region FROM orders"}),
            ("done", {}),
            start={key: value for key, value in _START.items() if key != "threadId"},
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
