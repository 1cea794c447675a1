"""The comparison of proxies with and without telemetry runs, and holds what it must to the bars."""

from __future__ import annotations

import pytest

from e2e.bench import proxy_telemetry
from e2e.bench.mock_telemetry import ADDED_BAR_MS, AGAIN, COLLECTOR, LOSS_BAR_PERCENT, METRICS, OFF
from e2e.bench.source import Plan


def test_four_proxies_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a throughput and a time of its own; the two with telemetry have bars, and the rounds are told."""
    for name, small in {"STREAMS": 2, "ALONE": 1, "ROUNDS": 2, "PACED": Plan(events=5, per_s=200.0)}.items():
        monkeypatch.setattr(proxy_telemetry, name, small)
    said: list[str] = []
    rows = {row.what: row for row in proxy_telemetry.measure(said.append)}
    assert said == ["round 1 of 2: 2 streams at once, and 1 alone"]
    for name in (OFF, AGAIN, METRICS, COLLECTOR):
        assert rows[f"streams per CPU-second: {name}"].value > 0
        assert rows[f"a whole stream, alone, p50: {name}"].value > 0
    bars = {what: row.bar for what, row in rows.items() if row.bar is not None}
    assert bars == {
        f"{what}: {name}": bar
        for name in (METRICS, COLLECTOR)
        for what, bar in (("throughput lost", LOSS_BAR_PERCENT), ("added at p50", ADDED_BAR_MS))
    }
