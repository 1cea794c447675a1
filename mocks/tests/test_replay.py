"""The player: absolute deadlines, shared writes, exact bytes; told with a clock that only moves when asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocks.cassette import Frame
from mocks.journal import Entry
from mocks.replay import MAX_WRITE_BYTES, Live, play, play_stepwise, sleep_until


@dataclass
class Stage:
    """A made-up clock and connection. `late_s` is how much longer each sleep takes, `send_s` how long each write."""

    now_s: float = 1000.0
    late_s: float = 0.0
    send_s: float = 0.0
    sent: list[tuple[float, bytes]] = field(default_factory=list)
    sleeps: int = 0

    def clock(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.sleeps += 1
        self.now_s += seconds + self.late_s

    async def send(self, data: bytes) -> None:
        self.sent.append((round((self.now_s - 1000) * 1000, 6), data))
        self.now_s += self.send_s

    def play(self, frames: list[Frame], pace: float = 1.0, live: Live | None = None) -> Entry:
        """Play to the end and return the journal entry."""
        entry = Entry(1, "POST", "/", started_mono_s=self.now_s)
        asyncio.run(play(frames, self.send, entry, pace=pace, clock=self.clock, sleep=self.sleep, live=live))
        return entry


@dataclass
class Cut:
    """Changes the rest of a stream at a time, once. asked: the due time and how many were sent, at each frame."""

    stage: Stage
    at_s: float
    rest: list[Frame]
    asked: list[tuple[float, int]] = field(default_factory=list)

    async def change(self, due_s: float, frames: Sequence[Frame], sent: int) -> Sequence[Frame] | None:
        """Sleep until the frame is due, or the change."""
        self.asked.append((due_s, sent))
        self.stage.now_s = max(self.stage.now_s, min(due_s, self.at_s))
        if self.stage.now_s < self.at_s or not self.rest:
            return None
        changed, self.rest = [*frames[:sent], *self.rest], []
        return changed

    def collapsed(self) -> Cut:
        """The same."""
        return self


def test_frames_leave_when_they_are_due() -> None:
    """Each frame leaves at its recorded time, counted from the request."""
    stage = Stage()
    entry = stage.play([Frame(10, b"a"), Frame(25, b"b"), Frame(900, b"c")])
    assert stage.sent == [(10, b"a"), (25, b"b"), (900, b"c")]
    assert (entry.frames_sent, entry.max_lateness_ms) == (3, 0)


@pytest.mark.parametrize(
    ("pace", "times"),
    [
        pytest.param(2.0, [20, 50], id="slower"),
        pytest.param(0.2, [2, 5], id="faster"),
        pytest.param(0.0, [0], id="at-once"),
    ],
)
def test_pace_scales_the_schedule(pace: float, times: list[float]) -> None:
    """A pace is a factor on recorded times; at 0 everything shares one write."""
    stage = Stage()
    stage.play([Frame(10, b"a"), Frame(25, b"b")], pace)
    assert [at_ms for at_ms, _ in stage.sent] == pytest.approx(times, abs=1)  # timers have whole milliseconds
    assert b"".join(data for _, data in stage.sent) == b"ab"


@pytest.mark.parametrize(
    ("pace", "times"),
    [
        pytest.param(1.0, [10, 520, 540], id="as-recorded"),
        pytest.param(0.5, [5, 510, 520], id="faster"),
        pytest.param(0.0, [0, 500], id="at-once"),
    ],
)
def test_what_a_fault_holds_back_is_not_paced(pace: float, times: list[float]) -> None:
    """A silence lasts as long at any pace, and is counted from the request like everything else."""
    stage = Stage()
    stage.play([Frame(10, b"a"), Frame(20, b"b", held_ms=500), Frame(40, b"c", held_ms=500)], pace)
    assert [at_ms for at_ms, _ in stage.sent] == pytest.approx(times)
    assert b"".join(data for _, data in stage.sent) == b"abc"


def test_the_rest_may_change_while_it_is_awaited() -> None:
    """What was sent stays, what was not is replaced, and the journal counts what there is then."""
    stage = Stage()
    live = Cut(stage, 1000.25, [Frame(500, b"x"), Frame(750, b"y")])
    entry = stage.play([Frame(0, b"a"), Frame(9000, b"b"), Frame(9000, b"c"), Frame(9000, b"d")], live=live)
    assert stage.sent == [(0, b"a"), (500, b"x"), (750, b"y")]
    assert live.asked == [(1000.0, 0), (1009.0, 1), (1000.5, 1), (1000.75, 2)]
    assert (entry.frames_planned, entry.frames_sent) == (3, 3)


def test_nothing_may_be_left_to_send() -> None:
    """A change that drops the rest ends the play."""
    stage = Stage()
    live = Cut(stage, 1000.0, [Frame(0, b"x")])
    assert stage.play([Frame(9000, b"a")], live=live).frames_sent == 1
    assert stage.sent == [(0, b"x")]


def test_lateness_does_not_add_up() -> None:
    """Late timers and slow writes delay their own frame and never shift the next: no drift over 1,000 frames."""
    stage = Stage(late_s=0.003, send_s=0.002)
    entry = stage.play([Frame(10.0 * number, b"x") for number in range(1, 1001)])
    lateness = [at_ms - 10.0 * number for number, (at_ms, _) in enumerate(stage.sent, start=1)]
    assert len(lateness) == 1000
    assert 3 <= max(lateness) <= 4
    assert entry.max_lateness_ms == pytest.approx(max(lateness))


def test_frames_that_are_overdue_share_a_write() -> None:
    """After a pause, everything due leaves together; what is not due waits."""
    stage = Stage(late_s=0.05)
    stage.play([Frame(10, b"a"), Frame(20, b"b"), Frame(59, b"c"), Frame(200, b"d")])
    assert [data for _, data in stage.sent] == [b"abc", b"d"]


def test_shared_writes_are_bounded() -> None:
    """Frames share a write up to its bound, and a frame that is larger alone leaves whole."""
    half, large = b"h" * (MAX_WRITE_BYTES // 2), b"l" * (3 * MAX_WRITE_BYTES)
    stage = Stage()
    stage.play([Frame(0, data) for data in (half, half, b"x", large, b"y")], 0)
    assert [len(data) for _, data in stage.sent] == [2 * len(half), 1, len(large), 1]


def test_cut_frames_leave_in_their_pieces() -> None:
    """Frames around a cut frame share writes among themselves, the cut one keeps its pieces."""
    stage = Stage()
    stage.play([Frame(0, b"a"), Frame(0, b"b"), Frame(0, b"12345", (1, 3)), Frame(0, b"c")], 0)
    assert [data for _, data in stage.sent] == [b"ab", b"1", b"23", b"45", b"c"]


@given(st.lists(st.tuples(st.integers(0, 50), st.binary(min_size=1, max_size=5)), max_size=20), st.floats(0, 2))
def test_bytes_and_order_survive_any_schedule(steps: list[tuple[int, bytes]], pace: float) -> None:
    """Whatever the schedule, all bytes leave in order and none leaves early."""
    frames, at_ms = [], 0.0
    for wait_ms, data in steps:
        at_ms += wait_ms
        frames.append(Frame(at_ms, data))
    stage = Stage()
    entry = stage.play(frames, pace)
    assert b"".join(data for _, data in stage.sent) == b"".join(frame.data for frame in frames)
    assert entry.frames_sent == len(frames)
    assert stage.now_s >= 1000 + at_ms * pace / 1000


def test_a_broken_connection_ends_the_play() -> None:
    """What the connection raises comes through, and only frames that were sent are counted."""
    stage = Stage()
    entry = Entry(1, "POST", "/", started_mono_s=stage.now_s)

    async def send(data: bytes) -> None:
        if data == b"b":
            raise ConnectionResetError
        await stage.send(data)

    with pytest.raises(ConnectionResetError):
        asyncio.run(play([Frame(1, b"a"), Frame(5, b"b")], send, entry, pace=1, clock=stage.clock, sleep=stage.sleep))
    assert entry.frames_sent == 1


def test_a_timer_that_fires_early_is_set_again() -> None:
    """A sleep that ends too soon never lets a frame leave before its time."""
    stage = Stage(late_s=-0.0004)
    asyncio.run(sleep_until(stage.now_s + 0.002, stage.clock, stage.sleep))
    assert stage.now_s >= 1000.002
    assert stage.sleeps == 2


@pytest.mark.parametrize(
    ("steps", "sent", "whole"),
    [
        pytest.param(0, [], False, id="none"),
        pytest.param(2, [b"a", b"1", b"23"], False, id="some"),
        pytest.param(3, [b"a", b"1", b"23", b"c"], True, id="all"),
    ],
)
def test_frames_leave_step_by_step(steps: int, sent: list[bytes], whole: bool) -> None:
    """One frame a step, in its pieces, however late it was due; no more than there are steps."""
    stage, left = Stage(), iter([True] * steps)
    entry = Entry(1, "POST", "/", started_mono_s=stage.now_s)

    async def step() -> bool:
        return next(left, False)

    frames = [Frame(0, b"a"), Frame(10, b"123", (1,)), Frame(9e9, b"c")]
    assert asyncio.run(play_stepwise(frames, stage.send, entry, step)) is whole
    assert [data for _, data in stage.sent] == sent
    assert entry.frames_sent == steps


def test_what_is_stepped_through_may_change() -> None:
    """A step that finds the rest changed plays the new rest; one that finds none left ends the answer."""
    stage, entry = Stage(), Entry(1, "POST", "/", started_mono_s=1000.0)
    changes = {1: [Frame(0, b"a"), Frame(0, b"end")]}

    class Changing:
        async def change(self, _due_s: float, _frames: object, sent: int) -> list[Frame] | None:
            return changes.get(sent)

        def collapsed(self) -> Changing:
            return self

    async def step() -> bool:
        return True

    frames = [Frame(0, data) for data in (b"a", b"b", b"c")]
    assert asyncio.run(play_stepwise(frames, stage.send, entry, step, Changing()))
    assert [data for _, data in stage.sent] == [b"a", b"end"]
    assert entry.frames_sent == 2
