"""Grafana's units fit what is measured, or do not."""

from __future__ import annotations

import pytest

from dashboards.check import units

CASES: tuple[tuple[str, dict[str, int], float, str], ...] = (
    ("s", {"s": 1}, 1.0, ""),
    ("ms", {"s": 1}, 1.0, "ms wants the value times 1000, and it is times 1"),
    ("ms", {"s": 1}, 1000.0, ""),
    ("s", {"s": 1, "count": -1}, 1.0, ""),
    ("short", {"s": 1}, 1.0, "a time in seconds shown as short"),
    ("", {"s": 1}, 1.0, "a time in seconds shown as a plain number"),
    ("bytes", {"By": 1}, 1.0, ""),
    ("s", {"By": 1}, 1.0, "bytes shown as s"),
    ("mbytes", {"By": 1}, 2.0**-20, ""),
    ("Bps", {"By": 1, "s": -1}, 1.0, ""),
    ("reqps", {"count": 1, "s": -1}, 1.0, ""),
    ("rpm", {"count": 1, "s": -1}, 1.0, "rpm wants the value times 60, and it is times 1"),
    ("short", {"count": 1, "s": -1}, 1.0, "things per second shown as short"),
    ("percentunit", {}, 1.0, ""),
    ("percent", {}, 1.0, "percent wants the value times 100, and it is times 1"),
    ("percentunit", {"count": 1}, 1.0, "a count shown as percentunit"),
    ("currencyUSD", {"USD": 1, "s": -1}, 3600.0, ""),
    ("short", {"USD": 1}, 1.0, "money shown as short"),
    ("dateTimeFromNow", {"s": 1}, 1000.0, ""),
    ("suffix: tokens/s", {"count": 1, "s": -1}, 1.0, ""),
    ("short", {"s": 2}, 1.0, ""),
)  # fmt: skip


@pytest.mark.parametrize(("unit", "powers", "factor", "said"), CASES, ids=[f"{u} {p} {f:g}" for u, p, f, _ in CASES])
def test_a_unit_fits_or_says_why_not(unit: str, powers: dict[str, int], factor: float, said: str) -> None:
    """What is measured decides which units can show it, and the factor decides among them."""
    assert units.misfit(unit, powers, factor) == said


@pytest.mark.parametrize(
    ("unit", "known"),
    [("s", True), ("percentunit", True), ("currencyUSD", True), ("suffix:x", True), ("seconds", False), ("", False)],
)
def test_units_of_grafana(unit: str, known: bool) -> None:
    """A unit that Grafana does not know is shown as text behind the number."""
    assert units.exists(unit) is known
