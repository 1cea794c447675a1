"""Test and mock health: can QA trust what the rehearsal says?"""

from __future__ import annotations

from contracts.telemetry import (
    MOCK_DROPPED,
    MOCK_FAULTS,
    MOCK_FRAME_LATENESS,
    MOCK_FRAMES,
    MOCK_MATCHES,
    MOCK_MISSES,
    MOCK_REQUESTS,
    MOCK_STREAMS_ACTIVE,
    SUITE_DURATION,
    SUITE_FINISHED,
    SUITE_FLAKY,
    SUITE_RERUNS,
    SUITE_TEST_DURATION,
    SUITE_TESTS,
)
from dashboards import thresholds
from dashboards.panels import BAD, GOOD, Board, Kind, Line, Panel, Row, Target
from dashboards.promql import now, quantile, rate, scraped, within

_SUITE = ("suite",)
_LEFT = "It is left by `pytest --cortex-suite-report`."

BOARD = Board(
    "harness",
    "Test and mock health",
    "Can QA trust what the rehearsal says?",
    (
        Row(
            "The mock",
            (
                Panel(
                    "Mock requests",
                    Kind.TIMESERIES,
                    "reqps",
                    "Exchanges with the mock that ended, by how they did.",
                    (Target(rate(MOCK_REQUESTS, ("outcome",)), "{{outcome}}"),),
                    is_stacked=True,
                    no_value="no mock",
                ),
                Panel(
                    "Mock misses",
                    Kind.TIMESERIES,
                    "short",
                    "Requests of the last ten minutes that no cassette answered, by surface: a question that nobody "
                    "recorded, or a client that changed.",
                    (Target(within(MOCK_MISSES, thresholds.MOCK_MISSES.window_s, ("surface",)), "{{surface}}"),),
                    lines=(Line(thresholds.MOCK_MISSES.value),),
                    no_value="no mock",
                ),
                Panel(
                    "Mock matches",
                    Kind.TIMESERIES,
                    "reqps",
                    "Requests that a cassette answered, by surface.",
                    (Target(rate(MOCK_MATCHES, ("surface",)), "{{surface}}"),),
                    is_stacked=True,
                    no_value="no mock",
                ),
                Panel(
                    "Frame lateness",
                    Kind.TIMESERIES,
                    "s",
                    "How far behind their schedule frames left. Above the line the mock's pacing is no measure of "
                    "anything: the machine is too busy. At pace 0 there is no schedule.",
                    tuple(Target(quantile(q, MOCK_FRAME_LATENESS), f"p{q * 100:g}") for q in (0.5, 0.95, 0.99)),
                    lines=(Line(thresholds.MOCK_FRAME_LATENESS.value),),
                ),
                Panel(
                    "Frames",
                    Kind.TIMESERIES,
                    "cps",
                    "Frames sent, by surface; an answer that is no stream is one.",
                    (Target(rate(MOCK_FRAMES, ("surface",)), "{{surface}}"),),
                    is_stacked=True,
                    no_value="no mock",
                ),
                Panel(
                    "Faults",
                    Kind.TIMESERIES,
                    "cps",
                    "Faults played, by scenario and kind. A failure elsewhere that is not here is not the mock's "
                    "doing.",
                    (Target(rate(MOCK_FAULTS, ("scenario", "kind")), "{{scenario}} {{kind}}"),),
                    no_value="no faults",
                ),
                Panel(
                    "Mock up",
                    Kind.STATE_TIMELINE,
                    "none",
                    "Whether Prometheus reached the mock.",
                    (Target(scraped("up", MOCK_STREAMS_ACTIVE), "{{job}} {{instance}}"),),
                    names={0: ("down", BAD), 1: ("up", GOOD)},
                    base=BAD,
                    lines=(Line(thresholds.MOCK_DOWN.value, BAD), Line(1, GOOD)),
                    no_value="nothing is scraped",
                ),
                Panel(
                    "Mock streams",
                    Kind.TIMESERIES,
                    "short",
                    "Answers being sent now.",
                    (Target(now(MOCK_STREAMS_ACTIVE), "open"),),
                    no_value="no mock",
                ),
                Panel(
                    "Mock telemetry dropped",
                    Kind.TIMESERIES,
                    "cps",
                    "Spans that were too many or that no collector took, and batches of metrics that none took.",
                    (Target(rate(MOCK_DROPPED, ("signal",)), "{{signal}}"),),
                    no_value="no mock",
                ),
            ),
        ),
        Row(
            "The suites",
            (
                Panel(
                    "Suite results",
                    Kind.TABLE,
                    "none",
                    f"Tests of each suite's last run, by outcome. {_LEFT}",
                    (Target(now(SUITE_TESTS, ("suite", "outcome"), how="max"), "tests"),),
                    columns=("suite", "outcome"),
                    no_value="no runs",
                ),
                Panel(
                    "Suite duration",
                    Kind.TIMESERIES,
                    "s",
                    f"Time that each suite's last run took. {_LEFT}",
                    (Target(now(SUITE_DURATION, _SUITE, how="max"), "{{suite}}"),),
                    no_value="no runs",
                ),
                Panel(
                    "Suite age",
                    Kind.STAT,
                    "s",
                    "Time since each suite's last run ended. Red is green, but of another day.",
                    (Target(f"time() - {now(SUITE_FINISHED, _SUITE, how='max')}", "{{suite}}"),),
                    lines=(Line(thresholds.SUITE_AGE.value, BAD),),
                    no_value="no runs",
                ),
                Panel(
                    "Test times",
                    Kind.TIMESERIES,
                    "s",
                    "How long tests of each suite's last run took: the median, 95 of 100 and the longest. One slow "
                    "test and many that are a little slower look alike in a suite's duration, and here they do not.",
                    (Target(now(SUITE_TEST_DURATION, ("suite", "statistic"), how="max"), "{{suite}} {{statistic}}"),),
                    width=12,
                    no_value="no runs",
                ),
                Panel(
                    "Flaky tests",
                    Kind.TIMESERIES,
                    "short",
                    "Tests of each suite's last run that failed and passed when they were run again, and how often any "
                    "was run again. They count as failed. Only `pytest --again N` runs tests again.",
                    (
                        Target(now(SUITE_FLAKY, _SUITE, how="max"), "{{suite}} flaky"),
                        Target(now(SUITE_RERUNS, _SUITE, how="max"), "{{suite}} run again"),
                    ),
                    width=12,
                    no_value="no runs",
                ),
            ),
        ),
    ),
    found_by=MOCK_REQUESTS,
)
