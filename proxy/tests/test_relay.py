"""The relay: bytes unchanged, our frames only between theirs, and one account at the end, however it ends."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import proxy.relay
from contracts.api import EndReason, ProblemType, ProxyEnd, ProxyStart, TokenUsage
from proxy.calls import Call, CallCancelledError
from proxy.cortex import Upstream
from proxy.problems import ProblemError
from proxy.relay import HEARTBEAT, Limits, Mailbox, OnEnd, Relay
from proxy.sse import SseDecoder, SseEvent
from proxy.tests.upstream import DEADLINE_S, EVENTS, STREAM, until

START = ProxyStart(session_id="s", turn_id="t", trace_id="0" * 32, thread_id=7)
LIMITS = Limits(heartbeat_s=30, deadline_s=60, slow_client_s=30, max_bytes=10_000_000)

Step = bytes | Exception


class Silence(threading.Event):
    """A step of a scripted upstream: nothing comes until it is set or the call is cancelled."""


class Scripted:
    """An upstream that reads what it was told to; after the last step it is at its end."""

    def __init__(self, *steps: Step | Silence) -> None:
        self._steps = iter(steps)
        self.call = Call()
        self.closed = 0

    def read(self) -> bytes:
        step = next(self._steps, b"")
        if isinstance(step, Silence):
            until(lambda: step.is_set() or self.call.cancelled, "the silence ends")
            return self.read()
        if self.call.cancelled:
            raise CallCancelledError
        if isinstance(step, Exception):
            raise step
        return step

    def close(self) -> None:
        self.closed += 1


@dataclass
class Run:
    """A relay and what it reported."""

    upstream: Scripted
    limits: Limits = LIMITS
    ends: list[tuple[ProxyEnd, ProblemError | None]] = field(default_factory=list)

    def relay(self, started_s: float | None = None) -> Relay:
        started_s = time.monotonic() if started_s is None else started_s
        on_end: OnEnd = lambda end, problem, _account: self.ends.append((end, problem))  # noqa: E731
        return Relay(cast(Upstream, self.upstream), START, self.limits, on_end, started_s=started_s)

    def bytes(self) -> bytes:
        """The whole stream as the client gets it."""
        relay = self.relay()
        whole = b"".join(relay)
        relay.close()
        return whole

    @property
    def reason(self) -> EndReason:
        """Why it ended; there was one end."""
        ((end, _),) = self.ends
        return end.reason


def run(*steps: Step | Silence, **limits: float) -> Run:
    """A run over these steps."""
    return Run(Scripted(*steps), Limits(**{**{name: getattr(LIMITS, name) for name in Limits.__slots__}, **limits}))


def events(stream: bytes) -> list[SseEvent]:
    """The events of a stream."""
    return SseDecoder().feed(stream)


def between(stream: bytes) -> bytes:
    """What stands between our first and our last frame."""
    start = stream.index(b"\n\n") + 2
    return stream[start : stream.rindex(b"event: proxy.end")]


def last(stream: bytes) -> dict[str, Any]:
    """Data of `proxy.end`, which must be the last event."""
    event = events(stream)[-1]
    assert event.name == "proxy.end"
    return cast(dict[str, Any], json.loads(event.data))


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    """Every reader thread has ended when its test has."""
    yield
    until(lambda: all(each.name != "relay-reader" for each in threading.enumerate()), "reader threads have ended")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(min_value=1, max_value=len(STREAM) - 1)))
def test_bytes_pass_unchanged_in_any_pieces(cuts: list[int]) -> None:
    """Whatever the pieces, the client gets the upstream's bytes between our first and our last frame."""
    places = [0, *sorted(set(cuts)), len(STREAM)]
    pieces = [STREAM[start:end] for start, end in pairwise(places)]
    assert between(run(*pieces).bytes()) == STREAM


def test_a_whole_turn() -> None:
    """`proxy.start` names the ids, `proxy.end` the account; there is one report, and the upstream is closed."""
    turn = run(*EVENTS)
    stream = turn.bytes()
    first = events(stream)[0]
    assert (first.name, json.loads(first.data)) == (
        "proxy.start",
        {"sessionId": "s", "turnId": "t", "traceId": "0" * 32, "threadId": 7},
    )
    ((end, problem),) = turn.ends
    assert (end.reason, problem, end.events, end.upstream_bytes) == (EndReason.COMPLETED, None, 4, len(STREAM))
    assert end.usage == TokenUsage(input_tokens=7, cached_tokens=2, output_tokens=5)
    assert end.first_event_ms is not None
    assert 0 <= end.first_event_ms <= end.duration_ms
    assert last(stream)["usage"] == {"inputTokens": 7, "cachedTokens": 2, "outputTokens": 5}
    assert turn.upstream.closed


ERROR = b'event: error\ndata: {"code":"399504","message":"x"}\n\n'
DONE = EVENTS[-1]
TEXT = EVENTS[1]


def final(status: str) -> bytes:
    """A final event with this status."""
    return b'event: response\ndata: {"status":"%s"}\n\n' % status.encode()


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        pytest.param([TEXT, final("completed"), DONE], EndReason.COMPLETED, id="response, done"),
        pytest.param([TEXT, final("completed")], EndReason.COMPLETED, id="missing done"),
        pytest.param([TEXT, DONE], EndReason.COMPLETED, id="legacy, done alone"),
        pytest.param([final("cancelled"), DONE], EndReason.CANCELLED, id="cancelled run"),
        pytest.param([final("timed_out"), DONE], EndReason.UPSTREAM_ERROR, id="timed out run"),
        pytest.param([final("news"), DONE], EndReason.COMPLETED, id="unknown status"),
        pytest.param([TEXT, ERROR, DONE], EndReason.UPSTREAM_ERROR, id="error, done"),
        pytest.param([TEXT, ERROR], EndReason.UPSTREAM_ERROR, id="error alone"),
        pytest.param([ERROR, final("completed"), DONE], EndReason.UPSTREAM_ERROR, id="error, response"),
        pytest.param([b"event: response\ndata: [1]\n\n", DONE], EndReason.COMPLETED, id="response of another shape"),
        pytest.param([b"event: response\ndata: \xff\n\n", DONE], EndReason.COMPLETED, id="response that is no text"),
        pytest.param([b"event: novelty\ndata: 1\n\n", DONE], EndReason.COMPLETED, id="unknown event"),
    ],
)
def test_how_an_upstream_ends(frames: list[bytes], reason: EndReason) -> None:
    """The upstream's own last events decide; all of them pass, and only a failure adds an event before our last."""
    turn = run(*frames)
    upstream, mark, _ = between(turn.bytes()).partition(b'event: error\ndata: {"type":')
    assert upstream == b"".join(frames)
    assert bool(mark) is (reason is EndReason.UPSTREAM_ERROR)
    assert turn.reason is reason


def test_snowflakes_own_error_is_followed_by_a_problem() -> None:
    """A client finds one shape for every failure: after the upstream's error event comes a problem with its code."""
    *_, upstream_error, done, problem, end = events(run(TEXT, ERROR, DONE).bytes())
    assert (upstream_error.name, done.name, problem.name, end.name) == ("error", "done", "error", "proxy.end")
    told = json.loads(problem.data)
    assert told["type"].endswith("/upstream-error")
    assert (told["upstreamCode"], told["traceId"]) == ("399504", "0" * 32)


def test_a_cut_at_every_byte_is_told_in_frames_of_its_own() -> None:
    """Wherever an upstream is cut before its last event, the error and the end are whole events after it."""
    stream = EVENTS[0] + EVENTS[1]
    for place in range(len(stream)):
        turn = run(stream[:place])
        whole = turn.bytes()
        assert between(whole).startswith(stream[:place])
        *_, error, end = events(whole)
        problem = json.loads(error.data)
        assert (error.name, end.name) == ("error", "proxy.end")
        assert problem["type"].endswith("/upstream-truncated")
        assert (problem["instance"], problem["traceId"], problem["retryable"]) == ("t", "0" * 32, True)
        assert turn.reason is EndReason.UPSTREAM_TRUNCATED


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (ProblemError(ProblemType.UPSTREAM_TRUNCATED, "x"), EndReason.UPSTREAM_TRUNCATED),
        (ProblemError(ProblemType.UPSTREAM_STALLED, "x"), EndReason.UPSTREAM_STALLED),
        (RuntimeError("canary"), EndReason.INTERNAL),
    ],
    ids=["truncated", "stalled", "defect"],
)
def test_a_failing_upstream(failure: Exception, reason: EndReason) -> None:
    """What was read before a failure is forwarded, then the failure is told; a defect without its words."""
    turn = run(TEXT, failure)
    stream = turn.bytes()
    assert [event.name for event in events(stream)] == ["proxy.start", "response.text.delta", "error", "proxy.end"]
    assert (turn.reason, last(stream)["reason"]) == (reason, reason)
    assert b"canary" not in stream


@pytest.mark.parametrize("kind", [ProblemType.UPSTREAM_TRUNCATED, ProblemType.UPSTREAM_STALLED])
def test_a_failure_after_the_last_event_is_none(kind: ProblemType) -> None:
    """Snowflake may drop the connection uncleanly once it has said everything."""
    turn = run(TEXT, final("completed"), ProblemError(kind, "x"))
    assert b"event: error" not in turn.bytes()
    assert turn.reason is EndReason.COMPLETED


def test_an_upstream_that_is_done_but_does_not_hang_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """After `done` the stream ends soon, not at the idle timeout, and the upstream is let go."""
    monkeypatch.setattr(proxy.relay, "AFTER_DONE_S", 0.05)
    turn = run(STREAM, Silence())
    assert between(turn.bytes()) == STREAM
    assert (turn.reason, turn.upstream.call.cancelled) == (EndReason.COMPLETED, True)


def test_heartbeats_fill_silences_between_frames() -> None:
    """In a silence at a boundary comments arrive; they are frames of their own."""
    silence = Silence()
    turn = run(EVENTS[0], silence, STREAM, heartbeat_s=0.01)
    relay = turn.relay()
    got = [next(relay), next(relay)]
    got += [next(relay) for _ in range(3)]
    assert got[2:] == [HEARTBEAT] * 3
    silence.set()
    rest = b"".join(relay)
    assert between(b"".join(got) + rest).replace(HEARTBEAT, b"") == EVENTS[0] + STREAM
    relay.close()


def test_no_heartbeat_inside_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """A silence inside a frame stays silent, however long it is."""
    silence, ticks = Silence(), []
    turn = run(EVENTS[0][:20], silence, EVENTS[0][20:] + STREAM, heartbeat_s=0.005)
    relay = turn.relay()
    take = relay._mailbox.take

    def counted(timeout_s: float) -> bytes | None:
        chunk = take(timeout_s)
        ticks.append(chunk)
        if ticks.count(None) == 5:
            silence.set()
        return chunk

    monkeypatch.setattr(relay._mailbox, "take", counted)
    stream = b"".join(relay)
    relay.close()
    assert ticks.count(None) >= 5, "there was time for heartbeats"
    assert between(stream) == EVENTS[0] + STREAM


def test_the_deadline_ends_a_stream() -> None:
    """A turn that takes too long ends with an error, also in a frame's midst, and its upstream is cancelled."""
    turn = run(EVENTS[0] + b"data: ha", Silence(), deadline_s=0.05)
    stream = turn.bytes()
    assert [event.name for event in events(stream)][-2:] == ["error", "proxy.end"]
    assert (turn.reason, turn.upstream.call.cancelled) == (EndReason.DEADLINE, True)


def test_too_many_bytes_end_a_stream() -> None:
    """The piece that passes the limit is not forwarded, and the error does not glue to what was."""
    silence = Silence()
    turn = run(EVENTS[0] + b"data: begun ", silence, b"and ended\n\n" + b": x\n\n" * 50, max_bytes=100)
    relay = turn.relay()
    stream = next(relay) + next(relay)
    silence.set()
    stream += b"".join(relay)
    relay.close()
    assert between(stream).startswith(EVENTS[0] + b"data: begun \n\nevent: error")
    assert [event.name for event in events(stream)][-2:] == ["error", "proxy.end"]
    assert last(stream)["upstreamBytes"] <= 100
    assert turn.reason is EndReason.TOO_LARGE


def test_a_frame_without_end_ends_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """A single frame past the decoder's limit is told as too large."""
    turn = run(b"data: " + b"x" * 500)
    relay = turn.relay()
    relay._account.decoder = SseDecoder(max_frame_bytes=100)
    stream = b"".join(relay)
    relay.close()
    assert events(stream)[-2].name == "error"
    assert turn.reason is EndReason.TOO_LARGE


def test_a_client_that_leaves_while_we_wait() -> None:
    """Cancelling the call, as the watcher does, ends the wait at once."""
    turn = run(Silence())
    relay = turn.relay()
    next(relay)
    threading.Timer(0.01, turn.upstream.call.cancel).start()
    rest = b"".join(relay)
    relay.close()
    assert [event.name for event in events(rest)] == ["proxy.end"]
    assert turn.reason is EndReason.CLIENT_GONE


@pytest.mark.parametrize("frames_taken", [0, 1, 2], ids=["not iterated", "after proxy.start", "in mid-stream"])
def test_closing_early(frames_taken: int) -> None:
    """A relay that is closed at any point cancels its upstream and reports once, however often it is closed."""
    turn = run(EVENTS[0], Silence())
    relay = turn.relay()
    for _ in range(frames_taken):
        next(relay)
    relay.close()
    relay.close()
    assert (turn.reason, turn.upstream.call.cancelled) == (EndReason.CLIENT_GONE, True)
    assert turn.upstream.closed
    assert list(relay) == []


def test_a_client_that_did_not_read_is_told_apart() -> None:
    """A frame that was in the server's hands for too long was not read."""
    turn = run(EVENTS[0], Silence(), slow_client_s=0.01)
    relay = turn.relay()
    next(relay)
    handed_over_s = time.monotonic()
    until(lambda: time.monotonic() - handed_over_s > 0.02, "time passes")
    relay.close()
    assert turn.reason is EndReason.CLIENT_SLOW


def test_the_account_is_closed_before_the_last_frame() -> None:
    """Whoever has read `proxy.end` may rely on the slot being free."""
    turn = run(STREAM)
    relay = turn.relay()
    for frame in relay:
        if b"proxy.end" in frame:
            break
        assert turn.ends == []
    assert turn.reason is EndReason.COMPLETED
    relay.close()
    assert len(turn.ends) == 1


def test_a_burst_is_joined_and_its_memory_bounded() -> None:
    """The mailbox hands out everything at once and lets nobody put more than its limit."""
    mailbox = Mailbox(limit_bytes=10)
    mailbox.put(b"12345")
    mailbox.put(b"67890")
    put = threading.Thread(target=mailbox.put, args=(b"x",), daemon=True)
    put.start()
    until(lambda: cast(Any, mailbox._changed)._waiters, "the third put waits")
    assert mailbox.take(1) == b"1234567890"
    put.join(DEADLINE_S)
    assert (mailbox.take(1), mailbox.take(0)) == (b"x", None)


def test_closing_the_mailbox_wakes_both_sides() -> None:
    """A blocked put gives up, what was in the box is still handed out, then it is at its end."""
    mailbox = Mailbox(limit_bytes=1)
    mailbox.put(b"a")
    put = threading.Thread(target=mailbox.put, args=(b"b",), daemon=True)
    put.start()
    until(lambda: cast(Any, mailbox._changed)._waiters, "the second put waits")
    failure = RuntimeError()
    mailbox.close(failure)
    mailbox.close(None)
    put.join(DEADLINE_S)
    assert not put.is_alive()
    assert (mailbox.take(1), mailbox.take(1), mailbox.failure) == (b"a", b"", failure)
