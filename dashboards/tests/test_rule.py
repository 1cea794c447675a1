"""How expressions are written."""

from __future__ import annotations

import pytest

from contracts import telemetry as catalogue
from contracts.telemetry import Metric
from dashboards.rule import increase, panel_id, quantile, scaled, series, span


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0s"),
        (0.25, "250ms"),
        (1.5, "1s500ms"),
        (90, "1m30s"),
        (300, "5m"),
        (3600, "1h"),
        (86_400, "1d"),
        (30 * 86_400, "30d"),
        (129_600, "1d12h"),
    ],
)
def test_a_span_is_written_as_prometheus_does(seconds: float, written: str) -> None:
    """From days to milliseconds, the largest first, none that is zero."""
    assert span(seconds) == written


def test_a_window_is_written_in_its_time_scale() -> None:
    """At a twentieth, five minutes are a quarter of one."""
    assert scaled(1 / 20)(300) == "15s"
    assert scaled(1)(300) == "5m"


@pytest.mark.parametrize("scale", [0, -1])
def test_time_neither_stands_nor_runs_backwards(scale: float) -> None:
    """A scale is above zero."""
    with pytest.raises(ValueError, match="the time scale is"):
        scaled(scale)


def test_a_selector_has_the_name_that_prometheus_knows() -> None:
    """Dots become underscores, units and `_total` are added, one value is compared and several are matched."""
    assert series(catalogue.STREAM_STALLS) == "cortex_proxy_stream_stalls_total"
    assert series(catalogue.STREAM_ENDS, {"reason": ("completed",)}) == (
        'cortex_proxy_stream_end_total{reason="completed"}'
    )
    assert series(catalogue.TOOL_DURATION, {"gen_ai_tool_name": ("sql", "search")}, "_count") == (
        'gen_ai_execute_tool_duration_seconds_count{gen_ai_tool_name=~"sql|search"}'
    )


def test_what_means_something_in_a_pattern_is_escaped() -> None:
    """Prometheus reads the text first and the pattern then: each backslash is written twice."""
    where = {"route": ("/api/v1/tools/{toolName}", "/openapi.json")}
    assert series(catalogue.REQUESTS, where) == (
        r'cortex_proxy_requests_total{route=~"/api/v1/tools/\\{toolName\\}|/openapi\\.json"}'
    )


def test_a_bound_is_written_as_it_is_exposed() -> None:
    """The text of a bound is what its series carries."""
    assert series(catalogue.STREAM_FIRST_TOKEN, {"le": ("10.5",)}, "_bucket") == (
        'cortex_proxy_stream_first_token_seconds_bucket{le="10.5"}'
    )


@pytest.mark.parametrize(
    ("metric", "where", "suffix", "complaint"),
    [
        (catalogue.STREAM_ENDS, {"cause": ("completed",)}, "", "has the labels reason, and not cause"),
        (catalogue.STREAM_STALLS, {"reason": ("x",)}, "", "has the labels .none., and not reason"),
        (catalogue.STREAM_ENDS, {"reason": ("done",)}, "", "reason is one of completed, .* and never done"),
        (catalogue.STREAM_ENDS, {"reason": ()}, "", "reason is one of"),
        (catalogue.STREAM_ENDS, {}, "_bucket", "is a counter; _bucket cannot stand behind its name"),
        (catalogue.STREAM_GAP, {}, "", "is a histogram; nothing cannot stand behind its name"),
        (catalogue.STREAM_FIRST_TOKEN, {"le": ("10",)}, "_bucket", "le is one of 0.05, .* and never 10"),
        (catalogue.STREAM_FIRST_TOKEN, {"le": ("10.5",)}, "_count", "and not le"),
    ],
    ids=[
        "a strange label",
        "a label of none",
        "a strange value",
        "no value",
        "a counter's bucket",
        "a bare histogram",
        "no bound",
        "a bound of the count",
    ],
)
def test_what_the_catalogue_does_not_know_cannot_be_written(
    metric: Metric, where: dict[str, tuple[str, ...]], suffix: str, complaint: str
) -> None:
    """A selector that would match nothing is an error where it is built."""
    with pytest.raises(ValueError, match=complaint):
        series(metric, where, suffix)


def test_values_that_are_known_only_when_a_process_runs_pass() -> None:
    """Models come from the price table; any may be named."""
    assert series(catalogue.COST, {"model": ("claude-4-sonnet",)}) == (
        'cortex_proxy_cost_usd_total{model="claude-4-sonnet"}'
    )


def test_sums_keep_the_job() -> None:
    """Processes are added up, jobs never."""
    assert increase(catalogue.STREAM_STALLS, "5m") == ("sum by (job) (increase(cortex_proxy_stream_stalls_total[5m]))")
    assert quantile(catalogue.LIMIT_USED, 0.95, "5m", by=("policy",)) == (
        "histogram_quantile(0.95, sum by (job, policy, le) (rate(cortex_proxy_limit_used_ratio_bucket[5m])))"
    )


def test_panels_are_known_by_the_number_of_their_address() -> None:
    """CRC-32 of the address, from 1 to 100,000; dashboards number their panels alike."""
    assert panel_id("overview/burn-rate") == 25_213
