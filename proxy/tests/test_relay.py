"""The relay: bytes unchanged, our frames only between theirs, and one account at the end, however it ends."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
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
from proxy.relay import HEARTBEAT, Account, Limits, Relay, Tell
from proxy.sse import SseDecoder, SseEvent
from proxy.tests.upstream import EVENTS, STREAM, until

START = ProxyStart(session_id="s", turn_id="t", trace_id="0" * 32, thread_id=7)
LIMITS = Limits(heartbeat_s=30, idle_s=30, deadline_s=60, slow_client_s=30, max_bytes=10_000_000)

Step = bytes | Exception


class Silence(threading.Event):
    """A step of a scripted upstream: nothing comes until it is set or the call is cancelled."""


class Scripted:
    """An upstream that reads what it was told to; after the last step it is at its end.

    waits: how often a wait ended without anything to read.
    """

    def __init__(self, *steps: Step | Silence) -> None:
        self._steps = list(steps)
        self.call = Call()
        self.closed = self.waits = 0
        self.on_wait: Callable[[], object] = lambda: None

    def wait(self, timeout_s: float) -> bool:
        if not self._steps or not isinstance(self._steps[0], Silence):
            return True
        silence, until_s = self._steps[0], time.monotonic() + timeout_s
        while time.monotonic() < until_s:
            if silence.is_set() or self.call.cancelled:
                del self._steps[0]
                return True
            time.sleep(0.001)
        self.waits += 1
        self.on_wait()
        return False

    def read_burst(self, _most_bytes: int) -> bytes:
        if self.call.cancelled:
            raise CallCancelledError
        step = self._steps.pop(0) if self._steps else b""
        assert not isinstance(step, Silence), "read without having waited"
        if isinstance(step, Exception):
            raise step
        return step

    def close(self) -> None:
        self.closed += 1


class Measured:
    """A meter that remembers what it was told."""

    def __init__(self) -> None:
        self.silences: list[float] = []
        self.stalls = 0
        self.first_texts: list[tuple[float, float]] = []
        self.silent_for = self.silences.append

    def stalled(self) -> None:
        """A stall."""
        self.stalls += 1

    def text_began(self, arrived_s: float, taken_s: float) -> None:
        """The first text is out."""
        self.first_texts.append((arrived_s, taken_s))


@dataclass
class Run:
    """A relay and what it reported."""

    upstream: Scripted
    limits: Limits = LIMITS
    ends: list[tuple[ProxyEnd, ProblemError | None]] = field(default_factory=list)
    told: list[ProxyEnd] = field(default_factory=list)
    meter: Measured = field(default_factory=Measured)

    def relay(self, started_s: float | None = None) -> Relay:
        started_s = time.monotonic() if started_s is None else started_s

        def on_end(end: ProxyEnd, problem: ProblemError | None, _account: Account) -> Tell:
            self.ends.append((end, problem))
            return lambda: self.told.append(end)

        upstream = cast(Upstream, self.upstream)
        return Relay(upstream, START, self.limits, on_end, started_s=started_s, meter=self.meter)

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


def test_silences_are_told_when_they_end() -> None:
    """Each piece ends a silence, the first one since the answer began; the end of the stream ends none."""
    silence = Silence()
    turn = run(EVENTS[0], silence, *EVENTS[1:], heartbeat_s=0.02)
    turn.upstream.on_wait = lambda: silence.set() if turn.upstream.waits == 3 else None
    turn.bytes()
    first, long, *others = turn.meter.silences
    assert (len(others), turn.meter.stalls) == (2, 0)
    assert 0.06 <= long < 5, "heartbeats do not end a silence"
    assert min(first, *others) >= 0


def test_a_client_that_holds_us_up_is_no_silence() -> None:
    """While the server cannot hand over a piece, nobody knows what Snowflake does."""
    turn = run(*EVENTS)
    relay = turn.relay()
    for _ in range(3):
        next(relay)
    held_up_s = time.monotonic()
    until(lambda: time.monotonic() - held_up_s > 0.3, "the client reads again")
    b"".join(relay)
    relay.close()
    assert max(turn.meter.silences) < 0.3


def test_a_stall_is_told_while_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each long silence counts once, as soon as it is long, and brings no heartbeat of its own."""
    monkeypatch.setattr(proxy.relay, "STALL_S", 0.02)
    first, second = Silence(), Silence()
    turn = run(EVENTS[0], first, EVENTS[1], second, *EVENTS[2:])

    def go_on() -> None:
        until(lambda: turn.meter.stalls == 1, "it is told")
        first.set()

    turn.upstream.on_wait = lambda: second.set() if turn.upstream.waits == 2 else None
    relay = turn.relay()
    got = [next(relay), next(relay)]
    asked_s = time.monotonic()
    threading.Thread(target=go_on).start()
    got.append(next(relay))
    assert 0.02 <= time.monotonic() - asked_s < 5
    rest = b"".join(relay)
    relay.close()
    assert HEARTBEAT not in b"".join(got) + rest
    assert turn.meter.stalls == 2


def test_heartbeats_keep_their_times_beside_stalls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait that a stall divides is as long as it would have been, up to the heartbeat."""
    monkeypatch.setattr(proxy.relay, "STALL_S", 0.3)
    turn = run(EVENTS[0], Silence(), heartbeat_s=0.5)
    relay = turn.relay()
    next(relay)
    next(relay)
    began_s = time.monotonic()
    assert next(relay) == HEARTBEAT
    took_s = time.monotonic() - began_s
    assert turn.meter.stalls == 1
    assert 0.5 <= took_s < 0.8, "not the stall's time and then the heartbeat's"
    assert next(relay) == HEARTBEAT
    assert turn.meter.stalls == 1
    relay.close()


@pytest.mark.parametrize("last", [final("completed"), DONE], ids=["response", "done"])
def test_after_the_last_event_nothing_is_awaited(monkeypatch: pytest.MonkeyPatch, last: bytes) -> None:
    """An upstream that has said everything and does not hang up does not stall."""
    monkeypatch.setattr(proxy.relay, "STALL_S", 0.01)
    monkeypatch.setattr(proxy.relay, "AFTER_DONE_S", 0.05)
    turn = run(TEXT, last, Silence(), idle_s=0.05)
    turn.bytes()
    assert turn.meter.stalls == 0


def test_the_first_text_counts_once_the_server_has_taken_it() -> None:
    """It arrives with its delta, and is out when the server asks for more; later texts are not told."""
    turn = run(*EVENTS[:2], TEXT, *EVENTS[2:])
    relay = turn.relay()
    got = [next(relay) for _ in range(3)]
    assert got[2] == TEXT
    assert turn.meter.first_texts == [], "the server has it, and may not have sent it"
    handed_over_s = time.monotonic()
    b"".join(relay)
    relay.close()
    ((arrived_s, taken_s),) = turn.meter.first_texts
    assert arrived_s <= handed_over_s <= taken_s


def test_a_client_that_leaves_before_the_text_got_none() -> None:
    """A first text that nobody took is no first token."""
    turn = run(TEXT, Silence())
    relay = turn.relay()
    next(relay)
    assert next(relay) == TEXT
    relay.close()
    assert turn.meter.first_texts == []


def test_tool_uses_are_counted() -> None:
    """Each use of a tool is one step of the agent's loop; its results and progress are none."""
    use, result = (b"event: response.%s\ndata: {}\n\n" % kind for kind in (b"tool_use", b"tool_result"))
    account = Account(0.0)
    account.take(use + result + use + result + STREAM, 1.0)
    assert account.tool_calls == 2


def test_no_heartbeat_inside_a_frame() -> None:
    """A silence inside a frame stays silent, however long it is."""
    silence = Silence()
    turn = run(EVENTS[0][:20], silence, EVENTS[0][20:] + STREAM, heartbeat_s=0.005)
    turn.upstream.on_wait = lambda: silence.set() if turn.upstream.waits == 5 else None
    assert between(turn.bytes()) == EVENTS[0] + STREAM
    assert turn.upstream.waits == 5, "there was time for heartbeats"


def test_silence_past_the_idle_timeout() -> None:
    """An upstream that is silent for too long is given up, though heartbeats went out meanwhile."""
    turn = run(EVENTS[0], Silence(), heartbeat_s=0.01, idle_s=0.05)
    stream = turn.bytes()
    assert HEARTBEAT in stream
    assert [event.name for event in events(stream)][-2:] == ["error", "proxy.end"]
    assert (turn.reason, turn.upstream.call.cancelled) == (EndReason.UPSTREAM_STALLED, True)


def test_each_piece_starts_the_silence_anew() -> None:
    """Many short silences may be longer together than the longest single one."""
    silences = [Silence() for _ in range(8)]
    pieces = [step for silence in silences for step in (silence, EVENTS[0])]
    turn = run(*pieces, STREAM, heartbeat_s=0.01, idle_s=0.5)

    def end_every_tenth_wait() -> None:
        if turn.upstream.waits % 10 == 0:
            silences.pop(0).set()

    turn.upstream.on_wait = end_every_tenth_wait
    started_s = time.monotonic()
    assert between(turn.bytes()).replace(HEARTBEAT, b"") == EVENTS[0] * 8 + STREAM
    assert time.monotonic() - started_s > 0.5, "it was silent for longer altogether"


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


@pytest.mark.parametrize("is_read", [True, False], ids=["read to its end", "closed with its last frame"])
def test_a_stream_is_told_once_its_last_frame_is_out(is_read: bool) -> None:
    """What only we want to know holds no client up, and is told exactly once."""
    turn = run(STREAM)
    relay = turn.relay()
    while b"proxy.end" not in next(relay):
        pass
    assert (len(turn.ends), turn.told) == (1, [])
    if is_read:
        assert list(relay) == []
        assert len(turn.told) == 1
    relay.close()
    relay.close()
    assert turn.told == [turn.ends[0][0]]


def test_a_stream_that_is_closed_early_is_told_at_once() -> None:
    """There is no last frame to wait for."""
    turn = run(EVENTS[0], Silence())
    relay = turn.relay()
    next(relay)
    relay.close()
    assert [end.reason for end in turn.told] == [EndReason.CLIENT_GONE]


@pytest.mark.parametrize("is_waiting", [True, False], ids=["while it waits", "before it waits"])
def test_draining(is_waiting: bool) -> None:
    """A stream that is told to end says that asking again is worth it, and what had arrived stays."""
    turn = run(TEXT, Silence())
    relay = turn.relay()
    stream = next(relay) + next(relay)
    if is_waiting:
        threading.Timer(0.01, relay.drain).start()
    else:
        relay.drain()
    stream += b"".join(relay)
    relay.close()
    *_, error, end = events(stream)
    problem = json.loads(error.data)
    assert problem["type"].endswith("/draining")
    assert (problem["retryable"], problem["retryAfterS"]) == (True, 1)
    assert (json.loads(end.data)["reason"], turn.reason) == (EndReason.DRAINING, EndReason.DRAINING)


def test_draining_after_the_last_event() -> None:
    """An answer that is whole is not to be asked for again, though its upstream has not hung up."""
    turn = run(STREAM, Silence())
    relay = turn.relay()
    stream = next(relay) + next(relay)
    threading.Timer(0.01, relay.drain).start()
    stream += b"".join(relay)
    relay.close()
    assert (turn.reason, b"event: error" in stream) == (EndReason.COMPLETED, False)


def test_draining_after_the_end() -> None:
    """A stream that is over stays as it ended."""
    turn = run(STREAM)
    relay = turn.relay()
    stream = b"".join(relay)
    relay.drain()
    relay.close()
    assert (turn.reason, last(stream)["reason"]) == (EndReason.COMPLETED, "completed")


def test_what_is_remembered_of_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The account keeps the data of text deltas, in order, up to its bound."""
    monkeypatch.setattr(proxy.relay, "MAX_REMEMBERED_BYTES", 40)
    account = Account(0.0)
    for number in range(5):
        account.take(b'event: response.text.delta\ndata: {"text":"%d"}\n\n' % number, 0.0)
    assert account.text_deltas == [b'{"text":"%d"}' % number for number in range(3)]
