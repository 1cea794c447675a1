"""Which clock is wrong, of those that tell one moment."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2e.timing import Reading, TooSoonError, assert_agreeing, disagreements, left_s, scheduled_s
from mocks.cassette import Frame

DUE = Reading("the first text is due after", 1.5)
MOCK = Reading("the mock let the first text go after", 1.51, 0.3, 0.002)
PROXY = Reading("the proxy's histogram says", 1.53, 0.3, 0.002)
REPORT = Reading("the page's report says", 1.55, 0.3, 0.05)
READER = Reading("the reader saw it after", 1.58, 0.3, 0.002)
AGREEING = [DUE, MOCK, PROXY, REPORT, READER]


def test_clocks_that_differ_by_what_lies_between_them_agree() -> None:
    """Each step of the way takes its time, and that is no disagreement."""
    assert disagreements(AGREEING) == []


@pytest.mark.parametrize("wrong_by", [0.5, 1.5, 2.0])
@pytest.mark.parametrize(
    ("clock", "held_against"),
    [
        pytest.param(MOCK, "the first text is due after 1.500 s", id="mock"),
        pytest.param(PROXY, "the mock let the first text go after 1.510 s", id="proxy"),
        pytest.param(REPORT, "the proxy's histogram says 1.530 s", id="page"),
        pytest.param(READER, "the page's report says 1.550 s", id="reader"),
    ],
)
def test_a_clock_that_is_off_by_half_is_named(clock: Reading, held_against: str, wrong_by: float) -> None:
    """The one that is wrong is told beside the one that it was held against, and no other is accused."""
    wrong = replace(clock, seconds=clock.seconds * wrong_by)
    readings = [wrong if each is clock else each for each in AGREEING]
    (told,) = disagreements(readings)
    assert told.startswith(f"{clock.clock} {wrong.seconds:.3f} s, but {held_against}: ")


@given(
    due_s=st.floats(0.6, 60),
    steps=st.lists(st.floats(0, 1), min_size=4, max_size=4),
    index=st.integers(1, 4),
    wrong_by=st.sampled_from([0.0, 0.5, 1.5]),
)
def test_whatever_the_way_takes_one_wrong_clock_is_found(
    due_s: float, steps: list[float], index: int, wrong_by: float
) -> None:
    """However long each step takes within its bounds, only the wrong clock is named."""
    readings = [replace(DUE, seconds=due_s)]
    for each, share in zip(AGREEING[1:], steps, strict=True):
        readings.append(replace(each, seconds=readings[-1].seconds + share * each.late * due_s * 0.999))
    assert disagreements(readings) == []
    readings[index] = replace(readings[index], seconds=readings[index].seconds * wrong_by)
    (told,) = disagreements(readings)
    assert told.startswith(readings[index].clock)


def test_what_holds_text_back_is_told_of_all_behind_it() -> None:
    """A proxy that keeps text for two seconds makes everybody behind it late, and its own clock says so first."""
    late = [replace(each, seconds=each.seconds + 2) for each in (PROXY, REPORT, READER)]
    told = disagreements([DUE, MOCK, *late])
    assert [words.split(" 3.5")[0] for words in told] == [PROXY.clock, REPORT.clock, READER.clock]
    assert all(MOCK.clock in words for words in told)


def test_a_moment_that_comes_too_soon_proves_nothing() -> None:
    """Where half of the time is within what clocks may differ by, the comparison says so rather than pass."""
    with pytest.raises(TooSoonError, match=r"due after 0\.300 s; before 0\.375 s nobody can tell"):
        disagreements([replace(each, seconds=0.3) for each in AGREEING])


def test_the_first_frame_of_an_event_counts() -> None:
    """A pace multiplies what a cassette holds; the journal tells what became of it."""
    frames = [Frame(100.0, b"event: a\n\n"), Frame(200.0, b"event: b\n\n"), Frame(400.0, b"event: b\n\n")]
    assert scheduled_s(frames, "b", 0.25) == 0.05
    assert left_s([[25.0, 26.0, 10, "a"], [50.0, 51.0, 10, "b"], [100.0, 101.0, 10, "b"]], "b") == 0.051


def test_a_quarrel_is_told_with_all_that_was_said() -> None:
    """Whether the moment itself was late or one clock lies is seen from those behind it; what agrees is not told."""
    assert_agreeing([AGREEING, AGREEING])
    with pytest.raises(AssertionError) as failure:
        assert_agreeing([AGREEING, [DUE, MOCK, replace(PROXY, seconds=0.7), REPORT, READER]])
    headline, wrong, _, *said = str(failure.value).splitlines()
    assert headline == "The clocks disagree about when an answer began:"
    assert wrong.startswith("the proxy's histogram says 0.700 s, but the mock let the first text go after 1.510 s")
    assert [line.split()[-2] for line in said] == ["1.500", "1.510", "0.700", "1.550", "1.580"]
