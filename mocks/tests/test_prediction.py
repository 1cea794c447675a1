"""Predictions: what a client will see, told from the plan alone. That they come true is in `test_faulting.py`."""

from __future__ import annotations

from typing import Any

import pytest

from mocks.cassette import Frame
from mocks.faults import Plan
from mocks.grammar import Fault
from mocks.prediction import MAX_FRAMES, Effects, predict, schedule

END = b"event: response\ndata: {}\n\n"
STREAM = Plan(
    200,
    {"content-type": "text/event-stream"},
    (Frame(10, b"event: delta\ndata: 1\n\n"), Frame(20, END), Frame(30, b"event: done\ndata: [DONE]\n\n")),
)


def told(**parts: Any) -> Effects:
    """The effects of a fault of these parts."""
    return predict(STREAM, Fault.model_validate(parts))


@pytest.mark.parametrize(
    ("parts", "status", "terminal", "whole", "frames"),
    [
        pytest.param({"pace": 2}, 200, "done", True, 3, id="pace"),
        pytest.param({"drop": {"event": "done"}}, 200, "response", True, 2, id="no-done"),
        pytest.param({"cut": {"after": "delta"}}, 200, None, True, 1, id="cut"),
        pytest.param({"cut": {"after": "delta", "inside_bytes": 20}}, 200, None, False, 2, id="cut-inside-the-end"),
        pytest.param({"cut": {"after": "request"}}, None, None, True, 0, id="no-answer"),
        pytest.param({"respond": "unavailable"}, 503, None, True, 1, id="another-answer"),
        pytest.param({"fail": {"after": "delta"}}, 200, "done", True, 3, id="failed"),
    ],
)
def test_what_arrives_is_told(
    parts: dict[str, Any], status: int | None, terminal: str | None, whole: bool, frames: int
) -> None:
    """Status, the last event that ends a run, whether the last frame is whole, and how many there are."""
    effects = told(**parts)
    assert (effects.status, effects.terminal, effects.whole, effects.frames) == (status, terminal, whole, frames)
    assert effects.applies


def test_added_time_is_told() -> None:
    """How much later the end comes than recorded; a cut makes it earlier."""
    assert told(stall={"after": "delta", "ms": 500}).added_ms == 500
    assert told(delay={"headers_ms": 40, "first_frame_ms": 10}).first_ms == 60
    assert told(pace=3).added_ms == 60
    assert told(cut={"after": "delta"}).added_ms == -20


def test_a_fault_that_cannot_apply_is_told() -> None:
    """With the reason, and nothing else."""
    effects = told(cut={"after": "nope"})
    assert (effects.applies, effects.status, effects.frames) == (False, None, 0)
    assert effects.why is not None
    assert "'nope' occurs 0 times" in effects.why


def test_conditions_are_told_in_words() -> None:
    """Each that there is, also of faults in a list."""
    conditions = {"skip": 1, "times": 2, "probability": 0.3, "seed": 7, "quota": {"requests": 5, "window_s": 10}}
    assert told(in_order=[{"pace": 2, **conditions}]).depends == (
        "not on the first 1 requests of a test; on 2 requests of a test, later ones succeed; "
        "on 30% of requests, seed 7; beyond 5 requests in 10 s of one test"
    )
    assert told(pace=2).depends is None


def test_a_schedule_is_bounded() -> None:
    """Time, bytes and event of each frame, and of no more than can be looked at."""
    assert schedule(STREAM)[0] == (10, 22, "delta")
    assert len(schedule(Plan(200, {}, (Frame(0, b"x"),) * (MAX_FRAMES + 5)))) == MAX_FRAMES
