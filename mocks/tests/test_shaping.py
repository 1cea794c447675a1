"""What is assumed of all streams, put in behind the faults."""

from __future__ import annotations

import pytest

from mocks.assumptions import Assumptions
from mocks.cassette import Frame
from mocks.faults import Plan
from mocks.shaping import COMMENT, MAX_COMMENTS, assumed
from mocks.tests.running import KeyPair, running

A, ERROR, DONE = b"event: a\ndata: {}\n\n", b"event: error\ndata: {}\n\n", b"event: done\ndata: [DONE]\n\n"


def stream(*frames: Frame) -> Plan:
    """An event stream."""
    return Plan(200, {"content-type": "text/event-stream"}, frames)


def schedule(plan: Plan, pace: float = 1.0) -> list[tuple[float, bytes]]:
    """When each frame leaves."""
    return [(frame.due_ms(pace), frame.data) for frame in plan.frames]


def test_the_defaults_change_nothing() -> None:
    """Streams and refusals stay as they are."""
    for plan in (stream(Frame(9000, A), Frame(9001, ERROR), Frame(9002, DONE)), Plan(429, {}, ())):
        assert assumed(plan, Assumptions(), 1.0) == plan


@pytest.mark.parametrize(
    ("frames", "kept"),
    [
        pytest.param([A, ERROR, DONE], [A, ERROR], id="failed"),
        pytest.param([A, DONE], [A, DONE], id="went-well"),
    ],
)
def test_done_may_be_missing_after_an_error(frames: list[bytes], kept: list[bytes]) -> None:
    """Only streams that failed end without it."""
    plan = assumed(stream(*(Frame(0, data) for data in frames)), Assumptions(done_after_error=False), 1.0)
    assert [frame.data for frame in plan.frames] == kept


@pytest.mark.parametrize(
    ("pace", "times"),
    [
        pytest.param(1.0, [(1000, COMMENT), (1500, A), (2500, COMMENT), (3500, COMMENT), (4000, A)], id="as-recorded"),
        pytest.param(0.5, [(750, A), (1750, COMMENT), (2000, A)], id="faster"),
        pytest.param(0.0, [(0, A), (0, A)], id="at-once"),
    ],
)
def test_silences_are_filled_with_comments(pace: float, times: list[tuple[float, bytes]]) -> None:
    """One for every second of real time that passes without a frame, whatever the pace."""
    plan = assumed(stream(Frame(1500, A), Frame(4000, A)), Assumptions(keep_alive_comment_s=1), pace)
    assert schedule(plan, pace) == times


def test_a_comment_never_stands_inside_a_frame() -> None:
    """Between two parts of a frame nothing is put in; the number of comments is bounded."""
    plan = assumed(stream(Frame(0, A[:5]), Frame(9000, A[5:])), Assumptions(keep_alive_comment_s=1), 1.0)
    assert [frame.data for frame in plan.frames] == [A[:5], A[5:]]
    endless = assumed(stream(Frame(1e9, A)), Assumptions(keep_alive_comment_s=0.001), 1.0)
    assert len(endless.frames) == MAX_COMMENTS + 1


def test_a_429_may_say_when_to_come_back() -> None:
    """Unless it says so itself; other statuses never do."""
    assume = Assumptions(retry_after_s=3)
    assert assumed(Plan(429, {}, ()), assume, 1.0).headers == {"retry-after": "3"}
    assert assumed(Plan(429, {"retry-after": "9"}, ()), assume, 1.0).headers == {"retry-after": "9"}
    assert assumed(Plan(503, {}, ()), assume, 1.0).headers == {}


def test_switches_are_played(keys: KeyPair) -> None:
    """A mock with other assumptions answers by them, behind the scenario's fault."""
    with running(keys, assume=Assumptions(done_after_error=False, retry_after_s=3, keep_alive_comment_s=0.2)) as mock:
        assert mock.run(headers={"X-Mock-Scenario": "throttled"}).headers["retry-after"] == "3"
        failed = mock.run(headers={"X-Mock-Scenario": "fails_mid_stream"}).body
        assert b"event: error" in failed
        assert b"event: done" not in failed
        assert COMMENT in mock.run(headers={"X-Mock-Fault": '{"delay": {"first_frame_ms": 450}}'}).body
