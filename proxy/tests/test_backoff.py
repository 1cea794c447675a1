"""When a failed call is tried again: how often, after how long, and how many of all calls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.telemetry import Surface
from proxy.backoff import CAP_S, DICE, MAX_HONOURED_S, MAX_TRIES, Backoff, RetryBudget, pause_s


def longest(_least: float, most: float) -> float:
    """Dice that always show the most."""
    return most


def shortest(least: float, _most: float) -> float:
    """Dice that always show the least."""
    return least


@pytest.mark.parametrize(
    ("tries", "asked_s", "left_s", "waited_s"),
    [
        pytest.param(1, None, 60, 0.2, id="first"),
        pytest.param(2, None, 60, 0.4, id="second, twice as long"),
        pytest.param(3, None, 60, None, id="no fourth try"),
        pytest.param(1, 2, 60, 2.2, id="asked for"),
        pytest.param(1, 0, 60, 0.2, id="asked for nothing"),
        pytest.param(1, MAX_HONOURED_S, 60, MAX_HONOURED_S + 0.2, id="the longest that is honoured"),
        pytest.param(1, MAX_HONOURED_S + 1, 60, None, id="longer is passed on"),
        pytest.param(1, 2, 2.1, None, id="past the deadline"),
        pytest.param(1, None, 0.1, None, id="no time left"),
        pytest.param(1, None, -1, None, id="deadline over"),
    ],
)
def test_pauses(tries: int, asked_s: float | None, left_s: float, waited_s: float | None) -> None:
    """The upstream's wish counts within bounds, jitter comes on top, and nothing waits past the deadline."""
    assert pause_s(tries, asked_s, left_s, longest) == waited_s


def test_jitter_is_full() -> None:
    """The shortest pause is none at all, so that callers who failed together do not come back together."""
    assert pause_s(1, None, 60, shortest) == 0.0
    drawn = {pause_s(2, None, 60, DICE.uniform) for _ in range(20)}
    assert len(drawn) > 1


@given(tries=st.integers(1, 50), asked_s=st.none() | st.floats(0, 1e6), left_s=st.floats(-10, 1e6))
def test_bounds_of_a_pause(tries: int, asked_s: float | None, left_s: float) -> None:
    """Whatever is asked, a pause is never negative, never past the deadline, never longer than both bounds."""
    waited_s = pause_s(tries, asked_s, left_s, longest)
    if waited_s is not None:
        assert 0 <= waited_s < left_s
        assert waited_s <= MAX_HONOURED_S + CAP_S
        assert tries < MAX_TRIES


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_the_budget_of_an_outage() -> None:
    """Of a thousand failing calls in ten seconds a hundred are tried again."""
    budget = RetryBudget(Clock())
    granted = 0
    for _ in range(1000):
        budget.called()
        granted += budget.spend()
    assert granted == 100


def test_the_budgets_floor() -> None:
    """Few calls may be tried again ten times in ten seconds, however few they are."""
    budget = RetryBudget(Clock())
    budget.called()
    assert [budget.spend() for _ in range(12)] == [True] * 10 + [False] * 2


def test_the_budget_forgets() -> None:
    """After ten seconds the past neither allows nor denies anything."""
    clock = Clock()
    budget = RetryBudget(clock)
    for _ in range(500):
        budget.called()
    assert all(budget.spend() for _ in range(50))
    clock.now_s += RetryBudget.WINDOW_S
    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]


def test_the_budget_keeps_ten_seconds() -> None:
    """Its memory is a handful of numbers, not one entry per call."""
    clock = Clock()
    budget = RetryBudget(clock)
    for _ in range(10_000):
        clock.now_s += 0.1
        budget.called()
    assert len(budget._seconds) <= RetryBudget.WINDOW_S


def test_backoff_has_dice_of_its_own() -> None:
    """The dice given to it are the ones it throws."""
    assert Backoff(longest).pause_s(1, None, 60) == 0.2


def test_what_is_left_of_the_budget() -> None:
    """All of it at rest, none of it once nothing is granted any more; it never says less than nothing."""
    clock = Clock()
    budget = RetryBudget(clock)
    assert budget.left() == 1
    for _ in range(300):
        budget.called()
    left = [budget.left()]
    while budget.spend():
        left.append(budget.left())
    assert left == [pytest.approx(1 - spent / 30) for spent in range(31)]
    clock.now_s += RetryBudget.WINDOW_S / 2
    assert budget.left() == 0
    clock.now_s += RetryBudget.WINDOW_S
    assert budget.left() == 1


def test_each_surface_has_a_budget() -> None:
    """What fails on its own uses nobody else's tries up."""
    backoff = Backoff()
    while backoff.budgets[Surface.SEARCH].spend():
        pass
    assert {surface: budget.left() for surface, budget in backoff.budgets.items()} == {
        **dict.fromkeys(Surface, 1),
        Surface.SEARCH: 0,
    }
