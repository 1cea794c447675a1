"""One moment by several clocks: which of them is wrong, and by how much they may differ.

An answer's first text passes a mock, a proxy and a page, and each of them tells when. What they tell is held against
the one thing that nobody measured: the times that stand in the cassette.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mocks.cassette import Frame


@dataclass(frozen=True, slots=True)
class Reading:
    """What a clock says of the moment, in seconds since its own start.

    clock: whose it is, with its verb, as `the proxy's span says`.   late: how much later than the clock before it, as
    a share of the moment.   early_s: how much earlier than that.
    """

    clock: str
    seconds: float
    late: float = 0.0
    early_s: float = 0.0

    def __str__(self) -> str:
        return f"{self.clock} {self.seconds:.3f} s"


class TooSoonError(Exception):
    """A moment that comes so early that a clock which is wrong by half would pass."""


def disagreements(readings: Sequence[Reading]) -> list[str]:
    """Every clock that is wrong, in words; none when all agree.

    readings: in the order in which the moment passes them; the first one is right. Each is held against the nearest
    one before it that is right, so a wrong clock accuses none of those behind it.   Raises: TooSoonError.
    """
    right, *others = readings
    due_s = right.seconds
    _must_be_late_enough(right, others)
    late_s = early_s = 0.0
    wrong = []
    for each in others:
        late_s, early_s = late_s + each.late * due_s, early_s + each.early_s
        if -early_s <= each.seconds - right.seconds <= late_s:
            right, late_s, early_s = each, 0.0, 0.0
        else:
            wrong.append(f"{each}, but {right}: it may say {late_s:.3f} s more and {early_s:.3f} s less")
    return wrong


def assert_agreeing(moments: Sequence[Sequence[Reading]]) -> None:
    """The clocks of each moment agree.   Raises: AssertionError naming those that are wrong, and what each said."""
    lines = [line for readings in moments for line in _quarrel(readings)]
    assert not lines, "\n".join(["The clocks disagree about when an answer began:", *lines])


def _quarrel(readings: Sequence[Reading]) -> list[str]:
    wrong = disagreements(readings)
    return (
        [*wrong, "  what each says, in the order of the way:", *(f"    {each}" for each in readings)] if wrong else []
    )


def _must_be_late_enough(first: Reading, others: Sequence[Reading]) -> None:
    # A clock that is itself late, or early, by what it may be, must stand out when it is wrong by half.
    soonest_s = max(3 * each.early_s / (1 - 2 * each.late) for each in others)
    if first.seconds <= soonest_s:
        raise TooSoonError(f"{first}; before {soonest_s:.3f} s nobody can tell a clock that is wrong by half")


def scheduled_s(frames: Sequence[Frame], event: str, pace: float) -> float:
    """When the first frame of an event is due, in seconds from the request on.   pace: factor on the recorded times."""
    return next(frame for frame in frames if frame.event == event).due_ms(pace) / 1000


def left_s(timeline: Sequence[Sequence[object]], event: str) -> float:
    """When the mock let the first frame of an event go, in seconds from the request on.

    timeline: of a journal's entry, `[planned_ms, actual_ms, bytes, event name]`.
    """
    actual_ms = next(line[1] for line in timeline if line[3] == event)
    assert isinstance(actual_ms, int | float), f"the first {event} has not left yet"
    return actual_ms / 1000
