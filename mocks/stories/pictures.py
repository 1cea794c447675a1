"""One answer with a bar chart, a line chart and a scatter plot, text between them."""

from __future__ import annotations

from collections.abc import Callable

from mocks.cassette import Cassette, Match
from mocks.stories.charts import channel, spec
from mocks.stories.figures import amount, by_key, share, total
from mocks.stories.results import Result
from mocks.stories.writer import Answer, ThreadIds, Turn, cassette, interaction

Drawing = Callable[[Result], str]

COUNTRIES_SQL = """\
SELECT country, SUM(net_amount) AS net_sales
FROM CORTEX_BENCH_DB.SALES.ORDERS
WHERE order_year = 2025 AND country IS NOT NULL
GROUP BY country
ORDER BY net_sales DESC"""

MONTHS_SQL = """\
SELECT DATE_TRUNC('MONTH', order_date)::DATE AS month, region, SUM(net_amount) AS net_sales
FROM CORTEX_BENCH_DB.SALES.ORDERS
WHERE order_year = 2025
GROUP BY 1, 2
ORDER BY 1, 2"""

CUSTOMERS_SQL = """\
SELECT c.customer_name, c.segment, COUNT(*) AS orders, SUM(o.net_amount) AS net_sales
FROM CORTEX_BENCH_DB.SALES.ORDERS AS o
JOIN CORTEX_BENCH_DB.SALES.CUSTOMERS AS c ON c.customer_id = o.customer_id
WHERE o.order_year = 2025
GROUP BY 1, 2
ORDER BY 4 DESC, 1"""


def three_charts() -> Cassette:
    """Three queries, three charts."""
    turn = Turn("three_charts", ThreadIds(92, 711, 712))
    turn.plan()
    turn.thinking(
        "Three views tell the year: where we sold, when we sold, and to whom. One query and one chart for each."
    )
    turn.semantic_context("net sales 2025 by country, month and customer", ["ORDERS", "CUSTOMERS"])
    countries, bars = _charted(turn, COUNTRIES_SQL, _bars)
    months, lines = _charted(turn, MONTHS_SQL, _lines)
    buyers, points = _charted(turn, CUSTOMERS_SQL, _points)
    turn.conclude()
    turn.text(_where(countries.result, months.result), annotations=[])
    turn.chart(*bars)
    turn.text(_when(months.result), annotations=[])
    turn.chart(*lines)
    turn.text(_to_whom(buyers.result), annotations=[])
    turn.chart(*points)
    turn.suggested("Net sales by region", "How did EMEA develop month by month?")
    turn.finish()
    asked = Match(last_user_text="Show me 2025 in three charts")
    return cassette(
        turn.name, "bar, line and scatter chart in one turn", "cortex-wire 1.6, 1.7, 9", interaction(asked, turn)
    )


def _charted(turn: Turn, sql: str, drawing: Drawing) -> tuple[Answer, tuple[str, str]]:
    answer = turn.sql(sql)
    text = drawing(answer.result)
    return answer, (turn.draw(answer, text), text)


def _bars(result: Result) -> str:
    return spec(
        "Net sales 2025 by country, k€",
        "bar",
        result,
        x=channel("NET_SALES", "quantitative", title="Net sales, k€"),
        y=channel("COUNTRY", "nominal", sort="-x", title=None),
        tooltip=[channel("COUNTRY", "nominal"), channel("NET_SALES", "quantitative")],
    )


def _lines(result: Result) -> str:
    return spec(
        "Net sales 2025 by month, k€",
        {"type": "line", "point": True},
        result,
        x=channel("MONTH", "temporal", timeUnit="utcyearmonth", title=None),
        y=channel("NET_SALES", "quantitative", title="Net sales, k€"),
        color=channel("REGION", "nominal", title="Region"),
    )


def _points(result: Result) -> str:
    return spec(
        "Customers 2025: orders and net sales",
        "point",
        result,
        x=channel("ORDERS", "quantitative", title="Orders"),
        y=channel("NET_SALES", "quantitative", title="Net sales, k€"),
        color=channel("SEGMENT", "nominal", title="Segment"),
        tooltip=[channel("CUSTOMER_NAME", "nominal"), channel("NET_SALES", "quantitative")],
    )


def _where(countries: Result, months: Result) -> str:
    (first, top), (second, next_best), *_ = by_key(countries, "NET_SALES").items()
    year = total(months.numbers("NET_SALES"))  # the months have every order; some orders carry no country
    return (
        f"**Where.** {first} leads with {amount(top)}, ahead of {second} with {amount(next_best)}; together they make "
        f"{share(top + next_best, year)} of the year.\n"
    )


def _when(result: Result) -> str:
    best = max(result.records(), key=lambda row: row["NET_SALES"])
    return (
        f"**When.** Both regions live on the last quarter 🎁. The best single month was {best['REGION']}'s "
        f"{best['MONTH'][:7]} with {best['NET_SALES']:,.2f} k€.\n"
    )


def _to_whom(result: Result) -> str:
    top, *others = result.numbers("NET_SALES")
    all_known = total([top, *others])
    return (
        f"**To whom.** {len(result.rows)} known customers ordered. One of them, _{result.rows[0][0]}_, stands far "
        f"above the cloud: {amount(top)}, {share(top, all_known)} of what known customers bought."
    )
