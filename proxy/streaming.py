"""An upstream's event stream as the answer to a request: what every stream holds, and lets go of at its end.

Everything that can fail before the first byte fails as an ordinary problem response: the stream's 200 is only sent
once Snowflake has answered with a stream of its own.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Response, g, request
from opentelemetry.trace import Status, StatusCode

from contracts.api import EndReason, ProxyEnd, ProxyStart
from proxy.calls import Call, CallCancelledError
from proxy.cortex import Upstream
from proxy.lifecycle import Phase
from proxy.parts import Parts, parts
from proxy.policies import Policy
from proxy.problems import ProblemError
from proxy.relay import Account, Limits, OnEnd, Relay
from proxy.telemetry import new_id
from proxy.tokens import Session
from proxy.watcher import client_socket

log = structlog.get_logger(__name__)

CLIENT_CLOSED_REQUEST = 499
"""Nobody reads this answer; the number is what nginx made customary in logs."""

STREAM_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",  # nginx would otherwise hold the stream back
}

Remember = Callable[[ProxyStart, ProxyEnd, Account], None]


@dataclass(frozen=True, slots=True)
class Turn:
    """A stream to be.

    ask: asks Snowflake; gives the thread, if there is one, and the stream.   remember: told once of the end, on the
    stream's own thread, so it must not take long.
    """

    session: Session
    policy: Policy
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
        return Response(status=CLIENT_CLOSED_REQUEST)
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
        on_end = _closing(wired, turn, start, held=kept, client=client, at_end=at_end)
        wired.telemetry.stream_started()
        relay = Relay(upstream, start, _limits(wired, turn.policy), on_end, started_s=started_s)
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


def _closing(
    wired: Parts, turn: Turn, start: ProxyStart, *, held: ExitStack, client: Any, at_end: list[Callable[[], None]]
) -> OnEnd:
    """What happens once at the end of a stream, however it ends: account, remember, give back, one log line."""
    span, context = g.span, g.context
    told = {"requestId": g.request_id, "route": g.route}

    def on_end(end: ProxyEnd, problem: ProblemError | None, account: Account) -> None:
        with held:  # what it holds is let go of, whatever fails
            try:
                turn.remember(start, end, account)  # before the client learns that it may ask for it
            except Exception:
                log.exception("a turn was not remembered", turnId=start.turn_id, traceId=start.trace_id)
        for account_for in at_end:  # the request, whose response has been accounted for by nobody yet
            account_for()
        if end.reason is EndReason.CLIENT_SLOW and client is not None:
            with suppress(OSError):  # it may have left by now
                client.shutdown(socket.SHUT_RDWR)  # or the server's main thread would wait for it once more
        wired.telemetry.stream_ended(end, context)
        span.set_attribute("cortex.stream.end_reason", end.reason)
        span.set_attribute("cortex.stream.events", end.events)
        if end.reason not in (EndReason.COMPLETED, EndReason.CANCELLED, EndReason.CLIENT_GONE):
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
