"""An upstream's event stream as the answer to a request: what every stream holds, and lets go of at its end.

Everything that can fail before the first byte fails as an ordinary problem response: the stream's 200 is only sent
once Snowflake has answered with a stream of its own.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Response, g, request
from opentelemetry.trace import Status, StatusCode

from contracts import traces
from contracts.api import EndReason, ProxyEnd, ProxyStart
from contracts.telemetry import CLIENT_GONE_STATUS
from proxy.calls import Call, CallCancelledError
from proxy.cortex import Upstream
from proxy.lifecycle import Phase
from proxy.parts import Parts, parts
from proxy.policies import Policy
from proxy.prices import spent
from proxy.problems import ProblemError
from proxy.relay import Account, Limits, OnEnd, Relay, Tell
from proxy.telemetry import Stream, new_id, span_id_of
from proxy.tokens import Session
from proxy.watcher import client_socket

log = structlog.get_logger(__name__)

STREAM_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",  # nginx would otherwise hold the stream back
}

MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,79}")

Remember = Callable[[ProxyStart, ProxyEnd, Account], None]


@dataclass(frozen=True, slots=True)
class Turn:
    """A stream to be.

    is_agents: whether an agent answers, which uses tools and reports what it spent.
    ask: asks Snowflake; gives the thread, if there is one, and the stream.   remember: told once of the end, on the
    stream's own thread, so it must not take long.
    """

    session: Session
    policy: Policy
    is_agents: bool
    ask: Callable[[Call], tuple[int | None, Upstream]]
    remember: Remember = lambda _start, _end, _account: None


def respond(turn: Turn, held: ExitStack) -> Response:
    """The stream, or an answer that nobody reads when the client has left.   Raises: ProblemError.

    held: what the request holds so far. When a stream begins it holds this and more until its end, and the caller's
    stack is empty; otherwise the caller lets go.
    """
    wired, started_s = parts(), g.started_s
    call, client = Call(), client_socket(request.environ)
    ending = _Ending(call)
    held.enter_context(wired.lifecycle.stream(ending.drain))
    held.enter_context(wired.slots.taken())
    held.callback(wired.watcher.watch(client, call.cancel))
    try:
        thread_id, upstream = turn.ask(call)
    except CallCancelledError:
        if wired.lifecycle.phase in (Phase.ENDING, Phase.STOPPED):
            wired.lifecycle.check()
        return Response(status=CLIENT_GONE_STATUS)
    finally:
        g.retries = call.retries
    held.callback(upstream.close)  # for failures before the relay is made, which closes it itself
    start = ProxyStart(session_id=turn.session.session_id, turn_id=new_id(), trace_id=g.trace_id, thread_id=thread_id)
    if client is not None:
        client.settimeout(wired.settings.slow_client_s)  # or a send to a client that does not read blocks for ever
    response = Response(headers=STREAM_HEADERS)
    if upstream.request_id:
        response.headers["X-Upstream-Request-Id"] = upstream.request_id
    at_end: list[Callable[[], None]] = []
    with ExitStack() as on_failure:
        kept = on_failure.enter_context(held.pop_all())
        meter = wired.telemetry.stream_started(started_s, call.asked_s, g.context)
        on_end = _closing(turn, start, meter, _Held(kept, client, at_end))
        relay = Relay(upstream, start, _limits(wired, turn.policy), on_end, started_s=started_s, meter=meter)
        on_failure.pop_all()  # from here on the relay's end lets go
    ending.becomes(relay)
    response.response = relay
    g.at_end = at_end
    return response


def _limits(wired: Parts, policy: Policy) -> Limits:
    settings = wired.settings
    return Limits(
        settings.heartbeat_s,
        policy.idle_timeout_s,
        policy.deadline_s,
        settings.slow_client_s,
        settings.max_stream_bytes,
    )


class _Ending:
    """Ends a stream that is told to: with words once it runs, without as long as Snowflake has not answered."""

    def __init__(self, call: Call) -> None:
        self._call, self._lock = call, threading.Lock()
        self._relay: Relay | None = None
        self._is_told = False

    def becomes(self, relay: Relay) -> None:
        """The stream runs now."""
        with self._lock:
            self._relay = relay
            if self._is_told:
                relay.drain()

    def drain(self) -> None:
        """The stream is to end; from any thread."""
        with self._lock:
            self._is_told = True
            if self._relay is None:
                self._call.cancel()
            else:
                self._relay.drain()


@dataclass(frozen=True, slots=True)
class _Held:
    """What a stream has until its end.   at_end: accounts for the request."""

    kept: ExitStack
    client: Any
    at_end: list[Callable[[], None]]


def _closing(turn: Turn, start: ProxyStart, meter: Stream, held: _Held) -> OnEnd:
    """What happens once at the end of a stream, however it ends: remember, give back; then account, one log line."""
    span, client, agent = g.span, held.client, parts().settings.agent_name
    told = {"requestId": g.request_id, "route": g.route, "spanId": span_id_of(span)}

    def on_end(end: ProxyEnd, problem: ProblemError | None, account: Account) -> Tell:
        with held.kept:  # what it holds is let go of, whatever fails
            try:
                turn.remember(start, end, account)  # before the client learns that it may ask for it
            except Exception:
                log.exception("a turn was not remembered", turnId=start.turn_id, traceId=start.trace_id)
        if end.reason is EndReason.CLIENT_SLOW and client is not None:
            with suppress(OSError):  # it may have left by now
                client.shutdown(socket.SHUT_RDWR)  # or the server's main thread would wait for it once more
        return lambda: tell(end, problem, account)

    def tell(end: ProxyEnd, problem: ProblemError | None, account: Account) -> None:
        for account_for in held.at_end:  # the request, whose response has been accounted for by nobody yet
            account_for()
        meter.ended(end)
        if turn.is_agents:
            meter.agent_ended(account.tool_calls, spent(account.spent()))
        span.set_attributes(_of_stream(start, end, problem))
        if turn.is_agents:
            span.set_attributes(_of_agent(agent, start, account, meter.asked_s))
        if end.reason not in (EndReason.COMPLETED, EndReason.CANCELLED, EndReason.CLIENT_GONE):
            span.set_attribute(traces.ERROR_TYPE.name, end.reason.value)
            span.set_status(Status(StatusCode.ERROR, end.reason))
        span.end()
        log.info(
            "stream ended",
            **told,
            traceId=start.trace_id,
            sessionId=start.session_id,
            turnId=start.turn_id,
            reason=end.reason,
            problem=problem.kind if problem else None,
            upstreamCode=problem.upstream_code if problem else None,
            events=end.events,
            upstreamBytes=end.upstream_bytes,
            firstEventMs=end.first_event_ms,
            durationMs=end.duration_ms,
        )

    return on_end


Attributes = dict[str, str | int | float | bool]


def _of_stream(start: ProxyStart, end: ProxyEnd, problem: ProblemError | None) -> Attributes:
    """What a stream adds to the span of its request."""
    return _known(
        {
            traces.TURN_ID: start.turn_id,
            traces.SESSION_ID: start.session_id,
            traces.END_REASON: end.reason.value,
            traces.EVENTS: end.events,
            traces.UPSTREAM_BYTES: end.upstream_bytes,
            traces.PROBLEM: problem.kind.value if problem else None,
        }
    )


def _of_agent(agent: str | None, start: ProxyStart, account: Account, asked_s: float) -> Attributes:
    """What an agent's turn adds to the span of its request."""
    used, models = account.usage(), {each.model_name for each in account.spent()}
    model = models.pop() if len(models) == 1 else ""
    return _known(
        {
            traces.OPERATION: "invoke_agent",
            traces.PROVIDER_NAME: traces.PROVIDER,
            traces.AGENT_NAME: agent,
            traces.STREAMS: True,
            traces.CONVERSATION: None if start.thread_id is None else str(start.thread_id),
            traces.MODEL: model if MODEL_NAME.fullmatch(model) else None,
            traces.INPUT_TOKENS: used.input_tokens if used else None,
            traces.CACHED_TOKENS: used.cached_tokens if used else None,
            traces.OUTPUT_TOKENS: used.output_tokens if used else None,
            traces.FIRST_CHUNK: None if account.first_event_s is None else account.first_event_s - asked_s,
        }
    )


def _known(values: dict[traces.Attribute, str | int | float | None]) -> Attributes:
    return {attribute.name: value for attribute, value in values.items() if value is not None}
