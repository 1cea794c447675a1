"""The relay: upstream bytes to the client, unchanged, as they arrive.

One thread a stream, the request's own: it waits until the upstream has something, or a heartbeat is due, then reads
and yields to the server. So an event passes no queue, and a client that does not read stops the reading.

What the proxy adds are frames of its own: `proxy.start`, heartbeat comments, `error` on failure, `proxy.end`. They
are only written between frames; where the upstream was cut inside one, that frame is ended with a blank line first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from contracts.api import EndReason, ProblemType, ProxyEnd, ProxyStart, StreamEvent, TokenUsage
from contracts.cortex import TERMINAL_EVENTS, ErrorBody, Event, FinalResponse, TokensConsumed
from contracts.telemetry import STALL_S
from proxy.calls import CallCancelledError
from proxy.cortex import Upstream
from proxy.problems import ProblemError
from proxy.sse import FrameTooLargeError, SseDecoder, SseEvent, frame

HEARTBEAT = b": heartbeat\n\n"
BURST_BYTES = 64 * 1024
"""What has arrived by the time something is sent goes along, up to about this much."""

MAX_REMEMBERED_BYTES = 256 * 1024
"""Text of a turn that is kept for its history while the whole answer has not arrived."""

AFTER_DONE_S = 1.0
"""How long a stream waits for the upstream to hang up once it has said that it is done."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one stream; seconds and bytes."""

    heartbeat_s: float
    idle_s: float
    deadline_s: float
    slow_client_s: float
    max_bytes: int


@dataclass(slots=True)
class Account:
    """What a stream has carried so far. Times are `time.monotonic()` seconds."""

    started_s: float
    events: int = 0
    upstream_bytes: int = 0
    first_event_s: float | None = None
    first_text_s: float | None = None
    tool_calls: int = 0
    terminals: set[str] = field(default_factory=set)
    text_deltas: list[bytes] = field(default_factory=list)
    remembered_bytes: int = 0
    final: FinalResponse | None = None
    error: ErrorBody = field(default_factory=ErrorBody)
    decoder: SseDecoder = field(default_factory=SseDecoder)

    def take(self, chunk: bytes, now_s: float) -> None:
        """Count the events that this chunk, which will be forwarded, completes.   Raises: FrameTooLargeError."""
        self.upstream_bytes += len(chunk)
        for event in self.decoder.feed(chunk):
            self.events += 1
            if self.first_event_s is None:
                self.first_event_s = now_s
            if event.name == Event.TEXT_DELTA:
                if self.first_text_s is None:
                    self.first_text_s = now_s
                self._remember(event.data)
            elif event.name == Event.TOOL_USE:
                self.tool_calls += 1
            elif event.name in TERMINAL_EVENTS:
                self._terminal(event)

    def _remember(self, delta: bytes) -> None:
        # Unparsed: only a turn that is cut needs them.
        self.remembered_bytes += len(delta)
        if self.remembered_bytes <= MAX_REMEMBERED_BYTES:
            self.text_deltas.append(delta)

    def _terminal(self, event: SseEvent) -> None:
        self.terminals.add(event.name)
        with suppress(ValueError):  # forwarded all the same; only our accounting goes without
            if event.name == Event.RESPONSE:
                self.final = FinalResponse.model_validate_json(event.data)
            elif event.name == Event.ERROR:
                self.error = ErrorBody.model_validate_json(event.data)

    def reason(self) -> EndReason:
        """Why a stream that ended cleanly ended."""
        status = self.final.status if self.final else "completed"
        if not self.terminals:
            return EndReason.UPSTREAM_TRUNCATED
        if Event.ERROR in self.terminals or status in ("error", "timed_out"):
            return EndReason.UPSTREAM_ERROR
        return EndReason.CANCELLED if status == "cancelled" else EndReason.COMPLETED

    def problem(self) -> ProblemError | None:
        """What a client is told beyond the upstream's own events; None when the turn went well."""
        reason = self.reason()
        if reason is EndReason.UPSTREAM_TRUNCATED:
            return ProblemError(ProblemType.UPSTREAM_TRUNCATED, "Snowflake closed the stream before its last event.")
        if reason is EndReason.UPSTREAM_ERROR:
            detail = "Snowflake could not complete the answer; what came before stands."
            return ProblemError(ProblemType.UPSTREAM_ERROR, detail, upstream_code=self.error.any_code)
        return None

    def spent(self) -> list[TokensConsumed]:
        """Tokens of the turn, model by model; none when the upstream reported none."""
        return self.final.metadata.usage.tokens_consumed if self.final else []

    def usage(self) -> TokenUsage | None:
        """Tokens of the turn over all models, when the upstream reported any."""
        spent = self.spent()
        if not spent:
            return None
        return TokenUsage(
            input_tokens=sum(each.input_tokens.total for each in spent),
            cached_tokens=sum(each.input_tokens.cache_read for each in spent),
            output_tokens=sum(each.output_tokens.total for each in spent),
        )


class Meter(Protocol):
    """Who measures a stream while it runs."""

    @property
    def silent_for(self) -> Callable[[float], None]:
        """Told, whenever something comes from upstream, how long nothing did; seconds."""

    def stalled(self) -> None:
        """Nothing has come for `STALL_S`; once for each such silence."""

    def text_began(self, arrived_s: float, taken_s: float) -> None:
        """The server has taken the first text; `time.monotonic()` of its arrival here, and of now."""


@dataclass(slots=True)
class _Silence:
    """Since when nothing has come, and when the next heartbeat is due; `time.monotonic()`.

    It begins when the server asks for more: while a client holds us up, nobody knows what Snowflake does.
    """

    since_s: float
    beat_s: float
    is_stall: bool = False


_PROBLEM_REASONS = {
    ProblemType.UPSTREAM_TRUNCATED: EndReason.UPSTREAM_TRUNCATED,
    ProblemType.UPSTREAM_STALLED: EndReason.UPSTREAM_STALLED,
    ProblemType.STREAM_DEADLINE: EndReason.DEADLINE,
    ProblemType.STREAM_TOO_LARGE: EndReason.TOO_LARGE,
    ProblemType.INTERNAL: EndReason.INTERNAL,
}

Tell = Callable[[], None]
OnEnd = Callable[[ProxyEnd, ProblemError | None, Account], Tell]
"""What a stream holds is let go of; what is left to be told of it afterwards, by a call of the result."""


class Relay:
    """One stream as a response iterable: iterate it, then `close` it (servers do, also when the client left).

    on_end: called exactly once, with the end frame's content, the problem if there was one, and the account, before
    the last frame leaves: whoever has read that frame may rely on it. Its result is called once the frame is out, so
    that nobody waits for what only we want to know; whoever has read the answer to its end may rely on that as well.

    A client that does not read blocks the server's send, not this code: the server's socket must have a timeout of
    `slow_client_s`. A stream that is closed after so long in the server's hands ends as `client_slow`.
    """

    def __init__(
        self,
        upstream: Upstream,
        start: ProxyStart,
        limits: Limits,
        on_end: OnEnd,
        *,
        started_s: float,
        meter: Meter,
    ) -> None:
        self._upstream, self._start, self._limits, self._on_end = upstream, start, limits, on_end
        self._meter, self._silent_for = meter, meter.silent_for
        self._account = Account(started_s)
        self._frames = self._stream()
        self._handed_over_s = time.monotonic()
        self._is_draining = False
        self._ended: ProxyEnd | None = None
        self._tell: Tell | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        handed_over = next(self._frames)
        self._handed_over_s = time.monotonic()
        return handed_over

    def drain(self) -> None:
        """End the stream soon, with an error that invites to try again; from any thread."""
        self._is_draining = True
        self._upstream.call.cancel()

    def close(self) -> None:
        """Cancel what is still running and account for the stream."""
        unread_s = time.monotonic() - self._handed_over_s
        self._frames.close()
        self._finish(EndReason.CLIENT_SLOW if unread_s >= self._limits.slow_client_s else EndReason.CLIENT_GONE, None)
        self._tell_once()

    def _stream(self) -> Generator[bytes, None, None]:
        yield frame(StreamEvent.START, self._start.model_dump_json(exclude_none=True))
        problem: ProblemError | None = None
        reason = EndReason.INTERNAL
        try:
            yield from self._forward()
            reason, problem = self._account.reason(), self._account.problem()
        except CallCancelledError:
            reason = EndReason.CLIENT_GONE
            if self._is_draining:
                detail = "The proxy is shutting down; ask again, another one answers."
                reason, problem = EndReason.DRAINING, ProblemError(ProblemType.DRAINING, detail, retry_after_s=1)
        except ProblemError as error:
            reason, problem = _PROBLEM_REASONS.get(error.kind, EndReason.INTERNAL), error
        except Exception:
            log.exception("a stream failed", turnId=self._start.turn_id, traceId=self._start.trace_id)
            problem = ProblemError(ProblemType.INTERNAL, "An unexpected error was logged under the trace id.")
        if not self._account.decoder.at_boundary:
            yield b"\n\n"
        if problem is not None:
            told = problem.problem(self._start.turn_id, self._start.trace_id)
            yield frame(StreamEvent.ERROR, told.model_dump_json(exclude_none=True))
        end = self._finish(reason, problem)
        try:
            yield frame(StreamEvent.END, end.model_dump_json(exclude_none=True))
        finally:
            self._tell_once()

    def _forward(self) -> Iterator[bytes]:
        """Upstream bytes as they arrive, with heartbeats in silences that fall between frames."""
        silence = self._silence()
        while True:
            is_done = Event.DONE in self._account.terminals
            if not self._upstream.wait(self._patience_s(silence, is_done=is_done)):
                if is_done:
                    return
                if self._is_beat_due(silence) and self._account.decoder.at_boundary:
                    yield HEARTBEAT
                continue
            try:
                chunk = self._upstream.read_burst(BURST_BYTES)
            except ProblemError:
                if self._account.terminals:
                    return  # after its last event Snowflake may drop the connection in any way it likes
                raise
            except CallCancelledError:
                if is_done and self._is_draining:
                    return  # the answer is whole; asking again would run it twice
                raise
            if not chunk:
                return
            yield from self._hand_over(chunk, silence)
            silence = self._silence()

    def _hand_over(self, chunk: bytes, silence: _Silence) -> Iterator[bytes]:
        """The chunk, which ends a silence; this goes on when the server has taken it."""
        account, now_s = self._account, time.monotonic()
        self._silent_for(now_s - silence.since_s)
        has_text = account.first_text_s is not None
        self._count(chunk, now_s)
        yield chunk
        if account.first_text_s is not None and not has_text:
            self._meter.text_began(account.first_text_s, time.monotonic())

    def _silence(self) -> _Silence:
        now_s = time.monotonic()
        return _Silence(now_s, now_s + self._limits.heartbeat_s)

    def _is_beat_due(self, silence: _Silence) -> bool:
        """Whether a heartbeat is due, which then is the last one for a while; a stall is told, once."""
        now_s = time.monotonic()
        if not silence.is_stall and not self._account.terminals and now_s - silence.since_s >= STALL_S:
            silence.is_stall = True
            self._meter.stalled()
        if now_s < silence.beat_s:
            return False
        silence.beat_s = now_s + self._limits.heartbeat_s
        return True

    def _patience_s(self, silence: _Silence, *, is_done: bool) -> float:
        """How long to wait now.   Raises: ProblemError when the stream, or the upstream's silence, lasts too long."""
        now_s, limits = time.monotonic(), self._limits
        left_s = self._account.started_s + limits.deadline_s - now_s
        silence_left_s = silence.since_s + limits.idle_s - now_s
        if left_s <= 0:
            raise ProblemError(ProblemType.STREAM_DEADLINE, f"A stream may take {limits.deadline_s:g} s.")
        if silence_left_s <= 0:
            raise ProblemError(ProblemType.UPSTREAM_STALLED, "Snowflake went silent in mid-answer.")
        wake_s = silence.beat_s
        if not silence.is_stall and not self._account.terminals:
            wake_s = min(wake_s, silence.since_s + STALL_S)
        return min(AFTER_DONE_S if is_done else max(wake_s - now_s, 0.0), left_s, silence_left_s)

    def _count(self, chunk: bytes, now_s: float) -> None:
        if self._account.upstream_bytes + len(chunk) > self._limits.max_bytes:
            raise ProblemError(ProblemType.STREAM_TOO_LARGE, f"A stream may carry {self._limits.max_bytes} bytes.")
        try:
            self._account.take(chunk, now_s)
        except FrameTooLargeError as error:
            raise ProblemError(ProblemType.STREAM_TOO_LARGE, str(error)) from error

    def _end(self, reason: EndReason) -> ProxyEnd:
        account = self._account
        first_ms = None if account.first_event_s is None else (account.first_event_s - account.started_s) * 1000
        return ProxyEnd(
            reason=reason,
            turn_id=self._start.turn_id,
            usage=account.usage(),
            events=account.events,
            upstream_bytes=account.upstream_bytes,
            first_event_ms=None if first_ms is None else round(first_ms, 1),
            duration_ms=round((time.monotonic() - account.started_s) * 1000, 1),
        )

    def _finish(self, reason: EndReason, problem: ProblemError | None) -> ProxyEnd:
        if self._ended is None:
            self._ended = self._end(reason)
            self._upstream.call.cancel()  # touches nothing when the answer was read to its end
            self._upstream.close()
            self._tell = self._on_end(self._ended, problem, self._account)
        return self._ended

    def _tell_once(self) -> None:
        tell, self._tell = self._tell, None
        if tell is not None:
            tell()
