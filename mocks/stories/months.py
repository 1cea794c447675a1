"""A question that takes thought: several thinking blocks between queries, then a chart and a short reading of it."""

from __future__ import annotations

from mocks.cassette import Cassette, Match
from mocks.stories.charts import channel, spec
from mocks.stories.figures import amount, change, share, total
from mocks.stories.results import Result
from mocks.stories.writer import ThreadIds, Turn, cassette, interaction

MONTHS_SQL = """\
SELECT DATE_TRUNC('MONTH', order_date)::DATE AS month, SUM(net_amount) AS net_sales
FROM CORTEX_BENCH_DB.SALES.ORDERS
WHERE region = 'EMEA' AND order_year IN (2024, 2025)
GROUP BY 1
ORDER BY 1"""

JUNE_SQL = """\
SELECT order_id, order_date, country, product, quantity, net_amount
FROM CORTEX_BENCH_DB.SALES.ORDERS
WHERE region = 'EMEA' AND order_date BETWEEN '2025-06-01' AND '2025-06-30'
ORDER BY net_amount DESC, order_id
LIMIT 3"""

PLAN = (
    "“Month by month” asks for a time series. The user has just seen 2025, so 2025 is the year meant; without the year "
    "before, though, a season looks like a trend. I take both years, one row per month, and draw one line. Returns sit "
    "in their own table and do not lower these figures."
)
DOUBT = (
    "The last quarter is strong in both years, as it should be in this trade. But June 2025 sticks out, and June 2024 "
    "does not. A season would show twice. It may be one large order, or an amount typed in EUR instead of thousands. "
    "Before I write about it I look at the largest orders of that month."
)
VERDICT = (
    "One order of espresso machines explains the peak: price times quantity fits the price list, so it is real. "
    "Without it June is an ordinary month. I say so, because nobody should plan next June on it."
)


def long_thinking() -> Cassette:
    """Three blocks of thought, two queries, a line chart."""
    turn = Turn("long_thinking", ThreadIds(77, 503, 504))
    turn.plan()
    turn.thinking(PLAN)
    turn.semantic_context("EMEA net sales by month, 2024 and 2025", ["ORDERS"])
    months = turn.sql(MONTHS_SQL)
    turn.status("reevaluating_plan", "Reevaluating the plan")
    turn.thinking(DOUBT)
    june = turn.sql(JUNE_SQL)
    turn.thinking(VERDICT)
    line = spec(
        "EMEA: net sales by month, k€",
        {"type": "line", "point": True},
        months.result,
        x=channel("MONTH", "temporal", timeUnit="utcyearmonth", title=None),
        y=channel("NET_SALES", "quantitative", title="Net sales, k€"),
    )
    use_id = turn.draw(months, line)
    turn.conclude()
    turn.chart(use_id, line)
    turn.text(_reading(months.result, june.result), annotations=[])
    turn.suggested("Show me 2025 in three charts", "Walk me through the biggest orders of 2025")
    turn.finish()
    asked = Match(last_user_text="How did EMEA develop month by month?")
    return cassette(turn.name, "the agent thinks at length", "cortex-wire 1.6, 1.7", interaction(asked, turn))


def _reading(months: Result, june: Result) -> str:
    sales = months.numbers("NET_SALES")
    old, new = sales[:12], sales[12:]
    names = [str(row[0])[:7] for row in months.rows[12:]]
    best = max(range(12), key=lambda at: new[at])
    worst = min(range(12), key=lambda at: new[at])
    ahead = sum(after > before for before, after in zip(old, new, strict=True))
    order = june.numbers("NET_AMOUNT")[0]
    return (
        f"## EMEA in 2025: {change(total(old), total(new))}\n\n"
        f"EMEA sold {amount(total(new))}, after {amount(total(old))} in 2024, and beat the year before in **{ahead} of "
        "12 months**.\n\n"
        f"- **Best month:** {names[best]} with {amount(new[best])}; the last quarter made "
        f"{share(total(new[9:]), total(new))} of the year 📈\n"
        f"- **Weakest month:** {names[worst]} with {amount(new[worst])}\n"
        f"- **One exception:** June looks strong with {amount(new[5])}, but a single order ({june.rows[0][4]} × "
        f"{june.rows[0][3]}, {june.rows[0][2]}) is {amount(order)} of it. Without it, June had "
        f"{amount(new[5] - order)}.\n\n"
        "> Plan next June without that order."
    )
