"""The tool `analyst`: Cortex Analyst on the configured semantic view, whole or as its own events."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from contracts.api import AnalystAnswer, AnalystRequest
from contracts.cortex import ANALYST_PATH, Wire
from contracts.telemetry import Surface
from proxy.cortex import Ask, Upstream
from proxy.tools.errand import Errand, post, read


class VerifiedQuery(Wire):
    """A query that somebody has verified for this question."""

    name: str | None = None


class Confidence(Wire):
    """Why a statement may be trusted."""

    verified_query_used: VerifiedQuery | None = None


class AnalystItem(Wire):
    """One block of the answer; which field it carries follows from its type."""

    type: str
    text: str | None = None
    statement: str | None = None
    confidence: Confidence | None = None
    suggestions: list[str] | None = None


class AnalystTurn(Wire):
    """The answering message."""

    content: list[AnalystItem] = Field(min_length=1)


class AnalystWarning(Wire):
    """Something that the semantic view lacks."""

    message: str | None = None


class AnalystReply(Wire):
    """Snowflake's answer when it does not stream."""

    message: AnalystTurn
    warnings: list[AnalystWarning] | None = None
    request_id: str | None = Field(default=None, max_length=128)


def run(asked: AnalystRequest, errand: Errand) -> AnalystAnswer:
    """The whole answer.   Raises: ProblemError, CallCancelledError."""
    reply = errand.cortex.ask(_wanted(asked, errand), errand.trace, errand.call)
    return answer(read(AnalystReply, reply.document), reply.request_id)


def open_stream(asked: AnalystRequest, errand: Errand) -> Upstream:
    """The answer as the stream of its events.   Raises: ProblemError, CallCancelledError."""
    return errand.cortex.stream(_wanted(asked, errand), errand.trace, errand.call)


def _wanted(asked: AnalystRequest, errand: Errand) -> Ask:
    return post(errand, Surface.ANALYST, ANALYST_PATH, message_body(asked, errand.settings.semantic_view))


def message_body(asked: AnalystRequest, semantic_view: str) -> dict[str, Any]:
    """Snowflake's request body. The browser chooses neither the semantic model nor a warehouse."""
    messages = [{"role": turn.role, "content": [{"type": "text", "text": turn.text}]} for turn in asked.messages]
    return {"messages": messages, "semantic_view": semantic_view, "stream": asked.stream}


def answer(found: AnalystReply, request_id: str | None) -> AnalystAnswer:
    """The answer for the client; blocks of other types than are documented are passed over."""
    blocks = found.message.content
    sql = next((block for block in blocks if block.type == "sql" and block.statement), None)
    verified = sql.confidence.verified_query_used if sql and sql.confidence else None
    return AnalystAnswer(
        text="\n\n".join(block.text for block in blocks if block.type == "text" and block.text),
        sql=sql.statement if sql else None,
        suggestions=[
            each for block in blocks if block.type.startswith("suggestion") for each in block.suggestions or []
        ],
        verified_query=verified.name if verified else None,
        warnings=[warning.message for warning in found.warnings or [] if warning.message],
        request_id=found.request_id or request_id,
    )
