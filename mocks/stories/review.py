"""A long answer: the review of a year, in rich markdown, arriving in exactly 600 deltas."""

from __future__ import annotations

from decimal import Decimal

from mocks.cassette import Cassette, Match
from mocks.stories.deltas import split
from mocks.stories.figures import amount, by_key, change, share, total
from mocks.stories.results import Result
from mocks.stories.writer import ThreadIds, Turn, cassette, interaction

DELTAS = 600
DOCS = "https://docs.snowflake.com/en/user-guide/snowflake-cortex"

CATEGORIES_SQL = """\
SELECT p.category,
       SUM(IFF(o.order_year = 2024, o.net_amount, 0)) AS net_sales_2024,
       SUM(IFF(o.order_year = 2025, o.net_amount, 0)) AS net_sales_2025
FROM CORTEX_BENCH_DB.SALES.ORDERS AS o
JOIN CORTEX_BENCH_DB.SALES.PRODUCTS AS p ON p.product = o.product
WHERE o.region IN ('EMEA', 'APAC') AND o.order_year IN (2024, 2025)
GROUP BY p.category
ORDER BY net_sales_2025 DESC"""

REGIONS_SQL = """\
SELECT region,
       SUM(IFF(order_year = 2024, net_amount, 0)) AS net_sales_2024,
       SUM(IFF(order_year = 2025, net_amount, 0)) AS net_sales_2025,
       COUNT(IFF(order_year = 2025, 1, NULL)) AS orders_2025
FROM CORTEX_BENCH_DB.SALES.ORDERS
WHERE region IN ('EMEA', 'APAC') AND order_year IN (2024, 2025)
GROUP BY region
ORDER BY net_sales_2025 DESC"""


def long_answer() -> Cassette:
    """Two queries and a text of six hundred pieces."""
    turn = Turn("long_answer", ThreadIds(95, 741, 742), text_pace=(15, 30))
    turn.plan()
    turn.thinking("A review compares like with like: EMEA and APAC in both years, since the Americas are gone.")
    turn.semantic_context("net sales 2024 and 2025 by region and by category", ["ORDERS", "PRODUCTS"])
    regions = turn.sql(REGIONS_SQL)
    categories = turn.sql(CATEGORIES_SQL)
    turn.conclude()
    text = "\n\n".join(
        [
            _summary(regions.result, categories.result),
            _regions(regions.result),
            _categories(categories.result),
            _notes(),
            _outlook(),
        ]
    )
    turn.text(text, split(text, DELTAS), annotations=[])
    turn.suggested("Show me 2025 in three charts", "Which products are returned most often?")
    turn.finish()
    asked = Match(last_user_text="Write the sales review for 2025")
    return cassette(turn.name, "a long markdown answer in 600 deltas", "cortex-wire 1.6, 1.7", interaction(asked, turn))


def _summary(regions: Result, categories: Result) -> str:
    old, new = _totals(regions)
    steps = {name: after - before for name, before, after in zip(*_by_category(categories), strict=True)}
    best = max(steps, key=lambda name: steps[name])
    return (
        "# Sales review 2025\n\n"
        f"Net sales reached **{amount(new)}**, {change(old, new)} on the same regions in 2024. It was the first year "
        "without the Americas, which were sold on 31 December 2024; all comparisons below leave them out, so that "
        "growth means growth and not a change of the map.\n\n"
        f"> **In one sentence:** both regions grew, and {share(steps[best], new - old)} of the growth came from "
        f"{best.lower()}."
    )


def _regions(regions: Result) -> str:
    old, new = by_key(regions, "NET_SALES_2024"), by_key(regions, "NET_SALES_2025")
    orders = by_key(regions, "ORDERS_2025")
    company = total(new.values())
    parts = "\n".join(
        f"- **{region}**: {amount(new[region])}, {share(new[region], company)} of the company\n"
        f"  - growth: {change(old[region], new[region])} on {amount(old[region])}\n"
        f"  - orders: {orders[region]}, on average {amount(new[region] / orders[region])} each\n"
        f"  - step: {amount(new[region] - old[region])} more than in 2024"
        for region in new
    )
    first, second = new
    return (
        f"## Regions\n\n{parts}\n\n"
        f"{second} grew faster than {first}. If both went on like this, {second} would overtake {first} in "
        f"{_years(old, new, second, first)} years."
    )


def _years(old: dict[str, Decimal], new: dict[str, Decimal], faster: str, larger: str) -> int:
    """Whole years until one region overtakes the other, both growing as they did this year."""
    ahead, behind, years = new[larger], new[faster], 0
    assert new[faster] / old[faster] > ahead / old[larger], "the larger region would never be overtaken"
    while behind < ahead:
        ahead, behind, years = ahead * new[larger] / old[larger], behind * new[faster] / old[faster], years + 1
    return years


def _categories(categories: Result) -> str:
    old, new = by_key(categories, "NET_SALES_2024"), by_key(categories, "NET_SALES_2025")
    rows = "\n".join(
        f"| {name} | {old[name]:,.2f} | {new[name]:,.2f} | {change(old[name], new[name])} |" for name in new
    )
    best = max(new, key=lambda name: new[name] / old[name])
    first, *_ = new
    return (
        "## Products\n\n"
        "| Category | 2024, k€ | 2025, k€ | Change |\n"
        "|---|---:|---:|---:|\n"
        f"{rows}\n\n"
        f"**{first}** remains the backbone; **{best}** grew fastest. The table comes from this statement, which you "
        f"can run yourself:\n\n```sql\n{CATEGORIES_SQL};\n```"
    )


def _notes() -> str:
    return (
        "## How to read these figures\n\n"
        "1. Amounts are net of tax, in thousands of EUR.\n"
        "2. An order counts on the day on which it was placed:\n"
        "   - a day closes at 18:00 UTC,\n"
        "   - later orders belong to the next day.\n"
        "3. Returns are _not_ deducted; ask “Which products are returned most often?” to see them.\n\n"
        f"How an answer like this one is made is described in [running an agent]({DOCS}/cortex-agents-run) and, for "
        f"conversations, in [threads]({DOCS}/cortex-agents-threads-rest-api)."
    )


def _outlook() -> str:
    return (
        "## What to watch in 2026\n\n"
        "- [x] The Americas are out of every comparison.\n"
        "- [ ] Large machine orders are welcome; plan them ~~with~~ **apart from** the daily business.\n"
        "- [ ] The last quarter decides the year: stock in Zürich and 東京 has to be there by October. 📦"
    )


def _totals(regions: Result) -> tuple[Decimal, Decimal]:
    old, new = regions.numbers("NET_SALES_2024"), regions.numbers("NET_SALES_2025")
    return total(old), total(new)


def _by_category(categories: Result) -> tuple[list[str], list[Decimal], list[Decimal]]:
    names = [str(row[0]) for row in categories.rows]
    return names, categories.numbers("NET_SALES_2024"), categories.numbers("NET_SALES_2025")
