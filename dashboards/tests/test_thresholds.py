"""The numbers that alerts and panels share."""

from __future__ import annotations

import pytest

from contracts import telemetry as catalogue
from dashboards import thresholds
from dashboards.slo import WINDOWS_S
from dashboards.thresholds import Burn, Threshold

NAMED = {name: value for name, value in vars(thresholds).items() if isinstance(value, Threshold)}


@pytest.mark.parametrize("threshold", NAMED.values(), ids=NAMED)
def test_a_window_holds_enough_scrapes(threshold: Threshold) -> None:
    """Of four scrapes one may be lost, and a rate is still had; without a window there is none to hold any."""
    assert threshold.window_s == 0 or threshold.window_s >= 4 * thresholds.SCRAPE_S


@pytest.mark.parametrize("threshold", NAMED.values(), ids=NAMED)
def test_a_guard_has_a_window(threshold: Threshold) -> None:
    """A number of events is one in a window."""
    assert not threshold.least or threshold.window_s


@pytest.mark.parametrize("threshold", [thresholds.DOWN, thresholds.MOCK_DOWN], ids=["proxy", "mock"])
def test_one_missed_scrape_is_not_down(threshold: Threshold) -> None:
    """An absence has to last for two scrapes at least."""
    assert threshold.for_s >= 2 * thresholds.SCRAPE_S


@pytest.mark.parametrize("burn", thresholds.BURNS, ids=lambda burn: burn.long)
def test_the_short_window_is_a_twelfth_of_the_long_one(burn: Burn) -> None:
    """So an alert is over soon after its cause is."""
    assert WINDOWS_S[burn.short] * 12 == WINDOWS_S[burn.long]


@pytest.mark.parametrize(
    ("burn", "share"),
    list(zip(thresholds.BURNS, [0.02, 0.05, 0.1, 0.1], strict=True)),
    ids=[burn.long for burn in thresholds.BURNS],
)
def test_each_pair_has_spent_a_known_share_of_thirty_days(burn: Burn, share: float) -> None:
    """2 % and 5 % of the budget are worth a page, 10 % a ticket."""
    assert burn.factor * WINDOWS_S[burn.long] / (30 * thresholds.DAY_S) == pytest.approx(share)
    assert burn.severity == ("critical" if share < 0.1 else "warning")


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        (catalogue.MOCK_FRAME_LATENESS, thresholds.MOCK_FRAME_LATENESS.value),
        (catalogue.LIMIT_USED, 1 - thresholds.LIMIT_HEADROOM.value),
    ],
    ids=["lateness of frames", "headroom of limits"],
)
def test_a_threshold_of_a_quantile_is_a_bound_of_its_buckets(metric: catalogue.Metric, value: float) -> None:
    """Between two bounds a quantile is a guess; at one it is exact."""
    assert value in metric.buckets


def test_three_attempts_can_reach_the_amplification_that_alerts() -> None:
    """A call is tried three times at most, so that a threshold of three or more would never be passed."""
    assert 1 < thresholds.RETRY_AMPLIFICATION.value < 3


def test_a_process_with_everything_in_the_catalogue_begins_below_its_budget() -> None:
    """The series that show from the start leave room for those that come with events."""
    from_start = sum(1 for metric in catalogue.METRICS for _ in catalogue.first_series(metric))
    assert from_start < thresholds.SERIES_BUDGET / 2
