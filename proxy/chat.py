"""`POST /chat`: one turn of a Cortex Agent, streamed, and kept in the session's history."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import structlog
from flask import Blueprint, Response, g

from contracts.api import ChatRequest, ProblemType, ProxyEnd, ProxyStart
from proxy.admission import admitted
from proxy.body import read_json
from proxy.calls import Call
from proxy.cortex import Upstream
from proxy.history import stored_turn
from proxy.parts import Parts, parts
from proxy.problems import ProblemError
from proxy.relay import Account
from proxy.streaming import Remember, Turn, respond
from proxy.tokens import Session

blueprint = Blueprint("chat", __name__)
log = structlog.get_logger(__name__)


@blueprint.post("/chat")
def chat() -> Response:
    """Start a turn and stream it."""
    wired = parts()
    with ExitStack() as held:
        session = held.enter_context(admitted("chat"))
        asked = read_json(ChatRequest)
        if asked.session_id != session.session_id:
            raise ProblemError(ProblemType.SESSION_MISMATCH, "sessionId is not the one this token was issued for.")
        trace = wired.telemetry.tracing.headers(g.context)
        turn = Turn(
            session,
            wired.settings.policies.chat,
            is_agents=True,
            ask=lambda call: _ask(wired, asked, trace, call),
            remember=_remember(wired, session, asked),
        )
        return respond(turn, held)


def _ask(wired: Parts, asked: ChatRequest, trace: dict[str, str], call: Call) -> tuple[int | None, Upstream]:
    """The thread and the upstream's stream.   Raises: ProblemError, CallCancelledError."""
    thread_id = asked.thread_id
    if thread_id is None and asked.parent_message_id == 0:
        thread_id = wired.cortex.create_thread(trace, call)
    return thread_id, wired.cortex.start_run(run_body(asked, thread_id), trace, call)


def _remember(wired: Parts, session: Session, asked: ChatRequest) -> Remember:
    """Puts the turn where it will be written from, off the stream's path."""
    started_at = datetime.now(UTC)
    question = asked.message if isinstance(asked.message, str) else None

    def remember(start: ProxyStart, end: ProxyEnd, account: Account) -> None:
        turn = stored_turn(
            question=question,
            started_at=started_at,
            start=start,
            end=end,
            final=account.final,
            text_deltas=account.text_deltas,
        )
        wired.history.write(session.subject, session.session_id, turn)
        if wired.settings.log_content:
            log.info("turn", turnId=start.turn_id, question=question, answer=turn.answer)

    return remember


def run_body(asked: ChatRequest, thread_id: int | None) -> dict[str, Any]:
    """Snowflake's request body for a turn. The browser chooses neither model, role, warehouse nor tools' resources."""
    if isinstance(asked.message, str):
        content: dict[str, Any] = {"type": "text", "text": asked.message}
    else:
        result = asked.message.tool_result.model_dump(by_alias=False, exclude_none=True)
        result["content"] = [
            {("json" if key == "json_" else key): value for key, value in item.items()} for item in result["content"]
        ]
        content = {"type": "tool_result", "tool_result": result}
    body: dict[str, Any] = {"messages": [{"role": "user", "content": [content]}]}
    if thread_id is not None:
        body |= {"thread_id": thread_id, "parent_message_id": asked.parent_message_id}
    if asked.tool_choice is not None:
        body["tool_choice"] = asked.tool_choice.model_dump(exclude_none=True)
    return body
