"""Queries: what the catalogue cannot answer is an error when it is written, not an empty panel when it is read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from contracts.telemetry import (
    BREAKER_STATE,
    CLIENT_DURATION,
    COST,
    STREAM_ENDS,
    STREAM_FIRST_TOKEN,
    STREAM_STAGES,
    STREAMS_ACTIVE,
)
from dashboards.promql import (
    QueryError,
    buckets,
    counted_over_range,
    increase,
    now,
    quantile,
    rate,
    ratio,
    recorded,
    scraped,
    within,
    worst,
)

CHOSEN = 'job=~"$job",instance=~"$instance"'
OURS = f"last_over_time(cortex_proxy_streams_active{{{CHOSEN}}}[$__range] @ end())"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (rate(STREAM_ENDS), f"sum(rate(cortex_proxy_stream_end_total{{{CHOSEN}}}[$__rate_interval]))"),
        (
            rate(STREAM_ENDS, ("reason",), {"reason": ("completed",)}),
            f'sum by (reason) (rate(cortex_proxy_stream_end_total{{{CHOSEN},reason="completed"}}[$__rate_interval]))',
        ),
        (
            rate(STREAM_ENDS, where={"!reason": ("completed", "cancelled")}),
            f'sum(rate(cortex_proxy_stream_end_total{{{CHOSEN},reason!~"completed|cancelled"}}[$__rate_interval]))',
        ),
        (
            rate(STREAM_ENDS, where={"!reason": ("completed",)}),
            f'sum(rate(cortex_proxy_stream_end_total{{{CHOSEN},reason!="completed"}}[$__rate_interval]))',
        ),
        (increase(STREAM_ENDS), f"sum(increase(cortex_proxy_stream_end_total{{{CHOSEN}}}[$__range]))"),
        (within(STREAM_ENDS, 600), f"sum(increase(cortex_proxy_stream_end_total{{{CHOSEN}}}[600s]))"),
        (
            counted_over_range(STREAM_FIRST_TOKEN),
            f"sum(increase(cortex_proxy_stream_first_token_seconds_count{{{CHOSEN}}}[$__range]))",
        ),
        (
            counted_over_range(STREAM_FIRST_TOKEN, le=10.5),
            f'sum(increase(cortex_proxy_stream_first_token_seconds_bucket{{{CHOSEN},le="10.5"}}[$__range]))',
        ),
        (
            quantile(0.95, STREAM_STAGES, ("stage",)),
            f"histogram_quantile(0.95, {buckets(STREAM_STAGES, ('stage',))})",
        ),
        (
            buckets(STREAM_STAGES, ("stage",)),
            f"sum by (le, stage) (rate({STREAM_STAGES.exposed}_bucket{{{CHOSEN}}}[$__rate_interval]))",
        ),
        (now(STREAMS_ACTIVE), f"sum(cortex_proxy_streams_active{{{CHOSEN}}})"),
        (
            now(BREAKER_STATE, ("surface",), how="max"),
            f"max by (surface) (cortex_proxy_breaker_state{{{CHOSEN}}})",
        ),
        (now(STREAMS_ACTIVE, ("job", "instance")), f"sum by (job, instance) (cortex_proxy_streams_active{{{CHOSEN}}})"),
        (
            worst(BREAKER_STATE, ("surface",)),
            f"max by (surface) (max_over_time(cortex_proxy_breaker_state{{{CHOSEN}}}[$__rate_interval]))",
        ),
        (
            scraped("up", STREAMS_ACTIVE),
            f"sum by (job, instance) (up{{{CHOSEN}}} and on (job) {OURS})",
        ),
        (
            scraped("up", STREAMS_ACTIVE, averaged=True),
            f"sum by (job, instance) (avg_over_time(up{{{CHOSEN}}}[$__range]) and on (job) {OURS})",
        ),
        (ratio("a", "b"), "a / (b > 0)"),
        (recorded("slo:objective:ratio"), 'slo:objective:ratio{job=~"$job"}'),
    ],
)
def test_queries_add_up_the_chosen_processes(query: str, expected: str) -> None:
    """Each function writes what its name says, for the job and the instances that were chosen."""
    assert query == expected


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (lambda: rate(STREAMS_ACTIVE), "is a updowncounter: a rate needs a counter"),
        (lambda: increase(STREAM_FIRST_TOKEN), "an increase needs a counter"),
        (lambda: within(BREAKER_STATE, 60), "an increase needs a counter"),
        (lambda: quantile(0.5, STREAM_ENDS), "buckets needs a histogram"),
        (lambda: counted_over_range(STREAM_ENDS), "counting needs a histogram"),
        (lambda: worst(STREAM_ENDS), "max needs a gauge"),
        (lambda: now(STREAM_ENDS), "sum needs a gauge"),
        (lambda: rate(STREAM_ENDS, ("surface",)), r"has no label \['surface'\]; it has \['reason'\]"),
        (lambda: rate(STREAM_ENDS, where={"surface": ("sql",)}), r"has no label \['surface'\]"),
        (lambda: rate(STREAM_ENDS, where={"reason": ("complete",)}), r"has no reason \['complete'\]; it has"),
        (lambda: rate(STREAM_ENDS, where={"!reason": ("gone",)}), r"has no reason \['gone'\]"),
        (lambda: buckets(CLIENT_DURATION, ("http.request.method",)), r"has no label \['http.request.method'\]"),
        (lambda: counted_over_range(STREAM_FIRST_TOKEN, le=10.0), "has no bucket up to 10; it has"),
    ],
)
def test_what_the_catalogue_cannot_answer_is_an_error(query: Callable[[], str], says: str) -> None:
    """The message names the metric, what was asked of it and what it has."""
    with pytest.raises(QueryError, match=says):
        query()


def test_loaded_and_empty_values_can_be_asked_for() -> None:
    """A model is known once a price table was read; an attribute that was left out is empty; `other` is everywhere."""
    assert 'model="some-model"' in rate(COST, where={"model": ("some-model",)})
    assert 'error_type!=""' in counted_over_range(CLIENT_DURATION, where={"!error_type": ("",)})
    assert 'reason="other"' in rate(STREAM_ENDS, where={"reason": ("other",)})
