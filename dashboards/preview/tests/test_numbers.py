"""Numbers are written as Grafana writes them."""

from __future__ import annotations

import math

import pytest

from dashboards.preview import numbers


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0034, "s", "3.4 ms"),
        (0.99999, "s", "1 s"),
        (10.5, "s", "10.5 s"),
        (90, "s", "1.5 mins"),
        (7776000, "s", "12.9 weeks"),
        (0, "s", "0 s"),
        (250, "ms", "250 ms"),
        (2500, "ms", "2.5 s"),
        (0.995, "percentunit", "99.5%"),
        (130_023_424, "bytes", "124 MiB"),
        (892.4, "currencyUSD", "$892"),
        (1234, "currencyUSD", "$1.23K"),
        (-0.5, "currencyUSD", "-$0.5"),
        (3412, "short", "3.41 K"),
        (0.05, "reqps", "0.05 req/s"),
        (12_000, "cps", "12K c/s"),
        (14.4, "none", "14.4"),
        (1500, "none", "1500"),
        (3, "days of rain", "3 days of rain"),
        (math.nan, "s", "–"),
    ],
)
def test_a_value_has_three_digits_and_its_unit(value: float, unit: str, text: str) -> None:
    """In the largest unit that it reaches."""
    assert numbers.text(value, unit) == text


@pytest.mark.parametrize(
    ("value", "unit", "size"), [(100, "s", 60), (0.5, "s", 1e-3), (3e6, "bytes", 2**20), (7, "", 1)]
)
def test_the_size_of_a_unit_is_that_of_the_text(value: float, unit: str, size: float) -> None:
    """So that ticks at whole multiples are whole numbers."""
    assert numbers.size(value, unit) == size
