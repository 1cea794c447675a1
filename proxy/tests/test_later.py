"""Calls that are put off are all made, in order, whoever asks and whatever fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from proxy import later
from proxy.later import Later


@pytest.fixture
def started() -> Iterator[Later]:
    """One that makes calls later."""
    subject = Later()
    subject.start()
    yield subject
    subject.stop()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Later]:
    """One whose thread makes nothing by itself while a test runs."""
    monkeypatch.setattr(later, "INTERVAL_S", 60.0)
    subject = Later()
    subject.start()
    yield subject
    subject.stop()


def wait_for(count: int, made: list[int]) -> None:
    """Until so many were made, for five seconds."""
    deadline_s = time.monotonic() + 5
    while len(made) < count and time.monotonic() < deadline_s:
        time.sleep(0.005)


def test_before_the_start_and_after_the_end_calls_are_made_at_once() -> None:
    """Nothing is lost in a process that is not serving yet, or no more."""
    subject, made = Later(), list[int]()
    subject.call(made.append, 1)
    assert made == [1]
    subject.start()
    subject.call(made.append, 2)
    subject.stop()
    assert made == [1, 2]
    subject.call(made.append, 3)
    subject.stop()
    assert made == [1, 2, 3]


def test_calls_are_made_in_order_by_a_thread_of_their_own(started: Later) -> None:
    """More than one slice of them."""
    made: list[int] = []
    threads: set[str] = set()

    def make(number: int) -> None:
        made.append(number)
        threads.add(threading.current_thread().name)

    for number in range(5 * later.AT_ONCE + 1):
        started.call(make, number)
    wait_for(5 * later.AT_ONCE + 1, made)
    assert made == list(range(5 * later.AT_ONCE + 1))
    assert threads == {"later"}


def test_a_call_is_not_waited_for(slow: Later) -> None:
    """It is only noted."""
    made: list[int] = []
    slow.call(made.append, 1)
    assert made == []
    slow.settle()
    assert made == [1]


def test_what_waits_is_bounded(slow: Later, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller that finds too much makes it all."""
    monkeypatch.setattr(later, "MOST_WAITING", 10)
    made: list[int] = []
    for number in range(10):
        slow.call(made.append, number)
    assert made == []
    slow.call(made.append, 10)
    assert made == list(range(11))


def test_nothing_is_lost_or_made_twice_when_many_call_and_settle(started: Later) -> None:
    """Settling beside the thread that makes the calls."""
    made: list[int] = []
    numbers = range(2_000)

    def call(first: int) -> None:
        for number in numbers[first::4]:
            started.call(made.append, number)
            if not number % 50:
                started.settle()

    threads = [threading.Thread(target=call, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    started.settle()
    assert sorted(made) == list(numbers)


def test_a_call_that_fails_is_told_once_and_the_others_are_made(slow: Later) -> None:
    """A line about each one would be put off itself, and fail again."""
    made: list[int] = []

    def fail() -> None:
        raise ValueError("x")

    with capture_logs() as lines:
        for number in range(3):
            slow.call(fail)
            slow.call(made.append, number)
        slow.settle()
    assert made == [0, 1, 2]
    assert [line["event"] for line in lines] == ["telemetry could not be told"]


def test_a_call_may_put_off_another(slow: Later) -> None:
    """It is made when everything is settled next."""
    made: list[int] = []
    slow.call(lambda: slow.call(made.append, 1))
    slow.settle()
    assert made == []
    slow.settle()
    assert made == [1]
