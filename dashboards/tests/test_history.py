"""The made-up fortnight: it does not contradict itself, and tells the story that it says it tells."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from contracts.telemetry import ALL_METRICS, METRICS, MOCK_METRICS, Metric, MetricKind, first_series
from dashboards import history
from dashboards.history import PRICES, VERSIONS, History, story

END_S = 1_795_197_600
STEP_S = 120
DAYS = 0.5

Shown = dict[str, float]


def _played(seed: int = 1) -> list[tuple[int, Shown]]:
    past = History(story(END_S, DAYS), STEP_S, seed)
    steps = []
    while past.at_s + STEP_S <= END_S:
        past.advance()
        steps.append((past.at_s, dict(past.rows())))
    return steps


@pytest.fixture(scope="module")
def steps() -> list[tuple[int, Shown]]:
    """Half a working day, step by step."""
    return _played()


def _total(shown: Shown, metric: str, **labels: str) -> float:
    """The sum of a metric's series that have these labels."""
    return sum(
        value
        for name, value in shown.items()
        if name.partition("{")[0] == metric and all(f'{label}="{its}"' in name for label, its in labels.items())
    )


def _series_of(metric: Metric) -> str:
    return metric.exposed + ("_bucket" if metric.kind is MetricKind.HISTOGRAM else "")


def test_every_metric_of_the_catalogue_is_there(steps: list[tuple[int, Shown]]) -> None:
    """No panel is empty for want of a metric."""
    found = {name.partition("{")[0] for _, shown in steps for name in shown}
    assert {_series_of(metric) for metric in ALL_METRICS} <= found


def test_what_shows_from_the_start_does(steps: list[tuple[int, Shown]]) -> None:
    """The first step has every series that the catalogue has before the first event."""
    loaded = {"model": tuple(PRICES), "version": VERSIONS, "scenario": (history.SCENARIO,)}
    wanted = sum(len(list(first_series(metric, loaded))) for metric in (*METRICS, *MOCK_METRICS))
    assert sum(1 for name in steps[0][1] if "_bucket{" not in name) >= wanted


_CHAT = {"policy": "chat"}

_IDENTITIES: dict[str, tuple[Callable[[Shown], float], Callable[[Shown], float]]] = {
    "questions are decided on once": (
        lambda shown: _total(shown, "cortex_proxy_requests_total", route="/api/v1/chat"),
        lambda shown: _total(shown, "cortex_proxy_limit_decisions_total", policy="chat"),
    ),
    "every decision saw how much was used": (
        lambda shown: _total(shown, "cortex_proxy_limit_decisions_total"),
        lambda shown: _total(shown, "cortex_proxy_limit_used_ratio_count"),
    ),
    "streams begun have ended or run": (
        lambda shown: _total(shown, "cortex_proxy_requests_total", route="/api/v1/chat", status_class="2xx"),
        lambda shown: _total(shown, "cortex_proxy_stream_end_total") + _total(shown, "cortex_proxy_streams_active"),
    ),
    "streams begin with an attempt that worked": (
        lambda shown: _total(shown, "cortex_proxy_requests_total", route="/api/v1/chat", status_class="2xx"),
        lambda shown: _total(shown, "cortex_proxy_upstream_attempts_total", surface="agent", outcome="ok"),
    ),
    "each stream that ended took its time": (
        lambda shown: _total(shown, "cortex_proxy_stream_end_total"),
        lambda shown: _total(shown, "cortex_proxy_stream_duration_seconds_count"),
    ),
    "the stages of the first token add up to it": (
        lambda shown: _total(shown, "cortex_proxy_stream_first_token_stage_seconds_sum"),
        lambda shown: _total(shown, "cortex_proxy_stream_first_token_seconds_sum"),
    ),
    "each stage is measured with each first token": (
        lambda shown: _total(shown, "cortex_proxy_stream_first_token_stage_seconds_count", stage="queue"),
        lambda shown: _total(shown, "cortex_proxy_stream_first_token_seconds_count"),
    ),
    "tool calls are those let through": (
        lambda shown: _total(shown, "cortex_proxy_tool_calls_total", tool="sql"),
        lambda shown: _total(shown, "cortex_proxy_limit_decisions_total", policy="tool_sql", decision="allowed"),
    ),
    "tool calls are timed": (
        lambda shown: _total(shown, "cortex_proxy_tool_calls_total"),
        lambda shown: _total(shown, "gen_ai_execute_tool_duration_seconds_count"),
    ),
    "attempts are timed": (
        lambda shown: _total(shown, "cortex_proxy_upstream_attempts_total"),
        lambda shown: _total(shown, "http_client_request_duration_seconds_count"),
    ),
    "complete and cancelled turns are kept": (
        lambda shown: _total(shown, "cortex_proxy_history_turns_total"),
        lambda shown: (
            _total(shown, "cortex_proxy_stream_end_total", reason="completed")
            + _total(shown, "cortex_proxy_stream_end_total", reason="cancelled")
        ),
    ),
    "money is tokens by their price": (
        lambda shown: _total(shown, "cortex_proxy_cost_usd_total"),
        lambda shown: sum(_cost(shown, model) for model in PRICES),
    ),
}


def _cost(shown: Shown, model: str) -> float:
    given, cached, out = (
        _total(shown, "cortex_proxy_tokens_total", model=model, kind=kind) for kind in ("input", "cached", "output")
    )
    per_input, per_cached, per_output = PRICES[model]
    return ((given - cached) * per_input + cached * per_cached + out * per_output) / 1_000_000


@pytest.mark.parametrize("name", _IDENTITIES)
def test_what_belongs_together_adds_up(steps: list[tuple[int, Shown]], name: str) -> None:
    """At every step, also after the deployment has set all counters to zero."""
    left, right = _IDENTITIES[name]
    for at_s, shown in steps[::7]:
        assert left(shown) == pytest.approx(right(shown), rel=1e-6), at_s
    assert left(steps[-1][1]) > 0


def test_the_mock_was_asked_as_often_as_the_proxy_asked() -> None:
    """Until the deployment, which is the proxy's alone, both count the same attempts."""
    past = History(story(END_S, DAYS), STEP_S)
    while past.at_s + STEP_S < past.told.deploy_s:
        past.advance()
    shown = dict(past.rows())
    asked = _total(shown, "cortex_proxy_upstream_attempts_total")
    assert asked == _total(shown, "cortex_mock_requests_total") > 0


def test_counters_grow_but_for_the_deployment(steps: list[tuple[int, Shown]]) -> None:
    """Series of the proxy begin anew once, when its version and its start change; the mock's never do."""
    resets = {}
    for (_, before), (at_s, after) in pairwise(steps):
        shrunk = [
            name
            for name, value in after.items()
            if re.match(r"(?!process_\w+_count)\w+_(total|count|bucket|sum)\{", name) and value < before.get(name, 0)
        ]
        if shrunk:
            resets[at_s] = shrunk
    (at_s,) = resets
    assert at_s - story(END_S, DAYS).deploy_s < STEP_S
    assert not any("mock" in name for name in resets[at_s])
    versions = [re.findall(r'version="([^"]+)"', " ".join(shown)) for _, shown in (steps[0], steps[-1])]
    assert versions == [[VERSIONS[0]], [VERSIONS[1]]]
    starts = [_total(shown, "cortex_proxy_start_time_seconds") for _, shown in (steps[0], steps[-1])]
    assert starts[0] < story(END_S, DAYS).start_s < starts[1]


def test_buckets_are_cumulative(steps: list[tuple[int, Shown]]) -> None:
    """No bucket is above the next, and the last is the count."""
    groups: dict[str, list[float]] = {}
    for name, value in steps[-1][1].items():
        if "_bucket{" in name:
            groups.setdefault(re.sub(r',le="[^"]+"', "", name), []).append(value)
    for name, values in groups.items():
        assert values == sorted(values), name
        assert values[-1] == steps[-1][1][name.replace("_bucket{", "_count{")]
    assert groups


def test_the_same_seed_tells_the_same() -> None:
    """Another tells another."""
    assert _played(7)[40] == _played(7)[40] != _played(8)[40]


def test_the_breaker_opens_in_the_incident_alone(steps: list[tuple[int, Shown]]) -> None:
    """It is closed at all other times, and on all other surfaces."""
    told = story(END_S, DAYS)
    opened = [at_s for at_s, shown in steps if _total(shown, "cortex_proxy_breaker_state", surface="agent") == 2]
    assert opened
    assert all(told.incident.holds(at_s) for at_s in opened)
    assert not any(_total(shown, "cortex_proxy_breaker_state", surface="sql") for _, shown in steps)


def _grown(steps: list[tuple[int, Shown]], spell: history.Spell, metric: str, **labels: str) -> float:
    within = [shown for at_s, shown in steps if spell.start_s - STEP_S <= at_s <= spell.end_s]
    return _total(within[-1], metric, **labels) - _total(within[0], metric, **labels)


def test_the_storm_brings_refusals_on_both_sides(steps: list[tuple[int, Shown]]) -> None:
    """Snowflake throttles, and so does the proxy."""
    storm = story(END_S, DAYS).storm
    assert _grown(steps, storm, "cortex_proxy_upstream_attempts_total", outcome="throttled") > 50
    assert _grown(steps, storm, "cortex_proxy_limit_decisions_total", policy="chat", decision="refused") > 50


def test_stale_cassettes_are_missed_in_their_time_alone(steps: list[tuple[int, Shown]]) -> None:
    """Before it there was no miss, and after it none is added."""
    told = story(END_S, DAYS)
    missed = _grown(steps, told.stale_cassettes, "cortex_mock_misses_total")
    assert missed == _total(steps[-1][1], "cortex_mock_misses_total") > 0


def test_first_tokens_come_later_and_later(steps: list[tuple[int, Shown]]) -> None:
    """The mean after the deployment grows to its end."""
    slowing = story(END_S, DAYS).slowing
    half_s = (slowing.start_s + slowing.end_s) / 2
    means = []
    for spell in (history.Spell(slowing.start_s + 2 * STEP_S, half_s), history.Spell(half_s, slowing.end_s)):
        total, count = (
            _grown(steps, spell, f"cortex_proxy_stream_first_token_seconds_{part}") for part in ("sum", "count")
        )
        means.append(total / count)
    assert means[1] > means[0] * 1.15


@pytest.mark.parametrize("at", ["2026-11-18T10:00", "2026-11-18T15:00"])
def test_working_hours_are_busier_than_nights_and_weekends(at: str) -> None:
    """Three days later it is Saturday."""
    at_s = datetime.fromisoformat(f"{at}+00:00").timestamp()
    assert history.busy(at_s) > 3 * history.busy(at_s + 3 * history.DAY_S)
    assert history.busy(at_s) > 20 * history.busy(at_s - at_s % history.DAY_S + 3 * history.HOUR_S)


@pytest.mark.parametrize("weekday", range(7))
def test_a_fortnight_s_events_are_on_working_days_within_it(weekday: int) -> None:
    """Whatever day it ends on."""
    told = story(END_S + weekday * history.DAY_S, 14)
    for at_s, note in told.notes():
        assert told.start_s < at_s < told.end_s, note
        assert datetime.fromtimestamp(at_s, UTC).weekday() < 5, note
