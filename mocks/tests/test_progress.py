"""What somebody who records gets to see."""

from __future__ import annotations

import io

from mocks.progress import Progress
from mocks.recording import Asking, Dropped, Finished, State

FINISHED = Finished(3, Asking("POST", "/api/v2/cortex/agent:run", {}, b"{}"), 200, {}, ((1200.0, b"x"), (2340.0, b"y")))
DROPPED = Dropped(4, "POST run", "the client left before the answer's end")


def progress(*, is_live: bool) -> Progress:
    """Progress 65 seconds after it began, on a stream in memory."""
    times = iter([0.0, 65.0])
    made = Progress(io.StringIO(), is_live, clock=lambda: next(times))
    made.state = State(interactions=12, new=2, replaced=57)
    return made


def test_without_a_terminal_there_is_a_line_for_each_exchange() -> None:
    """A log shows what was kept and what was not; nothing is written over."""
    plain = progress(is_live=False)
    plain.kept(FINISHED)
    plain.dropped(DROPPED)
    plain.refresh(1)
    assert isinstance(plain.stream, io.StringIO)
    assert plain.stream.getvalue().splitlines() == [
        "#3 POST run: 200, 2.3 s; 12 interactions, 57 values replaced",
        "not recorded: #4 POST run: the client left before the answer's end",
    ]


def test_on_a_terminal_one_line_stays_current() -> None:
    """It is written over; what was not recorded stays above it."""
    live = progress(is_live=True)
    live.kept(FINISHED)
    live.dropped(DROPPED)
    live.refresh(1)
    assert isinstance(live.stream, io.StringIO)
    assert live.stream.getvalue().split("\r\x1b[K") == [
        "",
        "not recorded: #4 POST run: the client left before the answer's end\n",
        "01:05 | 1 under way | 12 interactions, 57 values replaced | 1 not recorded",
    ]


def test_answers_from_the_cassette_are_counted() -> None:
    """Where the cassette answers, the line says how often."""
    live = progress(is_live=True)
    live.answered = 3
    assert live.line(0) == "01:05 | 0 under way | 12 interactions, 57 values replaced | 3 answered from the cassette"
