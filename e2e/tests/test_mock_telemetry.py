"""The table of what the mock's telemetry costs: each round against the same round without it."""

from __future__ import annotations

import pytest

from e2e.bench.figures import Figure
from e2e.bench.mock_telemetry import AGAIN, COLLECTOR, METRICS, OFF, figures


@pytest.fixture
def table() -> dict[str, Figure]:
    """Two fast rounds and a slow one, in which all of them were slow."""
    per_cpu_s = {
        OFF: [1000.0, 1000.0, 500.0],
        AGAIN: [900.0, 900.0, 450.0],
        METRICS: [931.0, 931.0, 465.5],
        COLLECTOR: [893.0, 893.0, 446.5],
    }
    alone_ms = {OFF: [1.0, 1.1, 9.0], AGAIN: [1.0, 1.5, 9.0], METRICS: [1.0, 1.4, 9.0], COLLECTOR: [1.0, 1.6, 9.0]}
    return {row.what: row for row in figures(per_cpu_s, alone_ms)}


def test_a_loss_is_that_of_the_same_round(table: dict[str, Figure]) -> None:
    """A slow machine is nobody's loss, and neither is a process that is faster than its equal."""
    losses = [table[f"throughput lost: {name}"].value for name in (AGAIN, METRICS, COLLECTOR)]
    assert losses == [pytest.approx(10), pytest.approx(2), pytest.approx(6)]
    added = [table[f"added at p50: {name}"].value for name in (AGAIN, METRICS, COLLECTOR)]
    assert added == [pytest.approx(0.4), pytest.approx(0.1), pytest.approx(0.3)]


def test_only_telemetry_can_miss_a_bar(table: dict[str, Figure]) -> None:
    """The second mock without it shows how much of a loss is noise."""
    missed = [what for what, row in table.items() if not row.reached]
    assert missed == [f"throughput lost: {COLLECTOR}", f"added at p50: {COLLECTOR}"]
    assert table[f"throughput lost: {AGAIN}"].bar is None
