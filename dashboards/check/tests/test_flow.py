"""Labels and units are followed through a query."""

from __future__ import annotations

import pytest

from contracts.telemetry import ALL_METRICS
from dashboards.check import flow, promql
from dashboards.check.names import PERHAPS, PROMETHEUS_OWN, Series, exposed

KNOWN: dict[str, Series] = {
    series.name: series for series in (*(one for each in ALL_METRICS for one in exposed(each)), *PROMETHEUS_OWN)
}
ENDS, GAP = "cortex_proxy_stream_end_total", "cortex_proxy_stream_gap_seconds"
OPEN = "..."

LABELS = (
    (ENDS, "instance job reason"),
    (f'{ENDS}{{reason=""}}', "instance job"),
    (f"rate({ENDS}[5m])", "instance job reason"),
    (f"{GAP}_bucket", "instance job le"),
    (f"sum({ENDS})", ""),
    (f"sum by (job, pod) ({ENDS})", "job"),
    (f"sum without (reason) ({ENDS})", "instance job"),
    (f"topk by (job) (3, {ENDS})", "instance job reason"),
    (f'count_values by (job) ("n", {ENDS})', "job n"),
    (f"histogram_quantile(0.9, sum by (le, job) (rate({GAP}_bucket[5m])))", "job"),
    (f'label_replace(sum({ENDS}), "a", "b", "", "")', "a"),
    (f'label_join(sum by (job) ({ENDS}), "a", ",", "job")', "a job"),
    (f'absent({ENDS}{{job="x",reason=~"y|z"}})', "job"),
    (f"{ENDS} > 1", "instance job reason"),
    (f"-({ENDS})", "instance job reason"),
    (f"sum by (job) ({ENDS}) / on (job) group_left (version) cortex_proxy_build_info", "job version"),
    (f"cortex_proxy_build_info * on (job) group_right (version) sum by (job, reason) ({ENDS})", "job reason version"),
    (f"sum by (job, reason) ({ENDS}) / ignoring (reason) sum by (job) ({ENDS})", "job"),
    (f"up and on (job) {ENDS}", "instance job"),
    (f"sum by (job) (up) or sum by (reason) ({ENDS})", "job reason"),
    (f"max_over_time(rate({ENDS}[5m])[1h:])", "instance job reason"),
    ("time()", ""),
    ("vector(1)", ""),
    ('somebody_elses{a="b"}', f"a {OPEN}"),
    ("sum by (c) (somebody_elses)", "c"),
)


@pytest.mark.parametrize(("text", "left"), LABELS, ids=[text for text, _ in LABELS])
def test_labels_that_are_left(text: str, left: str) -> None:
    """The labels of a result are those that its parts let through; of an unknown metric any may be there."""
    found = flow.labels(promql.parse(text).root, KNOWN)
    assert sorted(found.may - PERHAPS) == [each for each in left.split() if each != OPEN]
    assert found.is_open is (OPEN in left)
    assert found.always <= found.may


def test_a_label_that_may_be_missing_is_not_always_there() -> None:
    """An attribute left out is an empty label, so that no query may count on it."""
    found = flow.labels(promql.parse("gen_ai_execute_tool_duration_seconds_count").root, KNOWN)
    assert "error_type" in found.may
    assert "error_type" not in found.always


UNITS: tuple[tuple[str, dict[str, int], float], ...] = (
    (ENDS, {"count": 1}, 1.0),
    (f"rate({ENDS}[5m])", {"count": 1, "s": -1}, 1.0),
    (f"increase({ENDS}[5m])", {"count": 1}, 1.0),
    (f"{GAP}_sum", {"s": 1}, 1.0),
    (f"rate({GAP}_sum[5m]) / rate({GAP}_count[5m])", {"count": -1, "s": 1}, 1.0),
    (f"histogram_quantile(0.9, sum by (le) (rate({GAP}_bucket[5m])))", {"s": 1}, 1.0),
    (f"1000 * histogram_quantile(0.9, sum by (le) (rate({GAP}_bucket[5m])))", {"s": 1}, 1000.0),
    ("time() - cortex_proxy_start_time_seconds", {"s": 1}, 1.0),
    (f"sum(rate({ENDS}[5m])) / sum(rate({ENDS}[5m]))", {}, 1.0),
    (f"1 - sum({ENDS}) / (sum({ENDS}) > 0)", {}, 1.0),
    (f"100 * (1 - sum({ENDS}) / sum({ENDS}))", {}, 100.0),
    (f"count({ENDS})", {"count": 1}, 1.0),
    (f"sum({ENDS}) > 5", {"count": 1}, 1.0),
    ("process_memory_usage_bytes / 1024", {"By": 1}, 1 / 1024),
    ("rate(process_cpu_time_seconds_total[5m])", {}, 1.0),
    ("cortex_proxy_cost_usd_total", {"USD": 1}, 1.0),
    ("cortex_proxy_retry_budget_remaining_ratio", {}, 1.0),
    ("max(cortex_proxy_breaker_state)", {"state": 1}, 1.0),
)  # fmt: skip


@pytest.mark.parametrize(("text", "powers", "factor"), UNITS, ids=[text for text, _, _ in UNITS])
def test_units_that_result(text: str, powers: dict[str, int], factor: float) -> None:
    """The unit of a result follows from those of the catalogue and from what the query does with them."""
    found = flow.unit(promql.parse(text).root, KNOWN)
    assert found is not None
    assert dict(found.powers) == powers
    assert found.factor == pytest.approx(factor)


@pytest.mark.parametrize("text", ["somebody_elses", "up == bool 1", f"{ENDS} ^ 2"])
def test_units_that_cannot_be_told(text: str) -> None:
    """Of strangers and of powers nothing is claimed."""
    assert flow.unit(promql.parse(text).root, KNOWN) is None
