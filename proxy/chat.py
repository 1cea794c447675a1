"""`POST /chat`: one turn of a Cortex Agent, streamed.

Everything that can fail before the first byte fails as an ordinary problem response: the stream's 200 is only sent
once Snowflake has answered with a stream of its own.
"""

from __future__ import annotations

import socket
import time
import uuid
from contextlib import ExitStack, suppress
from typing import Any

import structlog
from flask import Blueprint, Response, g, request
from opentelemetry.trace import Span, Status, StatusCode

from contracts.api import ChatRequest, EndReason, ProblemType, ProxyEnd, ProxyStart
from proxy.body import read_json
from proxy.calls import Call, CallCancelledError
from proxy.cortex import Upstream
from proxy.parts import Parts, parts
from proxy.problems import ProblemError
from proxy.relay import Account, OnEnd, Relay
from proxy.watcher import client_socket

blueprint = Blueprint("chat", __name__)
log = structlog.get_logger(__name__)

CLIENT_CLOSED_REQUEST = 499
"""Nobody reads this answer; the number is what nginx made customary in logs."""

STREAM_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",  # nginx would otherwise hold the stream back
}


@blueprint.post("/chat")
def chat() -> Response:
    """Start a turn and stream it."""
    started_s = time.monotonic()
    wired = parts()
    session = wired.tokens.authenticate(request.headers.get("Authorization"))
    asked = read_json(ChatRequest)
    if asked.session_id != session.session_id:
        raise ProblemError(ProblemType.SESSION_MISMATCH, "sessionId is not the one this token was issued for.")
    turn_id = uuid.uuid4().hex
    with ExitStack() as on_failure:
        held = on_failure.enter_context(ExitStack())  # what the stream holds until its end
        wired.slots.take()
        held.callback(wired.slots.give_back)
        call, client = Call(), client_socket(request.environ)
        held.callback(wired.watcher.watch(client, call.cancel))
        try:
            thread_id, upstream = _open(wired, asked, call)
        except CallCancelledError:
            return Response(status=CLIENT_CLOSED_REQUEST)
        held.callback(upstream.close)
        start = ProxyStart(session_id=session.session_id, turn_id=turn_id, trace_id=g.trace_id, thread_id=thread_id)
        if client is not None:
            client.settimeout(wired.limits.slow_client_s)  # or a send to a client that does not read blocks for ever
        response = Response(headers=STREAM_HEADERS)
        if upstream.request_id:
            response.headers["X-Upstream-Request-Id"] = upstream.request_id
        on_end = _closing(held, client, g.span, g.request_id, start)
        response.response = Relay(upstream, start, wired.limits, on_end, started_s=started_s)
        on_failure.pop_all()  # from here on the relay's end lets go
    g.streaming = True
    return response


def _open(wired: Parts, asked: ChatRequest, call: Call) -> tuple[int | None, Upstream]:
    """The thread and the upstream's stream.   Raises: ProblemError, CallCancelledError."""
    trace = wired.tracing.headers(g.context)
    thread_id = asked.thread_id
    if thread_id is None and asked.parent_message_id == 0:
        thread_id = wired.cortex.create_thread(trace, call)
    return thread_id, wired.cortex.start_run(run_body(asked, thread_id), trace, call)


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


def _closing(held: ExitStack, client: Any, span: Span, request_id: str, start: ProxyStart) -> OnEnd:
    """What happens once at the end of a stream, however it ends: give back, account, one log line."""

    def on_end(end: ProxyEnd, problem: ProblemError | None, _account: Account) -> None:
        held.close()
        if end.reason is EndReason.CLIENT_SLOW and client is not None:
            with suppress(OSError):  # it may have left by now
                client.shutdown(socket.SHUT_RDWR)  # or the server's main thread would wait for it once more
        span.set_attribute("cortex.stream.end_reason", end.reason)
        span.set_attribute("cortex.stream.events", end.events)
        if end.reason not in (EndReason.COMPLETED, EndReason.CANCELLED, EndReason.CLIENT_GONE):
            span.set_status(Status(StatusCode.ERROR, end.reason))
        span.end()
        log.info(
            "stream ended",
            requestId=request_id,
            traceId=start.trace_id,
            sessionId=start.session_id,
            turnId=start.turn_id,
            reason=end.reason,
            problem=problem.kind if problem else None,
            events=end.events,
            upstreamBytes=end.upstream_bytes,
            firstEventMs=end.first_event_ms,
            durationMs=end.duration_ms,
        )

    return on_end
