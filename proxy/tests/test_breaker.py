"""The breaker: what opens it, what it tells, and how it closes again."""

from __future__ import annotations

import threading

import pytest

from contracts.api import ProblemType
from proxy.breaker import MIN_FAILURES, OPEN_S, WINDOW_S, Breaker, State
from proxy.problems import ProblemError
from proxy.tests.test_backoff import Clock


class Watched:
    """A breaker with a clock of its own and a list of its changes."""

    def __init__(self) -> None:
        self.clock, self.changes = Clock(), list[tuple[str, State]]()
        self.breaker = Breaker("agent", lambda surface, state: self.changes.append((surface, state)), self.clock)

    def fail(self, times: int = MIN_FAILURES) -> None:
        """That many calls fail."""
        for _ in range(times):
            self.breaker.failed(self.breaker.admit())

    def succeed(self, times: int = 1) -> None:
        """That many calls succeed."""
        for _ in range(times):
            self.breaker.succeeded(self.breaker.admit())

    def refusal(self) -> ProblemError:
        """Why a call is not let through."""
        with pytest.raises(ProblemError) as problem:
            self.breaker.admit()
        return problem.value


def test_failures_open_it() -> None:
    """After enough failures nothing is let through, and callers hear when to come back."""
    watched = Watched()
    watched.fail(MIN_FAILURES - 1)
    assert watched.breaker.state is State.CLOSED
    watched.fail(1)
    refusal = watched.refusal()
    assert (watched.breaker.state, refusal.kind) == (State.OPEN, ProblemType.UPSTREAM_SUSPENDED)
    assert refusal.retry_after_s == OPEN_S
    assert watched.changes == [("agent", State.OPEN)]


def test_waiting_as_told_gets_a_probe_through() -> None:
    """Whoever waits the named seconds is the probe."""
    watched = Watched()
    watched.fail()
    watched.clock.now_s += 1.5
    wait_s = watched.refusal().retry_after_s
    assert wait_s is not None
    watched.clock.now_s += wait_s
    assert watched.breaker.state is State.HALF_OPEN
    watched.breaker.admit()


def test_mostly_successes_keep_it_closed() -> None:
    """Failures that are a small part of the traffic are hiccups."""
    watched = Watched()
    for _ in range(50):
        watched.succeed(2)
        watched.fail(1)
    assert watched.breaker.state is State.CLOSED


def test_old_failures_do_not_count() -> None:
    """Failures spread over a long time never add up."""
    watched = Watched()
    for _ in range(5 * MIN_FAILURES):
        watched.fail(1)
        watched.clock.now_s += WINDOW_S / (MIN_FAILURES - 2)
    assert watched.breaker.state is State.CLOSED


def test_calls_that_tell_nothing_do_not_count() -> None:
    """Being throttled or cancelled is no failure, however often."""
    watched = Watched()
    for _ in range(100):
        watched.breaker.unknown(watched.breaker.admit())
    assert watched.breaker.state is State.CLOSED


def test_one_probe_at_a_time() -> None:
    """Half-open, of many callers exactly one is let through."""
    watched = Watched()
    watched.fail()
    watched.clock.now_s += OPEN_S
    admitted: list[object] = []
    refused: list[ProblemError] = []
    ready = threading.Barrier(16)

    def ask() -> None:
        ready.wait()
        try:
            admitted.append(watched.breaker.admit())
        except ProblemError as problem:
            refused.append(problem)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(admitted), len(refused)) == (1, 15)


def test_a_probe_that_succeeds_closes_it() -> None:
    """One good answer and everything is let through, the old failures forgotten."""
    watched = Watched()
    watched.fail()
    watched.clock.now_s += OPEN_S
    watched.succeed()
    assert watched.breaker.state is State.CLOSED
    watched.fail(MIN_FAILURES - 1)
    assert watched.breaker.state is State.CLOSED
    assert [state for _, state in watched.changes] == [State.OPEN, State.HALF_OPEN, State.CLOSED]


def test_a_probe_that_fails_opens_it_again() -> None:
    """The pause starts anew."""
    watched = Watched()
    watched.fail()
    watched.clock.now_s += OPEN_S
    watched.breaker.failed(watched.breaker.admit())
    assert watched.refusal().retry_after_s == OPEN_S


def test_a_probe_that_tells_nothing_makes_room() -> None:
    """A probe whose client left is followed by another."""
    watched = Watched()
    watched.fail()
    watched.clock.now_s += OPEN_S
    watched.breaker.unknown(watched.breaker.admit())
    watched.succeed()
    assert watched.breaker.state is State.CLOSED


def test_late_results_of_earlier_calls() -> None:
    """Calls let through before it opened neither close it nor lengthen the pause."""
    watched = Watched()
    early = [watched.breaker.admit() for _ in range(3)]
    watched.fail()
    watched.clock.now_s += 2
    watched.breaker.succeeded(early[0])
    watched.breaker.failed(early[1])
    watched.breaker.unknown(early[2])
    assert watched.refusal().retry_after_s == OPEN_S - 2
