"""How a process stops: which phase when, what is refused, who is told, and what is written down at the end."""

from __future__ import annotations

import math
import threading
from contextlib import ExitStack

import pytest
from structlog.testing import capture_logs

from contracts.api import ProblemType
from proxy.lifecycle import (
    FLUSH_S,
    GOODBYE_S,
    HURRIED_FLUSH_S,
    HURRIED_GOODBYE_S,
    Lifecycle,
    Phase,
    Schedule,
    longest_stop_s,
)
from proxy.problems import ProblemError
from proxy.tests.upstream import DEADLINE_S


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    """A clock at 100 s."""
    return Clock()


@pytest.mark.parametrize(
    ("now_s", "busy", "idle"),
    [
        (0, Phase.NOTICED, Phase.NOTICED),
        (4.9, Phase.NOTICED, Phase.NOTICED),
        (5, Phase.DRAINING, Phase.STOPPED),
        (22.9, Phase.DRAINING, Phase.STOPPED),
        (23, Phase.ENDING, Phase.STOPPED),
        (24.9, Phase.ENDING, Phase.STOPPED),
        (25, Phase.STOPPED, Phase.STOPPED),
    ],
)
def test_phases_follow_the_schedule(now_s: float, busy: Phase, idle: Phase) -> None:
    """5 s of notice, 20 s for the streams, the last 2 s to say goodbye; nothing is waited for when nothing runs."""
    schedule = Schedule.drain(0, 20, 5)
    assert schedule.phase(now_s, is_busy=True) is busy
    assert schedule.phase(now_s, is_busy=False) is idle


@pytest.mark.parametrize(("drain_s", "leave_s"), [(0, GOODBYE_S), (1, GOODBYE_S), (2, 2), (30, 30)])
def test_streams_always_have_time_to_say_goodbye(drain_s: float, leave_s: float) -> None:
    """However short the drain, a told stream gets its last frames out."""
    schedule = Schedule.drain(0, drain_s, 0)
    assert (schedule.leave_s, schedule.leave_s - schedule.tell_s) == (leave_s, GOODBYE_S)
    assert longest_stop_s(drain_s, 7) == 7 + leave_s + FLUSH_S


def test_a_hurried_stop_fits_into_gunicorns_patience() -> None:
    """gunicorn kills a worker 2 s after asking it to be quick."""
    assert HURRIED_GOODBYE_S + HURRIED_FLUSH_S < 2


def test_a_process_serves_until_it_is_told(clock: Clock) -> None:
    """Nothing is due, nothing is refused."""
    lifecycle = Lifecycle(20, 5, clock)
    lifecycle.check()
    assert (lifecycle.phase, lifecycle.is_ready, lifecycle.advance()) == (Phase.SERVING, True, math.inf)


def test_a_stream_lives_through_a_stop(clock: Clock) -> None:
    """Noticed, it goes on; draining, it goes on alone; ending, it is told once; gone, the process may go."""
    lifecycle, told = Lifecycle(20, 5, clock), list[float]()
    end = lifecycle.register(lambda: told.append(clock.now_s))
    lifecycle.begin()

    assert (lifecycle.phase, lifecycle.is_ready, lifecycle.advance()) == (Phase.NOTICED, False, 5)
    with lifecycle.stream(lambda: None):
        assert lifecycle.streams == 2  # still served

    clock.now_s += 5
    assert (lifecycle.phase, lifecycle.advance(), told) == (Phase.DRAINING, 18, [])

    clock.now_s += 18
    assert (lifecycle.phase, lifecycle.advance(), lifecycle.advance(), told) == (Phase.ENDING, 2, 2, [123])

    end()
    assert (lifecycle.phase, lifecycle.advance(), told) == (Phase.STOPPED, None, [123])


@pytest.mark.parametrize("after_s", [5, 23, 30], ids=["draining", "ending", "after the end"])
def test_new_streams_are_refused_after_the_notice(clock: Clock, after_s: float) -> None:
    """The refusal invites to ask again, whether a route asks first or registers."""
    lifecycle = Lifecycle(20, 5, clock)
    lifecycle.register(lambda: None)
    lifecycle.begin()
    clock.now_s += after_s
    for ask in (lifecycle.check, lambda: lifecycle.register(lambda: None), lifecycle.stream(lambda: None).__enter__):
        with pytest.raises(ProblemError) as refused:
            ask()
        problem = refused.value.problem()
        assert (refused.value.kind, problem.status, problem.retryable) == (ProblemType.DRAINING, 503, True)
        assert refused.value.retry_after_s == 1
    assert lifecycle.streams == 1


@pytest.mark.parametrize(
    ("requests", "streams", "detail"),
    [
        (0, 0, "nothing runs"),
        (1, 0, "1 request runs"),
        (1, 1, "1 request runs, it streams"),
        (2, 0, "2 requests run, none of them streams"),
        (2, 1, "2 requests run, 1 of them streams"),
        (3, 2, "3 requests run, 2 of them stream"),
    ],
)
def test_the_log_tells_what_a_stop_finds_running(clock: Clock, requests: int, streams: int, detail: str) -> None:
    """Each phase is told once, the last one as the end."""
    lifecycle = Lifecycle(20, 5, clock)
    with ExitStack() as running, capture_logs() as logged:
        for _ in range(requests):
            running.enter_context(lifecycle.request())
        for _ in range(streams):
            running.enter_context(lifecycle.stream(lambda: None))
        lifecycle.begin()
        lifecycle.advance()
        lifecycle.advance()
        clock.now_s += 25
        assert lifecycle.advance() is None
    assert [(line["event"], line["reason"], line["detail"]) for line in logged] == [
        ("stopping", Phase.NOTICED, detail),
        ("stopped", Phase.STOPPED, detail),
    ]


def test_without_anything_running_it_is_over_at_once(clock: Clock) -> None:
    """An idle process without notice is gone at the first step."""
    lifecycle = Lifecycle(20, 0, clock)
    lifecycle.begin()
    assert (lifecycle.phase, lifecycle.advance()) == (Phase.STOPPED, None)


def test_short_requests_are_waited_for(clock: Clock) -> None:
    """A process does not go under a request, stream or not, while there is time."""
    lifecycle = Lifecycle(20, 0, clock)
    with lifecycle.request():
        lifecycle.begin()
        assert lifecycle.advance() == 18
        lifecycle.hurry()
        assert lifecycle.advance() == HURRIED_GOODBYE_S
    assert lifecycle.advance() is None


def test_what_does_not_end_is_left(clock: Clock) -> None:
    """A stream that ignores being told holds the process no longer than the drain."""
    lifecycle = Lifecycle(20, 0, clock)
    lifecycle.register(lambda: None)
    lifecycle.begin()
    clock.now_s += 20
    assert lifecycle.advance() is None


def test_a_second_signal_of_the_same_kind_changes_nothing(clock: Clock) -> None:
    """The time runs from the first one."""
    lifecycle = Lifecycle(20, 5, clock)
    lifecycle.begin()
    clock.now_s += 4
    lifecycle.begin()
    assert lifecycle.advance() == 1


@pytest.mark.parametrize("begun", [True, False], ids=["during the drain", "out of service"])
def test_a_hurry_tells_at_once(clock: Clock, begun: bool) -> None:
    """Streams are told now, and no notice is given; asking twice does not prolong it."""
    lifecycle, told = Lifecycle(20, 5, clock), list[str]()
    lifecycle.register(lambda: told.append("told"))
    if begun:
        lifecycle.begin()
    lifecycle.hurry()
    assert (lifecycle.advance(), told) == (HURRIED_GOODBYE_S, ["told"])
    clock.now_s += 0.75
    lifecycle.hurry()
    assert lifecycle.advance() == pytest.approx(HURRIED_GOODBYE_S - 0.75)


def test_a_hurry_never_prolongs_a_stop(clock: Clock) -> None:
    """What was nearly over stays so."""
    lifecycle = Lifecycle(2, 0, clock)
    lifecycle.register(lambda: None)
    lifecycle.begin()
    clock.now_s += 1.75
    lifecycle.hurry()
    assert lifecycle.advance() == pytest.approx(0.25)


def test_one_stream_that_cannot_be_told_does_not_silence_the_others(clock: Clock) -> None:
    """Every other stream is told."""

    def broken() -> None:
        raise RuntimeError("a defect")

    lifecycle, told = Lifecycle(0, 0, clock), list[str]()
    lifecycle.register(broken)
    lifecycle.register(lambda: told.append("told"))
    lifecycle.begin()
    lifecycle.advance()
    assert told == ["told"]


def test_a_stream_that_ends_while_it_is_told_is_gone(clock: Clock) -> None:
    """Telling holds no lock: the end of the stream may be its direct consequence."""
    lifecycle, ends = Lifecycle(0, 0, clock), ExitStack()
    ends.callback(lifecycle.register(ends.close))
    lifecycle.begin()
    lifecycle.advance()
    assert lifecycle.streams == 0


def test_many_streams_come_and_go_exactly() -> None:
    """Whatever threads do at once, a stream was either refused or counted, and all are gone at the end."""
    lifecycle, refused = Lifecycle(60, 0), list[ProblemError]()

    def work() -> None:
        for _ in range(200):
            try:
                with lifecycle.stream(lambda: None), lifecycle.request():
                    pass
            except ProblemError as error:
                refused.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    with lifecycle.stream(lambda: None):
        for thread in threads:
            thread.start()
        lifecycle.begin()
        for thread in threads:
            thread.join(DEADLINE_S)
        assert lifecycle.streams == 1
    assert lifecycle.advance() is None


def test_everything_is_flushed_whatever_the_others_do() -> None:
    """One that fails and one that hangs cost neither the third its turn nor the process its end."""
    lifecycle, flushed, never = Lifecycle(0, 0), list[float](), threading.Event()
    lifecycle.on_stop("broken", lambda _timeout_s: 1 / 0)
    lifecycle.on_stop("hanging", lambda _timeout_s: never.wait(DEADLINE_S))
    lifecycle.on_stop("telemetry", flushed.append)
    lifecycle.hurry()
    lifecycle.flush()
    assert flushed == [HURRIED_FLUSH_S]
    never.set()


def test_an_unhurried_flush_has_more_time() -> None:
    """Each is told how long it may take."""
    lifecycle, flushed = Lifecycle(0, 0), list[float]()
    lifecycle.on_stop("telemetry", flushed.append)
    lifecycle.begin()
    lifecycle.flush()
    assert flushed == [FLUSH_S]
