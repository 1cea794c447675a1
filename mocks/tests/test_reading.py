"""Questions that rules can put together, and those they must not."""

from __future__ import annotations

import pytest

from fixtures.bench.semantics import bench_model
from mocks.snowflake.analyst.lexicon import Lexicon, Ref
from mocks.snowflake.analyst.reading import Reading, read

LEXICON = Lexicon(bench_model())
SALES, ORDERS = Ref("orders", "net_sales"), Ref("orders", "order_count")
REGION = (Ref("orders", "region"), Ref("customers", "region"))
COUNTRY = (Ref("orders", "country"), Ref("customers", "country"))
CHANNEL = (Ref("orders", "channel"),)
IN_REGION, IN_COUNTRY = (Ref("orders", "region"),), (Ref("orders", "country"),)


def reading_of(question: str) -> Reading | None:
    """What a question asks for on the benchmark's model."""
    return read(LEXICON.read(question))


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What are our net sales?", Reading(SALES)),
        ("Net sales by region", Reading(SALES, (REGION,))),
        ("net sales per region and channel", Reading(SALES, (REGION, CHANNEL))),
        ("net sales by region, channel", Reading(SALES, (REGION, CHANNEL))),
        ("net sales by the region, by channel", Reading(SALES, (REGION, CHANNEL))),
        ("revenue for each region in 2024", Reading(SALES, (REGION,), (2024,))),
        ("How many orders came in 2024 and 2023", Reading(ORDERS, years=(2023, 2024))),
        ("sales from 2023 to 2025", Reading(SALES, years=(2023, 2025), is_range=True)),
        ("sales between 2025 and 2024", Reading(SALES, years=(2024, 2025), is_range=True)),
        (
            "orders of EMEA and APAC in Germany",
            Reading(ORDERS, values=((IN_REGION, "EMEA"), (IN_REGION, "APAC"), (IN_COUNTRY, "Germany"))),
        ),
        ("top 5 countries by net sales in 2025", Reading(SALES, (COUNTRY,), (2025,), limit=5)),
        ("Show me the top 3 regions by revenue", Reading(SALES, (REGION,), limit=3)),
        ("by channel", Reading(None, (CHANNEL,))),
        ("only EMEA, please", Reading(values=((IN_REGION, "EMEA"),))),
        ("and in 2024?", Reading(years=(2024,))),
    ],
)
def test_what_is_understood(question: str, expected: Reading) -> None:
    """Metric, grouping, filters and a limit, wherever fillers stand."""
    assert reading_of(question) == expected


@pytest.mark.parametrize(
    "question",
    [
        "net sales by moon phase",
        "net sales without EMEA",
        "net sales excluding 2024",
        "net sales and number of orders by region",
        "net sales region",
        "average net sales by region",
        "share of net sales by region",
        "net sales last year",
        "net sales since 2024",
        "net sales from 2023 to 2024 and 2025",
        "net sales to 2024",
        "net sales to Germany",
        "net sales over 100",
        "net sales in 1800",
        "net sales in 20255",
        "top countries by net sales",
        "top 0 countries by net sales",
        "top 5000 countries by net sales",
        "top 5 top 3 countries by net sales",
        "lowest 5 countries by net sales",
        "list orders of 2024",
        "please",
        "",
    ],
)
def test_what_is_not_understood(question: str) -> None:
    """One piece without a place, and nothing is read: half an understanding answers another question."""
    assert reading_of(question) is None


@pytest.mark.parametrize(
    ("own", "whole"),
    [
        (
            Reading(values=((IN_REGION, "EMEA"),)),
            Reading(SALES, (COUNTRY,), (2023, 2024), True, ((IN_COUNTRY, "Japan"), (IN_REGION, "EMEA")), 5),
        ),
        (
            Reading(values=((IN_COUNTRY, "France"),)),
            Reading(SALES, (COUNTRY,), (2023, 2024), True, ((IN_COUNTRY, "France"),), 5),
        ),
        (Reading(None, (CHANNEL,)), Reading(SALES, (CHANNEL,), (2023, 2024), True, ((IN_COUNTRY, "Japan"),), 5)),
        (Reading(years=(2025,)), Reading(SALES, (COUNTRY,), (2025,), False, ((IN_COUNTRY, "Japan"),), 5)),
        (Reading(limit=3), Reading(SALES, (COUNTRY,), (2023, 2024), True, ((IN_COUNTRY, "Japan"),), 3)),
        (Reading(ORDERS), Reading(ORDERS)),
    ],
    ids=["another filter", "the same filter", "another grouping", "another year", "another limit", "another metric"],
)
def test_a_question_leans_on_the_one_before(own: Reading, whole: Reading) -> None:
    """What it does not say stays as it was; a metric of its own begins anew."""
    previous = Reading(SALES, (COUNTRY,), (2023, 2024), True, ((IN_COUNTRY, "Japan"),), 5)
    assert own.after(previous) == whole


@pytest.mark.parametrize("previous", [None, Reading(None, (CHANNEL,))])
def test_nothing_to_lean_on(previous: Reading | None) -> None:
    """A filter alone asks nothing."""
    assert Reading(years=(2025,)).after(previous) is None
